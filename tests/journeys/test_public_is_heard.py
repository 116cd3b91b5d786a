"""The public is heard, in a browser without scripts: forty opinions by five ways, sorted, answered, published, looked up."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from decisionflow.service import consultations, opinions, rehearsals, replay
from decisionflow.service.consultations import Comment
from decisionflow.store.engine import Store
from tests.web.desk import Desk, served, sign_in
from tests.web.test_sort_opinions import asked

TREES = "请保留解放路两侧的行道树。"
ONLINE = (
    *[TREES] * 9,
    "请保留解放路两侧行道树！",
    *["建议增设公交站。"] * 4,
    "建议在中段增设公交站台。",
    *[f"第{n}户：夜间不要施工。" for n in range(9)],
)
ON_PAPER = "".join(
    f"{channel},2024-03-{day:02},登记{day}号,{words}\n"
    for day, (channel, words) in enumerate([
        *[("信函", "行道树是五十年前种的，请保留。")] * 4, *[("电话", "公交站离菜场太远。")] * 5,
        *[("来访", "夜间施工太吵。")] * 3,
        *[("座谈会", "社区建议保留行道树。")] * 3,
    ], 3)
)  # fmt: skip


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return asked(store, tmp_path)


def receive_many(found: Desk) -> None:
    """Twenty-four online, fifteen on paper: with the one typed in the browser that makes forty."""
    work, store = found.work, found.site.store
    for words in ONLINE:
        store.write(lambda tx, words=words: consultations.receive(
            tx, work.authority, work.no, Comment(words), rehearsals.system_actor("yunhe", "公众"), work.now))  # fmt: skip
    work.now += timedelta(days=20)
    rows, problems = opinions.read("线下.csv", f"渠道,收到日期,来源,意见内容\n{ON_PAPER}".encode(), work.now)
    assert problems == ()
    store.write(lambda tx: opinions.enter_all(tx, work.authority, work.no, rows, work.stage.actors["lead"], work.now))


def one_more(page: Page, base: str, no: str) -> tuple[str, str]:
    """A citizen's opinion on a paragraph, typed in the browser; number and code of its receipt."""
    page.goto(f"{base}/public/c/{no}")
    page.get_by_role("link", name="对这一段提意见").last.click()
    page.locator("[name=words]").fill("砍树之前请听听我们的意见，树请保留。")
    page.get_by_role("button", name="下一步").click()
    page.get_by_role("button", name="提交意见").click()
    numbers = page.locator(".df-receipt dd").all_inner_texts()
    return numbers[0], numbers[1]


def sort(page: Page, into: str, *words: str) -> None:
    """Tick every bunch that says one of these words, and put them into a point."""
    for box in page.locator("label:has(input[name=bunch])").all():
        if any(word in box.inner_text() for word in words):
            box.locator("input").check()
    page.locator("[name=words_of_point]").fill(into)
    page.get_by_role("button", name="归入", exact=True).click()


def study(page: Page, point: str, disposition: str, reason: str = "", article: str = "") -> None:
    page.get_by_role("link", name=re.compile(point)).click()
    page.get_by_label(disposition, exact=True).check()
    page.locator("[name=reason]").fill(reason)
    if article:
        page.locator("[name=article]").select_option(article)
    page.get_by_role("button", name=re.compile("^保存")).click()


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_from_the_first_word_to_the_published_answer(found: Desk, browser: Browser) -> None:
    work = found.work
    with served(found) as base, browser.new_context(java_script_enabled=False, locale="zh-CN") as context:
        page = context.new_page()
        receive_many(found)
        number, code = one_more(page, base, work.no)
        found.clients.clear()
        sign_in(page, found, "lead", base)

        page.goto(f"{base}/cases/{work.no}/opinions")
        page.get_by_role("link", name="整理意见").click()
        expect(page.locator("main")).to_contain_text("40 条意见 → 0 个要点")
        expect(page.get_by_role("button", name="去办理“研究采纳公众意见”")).to_be_disabled()
        page.get_by_role("button", name="比对相近的意见").click()
        expect(page.locator("input[name=bunch]")).to_have_count(16)

        work.do("lead", "close", after=timedelta(days=12))
        found.clients.clear()
        sign_in(page, found, "lead", base)
        page.goto(f"{base}/cases/{work.no}/points")
        sort(page, "保留行道树", "树")
        sort(page, "增设公交站", "公交")
        page.get_by_role("button", name="去办理“研究采纳公众意见”").click()
        expect(page.get_by_role("alert")).to_contain_text("还有 2 个要点没有写明怎样处理")
        study(page, "保留行道树", "部分采纳", article="p2")
        study_again(page, base, work.no)

        answer(page)
        expect(page.locator("#refusal")).to_contain_text("还有意见没有归入任何要点")
        expect(page.locator("#refusal")).to_contain_text("部分采纳的意见要写明理由")
        page.goto(f"{base}/cases/{work.no}/points")
        sort(page, "避开夜间施工", "夜间")
        expect(page.locator("main")).to_contain_text("全部意见都已经归入要点")
        study(page, "避开夜间施工", "采纳")
        page.goto(f"{base}/cases/{work.no}/points")
        study(page, "保留行道树", "部分采纳", "东侧保留，西侧压占管线", "p2")
        page.goto(f"{base}/cases/{work.no}/points")
        answer(page)
        page.get_by_role("button", name="研究采纳公众意见").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("已办理")
        assert looked_up(page, base, number, code).find("并入要点") < 0

        page.goto(f"{base}/cases/{work.no}/do/publish")
        page.locator("[name=words]").fill("感谢四十位提意见的人。")
        page.get_by_role("button", name="下一步：核对").click()
        page.get_by_role("button", name="公布意见采纳情况").click()
        page.goto(f"{base}/public/c/{work.no}#feedback")
        expect(page.locator("#feedback")).to_contain_text("共收到 40 条意见")
        expect(page.locator("#feedback")).to_contain_text("归为 3 个要点：采纳 2 个，部分采纳 1 个")
        fate = looked_up(page, base, number, code)
        assert "并入要点 1：保留行道树" in fate and "东侧保留，西侧压占管线" in fate and "同一要点的意见" in fate

    points = next(act for act in work.facts().acts if act.action == "answer").fields["points"]
    assert sum(row["count"] for row in points) == 40
    with found.site.store.read() as connection:
        assert replay.compare(connection, found.site.store.blobs, work.authority.id) == ()


def study_again(page: Page, base: str, no: str) -> None:
    page.goto(f"{base}/cases/{no}/points")
    study(page, "增设公交站", "采纳")
    page.goto(f"{base}/cases/{no}/points")


def answer(page: Page) -> None:
    """From the desk to the act's form, filled in, and on to its check."""
    page.get_by_role("button", name="去办理“研究采纳公众意见”").click()
    expect(page.locator("main")).to_contain_text("公众意见研究采纳情况")
    page.locator("[name=summary]").fill("多数采纳。")
    page.get_by_role("button", name="下一步：核对").click()


def looked_up(page: Page, base: str, number: str, code: str) -> Any:
    page.goto(f"{base}/public/receipt")
    page.locator("[name=receipt]").fill(number)
    page.locator("[name=code]").fill(code)
    page.get_by_role("button", name="查询").click()
    return page.locator("main").inner_text()
