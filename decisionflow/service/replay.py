"""Folding the trail again: proves every projection row, or rebuilds them all from entries.

What the fold gives must equal what the tables hold, row for row. Only projections are touched; trail,
vault and infrastructure stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, delete, select

from decisionflow.core import calendar as days
from decisionflow.core import procedure as law
from decisionflow.core.facts import Facts, Record, fold
from decisionflow.service import projections
from decisionflow.store import tables
from decisionflow.store.blobs import Blobs
from decisionflow.store.engine import Tx
from decisionflow.store.records import Row, Rows
from decisionflow.store.tables.trail import TrailEntry
from decisionflow.trail import canonical

_ENTRIES = TrailEntry.__table__  # type: ignore[attr-defined]
Key: TypeAlias = tuple[str, tuple[tuple[str, Any], ...]]
PROJECTIONS = tuple(name for name in tables.metadata.tables if tables.table_class(name) == "projection")
# Chains are folded in this order: a case needs its procedure and calendar.
ORDER = ("register", "procedure", "calendar", "consultation", "meeting", "case")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A row that entries do not bear out. `held` is what the table has, `due` what the entries give."""

    table: str
    key: Mapping[str, Any]
    held: Row | None
    due: Row | None


class Fold:
    """All projection rows of an authority, folded from its entries."""

    def __init__(self, connection: Connection, blobs: Blobs, authority: str) -> None:
        self.connection, self.blobs, self.authority = connection, blobs, authority
        self.rows: dict[Key, Row] = {}
        self._procedures: dict[str, law.Procedure] = {}
        self._facts: dict[str, Facts] = {}
        for kind in ORDER:
            for record in self._records(kind):
                self._take(record)
        self._clocks()

    def _records(self, kind: str) -> Iterator[Record]:
        wanted = (_ENTRIES.c.authority_id == self.authority) & (_ENTRIES.c.chain_kind == kind)
        query = select(_ENTRIES.c.data).where(wanted).order_by(_ENTRIES.c.chain_id, _ENTRIES.c.chain_seq)
        for row in self.connection.execute(query).all():
            yield canonical.decode(row.data)

    def _take(self, record: Record) -> None:
        for rows in self._rows_of(record):
            for row in rows.rows:
                self.rows[_key(rows.table, row)] = row

    def _rows_of(self, record: Record) -> tuple[Rows, ...]:
        chain = record["chain"]
        match chain["kind"]:
            case "register":
                return projections.register_rows(self.connection, record, lambda: self.rows)
            case "procedure" | "calendar":
                return self._rules(record)
            case "consultation":
                key = _key("consultation", {"authority_id": self.authority, "id": chain["id"]})
                return (
                    *projections.consultation_rows(self.rows.get(key), record),
                    *projections.withheld_rows(self.connection, record, lambda: self.rows),
                )
            case "meeting" if chain["id"].startswith(projections.MEETING):
                key = _key("meeting", {"authority_id": self.authority, "id": chain["id"]})
                return projections.meeting_rows(self.connection, self.rows.get(key), record, lambda: self.rows)
            case "meeting":
                panel = _key("panel", {"authority_id": self.authority, "id": chain["id"]})
                if panel in self.rows or record["kind"] == "panel.opened":
                    return projections.panel_rows(self.connection, self.rows.get(panel), record, lambda: self.rows)
                key = _key("hearing", {"authority_id": self.authority, "id": chain["id"]})
                return projections.hearing_rows(self.connection, self.rows.get(key), record, lambda: self.rows)
        facts = fold(self._facts.get(chain["id"]), record)
        self._facts[chain["id"]] = facts
        return projections.case_rows(self._procedure(facts.procedure), facts, record, self._calendar())

    def _rules(self, record: Record) -> tuple[Rows, ...]:
        """The rows of a record about rules: proposed, withdrawn, published, or an official text."""
        kind = record["kind"]
        if kind == "law.imported":
            return projections.law_rows(record)
        rows = projections.proposal_rows(self.connection, record, lambda: self.rows)
        if kind == "procedure.published":
            rows += projections.procedure_rows(record, self.blobs.get(record["body"]["digest"]))
        if kind == "calendar.published":
            rows += projections.calendar_rows(record, self.blobs.get(record["body"]["digest"]).decode())
        return rows

    def _procedure(self, digest: str) -> law.Procedure:
        if digest not in self._procedures:
            self._procedures[digest] = law.load(self.blobs.get(digest))
        return self._procedures[digest]

    def _calendar(self) -> days.Calendar:
        sources = [(key, row) for key, row in self.rows.items() if key[0] == "calendar_year"]
        if not hasattr(self, "_known"):
            self._known: dict[int, days.Calendar] = {}
        if len(sources) not in self._known:
            years = [days.read_year(row["source"], str(row["year"])) for _, row in sources]
            name = str(sources[0][1]["calendar"]) if sources else "CN"
            self._known[len(sources)] = days.assemble(name, years)
        return self._known[len(sources)]

    def _clocks(self) -> None:
        """Running clocks stand on the newest calendar, whenever they were started."""
        for facts in self._facts.values():
            for rows in projections.deadline_rows(
                self.authority, self._procedure(facts.procedure), facts, self._calendar()
            ):
                for row in rows.rows:
                    self.rows[_key(rows.table, row)] = row


def compare(connection: Connection, blobs: Blobs, authority: str) -> tuple[Mismatch, ...]:
    """Every projection row that the entries do not bear out, and every one that is missing."""
    due = Fold(connection, blobs, authority).rows
    found = []
    held: dict[Key, Row] = {}
    for name in PROJECTIONS:
        table = tables.metadata.tables[name]
        for row in connection.execute(select(table).where(table.c.authority_id == authority)).mappings():
            held[_key(name, dict(row))] = dict(row)
    for key in sorted(held.keys() | due.keys(), key=str):
        if key not in due or key not in held or dict(due[key]) != held[key]:
            found.append(Mismatch(key[0], dict(key[1]), held.get(key), due.get(key)))
    return tuple(found)


def rebuild(tx: Tx, authority: str) -> int:
    """Delete every projection row of an authority and write what its entries give; how many rows."""
    rows = Fold(tx.connection, tx.blobs, authority).rows
    for name in PROJECTIONS:
        table = tables.metadata.tables[name]
        tx.execute(delete(table).where(table.c.authority_id == authority))
    for name in PROJECTIONS:
        mine = [row for key, row in rows.items() if key[0] == name]
        if mine:
            tx.put(Rows(name, mine, "insert"))
    return len(rows)


def _key(table: str, row: Mapping[str, Any]) -> Key:
    columns = tables.metadata.tables[table].primary_key
    return table, tuple(sorted((column.name, row[column.name]) for column in columns))
