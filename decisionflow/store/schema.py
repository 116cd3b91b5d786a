"""Which schema the database has, which one we need, and the way between them (Alembic)."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util.exc import CommandError
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from decisionflow import paths
from decisionflow.errors import Unavailable


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(paths.PACKAGE / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The revision that this release needs."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    return str(found)


def current(connection: Connection) -> str | None:
    """The revision of a database, None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def pending(connection: Connection) -> list[str]:
    """The revisions still to be run, oldest first. Raises Unavailable for a database from the future."""
    at = current(connection)
    script = ScriptDirectory.from_config(_config())
    try:
        steps = list(script.iterate_revisions("head", at or "base"))
    except (CommandError, RevisionError) as fault:
        raise Unavailable(
            f"database schema {at} is unknown to this release",
            say=f"数据库的结构版本 {at} 比本程序新，请升级 decisionflow，不要用旧程序打开",
        ) from fault
    return [str(step.revision) for step in reversed(steps) if step.revision != at]


def check(connection: Connection) -> None:
    """Raise Unavailable unless the schema is exactly the one we need."""
    behind = pending(connection)
    if behind:
        raise Unavailable(
            f"schema is {len(behind)} migrations behind",
            say=f"数据库结构落后{len(behind)}步，请先运行 decisionflow migrate",
        )


def migrate(url: str, revision: str = "head") -> list[str]:
    """Bring a database up to a revision; the revisions that were run. Raises Unavailable."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=NullPool)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def prepare(connection: object, _: object) -> None:
            connection.execute("PRAGMA journal_mode=WAL")  # type: ignore[attr-defined]

    try:
        with engine.begin() as connection:
            todo = pending(connection)
            command.upgrade(_config(connection), revision)
            return todo
    except OperationalError as fault:
        raise Unavailable(
            f"cannot open the database: {fault.orig}", say="打不开数据库，请检查地址、权限与磁盘"
        ) from fault
    finally:
        engine.dispose()
