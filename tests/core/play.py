"""Playing acts through the pure core (`core.trial`) on the shipped calendar, and the files that tests start from."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from decisionflow.core import calendar as days
from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.core import step, trial
from decisionflow.core.facts import Facts
from decisionflow.core.step import Outlook, Refused, Taken
from decisionflow.core.trial import Do, Refusal, digest

__all__ = [
    "WORKFLOWS",
    "Do",
    "Refusal",
    "attempt",
    "digest",
    "official",
    "play",
    "preview",
    "registry",
    "source",
    "without",
]
WORKFLOWS = Path(__file__).parents[2] / "workflows"


@lru_cache(maxsize=1)
def registry() -> law.Registry:
    """All rules of the project."""
    paths = sorted((WORKFLOWS / "rules").glob("*.yaml"))
    return law.registry([files.read(path.read_text("utf-8"), path.name) for path in paths])


@lru_cache(maxsize=1)
def official() -> days.Calendar:
    """The shipped calendar, newest version of each year."""
    paths = sorted((WORKFLOWS / "calendars").glob("*.yaml"))
    return days.assemble("CN", [days.read_year(path.read_text("utf-8"), path.name) for path in paths])


def source(name: str) -> files.Source:
    """The file of ``cn-major-decision@2019.1``."""
    procedure, _, version = name.partition("@")
    path = WORKFLOWS / procedure / f"{version}.yaml"
    return files.read(path.read_text("utf-8"), str(path.relative_to(WORKFLOWS)))


def without(procedure: law.Procedure, gate: str) -> law.Procedure:
    """The same procedure with one gate taken off every action."""
    data = json.loads(procedure.canonical)
    data["gates"] = [one for one in data["gates"] if one["id"] != gate]
    for action in data["actions"]:
        action["gates"] = [name for name in action.get("gates", []) if name != gate]
    return law.load(json.dumps(data).encode())


def play(procedure: law.Procedure, acts: Iterable[Do], facts: Facts | None = None) -> Facts:
    """The facts after all acts. Raises Refusal, BadInput."""
    return trial.play(procedure, official(), acts, facts)


def attempt(procedure: law.Procedure, facts: Facts, act: Do) -> Taken | Refused:
    """What the core says to an act."""
    return trial.attempt(procedure, official(), facts, act)


def preview(procedure: law.Procedure, facts: Facts, action: str, on: str, by: str) -> Outlook:
    """What the core says of an action before anybody fills in its form."""
    at = Do(action, on, by)
    return step.preview(procedure, action, facts, official(), on=at.timing.on, party=at.party)
