"""Reminders of clocks (钟): a rung that has come due is weighed against the case as it stands, then told once.

A reminder is never the record of a deadline: what is overdue follows from the acts and the calendar, and
a lost reminder changes nothing in law. A rung whose clock was ended, moved or stopped is not told. One
that cannot be weighed is put off for an hour; the others go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Literal, TypeAlias

from sqlalchemy import Connection, exists, select, tuple_, update

from decisionflow.core import clocks
from decisionflow.core.calendar import Calendar, say_day
from decisionflow.core.facts import SHANGHAI, Facts
from decisionflow.errors import Unavailable
from decisionflow.service import addressees, projections
from decisionflow.service.addressees import Message, Rolls
from decisionflow.service.reads import lamps
from decisionflow.store.engine import Store, Tx
from decisionflow.store.records import Rows
from decisionflow.store.tables.cases import Case
from decisionflow.store.tables.infrastructure import Reminder

Key: TypeAlias = tuple[str, str, str, int, str]
State: TypeAlias = Literal["sent", "cancelled", "waiting"]
BATCH = 100
LATER = timedelta(hours=1)
OVERDUE_MAIL = timedelta(days=3)
_REMINDERS = Reminder.__table__  # type: ignore[attr-defined]
_CASES = Case.__table__  # type: ignore[attr-defined]
_KEY_COLUMNS = tuple(_REMINDERS.primary_key)


@dataclass(frozen=True, slots=True)
class Due:
    """A rung whose day has come."""

    authority: str
    case: str
    clock: str
    round: int
    rung: str
    due_at: datetime
    due_on: date
    attempts: int

    @property
    def key(self) -> Key:
        """What a task carries."""
        return self.authority, self.case, self.clock, self.round, self.rung


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a due rung. `seq` is the case it was weighed in; a case that moved on is weighed again."""

    due: Due
    state: State
    seq: int | None = None
    rows: tuple[Rows, ...] = ()
    again_at: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one batch came to."""

    told: int = 0
    cancelled: int = 0
    put_off: int = 0
    faults: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """How many rungs were dealt with."""
        return self.told + self.cancelled + self.put_off

    @property
    def more(self) -> bool:
        """Whether to look again at once."""
        return self.total > 0


def keys(connection: Connection, now: datetime, limit: int) -> list[Key]:
    """The rungs whose time has come: what a tick rings for."""
    return [one.key for one in due(connection, now, limit=limit)]


def due(connection: Connection, now: datetime, only: Sequence[Key] = (), limit: int = BATCH) -> list[Due]:
    """The rungs whose time has come, oldest first; with `only`, those of them."""
    wanted = (_REMINDERS.c.state == "waiting") & (_REMINDERS.c.due_at <= now)
    if only:
        wanted &= tuple_(*_KEY_COLUMNS).in_([tuple(key) for key in only])
    query = select(_REMINDERS).where(wanted).order_by(_REMINDERS.c.due_at, *_KEY_COLUMNS).limit(limit)
    return [_due(row) for row in connection.execute(query).mappings()]


def sweep(store: Store, now: datetime, *, mail: bool, only: Sequence[Key] = (), limit: int = BATCH) -> Swept:
    """Weigh one batch of due rungs and write what became of each. `mail` says whether mail can go out at all."""
    with store.read() as connection:
        rolls = Rolls(connection, now)
        verdicts = [_weighed(rolls, one, mail=mail) for one in due(connection, now, only, limit)]
    return _settle(store, verdicts, now)


def weigh(rolls: Rolls, one: Due, *, mail: bool) -> Verdict:
    """What is to become of a rung, from the case and the newest calendar."""
    authority = rolls.authority(one.authority)
    facts, calendar = rolls.facts(one.authority, one.case), rolls.calendar(authority)
    procedure = rolls.procedure(authority, facts)
    running = next((r for r in clocks.ledger(procedure, facts, calendar, rolls.on) if r.clock == one.clock), None)
    if running is None or running.round != one.round or running.state == "done":
        return Verdict(one, "cancelled", facts.seq, why="已办结")
    if running.due_on is None:
        return Verdict(one, "waiting", facts.seq, again_at=_tomorrow(rolls))
    if running.due_on != one.due_on:
        fresh = projections.reminder_rows(one.authority, one.case, procedure, (running,), calendar)
        return Verdict(one, "cancelled", facts.seq, fresh, why=f"期限已变为{running.due_on}")
    if _spoken_for(rolls, one):
        return Verdict(one, "cancelled", facts.seq, why="已有更近的一次提醒")
    persons = rolls.holders(one.authority, procedure, running.duty, facts)
    if not persons:
        title = procedure.duties[running.duty].title
        return Verdict(one, "waiting", facts.seq, again_at=_tomorrow(rolls), why=f"没有在任人员承担“{title}”")
    message = words(facts, running, rolls.on, calendar)
    dedup = f"deadline:{one.case}:{one.clock}:{one.round}:{one.rung}"
    over = _mail_until(one, rolls)
    told: list[Mapping[str, Any]] = []
    for person in persons:
        told += addressees.rows(
            rolls, one.authority, person, "reminder", dedup, message, mail=mail, expires_at=over
        )  # fmt: skip
    return Verdict(one, "sent", facts.seq, (Rows("outbox", told, "ignore"),))


def words(facts: Facts, running: clocks.Running, on: date, calendar: Calendar) -> Message:
    """``【将到期】还剩1个工作日：…`` or ``【已逾期2个工作日】…``, counted on the day it is written."""
    light = lamps.of_clock(replace(running, provisional=False), on, calendar)
    said = light.text.replace(" ", "")
    head = f"【{said}】" if light.kind == "red" else f"【将到期】{said}："
    lines = [addressees.heading(facts)]
    if running.due_on is not None:
        lines.append(f"{running.title}，{say_day(running.due_on)}到期")
        if running.provisional:
            lines.append(f"暂估：{running.due_on.year}年放假安排未录入")
    title = addressees.shorten(f"{head}{running.title}·{addressees.subject(facts)}")
    return Message(title, tuple(lines), f"/cases/{facts.no}")


def _weighed(rolls: Rolls, one: Due, *, mail: bool) -> Verdict:
    """The verdict; when it cannot be had, an hour's delay, so that one poisoned rung never stops the sweep."""
    try:
        return weigh(rolls, one, mail=mail)
    except Unavailable:
        raise
    except Exception as fault:
        return _poisoned(one, fault, rolls.now)


def _poisoned(one: Due, fault: Exception, now: datetime) -> Verdict:
    return Verdict(one, "waiting", again_at=now + LATER, why=f"{type(fault).__name__}: {fault}")


def _settle(store: Store, verdicts: Sequence[Verdict], now: datetime) -> Swept:
    """Write a batch in one transaction; if that fails, one by one, and put off those that still fail."""
    if not verdicts:
        return Swept()
    try:
        done = store.write(lambda tx: [verdict for verdict in verdicts if settle(tx, verdict)])
    except Unavailable:
        raise
    except Exception as fault:
        if len(verdicts) > 1:
            return _sum([_settle(store, [verdict], now) for verdict in verdicts])
        off = _poisoned(verdicts[0].due, fault, now)
        done = store.write(lambda tx: [off] if settle(tx, off) else [])
    told, gone = (sum(one.state == state for one in done) for state in ("sent", "cancelled"))
    off_now = [one for one in done if one.state == "waiting"]
    return Swept(
        told, gone, len(off_now), tuple(f"{'/'.join(map(str, one.due.key))}: {one.why}" for one in off_now if one.why)
    )


def settle(tx: Tx, verdict: Verdict) -> bool:
    """Write a verdict, unless the rung was settled or its case moved on meanwhile; whether it was written."""
    one = verdict.due
    same = (_REMINDERS.c.state == "waiting") & (_REMINDERS.c.due_at == one.due_at)
    same &= tuple_(*_KEY_COLUMNS).in_([one.key])
    if verdict.seq is not None:
        case = (_CASES.c.authority_id == one.authority) & (_CASES.c.id == one.case) & (_CASES.c.seq == verdict.seq)
        same &= exists().where(case)
    values: dict[str, Any] = {"state": verdict.state, "last_error": verdict.why[:500]}
    if verdict.state == "waiting":
        values |= {"due_at": verdict.again_at, "attempts": one.attempts + 1}
    if tx.execute(update(_REMINDERS).where(same).values(values)).rowcount != 1:
        return False
    for rows in verdict.rows:
        tx.put(rows)
    return True


def troubled(connection: Connection, limit: int = 50) -> list[dict[str, Any]]:
    """Rungs that were put off, with the reason: for the operations page."""
    wanted = (_REMINDERS.c.state == "waiting") & (_REMINDERS.c.last_error != "")
    return [dict(row) for row in connection.execute(select(_REMINDERS).where(wanted).limit(limit)).mappings()]


def _spoken_for(rolls: Rolls, one: Due) -> bool:
    """Whether a later rung of the same clock has come too: then only that one speaks, once a day at most."""
    same = (_REMINDERS.c.authority_id == one.authority) & (_REMINDERS.c.case_id == one.case)
    same &= (_REMINDERS.c.clock == one.clock) & (_REMINDERS.c.round == one.round) & (_REMINDERS.c.due_on == one.due_on)
    query = select(_REMINDERS.c.rung).where(same, _REMINDERS.c.due_at <= rolls.now)
    return min(_ahead(rung) for rung in rolls.connection.execute(query).scalars()) < _ahead(one.rung)


def _ahead(rung: str) -> int:
    return int(rung.partition("@")[0])


def _tomorrow(rolls: Rolls) -> datetime:
    return datetime.combine(rolls.on + timedelta(days=1), projections.MORNING)


def _mail_until(one: Due, rolls: Rolls) -> datetime:
    """When a mail's words no longer hold: after the due day, or after three days of being overdue."""
    end = datetime.combine(one.due_on + timedelta(days=1), time(), SHANGHAI)
    return end if end > rolls.now else rolls.now + OVERDUE_MAIL


def _due(row: Any) -> Due:
    return Due(row["authority_id"], row["case_id"], row["clock"], row["round"], row["rung"], row["due_at"],
               row["due_on"], row["attempts"])  # fmt: skip


def _sum(parts: Sequence[Swept]) -> Swept:
    return Swept(
        sum(part.told for part in parts), sum(part.cancelled for part in parts), sum(part.put_off for part in parts),
        tuple(fault for part in parts for fault in part.faults),
    )  # fmt: skip
