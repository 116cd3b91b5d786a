"""The inbox (工作台): what this person, in this post, is asked to do, most urgent first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from decisionflow.core import clocks
from decisionflow.core import step as core
from decisionflow.core.facts import legal_date
from decisionflow.service import permissions, steps
from decisionflow.service.actors import Actor, duty_for
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import lamps


@dataclass(frozen=True, slots=True)
class Todo:
    """One thing to do: in which case, which act, how urgent, and whether it is possible today."""

    no: str
    title: str
    unit: str
    action: str
    ask: str
    light: lamps.Light
    possible: bool
    why_not: str

    @property
    def href(self) -> str:
        """Where the act's own form is."""
        return f"/cases/{self.no}/do/{self.action}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A case of mine that others are holding: who, for what, since when."""

    no: str
    title: str
    holder: str
    ask: str
    light: lamps.Light


@dataclass(frozen=True, slots=True)
class Inbox:
    """Everything on the first screen."""

    todos: tuple[Todo, ...]
    waiting: tuple[Waiting, ...]
    notices: tuple[dict[str, Any], ...]
    counts: dict[str, int]


_OPEN = text("select no from case_file where authority_id = :a and ended = :no order by no")
_NOTICES = text("""
    select id, kind, title, body, href, created_at from notice
    where authority_id = :a and person_id = :p and read_at is null order by created_at desc limit 50
""")


def inbox(connection: Connection, authority: Authority, actor: Actor, now: datetime) -> Inbox:
    """The inbox of an actor now."""
    todos: list[Todo] = []
    waiting: list[Waiting] = []
    for row in connection.execute(_OPEN, {"a": authority.id, "no": False}).all():
        standing = steps.load(connection, authority, row.no)
        if permissions.may_see(actor, standing.procedure, standing.facts):
            mine = list(_todos(standing, actor, now))
            todos += mine
            if not mine and any(act.party.person == actor.person for act in standing.facts.acts):
                waiting += _waiting(standing, now)
    todos.sort(key=lambda todo: (todo.light.order, not todo.possible, todo.no))
    waiting.sort(key=lambda one: (one.light.order, one.no))
    notices = tuple(
        dict(row) for row in connection.execute(_NOTICES, {"a": authority.id, "p": actor.person}).mappings()
    )
    counts = {kind: sum(todo.light.kind == kind for todo in todos) for kind in ("red", "yellow", "green", "lock")}
    return Inbox(tuple(todos), tuple(waiting), notices, counts)


def _todos(standing: steps.Standing, actor: Actor, now: datetime) -> Iterator[Todo]:
    running = clocks.ledger(standing.procedure, standing.facts, standing.calendar, legal_date(now))
    by_id = {clock.id: clock for clock in standing.procedure.clocks}
    for action in core.todos(standing.procedure, standing.facts):
        if not duty_for(standing.procedure, action, actor, standing.facts):
            continue
        outlook = steps.outlook(standing, actor, action.id, now)
        ticking = [
            lamps.of_clock(one, legal_date(now), standing.calendar)
            for one in running
            if one.state != "done" and action.id in by_id[one.clock].ends
        ]
        yield _todo(standing, outlook, ticking)


def _todo(standing: steps.Standing, outlook: core.Outlook, ticking: list[lamps.Light]) -> Todo:
    barred = [finding for finding in outlook.findings if finding.blocking]
    locks = [light for light in map(lamps.of_lock, barred) if light]
    facts, action = standing.facts, outlook.action
    lead = facts.duties.get("lead", ())
    return Todo(
        facts.no, facts.title, lead[0].get("name", "") if lead else "", action.id, action.ask or action.title,
        lamps.worst([*ticking, *locks]), outlook.possible, barred[0].say if barred else "",
    )  # fmt: skip


def _waiting(standing: steps.Standing, now: datetime) -> Iterator[Waiting]:
    facts, procedure = standing.facts, standing.procedure
    nobody = Actor("", "", "", "", "", "", "", "", ())
    running = clocks.ledger(procedure, facts, standing.calendar, legal_date(now))
    lights = [lamps.of_clock(one, legal_date(now), standing.calendar) for one in running if one.state != "done"]
    for action in core.todos(procedure, facts):
        outlook = steps.outlook(standing, nobody, action.id, now)
        if outlook.possible:
            duty = outlook.action.by[0]
            held = facts.duties.get(duty, ())
            holder = held[0].get("name", "") if held else procedure.duties[duty].title
            yield Waiting(
                facts.no, facts.title, holder, outlook.action.ask or outlook.action.title, lamps.worst(lights)
            )
            return
