"""Filling the projections that careers are read from, for entries written before there were such rows.

The step writes these rows with every entry, and `replay` folds them again; this is for a database that was just brought up
to the schema that has them. Running it again changes nothing.
"""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection, text

from decisionflow.core.facts import Facts, fold
from decisionflow.service import procedures, projections
from decisionflow.store.engine import Store, Tx
from decisionflow.store.records import Rows
from decisionflow.trail import canonical

_AUTHORITIES = text("select id from authority order by id")
_CASES = text("select id from case_file where authority_id = :a order by no")
_ENTRIES = text("""
    select data from trail_entry where authority_id = :a and chain_kind = :k and chain_id = :c order by chain_seq
""")
_NAMED = text("""
    select data from trail_entry
    where authority_id = :a and chain_kind = 'register' and kind in ('unit.registered', 'unit.renamed') order by chain_seq
""")


def fill(store: Store) -> int:
    """Write the rows of every government, a case at a time; how many cases."""
    done = 0
    with store.read() as connection:
        authorities = connection.execute(_AUTHORITIES).scalars().all()
        cases = {one: connection.execute(_CASES, {"a": one}).scalars().all() for one in authorities}
    for authority in authorities:
        store.write(partial(_units, authority=authority))
        for case in cases[authority]:
            store.write(partial(_case, authority=authority, case=case))
            done += 1
    return done


def _units(tx: Tx, authority: str) -> None:
    for row in tx.connection.execute(_NAMED, {"a": authority}).all():
        tx.put(projections.unit_name(canonical.decode(row.data)))


def _case(tx: Tx, authority: str, case: str) -> None:
    for rows in rows_of(tx.connection, authority, case):
        tx.put(rows)


def rows_of(connection: Connection, authority: str, case: str) -> list[Rows]:
    """The rows that the entries of a case give."""
    facts: Facts | None = None
    found: list[Rows] = []
    for row in connection.execute(_ENTRIES, {"a": authority, "k": "case", "c": case}).all():
        record = canonical.decode(row.data)
        facts = fold(facts, record)
        found += projections.career_rows(procedures.by_digest(connection, authority, facts.procedure), record)
    return found
