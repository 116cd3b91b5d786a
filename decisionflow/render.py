"""THE PRESS: the one Jinja environment, for pages, mails and documents.

Everything is escaped but the plain text of mails, and nothing can be marked as safe; a name that is
not given is an error, never an empty place. Filters only format: dates, moments, numbers and hashes, in
the words of the house.
"""

from __future__ import annotations

from dataclasses import dataclass
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


UNITS = {"day": "日", "workday": "个工作日"}


def number(value: int, unit: str = "") -> str:
    """A number with its unit, never without: ``9日``, ``2个工作日``, ``3项``."""
    return f"{value}{UNITS.get(unit, unit)}"


def size(count: int) -> str:
    """The size of a file: ``820 字节``, ``12 KB``, ``3.4 MB``."""
    if count < 1024:
        return f"{count} 字节"
    return f"{count / 1024:.0f} KB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MB"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail's three texts."""

    subject: str
    text: str
    html: str


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(paths.TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        autoescape=select_autoescape(disabled_extensions=("txt",), default=True, default_for_string=True),
        auto_reload=False,
    )  # fmt: skip
    made.filters |= {"day": day, "moment": moment, "iso": iso, "number": number, "short": short, "grouped": grouped}
    made.filters["size"] = size
    del made.filters["safe"]
    return made


environment = _environment()


def page(name: str, **values: Any) -> str:
    """A page of `templates/pages`."""
    return environment.get_template(f"pages/{name}.html").render(**values)


def document(name: str, **values: Any) -> str:
    """A document of `templates/documents`."""
    return environment.get_template(f"documents/{name}").render(**values)


def mail(name: str, **values: Any) -> Mail:
    """A mail of `templates/mails`; the subject is one line whatever the values hold."""
    subject, text, html = (
        environment.get_template(f"mails/{name}/{part}").render(**values)
        for part in ("subject.txt", "body.txt", "body.html")
    )
    return Mail(" ".join(subject.split()), text, html)
