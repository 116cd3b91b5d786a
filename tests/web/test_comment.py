"""P3: a citizen says something: what will be public is said before, and how many say nearly the same."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from decisionflow.errors import BadInput
from decisionflow.store.engine import Store
from tests.web.square import Square, square

NO = "YH-2024-001"


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Square:
    made = square(store, tmp_path)
    made.notice("既有住宅加装电梯方案")
    return made


def check(found: Square, **more: str) -> str:
    answer = found.desk.client("").post(f"/public/c/{NO}/comment", data=found.form(NO, **more))
    assert answer.status_code == 200
    return str(answer.text)


def test_every_field_says_whether_it_will_be_public_before_anything_is_sent(found: Square) -> None:
    form = found.get(f"/public/c/{NO}/comment")
    assert "原文可能公开（个人信息遮盖）" in form and form.count("个人信息，不公开") == 2
    checked = check(found, name="王芳", contact="13800000000")
    for said in (
        "意见（可能公开，个人信息遮盖）",
        "姓名或者单位（不公开）",
        "电话或者邮箱（不公开）",
        "只公开各种态度的条数",
    ):
        assert said in checked, said
    assert found.count("opinion") == 0


def test_near_duplicates_are_told_before_sending_and_hinder_nobody(found: Square) -> None:
    words = "请保留楼前的两棵大树，电梯井可以往东移一米，不影响通行。"
    assert "相近的意见" not in check(found, words=words)
    found.say(
        NO, *[words] * 3, words.replace("两棵", "2棵"), f"{words}谢谢！", "加装电梯的费用应当按楼层分摊，一楼不出钱。"
    )
    html = check(found, words="请保留楼前的两棵大树,电梯井可以往东移一米，不影响通行")
    assert "已经收到 5 条相近的意见" in html and "您仍然可以提交" in html
    assert "已经收到 1 条相近的意见" in check(found, words="加装电梯的费用应当按楼层分摊，一楼不出钱")
    assert "相近的意见" not in check(found, words="施工时间请避开午休。")
    form = found.form(NO, words=words)
    assert found.send(NO, form).status_code == 200 and found.count("opinion") == 7


def test_going_back_to_change_keeps_every_word(found: Square) -> None:
    form = found.form(NO, words="建议\n分两期实施", name="王芳", contact="wang@example.cn", stance="change")
    html = found.desk.client("").post(f"/public/c/{NO}/comment", data={**form, "step": "edit"}).text
    assert "建议\n分两期实施" in html and 'value="王芳"' in html and 'value="wang@example.cn"' in html
    assert 'value="change" id="f-stance-2" checked' in html


def test_papers_are_not_taken_here_and_the_page_says_where(found: Square) -> None:
    html = found.get(f"/public/c/{NO}/comment")
    assert "图纸、照片等材料不在网上收" in html and 'type="file"' not in html


def test_the_form_of_a_sent_opinion_with_other_words_keeps_them_for_a_new_one(found: Square) -> None:
    form = found.form(NO, words="第一条。")
    found.send(NO, form)
    again = found.send(NO, {**form, "words": "第二条。"})
    assert again.status_code == 422 and "第二条。" in again.text and "已经提交过一条意见" in again.text
    assert form["key"] not in again.text and found.count("opinion") == 1


def test_a_second_press_after_the_end_still_gives_the_first_receipt(found: Square) -> None:
    form = found.form(NO)
    first = found.send(NO, form)
    found.work.do("lead", "close_notice", after=timedelta(days=33))
    assert found.send(NO, form).text == first.text
    late = found.send(NO, {**form, "key": "k" * 32, "words": "还有一条。"})
    assert late.status_code == 409 and "还有一条。" in late.text and found.count("opinion") == 1


# ---- what a notice asks of those who write ------------------------------------------------------------------

REASON = {"identity": "reachable", "identity_reason": "涉及逐户补偿，需要逐户核对"}


def test_a_notice_that_wants_a_contact_says_why_and_holds_an_opinion_without_one(found: Square) -> None:
    no = found.notice("房屋征收补偿方案", **REASON)
    assert "涉及逐户补偿" in found.get(f"/public/c/{no}") and "可以不留姓名" not in found.get(f"/public/c/{no}")
    form = found.form(no)
    answer = found.send(no, form)
    assert answer.status_code == 422 and "公告要求留下联系方式" in answer.text and form["words"] in answer.text
    early = found.desk.client("").post(f"/public/c/{no}/comment", data=form)
    assert early.status_code == 422 and found.count("opinion") == 0
    assert found.send(no, {**form, "contact": "13800000000"}).status_code == 200 and found.count("opinion") == 1


def test_a_letter_without_a_contact_counts_all_the_same(found: Square) -> None:
    no = found.notice("房屋征收补偿方案", **REASON)
    found.say(no, "补偿太低。", channel="letter")
    assert found.count("opinion") == 1


def test_a_notice_may_not_ask_who_somebody_is_without_a_reason(found: Square) -> None:
    with pytest.raises(BadInput, match="identity_reason"):
        found.notice("停车收费管理办法", identity="named")


def test_without_a_word_in_the_notice_an_opinion_may_be_anonymous(found: Square) -> None:
    assert "可以不留姓名" in found.get(f"/public/c/{NO}")
    assert found.send(NO, found.form(NO)).status_code == 200
