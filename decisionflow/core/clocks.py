"""钟: which deadlines run in a case, with their ledger, and the lamp a reader sees.

A clock never moves a stage. It starts with the newest act that starts it, stands still while a stop
is open, and ends with an act that ends it. All dates are legal days; nothing here is stored as truth:
the rows are recomputed from facts, the lamp when it is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeAlias

from decisionflow.core import calendar as days
from decisionflow.core import conditions
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts
from decisionflow.core.gates import as_day

State: TypeAlias = Literal["running", "stopped", "done"]
Lamp: TypeAlias = Literal["green", "yellow", "red", "stopped", "none"]


@dataclass(frozen=True, slots=True)
class Pause:
    """One standstill: why, from which act until which (or still open)."""

    say: str
    since: date
    until: date | None
    by: str


@dataclass(frozen=True, slots=True)
class Running:
    """A clock's ledger: budget and consumed in its own unit, pauses, extensions, and the due day.

    `due_on` is None while it is stopped. `done_on` is the day of the act that ended it.
    """

    clock: str
    title: str
    round: int
    state: State
    starts_on: date
    started_by: str
    due_on: date | None
    provisional: bool
    unit: days.Unit
    budget: int
    consumed: int
    extended: int
    pauses: tuple[Pause, ...]
    duty: str
    done_on: date | None
    calendar: str


def ledger(procedure: law.Procedure, facts: Facts, calendar: days.Calendar, on: date) -> tuple[Running, ...]:
    """Every clock that was ever started in this case, as it stands on a day."""
    found = (_one(clock, facts, calendar, on, procedure) for clock in procedure.clocks)
    return tuple(running for running in found if running is not None)


def _one(
    clock: law.Clock, facts: Facts, calendar: days.Calendar, on: date, procedure: law.Procedure
) -> Running | None:  # fmt: skip
    start = facts.last(clock.starts)
    if start is None or not conditions.holds(clock.if_, matter=facts.matter, fields={}, stages=facts.stages):
        return None
    later = [act for act in facts.acts if act.n > start.n]
    if clock.optional and clock.until and as_day(start.fields.get(clock.until.field)) is None:
        return None  # nobody named a day: there is nothing to count to
    done = next((act for act in later if act.action in clock.ends), None)
    if done is None and procedure.is_ended(facts.stages) and any(_ends(procedure, act) for act in later):
        done = facts.acts[-1]
    seen = [act for act in later if done is None or act.n < done.n]
    if done is not None:
        calendar = calendar.known(done.on)
    need = _length(clock, start)
    extended = sum(_extra(clock, act) for act in seen)
    pauses = _pauses(clock, seen)
    spent, base = _spent(start.on, pauses, calendar, need.unit)
    standing = bool(pauses) and pauses[-1].until is None
    due = None if standing else days.add(calendar, base, days.Period(max(need.length + extended - spent, 1), need.unit))
    since_then = 0 if standing else days.elapsed(calendar, base, done.on if done else on, need.unit)[0]
    state: State = "done" if done else "stopped" if standing else "running"
    due_on = (due.rolls_to if clock.rolls else due.ends_on) if due else None
    unsure = bool(due and (due.rolls_provisional if clock.rolls and due.rolls_to != due.ends_on else due.provisional))
    return Running(
        clock.id, clock.title, start.round, state, start.on, start.entry, due_on, unsure, need.unit, need.length + extended,
        spent + since_then, extended, tuple(pauses), clock.duty, done.on if done else None, calendar.version,
    )  # fmt: skip


def _ends(procedure: law.Procedure, act: Act) -> bool:
    """Whether an act brought the case to an end; what starts afterwards (in execution) is not ended by it."""
    return act.before != act.after and act.after in procedure.ends.get(act.track, ())


def _length(clock: law.Clock, start: Act) -> days.Period:
    if clock.length:
        return days.period(clock.length)
    until = as_day(start.fields.get(clock.until.field)) if clock.until else None
    return days.Period(max((until - start.on).days, 1) if until else 1, "day")


def _extra(clock: law.Clock, act: Act) -> int:
    extra = act.fields.get(clock.extends.get(act.action, ""), 0)
    return extra if isinstance(extra, int) else 0


def _pauses(clock: law.Clock, seen: Sequence[Act]) -> list[Pause]:
    """Standstills in order; a stop inside a stop is not counted twice."""
    pauses: list[Pause] = []
    closing: tuple[str, ...] = ()
    for act in seen:
        if pauses and pauses[-1].until is None:
            if act.action in closing:
                pauses[-1] = Pause(pauses[-1].say, pauses[-1].since, act.on, pauses[-1].by)
            continue
        stop = next((stop for stop in clock.stops if act.action in stop.since), None)
        if stop is not None:
            closing = stop.until
            pauses.append(Pause(stop.say, act.on, None, act.party.name))
    return pauses


def _spent(start: date, pauses: Sequence[Pause], calendar: days.Calendar, unit: days.Unit) -> tuple[int, date]:
    """Days consumed before the last standstill ended, and the day counting went on from."""
    total, base = 0, start
    for pause in pauses:
        total += days.elapsed(calendar, base, pause.since, unit)[0]
        base = pause.until or pause.since
    return total, base


def left(running: Running, on: date, calendar: days.Calendar) -> int:
    """Days of the clock's unit until the due day; negative when it has passed; 0 on the day itself."""
    if running.due_on is None:
        return running.budget - running.consumed
    if on <= running.due_on:
        return days.elapsed(calendar, on, running.due_on, running.unit)[0]
    return -days.elapsed(calendar, running.due_on, on, running.unit)[0]


def lamp(running: Running, on: date, calendar: days.Calendar) -> Lamp:
    """Green, yellow from max(2, a fifth of the budget) on, red when overdue, stopped, or none when done."""
    if running.state == "done":
        return "none"
    if running.state == "stopped":
        return "stopped"
    remaining = left(running, on, calendar)
    if running.due_on is not None and on > running.due_on:
        return "red"
    return "yellow" if remaining <= max(2, running.budget // 5) else "green"


def rungs(running: Running, clock: law.Clock, calendar: days.Calendar) -> tuple[tuple[int, date], ...]:
    """The days on which to remind: each `remind` number of working days before the due day, and 0 on it."""
    if running.due_on is None or running.state != "running":
        return ()
    found = []
    for ahead in clock.remind:
        day = days.before(calendar, running.due_on, days.Period(ahead, "workday")).ends_on if ahead else running.due_on
        found.append((ahead, day if day > running.starts_on else running.starts_on + timedelta(days=1)))
    return tuple(found)
