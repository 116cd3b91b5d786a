"""P1-P8: a citizen reads a notice, says something, keeps a receipt, and comes back to see what became of it."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from decisionflow.service import sealing
from decisionflow.store.engine import Store
from tests.web.desk import Desk, desk


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    made = desk(store, tmp_path)
    work = made.work
    work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", public="yes", trees="3", phone="13800000000")
    work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    work.do("lead", "open_survey", ends_on="2024-03-31", papers=("photo",))
    return made


def form(found: Desk) -> dict[str, str]:
    html = found.get("", f"/public/c/{found.work.no}/comment")
    key = re.search(r'name="key" value="([^"]+)"', html)
    assert key
    return {
        "key": key[1],
        "words": "树还活着，请保留。",
        "stance": "oppose",
        "name": "",
        "contact": "",
        "paragraph": "",
    }


def send(found: Desk, values: dict[str, str], **headers: str) -> Any:
    return found.client("").post(f"/public/c/{found.work.no}/comment", data={**values, "step": "send"}, headers=headers)


def receipt(html: str) -> tuple[str, str]:
    numbers = re.findall(r'<dd class="num">([^<]+)</dd>', html)
    return numbers[0], numbers[1]


def count(found: Desk) -> int:
    with found.site.store.read() as connection:
        return int(connection.execute(text("select count(*) from opinion")).scalar_one())


def test_the_notice_says_what_until_when_and_how_days_are_counted(found: Desk) -> None:
    assert "解放路行道树砍伐" in found.get("", "/public/consultations")
    html = found.get("", f"/public/c/{found.work.no}")
    assert "公开征求意见的公告" in html and "共30日" in html and "24时截止" in html
    assert "13800000000" not in html


def test_the_notice_has_a_machine_readable_copy_with_its_hash(found: Desk) -> None:
    body = found.client("").get(f"/public/c/{found.work.no}.json").json()
    assert body["ends_on"] == "2024-03-31" and len(body["sha256"]) == 64


def test_an_opinion_is_checked_first_and_then_gets_a_receipt(found: Desk) -> None:
    values = form(found)
    checked = found.client("").post(f"/public/c/{found.work.no}/comment", data=values)
    assert "请核对" in checked.text and count(found) == 0
    done = send(found, values)
    assert done.status_code == 200 and "意见已收到" in done.text and count(found) == 1
    number, code = receipt(done.text)
    answer = found.client("").post("/public/receipt", data={"receipt": number.lower(), "code": code})
    assert "树还活着，请保留。" in answer.text and "已收到" in answer.text


def test_the_same_form_twice_is_one_opinion(found: Desk) -> None:
    values = form(found)
    first, second = send(found, values), send(found, values)
    assert receipt(first.text) == receipt(second.text) and count(found) == 1
    other = send(found, {**values, "words": "别的话。"})
    assert other.status_code == 422 and count(found) == 1


def test_wrong_number_and_wrong_code_look_alike(found: Desk) -> None:
    number, code = receipt(send(found, form(found)).text)
    ask = found.client("").post
    wrong_code = ask("/public/receipt", data={"receipt": number, "code": "AAAA-AAAA-AAAA"})
    wrong_number = ask("/public/receipt", data={"receipt": number[:-1] + "9", "code": code})
    assert wrong_code.status_code == wrong_number.status_code == 404
    assert wrong_code.text.replace(number, "N") == wrong_number.text.replace(number[:-1] + "9", "N")


@pytest.mark.parametrize(
    ("field", "value", "say"),
    [("words", "", "意见"), ("words", "好" * 5001, "5000"), ("words", "坏\x00字", "控制字符"), ("name", "名" * 61, "60"),
     ("stance", "furious", "态度"), ("paragraph", "p" * 21, "20")],
)  # fmt: skip
def test_bad_input_keeps_what_was_typed_and_stores_nothing(found: Desk, field: str, value: str, say: str) -> None:
    answer = send(found, {**form(found), field: value})
    assert answer.status_code == 422 and say in answer.text and count(found) == 0


def test_a_foreign_page_may_not_send(found: Desk) -> None:
    assert send(found, form(found), origin="https://evil.example").status_code == 403
    assert count(found) == 0


def test_after_the_end_nothing_is_taken(found: Desk) -> None:
    values = form(found)
    found.work.do("lead", "close_survey", after=timedelta(days=31))
    answer = send(found, values)
    assert (
        answer.status_code == 409 and "已经结束" in answer.text and values["words"] in answer.text and count(found) == 0
    )


def test_what_is_not_public_is_not_there(store: Store, tmp_path: Path) -> None:
    made = desk(store, tmp_path)
    made.work.do("proposer", "ask", title="内部事项", protected="no", public="no", trees="3")
    made.work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    for path in ("/public/c/{}", "/public/case/{}", "/public/c/{}.json", "/public/c/{}/comment"):
        hidden = made.get("", path.format(made.work.no), 404).replace(made.work.no, "N")
        assert hidden == made.get("", path.format("YH-2024-999"), 404).replace("YH-2024-999", "N")
    assert "内部事项" not in made.get("", "/public/consultations")


def test_a_package_is_verified_without_being_kept(found: Desk) -> None:
    work = found.work
    sealing.seal_all(found.site.store, "yunhe", found.site.signer("yunhe"), work.now)
    data = found.client("lead").get(f"/cases/{work.no}/package?view=public").content
    post = found.client("").post
    good = post("/public/verify", files={"package": ("a.zip", data)})
    assert "df-verdict-pass" in good.text
    bad = bytearray(data)
    bad[len(bad) // 2] ^= 1
    assert "df-verdict-pass" not in post("/public/verify", files={"package": ("a.zip", bytes(bad))}).text
    assert post("/public/verify", data={}).status_code == 422


def test_the_public_life_of_a_case_names_no_person(found: Desk) -> None:
    html = found.get("", f"/public/case/{found.work.no}")
    assert "解放路行道树砍伐" in html and "13800000000" not in html


def test_the_checkpoint_and_the_log_are_for_everybody(found: Desk) -> None:
    work = found.work
    found.get("", "/public/checkpoint", 404)
    sealing.seal_all(found.site.store, "yunhe", found.site.signer("yunhe"), work.now)
    note = found.get("", "/public/checkpoint")
    assert note == found.get("", "/api/v1/log/checkpoint")
    size = int(note.splitlines()[1])
    proof = found.client("").get(f"/api/v1/log/proof/{size - 1}").json()
    assert proof["tree_size"] == size and len(proof["leaf_hash"]) == 64
    assert found.client("").get(f"/api/v1/log/proof/{size}").status_code == 422
    assert found.client("").get("/api/v1/log/consistency?old=1").json()["new"] == size
    assert found.client("").get("/api/v1/log/consistency?old=0").status_code == 422
