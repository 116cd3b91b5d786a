"""The chain of a panel: two at once are one, replay gives every row again, and a procedure names what the pages need."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from decisionflow.core import procedure as law
from decisionflow.core import soundness
from decisionflow.core import source as files
from decisionflow.errors import DecisionflowError, Settled
from decisionflow.service import choosing, guests, replay
from decisionflow.store.engine import Store
from tests.core.test_soundness import SMALL, registry
from tests.web import panel_room as room
from tests.web.desk import Desk


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return room.room(store, tmp_path)


def at_once(deeds: list[Callable[[], Any]]) -> list[Any]:
    """Every deed in a thread of its own; what each came to."""
    outcomes: list[Any] = []

    def do(deed: Callable[[], Any]) -> None:
        try:
            outcomes.append(deed())
        except DecisionflowError as fault:
            outcomes.append(fault)

    threads = [threading.Thread(target=do, args=(deed,)) for deed in deeds]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return outcomes


def invite(found: Desk, expert: int, token: str) -> str:
    work, ask = found.work, choosing.Ask(expert, "2024-04-20", "只有他熟悉这一段路")
    actor = work.stage.actors["lead"]
    return found.site.store.write(lambda tx: choosing.invite(tx, work.authority, actor, work.no, ask, token, work.now))


def test_the_same_expert_invited_by_many_at_once_is_invited_once(found: Desk) -> None:
    outcomes = at_once([lambda n=n: invite(found, 1, f"token-{n}") for n in range(4)])  # type: ignore[misc]
    assert sum(isinstance(one, str) for one in outcomes) == 1 and sum(isinstance(one, Settled) for one in outcomes) == 3
    assert len(room.rows(found, "invitation")) == len(room.rows(found, "expert_link")) == 1 and room.replays(found)


def test_different_experts_invited_at_once_get_a_number_each_and_the_case_stays_as_it_was(found: Desk) -> None:
    before = found.work.facts().seq
    at_once([lambda n=n: invite(found, n, f"token-{n}") for n in (1, 2, 3, 9)])  # type: ignore[misc]
    assert [row.n for row in room.rows(found, "invitation")] == [1, 2, 3, 4]
    assert found.work.facts().seq == before and room.replays(found)


def test_a_link_opened_by_two_at_once_belongs_to_one(found: Desk) -> None:
    invite(found, 1, "token-of-the-link")
    store, now = found.site.store, found.work.now
    outcomes = at_once([
        lambda n=n: store.write(lambda tx: guests.bind(tx, "token-of-the-link", f"secret-{n}", now)) for n in range(4)  # type: ignore[misc]
    ])  # fmt: skip
    assert sum(one is None for one in outcomes) == 1 and sum(isinstance(one, guests.Elsewhere) for one in outcomes) == 3


def test_deleting_every_row_and_replaying_gives_desk_and_pool_again(found: Desk) -> None:
    room.drawn(found)
    to = room.invite(found, "9", reason="库中仅一名经济专家，此前持不同意见")
    room.cleared(found, to, "乙一")
    before = [found.get("lead", room.path(found)), found.get("lead", "/experts")]
    assert found.site.store.write(lambda tx: replay.rebuild(tx, "yunhe")) > 20
    assert [found.get("lead", room.path(found)), found.get("lead", "/experts")] == before and room.replays(found)


SELECTING = """
  - {id: choose, title: 选定专家, track: main, from: drafting, by: lead, rules: [D713-28], panel: select,
     fields: [{id: experts, title: 名单, type: rows, columns: [
                {id: name, title: 姓名, type: person}, {id: unit, title: 单位, type: text}, {id: field, title: 领域, type: text},
                {id: declared, title: 声明, type: flag}, {id: interest, title: 利害关系, type: flag},
                {id: chosen, title: 选定, type: flag}]}]}
"""


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [("{id: declared, title: 声明, type: flag}, ", "", "field-unknown"),
     ("{id: experts, title: 名单,", "{id: people, title: 名单,", "field-unknown"),
     ("panel: select", "panel: opinion", "field-unknown")],
)  # fmt: skip
def test_a_selection_without_what_the_desk_needs_is_refused_whole(old: str, new: str, rule: str) -> None:
    assert codes(SELECTING) == set() and rule in codes(SELECTING.replace(old, new))


def codes(action: str) -> set[str]:
    added = SMALL.replace("\nclocks:", f"{action.rstrip()}\n\nclocks:", 1)
    procedure = law.compiled(files.read(added, "small.yaml"), registry())
    return {fault.rule for fault in soundness.check(procedure)}
