"""An order to correct is followed to its closure on one page; of how persons were dealt with it tells the document only."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from decisionflow.service import steps
from decisionflow.store.engine import Store
from tests.web.look_room import rows, words
from tests.web.square import Square, square

ORDER = {"body": "区政府督查室", "document_no": "示例督〔2024〕12号", "violation": "没有公布采纳情况",
         "demands": "补公布采纳情况说明"}  # fmt: skip


KEEPER = {"post": "system_admin", "unit": "信息中心", "name": "系统管理员", "title": "系统管理员"}


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Square:
    made = square(store, tmp_path, keeper=KEEPER)
    made.notice("没有责令改正的办法")
    made.notice("停车收费管理办法")
    made.work.do("supervisor", "order_correction", **ORDER, reply_by="2024-04-01")
    assert isinstance(made.work.last, steps.Done), made.work.last
    made.desk.clients.clear()
    return made


def told(found: Square, who: str = "lead", query: str = "") -> str:
    found.desk.clients.clear()
    return words(found.desk.get(who, f"/corrections{query}"))


def test_an_order_is_followed_from_its_day_to_its_closure(found: Square) -> None:
    work = found.work
    assert "补公布采纳情况说明" in told(found) and "还没有报告" in told(found) and "等待改正" in told(found)
    work.do("office", "reply_correction", measures="已拟好说明")
    assert "等待核查" in told(found) and "已拟好说明" in told(found)
    work.do("supervisor", "return_correction", reason="还没有公布")
    assert "退回过 1 次" in told(found)
    work.do("office", "reply_correction", measures="已在网站公布")
    work.do("supervisor", "close_correction", conclusion="已改正")
    assert isinstance(work.last, steps.Done), work.last
    assert "销号：已改正" in told(found, query="?state=closed")
    assert "没有责令改正的事项" in told(found, query="?state=ordered")


def test_a_day_that_passed_is_counted_until_an_answer_comes(found: Square) -> None:
    found.work.now += timedelta(days=40)
    late = told(found)
    assert "超过" in late
    found.work.do("office", "reply_correction", measures="已在网站公布")
    at_answer = told(found)
    found.work.now += timedelta(days=30)
    assert at_answer.count("超过") == told(found).count("超过") == 1


def test_an_outcome_is_told_by_its_document_and_names_nobody(found: Square) -> None:
    found.work.do("supervisor", "record_accountability", body="区纪委监委", document_no="示例纪〔2024〕2号", person="某甲",
                  ground="art_38_1", result="批评教育", effective_on="2024-03-20")  # fmt: skip
    assert isinstance(found.work.last, steps.Done), found.work.last
    for who in ("supervisor", "lead"):
        found.desk.clients.clear()
        (row,) = rows(found.desk.get(who, "/corrections"), "outcomes")
        assert "第三十八条第一款" in row and "示例纪〔2024〕2号" in row
        assert "某甲" not in row and "批评教育" not in row


def test_strangers_and_keepers_of_the_system_have_no_such_page(found: Square) -> None:
    assert found.desk.client("").get("/corrections").headers["location"].startswith("/login")
    assert found.desk.client("keeper").get("/corrections").status_code == 404
