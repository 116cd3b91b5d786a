"""A department, a legal adviser and an evaluator, each in a browser without scripts: from the inbox to the record."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from decisionflow.store.engine import Store
from tests.web import review_room, risk_room
from tests.web.desk import served, sign_in

pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


def taken(page: Page, title: str) -> None:
    """Through the check page to the act."""
    page.get_by_role("button", name="下一步：核对").click()
    for box in page.locator("input[name^='act.confirm']").all():
        box.check()
    page.get_by_role("button", name=title, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("已办理")


def from_the_inbox(page: Page, base: str, ask: str) -> None:
    page.goto(f"{base}/inbox")
    page.get_by_role("row").filter(has_text=ask).get_by_role("link", name="去办理").click()


def test_a_department_replies_and_disagrees(store: Store, tmp_path: Path, browser: Browser) -> None:
    found = risk_room.drafted(store, tmp_path)
    work = found.work
    units = [{"unit": "区财政局", "reason": "财政资金"}]
    work.do("lead", "consult_departments", units=units, reply_by="2024-03-15", question="资金从哪里出？")
    found.clients.clear()
    with served(found) as base, browser.new_context(java_script_enabled=False, locale="zh-CN") as context:
        page = context.new_page()
        sign_in(page, found, "consulted", base)
        from_the_inbox(page, base, "回复征求的意见")
        page.locator("[name=unit]").fill("区财政局")
        page.locator("input[name=stance][value=disagree]").check()
        page.locator("[name=replied_on]").fill("2024-03-01")
        page.get_by_role("button", name="下一步：核对").click()
        expect(page.get_by_role("alert")).to_contain_text("意见内容")
        page.locator("[name=words]").fill("没有列入本年预算，不同意今年开工。")
        taken(page, "回复意见")

        sign_in(page, found, "lead", base)
        page.goto(f"{base}/cases/{work.no}/departments")
        expect(page.locator("main")).to_contain_text("没有列入本年预算")
        page.goto(f"{base}/cases/{work.no}/do/settle_departments")
        expect(page.locator("main")).to_contain_text("仍有单位不同意")
    assert work.facts().acts[-1].party.unit_name == "区财政局" and risk_room.replays(found)


def test_an_adviser_gives_an_opinion_that_the_reviewer_weighs(store: Store, tmp_path: Path, browser: Browser) -> None:
    found = review_room.accepted(review_room.room(store, tmp_path))
    work = found.work
    me = work.stage.actors["adviser"].name
    found.clients.clear()
    with served(found) as base, browser.new_context(java_script_enabled=False, locale="zh-CN") as context:
        page = context.new_page()
        sign_in(page, found, "adviser", base)
        from_the_inbox(page, base, "提出法律意见")
        page.locator("[name=adviser]").fill(me)
        page.locator("input[name=capacity][value=adviser]").check()
        page.locator("[name=licence]").fill("14101202010000001")
        page.locator("input[name=interest][value=false]").check()
        page.locator("[name=opinion]").fill("第三条设定罚款没有上位法依据，应当删去。")
        page.locator("input[name=position][value=change]").check()
        taken(page, "听取法律顾问、公职律师意见")

        sign_in(page, found, "legal", base)
        page.goto(f"{base}/cases/{work.no}/legal-advice")
        expect(page.locator("main")).to_contain_text("应当删去")
        expect(page.locator("main")).to_contain_text("待研究")
        page.goto(f"{base}/cases/{work.no}/do/weigh_advice")
        page.locator("[name=adviser]").fill(me)
        page.locator("input[name=adopted][value=adopted]").check()
        if (reason := page.locator("[name=reason]")).count():
            reason.fill("罚款没有依据，删去第三条")
        taken(page, "研究法律顾问意见")
        page.goto(f"{base}/cases/{work.no}/legal-advice")
        expect(page.locator("main")).not_to_contain_text("待研究")
    assert [act.action for act in work.facts().acts[-2:]] == ["hear_advisers", "weigh_advice"]
    assert review_room.replays(found)


def test_an_evaluator_reports_and_whoever_assessed_may_not(store: Store, tmp_path: Path, browser: Browser) -> None:
    evaluator = {"unit": "示例大学", "name": "闻一", "title": "研究员"}
    found = risk_room.executing(store, tmp_path, assessed=True, evaluator=evaluator)
    work = found.work
    risk_room.on(found, 2026, 5, 20)
    with served(found) as base, browser.new_context(java_script_enabled=False, locale="zh-CN") as context:
        page = context.new_page()
        sign_in(page, found, "chief", base)
        page.goto(f"{base}/cases/{work.no}/do/order_evaluation")
        page.locator("input[name=ground][value=opinions]").check()
        page.locator("[name=reason]").fill("来信反映较多")
        page.locator("[name=evaluator_unit]").fill(risk_room.ASSESSOR)
        page.locator("input[name=commissioned][value=true]").check()
        page.get_by_role("button", name="下一步：核对").click()
        expect(page.locator("#refusal")).to_contain_text("第三十六条")
        page.locator("[name=evaluator_unit]").fill("示例大学")
        taken(page, "启动决策后评估")

        sign_in(page, found, "evaluator", base)
        from_the_inbox(page, base, "提交后评估报告")
        page.locator("[name='heard.0.who']").select_option("public")
        page.locator("[name='heard.0.how']").fill("入户访谈")
        page.locator("[name='heard.0.opinion']").fill("高层满意，低层有意见")
        page.locator("[name=effect]").fill("建成十部")
        page.locator("[name=problems]").fill("补偿标准不一")
        page.locator("input[name=suggestion][value=adjust]").check()
        page.locator("[name=reason]").fill("补偿标准应当统一")
        page.locator("input[type=file]").first.set_input_files(
            {"name": "评估报告.txt", "mimeType": "text/plain", "buffer": "评估报告全文".encode()}
        )
        taken(page, "提交决策后评估报告")
        page.goto(f"{base}/cases/{work.no}")
        expect(page.locator("main")).to_contain_text("决策后评估")
    assert work.facts().stages["evaluation"] == "reported" and risk_room.replays(found)
