"""An expert by link, in a browser: drawn and invited, declares, reads, writes, signs; the other one recuses himself."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from decisionflow.store.engine import Store
from tests.web import panel_room as room
from tests.web.desk import Desk, served, sign_in


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return room.room(store, tmp_path)


def draw(page: Page, found: Desk, base: str) -> list[str]:
    """Conditions, candidates, the frozen list, the draw; the names drawn."""
    page.goto(f"{base}/cases/{found.work.no}")
    page.get_by_role("link", name="专家", exact=True).click()
    page.get_by_label("第 1 个专业领域", exact=True).select_option("结构工程")
    page.get_by_label("第 1 个专业领域的名额").fill("1")
    page.locator("[name=source]").first.fill(room.SOURCE)
    page.get_by_role("button", name="看候选人").click()
    expect(page.locator("#people")).to_contain_text("与承办单位有合作")
    page.get_by_role("button", name="冻结名单（3 人）").click()
    page.locator("[name=seed]").fill(room.SEED)
    page.get_by_role("button", name="抽取", exact=True).click()
    return page.locator("#seats strong").all_inner_texts()


def invite(page: Page, found: Desk, base: str, name: str) -> str:
    page.locator("#seats input[name=until]").first.fill("2024-04-20")
    page.get_by_role("button", name=f"邀请{name}").click()
    shown = page.locator(".df-receipt dd").inner_text().removeprefix("http://testserver")
    assert shown.startswith("/e/")
    return f"{base}{shown}"


def come(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_role("button", name="我是受邀的专家本人，打开").click()
    expect(page.get_by_role("heading", level=2).first).to_have_text("第一步：声明有没有利害关系")


def write(page: Page, name: str) -> None:
    """Three answers and a dissent, looked over, signed."""
    for field in ("necessity", "feasibility", "soundness", "dissent"):
        page.locator(f"[name={field}]").fill(room.OPINION[field])
    page.get_by_label("修改后同意").check()
    page.get_by_label("我独立提出以上意见").check()
    page.get_by_role("button", name="下一步：核对并署名").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("请核对，然后署名提交")
    page.locator("input[name=name]").fill(name)
    page.get_by_role("button", name="署名，提交论证意见").click()


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_an_expert_is_heard_by_link_without_scripts(found: Desk, browser: Browser) -> None:
    with served(found) as base, browser.new_context(java_script_enabled=False, locale="zh-CN") as office:
        page = office.new_page()
        sign_in(page, found, "lead", base)
        (first,) = draw(page, found, base)
        link = invite(page, found, base, first)
        with browser.new_context(java_script_enabled=False, locale="zh-CN") as outside:
            guest = outside.new_page()
            come(guest, link)
            guest.get_by_label("有，申请回避").check()
            guest.locator("[name=words]").fill("本院承接过前期设计")
            guest.locator("input[name=name]").fill(first)
            guest.get_by_role("button", name="作出声明").click()
            expect(guest.locator("main")).to_contain_text("按规定回避")
        page.goto(f"{base}{room.path(found)}")
        (second,) = page.locator("#seats strong").all_inner_texts()
        assert second != first
        link = invite(page, found, base, second)
        with browser.new_context(java_script_enabled=False, locale="zh-CN") as outside:
            guest = outside.new_page()
            come(guest, link)
            expect(guest.locator("main")).not_to_contain_text("按六车道改建")
            guest.get_by_label("没有", exact=True).check()
            guest.locator("input[name=name]").fill(second)
            guest.get_by_role("button", name="作出声明").click()
            guest.get_by_role("button", name="打开第 1 版草案和材料").click()
            expect(guest.locator("main")).to_contain_text("按六车道改建")
            page.goto(f"{base}{room.path(found)}")
            page.get_by_role("button", name="去办理“选定论证专家”").click()
            page.get_by_label("书面咨询").check()
            page.locator("[name=differing_sought]").first.check()
            page.get_by_role("button", name="下一步：核对").click()
            page.get_by_role("button", name="选定论证专家").click()
            write(guest, second)
            expect(guest.locator("main")).to_contain_text("您的意见已经署名提交")
    facts = found.work.facts()
    assert facts.acts[-1].party.name == second and facts.stages["expert"] == "reviewing" and room.replays(found)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_what_is_written_is_kept_by_itself(found: Desk, browser: Browser) -> None:
    to = room.invite(found, "9", reason="库中仅一名经济专家，此前持不同意见")
    with served(found) as base, browser.new_context(locale="zh-CN", viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        come(page, f"{base}{to}")
        page.get_by_label("没有", exact=True).check()
        page.locator("input[name=name]").fill("乙一")
        page.get_by_role("button", name="作出声明").click()
        page.get_by_role("button", name="打开第 1 版草案和材料").click()
        page.locator("[name=necessity]").fill("有必要，交通量已超设计能力。")
        expect(page.locator("#saved")).to_contain_text("已保存", timeout=10_000)
        page.reload()
        expect(page.locator("[name=necessity]")).to_have_value("有必要，交通量已超设计能力。")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
