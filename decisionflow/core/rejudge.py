"""A history judged again under another version: which of its acts that version would not have let through.

The acts are taken in their order with the fields, papers and texts they had. One that the version refuses is
told, and the history goes on as it went, so that every later difference is seen too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from decisionflow.core import calendar as days
from decisionflow.core import machine, step
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts, Text
from decisionflow.core.gates import Finding
from decisionflow.core.trial import held


@dataclass(frozen=True, slots=True)
class Otherwise:
    """An act that was taken and would be refused; without findings: the version has no such act."""

    n: int
    on: date
    action: str
    title: str
    findings: tuple[Finding, ...]

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that would have stopped it."""
        return tuple(dict.fromkeys(one.rule for one in self.findings))


def rejudge(procedure: law.Procedure, history: Facts, calendar: days.Calendar) -> tuple[Otherwise, ...]:
    """Every act of a case that a version would have refused; () when it would have gone the same way."""
    found = []
    for act, outcome in judged(procedure, history, calendar):
        if outcome is None:
            found.append(Otherwise(act.n, act.on, act.action, act.title, ()))
        elif isinstance(outcome, step.Refused):
            found.append(Otherwise(act.n, act.on, act.action, act.title, outcome.blocking))
    return tuple(found)


def judged(
    procedure: law.Procedure, history: Facts, calendar: days.Calendar
) -> Iterator[tuple[Act, step.Taken | step.Refused | None]]:  # fmt: skip
    """Every act of a case with what a version would have said to it; None where it has no such act."""
    facts = _empty(procedure, history)
    for act in history.acts:
        action = procedure.action(act.action)
        if action is None:
            yield act, None
            continue
        new = act.text if action.text == "new" else None
        command = step.Command(act.action, act.party, act.on, act.fields, act.papers, new)
        yield act, step.decide(procedure, command, facts, calendar)
        facts = _go_on(procedure, action, act, facts, new)


def _empty(procedure: law.Procedure, history: Facts) -> Facts:
    stages = procedure.initial()
    return replace(
        history, procedure=procedure.digest, matter={}, stages=stages, rounds=dict.fromkeys(stages, 1),
        heads=dict.fromkeys(stages, ""), duties={}, acts=(), text=None, seq=0,
    )  # fmt: skip


def _go_on(procedure: law.Procedure, action: law.Action, act: Act, facts: Facts, new: Text | None) -> Facts:
    """The case after the act as it was taken, on the lines of this version."""
    given, chosen = act.fields, act.fields.get(action.resets_chosen, [])
    resets = (*action.resets, *(str(track) for track in (chosen if isinstance(chosen, list) else ())))
    if facts.stages[action.track] in action.source:
        stages = machine.move(procedure, facts.stages, action, resets)
    else:
        stages = {**facts.stages, action.track: action.to or facts.stages[action.track]}
    return replace(
        facts, seq=act.n, stages=stages, text=new or facts.text,
        matter={**facts.matter, **{name: given[name] for name in action.sets if name in given}},
        rounds={**facts.rounds, **{track: facts.rounds[track] + 1 for track in resets}},
        duties={**facts.duties, **{duty: tuple(held(given[name])) for duty, name in action.assigns.items() if name in given}},
        acts=(*facts.acts, replace(act, track=action.track, round=facts.rounds[action.track])),
    )  # fmt: skip
