"""The tables that the code declares are those that the migrations make, on both databases."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from decisionflow.store import tables
from decisionflow.store.engine import Store


def test_migrations_and_metadata_agree(store: Store) -> None:
    with store.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_contacts_are_no_evidence(store: Store) -> None:
    assert tables.table_class("contact") == "infrastructure"
    assert store.write(lambda tx: tx.execute(tables.metadata.tables["contact"].delete()).rowcount) == 0
