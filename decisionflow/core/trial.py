"""Trying a procedure without a database: acts played through the pure core, and the facts they make.

    facts = play(procedure, calendar, [Do("propose", "2021-03-01", "proposer", {"title": …}), …])
    outcome = attempt(procedure, calendar, facts, Do("start", "2021-03-05", "chief", {…}))

Each act is read by its fields, judged by `core.step.decide`, and folded from the same kind of record that
the trail would hold. Facts never change, so a history can be branched at any point. Everybody acts in a
post named after the duty; papers and texts are named by content that is made up from their kind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time
from typing import Any

from decisionflow.core import calendar as days
from decisionflow.core import fields, step
from decisionflow.core import procedure as law
from decisionflow.core.facts import SHANGHAI, Facts, Paper, Party, Record, Text, Timing, fold, stamp
from decisionflow.core.step import Refused, Taken


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
        happened = at_ten(self.on)
        return Timing(at_ten(self.entered), happened, self.evidence) if self.entered else Timing(happened)


def at_ten(day: str) -> datetime:
    """Ten in the morning of a day: when acts of a trial happen."""
    return datetime.combine(date.fromisoformat(day), time(10), SHANGHAI)


class Refusal(AssertionError):
    """An act of a history that was to be taken was not."""


def play(
    procedure: law.Procedure, calendar: days.Calendar, acts: Iterable[Do], facts: Facts | None = None
) -> Facts:  # fmt: skip
    """The facts after all acts. Raises Refusal at the first that is not taken, BadInput when its form is wrong."""
    for act in acts:
        if facts is None:
            facts = opened(procedure, act)
        outcome = attempt(procedure, calendar, facts, act)
        if isinstance(outcome, Refused):
            found = "；".join(f"{finding.rule} {finding.say} {finding.detail}" for finding in outcome.blocking)
            raise Refusal(f"{act.action} on {act.on}: {found}")
        facts = after(procedure, facts, act, outcome)
    if facts is None:
        raise ValueError("a history has at least one act")
    return facts


def attempt(procedure: law.Procedure, calendar: days.Calendar, facts: Facts, act: Do) -> Taken | Refused:
    """What the core says to an act. Raises BadInput when its form is wrong."""
    return step.decide(procedure, command(procedure, facts, act), facts, calendar)


def command(procedure: law.Procedure, facts: Facts, act: Do) -> step.Command:
    """The act as the step wants it: fields read, papers and text named by content; what is computed is said too."""
    specs = [spec.model_copy(update={"computed": ""}) for spec in step.find(procedure, act.action).fields]
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
    times: dict[str, Any] = {"recorded_at": stamp(timing.now), "happened_at": stamp(timing.at)}
    if timing.late:
        times |= {"late": True, "evidence": timing.evidence}
    return {"kind": kind, "id": f"e{seq}", "chain": {"id": "case", "seq": seq}, "times": times, "actor": asdict(party),
            "body": body}  # fmt: skip


def held(value: Any) -> list[dict[str, str]]:
    """Who holds a duty of the case: a unit or person, or those named in rows."""
    if isinstance(value, dict):
        return [value]
    named = (next((cell for cell in row.values() if isinstance(cell, dict)), None) for row in value)
    return [one for one in named if one is not None]


def digest(text: str) -> str:
    """The digest that a text goes by in these histories."""
    return hashlib.sha256(text.encode()).hexdigest()
