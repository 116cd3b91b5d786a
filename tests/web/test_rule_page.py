"""A rule as somebody inside reads it: our words, the law's own when they were loaded, where it acts, what it stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from decisionflow.service import laws, steps
from decisionflow.store.engine import Store
from tests.web.desk import Desk, desk


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return desk(store, tmp_path)


def load(found: Desk, words: str) -> laws.Text:
    work, data = found.work, words.encode()
    actor = work.stage.actors["legal"]
    return work.store.write(lambda tx: laws.load(tx, work.authority, "713", "713.txt", data, actor, work.now))


def test_the_official_words_stand_beside_ours_once_they_are_loaded(found: Desk) -> None:
    before = found.get("lead", "/rules/D713-45")
    assert "我们的转述" in before and "官方文本：" not in before
    text = load(found, "第二十五条　官方的第二十五条。\n它的第二款。\n第二十六条　下一条。\n")
    page = found.get("lead", "/rules/D713-45")
    assert "官方的第二十五条。" in page and "它的第二款。" in page and "下一条" not in page
    assert text.sha256 in page and text.person_name in page


def test_a_text_without_that_article_says_so(found: Desk) -> None:
    load(found, "第一条　只有第一条。\n")
    assert "文本里没有找到这一条" in found.get("lead", "/rules/D713-45")


def test_what_in_a_text_looks_like_markup_stays_words(found: Desk) -> None:
    load(found, "第二十五条　<script>alert(1)</script>\n")
    page = found.get("lead", "/rules/D713-45")
    assert "&lt;script&gt;" in page and "<script>alert" not in page


def test_a_refused_act_is_listed_for_those_who_may_see_the_case_and_nobody_is_named(found: Desk) -> None:
    work = found.work
    work.do("proposer", "ask", title="北岸行道树", protected="no", trees="3")
    assert "还没有因为这一条被拦下" in found.get("lead", "/rules/D713-45")
    refused = work.do("chief", "decide")
    assert isinstance(refused, steps.Held)
    found.clients.clear()  # nobody stays signed in for hours
    (rule,) = {finding.rule for finding in refused.refused.blocking}
    page = found.get("lead", f"/rules/{rule}")
    assert work.no in page and "决定砍伐" in page
    assert work.stage.actors["chief"].name not in page.split("拦下的办理")[1]
    assert work.no not in found.get("expert", f"/rules/{rule}")
