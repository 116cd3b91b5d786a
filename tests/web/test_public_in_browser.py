"""The public pages in a browser as citizens have it: light to load, without scripts, with large letters, on a telephone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from decisionflow.service import sealing
from decisionflow.store.engine import Store
from tests.web.desk import served
from tests.web.square import Square, square

NO = "YH-2024-001"
PAGES = (
    "/public/consultations", f"/public/c/{NO}", f"/public/c/{NO}/comment", f"/public/case/{NO}", "/public/catalogue",
    "/public/subscribe", "/public/receipt", "/public/verify",
)  # fmt: skip
MOST = 100 * 1024


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Square:
    made = square(store, tmp_path)
    made.notice("既有住宅加装电梯方案", gist="老楼怎样装电梯、谁出钱", concerns=["residents", "elders"], area="全区")
    made.notice("停车收费管理办法", concerns=["travellers"], area="全区")
    sealing.seal_all(made.desk.site.store, "yunhe", made.desk.site.signer("yunhe"), made.work.now)
    return made


@pytest.fixture
def base(found: Square) -> Iterator[str]:
    with served(found.desk) as address:
        yield address


@pytest.mark.parametrize("path", PAGES)
def test_a_first_look_loads_less_than_a_hundred_kilobytes_and_nothing_from_elsewhere(
    page: Page, base: str, path: str
) -> None:
    answers: list[Response] = []

    def heard(answer: Response) -> None:
        answers.append(answer)

    page.on("response", heard)
    page.goto(base + path, wait_until="networkidle")
    assert all(one.url.startswith(base) and one.status == 200 for one in answers)
    sizes = [one.request.sizes() for one in answers]
    assert 0 < sum(one["responseBodySize"] + one["responseHeadersSize"] for one in sizes) < MOST


def test_a_citizen_finds_reads_says_keeps_and_looks_up_without_scripts(browser: Browser, base: str) -> None:
    with browser.new_context(java_script_enabled=False, locale="zh-CN") as context:
        page = context.new_page()
        page.goto(f"{base}/public/consultations")
        page.get_by_role("list", name="和我有关").get_by_role("link", name="老年人 1").click()
        expect(page.get_by_role("link", name="停车收费管理办法")).to_have_count(0)
        page.get_by_role("link", name="既有住宅加装电梯方案").click()
        expect(page.get_by_text("老楼怎样装电梯、谁出钱")).to_be_visible()
        page.get_by_role("link", name="我要提意见").click()
        page.get_by_role("button", name="下一步").click()
        expect(page.get_by_role("alert")).to_contain_text("请填写意见内容")
        page.get_by_label("您的意见").fill("一楼住户的采光怎么办？")
        page.get_by_role("button", name="下一步").click()
        expect(page.get_by_text("意见（可能公开，个人信息遮盖）")).to_be_visible()
        page.get_by_role("button", name="提交意见").click()
        number, code = (page.locator(".df-receipt dd").nth(n).inner_text() for n in (0, 1))
        page.get_by_role("link", name="查询意见").click()
        page.get_by_label("回执号").fill(number)
        page.get_by_label("查询码").fill(code)
        page.get_by_role("button", name="查询").click()
        expect(page.get_by_text("一楼住户的采光怎么办？")).to_be_visible()
        page.get_by_role("link", name="看公告页").click()
        expect(page).to_have_url(f"{base}/public/c/{NO}")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("mode", ["", "elder"])
def test_on_a_telephone_nothing_is_cut_off_and_everything_can_be_pressed(
    page: Page, base: str, path: str, mode: str
) -> None:
    page.context.add_cookies([{"name": "mode", "value": mode or "standard", "url": base}])
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(base + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    wide = "[...document.querySelectorAll('.df-scroll')].filter(one => one.scrollWidth > one.clientWidth + 1).length"
    assert page.evaluate(wide) == 0
    low = page.evaluate(
        "[...document.querySelectorAll('main a.btn, main button, main select, main [type=text], main [type=search]')]"
        ".filter(one => one.getBoundingClientRect().height < 24 && one.offsetParent).length"
    )
    assert low == 0
    size = float(page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)"))
    assert size == (22 if mode else 18)


@pytest.mark.parametrize("path", PAGES)
def test_headings_labels_and_the_order_of_keys_make_sense(page: Page, base: str, path: str) -> None:
    page.goto(base + path)
    assert page.locator("h1").count() == 1 and page.locator("main").count() == 1
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(one => +one.tagName[1])")
    assert levels[0] == 1 and all(later <= earlier + 1 for earlier, later in pairwise(levels))
    unnamed = page.evaluate(
        "[...document.querySelectorAll('main input:not([type=hidden]), main textarea, main select')]"
        ".filter(one => !one.labels.length && !one.getAttribute('aria-label')).map(one => one.name)"
    )
    assert unnamed == []
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "跳到正文"
    positive = page.evaluate("[...document.querySelectorAll('[tabindex]')].filter(one => one.tabIndex > 0).length")
    assert positive == 0
