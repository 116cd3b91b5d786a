"""A hearing in a browser without scripts: three citizens sign up, the lead unit judges, freezes, draws and publishes."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from decisionflow.core import draw as draws
from decisionflow.store.engine import Store
from tests.web import hearing_room as room
from tests.web.desk import Desk, served, sign_in

SEATS = [{"side": "消费者", "count": "1", "how": "draw"}, {"side": "专家", "count": "1", "how": "invited"}]


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    made = room.room(store, tmp_path, seats=SEATS, total="2")
    room.on(made, 2024, 3, 20)
    return made


def sign_up(page: Page, base: str, no: str, name: str, contact: str) -> tuple[str, str]:
    page.goto(f"{base}/public/h/{no}")
    page.get_by_role("link", name="我要报名").click()
    page.get_by_role("button", name="下一步：核对").click()
    expect(page.get_by_role("alert")).to_contain_text("请填写姓名")
    page.get_by_label("消费者").check()
    page.locator("[name=name]").fill(name)
    page.locator("[name=contact]").fill(contact)
    page.locator("[name=words]").fill("每月用水十吨，关系全家开支。")
    page.get_by_role("button", name="下一步：核对").click()
    page.get_by_role("button", name="提交报名").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("报名已收到")
    numbers = page.locator(".df-receipt dd").all_inner_texts()
    return numbers[0], numbers[1]


def draw(page: Page, found: Desk, base: str) -> None:
    """Accept two and not the third, freeze the list, draw from it."""
    page.goto(f"{base}/cases/{found.work.no}")
    page.get_by_role("link", name="听证会", exact=True).click()
    for _ in range(2):
        page.get_by_role("button", name="符合条件", exact=True).first.click()
    page.get_by_text("不符合、退出").click()
    page.locator("input[name=reason]").last.fill("不在本区居住，不符合报名条件")
    page.get_by_role("button", name="不符合条件", exact=True).click()
    page.get_by_role("button", name="冻结并公布名单").click()
    page.locator("[name=seed]").fill("03 11 15 20 27 31+08")
    page.get_by_role("button", name="抽取", exact=True).click()


def publish(page: Page) -> None:
    """The list, as it starts filled in, with the expert named."""
    page.get_by_role("button", name="去办理“公布听证参加人名单”").click()
    page.locator("[name$='.name']").last.fill("丙某")
    page.get_by_role("button", name="下一步：核对").click()
    page.get_by_role("button", name="公布听证参加人名单").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("已办理：公布听证参加人名单")


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_citizens_sign_up_and_the_draw_can_be_redone_by_anybody(found: Desk, browser: Browser) -> None:
    no = found.work.no
    with served(found) as base, browser.new_context(java_script_enabled=False, locale="zh-CN") as context:
        page = context.new_page()
        mine = [sign_up(page, base, no, f"甲{n}", f"1390000000{n}") for n in (1, 2, 3)]
        assert len(room.rows(found, "signup")) == 3
        room.on(found, 2024, 4, 3)
        sign_in(page, found, "lead", base)
        draw(page, found, base)
        publish(page)

        context.clear_cookies()
        stranger = context.new_page()
        stranger.goto(f"{base}/public/h/{no}")
        stranger.reload()  # a browser keeps its copy for a minute of its own clock, in which a month went by here
        expect(stranger.locator("main")).to_contain_text("参加人名单已经公布")
        expect(stranger.locator("main")).not_to_contain_text("甲1")
        record = draws.read(stranger.request.get(f"{base}/public/h/{no}/draws/1").text(), "draw.json")
        assert draws.faults(record) == () and [one.no for one in record.candidates] == ["1", "2"]
        for (number, code), words in zip(mine, _fates(record), strict=True):
            stranger.goto(f"{base}/public/receipt")
            stranger.locator("[name=receipt]").fill(number)
            stranger.locator("[name=code]").fill(code)
            stranger.get_by_role("button", name="查询").click()
            expect(stranger.locator("main")).to_contain_text(words)
    assert room.replays(found)


def _fates(record: draws.Draw) -> list[str]:
    """What each of the three reads with their receipt."""
    drawn = record.drawn["消费者"]
    listed = ["已列入参加人名单" if no in drawn else "没有列入参加人名单" for no in ("1", "2")]
    return [*listed, "不在本区居住"]
