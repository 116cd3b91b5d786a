"""Two writers on one step: one is taken, one is refused, nothing is half-written; the same key twice is one act."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text

from decisionflow.errors import DecisionflowError
from decisionflow.service import replay, steps
from decisionflow.store.engine import Store
from tests.service.stage import Office, office

UNITS = [{"unit": "承办单位", "leading": "yes"}]


@pytest.fixture
def work(store: Store) -> Office:
    made = office(store)
    made.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3", phone="13800000000")
    return made


def at_once(work: Office, asks: list[tuple[str, steps.Ask]]) -> list[Any]:
    """What becomes of several acts submitted at the same moment."""
    gate = Barrier(len(asks))

    def submit(one: tuple[str, steps.Ask]) -> Any:
        who, ask = one
        gate.wait()
        try:
            return work.store.write(
                lambda tx: steps.take_step(tx, work.authority, work.stage.actors[who], ask, work.now)
            )
        except DecisionflowError as fault:
            return fault

    with ThreadPoolExecutor(len(asks)) as pool:
        return list(pool.map(submit, asks))


def counted(work: Office) -> dict[str, int]:
    query = {
        "entries": "select count(*) from trail_entry where chain_kind = 'case'",
        "acts": "select count(*) from case_act",
        "keys": "select count(*) from act_key",
        "unsealed": "select count(*) from trail_entry e where chain_kind = 'case' and not exists (select 1 from "
        "trail_unsealed u where u.entry_id = e.entry_id) and not exists (select 1 from trail_leaf l "
        "where l.entry_id = e.entry_id)",
    }
    with work.store.read() as connection:
        return {name: int(connection.execute(text(sql)).scalar_one()) for name, sql in query.items()}


def test_of_two_acts_at_once_one_is_taken_and_one_is_not(work: Office) -> None:
    before = counted(work)
    seen = work.facts().heads["main"]
    asks = [
        ("chief", steps.Ask("begin", "race-a", work.no, {"units": UNITS}, seen=seen)),
        ("chief", steps.Ask("refuse", "race-b", work.no, {"reason": "没有必要"}, seen=seen)),
    ]
    found = at_once(work, asks)

    taken = [one for one in found if isinstance(one, steps.Done)]
    other = [one for one in found if not isinstance(one, steps.Done)]
    assert len(taken) == 1 and len(other) == 1
    assert isinstance(other[0], (steps.Stale, steps.Held))
    after = counted(work)
    assert (after["entries"] - before["entries"], after["acts"] - before["acts"]) == (1, 1)
    assert after["unsealed"] == 0
    with work.store.read() as connection:
        assert replay.compare(connection, work.store.blobs, work.authority.id) == ()


def test_the_same_key_at_once_is_one_act(work: Office) -> None:
    ask = steps.Ask("begin", "same", work.no, {"units": UNITS})
    found = at_once(work, [("chief", ask)] * 4)

    assert all(isinstance(one, steps.Done) for one in found), found
    assert len({one.entry for one in found}) == 1 and sum(not one.repeated for one in found) == 1
    assert [act.action for act in work.facts().acts] == ["ask", "begin"]


def test_many_acts_at_once_all_find_their_place(work: Office) -> None:
    work.do("chief", "begin", units=UNITS)
    asks = [("proposer", steps.Ask("ask", f"new-{n}", "", {"title": f"第{n}号", "protected": "no", "trees": "1"},
                                   procedure="tree-felling")) for n in range(6)]  # fmt: skip
    found = at_once(work, asks)
    assert all(isinstance(one, steps.Done) for one in found), found
    assert len({one.no for one in found}) == 6
    with work.store.read() as connection:
        assert replay.compare(connection, work.store.blobs, work.authority.id) == ()


def test_a_refused_act_is_kept_in_the_security_record_and_not_in_the_dossier(work: Office) -> None:
    work.do("chief", "begin", units=UNITS)
    before = counted(work)
    held = work.do("chief", "decide")
    assert isinstance(held, steps.Held)
    assert counted(work) == before
    with work.store.read() as connection:
        kinds = connection.execute(text("select kind from trail_entry where chain_kind = 'security'")).scalars().all()
    assert list(kinds) == ["step.refused"]
