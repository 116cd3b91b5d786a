"""A committed step on each database, beside the same statements written by hand."""

from __future__ import annotations

import hashlib
import itertools
import sqlite3
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from bench.harness import Contender, Group, until
from decisionflow.service import rehearsals, scripts, steps
from decisionflow.store import schema
from decisionflow.store.blobs import Blobs
from decisionflow.store.engine import Store, connect

PROCEDURE = Path(__file__).parent.parent / "tests" / "procedures" / "tree-felling.yaml"
START = datetime(2024, 3, 1, 1, 0, tzinfo=UTC)
ENTRY, FACTS = 2100, 4200  # bytes of an entry and of a case's folded facts, as our steps have them on average


def sqlite_group() -> Group:
    """SQLite with every commit on disk: one client."""
    folder = tempfile.TemporaryDirectory(prefix="bench-")
    root = Path(folder.name)
    for name in ("raw", "ours"):
        schema.migrate(f"sqlite:///{root / name}.db")
    raw = sqlite3.connect(root / "raw.db", isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        raw.execute(f"pragma {pragma}")
    store = connect(f"sqlite:///{root / 'ours'}.db", Blobs(root / "blobs"))
    write = _raw_sqlite(raw)
    step = _ours(store)

    def close() -> None:
        store.close()
        raw.close()
        folder.cleanup()

    return Group(
        "A committed step, SQLite (synchronous=FULL), one client", "steps",
        [Contender("the same statements by hand", lambda s: until(s, write)), Contender("take_step", lambda s: until(s, step))],
        "Bar: 0.35 realistic, 0.70 goal.", close,
    )  # fmt: skip


def postgresql_group(admin_url: str, create: Callable[..., str]) -> Group:
    """PostgreSQL with durable commits: one client; by hand is four round trips."""
    url = create(admin_url, "bench_ours")
    schema.migrate(url)
    raw_url = create(admin_url, "bench_raw")
    schema.migrate(raw_url)
    raw = psycopg.connect(raw_url.replace("+psycopg", ""))
    blobs = tempfile.TemporaryDirectory(prefix="bench-")
    store = connect(url, Blobs(Path(blobs.name)))
    write, step = _raw_postgresql(raw), _ours(store)

    def close() -> None:
        store.close()
        raw.close()
        blobs.cleanup()

    return Group(
        "A committed step, PostgreSQL, one client", "steps",
        [Contender("the same statements by hand, four round trips", lambda s: until(s, write)),
         Contender("take_step, two round trips", lambda s: until(s, step))],
        "Bar: 0.8 realistic, 1.3 goal.", close,
    )  # fmt: skip


def _ours(store: Store) -> Callable[[], None]:
    """One step of a case of eight: open, begin, six acts."""
    script = scripts.Script.model_validate({
        "rehearsal": "1", "procedure": str(PROCEDURE), "acts": [{"at": "2024-03-01T09:00", "as": "lead", "do": "x"}],
    })  # fmt: skip
    chosen = rehearsals.named(str(PROCEDURE), PROCEDURE.parent)
    stage = rehearsals.prepare(store, script, "bench", START - timedelta(days=1), clock="simulated", chosen=chosen)
    counter, state = itertools.count(), {"no": "", "n": 0}

    def step() -> None:
        n = next(counter)
        place = n % 8
        who, action, raw = (
            ("proposer", "ask", {"title": "行道树砍伐", "protected": "no", "trees": "3"}) if place == 0
            else ("chief", "begin", {"units": [{"unit": "承办单位", "leading": "yes"}]}) if place == 1
            else ("lead", "write_plan", {})
        )  # fmt: skip
        ask = steps.Ask(action, f"k{n}", "" if place == 0 else str(state["no"]), raw)
        now = START + timedelta(seconds=n)
        done = store.write(lambda tx: steps.take_step(tx, stage.authority, stage.actors[who], ask, now))
        if not isinstance(done, steps.Done):
            raise RuntimeError(f"the bench's own step was refused: {done}")
        state["no"] = done.no

    return step


_READ = "select c.facts, h.seq, h.head from case_file c join trail_chain h on h.chain_id = c.id where c.no = {p}"
_WRITES = (
    "update trail_chain set seq = seq + 1, head = {p} where authority_id = 'b' and kind = 'case' and chain_id = {p}",
    "insert into trail_entry values ('b', {p}, 'case', {p}, {p}, 'step.taken', {p}, {p}, {p}, {p})",
    "insert into trail_unsealed values ('b', {p})",
    "update case_file set facts = {p}, seq = seq + 1, touched_at = {p} where authority_id = 'b' and id = {p}",
    "insert into case_act values ('b', {p}, {p}, {p}, 'a', '办理', 'main', 'p', '陈予安', 'post', 'unit', 'lead', {p}, {p}, {f})",
    "insert into outbox values ('b', {p}, {p}, 'step', '', '', '{{}}', 'ready', {p}, null, 0, '', null, 0, '', {p})",
    "insert into act_key values ('b', 'p', {p}, {p}, 'f', {p})",
)


def _seed(execute: Callable[[str, tuple[Any, ...]], Any], mark: str, false: str) -> None:
    execute("insert into trail_chain values ('b', 'case', 'c', 0, '')", ())
    execute(
        f"insert into case_file values ('b', 'c', 'N', '标题', 'd', '{{}}', {mark}, 0, {false}, {false}, '', {mark}, {mark})",
        ("x" * FACTS, START, START),
    )


def _parameters(n: int, at: Any) -> list[tuple[Any, ...]]:
    entry, data = f"e{n}", (f"{n:08d}" + "x" * (ENTRY - 8)).encode()
    digest = hashlib.sha256(data).hexdigest()
    sm3 = hashlib.new("sm3", data).hexdigest()
    return [
        (digest, "c"), (entry, "c", n, at, data, digest, sm3), (entry,), ("x" * FACTS, at, "c"), (entry, "c", n, at, at),
        (entry, entry, at, at), (entry, entry, at),
    ]  # fmt: skip


def _raw_sqlite(connection: sqlite3.Connection) -> Callable[[], None]:
    read = _READ.format(p="?")
    writes = [sql.format(p="?", f="0") for sql in _WRITES]
    at = START.isoformat()
    _seed(lambda sql, values: connection.execute(sql, tuple(str(v) for v in values)), "?", "0")
    counter = itertools.count(1)

    def write() -> None:
        connection.execute("begin immediate")
        connection.execute(read, ("N",)).fetchone()
        for sql, values in zip(writes, _parameters(next(counter), at), strict=True):
            connection.execute(sql, values)
        connection.execute("commit")

    return write


def _raw_postgresql(connection: psycopg.Connection[Any]) -> Callable[[], None]:
    read = _READ.format(p="%s") + " for update of c"
    writes = [sql.format(p="%s", f="false") for sql in _WRITES]
    _seed(connection.execute, "%s", "false")
    connection.commit()
    counter = itertools.count(1)

    def write() -> None:
        connection.execute(read, ("N",)).fetchone()
        with connection.pipeline():
            for sql, values in zip(writes, _parameters(next(counter), START), strict=True):
                connection.execute(sql, values)
        connection.commit()

    return write
