"""决策体检: for every binding act that is still ahead, what of its conditions holds today and what is missing.

The same gates that will judge the act, asked as if the case had come as far: red bars the way, amber wants a reason or
an answer on the form, green holds. Then the papers of the dossier. Nothing here is stored, and asking leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from decisionflow.core import plan
from decisionflow.core import procedure as law
from decisionflow.core import step as core
from decisionflow.core.facts import legal_date
from decisionflow.core.gates import Finding
from decisionflow.service.actors import duty_for
from decisionflow.service.reads import case as cases
from decisionflow.service.reads import refusals, why
from decisionflow.service.reads.case import View


@dataclass(frozen=True, slots=True)
class Ahead:
    """An act still to come: what bars it, what it will ask, and what holds."""

    action: str
    title: str
    red: tuple[refusals.Part, ...]
    amber: tuple[refusals.Part, ...]
    green: tuple[why.Condition, ...]

    @property
    def state(self) -> str:
        """The colour of the whole: red, amber or green."""
        return "red" if self.red else "amber" if self.amber else "green"


@dataclass(frozen=True, slots=True)
class Health:
    """A case looked over: the acts ahead in their order, and the papers that are not there."""

    ahead: tuple[Ahead, ...]
    papers: tuple[cases.Section, ...]
    progress: str


def check(at: View) -> Health:
    """What is missing for each binding act ahead and for a complete dossier."""
    papers = cases.checklist(at)
    lacking = (cases.Section(one.title, tuple(row for row in one.rows if _lacks(row))) for one in papers)
    return Health(tuple(_ahead(at)), tuple(one for one in lacking if one.rows), cases.progress(papers))


def _lacks(row: cases.Row) -> bool:
    """Whether a paper is not there and will be asked for, as things are now."""
    return row.status in ("todo", "wait") and row.hint != cases.NOT_NEEDED


def _ahead(at: View) -> Iterator[Ahead]:
    procedure, facts = at.procedure, at.facts
    if procedure.is_ended(facts.stages):
        return
    main, last = next(iter(procedure.goal)), plan.goals(procedure)
    goal = last[-1].id if last else ""
    for stop in plan.way(procedure, facts, _finish(procedure) or goal):
        if stop.action.track == main and stop.action.binding:
            yield _one(at, stop.action)


def _finish(procedure: law.Procedure) -> str:
    """The act that brings the main line to the first stage of the goal."""
    main, stages = next(iter(procedure.goal.items()))
    spec = procedure.tracks[main]
    first = next((stage for stage in spec.stages if stage in stages), "")
    found = (one for one in procedure.actions if one.track == main and one.to == first and one.todo)
    return next((one.id for one in found), "")


def _one(at: View, action: law.Action) -> Ahead:
    procedure, facts = at.procedure, at.facts
    party = why.holder(procedure, action, facts, at.everybody)
    outlook = core.ahead(
        procedure, action, facts, at.standing.calendar, on=legal_date(at.now),
        party=party.party(duty_for(procedure, action, party, facts) or action.by[0]),
    )  # fmt: skip
    red = tuple(refusals.part(one, at.lookout) for one in outlook.findings if _bars(one))
    amber = tuple(refusals.part(one, at.lookout) for one in (*outlook.findings, *outlook.asked) if not _bars(one))
    return Ahead(action.id, action.title, red, amber, tuple(why.conditions(procedure, outlook.passed)))


def _bars(one: Finding) -> bool:
    return one.blocking and one.strength == "must"
