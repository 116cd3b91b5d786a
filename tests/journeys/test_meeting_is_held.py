"""A meeting in a browser without scripts: the secretariat, a member and the chief take one matter through it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from decisionflow.store.engine import Store
from tests.web import meeting_room as room
from tests.web.desk import Desk, served, sign_in


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    made = room.room(store, tmp_path)
    made.work.no = room.submitted(made)
    return made


def seat(context: BrowserContext, found: Desk, who: str, base: str) -> Page:
    page = context.new_page()
    sign_in(page, found, who, base)
    return page


def plan(page: Page, base: str, no: str) -> None:
    """Call a meeting, accept the submission onto its agenda, deliver the papers, lock."""
    page.goto(f"{base}/meetings")
    for name, value in room.CALL.items():
        if name == "type":
            page.get_by_label("常务会议").check()
        else:
            page.locator(f"[name={name}]").fill(value)
    page.get_by_role("button", name="建立会议").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("第31次常务会议")
    page.get_by_role("button", name="列入议程").click()
    expect(page.locator("#agenda")).to_contain_text(no)
    page.get_by_role("button", name="把现在的版本送达勾选的人").click()
    page.get_by_role("button", name="锁定议程").click()
    expect(page.locator("main")).to_contain_text("议程已锁定")


def speak(page: Page, who: str, position: str, words: str) -> None:
    page.locator("[name=who]").select_option(who)
    page.get_by_label(position, exact=True).check()
    page.locator("[name=words]").fill(words)
    page.get_by_role("button", name="记录这条发言").click()
    expect(page.locator("#said")).to_contain_text(words)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_secretariat_member_and_chief_go_through_one_meeting(found: Desk, browser: Browser) -> None:
    no = found.work.no
    with served(found) as base, browser.new_context(java_script_enabled=False, locale="zh-CN") as context:
        secretary = seat(context, found, "office", base)
        plan(secretary, base, no)
        member = seat(context, found, "member", base)
        member.goto(f"{base}/meetings")
        member.get_by_role("link", name="第31次常务会议").click()
        member.get_by_role("link", name="草案 v1").click()
        expect(member.locator("main")).to_contain_text("打开即为签收")

        room.on(found, 2024, 5, 20)
        sign_in(secretary, found, "office", base)
        secretary.goto(f"{base}/meetings")
        secretary.get_by_role("link", name="会议记录").click()
        secretary.get_by_role("button", name="开始讨论本议题").click()
        expect(secretary.locator("#present")).to_contain_text("到会")
        speak(secretary, "member|沈若谷", "不同意", "资金没有落实。")
        speak(secretary, "member|何清越", "不同意", "建议先扩大试点。")
        speak(secretary, "chief|江亦川", "同意", "原则同意，抓紧实施。")
        expect(secretary.locator("#tally")).to_contain_text("不一致，须说明理由")
        secretary.locator("[name=note]").last.fill("当场宣读，没有异议")
        secretary.get_by_role("button", name="已经宣读").click()

        sign_in(member, found, "member", base)
        member.goto(secretary.url.partition("#")[0])
        member.get_by_role("button", name="我的发言记录无误").click()
        expect(member.locator("#said")).to_contain_text("本人确认")

        chief = seat(context, found, "chief", base)
        chief.goto(secretary.url.partition("#")[0])
        chief.get_by_label("决定通过（与多数人意见不一致）").check()
        chief.locator("[name=decision]").fill("通过该方案。")
        chief.get_by_role("button", name="生成会议记录").click()
        expect(chief.get_by_role("alert").or_(chief.locator("#refusal"))).to_contain_text("行政首长须在会上说明理由")
        chief.locator("[name=majority_reason]").fill("资金已列入明年预算。")
        chief.get_by_role("button", name="下一步：核对").click()
        chief.get_by_role("button", name="决定通过").click()
        expect(chief.get_by_role("heading", level=1)).to_have_text("已办理：决定通过")

        sign_in(secretary, found, "office", base)
        secretary.goto(f"{base}/meetings")
        secretary.get_by_role("link", name="第31次常务会议").click()
        secretary.get_by_role("button", name="生成纪要并归档").click()
        expect(secretary.locator("#minutes")).to_contain_text("摘要（SHA-256）")
    assert found.work.facts().stages["main"] == "decided" and room.replays(found)
