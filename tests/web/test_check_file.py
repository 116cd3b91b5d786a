"""P8: somebody holds a file and asks whether it is what was published."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from decisionflow.core.facts import legal_date
from decisionflow.store.engine import Store
from tests.web.square import NOTICE, Square, square

NO = "YH-2024-001"


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Square:
    """The drafting note came with the draft, and the notice hands it to the public without its being sent in again."""
    made = square(store, tmp_path)
    made.matter("既有住宅加装电梯方案")
    publish(made, "公告正文")
    return made


def publish(found: Square, words: str) -> None:
    work = found.work
    ends_on = (legal_date(work.now) + timedelta(days=31)).isoformat()
    ask = work.ask("publish_notice", ends_on=ends_on, **NOTICE)
    work.now += timedelta(hours=1)
    work.submit("lead", replace(ask, papers=(work.paper("notice", words),)))


def check(found: Square, words: str, name: str = "公告.txt") -> Any:
    return found.desk.client("").post("/public/verify", files={"package": (name, words.encode())})


def test_the_file_as_published_is_told_with_its_case_its_act_and_its_day(found: Square) -> None:
    html = check(found, "公告正文", "我改过名字.txt").text
    assert "df-verdict-pass" in html and "和公布的一致" in html
    assert NO in html and "发布公开征求意见公告" in html and "承办单位" in html and f'href="/public/case/{NO}"' in html


def test_a_paper_handed_in_earlier_and_published_by_the_notice_counts_too(found: Square) -> None:
    assert "df-verdict-pass" in check(found, "材料").text


def test_one_character_more_is_no_published_file_and_nothing_is_accused(found: Square) -> None:
    html = check(found, "公告正文。").text
    assert "df-verdict-unknown" in html and "没有公布过一模一样的文件" in html and "df-verdict-fail" not in html


def test_a_later_file_of_the_same_kind_is_named(found: Square) -> None:
    found.work.do("lead", "recall_notice", reason="漏了附件")
    publish(found, "公告正文（更正）")
    old, new = check(found, "公告正文").text, check(found, "公告正文（更正）").text
    assert "df-verdict-pass" in old and "之后又公布了同类的文件" in old
    assert "df-verdict-pass" in new and "之后又公布了同类的文件" not in new


def test_what_lies_in_the_dossier_unpublished_is_not_given_away(store: Store, tmp_path: Path) -> None:
    made = square(store, tmp_path)
    made.matter("内部事项")
    assert "df-verdict-unknown" in check(made, "材料").text


def test_nothing_chosen_says_so_and_nothing_is_stored(found: Square) -> None:
    answer = found.desk.client("").post("/public/verify", data={})
    assert answer.status_code == 422 and "请选择一个文件" in answer.text
    blobs = sorted(found.desk.site.settings.blob_dir.rglob("*"))
    check(found, "从没见过的文件")
    assert sorted(found.desk.site.settings.blob_dir.rglob("*")) == blobs


@pytest.mark.parametrize("page", [f"/public/c/{NO}", f"/public/case/{NO}"])
def test_every_file_that_a_public_page_names_opens_for_everybody(found: Square, page: str) -> None:
    named = sorted(set(re.findall(r"/public/files/[^\"]+", found.get(page))))
    assert len(named) == 2
    for href in named:
        assert found.desk.client("").get(href).status_code == 200, href
