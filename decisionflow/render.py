"""THE PRESS: the one Jinja environment, for pages, mails and documents.

Everything is escaped whatever the template's suffix; a name that is not given is an error, never an
empty place. Filters only format: dates, moments and hashes, in the words of the house.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from decisionflow import paths
from decisionflow.core.calendar import say_day
from decisionflow.core.facts import SHANGHAI


def day(value: date | str | None) -> str:
    """``2026年12月2日（周三）``."""
    if not value:
        return ""
    return say_day(date.fromisoformat(value) if isinstance(value, str) else value)


def moment(value: datetime | str | None) -> str:
    """``2026-12-02 10:32`` in Shanghai."""
    if not value:
        return ""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def iso(value: date | None) -> str:
    """``2026-12-02``, for tables."""
    return value.isoformat() if value else ""


def short(value: str) -> str:
    """The first eight characters of a hash."""
    return value[:8]


def grouped(value: str) -> str:
    """A hash in groups of four, so that a person can read it out."""
    return " ".join(value[n : n + 4] for n in range(0, len(value), 4))


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(paths.TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        autoescape=select_autoescape(disabled_extensions=("txt",), default=True, default_for_string=True),
        auto_reload=False,
    )  # fmt: skip
    made.filters |= {"day": day, "moment": moment, "iso": iso, "short": short, "grouped": grouped}
    return made


environment = _environment()


def page(name: str, **values: Any) -> str:
    """A page of `templates/pages`."""
    return environment.get_template(f"pages/{name}.html").render(**values)
