"""Whose desk: where a case lay, from when to when, over its whole life (久拖不决); and what should have been decided.

A case lies with a duty while one of its acts is asked for. It may lie with several at once: lines run in parallel.
Days are counted as the law counts them: the first is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, text

from decisionflow.core import calendar as days
from decisionflow.core import clocks
from decisionflow.core import procedure as law
from decisionflow.core import step as core
from decisionflow.core.facts import Facts, fold, instant, legal_date
from decisionflow.core.gates import as_day
from decisionflow.service import procedures
from decisionflow.service.authorities import Authority
from decisionflow.service.reads.stored import Stored
from decisionflow.trail import canonical


@dataclass(frozen=True, slots=True)
class Spell:
    """An act that was asked of a duty: from which day until which (None: still); `taken` by whom, '' when it fell away."""

    duty: str
    duty_title: str
    action: str
    title: str
    begins: date
    ends: date | None
    days: int
    workdays: int
    taken: str


@dataclass(frozen=True, slots=True)
class Desk:
    """What a duty had in all: days on which something lay with it, counted once, and the longest wait."""

    duty: str
    title: str
    days: int
    workdays: int
    longest: Spell
    waiting: tuple[Spell, ...]


@dataclass(frozen=True, slots=True)
class Overdue:
    """A case that should have been decided, or reached a step, by now."""

    no: str
    title: str
    stage: str
    why: str
    since: date
    days: int
    desks: tuple[str, ...]


_ENTRIES = text("""
    select data from trail_entry
    where authority_id = :a and chain_kind = 'case' and chain_id = :c and chain_seq <= :last order by chain_seq
""")
ALL = 2**31 - 1


def spells(
    connection: Connection, authority: Authority, case: str, calendar: days.Calendar, now: datetime, last: int = ALL
) -> tuple[Spell, ...]:  # fmt: skip
    """Every wait of a case, oldest first, folded from its entries (up to number `last`)."""
    facts: Facts | None = None
    waiting: dict[str, tuple[law.Action, law.Duty, date]] = {}
    found: list[Spell] = []
    for row in connection.execute(_ENTRIES, {"a": authority.id, "c": case, "last": last}):
        record = canonical.decode(row.data)
        facts = fold(facts, record)
        procedure = procedures.by_digest(connection, authority.id, facts.procedure)
        on, wanted = legal_date(instant(record["times"]["recorded_at"])), {}
        if not procedure.is_ended(facts.stages):
            wanted = {action.id: action for action in core.todos(procedure, facts)}
        did = str(record["body"].get("action", "")) if record["kind"] == "step.taken" else ""
        for name in [name for name in waiting if name not in wanted or name == did]:
            action, duty, begins = waiting.pop(name)
            by = facts.acts[-1].party.name if name == did else ""
            found.append(_spell(action, duty, begins, on, on, by, calendar))
        for name, action in wanted.items():
            waiting.setdefault(name, (action, procedure.duties[action.by[0]], on))
    today = legal_date(now)
    found += [_spell(action, duty, begins, None, today, "", calendar) for action, duty, begins in waiting.values()]
    return tuple(sorted(found, key=lambda one: (one.begins, one.ends or date.max)))


def _spell(
    action: law.Action, duty: law.Duty, begins: date, ends: date | None, until: date, by: str, calendar: days.Calendar
) -> Spell:  # fmt: skip
    return Spell(
        action.by[0], duty.title, action.id, action.title, begins, ends, (until - begins).days,
        days.elapsed(calendar, begins, until, "workday")[0], by,
    )  # fmt: skip


def desks(found: tuple[Spell, ...], calendar: days.Calendar, now: datetime) -> tuple[Desk, ...]:
    """The waits by duty, who had the case longest first; days on which several acts waited count once."""
    today = legal_date(now)
    by_duty: dict[str, list[Spell]] = {}
    for one in found:
        by_duty.setdefault(one.duty, []).append(one)
    result = []
    for duty, mine in by_duty.items():
        runs = _joined([(one.begins, one.ends or today) for one in mine])
        result.append(Desk(
            duty, mine[-1].duty_title, sum((b - a).days for a, b in runs),
            sum(days.elapsed(calendar, a, b, "workday")[0] for a, b in runs),
            max(mine, key=lambda one: one.days), tuple(one for one in mine if one.ends is None),
        ))  # fmt: skip
    return tuple(sorted(result, key=lambda one: -one.days))


def _joined(runs: list[tuple[date, date]]) -> list[tuple[date, date]]:
    """Overlapping runs of days as one."""
    found: list[tuple[date, date]] = []
    for begins, ends in sorted(runs):
        if found and begins <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ends))
        else:
            found.append((begins, ends))
    return found


def overdue(cases: Iterable[Stored], calendar: days.Calendar, now: datetime) -> tuple[Overdue, ...]:
    """Open cases past the day that the start decision planned (`planned_on`) or past a deadline; the longest first."""
    today = legal_date(now)
    found = [
        late for one in cases if not one.ended for late in _late(one.procedure, one.facts, calendar, today)
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: (-one.days, one.no)))


def _late(procedure: law.Procedure, facts: Facts, calendar: days.Calendar, today: date) -> Iterator[Overdue]:
    reasons = []
    start = facts.last([procedure.starting]) if procedure.starting else None
    planned = as_day(start.fields.get("planned_on")) if start else None
    track = next(iter(procedure.goal))
    if planned and planned < today and facts.stages[track] not in procedure.goal[track]:
        reasons.append(("计划决策时间已过", planned))
    reasons += [
        (f"{one.title}已逾期", one.due_on)
        for one in clocks.ledger(procedure, facts, calendar, today)
        if one.due_on and clocks.lamp(one, today, calendar) == "red"
    ]
    waiting = tuple(dict.fromkeys(procedure.duties[one.by[0]].title for one in core.todos(procedure, facts)))
    for why, since in reasons:
        stage = procedure.tracks[track].stages[facts.stages[track]]
        yield Overdue(facts.no, facts.title, stage, why, since, (today - since).days, waiting)
