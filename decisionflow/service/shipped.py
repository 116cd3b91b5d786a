"""The rules, procedures and calendars that come with this release, read from their files.

No database: the offline commands (`deadline`, `procedures lint`) need nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path

from decisionflow import paths
from decisionflow.core import calendar as days
from decisionflow.core import procedure as law
from decisionflow.core import source as files


def calendar_files() -> Sequence[Path]:
    """The year files, oldest first."""
    return sorted(paths.CALENDARS.glob("*.yaml"))


@lru_cache(maxsize=64)
def calendar(name: str = "CN", known_on: date | None = None) -> days.Calendar:
    """The calendar of the shipped years, local days over national ones; with `known_on`, as it was known on that day."""
    names = {name, name.partition("-")[0]}
    found = [path for path in calendar_files() if path.name.rpartition("-")[0] in names]
    if not any(path.name.rpartition("-")[0] == name for path in found):
        return days.Calendar(name)
    return days.assemble(name, (days.read_year(path.read_text("utf-8"), path.name) for path in found), known_on)


def procedure_files() -> Sequence[Path]:
    """The procedure files, by id and version."""
    return sorted(
        path for path in paths.WORKFLOWS.glob("*/*.yaml") if path.parent not in (paths.RULES, paths.CALENDARS)
    )


@lru_cache(maxsize=8)
def registry(folder: Path = paths.RULES) -> law.Registry:
    """All rules under a folder. Raises BadInput."""
    return law.registry([files.read(path.read_text("utf-8"), str(path)) for path in sorted(folder.glob("*.yaml"))])
