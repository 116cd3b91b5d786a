"""A version tried on 1,000 stored cases at full length, beside only reading them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import orjson
from sqlalchemy import text

from bench.harness import Contender, Group, until
from decisionflow.core.facts import thaw
from decisionflow.service import authorities, rehearsals, replays, scripts
from decisionflow.store import schema
from decisionflow.store.blobs import Blobs
from decisionflow.store.engine import connect

SCRIPT = Path(__file__).parent.parent / "tests" / "rehearsals" / "full-length.yaml"
CASES = 1000


def group() -> Group:
    """One full-length case kept 1,000 times in SQLite. Units are cases."""
    folder = tempfile.TemporaryDirectory(prefix="bench-")
    root = Path(folder.name)
    schema.migrate(f"sqlite:///{root}/replay.db")
    store = connect(f"sqlite:///{root}/replay.db", Blobs(root / "blobs"))
    report = rehearsals.play(store, scripts.read(SCRIPT.read_text("utf-8"), str(SCRIPT)), "bench")
    assert report.procedure is not None
    with store.read() as connection:
        authority = authorities.get(connection, "bench")
        row = connection.execute(text("select * from case_file")).mappings().one()
    columns = ", ".join(f'"{name}"' for name in row)
    values = ", ".join(f":{name}" for name in row)
    copies = [{**row, "id": f"copy-{n}", "no": f"BENCH-{n:04}"} for n in range(CASES - 1)]
    store.write(lambda tx: tx.connection.execute(text(f"insert into case_file ({columns}) values ({values})"), copies))
    own = report.procedure

    def read() -> None:
        with store.read() as connection:
            rows = connection.execute(text("select facts from case_file")).all()
        assert sum(bool(thaw(orjson.loads(one.facts)).acts) for one in rows) == CASES

    def replay() -> None:
        with store.read() as connection:
            assert sum(one.otherwise == () for one in replays.over_cases(connection, authority, own)) == CASES

    def close() -> None:
        store.close()
        folder.cleanup()

    acts = sum(act.outcome == "taken" for act in report.acts)
    return Group(
        f"a version tried on {CASES} stored cases of {acts} acts", "cases",
        [Contender("only read and thaw the cases", lambda seconds: CASES * until(seconds, read)),
         Contender("replay: every act judged again", lambda seconds: CASES * until(seconds, replay))],
        "No bar: progress is printed while it runs.", close,
    )  # fmt: skip
