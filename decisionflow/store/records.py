"""What one write says, as values: an entry, the rows that follow from it, and what must still hold.

A deed reads, decides and hands a `Record` to `Tx.add`; the store writes it. On PostgreSQL the whole
record is one statement; on SQLite it is a few inside a savepoint. If somebody wrote in between,
nothing is written, `Conflict` is raised and the deed is decided again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, TypeAlias

import orjson
from sqlalchemy import Connection, Table, text
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError, IntegrityError

from decisionflow.errors import Conflict
from decisionflow.store import tables

Row: TypeAlias = Mapping[str, Any]
Mode: TypeAlias = Literal["upsert", "insert", "ignore"]


@dataclass(frozen=True, slots=True)
class Append:
    """A new entry at the end of a chain: `seq` follows the chain's last, `prev` is its head."""

    authority: str
    chain_kind: str
    chain: str
    seq: int
    prev: str
    entry: str
    kind: str
    recorded_at: datetime
    data: bytes
    sha256: str
    sm3: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Whole rows of one table: laid over what has the same key, or only inserted."""

    table: str
    rows: Sequence[Row]
    mode: Mode = "upsert"


@dataclass(frozen=True, slots=True)
class Guard:
    """A row that must still be there with these values when the record is written."""

    table: str
    where: Row


@dataclass(frozen=True, slots=True)
class Record:
    """One entry with everything that follows from it."""

    append: Append
    rows: tuple[Rows, ...] = ()
    guards: tuple[Guard, ...] = ()


def write(connection: Connection, record: Record) -> None:
    """Write a record on an open connection. Raises Conflict when it no longer fits."""
    try:
        if connection.dialect.name == "postgresql":
            _write_postgresql(connection, record)
        else:
            _write_sqlite(connection, record)
    except IntegrityError as fault:
        raise Conflict(f"another write took the same place: {fault.orig}") from fault
    except DBAPIError as fault:
        if getattr(fault.orig, "sqlstate", None) in ("DF409", "40001", "40P01"):
            raise Conflict(f"another write came in between: {fault.orig}") from fault
        raise


def put(connection: Connection, rows: Rows) -> None:
    """Write rows of one table by themselves (infrastructure, or a projection being rebuilt)."""
    if not rows.rows:
        return
    if connection.dialect.name == "postgresql":
        statement = _statement((), ((rows.table, rows.mode),), bare=True)
        connection.execute(statement, {f"rows_{rows.table}": _json(rows.rows)})
    else:
        connection.execute(_sqlite_insert(rows), list(rows.rows))


# ---- SQLite: a few prepared statements inside the caller's savepoint ---------------------------------

_ENTRY = tables.metadata.tables["trail_entry"]
_UNSEALED = tables.metadata.tables["trail_unsealed"]
_NEW_CHAIN = text("insert into trail_chain (authority_id, kind, chain_id, seq, head) values (:a, :k, :c, 1, :head)")
_NEXT_IN_CHAIN = text(
    "update trail_chain set seq = :seq, head = :head"
    " where authority_id = :a and kind = :k and chain_id = :c and seq = :seq - 1 and head = :prev"
)


def _write_sqlite(connection: Connection, record: Record) -> None:
    for guard in record.guards:
        where = " and ".join(f"{name} = :{name}" for name in guard.where)
        if connection.execute(text(f"select 1 from {guard.table} where {where}"), dict(guard.where)).first() is None:
            raise Conflict(f"{guard.table} changed in between")
    entry = record.append
    place = {"a": entry.authority, "k": entry.chain_kind, "c": entry.chain, "head": entry.sha256}
    if entry.seq == 1:
        connection.execute(_NEW_CHAIN, place)
    elif connection.execute(_NEXT_IN_CHAIN, {**place, "seq": entry.seq, "prev": entry.prev}).rowcount != 1:
        raise Conflict(f"chain {entry.chain_kind}/{entry.chain} moved on from {entry.seq - 1}")
    connection.execute(_ENTRY.insert(), _entry_row(entry))
    connection.execute(_UNSEALED.insert(), {"authority_id": entry.authority, "entry_id": entry.entry})
    for rows in record.rows:
        put(connection, rows)


def _entry_row(entry: Append) -> dict[str, Any]:
    return {
        "authority_id": entry.authority, "entry_id": entry.entry, "chain_kind": entry.chain_kind, "chain_id": entry.chain,
        "chain_seq": entry.seq, "kind": entry.kind, "recorded_at": entry.recorded_at, "data": entry.data,
        "sha256": entry.sha256, "sm3": entry.sm3,
    }  # fmt: skip


_INSERTS: dict[tuple[str, Mode], Any] = {}


def _sqlite_insert(rows: Rows) -> Any:
    known = _INSERTS.get((rows.table, rows.mode))
    if known is None:
        table = tables.metadata.tables[rows.table]
        known = sqlite_insert(table)
        if rows.mode == "upsert":
            known = known.on_conflict_do_update(
                index_elements=[column.name for column in table.primary_key],
                set_={column.name: known.excluded[column.name] for column in table.columns if not column.primary_key},
            )
        elif rows.mode == "ignore":
            known = known.on_conflict_do_nothing()
        _INSERTS[rows.table, rows.mode] = known
    return known


# ---- PostgreSQL: one statement a record ---------------------------------------------------------------

_STATEMENTS: dict[tuple[Any, ...], Any] = {}


def _write_postgresql(connection: Connection, record: Record) -> None:
    shape = tuple((rows.table, rows.mode) for rows in record.rows)
    guards = tuple((guard.table, tuple(guard.where)) for guard in record.guards)
    entry = record.append
    parameters: dict[str, Any] = {
        "a": entry.authority, "k": entry.chain_kind, "c": entry.chain, "seq": entry.seq, "prev": entry.prev,
        "entry": entry.entry, "kind": entry.kind, "at": entry.recorded_at, "data": entry.data,
        "sha256": entry.sha256, "sm3": entry.sm3,
    }  # fmt: skip
    parameters |= {f"rows_{rows.table}": _json(rows.rows) for rows in record.rows}
    parameters |= {
        f"guard_{n}_{name}": value for n, guard in enumerate(record.guards) for name, value in guard.where.items()
    }
    if connection.execute(_statement(guards, shape), parameters).scalar() is None:
        raise Conflict("a row that the act relied on changed in between")


def _statement(guards: tuple[Any, ...], shape: tuple[tuple[str, Mode], ...], *, bare: bool = False) -> Any:
    key = (guards, shape, bare)
    if key not in _STATEMENTS:
        _STATEMENTS[key] = text(_sql(guards, shape, bare=bare))
    return _STATEMENTS[key]


def _sql(guards: tuple[Any, ...], shape: tuple[tuple[str, Mode], ...], *, bare: bool) -> str:
    parts, upon = [], []
    for n, (table, names) in enumerate(guards):
        where = " and ".join(f"{name} = :guard_{n}_{name}" for name in names)
        parts.append(f"g{n} as (select 1 from {table} where {where} for share)")
        upon.append(f"g{n}")
    if not bare:
        call = "trail_append(:a, :k, :c, :seq, :prev, :entry, :kind, :at, :data, :sha256, :sm3)"
        source = f" from {', '.join(upon)}" if upon else ""
        parts.append(f"appended as materialized (select {call} as done{source})")
    for n, (table, mode) in enumerate(shape):
        parts.append(f"w{n} as ({_insert_sql(tables.metadata.tables[table], mode, bare=bare)})")
    return f"with {', '.join(parts)} select {'1' if bare else 'done from appended'}"


def _insert_sql(table: Table, mode: Mode, *, bare: bool) -> str:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    chosen = ", ".join(f'r."{column.name}"' for column in table.columns)
    source = f"jsonb_populate_recordset(null::{table.name}, cast(:rows_{table.name} as jsonb)) r"
    if not bare:
        source += ", appended"
    sql = f"insert into {table.name} ({names}) select {chosen} from {source}"
    if mode == "ignore":
        sql += " on conflict do nothing"
    if mode == "upsert":
        keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
        sets = ", ".join(f'"{c.name}" = excluded."{c.name}"' for c in table.columns if not c.primary_key)
        sql += f" on conflict ({keys}) do update set {sets}"
    return sql


def _json(rows: Sequence[Row]) -> str:
    return orjson.dumps(list(rows), default=_plain).decode()


def _plain(value: object) -> str:
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a row")
