"""S23: the board of supervision: computed from the trail; steps not needed with their reasons, clocks, units compared."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest

from decisionflow.service import steps
from decisionflow.store.engine import Store
from tests.web.look_room import rows, words
from tests.web.square import Square, square

KEEPER = {"post": "system_admin", "unit": "信息中心", "name": "系统管理员", "title": "系统管理员"}


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Square:
    """One matter that needs no risk assessment, and whose departments were asked and did not answer in time."""
    made = square(store, tmp_path, keeper=KEEPER)
    made.notice("停车收费管理办法")
    work = made.work
    work.do("lead", "waive_risk", reason="不涉及社会稳定", judged_by=work.stage.actors["lead"].person)
    assert isinstance(work.last, steps.Done), work.last
    work.do("lead", "consult_departments", units=[{"unit": "财政局"}], reply_by="2024-03-08")
    work.now += timedelta(days=20)
    made.desk.clients.clear()
    return made


def test_what_is_late_and_what_was_not_needed_stand_with_their_reasons(found: Square) -> None:
    html = found.desk.get("supervisor", "/supervision")
    (late,) = rows(html, "late")
    (skipped,) = rows(html, "skipped")
    assert "停车收费管理办法" in late and "不涉及社会稳定" in skipped and "风险评估：" in skipped
    assert "没有启动而未提交的评估" in words(html) and "/supervision" in found.desk.get("supervisor", "/overdue")


def test_a_notice_is_issued_by_a_person_answered_and_closed_or_sent_back(found: Square) -> None:
    work = found.work

    def told() -> str:
        found.desk.clients.clear()
        (row,) = rows(found.desk.get("supervisor", "/supervision"), "notices")
        return row

    assert "没有督办通知" in found.desk.get("supervisor", "/supervision")
    given = {"colour": "yellow", "unit": "承办单位", "reason": "计划时间已过", "demands": "说明安排"}
    assert isinstance(work.do("lead", "issue_supervision", **given, answer_by="2024-04-01"), steps.Held)  # not theirs
    work.do("supervisor", "issue_supervision", **given, answer_by="2024-04-01")
    assert isinstance(work.last, steps.Done) and "黄色" in told() and "已下发" in told() and "还没有反馈" in told()
    assert "签收督办通知" in found.desk.get("lead", "/inbox")
    work.do("lead", "receive_supervision")
    work.do("lead", "answer_supervision", measures="下周提交讨论")
    work.do("supervisor", "return_supervision", reason="没有写明日期")
    assert "退回过 1 次" in told() and "已签收" in told()
    work.do("lead", "answer_supervision", measures="四月十日提交讨论")
    work.do("supervisor", "close_supervision", conclusion="已落实")
    assert isinstance(work.last, steps.Done) and "已销号" in told() and "四月十日提交讨论" in told()


def test_units_are_compared_by_what_the_trail_says_and_taken_away(found: Square) -> None:
    (row,) = rows(found.desk.get("supervisor", "/supervision"), "units")
    assert row.split()[:4] == ["承办单位", "1", "1", "0"]
    (sheet,) = openpyxl.load_workbook(
        io.BytesIO(found.desk.client("supervisor").get("/supervision.xlsx").content)
    ).worksheets
    head, line = list(sheet.iter_rows(values_only=True))
    assert head[0] == "单位" and line[0] == "承办单位" and line[5] == "1" and int(line[6]) > 0 and line[8] == "1"
    assert found.desk.client("supervisor").get("/supervision.csv").text.count("承办单位") == 1
    assert found.desk.client("supervisor").get("/supervision.pdf").status_code == 404


def test_one_unit_may_be_looked_at_alone(found: Square) -> None:
    html = found.desk.get("supervisor", "/supervision?unit=没有这个单位")
    assert "没有到期未办的事项" in html and len(rows(html, "units")) == 1


@pytest.mark.parametrize("who", ["lead", "legal", "keeper"])
def test_whoever_does_not_supervise_has_no_such_page(found: Square, who: str) -> None:
    assert found.desk.client(who).get("/supervision").status_code == 404
    assert found.desk.client(who).get("/supervision.csv").status_code == 404


def test_a_stranger_signs_in_first(found: Square) -> None:
    assert found.desk.client("").get("/supervision").headers["location"].startswith("/login")
