"""A legal reviewer does the whole work, in a browser without scripts: from the packet to what the meeting did with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from decisionflow.service import steps
from decisionflow.store.engine import Store
from tests.web import review_room as room
from tests.web.desk import Desk, served, sign_in

LINES = ("征求部门意见", "公众参与", "听证会", "专家论证", "风险评估", "公平竞争审查")
SECOND = (*room.DRAFT[:2], "第三条　逾期未完成的，收回奖补。", room.DRAFT[3])


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return room.room(store, tmp_path, market=False)


def at_desk(page: Page, base: str, found: Desk) -> None:
    found.clients.clear()
    sign_in(page, found, "legal", base)
    page.goto(f"{base}{room.page(found)}")


def act(page: Page, check: str = "下一步：核对") -> None:
    """Through an act's form and its check to the end."""
    page.get_by_role("button", name=check).click()
    confirm = page.locator("form[action$='/confirm']")
    expect(confirm).to_have_count(1)
    for box in confirm.locator("input[type=checkbox]").all():
        box.check()
    confirm.locator("button.btn-primary").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("已办理")


def tick(page: Page, what: str, mark: str, remark: str = "") -> None:
    page.get_by_label(f"核对“{what}”").select_option(label=mark)
    if remark:
        page.get_by_label(f"“{what}”的说明").fill(remark)


def note(page: Page, n: int, say: str, basis: str, advice: str) -> None:
    row = page.locator(f"td#p-p{n}").locator("xpath=..")
    row.get_by_text("加批注").click()
    for label, words in (("问题", say), ("依据", basis), ("修改建议", advice)):
        row.get_by_label(label, exact=True).fill(words)
    row.get_by_role("button", name="保存批注").click()


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_legal_reviewer_does_the_whole_work(found: Desk, browser: Browser) -> None:
    work = found.work
    with served(found) as base, browser.new_context(java_script_enabled=False, locale="zh-CN") as context:
        page = context.new_page()
        at_desk(page, base, found)

        # the packet: everything there, so it is accepted and a colleague assigned
        expect(page.locator("#packet")).to_contain_text("依据清单 1 项")
        expect(page.locator("#time")).to_contain_text("至少给 7个工作日，到 2024年4月26日")
        page.get_by_label("审查人").select_option("罗敬之")
        page.get_by_role("button", name="受理送审").click()
        act(page)

        # the sheet: lines ticked, points looked at, paragraphs noted
        page.goto(f"{base}{room.page(found)}")
        page.get_by_role("button", name="新建审查底稿").click()
        expect(page.locator("mark", has_text="罚款")).to_be_visible()
        for line in LINES:
            tick(page, line, "符合" if line == "公众参与" else "不适用")
        note(page, 3, "设定罚款没有上位法依据", "行政处罚法", "删去罚款")
        expect(page.locator("#draft")).to_contain_text("建议：删去罚款")
        expect(page.get_by_label("核对“公众参与”")).to_have_value("ok")

        # advisers: asked and answered, weighed with a reason
        page.get_by_role("link", name="去委托").click()
        page.locator("[name=adviser]").fill("姚明澈")
        page.get_by_label("法律顾问", exact=True).check()
        page.locator("[name=licence]").fill("14101202010000001")
        page.locator("[name=question]").fill("第三条能不能设定罚款？")
        page.locator("[name=opinion]").fill("没有上位法依据，应当删去。")
        page.get_by_label("修改后合法", exact=True).check()
        act(page)
        page.goto(f"{base}/cases/{work.no}/legal-advice")
        page.get_by_role("button", name="研究法律顾问意见").click()
        page.get_by_label("采纳", exact=True).check()
        page.locator("[name=reason]").fill("与审查的看法一致")
        act(page)

        # the opinion: three heads, a conclusion, and on to the act with everything filled in
        page.goto(f"{base}{room.page(found)}")
        page.get_by_role("button", name="去办理“出具合法性审查意见”").click()
        expect(page.get_by_role("alert")).to_contain_text("请写明“审查结论”")
        for head, verdict in (("authority", "ok"), ("procedure", "ok"), ("content", "problem")):
            page.locator(f"[name={head}][value={verdict}]").check()
        page.locator("[name=authority_reason]").fill("依地方组织法")
        page.locator("[name=content_reason]").fill("第三条没有上位法依据")
        page.locator("[name=conclusion][value=lawful_after_changes]").check()
        page.locator("[name=changes]").fill("删去第三条的罚款")
        page.get_by_role("button", name="去办理“出具合法性审查意见”").click()
        expect(page.locator("[name='findings.0.say']")).to_have_value("设定罚款没有上位法依据")
        expect(page.locator("[name=procedure_reason]")).to_have_value(re.compile("公众参与（已研究采纳）：符合"))
        act(page)
        opinion = work.facts().acts[-1]
        assert opinion.text == work.facts().text and [paper.kind for paper in opinion.papers] == ["legal_opinion"]

        # afterwards: the changed text is confirmed, and the meeting decides
        room.on(found, 2024, 4, 24)
        assert isinstance(room.draft(found, "review", SECOND), steps.Done)
        at_desk(page, base, found)
        page.get_by_role("link", name="看文本链").click()
        expect(page.locator("#chain")).to_contain_text("第 1 版以后改了 1 处，还没有确认")
        page.locator("#links").get_by_role("button", name="确认审查后的改动").click()
        page.locator("[name=classification][value=review]").check()
        page.locator("[name=substantive][value=false]").check()
        page.get_by_label("合法，予以确认").check()
        page.locator("[name=reason]").fill("只删去了罚款")
        act(page)
        assert isinstance(room.decided(found, "decide_approve", decision="同意"), steps.Done)
        at_desk(page, base, found)
        page.get_by_role("link", name="看文本链").click()
        expect(page.locator("#links")).to_contain_text("已确认不是实质改动（审查意见）")
        expect(page.locator("#outcome")).to_contain_text("与审查的文本有 1 处不同")
    assert room.replays(found)
