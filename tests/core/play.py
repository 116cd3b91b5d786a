"""Playing acts through the pure core: a procedure, a list of acts, and the facts they make.

    facts = play(procedure, [Do("propose", "2021-03-01", "proposer", {"title": …}), …])
    outcome = attempt(procedure, facts, Do("start", "2021-03-05", "chief", {…}))

No database: each act is read by its fields, judged by `core.step.decide`, and folded from the same kind
of record that the trail would hold. Facts never change, so a history can be branched at any point.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Any

from decisionflow.core import calendar as days
from decisionflow.core import fields, step
from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.core.facts import SHANGHAI, Facts, Paper, Party, Record, Text, Timing, fold, stamp
from decisionflow.core.step import Outlook, Refused, Taken

WORKFLOWS = Path(__file__).parents[2] / "workflows"


@dataclass(frozen=True, slots=True)
class Do:
    """One act: what, on which day, for which duty, with which fields, papers and new text.

    `person` is who acts (one person a duty, unless named). `entered` makes it a late entry of that day,
    with `evidence`.
    """

    action: str
    on: str
    by: str
    given: Mapping[str, Any] = field(default_factory=dict)
    papers: tuple[str, ...] = ()
    text: str = ""
    person: str = ""
    entered: str = ""
    evidence: str = ""

    @property
    def party(self) -> Party:
        """The person acting, in the post that carries the duty."""
        person = self.person or f"{self.by}-1"
        return Party(person, person, f"post-{self.by}", self.by, f"unit-{self.by}", self.by, self.by)

    @property
    def timing(self) -> Timing:
        """When it happened and when it is entered."""
        happened = self._at(self.on)
        return Timing(self._at(self.entered), happened, self.evidence) if self.entered else Timing(happened)

    @staticmethod
    def _at(day: str) -> datetime:
        return datetime.combine(datetime.fromisoformat(day), time(10), SHANGHAI)


class Refusal(AssertionError):
    """An act of a history that was to be taken was not."""


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
    """The facts after all acts. Raises Refusal at the first that is not taken, BadInput when its form is wrong."""
    for act in acts:
        if facts is None:
            facts = opened(procedure, act)
        outcome = attempt(procedure, facts, act)
        if isinstance(outcome, Refused):
            found = "；".join(f"{finding.rule} {finding.say} {finding.detail}" for finding in outcome.blocking)
            raise Refusal(f"{act.action} on {act.on}: {found}")
        facts = after(procedure, facts, act, outcome)
    if facts is None:
        raise ValueError("a history has at least one act")
    return facts


def attempt(procedure: law.Procedure, facts: Facts, act: Do) -> Taken | Refused:
    """What the core says to an act."""
    return step.decide(procedure, command(procedure, facts, act), facts, official())


def preview(procedure: law.Procedure, facts: Facts, action: str, on: str, by: str) -> Outlook:
    """What the core says of an action before anybody fills in its form."""
    at = Do(action, on, by)
    return step.preview(procedure, action, facts, official(), on=at.timing.on, party=at.party)


def command(procedure: law.Procedure, facts: Facts, act: Do) -> step.Command:
    """The act as the step wants it: fields read, papers and text named by content."""
    specs = step.find(procedure, act.action).fields
    given = fields.read(specs, act.given, now=act.timing.now, matter=facts.matter)
    papers = tuple(Paper(kind, kind, digest(kind + act.on), 1, "text/plain", f"{kind}.txt") for kind in act.papers)
    text = Text(facts.text.version + 1 if facts.text else 1, digest(act.text), 1, facts.title) if act.text else None
    return step.Command(act.action, act.party, act.timing.on, given, papers, text)


def opened(procedure: law.Procedure, act: Do) -> Facts:
    """A new case: every track at its first stage."""
    body = {"no": "YH-1", "title": str(act.given.get("title", "")), "stages": procedure.initial(),
            "procedure": {"digest": procedure.digest}}  # fmt: skip
    return fold(None, record("case.opened", body, act, 1))


def after(procedure: law.Procedure, facts: Facts, act: Do, taken: Taken) -> Facts:
    """The facts with a taken act folded in."""
    asked, action = command(procedure, facts, act), taken.action
    given = dict(asked.fields)
    bound = asked.text or facts.text
    body: dict[str, Any] = {
        "action": action.id, "title": action.title, "track": action.track, "round": facts.rounds[action.track],
        "before": taken.before, "after": taken.after, "stages": dict(taken.stages), "fields": given,
        "papers": [asdict(paper) for paper in asked.papers],
        "resets": list(taken.resets), "matter": {name: given[name] for name in action.sets if name in given},
        "assigns": {duty: held(given[name]) for duty, name in action.assigns.items() if name in given},
        "deviations": [judgement.gate for judgement in taken.deviations], "new_text": bool(asked.text),
    }  # fmt: skip
    if bound is not None:
        body["text"] = asdict(bound)
    return fold(facts, record("step.taken", body, act, facts.seq + 1))


def record(kind: str, body: Mapping[str, Any], act: Do, seq: int) -> Record:
    """An entry's record, as far as the fold looks at it."""
    party, timing = act.party, act.timing
    times = {"recorded_at": stamp(timing.now), "happened_at": stamp(timing.at)}
    if timing.late:
        times |= {"late": True, "evidence": timing.evidence}  # type: ignore[dict-item]
    return {
        "kind": kind,
        "id": f"e{seq}",
        "chain": {"id": "case", "seq": seq},
        "times": times,
        "actor": asdict(party),
        "body": body,
    }


def held(value: Any) -> list[dict[str, str]]:
    """Who holds a duty of the case: a unit, or the units named in rows."""
    return [value] if isinstance(value, dict) else [row["unit"] for row in value]


def digest(text: str) -> str:
    """The digest that a text goes by in these histories."""
    return hashlib.sha256(text.encode()).hexdigest()
