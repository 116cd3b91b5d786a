"""Who may do a thing alone, and until when: one sealer for each government, one leader of the ticks.

A lease is claimed by one statement that only wins when nobody else holds it. The fence grows with each
new holder, so that one who slept through the end of its lease can be told from the one who holds it now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, or_, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from decisionflow.store.engine import Tx
from decisionflow.store.tables.infrastructure import Lease as Row

_LEASES = Row.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Lease:
    """A claim that was won: whose it is, until when, and its number."""

    name: str
    owner: str
    until: datetime
    fence: int


def claim(tx: Tx, name: str, owner: str, now: datetime, length: timedelta) -> Lease | None:
    """The lease, taken or prolonged; None while somebody else holds it."""
    insert: Any = postgresql_insert if tx.connection.dialect.name == "postgresql" else sqlite_insert
    until, mine = now + length, _LEASES.c.owner == owner
    statement = (
        insert(_LEASES)
        .values(name=name, owner=owner, until=until, fence=1)
        .on_conflict_do_update(
            index_elements=["name"],
            set_={"owner": owner, "until": until, "fence": case((mine, _LEASES.c.fence), else_=_LEASES.c.fence + 1)},
            where=or_(mine, _LEASES.c.until <= now),
        )
        .returning(_LEASES.c.fence)
    )
    fence = tx.execute(statement).scalar()
    return None if fence is None else Lease(name, owner, until, fence)


def release(tx: Tx, name: str, owner: str, now: datetime) -> None:
    """Let go at once, so that the next holder need not wait. The row stays: it keeps the fence."""
    tx.execute(update(_LEASES).where(_LEASES.c.name == name, _LEASES.c.owner == owner).values(until=now))
