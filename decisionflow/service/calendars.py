"""Published calendar years of an authority, and the calendar they make."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, select, text

from decisionflow.core import calendar as days
from decisionflow.core import clocks
from decisionflow.core import procedure as law
from decisionflow.core.facts import Timing, legal_date, thaw
from decisionflow.service import entries, projections
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.store.engine import Tx
from decisionflow.store.records import Record
from decisionflow.store.tables.rules import CalendarYear

_YEARS = CalendarYear.__table__  # type: ignore[attr-defined]
_CACHE: dict[tuple[str, ...], days.Calendar] = {}


def publish(tx: Tx, authority: Authority, sources: Iterable[tuple[str, str]], actor: Actor, now: datetime) -> int:
    """Publish year files (name, text) that are not yet published; how many were new. Raises BadInput."""
    have = set(tx.connection.execute(select(_YEARS.c.digest).where(_YEARS.c.authority_id == authority.id)).scalars())
    at = entries.head(tx.connection, authority.id, "calendar", authority.calendar)
    new = 0
    for name, source in sources:
        year = days.read_year(source, name)
        if year.digest in have:
            continue
        draft = entries.Draft(
            "calendar.published",
            told(year, source),
            blobs=[tx.blobs.put(source.encode(), "application/yaml").row(now)],
        )
        composed = entries.compose(draft, at, actor, Timing(now), clock=authority.clock)
        tx.add(Record(composed.append, (*composed.rows, *projections.calendar_rows(composed.record, source))))
        at, new = at.after(composed.append), new + 1
    return new


def told(year: days.Year, source: str) -> dict[str, Any]:
    """What an entry says of a year's notice."""
    body = {"calendar": year.calendar, "year": year.year, "version": year.version, "title": year.title,
            "digest": year.digest, "bytes": len(source.encode())}  # fmt: skip
    return {**body, "number": year.number} if year.number else body


def refresh(tx: Tx, authority: Authority) -> int:
    """Recompute the clocks of open cases and their reminders after a calendar was published (T-09); how many cases."""
    calendar = current(tx.connection, authority.id, authority.calendar)
    rows = tx.connection.execute(_OPEN, {"authority": authority.id, "no": False}).all()
    for row in rows:
        facts = thaw(orjson.loads(row.facts))
        procedure = law.load(row.canonical)
        running = clocks.ledger(procedure, facts, calendar, legal_date(facts.opened))
        for found in (
            *projections.deadline_rows(authority.id, procedure, facts, calendar),
            *projections.reminder_rows(authority.id, facts.case, procedure, running, calendar),
        ):
            tx.put(found)
    return len(rows)


_OPEN = text("""
    select c.facts, p.canonical from case_file c
    join procedure_version p on p.authority_id = c.authority_id and p.digest = c.procedure
    where c.authority_id = :authority and c.ended = :no
""")


_STATE = text("select count(*) || max(entry_id) from calendar_year where authority_id = :authority")


def current(connection: Connection, authority: str, name: str, state: str | None = None) -> days.Calendar:
    """The calendar of all published years, a place's own days laid over the national ones.

    `state` (how many years the authority has, and its newest entry) saves a query on the step path. The entry is
    part of it, so that what an undone transaction saw is never taken for what another then published.
    """
    if state is None:
        state = connection.execute(_STATE, {"authority": authority}).scalar_one()
    key = (str(connection.engine.url), authority, name, str(state))
    if key not in _CACHE:
        rows = connection.execute(
            select(_YEARS.c.source, _YEARS.c.year).where(
                _YEARS.c.authority_id == authority, _YEARS.c.calendar.in_((name, name.partition("-")[0]))
            )
        )
        _CACHE[key] = days.assemble(name, [days.read_year(row.source, f"{name}-{row.year}") for row in rows])
    return _CACHE[key]
