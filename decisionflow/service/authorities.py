"""The governments this installation serves, and what of each the deeds need at hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

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
