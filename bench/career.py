"""Looking back over decades: careers, chains and what was known, among very many entries and 20,000 persons.

One case of full length is played, then copied with new ids until there are enough entries: its trail, its rows and its
careers, each copy with persons of its own out of the 20,000 (the busiest three places out of
200 leaders), its acts spread over thirty years. Hashes are not made
again, so that such a database verifies nothing; it is only read. Each look is timed beside the indexed SQL that fetches
the same rows, on two sizes: what does not grow with the total stays the same.
"""

from __future__ import annotations

import random
import re
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, create_engine, insert, select, text

from decisionflow.service import authorities, rehearsals, scripts, steps
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import answers, career, known, moment
from decisionflow.store import schema, tables
from decisionflow.store.blobs import Blobs
from decisionflow.store.engine import Store, connect
from tests import services

SCRIPT = Path(__file__).parent.parent / "tests" / "rehearsals" / "full-length.yaml"
PERSONS, LEADERS, YEARS, MANY = 20_000, 200, 30, 50_000
COPIED = ("case_file", "trail_entry", "case_act", "career")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
TIMES = 60  # looks of each kind
BATCH = 20  # cases written at once


@dataclass(frozen=True)
class Pattern:
    """The case that is copied: its rows by table, and the ids in them that become new ones."""

    rows: dict[str, list[dict[str, Any]]]
    ids: tuple[str, ...]
    persons: tuple[str, ...]
    entries: int


def table(entries: int) -> str:
    """The figures on both databases, for a quarter of the entries and for all of them."""
    sizes = (max(entries // 4, 1000), entries)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        found = [_on_sqlite(Path(folder) / f"{size}", size) for size in sizes]
        with services.postgres_server(durable=True) as server:
            for size in sizes:
                url = services.create_database(server.url, f"bench_career_{size}")
                found.append(_measured("PostgreSQL", url, Path(folder) / f"pg-{size}", size))
    return "\n".join(line for lines in found for line in lines)


def _on_sqlite(folder: Path, size: int) -> list[str]:
    folder.mkdir()
    return _measured("SQLite", f"sqlite:///{folder}/career.db", folder, size)


def _measured(name: str, url: str, folder: Path, size: int) -> list[str]:
    folder.mkdir(exist_ok=True)
    schema.migrate(url)
    store = connect(url, Blobs(folder / "blobs"))
    try:
        report = rehearsals.play(store, scripts.read(SCRIPT.read_text("utf-8"), str(SCRIPT)), "bench")
        now = report.acts[-1].at
        with store.read() as connection:
            pattern = _pattern(connection)
        before = _size(url, store)
        made, persons = _copy(url, pattern, size)
        grown = (_size(url, store) - before) / made
        lines = [f"### {name}, {made:,} entries of {made // pattern.entries:,} cases, {PERSONS:,} persons, {YEARS} years;"
                 f" {grown / 1024:.1f} KiB on disk an entry", "",
                 "| look | p50 ms | p99 ms | raw SQL p50 ms |", "|---|---|---|---|"]  # fmt: skip
        with store.read() as connection:
            authority = authorities.get(connection, "bench")
            numbers = [f"BENCH-{n:06}" for n in range(made // pattern.entries)]
            for title, look, raw in _looks(connection, authority, persons, numbers, now):
                ours, theirs = _timed(look), _timed(raw)
                lines.append(f"| {title} | {_at(ours, 50):.1f} | {_at(ours, 99):.1f} | {_at(theirs, 50):.2f} |")
        return [*lines, ""]
    finally:
        store.close()


def _pattern(connection: Connection) -> Pattern:
    rows: dict[str, list[dict[str, Any]]] = {}
    case = connection.execute(text("select id from case_file")).scalar_one()
    for name in COPIED:
        it = tables.metadata.tables[name]
        column = {"case_file": "id", "trail_entry": "chain_id"}.get(name, "case_id")
        rows[name] = [dict(row) for row in connection.execute(select(it).where(it.c[column] == case)).mappings()]
    often = Counter(row["person_id"] for row in rows["career"])
    persons = tuple(person for person, _ in often.most_common())
    ids = (case, *(row["entry_id"] for row in rows["trail_entry"]))
    return Pattern(rows, ids, persons, len(rows["trail_entry"]))


def _copy(url: str, pattern: Pattern, size: int) -> tuple[int, list[str]]:
    """Copies of the case until there are so many entries; how many there are, and who occurs in them."""
    chance = random.Random(7)
    everybody = [str(UUID(int=(0x7 << 76) | (1 << 127) | n)) for n in range(PERSONS)]
    cases, used = size // pattern.entries, set[str]()
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("pragma synchronous=off")
            connection.commit()
        for start in range(0, cases, BATCH):
            with connection.begin():
                _batch(connection, pattern, range(start, min(start + BATCH, cases)), cases, chance, everybody, used)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("analyze")
    engine.dispose()
    return cases * pattern.entries, sorted(used)


def _batch(
    connection: Connection, pattern: Pattern, numbers: range, cases: int, chance: random.Random, everybody: list[str],
    used: set[str],
) -> None:  # fmt: skip
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in COPIED}
    chains = []
    for n in numbers:
        new = {old: str(UUID(int=(0x7 << 76) | (n << 90) | k)) for k, old in enumerate(pattern.ids)}
        chosen = chance.sample(everybody[:LEADERS], 3)
        chosen += chance.sample(everybody[LEADERS:], len(pattern.persons) - 3)
        new |= dict(zip(pattern.persons, chosen, strict=True))
        used.update(new[one] for one in pattern.persons)
        back = timedelta(days=round(YEARS * 365 * (cases - n) / cases))
        for name in COPIED:
            found[name] += [_moved(name, row, new, n, back) for row in pattern.rows[name]]
        chains.append({"a": "bench", "c": new[pattern.ids[0]], "s": pattern.entries, "h": f"{n:064x}"})
    for name in COPIED:
        connection.execute(insert(tables.metadata.tables[name]), found[name])
    connection.execute(
        text("insert into trail_chain (authority_id, kind, chain_id, seq, head) values (:a, 'case', :c, :s, :h)"),
        chains,
    )


def _exchanged(value: Any, new: dict[str, str], older: timedelta) -> Any:
    if isinstance(value, bytes):
        return _exchanged(value.decode(), new, older).encode()
    if isinstance(value, str):
        return _ID.sub(lambda hit: new.get(hit[0], hit[0]), value)
    return value - older if isinstance(value, datetime) else value


def _moved(name: str, row: dict[str, Any], new: dict[str, str], n: int, back: timedelta) -> dict[str, Any]:
    """A row of another case: its ids exchanged wherever they stand; the rows that are listed are so much older."""
    older = back if name in ("career", "case_act") else timedelta()
    found = {key: _exchanged(value, new, older) for key, value in row.items()}
    if name == "case_file":
        found |= {"no": f"BENCH-{n:06}", "facts": found["facts"].replace(row["no"], f"BENCH-{n:06}", 1)}
    if name == "trail_entry":
        found["sha256"] = f"{n:032x}{row['sha256'][:32]}"
    if name == "career":
        found["year"] = found["happened_at"].year
    return found


Look = tuple[str, Callable[[], object], Callable[[], object]]


def _looks(
    connection: Connection, authority: Authority, persons: list[str], numbers: list[str], now: datetime
) -> Iterator[Look]:  # fmt: skip
    chance, wanted = random.Random(11), career.Wanted()
    rows = text("select * from career where authority_id = :a and person_id = :p"
                " order by recorded_at desc, entry_id desc, role desc limit :n")  # fmt: skip
    one = text("select facts from case_file where authority_id = :a and no = :no")
    chain = text("select e.data from trail_entry e join case_file c on c.authority_id = e.authority_id and c.id = e.chain_id"
                 " where c.authority_id = :a and c.no = :no and e.chain_kind = 'case' order by e.chain_seq")  # fmt: skip

    def person() -> str:
        return chance.choice(persons)

    def leader() -> str:
        return chance.choice(persons[:LEADERS])

    def raw(query: Any, **values: Any) -> object:
        return connection.execute(query, {"a": authority.id, **values}).all()

    def standing() -> steps.Standing:
        return steps.load(connection, authority, chance.choice(numbers))

    def drawn() -> object:
        at = standing()
        return answers.drawing(answers.chain(at.procedure, at.facts), "")

    def knew() -> object:
        at = standing()
        entries = moment.records(connection, authority, at.facts.case)
        of = known.source(connection, authority, at.procedure, at.facts, entries)
        return known.sheet(connection, authority, of, of.people[0][0], now, "recorded")

    def stood() -> object:
        at = standing()
        entries = moment.records(connection, authority, at.facts.case)
        return moment.then(connection, authority, entries, now - timedelta(days=90), "recorded", at.calendar)

    yield ("a leader, newest 50", lambda: career.page(connection, authority, leader(), wanted, now),
           lambda: raw(rows, p=leader(), n=51))  # fmt: skip
    yield ("a leader's whole career", lambda: career.every(connection, authority, leader(), wanted, now),
           lambda: raw(rows, p=leader(), n=10**6))  # fmt: skip
    yield ("anybody, newest 50", lambda: career.page(connection, authority, person(), wanted, now),
           lambda: raw(rows, p=person(), n=51))  # fmt: skip
    yield ("anybody's whole career", lambda: career.every(connection, authority, person(), wanted, now),
           lambda: raw(rows, p=person(), n=10**6))  # fmt: skip
    yield "decision chain", drawn, lambda: raw(one, no=chance.choice(numbers))
    yield "known when", knew, lambda: raw(chain, no=chance.choice(numbers))
    yield "an instant", stood, lambda: raw(chain, no=chance.choice(numbers))


def _timed(look: Callable[[], object]) -> list[float]:
    look()
    found = []
    for _ in range(TIMES):
        start = time.perf_counter()
        look()
        found.append((time.perf_counter() - start) * 1000)
    return found


def _at(times: list[float], percent: int) -> float:
    return statistics.quantiles(times, n=100)[percent - 1]


def _size(url: str, store: Store) -> int:
    with store.read() as connection:
        if connection.dialect.name == "sqlite":
            pages = connection.exec_driver_sql("select page_count * page_size from pragma_page_count, pragma_page_size")
            return int(pages.scalar_one())
        return int(connection.execute(text("select pg_database_size(current_database())")).scalar_one())
