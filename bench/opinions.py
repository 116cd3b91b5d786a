"""Opinions: accepted one by one beside the bare insert of the same rows, and a consultation with very many of them.

The many come in by the same function as a citizen's one does, each committed by itself; then the consultation is
opened, filtered, compared, sorted, answered and exported, with the time of each and the most memory held so far.
"""

from __future__ import annotations

import itertools
import random
import resource
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg

from bench.harness import Contender, Group, until
from bench.steps import START
from decisionflow.core.facts import Paper
from decisionflow.service import consultations, points, rehearsals, scripts, steps
from decisionflow.service.consultations import Comment
from decisionflow.service.points import Filter, Words
from decisionflow.service.reads import case as cases
from decisionflow.service.reads import opinions as lines
from decisionflow.service.reads import points as boards
from decisionflow.store import schema
from decisionflow.store.blobs import Blobs
from decisionflow.store.engine import Store, connect
from decisionflow.web.pages.cases import csv_lines

PROCEDURE = Path(__file__).parent.parent / "tests" / "procedures" / "asking-the-public.yaml"
MANY = 100_000
ENTRY = 1500  # bytes of an opinion's entry
POSTGRESQL = "postgresql"


class Asked:
    """A government that asks the public in a store; `receive` takes one opinion in, as the page does."""

    def __init__(self, store: Store) -> None:
        script = scripts.Script.model_validate({
            "rehearsal": "1", "procedure": str(PROCEDURE), "acts": [{"at": START.isoformat(), "as": "lead", "do": "x"}],
        })  # fmt: skip
        chosen = rehearsals.named(str(PROCEDURE), PROCEDURE.parent)
        self.store, self.now = store, START
        self.stage = rehearsals.prepare(
            store, script, "bench", START - timedelta(days=1), clock="simulated", chosen=chosen
        )
        self.everybody = rehearsals.system_actor("bench", "公众")
        self.keys, self.no = itertools.count(), ""
        self.act("proposer", "ask", {"title": "解放路改造", "public": "yes"})
        self.act("chief", "begin", {"units": [{"unit": "承办单位", "leading": "yes"}]})
        self.act("lead", "notify", {"ends_on": "2024-03-31"})

    def act(self, who: str, action: str, raw: dict[str, Any], papers: tuple[Paper, ...] = ()) -> None:
        ask = steps.Ask(action, f"k{next(self.keys)}", self.no, raw, papers)
        done = self.store.write(
            lambda tx: steps.take_step(tx, self.stage.authority, self.stage.actors[who], ask, self.now)
        )
        if not isinstance(done, steps.Done):
            raise RuntimeError(f"the bench's own step was refused: {done}")
        self.no = done.no

    def receive(self, words: str) -> None:
        self.now += timedelta(milliseconds=20)
        comment, key = Comment(words, "change"), secrets.token_urlsafe(24)
        self.store.write(
            lambda tx: consultations.receive(
                tx, self.stage.authority, self.no, comment, self.everybody, self.now, key=key
            )
        )


# ---- one by one --------------------------------------------------------------------------------------------


def sqlite_group() -> Group:
    """SQLite with every commit on disk, one after the other."""
    folder = tempfile.TemporaryDirectory(prefix="bench-")
    root = Path(folder.name)
    for name in ("raw", "ours"):
        schema.migrate(f"sqlite:///{root / name}.db")
    raw = sqlite3.connect(root / "raw.db", isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        raw.execute(f"pragma {pragma}")
    store = connect(f"sqlite:///{root / 'ours'}.db", Blobs(root / "blobs"))
    asked, said = Asked(store), words()
    write = _raw(
        lambda sql, values: raw.execute(sql.replace("%s", "?"), tuple(map(_text, values))), "begin immediate", "commit"
    )

    def close() -> None:
        store.close()
        raw.close()
        folder.cleanup()

    return _group("SQLite (synchronous=FULL)", write, lambda: asked.receive(next(said)), close)


def postgresql_group(admin_url: str, create: Callable[..., str]) -> Group:
    """PostgreSQL with durable commits, one after the other."""
    url, raw_url = create(admin_url, "bench_opinions"), create(admin_url, "bench_opinions_raw")
    schema.migrate(url)
    schema.migrate(raw_url)
    raw = psycopg.connect(raw_url.replace("+psycopg", ""), autocommit=True)
    blobs = tempfile.TemporaryDirectory(prefix="bench-")
    store = connect(url, Blobs(Path(blobs.name)))
    asked, said = Asked(store), words()
    write = _raw(raw.execute, "begin", "commit")

    def close() -> None:
        store.close()
        raw.close()
        blobs.cleanup()

    return _group("PostgreSQL", write, lambda: asked.receive(next(said)), close)


def _group(title: str, write: Callable[[], None], ours: Callable[[], None], close: Callable[[], None]) -> Group:
    return Group(
        f"An opinion taken in, {title}, one client", "opinions",
        [Contender("the same rows by hand", lambda s: until(s, write)), Contender("receive", lambda s: until(s, ours))],
        "The difference is the entry: two hashes, three salted commitments, its place in the chain.", close,
    )  # fmt: skip


_NOTICE = """
    insert into consultation (authority_id, id, case_id, no, title, unit, notice, text_digest, found_by, area, concerns,
                              opens_on, ends_on, state, opinions, seq, opened_at)
    values ('b', 'c', 'k', 'N', '标题', '单位', '{}', '', '', '', '', %s, %s, 'open', 0, 0, %s)
"""
_ROWS = (
    "update trail_chain set seq = seq + 1, head = %s where authority_id = 'b' and kind = 'consultation' and chain_id = 'c'",
    "insert into trail_entry values ('b', %s, 'consultation', 'c', %s, 'opinion.received', %s, %s, 'x', 'x')",
    "insert into trail_unsealed values ('b', %s)",
    "insert into vault_field values ('b', %s, %s, 'body.words', %s, %s)",
    "update consultation set opinions = opinions + 1, seq = seq + 1 where authority_id = 'b' and id = 'c'",
    "insert into opinion values ('b', %s, 'c', %s, %s, 'h', 'web', 'change', '', %s, %s, '', '', %s)",
    "insert into act_key values ('b', 'public', %s, %s, 'f', %s)",
)


def _raw(execute: Callable[[str, tuple[Any, ...]], Any], begin: str, commit: str) -> Callable[[], None]:
    at, said, counter = START, words(), itertools.count(1)
    execute("insert into trail_chain values ('b', 'consultation', 'c', 0, '')", ())
    execute(_NOTICE, (at.date(), at.date(), at))

    def write() -> None:
        n = next(counter)
        entry, commitment = f"e{n}", f"{n:064d}"
        values: tuple[tuple[Any, ...], ...] = (
            (commitment,), (entry, n, at, b"x" * ENTRY), (entry,), (commitment, entry, b"s" * 32, next(said)), (),
            (entry, n, entry, False, commitment, at), (entry, entry, at),
        )  # fmt: skip
        execute(begin, ())
        execute("select * from consultation where authority_id = 'b' and id = 'c'", ()).fetchone()
        for sql, given in zip(_ROWS, values, strict=True):
            execute(sql, given)
        execute(commit, ())

    return write


def _text(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


# ---- very many ---------------------------------------------------------------------------------------------


def table(number: int) -> str:
    """A consultation with so many opinions on SQLite, in a process of its own so that its memory can be told."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.opinions", str(number)], check=True, capture_output=True, text=True
    )
    return done.stdout


def work(number: int) -> Iterator[str]:
    """Take so many in, then do with them what an official does; a line of Markdown for each."""
    yield f"### A consultation with {number:,} opinions, SQLite, one process\n"
    yield "| | seconds | most memory held so far |\n|---|---|---|"
    with tempfile.TemporaryDirectory(prefix="bench-many-") as folder:
        schema.migrate(f"sqlite:///{folder}/many.db")
        store = connect(f"sqlite:///{folder}/many.db", Blobs(Path(folder) / "blobs"))
        asked, said = Asked(store), words()
        yield _line("nothing yet", 0.0)
        yield _timed(f"{number:,} taken in, each committed", lambda: deque(map(asked.receive, islice(said, number)), 0))
        for title, deed in _deeds(asked):
            yield _timed(title, deed)
        store.close()


def _deeds(asked: Asked) -> Iterator[tuple[str, Callable[[], object]]]:
    store, authority, actor = asked.store, asked.stage.authority, asked.stage.actors["lead"]
    asked.now = datetime(2024, 4, 1, 2, 0, tzinfo=START.tzinfo)

    def looked(deed: Callable[[Any, points.Desk], Any]) -> Any:
        with store.read() as connection:
            return deed(connection, points.desk(connection, authority, actor, asked.no))

    def written(deed: Callable[[Any, points.Desk], Any]) -> Any:
        return store.write(lambda tx: deed(tx, points.desk(tx.connection, authority, actor, asked.no)))

    found: list[tuple[int, int, int]] = []

    def make(name: str) -> str:
        return str(written(lambda tx, at: points.make(tx, at, Words(name, "adopted"), asked.now)))

    def put(point: str, bunches: list[int]) -> None:
        written(lambda tx, at: points.place(tx, at, point, asked.now, bunches=bunches))

    def sort_all() -> None:
        alike, single = make("众人说的"), make("各人说的")
        while True:
            board: boards.Board = looked(lambda connection, at: boards.board(connection, at, Filter(), 1))
            if not board.bunches:
                return
            if board.bunches[0].count > 1:
                put(alike, [bunch.number for bunch in board.bunches])
            else:  # what is left are single ones: all at once
                put(
                    single,
                    looked(
                        lambda connection, at: connection.exec_driver_sql("select seq from opinion").scalars().all()
                    ),
                )

    def listed(wanted: Filter) -> object:
        with store.read() as connection:
            at = cases.view(connection, authority, actor, asked.no, asked.now)
            return lines.listing(connection, store.blobs, at, wanted, "")

    def exported() -> int:
        with store.read() as connection:
            at = cases.view(connection, authority, actor, asked.no, asked.now)
            return sum(
                map(
                    len,
                    csv_lines(
                        lines.COLUMNS, (one.cells for one in lines.everything(connection, store.blobs, at, Filter()))
                    ),
                )
            )

    def answered() -> None:
        given = looked(points.answer)
        stored = store.blobs.put(b"x", "text/plain; charset=utf-8")
        paper = Paper("summary", "说明", stored.sha256, stored.size, stored.type, "x.txt")
        asked.act("lead", "answer", {**given, "summary": "综述"}, (paper,))

    yield "first page of the list", lambda: listed(Filter())
    yield "list filtered by a word", lambda: listed(Filter(words="噪声"))
    yield "desk opened", lambda: looked(lambda connection, at: boards.board(connection, at, Filter(), 1))
    yield "which read alike, compared", lambda: found.extend(looked(points.alike))
    yield "which read alike, kept", lambda: written(lambda tx, at: points.keep_alike(tx, at, found))
    yield (
        "desk opened, alike ones together",
        lambda: looked(lambda connection, at: boards.board(connection, at, Filter(), 1)),
    )
    yield "all sorted into points, page by page", sort_all
    yield "consultation closed", lambda: asked.act("lead", "close", {})
    yield "answer signed", answered
    yield "exported as a table", exported


def _timed(title: str, deed: Callable[[], object]) -> str:
    start = time.perf_counter()
    deed()
    return _line(title, time.perf_counter() - start)


def _line(title: str, seconds: float) -> str:
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"| {title} | {seconds:.2f} | {held:.0f} MiB |"


def words() -> Iterator[str]:
    """What people write, without end and always the same: campaigns, the same said otherwise, and things of their own."""
    dice = random.Random(713)
    campaigns = ("请避开夜间施工，噪声太大。", "反对砍伐行道树，夏天没有树荫。", "建议增设公交站点并延长绿灯时间。")
    letters = "路灯车桥学校医院菜场老人孩子出行安全补偿标准公开透明规划绿化停车消防电梯噪声粉尘工期采光通风管线排水"
    while True:
        kind, own = dice.random(), "".join(dice.choices(letters, k=dice.randint(12, 60)))
        campaign = dice.choice(campaigns)
        yield campaign if kind < 0.3 else f"{campaign}{own[:6]}" if kind < 0.5 else own


if __name__ == "__main__":
    for line in work(int(sys.argv[1]) if len(sys.argv) > 1 else MANY):
        print(line, flush=True)
