"""What a release has recorded, the next one reads: frozen demos of older schemas, brought up on both databases."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Boolean, Connection, Table, create_engine, inspect, select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from decisionflow.core.facts import legal_date
from decisionflow.service import actors, authorities, careers, laws, steps, verification
from decisionflow.service import site as sites
from decisionflow.service.reads import case, stored, timeline
from decisionflow.store import schema, tables
from decisionflow.store.blobs import Blobs
from decisionflow.store.engine import Store, connect
from decisionflow.trail import verify
from tests import services
from tests.conftest import as_app, make_roles

FROZEN = {path.name.partition(".")[0]: path for path in (Path(__file__).parents[1] / "frozen").glob("demo-*.tar.xz")}
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Old:
    """A frozen demo, unpacked: a SQLite database of its schema, with its rows as they lie there."""

    folder: Path
    revision: str
    rows: Rows = field(repr=False)

    @property
    def database(self) -> Path:
        return self.folder / "old.db"


@dataclass(frozen=True)
class Upgraded:
    """The same data in a database of today's schema, opened as the site opens it."""

    old: Old
    store: Store

    @property
    def authority(self) -> authorities.Authority:
        with self.store.read() as connection:
            (found,) = authorities.everyone(connection)
        return found

    def actor(self, name: str) -> actors.Actor:
        with self.store.read() as connection:
            everybody = actors.everybody(connection, self.authority.id, legal_date(NOW))
        return next(one for one in everybody if one.name == name)

    def verified(self) -> verify.Report:
        trust = sites.trust(self.old.folder / "keys" / "trust.json")
        with self.store.read() as connection:
            return verification.everything(connection, self.store.blobs, self.authority, trust)


@pytest.fixture(scope="module", params=FROZEN.values(), ids=FROZEN)
def old(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Old:
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(request.param) as archive:
        archive.extractall(folder, filter="data")
    with closing(sqlite3.connect(folder / "old.db")) as database:
        database.executescript((folder / "demo.sql").read_text("utf-8"))
        database.row_factory = sqlite3.Row
        names = [row["name"] for row in database.execute("select name from sqlite_master where type = 'table'")]
        rows = {name: [dict(row) for row in database.execute(f"select * from {name}")] for name in names}
    ((version,),) = (row.values() for row in rows.pop("alembic_version"))
    return Old(folder, version, rows)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.services, pytest.mark.postgres])])
def upgraded(request: pytest.FixtureRequest, old: Old, tmp_path: Path) -> Iterator[Upgraded]:
    """Each test has a database of its own, filled under the old schema and then migrated."""
    shutil.copytree(old.folder / "blobs", tmp_path / "blobs")
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'site.db'}"
        shutil.copy(old.database, tmp_path / "site.db")
        schema.migrate(url)
        found = connect(url, Blobs(tmp_path / "blobs"))
        careers.fill(found)  # as `migrate` does
        yield Upgraded(old, found)
        found.close()
        return
    admin, name = request.getfixturevalue("postgres_admin_url"), f"df_{uuid.uuid4().hex[:12]}"
    make_roles(admin)
    url = services.create_database(admin, name)
    schema.migrate(url, old.revision)
    fill(url, old.rows)
    schema.migrate(url)
    found = connect(as_app(url), Blobs(tmp_path / "blobs"))
    careers.fill(found)
    yield Upgraded(old, found)
    found.close()
    services.drop_database(admin, name)


def fill(url: str, rows: Rows) -> None:
    """The rows of a SQLite database in a PostgreSQL database of the same schema; only truth values differ."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        for name in filter(rows.get, rows):
            columns = inspect(connection).get_columns(name)
            flags = [column["name"] for column in columns if isinstance(column["type"], Boolean)]
            given = [{**row, **{flag: bool(row[flag]) for flag in flags}} for row in rows[name]]
            places = ", ".join(f":{key}" for key in given[0])
            connection.execute(text(f"insert into {name} ({', '.join(given[0])}) values ({places})"), given)


def held(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The old columns of a table, plain enough to compare one database with another."""
    found = connection.execute(select(*(table.c[key] for key in rows[0])))
    return sorted(tuple(map(plain, row)) for row in found)


def plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC).isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)


def test_the_schema_is_that_of_the_models(upgraded: Upgraded) -> None:
    with upgraded.store.read() as connection:
        schema.check(connection)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_every_old_row_is_still_there_and_new_tables_stand_beside(upgraded: Upgraded, tmp_path: Path) -> None:
    before = create_engine(f"sqlite:///{upgraded.old.database}", poolclass=NullPool)
    with before.connect() as then, upgraded.store.read() as now:
        for name, rows in upgraded.old.rows.items():
            if rows:
                table = tables.metadata.tables[name]
                assert held(now, table, rows) == held(then, table, rows), name
        new = tables.metadata.tables.keys() - upgraded.old.rows.keys()
        assert new and new <= set(inspect(now).get_table_names())


def test_every_old_case_can_be_read(upgraded: Upgraded) -> None:
    authority, files = upgraded.authority, upgraded.old.rows["case_file"]
    with upgraded.store.read() as connection:
        cases = {one.facts.case: one for one in stored.cases(connection, authority)}
        assert cases.keys() == {row["id"] for row in files}
        for row in files:
            one = cases[row["id"]]
            assert (one.facts.no, one.facts.stages) == (row["no"], json.loads(row["stages"]))
            acts = [act for act in upgraded.old.rows["case_act"] if act["case_id"] == row["id"]]
            told = timeline.events(connection, authority, one.procedure, one.facts)
            assert {act["entry_id"] for act in acts} <= {event.entry for event in told}
            someone = upgraded.actor(acts[0]["person_name"])
            listed = case.checklist(case.view(connection, authority, someone, row["no"], NOW))
            names = {entry.href.rpartition("/")[2] for section in listed for entry in section.rows}
            assert {paper.sha256 for paper in one.facts.papers().values()} <= names


def test_the_old_record_verifies(upgraded: Upgraded) -> None:
    report = upgraded.verified()
    assert (report.verdict, report.entries) == (verify.PASSED, len(upgraded.old.rows["trail_entry"])), report.say


def test_an_old_case_goes_on_and_a_text_of_the_law_is_taken_in(upgraded: Upgraded) -> None:
    authority, office, review = upgraded.authority, upgraded.actor("沈砚"), upgraded.actor("罗敬之")
    ask = steps.Ask("close_case", "after-the-upgrade", "YH-2026-002")
    done = upgraded.store.write(lambda tx: steps.take_step(tx, authority, office, ask, NOW))
    assert isinstance(done, steps.Done)
    words = "第一条　为了健全决策机制，制定本条例。".encode()
    upgraded.store.write(lambda tx: laws.load(tx, authority, "713", "713.txt", words, review, NOW))
    with upgraded.store.read() as connection:
        assert steps.load(connection, authority, "YH-2026-002").facts.stages["main"] == "closed"
        assert [one.name for one in laws.texts(connection, authority)] == ["713.txt"]
    report = upgraded.verified()
    assert report.verdict == verify.PASSED and "另有 2 条等待封存" in report.say


@pytest.mark.parametrize("statement", ["update trail_entry set kind = 'x'", "delete from trail_entry"])
def test_no_migration_takes_the_guards_away(upgraded: Upgraded, statement: str) -> None:
    with pytest.raises(DatabaseError):
        upgraded.store.write(lambda tx: tx.execute(text(statement)))
