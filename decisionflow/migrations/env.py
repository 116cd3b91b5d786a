"""Alembic's entry: migrates the connection that `store.schema` hands over."""

from alembic import context
from sqlalchemy import text

from decisionflow.store import tables

connection = context.config.attributes["connection"]

if connection.dialect.name == "postgresql":
    # A migration that waits for a lock must give up before it stops the counter's work.
    connection.execute(text("set lock_timeout = '4s'"))
    connection.execute(text("set statement_timeout = '60s'"))

context.configure(connection=connection, target_metadata=tables.metadata, render_as_batch=True, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
