"""决策体检 and 推算: what is missing for each act ahead, with article, who and a button; and the bounds of days."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from decisionflow.store.engine import Store
from tests.web.square import Square, square


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Square:
    made = square(store, tmp_path)
    made.notice("既有住宅加装电梯方案", days=31, judged={"technical": "yes"})
    made.desk.clients.clear()
    return made


def test_each_act_ahead_says_what_would_stop_it_with_article_who_and_button(found: Square) -> None:
    html = found.desk.get("lead", f"/cases/{found.work.no}/health")
    for words in ("提请集体讨论", "决定通过", "公布决策", "合法性审查尚未出具意见", "第二十五条", "D713-45", "您（承办单位）",
                  "专业性、技术性较强，尚未完成专家论证", "选定论证专家", "案卷材料"):  # fmt: skip
        assert words in html, words
    assert f"/cases/{found.work.no}/do/select_experts" in html and "最早 2024年" in html


def test_what_was_done_turns_green(found: Square) -> None:
    before = found.desk.get("lead", f"/cases/{found.work.no}/health")
    found.work.do("lead", "waive_departments", reason="只涉及本部门职责", judged_by="陈予安")
    found.desk.clients.clear()
    after = found.desk.get("lead", f"/cases/{found.work.no}/health")
    assert "尚未与有关单位协商一致" in before and "尚未与有关单位协商一致" not in after


def test_looking_leaves_no_trace(found: Square) -> None:
    def entries() -> int:
        with found.work.store.read() as connection:
            return int(connection.execute(text("select count(*) from trail_entry")).scalar_one())

    before = entries()
    for path in ("health", "plan", "plan?on=2024-06-28&also=hearing"):
        found.desk.get("lead", f"/cases/{found.work.no}/{path}")
    assert entries() == before


def test_a_wished_day_that_is_too_early_says_by_how_much_and_why(found: Square) -> None:
    html = found.desk.get("lead", f"/cases/{found.work.no}/plan?on=2024-03-20")
    assert "来不及“决定通过”" in html and "差 " in html and "已经来不及" in html
    assert "7个工作日（《重大行政决策程序暂行条例》第二十六条第二款，一般）" in html
    late = found.desk.get("lead", f"/cases/{found.work.no}/plan?on=2024-06-28")
    assert "来得及“决定通过”" in late and "有余地" in late


@pytest.mark.parametrize("day", ["2024-02-30", "昨天", "2019-01-01", "9999-01-01"])
def test_a_day_that_is_none_is_told_in_words(found: Square, day: str) -> None:
    answer = found.desk.client("lead").get(f"/cases/{found.work.no}/plan", params={"on": day})
    assert answer.status_code == 422 and "日期应写作 2026-12-20" in answer.text


def test_a_matter_that_nobody_started_is_planned_from_what_it_would_be(found: Square) -> None:
    plain = found.desk.get("lead", "/plan")
    assert "还没有启动的事项" in plain and "选定论证专家" not in plain and "发布公开征求意见公告" in plain
    assert "选定论证专家" in found.desk.get("lead", "/plan?is=public&is=technical&from=2024-05-06")


def test_others_outside_see_neither(found: Square) -> None:
    for path in (f"/cases/{found.work.no}/health", f"/cases/{found.work.no}/plan", "/plan"):
        assert found.desk.client("").get(path).status_code == 303
    for path in (f"/cases/{found.work.no}/health", f"/cases/{found.work.no}/plan"):
        assert found.desk.client("expert").get(path).status_code == 404
