"""The chain of a hearing: sign-ups never lock the case, an ended case cancels it, and packages and replay know it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from decisionflow.core import procedure as law
from decisionflow.core import soundness
from decisionflow.core import source as files
from decisionflow.core.facts import Timing
from decisionflow.service import hearings, rehearsals, signups, steps
from decisionflow.service.receipts import Receipt
from decisionflow.service.signups import Application
from decisionflow.store.engine import Store
from tests.core.test_soundness import SMALL, registry
from tests.web import hearing_room as room
from tests.web.desk import Desk


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    made = room.room(store, tmp_path)
    room.on(made, 2024, 3, 20)
    return made


def sent(found: Desk, n: int) -> Receipt:
    work, public = found.work, rehearsals.system_actor("yunhe", "公众")
    given = Application("消费者", f"甲{n}", f"139000000{n:02}", "住户")
    return found.site.store.write(lambda tx: signups.receive(
        tx, work.authority, work.no, given, public, Timing(work.now), f"key-of-the-form-{n}"))  # fmt: skip


def test_many_at_once_get_a_number_each_and_the_case_stays_as_it_was(found: Desk) -> None:
    before = found.work.facts().seq
    threads = [threading.Thread(target=sent, args=(found, n)) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [row.n for row in room.rows(found, "signup")] == list(range(1, 9)) and room.replays(found)
    assert found.work.facts().seq == before


def test_an_ended_case_cancels_its_hearing(found: Desk) -> None:
    sent(found, 1)
    found.work.do("chief", "withdraw", reason="上级统一定价，不再单独调整", told="已在网站说明")
    assert found.work.facts().stages["main"] == "withdrawn"
    (row,) = room.rows(found, "hearing")
    assert row.state == "cancelled" and room.replays(found)
    with pytest.raises(hearings.Closed):
        sent(found, 2)


def test_a_hearing_begun_again_is_another_one(found: Desk) -> None:
    sent(found, 1)
    found.work.do("lead", "cancel_hearing", reason="场地不足，另行安排", judged_by="陈予安")
    room.on(found, 2024, 3, 21)
    again = found.work.do("lead", "announce_hearing", **room.NOTICE)
    assert isinstance(again, steps.Done)
    assert [row.state for row in room.rows(found, "hearing")] == ["cancelled", "open"]
    assert sent(found, 2).receipt.endswith("0001") and room.replays(found)


def test_the_same_form_is_the_same_application(found: Desk) -> None:
    assert sent(found, 1).receipt == sent(found, 1).receipt and len(room.rows(found, "signup")) == 1


ANNOUNCING = """
  - {id: hear, title: 公告召开听证, track: main, from: drafting, public: yes, by: lead, rules: [D713-28], hearing: announce,
     fields: [{id: held_on, title: 日期, type: date}, {id: held_at, title: 地点, type: text},
              {id: seats, title: 名额, type: rows, columns: [
                {id: side, title: 一方, type: text}, {id: count, title: 名额, type: number}]}]}
"""


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [("{id: held_on, title: 日期, type: date}, ", "", "field-unknown"),
     ("{id: held_on, title: 日期, type: date}", "{id: held_on, title: 日期, type: text}", "field-type"),
     ("{id: count, title: 名额, type: number}", "{id: places, title: 名额, type: number}", "field-unknown"),
     ("public: yes, ", "", "hearing-public")],
)  # fmt: skip
def test_an_announcement_without_what_the_pages_need_is_refused_whole(old: str, new: str, rule: str) -> None:
    assert codes(ANNOUNCING) == set() and rule in codes(ANNOUNCING.replace(old, new))


def codes(action: str) -> set[str]:
    added = SMALL.replace("\nclocks:", f"{action.rstrip()}\n\nclocks:", 1)
    procedure = law.compiled(files.read(added, "small.yaml"), registry())
    return {fault.rule for fault in soundness.check(procedure)}
