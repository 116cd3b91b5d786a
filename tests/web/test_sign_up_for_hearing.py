"""P7: a citizen reads of a hearing, signs up for a side, keeps a receipt, and comes back to see what became of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from decisionflow.store.engine import Store
from decisionflow.web.brakes import Limit
from tests.web import hearing_room as room
from tests.web.desk import Desk


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    made = room.room(store, tmp_path)
    room.on(made, 2024, 3, 6)
    return made


def test_the_notice_says_when_where_which_sides_how_and_until_when(found: Desk) -> None:
    html = found.get("", f"/public/h/{found.work.no}")
    for words in ("自来水价格调整方案", "2024年4月26日", "区政府一楼会议室", "消费者", "报名后抽取", "年满十八周岁", room.SOURCE,
                  "2024年3月31日（周日）24时截止", "我要报名"):  # fmt: skip
        assert words in html


def test_an_application_is_checked_first_and_then_gets_a_receipt(found: Desk) -> None:
    values = room.filled(found)
    checked = found.client("").post(room.page(found), data=values)
    assert "请核对" in checked.text and room.rows(found, "signup") == []
    done = room.send(found, values)
    assert done.status_code == 200 and "报名已收到" in done.text
    (row,) = room.rows(found, "signup")
    assert (row.n, row.side, row.state) == (1, "消费者", "waiting") and room.replays(found)
    answer = room.asked(found, *room.receipt(done.text))
    assert "已收到，待审核" in answer and "买**" in answer and "13900000001" not in answer


def test_what_is_personal_stands_in_no_entry_and_on_no_public_page(found: Desk) -> None:
    room.sign_up(found, "消费者", "买买提·艾力", "13900000001")
    with found.site.store.read() as connection:
        entry = bytes(
            connection.execute(text("select data from trail_entry where kind = 'signup.received'")).scalar_one()
        )
    page = found.get("", f"/public/h/{found.work.no}")
    for words in ("买买提", "13900000001", "每月用水"):
        assert words not in entry.decode() and words not in page
    assert "已报名" in page


def test_the_page_is_a_copy_that_only_the_count_may_lag(found: Desk) -> None:
    path = f"/public/h/{found.work.no}"
    first = found.client("").get(path)
    room.sign_up(found, "消费者", "买买提·艾力", "13900000001")
    again = found.client("").get(path, headers={"if-none-match": first.headers["etag"]})
    assert first.headers["cache-control"].startswith("public") and again.status_code == 304
    moved = {"held_on": "2024-05-06", "held_at": "下午二时，区政府一楼会议室", "reason": "会场另有安排"}
    found.work.do("lead", "reschedule_hearing", **moved)
    assert "下午二时" in found.get("", path)


def test_the_hearing_is_found_from_the_list_while_it_takes_sign_ups(found: Desk) -> None:
    html = found.get("", "/public/consultations")
    assert (
        "正在报名的听证会" in html
        and f"/public/h/{found.work.no}" in html
        and "2024年3月31日（周日）24时前报名" in html
    )
    assert "正在报名的听证会" not in found.get("", "/public/consultations?tab=ended")
    room.on(found, 2024, 4, 1)
    assert "正在报名的听证会" not in found.get("", "/public/consultations")


def test_the_same_form_twice_is_one_application(found: Desk) -> None:
    values = room.filled(found)
    first, second = room.send(found, values), room.send(found, values)
    assert room.receipt(first.text) == room.receipt(second.text) and len(room.rows(found, "signup")) == 1
    other = room.send(found, {**values, "words": "别的理由。"})
    assert other.status_code == 422 and "已经报过一次名" in other.text and len(room.rows(found, "signup")) == 1


@pytest.mark.parametrize(
    ("field", "value", "say"),
    [("side", "", "请选择代表哪一方"), ("side", "专家", "请选择代表哪一方"), ("name", " ", "请填写姓名"),
     ("contact", "", "请填写联系方式"), ("words", "", "请填写"), ("words", "好" * 1001, "最多1000字"),
     ("name", "名\x00", "控制字符"), ("unit", "单" * 121, "最多120字")],
)  # fmt: skip
def test_bad_input_keeps_what_was_typed_and_stores_nothing(found: Desk, field: str, value: str, say: str) -> None:
    answer = room.send(found, room.filled(found, **{field: value}))
    kept = "words" if field != "words" else "contact"
    assert answer.status_code == 422 and say in answer.text and room.PERSON[kept] in answer.text
    assert room.rows(found, "signup") == []


def test_a_form_without_its_key_is_not_taken(found: Desk) -> None:
    assert room.send(found, {**room.filled(found), "key": "short"}).status_code == 422
    assert room.rows(found, "signup") == []


def test_the_last_day_counts_to_its_end_and_the_next_day_is_too_late(found: Desk) -> None:
    values = room.filled(found)
    found.work.now = found.work.now.replace(month=3, day=31, hour=23, minute=59)
    assert room.send(found, values).status_code == 200
    values = room.filled(found)
    found.work.now = found.work.now.replace(month=4, day=1, hour=0, minute=0)
    late = room.send(found, values)
    assert late.status_code == 409 and "24时截止；可以申请旁听" in late.text and "我家每月用水十吨" in late.text
    assert "报名已经截止" in found.get("", f"/public/h/{found.work.no}") and len(room.rows(found, "signup")) == 1


def test_before_any_hearing_is_announced_there_is_no_page(store: Store, tmp_path: Path) -> None:
    made = room.room(store, tmp_path, announced=False)
    made.get("", f"/public/h/{made.work.no}", 404)
    made.get("", f"/public/h/{made.work.no}/signup", 404)


def test_a_cancelled_hearing_says_why_and_takes_nobody(found: Desk) -> None:
    number = room.sign_up(found, "消费者", "张三", "13900000002")
    values = room.filled(found)
    found.work.do("lead", "cancel_hearing", reason="方案撤回重拟", judged_by="陈予安")
    late = room.send(found, values)
    assert late.status_code == 409 and "听证会已经取消" in late.text
    assert "方案撤回重拟" in found.get("", f"/public/h/{found.work.no}") and "方案撤回重拟" in room.asked(
        found, *number
    )
    assert room.replays(found)


def test_a_moved_hearing_shows_its_new_day_and_a_longer_sign_up(found: Desk) -> None:
    room.on(found, 2024, 4, 1)
    found.work.do("lead", "reschedule_hearing", held_on="2024-05-20", held_at="下午二时，区图书馆", signup_until="2024-04-15",
                  reason="经营者无人报名，延长报名")  # fmt: skip
    html = found.get("", f"/public/h/{found.work.no}")
    assert (
        "2024年5月20日" in html
        and "区图书馆" in html
        and "2024年4月15日（周一）24时截止" in html
        and "经营者无人报名" in html
    )
    assert room.send(found, room.filled(found)).status_code == 200 and room.replays(found)


def test_a_hearing_whose_seats_are_all_invited_takes_no_applications(store: Store, tmp_path: Path) -> None:
    made = room.room(
        store, tmp_path, seats=[{"side": "部门", "count": "4", "how": "invited"}], draw_source=None, signup_until=None
    )
    assert "不接受报名" in made.get("", f"/public/h/{made.work.no}")
    made.get("", room.page(made))
    values = {**room.PERSON, "side": "部门", "key": "k" * 32}
    assert room.send(made, values).status_code in (409, 422) and room.rows(made, "signup") == []


def test_a_wrong_number_and_a_wrong_code_look_alike(found: Desk) -> None:
    number, code = room.sign_up(found, "消费者", "张三", "13900000002")
    ask = found.client("").post
    wrong_code = ask("/public/receipt", data={"receipt": number, "code": "AAAA-AAAA-AAAA"})
    wrong_number = ask("/public/receipt", data={"receipt": number[:-1] + "9", "code": code})
    assert wrong_code.status_code == wrong_number.status_code == 404
    assert wrong_code.text.replace(number, "N") == wrong_number.text.replace(number[:-1] + "9", "N")


def test_a_foreign_page_may_not_send(found: Desk) -> None:
    values = {**room.filled(found), "step": "send"}
    answer = found.client("").post(room.page(found), data=values, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403 and room.rows(found, "signup") == []


def test_too_many_from_one_address_are_asked_to_wait_and_keep_their_words(found: Desk) -> None:
    found.app.state.portal.sending.limits = (Limit(1, 60),)
    assert room.send(found, room.filled(found)).status_code == 200
    answer = room.send(found, room.filled(found, contact="13900000003"))
    assert answer.status_code == 429 and "13900000003" in answer.text and len(room.rows(found, "signup")) == 1
