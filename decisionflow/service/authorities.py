"""The governments this installation serves, and what of each the deeds need at hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, select, text

from decisionflow.errors import NotFound
from decisionflow.store.engine import Tx
from decisionflow.store.records import Rows
from decisionflow.store.tables.infrastructure import Authority as Row


@dataclass(frozen=True, slots=True)
class Authority:
    """A government that decides. `clock` is ``system`` or ``simulated`` (demo and rehearsal)."""

    id: str
    name: str
    level: str
    region: str
    prefix: str
    origin: str
    calendar: str
    clock: str
    procedure: str
    since: date


def found(tx: Tx, authority: Authority) -> None:
    """Take a government into this installation."""
    row = {name: getattr(authority, name) for name in Authority.__dataclass_fields__}
    tx.put(Rows("authority", [row], "insert"))


def get(connection: Connection, authority: str) -> Authority:
    """The government of that id. Raises NotFound."""
    row = connection.execute(select(Row.__table__).where(Row.__table__.c.id == authority)).mappings().first()  # type: ignore[attr-defined]
    if row is None:
        raise NotFound(f"no authority {authority!r}", say="没有这个决策机关")
    return Authority(**row)


def everyone(connection: Connection) -> tuple[Authority, ...]:
    """All governments here, by id."""
    rows = connection.execute(select(Row.__table__).order_by(Row.__table__.c.id)).mappings()  # type: ignore[attr-defined]
    return tuple(Authority(**row) for row in rows)


_PEOPLE = text("""
    select n.id, n.name, u.name as unit, p.title, p.rank, a.authority_id, g.name as authority
    from appointment a
    join person n on n.id = a.person_id
    join post p on p.authority_id = a.authority_id and p.id = a.post_id
    join unit u on u.authority_id = p.authority_id and u.id = p.unit_id
    join authority g on g.id = a.authority_id
    where a.ended = :no order by a.authority_id, p.rank, n.name
""")


def people(connection: Connection) -> list[dict[str, Any]]:
    """Everybody who holds a post now, by rank."""
    return [dict(row) for row in connection.execute(_PEOPLE, {"no": False}).mappings()]
