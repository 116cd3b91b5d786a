"""The desk and the chain open for every procedure that reviews legality with three heads, local and lower ones too."""

from __future__ import annotations

from pathlib import Path

import pytest

from decisionflow.service import rehearsals, reviews, scripts
from decisionflow.service.reads import chain, stored
from decisionflow.service.reads import reviews as reads
from decisionflow.store.engine import Store

SCRIPTS = Path(__file__).parents[1] / "rehearsals"


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", [
    "place-example-city", "place-zhengzhou-jinshui", "neighbour-department-decision", "neighbour-township-decision",
    "practice-exploratory-reform",
])  # fmt: skip
def test_the_desk_of_a_played_history_opens(store: Store, name: str) -> None:
    path = SCRIPTS / f"{name}.yaml"
    script = scripts.read(path.read_text("utf-8"), str(path))
    chosen = rehearsals.named(script.script.procedure, SCRIPTS)
    first = rehearsals.check(script, chosen, rehearsals.ANCHOR)
    stage = rehearsals.prepare(store, script.script, "yunhe", first[0].at, clock="simulated", chosen=chosen)
    report = rehearsals.play(store, script, "yunhe", stage=stage)
    assert report.failed == []
    reviewer = next(actor for actor in stage.actors.values() if "legal" in actor.duties)
    with store.read() as connection:
        at = reviews.desk(connection, stage.authority, reviewer, report.no)
        seen = stored.visible(connection, stage.authority, reviewer)
        found = reads.board(connection, store.blobs, at, seen, report.acts[-1].at)
        linked = chain.chain(store.blobs, at.procedure, at.facts, reviewer)
    assert found.done is not None and found.sheet is None and found.packet and found.checks and found.floor
    assert linked is not None and "合法性审查" in [one.title for one in linked.given]
    assert all(one.version for one in linked.given)
