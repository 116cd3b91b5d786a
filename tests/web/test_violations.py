"""I5: an inspector sees what may have gone wrong, with its evidence; the look itself is recorded, and nobody is judged."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from decisionflow.service import steps
from decisionflow.store.engine import Store
from tests.web.square import Square, square


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Square:
    """Two notices: one of twenty days with its reason, one of full length."""
    made = square(store, tmp_path)
    made.notice("既有住宅加装电梯方案", days=20, short_reason="汛期将至，须在汛前完成")
    made.notice("停车收费管理办法")
    made.desk.clients.clear()
    return made


def listed(found: Square, who: str = "supervisor", **asked: str) -> Any:
    token = found.desk.csrf(who, "/violations") if who == "supervisor" else found.desk.csrf(who, "/logout")
    return found.desk.client(who).post("/violations", data={"csrf": token, "reason": "区纪委〔2024〕3号", **asked})


def test_a_reason_for_departing_is_listed_with_the_act_that_gave_it(found: Square) -> None:
    html = listed(found).text
    assert "偏离，有理由" in html and "汛期将至，须在汛前完成" in html and "第十五条第一款" in html
    assert 'href="/entries/' in html and "既有住宅加装电梯方案" in html and "停车收费管理办法" not in html
    assert "由人核实；不说谁有责任" in html and "未检查" not in html


def test_a_correction_after_which_a_later_act_would_not_have_passed_is_listed(found: Square) -> None:
    work = found.work
    work.no, opened = "YH-2024-002", work.now
    work.do("lead", "close_notice", after=timedelta(days=32))
    assert work.facts().stages["participation"] == "collected"
    notice = next(act for act in work.facts().acts if act.action == "publish_notice")
    ask = steps.Ask(
        "publish_notice", "corrects", work.no, {"ends_on": "2024-05-31"}, reason="公告上的截止日抄错，原件写的是五月"
    )
    actor = work.stage.actors["lead"]
    done = work.store.write(lambda tx: steps.correct(tx, work.authority, actor, ask, notice.entry, work.now))
    assert isinstance(done, steps.Done) and work.now > opened
    found.desk.clients.clear()
    html = listed(found, level="breach").text
    assert "更正以后不再符合要求" in html and "公告写明的截止日还没有过完" in html and "停车收费管理办法" in html


def test_the_list_is_filtered_and_exported(found: Square) -> None:
    assert "汛期将至" not in listed(found, level="breach").text
    assert "没有符合条件的线索" in listed(found, check="overdue").text
    table = listed(found, **{"as": "csv"})
    assert table.headers["content-type"].startswith("text/csv") and "汛期将至" in table.text


def test_a_look_needs_a_reason_and_is_kept_sealed(found: Square) -> None:
    refused = listed(found, reason="看")
    assert refused.status_code == 422 and "请写明查询理由" in refused.text
    listed(found)
    with found.work.store.read() as connection:
        rows = connection.execute(text("select data from trail_entry where kind = 'inspection.looked'")).all()
    assert len(rows) == 1 and "区纪委" not in bytes(rows[0].data).decode()


@pytest.mark.parametrize("who", ["lead", "legal", "chief"])
def test_nobody_else_sees_it(found: Square, who: str) -> None:
    assert found.desk.client(who).get("/violations").status_code == 404
    assert listed(found, who).status_code == 404


def test_a_clock_that_ran_out_is_listed_until_it_is_answered_and_after(found: Square) -> None:
    work = found.work
    work.no = "YH-2024-001"
    work.do("lead", "consult_departments", units=[{"unit": "财政局"}], reply_by="2024-03-08")
    work.now += timedelta(days=20)
    found.desk.clients.clear()
    assert "还没有办结" in listed(found, check="overdue").text
