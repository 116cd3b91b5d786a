"""A letter, a call, a visit: entered by those who handle opinions, with its source, and one opinion like any other."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from decisionflow.service import consultations, opinions, replay
from decisionflow.store.engine import Store
from tests.web.desk import Desk, desk

LETTER = {"channel": "letter", "arrived": "2024-03-02", "source": "来信登记第12号，存信访科", "words": "树根拱裂了人行道。",
          "stance": "support", "paragraph": "", "name": "买买提·艾力", "contact": "13900000000"}  # fmt: skip


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    made = desk(store, tmp_path)
    work = made.work
    work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3")
    work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    work.do("lead", "open_survey", ends_on="2024-03-31", papers=("photo",))
    work.now += timedelta(days=2)
    made.clients.clear()
    return made


def page(found: Desk) -> str:
    return f"/cases/{found.work.no}/opinions/new"


def filled(found: Desk, **given: str) -> dict[str, str]:
    html = found.get("lead", page(found))
    key = re.search(r'name="key" value="([^"]+)"', html)
    assert key
    return {**LETTER, **given, "key": key[1], "csrf": found.csrf("lead", page(found))}


def sent(found: Desk, values: dict[str, str], who: str = "lead") -> Any:
    return found.client(who).post(page(found), data=values)


def rows(found: Desk) -> list[Any]:
    with found.site.store.read() as connection:
        return list(connection.execute(text("select channel, late, stance, receipt from opinion order by seq")))


def test_a_letter_is_taken_in_with_its_source_and_a_receipt(found: Desk) -> None:
    answer = sent(found, filled(found))
    assert answer.status_code == 200 and "已录入，回执号" in answer.text and "查询码" in answer.text
    assert [(row.channel, bool(row.late), row.stance) for row in rows(found)] == [("letter", False, "support")]
    html = found.get("lead", f"/cases/{found.work.no}/opinions")
    assert "树根拱裂了人行道。" in html and "信函" in html and "13900000000" not in html
    work = found.work
    with found.site.store.read() as connection:
        assert replay.compare(connection, found.site.store.blobs, work.authority.id) == ()
        entry = connection.execute(text("select data from trail_entry where kind = 'opinion.received'")).scalar_one()
    assert "来信登记第12号" in bytes(entry).decode() and "买买提" not in bytes(entry).decode()


def test_the_same_form_twice_is_one_opinion(found: Desk) -> None:
    values = filled(found)
    first, second = sent(found, values), sent(found, values)
    assert first.status_code == second.status_code == 200 and len(rows(found)) == 1


@pytest.mark.parametrize(
    ("field", "value", "say"),
    [("channel", "", "请选择渠道"), ("channel", "web", "请选择渠道"), ("arrived", "昨天", "2026-11-02"),
     ("arrived", "2024-12-31", "不能晚于今天"), ("source", "", "请写明来源"), ("words", " ", "请填写意见内容"),
     ("words", "啊" * 5001, "最多5000字"), ("words", "\x07", "意见"), ("stance", "yes", "请选择态度")],
)  # fmt: skip
def test_bad_input_keeps_what_was_typed_and_stores_nothing(found: Desk, field: str, value: str, say: str) -> None:
    answer = sent(found, filled(found, **{field: value}))
    kept = "words" if field != "words" else "source"
    assert answer.status_code == 422 and say in answer.text and LETTER[kept] in answer.text
    assert rows(found) == []


def test_before_the_notice_began_and_after_it_was_closed_nothing_is_taken(found: Desk) -> None:
    assert sent(found, filled(found, arrived="2024-02-20")).status_code == 409
    work = found.work
    work.do("lead", "close_survey", after=timedelta(days=31))
    found.clients.clear()
    assert sent(found, filled(found, arrived="2024-04-01")).status_code == 409
    assert rows(found) == []


def test_a_letter_in_time_that_is_entered_after_the_close_is_in_time(found: Desk) -> None:
    found.work.do("lead", "close_survey", after=timedelta(days=31))
    found.clients.clear()
    assert sent(found, filled(found, arrived="2024-03-31")).status_code == 200
    assert [bool(row.late) for row in rows(found)] == [False]
    with found.site.store.read() as connection:
        assert replay.compare(connection, found.site.store.blobs, found.work.authority.id) == ()


def test_what_arrived_in_time_and_is_entered_after_the_last_day_is_not_late(found: Desk) -> None:
    found.work.now += timedelta(days=29)
    found.clients.clear()
    sent(found, filled(found, arrived="2024-03-30"))
    sent(found, filled(found, arrived="2024-04-01", words="迟到的来信"))
    assert [bool(row.late) for row in rows(found)] == [False, True]


@pytest.mark.parametrize(("who", "status"), [("proposer", 403), ("chief", 403), ("supervisor", 403)])
def test_the_wrong_post_is_not_offered_it_and_may_not(found: Desk, who: str, status: int) -> None:
    values = {**filled(found), "csrf": found.csrf(who, "/inbox") if 'name="csrf"' in found.get(who, "/inbox") else ""}
    assert "录入线下收到的意见" not in found.get(who, f"/cases/{found.work.no}/opinions")
    found.get(who, page(found), status)
    assert sent(found, values, who).status_code == status
    assert rows(found) == []


def test_a_stranger_gets_nowhere(found: Desk) -> None:
    assert found.client("").get(page(found)).status_code == 303
    assert found.client("").post(page(found), data=LETTER).status_code in (303, 403)


def test_a_file_is_taken_in_whole_with_a_receipt_for_each_row(found: Desk) -> None:
    work, store = found.work, found.site.store
    sheet = "渠道,收到日期,来源,意见内容,态度\n信函,2024-03-02,来信1号,保留,反对\n电话,2024/03/03,记录2,砍掉,赞成\n"
    read, problems = opinions.read("a.csv", sheet.encode("gb18030"), work.now)
    assert problems == () and [row.line for row in read] == [2, 3]
    actor = work.stage.actors["lead"]
    receipts = store.write(lambda tx: opinions.enter_all(tx, work.authority, work.no, read, actor, work.now))
    assert len({one.receipt for one in receipts}) == 2
    assert [(row.channel, row.stance) for row in rows(found)] == [("letter", "oppose"), ("phone", "support")]
    with store.read() as connection:
        assert consultations.by_no(connection, work.authority.id, work.no)["opinions"] == 2
        assert replay.compare(connection, store.blobs, work.authority.id) == ()


def test_every_wrong_row_of_a_file_is_told_with_its_number(found: Desk) -> None:
    sheet = "渠道,收到日期,来源,意见\n网上,2024-03-02,来信1号,保留\n信函,2024-03-02,,保留\n信函,三月,来信,\n"
    read, problems = opinions.read("a.csv", sheet.encode(), found.work.now)
    assert read == ()
    assert sorted({(one.line, one.place) for one in problems}) == [
        (2, "channel"), (3, "source"), (4, "arrived"), (4, "words")]  # fmt: skip
