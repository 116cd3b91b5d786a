"""P1: a citizen finds the notices that matter to them: by words, by area, by whom they concern."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from decisionflow.store.engine import Store
from tests.web.square import Square, square

LIFTS, TREES, FEES = "既有住宅加装电梯方案", "松材线虫病（疫木）防控方案", "停车收费管理办法"


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Square:
    made = square(store, tmp_path)
    made.notice(LIFTS, gist="四层以上老楼怎样装电梯、谁出钱", concerns=["residents", "owners"], area="全区")
    made.notice(TREES, days=40, gist="哪些松林要采伐", concerns=["villagers"], area="北部山区")
    made.notice(FEES, days=35, concerns=["residents", "travellers"], area="全区")
    return made


def titles(html: str) -> list[str]:
    return re.findall(r'class="df-casetitle"[^>]*>([^<]+)<', html)


def test_the_most_urgent_notice_comes_first_with_what_it_changes_and_whom(found: Square) -> None:
    html = found.get("/public/consultations")
    assert titles(html) == [LIFTS, FEES, TREES]
    assert "四层以上老楼怎样装电梯" in html and "和周边居民、业主和租户有关" in html and "还有 31 天" in html


@pytest.mark.parametrize(
    ("words", "expected"),
    [("电梯", [LIFTS]), ("松林 采伐", [TREES]), ("采伐 松林", [TREES]), ("疫木）防控", [TREES]), ("疫木防控", [TREES]),
     ("ＹＨ－２０２４－００１", [LIFTS]), ("yh-2024-001", [LIFTS]), ("谁出钱　老楼", [LIFTS]), ("电梯 松林", []),
     ("100%", []), ("_", []), ("北部山区", [TREES]), ("承办单位 收费", [FEES])],
)  # fmt: skip
def test_all_words_must_be_there_in_any_order_and_width(found: Square, words: str, expected: list[str]) -> None:
    assert titles(found.desk.client("").get("/public/consultations", params={"q": words}).text) == expected


def test_whom_it_concerns_and_where_are_chosen_by_links_that_can_be_shared(found: Square) -> None:
    html = found.get("/public/consultations")
    assert "周边居民 2" in html and "村民 1" in html and "全区 2" in html and "老年人" not in html
    mine = re.search(r'href="([^"]+)">周边居民 2', html)
    assert mine and mine[1] == "/public/consultations?tab=open&amp;concerns=residents"
    html = found.get(mine[1].replace("&amp;", "&"))
    assert titles(html) == [LIFTS, FEES] and 'aria-current="true">周边居民 2' in html and "业主和租户 1" in html
    assert titles(found.get("/public/consultations?concerns=residents&area=全区&q=收费")) == [FEES]
    assert "村民" not in found.get("/public/consultations?area=全区")


def test_an_empty_shelf_says_what_to_do_next(found: Square) -> None:
    assert "少选一个条件" in found.get("/public/consultations?q=没有的事")
    assert "还没有已反馈的公告" in found.get("/public/consultations?tab=answered")
    assert "没有已结束待反馈的公告" in found.get("/public/consultations?tab=ended")
    assert titles(found.get("/public/consultations?tab=furious&concerns=<script>")) == []


def test_tabs_count_what_is_asked_for(found: Square) -> None:
    html = found.get("/public/consultations?concerns=villagers")
    assert re.findall(r'df-count num">(\d+)<', html) == ["1", "0", "0"]
    found.work.now += timedelta(days=50)
    html = found.get("/public/consultations?concerns=residents")
    assert re.findall(r'df-count num">(\d+)<', html) == ["0", "2", "0"] and "没有符合这些条件的" in html


def test_what_is_not_public_is_not_found(store: Store, tmp_path: Path) -> None:
    made = square(store, tmp_path)
    made.matter("不公开的事项", public="no")
    made.matter("还没有公告的事项")
    html = made.get("/public/consultations?q=事项")
    assert "没有符合这些条件" in html and titles(html) == []


def test_a_page_that_was_never_given_out_is_not_there(found: Square) -> None:
    found.get("/public/consultations?after=yesterday", 404)


def test_twenty_notices_a_page_and_the_rest_on_the_next(found: Square) -> None:
    for n in range(19):
        found.notice(f"第{n}件事", days=60)
    html = found.get("/public/consultations")
    assert len(titles(html)) == 20
    following = re.search(r'href="([^"]+)" rel="next"', html)
    assert following and len(titles(found.get(following[1].replace("&amp;", "&")))) == 2


def test_the_notice_says_first_what_it_changes_and_whom_it_concerns(found: Square) -> None:
    html = found.get("/public/c/YH-2024-001")
    assert html.index("四层以上老楼怎样装电梯") < html.index("怎样提意见")
    assert "和周边居民、业主和租户有关" in html and "涉及区域：全区" in html
    body = found.desk.client("").get("/public/c/YH-2024-001.json").json()
    assert body["gist"].startswith("四层以上") and body["area"] == "全区"
