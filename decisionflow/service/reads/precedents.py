"""What was decided before on the question whether a matter is a major decision: the recorded yes and no.

Judgements come from cases of `scope-question`, and from cases of decision procedures that were found to be excluded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts
from decisionflow.service.reads.stored import Stored

JUDGED = {"judge_major": True, "judge_not_major": False, "exclude": False, "start": True}


@dataclass(frozen=True, slots=True)
class Precedent:
    """An earlier judgement: of which matter, when, by whom, with what reason."""

    no: str
    title: str
    klass: str
    class_title: str
    major: bool
    ground: str
    reason: str
    on: date
    post: str


def precedents(cases: Iterable[Stored], *, words: str = "", klass: str = "") -> tuple[Precedent, ...]:
    """The judgements in these cases, the newest first; those that hold the words, or are of a class."""
    found = [
        judged
        for one in cases
        for judged in _of(one.procedure, one.facts)
        if (not words or words in judged.title or words in judged.reason) and klass in ("", judged.klass)
    ]
    return tuple(sorted(found, key=lambda one: (one.on, one.no), reverse=True))


def _of(procedure: law.Procedure, facts: Facts) -> Iterator[Precedent]:
    if "class" not in {spec.id for spec in procedure.matter}:
        return
    for act in facts.acts:
        if act.action in JUDGED:
            yield _precedent(procedure, facts, act)
            return


def _precedent(procedure: law.Procedure, facts: Facts, act: Act) -> Precedent:
    klass = str(facts.matter.get("class", ""))
    titles = next(spec.choices for spec in procedure.matter if spec.id == "class")
    action = procedure.action(act.action)
    spec = action.field("ground") if action else None
    ground = str(act.fields.get("ground", ""))
    return Precedent(
        facts.no, facts.title, klass, titles.get(klass, klass), JUDGED[act.action],
        spec.choices.get(ground, ground) if spec else ground, str(act.fields.get("reason", "")), act.on, act.party.post_title,
    )  # fmt: skip
