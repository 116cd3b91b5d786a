"""What is recorded stays: neither database lets the site change or remove an entry, whatever statement it tries."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from decisionflow.store.engine import Store
from tests.service.stage import Office, office


@pytest.fixture
def work(store: Store) -> Office:
    made = office(store)
    made.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3", phone="13800000000")
    return made


def entries(work: Office) -> list[tuple[str, str, bytes]]:
    with work.store.read() as connection:
        rows = connection.execute(text("select entry_id, kind, data from trail_entry order by entry_id"))
        return [(row.entry_id, row.kind, bytes(row.data)) for row in rows]


def barred(work: Office, statement: str) -> None:
    before = entries(work)
    with pytest.raises(DatabaseError):
        work.store.write(lambda tx: tx.execute(text(statement)))
    assert entries(work) == before


@pytest.mark.parametrize(
    "statement",
    [
        "update trail_entry set kind = 'x'", "delete from trail_entry", "update trail_entry set data = data",
        "update trail_chain set seq = seq - 1", "delete from trail_chain",
        "insert into trail_entry select * from trail_entry where true on conflict do update set kind = 'x'",
        "insert or replace into trail_entry select * from trail_entry", "replace into trail_entry select * from trail_entry",
    ],
)  # fmt: skip
def test_no_statement_of_the_site_changes_an_entry(work: Office, statement: str) -> None:
    barred(work, statement)


@pytest.mark.parametrize(
    "store", [pytest.param("postgresql", marks=[pytest.mark.services, pytest.mark.postgres])], indirect=True
)
@pytest.mark.parametrize(
    "statement",
    ["truncate trail_entry", "drop table trail_entry", "drop trigger trail_entry_no_update on trail_entry",
     "alter table trail_entry disable trigger all"],
)  # fmt: skip
def test_the_role_of_the_site_cannot_change_the_schema(work: Office, statement: str) -> None:
    """On SQLite whoever owns the file can; there the signed log finds it."""
    barred(work, statement)
