"""A risk assessor and an executing unit, each in a browser without scripts, from the desk to the record."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from decisionflow.store.engine import Store
from tests.web import risk_room as room
from tests.web.desk import served, sign_in

POINTS = {
    "征地拆迁补偿争议": ("4", "4", "先补偿后施工", "2", "2"),
    "资金不能按期到位": ("2", "3", "列入预算", "1", "3"),
}


def measure(page: Page, point: str) -> None:
    """Judge a point of the sheet and say what is done about it."""
    probability, impact, words, less, milder = POINTS[point]
    page.get_by_role("link", name=point, exact=True).click()
    for name, value in (
        ("probability", probability),
        ("impact", impact),
        ("probability_after", less),
        ("impact_after", milder),
    ):
        page.locator(f"input[name={name}][value='{value}']").check()
    page.locator("[name=source]").fill("走访三十户")
    page.locator("[name=measure]").fill(words)
    page.locator("[name=plan]").fill("专班调处")
    page.locator("select[name=unit]").select_option("区住建局")
    page.get_by_role("button", name="保存", exact=True).click()


def taken(page: Page, title: str) -> None:
    """Through the check page to the act."""
    page.get_by_role("button", name="下一步：核对").click()
    for box in page.locator("input[name^='act.confirm']").all():
        box.check()
    page.get_by_role("button", name=title, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("已办理")


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_risk_assessor(store: Store, tmp_path: Path, browser: Browser) -> None:
    found = room.drafted(store, tmp_path)
    work = found.work
    work.do("lead", "start_risk", assessor_unit=room.ASSESSOR, commissioned="no")
    found.clients.clear()
    with served(found) as base, browser.new_context(java_script_enabled=False, locale="zh-CN") as context:
        page = context.new_page()
        sign_in(page, found, "assessor", base)
        page.goto(f"{base}/cases/{work.no}")
        page.get_by_role("link", name="风险评估", exact=True).first.click()
        page.get_by_role("button", name="列出这类事项常见的风险点").click()
        for point in ("施工扬尘、噪声和安全", "交通阻断和出行不便"):
            page.get_by_role("link", name=point, exact=True).click()
            page.get_by_role("button", name="删去这个风险点").click()
        for point in POINTS:
            measure(page, point)
        expect(page.locator("svg.df-risk").first).to_be_visible()
        expect(page.locator("main")).to_contain_text("■ 高（4×4=16）")
        expect(page.locator("main")).not_to_contain_text("没有写明防范措施")
        page.get_by_role("button", name=re.compile("起草报告")).click()
        page.locator("input[name=methods]").first.check()
        page.locator("[name='heard.0.unit']").fill("区信访局")
        page.locator("[name='heard.0.opinion']").fill("注意补偿")
        page.locator("input[name=conclusion][value=controllable]").check()
        page.locator("[name=response_plan]").fill("专班调处")
        page.get_by_role("button", name="下一步：核对").click()
        expect(page.locator("#refusal")).to_contain_text("没有写明防范措施")
        page.locator("[name=prevention]").fill("先补偿后施工")
        taken(page, "提交风险评估报告")
        page.goto(f"{base}/cases/{work.no}/risk")
        expect(page.locator("main")).to_contain_text("第 1 次评估：风险可控")

        sign_in(page, found, "chief", base)
        page.goto(f"{base}/cases/{work.no}/risk")
        expect(page.locator("main")).not_to_contain_text("工作底稿")
        page.get_by_role("link", name="认定风险可控").click()
        page.locator("[name=reason]").fill("措施可行")
        taken(page, "认定风险可控")
        page.goto(f"{base}/cases/{work.no}/risk")
        page.get_by_role("link", name="接受剩余风险").click()
        page.locator("[name=points]").fill("资金仍有缺口")
        page.locator("[name=accepted_by]").fill("江亦川")
        page.locator("[name=reason]").fill("年底可以补足")
        page.locator("[name=until]").fill("2024-12-31")
        taken(page, "接受剩余风险")
        page.goto(f"{base}/cases/{work.no}/risk")
        expect(page.locator("#accepted")).to_contain_text("江亦川")
    rows = next(act for act in work.facts().acts if act.action == "report_risk").fields["risks"]
    assert [row["level_after"] for row in rows] == ["low", "low"] and room.replays(found)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_an_executing_unit(store: Store, tmp_path: Path, browser: Browser) -> None:
    found = room.executing(store, tmp_path)
    work = found.work
    room.on(found, 2025, 8, 4)
    with served(found) as base, browser.new_context(java_script_enabled=False, locale="zh-CN") as context:
        page = context.new_page()
        sign_in(page, found, "executor", base)
        page.goto(f"{base}/cases/{work.no}")
        page.get_by_role("link", name="执行", exact=True).first.click()
        expect(page.locator("#tasks")).to_contain_text("将到期")
        page.get_by_role("link", name="报告执行情况", exact=True).click()
        expect(page.locator("[name='tasks.0.task']")).to_have_value("完成三十部")
        page.locator("[name=progress]").fill("完成十部，补助已经拨付。")
        page.locator("select[name='tasks.0.state']").select_option("doing")
        page.locator("select[name='tasks.1.state']").select_option("done")
        taken(page, "报告执行情况")
        page.goto(f"{base}/cases/{work.no}/execution")
        expect(page.locator("#tasks")).to_contain_text("已完成")
        page.get_by_role("link", name="报告重大问题或者变化", exact=True).click()
        page.locator("input[name=situation][value=problem]").check()
        page.locator("[name=found_on]").fill("2025-08-02")
        page.locator("[name=facts]").fill("一处基坑坍塌")
        taken(page, "报告重大问题或者变化")

        sign_in(page, found, "chief", base)
        page.goto(f"{base}/cases/{work.no}/execution")
        expect(page.locator("#changes")).to_contain_text("2 日后报告")
        page.get_by_role("link", name="先行决定中止执行", exact=True).click()
        page.locator("input[name=situation][value=problem]").check()
        page.locator("[name=facts]").fill("一处基坑坍塌")
        page.locator("[name=next_step]").fill("停工检查")
        page.locator("[name=start_by]").fill("2025-08-20")
        page.get_by_role("button", name="下一步：核对").click()
        expect(page.locator("#refusal")).to_contain_text("须写明紧急情况")
        page.locator("[name=urgency]").fill("还有十一处在开挖")
        taken(page, "先行决定中止执行")
        page.goto(f"{base}/cases/{work.no}/execution")
        expect(page.locator("#suspended")).to_contain_text("至迟 2025年8月20日")
        page.locator("#suspended").get_by_role("link", name="恢复执行").click()
        page.locator("[name=reason]").fill("检查合格")
        taken(page, "恢复执行")

        sign_in(page, found, "archivist", base)
        page.goto(f"{base}/cases/{work.no}/dossier")
        expect(page.locator("main")).to_contain_text("没有缺件")
        page.get_by_role("button", name=re.compile("生成目录")).click()
        expect(page.locator("[name=missing]")).to_have_value("无")
        expect(page.locator("main")).to_contain_text("卷内目录.docx")
    assert work.facts().stages["execution"] == "executing" and room.replays(found)
