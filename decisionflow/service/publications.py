"""Rules published by two persons: one proposes a procedure or a year's notice, another looks and publishes.

What shipped files bring at the first set-up the system publishes itself; every change after that takes two
people. A published calendar moves the running clocks of open cases; `moved` says beforehand which.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, select, text

from decisionflow.core import calendar as days
from decisionflow.core import clocks, soundness
from decisionflow.core import procedure as law
from decisionflow.core.facts import Timing, legal_date, thaw
from decisionflow.errors import BadInput, Forbidden, NotFound, Problem, Settled
from decisionflow.service import calendars, entries, permissions, procedures, projections
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.store.engine import Tx
from decisionflow.store.records import Record, Row
from decisionflow.store.tables.rules import CalendarYear
from decisionflow.store.tables.rules import Proposal as ProposalRow

_PROPOSALS = ProposalRow.__table__  # type: ignore[attr-defined]
_YEARS = CalendarYear.__table__  # type: ignore[attr-defined]
LEAST = 4


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody proposed, and what became of it."""

    id: str
    kind: Literal["procedure", "calendar"]
    name: str
    title: str
    digest: str
    reason: str
    person: str
    person_name: str
    proposed_at: datetime
    state: Literal["open", "published", "withdrawn"]
    settled_by: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A running deadline that a notice moves: from which day to which."""

    no: str
    title: str
    clock: str
    before: date
    after: date


def propose_procedure(
    tx: Tx, authority: Authority, procedure: law.Procedure, reason: str, actor: Actor, now: datetime
) -> str:  # fmt: skip
    """Propose a procedure; the proposal's id. Raises Forbidden, BadInput, Settled."""
    _may(actor)
    faults = soundness.check(procedure)
    if faults:
        raise BadInput(
            [Problem(".".join(map(str, fault.path)), fault.say, procedure.name, rule=fault.rule) for fault in faults]
        )
    if procedures.exists(tx.connection, authority.id, procedure.digest):
        raise Settled(f"{procedure.name} is published", say=f"{procedure.name} 的这一内容已经发布过")
    body = {**procedures.told(procedure), "reason": _reason(reason)}
    return _propose(tx, authority, "procedure", procedure.id, body, procedure.canonical, "application/json", actor, now)


def propose_calendar(
    tx: Tx, authority: Authority, source: str, name: str, reason: str, actor: Actor, now: datetime
) -> str:  # fmt: skip
    """Propose a year's notice; the proposal's id. Raises Forbidden, BadInput, Settled."""
    _may(actor)
    year = days.read_year(source, name)
    _fits(tx.connection, authority, year, name)
    body = {**calendars.told(year, source), "reason": _reason(reason)}
    data = source.encode()
    return _propose(tx, authority, "calendar", authority.calendar, body, data, "application/yaml", actor, now)


def publish(tx: Tx, authority: Authority, proposal: str, actor: Actor, now: datetime) -> Proposal:
    """Publish what somebody else proposed; with a notice the deadlines of open cases move.

    Raises NotFound, Settled, Forbidden.
    """
    found = _open(tx.connection, authority, proposal, actor)
    if found.person == actor.person:
        say = "提出人不能自己发布，请另一人核对后发布（两人发布）"
        raise Forbidden("the proposer may not publish", say=say)
    data = tx.blobs.get(found.digest)
    if found.kind == "procedure":
        one = law.load(data)
        rows = partial(projections.procedure_rows, canonical=data)
        _settle(tx, authority, found, "published", procedures.told(one), one.id, actor, now, rows)
    else:
        year = days.read_year(data.decode(), found.name)
        _fits(tx.connection, authority, year, found.name)
        rows = partial(projections.calendar_rows, source=data.decode())
        body = calendars.told(year, data.decode())
        _settle(tx, authority, found, "published", body, authority.calendar, actor, now, rows)
        tx.ahead()
        calendars.refresh(tx, authority)
    return found


def withdraw(tx: Tx, authority: Authority, proposal: str, reason: str, actor: Actor, now: datetime) -> Proposal:
    """Take a proposal back, by whoever may publish. Raises NotFound, Settled, Forbidden, BadInput."""
    found = _open(tx.connection, authority, proposal, actor)
    chain = found.name.partition("@")[0] if found.kind == "procedure" else authority.calendar
    _settle(tx, authority, found, "withdrawn", {"reason": _reason(reason)}, chain, actor, now, lambda record: ())
    return found


def proposals(connection: Connection, authority: Authority, *, only_open: bool = True) -> tuple[Proposal, ...]:
    """What was proposed, newest first."""
    wanted = _PROPOSALS.c.authority_id == authority.id
    if only_open:
        wanted &= _PROPOSALS.c.state == "open"
    rows = connection.execute(select(_PROPOSALS).where(wanted).order_by(_PROPOSALS.c.entry_id.desc()))
    return tuple(_proposal(row._mapping) for row in rows)


def get(connection: Connection, authority: Authority, proposal: str) -> Proposal:
    """A proposal by its id, or by as much of it as names one. Raises NotFound."""
    wanted = (_PROPOSALS.c.authority_id == authority.id) & _PROPOSALS.c.entry_id.startswith(proposal, autoescape=True)
    rows = connection.execute(select(_PROPOSALS).where(wanted)).all()
    if len(rows) != 1 or not proposal:
        raise NotFound(f"no proposal {proposal!r}", say="没有这项待发布的内容")
    return _proposal(rows[0]._mapping)


_OPEN_CASES = text("""
    select c.no, c.title, c.facts, p.canonical from case_file c
    join procedure_version p on p.authority_id = c.authority_id and p.digest = c.procedure
    where c.authority_id = :authority and c.ended = :no order by c.no
""")


def moved(connection: Connection, authority: Authority, source: str, name: str, now: datetime) -> tuple[Moved, ...]:
    """Every running deadline that publishing this notice would move. Raises BadInput."""
    before = calendars.current(connection, authority.id, authority.calendar)
    after = days.assemble(before.name, (*before.versions, days.read_year(source, name)))
    found = []
    for row in connection.execute(_OPEN_CASES, {"authority": authority.id, "no": False}):
        procedure, facts = law.load(row.canonical), thaw(orjson.loads(row.facts))
        was, will = (clocks.ledger(procedure, facts, calendar, legal_date(now)) for calendar in (before, after))
        for old, new in zip(was, will, strict=True):
            if old.state == "running" and old.due_on and new.due_on and old.due_on != new.due_on:
                found.append(Moved(row.no, row.title, old.title, old.due_on, new.due_on))
    return tuple(found)


# ---- the parts ---------------------------------------------------------------------------------------------


def _may(actor: Actor) -> None:
    if not permissions.may_publish_rules(actor):
        raise Forbidden("may not publish rules", say="只有合法性审查部门、政府办公室的人员可以提出和发布程序、日历")


def _reason(words: str) -> str:
    words = words.strip()
    if not LEAST <= len(words) <= 500:
        raise BadInput([Problem("reason", f"请写明理由（{LEAST} 至 500 字）", rule="required")])
    return words


def _fits(connection: Connection, authority: Authority, year: days.Year, name: str) -> None:
    """A new notice of a year has a higher version than the last. Raises Settled, BadInput."""
    wanted = (
        (_YEARS.c.authority_id == authority.id)
        & (_YEARS.c.calendar == authority.calendar)
        & (_YEARS.c.year == year.year)
    )
    rows = connection.execute(select(_YEARS.c.version, _YEARS.c.digest).where(wanted)).all()
    if any(row.digest == year.digest for row in rows):
        raise Settled(f"{name} is published", say=f"{year.year}年的这份放假安排已经发布过")
    if any(row.version >= year.version for row in rows):
        last = max(row.version for row in rows)
        say = f"{year.year}年已有第{last}版，修改后的通知应当写 version: {last + 1}"
        raise BadInput([Problem("version", say, name, rule="T-09")])


def _propose(
    tx: Tx, authority: Authority, kind: str, chain: str, body: dict[str, Any], data: bytes, media: str, actor: Actor,
    now: datetime,
) -> str:  # fmt: skip
    twice = [one for one in proposals(tx.connection, authority) if one.digest == body["digest"]]
    if twice:
        raise Settled("already proposed", say=f"{twice[0].person_name}已经提出过同样的内容，等待另一人发布")
    draft = entries.Draft(f"{kind}.proposed", body, blobs=[tx.blobs.put(data, media).row(now)])
    at = entries.head(tx.connection, authority.id, kind, chain)
    composed = entries.compose(draft, at, actor, Timing(now), clock=authority.clock)
    tx.add(Record(composed.append, (*composed.rows, *projections.proposal_rows(tx.connection, composed.record))))
    return composed.id


def _open(connection: Connection, authority: Authority, proposal: str, actor: Actor) -> Proposal:
    _may(actor)
    found = get(connection, authority, proposal)
    if found.state != "open":
        raise Settled("already settled", say=f"“{found.title}”已由{found.settled_by}处理")
    return found


def _settle(
    tx: Tx, authority: Authority, found: Proposal, deed: str, body: dict[str, Any], chain: str, actor: Actor,
    now: datetime, rows: Any,
) -> None:  # fmt: skip
    draft = entries.Draft(f"{found.kind}.{deed}", {**body, "proposal": found.id})
    at = entries.head(tx.connection, authority.id, found.kind, chain)
    composed = entries.compose(draft, at, actor, Timing(now), clock=authority.clock)
    made = (*rows(composed.record), *projections.proposal_rows(tx.connection, composed.record, tx.pending))
    tx.add(Record(composed.append, (*composed.rows, *made)))


def _proposal(row: Row | Any) -> Proposal:
    return Proposal(
        row["entry_id"], row["kind"], row["name"], row["title"], row["digest"], row["reason"], row["person_id"],
        row["person_name"], row["proposed_at"], row["state"], row["settled_by"],
    )  # fmt: skip
