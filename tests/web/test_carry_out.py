"""Carrying out: tasks and their lamps, reports, problems, letters, suspension and adjustment, evaluation, the effect ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from decisionflow.service import steps
from decisionflow.store.engine import Store
from tests.web import risk_room as room
from tests.web.desk import Desk
from tests.web.formreader import opened, read
from tests.web.risk_room import on, page

URGENT = {"situation": "problem", "facts": "基坑坍塌。", "urgency": "还有十一处在开挖", "next_step": "停工检查后再定"}


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return room.executing(store, tmp_path)


def board(found: Desk, who: str = "executor") -> str:
    return found.get(who, page(found, "execution"))


def do(found: Desk, who: str, action: str, **given: Any) -> Any:
    answer = found.work.do(who, action, **given)
    found.clients.clear()
    return answer


def test_tasks_stand_with_unit_day_and_lamp_and_a_report_starts_from_them(found: Desk) -> None:
    on(found, 2025, 8, 4)
    html = board(found)
    assert (
        "完成三十部" in html
        and "还剩 57 日" in html
        and "还剩 2 日" in html
        and "将到期" in html
        and "还没有报告" in html
    )
    sheet = opened(found, "executor", page(found, "do/report_execution?desk=yes"))
    told = dict(sheet.pairs)
    assert [told[f"tasks.{n}.task"] for n in (0, 1)] == ["完成三十部", "拨付补助"]
    sheet.put({"progress": "完成十部，补助已拨付。", "tasks.0.state": "doing", "tasks.1.state": "done", "tasks.0.note": "十部",
               "done_share": "33"})  # fmt: skip
    checked = sheet.press(found.client("executor"), "check")
    assert checked.status_code == 200, checked.text[:1500]
    assert read(checked.text).press(found.client("executor")).status_code == 303
    html = board(found)
    assert "33%" in html and "进行中" in html and "已完成" in html and "十部" in html
    again = dict(opened(found, "executor", page(found, "do/report_execution?desk=yes")).pairs)
    assert (again["tasks.0.state"], again["tasks.1.state"]) == ("doing", "done") and room.replays(found)


def test_a_report_that_says_the_same_as_the_last_is_marked(found: Desk) -> None:
    do(found, "executor", "report_execution", progress="有序推进，进展顺利。")
    assert "与上一次完全相同" not in board(found)
    do(found, "executor", "report_execution", progress="有序推进, 进展顺利")
    assert board(found).count("与上一次完全相同") == 1


def test_problems_say_when_they_were_found_and_when_reported(found: Desk) -> None:
    on(found, 2025, 8, 4)
    do(
        found,
        "executor",
        "report_change",
        situation="problem",
        found_on="2025-08-01",
        facts="基坑坍塌",
        proposal="停工",
    )
    html = board(found)
    assert "2025-08-01发现，3 日后报告；建议：停工" in html and "决策存在问题" in html


def test_letters_show_their_handling_and_not_their_words(found: Desk) -> None:
    do(found, "executor", "record_public_letter", channel="hotline", received_on="2025-05-19", opinion="三号楼王阿姨嫌吵",
       handling="已调整工时")  # fmt: skip
    html = board(found)
    assert "已调整工时" in html and "热线" in html and "王阿姨" not in html


def test_suspension_stands_with_its_days_and_leads_back_to_the_procedure(found: Desk) -> None:
    on(found, 2025, 8, 4)
    calm = do(found, "chief", "suspend", **{**URGENT, "urgency": None})
    assert isinstance(calm, steps.Held) and calm.refused.rules == {"D713-66"}
    assert all(one.say and one.cites and one.who for one in calm.refused.blocking)
    assert isinstance(do(found, "executor", "suspend", **URGENT), steps.Held)
    assert isinstance(do(found, "chief", "suspend", **URGENT, start_by="2025-08-20"), steps.Done)
    html = board(found, "chief")
    assert "先行中止执行" in html and "2025年8月20日" in html and "已停钟：中止执行" in html and "恢复执行" in html
    assert "恢复执行或者另立事项启动程序" in found.get("chief", f"/cases/{found.work.no}")
    on(found, 2025, 8, 22)
    html = board(found, "chief")
    assert '已经 <strong class="num">18</strong> 日' in html and "已经过了中止决定写明的日期" in html
    do(found, "chief", "resume", reason="检查合格")
    assert "先行中止执行</h2>" not in board(found, "chief") and room.replays(found)


def test_a_suspension_without_a_day_has_no_clock_and_says_that_the_country_sets_none(found: Desk) -> None:
    on(found, 2025, 8, 4)
    do(found, "chief", "suspend", **URGENT)
    on(found, 2026, 3, 2)
    html = board(found, "chief")
    assert "全国没有规定中止的期限" in html and "已经过了中止决定" not in html
    assert "恢复执行或者另立事项启动程序" not in found.get("chief", f"/cases/{found.work.no}")


def test_a_suspension_after_the_case_is_closed_still_has_its_clock(found: Desk) -> None:
    do(found, "archivist", "file_dossier", items="10", missing="无", retention="permanent")
    closed = do(found, "office", "close_case", unpublished_reason="没有收到意见")
    assert isinstance(closed, steps.Done), closed
    on(found, 2025, 8, 4)
    do(found, "chief", "suspend", **URGENT, start_by="2025-08-20")
    assert "恢复执行或者另立事项启动程序" in found.get("chief", f"/cases/{found.work.no}") and room.replays(found)


def test_a_minor_adjustment_is_recorded_and_a_major_one_needs_a_new_case(found: Desk) -> None:
    minor = {"content": "增加第三方监测", "reason": "安全", "approved_by": "江亦川"}
    assert isinstance(do(found, "chief", "adjust_minor", **minor, major="yes"), steps.Held)
    do(found, "chief", "adjust_minor", **minor, major="no")
    bare = do(found, "chief", "order_adjustment", kind="adjust", reason="改为先加固后加装")
    assert isinstance(bare, steps.Held) and bare.refused.rules == {"D713-66"}
    do(found, "chief", "order_adjustment", kind="adjust", reason="改为先加固后加装", new_case="YH-2025-002")
    html = board(found, "chief")
    assert "增加第三方监测" in html and 'href="/cases/YH-2025-002"' in html


def test_who_assessed_before_is_named_as_barred_from_the_evaluation(store: Store, tmp_path: Path) -> None:
    made = room.executing(store, tmp_path, assessed=True)
    assert f"{room.ASSESSOR}（启动风险评估）" in board(made, "office")
    given = {"ground": "opinions", "reason": "意见较多", "commissioned": "yes"}
    held = do(made, "office", "order_evaluation", **given, evaluator_unit=room.ASSESSOR)
    assert isinstance(held, steps.Held) and "D713-63" in held.refused.rules
    do(made, "office", "order_evaluation", **given, evaluator_unit="示例大学公共政策研究所")
    assert "评估单位：示例大学公共政策研究所" in board(made, "office")


def test_measures_against_risks_become_tasks_of_the_appointment(store: Store, tmp_path: Path) -> None:
    made = room.issued(store, tmp_path, assessed=True)
    told = dict(opened(made, "chief", page(made, "do/appoint_executor?desk=yes")).pairs)
    assert (told["units.0.unit"], told["units.0.leading"]) == ("承办单位", "true")
    assert told["units.1.unit"] == "区住建局" and told["units.1.task"] == "防范风险“征收补偿争议”：先补偿后施工"


def test_the_ledger_keeps_the_limbs_of_article_38_apart_and_judges_nothing(found: Desk) -> None:
    on(found, 2026, 5, 4)
    html = board(found, "office")
    assert "没有登记过损失" in html and html.count("没有</td>") == 6
    given = {"body": "区审计局", "document_no": "审〔2026〕3号", "known_on": "2026-04-20", "facts": "补助重复发放"}
    assert isinstance(do(found, "executor", "record_effect", kind="audit", limb="none", **given), steps.Held)
    do(
        found,
        "office",
        "record_effect",
        kind="audit",
        limb="error",
        amount="120000",
        great_loss="yes",
        breach="拨付环节",
        **given,
    )
    do(found, "office", "record_effect", kind="judgment", limb="delay", bad_effect="no", **given)
    html = board(found, "office")
    assert "120,000 元" in html and "文书认为决策严重失误" in html and "文书认为依法应当及时决策而久拖不决" in html
    assert html.count("没有</td>") == 2 and "系统不作判断" in html and room.replays(found)


def test_an_annulment_stands_in_the_ledger(found: Desk) -> None:
    do(found, "superior", "annul_in_part", body="市人民政府", document_no="市政〔2025〕1号", effective_on="2025-06-01",
       parts="第二条", reason="补助标准过高")  # fmt: skip
    html = board(found, "office")
    assert "市政〔2025〕1号" in html and "补助标准过高" in html


def test_others_read_without_buttons_and_strangers_do_not(found: Desk) -> None:
    html = board(found, "legal")
    assert "完成三十部" in html and "/do/" not in html
    assert "没有编号" in found.get("expert", page(found, "execution"), 404)
    assert found.client("").get(page(found, "execution")).status_code == 303


def test_before_anybody_carries_it_out_the_desk_says_what_comes_first(store: Store, tmp_path: Path) -> None:
    made = room.drafted(store, tmp_path)
    assert "还没有明确执行单位和任务" in board(made, "chief")
