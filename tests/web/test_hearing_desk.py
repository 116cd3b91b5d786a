"""S11: the lead unit organises a hearing: who fits, the frozen list, the draw, the list, the papers, record and report."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from docx import Document

from decisionflow.core import draw as draws
from decisionflow.service import evidence, sealing, steps
from decisionflow.service import site as sites
from decisionflow.store.engine import Store
from decisionflow.trail import verify
from tests.web import hearing_room as room
from tests.web.desk import Desk
from tests.web.formreader import read

PEOPLE = [("消费者", "甲一", "13900000011"), ("消费者", "甲二", "13900000012"), ("消费者", "甲三", "13900000013"),
          ("消费者", "甲四", "13900000014"), ("经营者", "乙一", "13900000021")]  # fmt: skip
SEED = "03 11 15 20 27 31+08"


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    """Four consumers for two seats, one business; sign-up is over, nobody is judged yet."""
    made = room.room(store, tmp_path)
    room.on(made, 2024, 3, 20)
    for one in PEOPLE:
        room.sign_up(made, *one)
    room.on(made, 2024, 4, 1)
    return made


def path(found: Desk) -> str:
    return f"/cases/{found.work.no}/hearing"


def accepted(found: Desk, *but: int) -> None:
    for n in range(1, len(PEOPLE) + 1):
        if n not in but:
            assert room.judge(found, n, "accepted").status_code == 303


def drawn(found: Desk) -> dict[str, Any]:
    """Accept everybody, freeze, draw; the public record."""
    accepted(found)
    assert room.post(found, "freeze").status_code == 303
    room.on(found, 2024, 4, 3)
    assert room.post(found, "draw", seed=SEED).status_code == 303
    return dict(found.client("").get(f"/public/h/{found.work.no}/draws/1").json())


def listed(found: Desk, record: dict[str, Any], **changes: Any) -> Any:
    """Publish the list as the form starts with it, the invited expert named."""
    people = [{"no": no, "name": f"某{no}", "side": "消费者", "how": "draw"} for no in record["drawn"]["消费者"]]
    people += [
        {"no": "5", "name": "乙一", "side": "经营者", "how": "chosen"},
        {"no": "6", "name": "丙", "side": "专家", "how": "invited"},
    ]
    return found.work.do(
        "lead", "publish_participants", **{"participants": people, "process": "公开抽取，专家由水务学会推荐"} | changes
    )


def numbers(record: dict[str, Any]) -> list[str]:
    return [*record["drawn"]["消费者"], "5", "6"]


def test_the_desk_shows_the_line_back_from_the_hearing_and_the_earliest_lawful_day(found: Desk) -> None:
    html = found.get("lead", path(found))
    assert "最迟 2024年4月19日" in html and "2024年4月26日" in html and "最迟 2024年4月25日" in html
    assert "最早可以在2024年4月8日（周一）举行" in html
    assert "13900000011" in html and "已报名 5 人" in html and "5 人待审核" in html


def test_somebody_accepted_and_somebody_not_each_learn_it_by_receipt_and_it_can_be_taken_back(found: Desk) -> None:
    room.on(found, 2024, 3, 20)
    mine = room.sign_up(found, "消费者", "甲五", "13900000015")
    refused = room.judge(found, 6, "refused", "不在本区居住，不符合报名条件")
    assert refused.status_code == 303 and "不在本区居住" in room.asked(found, *mine)
    assert room.judge(found, 6, "accepted").status_code == 303
    assert "符合条件" in room.asked(found, *mine)
    html = found.get("lead", path(found))
    assert "符合条件" in html and room.replays(found)


def test_a_refusal_needs_its_reason_and_the_same_twice_is_said(found: Desk) -> None:
    bare = room.judge(found, 1, "refused")
    assert bare.status_code == 422 and "不符合哪一条报名条件" in bare.text
    assert room.judge(found, 1, "furious").status_code == 422 and room.judge(found, 99, "accepted").status_code == 404
    room.judge(found, 1, "accepted")
    assert room.judge(found, 1, "accepted").status_code == 409
    assert [row.state for row in room.rows(found, "signup")] == ["accepted", *["waiting"] * 4]


def test_the_list_is_not_frozen_before_sign_up_ends_or_somebody_waits(found: Desk) -> None:
    waiting = room.post(found, "freeze")
    assert waiting.status_code == 409 and "人没有审核" in waiting.text
    room.on(found, 2024, 3, 31)
    accepted(found)
    early = room.post(found, "freeze")
    assert early.status_code == 409 and "截止以后才能冻结名单" in early.text and room.rows(found, "lot") == []


def test_a_draw_is_what_the_command_line_and_the_script_verify(found: Desk) -> None:
    accepted(found)
    room.post(found, "freeze")
    before = found.get("", f"/public/h/{found.work.no}")
    assert "名单已经冻结" in before and "13900000011" not in before and "甲一" not in before
    frozen = found.client("").get(f"/public/h/{found.work.no}/draws/1").json()
    assert frozen["seed"] == "" and frozen["source"] == room.SOURCE and frozen["seats"] == {"消费者": 2}
    room.on(found, 2024, 4, 3)
    assert room.post(found, "draw", seed=f" {SEED} ").status_code == 303
    text = found.client("").get(f"/public/h/{found.work.no}/draws/1").text
    done = draws.read(text, "draw.json")
    assert draws.faults(done, frozen["list_sha256"]) == () and text == draws.write(done) and done.seed == SEED
    html = found.get("", f"/public/h/{found.work.no}")
    assert SEED in html and "候补第1" in html and room.replays(found)


def test_after_freezing_nobody_is_judged_and_nothing_is_drawn_twice(found: Desk) -> None:
    drawn(found)
    again = room.judge(found, 1, "refused", "弄错了，不符合条件")
    assert again.status_code == 409 and "名单已经冻结" in again.text
    twice = room.post(found, "draw", seed="别的种子")
    assert twice.status_code == 409 and len(room.rows(found, "lot")) == 1


def test_a_blank_seed_is_asked_for_with_its_source(found: Desk) -> None:
    accepted(found)
    room.post(found, "freeze")
    blank = room.post(found, "draw", seed=" ")
    assert blank.status_code == 422 and room.SOURCE in blank.text
    assert room.rows(found, "lot")[0].state == "frozen"


def test_drawing_again_needs_a_reason_and_the_public_sees_both(found: Desk) -> None:
    first = drawn(found)
    assert room.post(found, "freeze").status_code == 409
    short = room.post(found, "void", again="再来")
    assert short.status_code == 422 and "至少8字" in short.text and "再来" in short.text
    why = "漏掉了一名不符合条件的住户"
    known = room.post(found, "void", again=why, next=room.SOURCE)
    assert known.status_code == 422 and "原来的种子已经知道了" in known.text and why in known.text
    assert room.post(found, "void", again=why, next="2024-04-04体育彩票排列五开奖号码").status_code == 303
    held = listed(found, first)
    assert isinstance(held, steps.Held) and [one.code for one in held.refused.blocking] == ["draw_recorded"]
    found.clients.clear()
    assert room.judge(found, 1, "refused", "不在本区居住，不符合条件").status_code == 303
    assert (
        room.post(found, "freeze").status_code == 303 and room.post(found, "draw", seed="4 0 9 2 7").status_code == 303
    )
    html = found.get("", f"/public/h/{found.work.no}")
    assert "第 2 次抽取" in html and "已经作废" in html and "漏掉了一名不符合条件的住户" in html
    assert [row.state for row in room.rows(found, "lot")] == ["void", "drawn"] and room.replays(found)
    again = found.client("").get(f"/public/h/{found.work.no}/draws/2").json()
    assert (
        again["list_sha256"] != first["list_sha256"]
        and again["source"].startswith("2024-04-04")
        and isinstance(listed(found, again), steps.Done)
    )


def test_a_list_that_is_not_the_draw_is_refused_with_its_article(found: Desk) -> None:
    record = drawn(found)
    spare = record["reserve"]["消费者"][0]
    wrong = listed(found, {**record, "drawn": {"消费者": [record["drawn"]["消费者"][0], spare]}})
    assert isinstance(wrong, steps.Held) and wrong.refused.rules == {"D713-29"}
    (finding,) = wrong.refused.blocking
    assert finding.code == "drawn_as_recorded" and "实为2" in finding.detail
    assert isinstance(listed(found, record), steps.Done)


def test_whoever_withdraws_is_followed_by_the_next_in_reserve(found: Desk) -> None:
    record = drawn(found)
    first, second = record["drawn"]["消费者"]
    assert room.judge(found, int(first), "gone", "来电退出").status_code == 303
    assert isinstance(listed(found, record), steps.Held)
    follower = {**record, "drawn": {"消费者": [second, record["reserve"]["消费者"][0]]}}
    assert isinstance(listed(found, follower), steps.Done)
    assert "已递补" in found.get("", f"/public/h/{found.work.no}")


def test_the_same_number_twice_on_the_list_is_told(found: Desk) -> None:
    record = drawn(found)
    people = [{"no": "1", "name": "某", "side": side, "how": "chosen"} for side in ("消费者", "经营者", "专家")]
    with pytest.raises(Exception, match="participants"):
        listed(found, record, participants=people)


def test_the_list_starts_filled_in_and_takes_the_record_along(found: Desk) -> None:
    record = drawn(found)
    go = room.post(found, "list")
    assert go.status_code == 303 and "account=" in go.headers["location"]
    sheet = read(found.get("lead", go.headers["location"]))
    people = [value for name, value in sheet.pairs if name.startswith("participants.") and name.endswith(".no")]
    assert sorted(people) == sorted(numbers(record))
    names = [value for name, value in sheet.pairs if name.startswith("participants.") and name.endswith(".name")]
    assert "乙一" in names
    values = {f"participants.{people.index('6')}.name": "丙"}
    checked = sheet.put(values).press(found.client("lead"), "check")
    assert checked.status_code == 200 and "抽取记录" in checked.text, checked.text
    confirm = read(checked.text)
    done = confirm.put({name: "yes" for name in confirm.names if name.startswith("act.confirm")}).press(
        found.client("lead")
    )
    assert done.status_code == 303
    facts = found.work.facts()
    paper = facts.papers()["draw_record"]
    assert json.loads(found.site.store.blobs.get(paper.sha256))["drawn"] == record["drawn"]
    assert facts.acts[-1].fields["undrawn"] == 0 and room.replays(found)
    assert "抽取记录" in found.get("", f"/public/h/{found.work.no}")


def test_late_and_missing_papers_name_who_and_from_when(found: Desk) -> None:
    record = drawn(found)
    listed(found, record)
    room.on(found, 2024, 4, 22)
    late, *rest = numbers(record)
    found.work.do("lead", "deliver_hearing_papers", receipts=[
        {"no": late, "delivered_on": "2024-04-20", "how": "hand"},
        *({"no": no, "delivered_on": "2024-04-10", "how": "hand"} for no in rest[:-1])])  # fmt: skip
    room.on(found, 2024, 4, 26)
    held = hold(found, record)
    assert isinstance(held, steps.Held) and {one.code for one in held.refused.blocking} == {
        "papers_7_days",
        "papers_to_all",
    }
    seven, missing = sorted(held.refused.blocking, key=lambda one: one.code)
    assert (
        f"编号{late}" in seven.detail and str(seven.earliest_on) == "2024-04-27" and f"缺：{rest[-1]}" in missing.detail
    )
    assert "不得早于 2024年4月27日" in found.get("lead", f"/cases/{found.work.no}/do/reschedule_hearing")
    early = found.work.do("lead", "reschedule_hearing", held_on="2024-04-27", held_at="同前", reason="材料送达不满七日")
    assert isinstance(early, steps.Done)


def hold(found: Desk, record: dict[str, Any], **changes: Any) -> Any:
    given = {
        "chair": "许知远", "recorder": "沈砚", "open": "yes", "presented": "yes", "debated": "yes", "in_order": "yes",
        "attended": [{"no": no, "present": "yes"} for no in numbers(record)], **changes,
    }  # fmt: skip
    return found.work.do("lead", "hold_hearing", **given)


def recorded(found: Desk) -> dict[str, Any]:
    """A hearing up to its record by speaker."""
    record = drawn(found)
    listed(found, record)
    found.work.do(
        "lead", "deliver_hearing_papers", receipts=[{"no": no, "delivered_on": "2024-04-03"} for no in numbers(record)]
    )
    room.on(found, 2024, 4, 26)
    assert isinstance(hold(found, record), steps.Done)
    found.work.do("lead", "record_hearing", speeches=[
        {"no": "承办单位", "kind": "present", "words": "介绍两步到位的方案"},
        {"no": "5", "kind": "state", "words": "成本确实上升"},
        {"no": record["drawn"]["消费者"][0], "kind": "challenge", "words": "监审数据没有公布"},
        {"no": "承办单位", "kind": "answer", "words": "会后公布"}])  # fmt: skip
    return record


def test_whoever_spoke_confirms_the_record_or_the_refusal_is_noted(found: Desk) -> None:
    record = recorded(found)
    speaker = record["drawn"]["消费者"][0]
    others = [{"no": no, "state": "signed"} for no in numbers(record) if no != speaker]
    missing = found.work.do("lead", "sign_hearing_record", signatures=others, papers=("hearing_record",))
    assert isinstance(missing, steps.Held) and {one.code for one in missing.refused.blocking} == {
        "record_signed_by_all", "speakers_confirmed"}  # fmt: skip
    refused = [*others, {"no": speaker, "state": "refused"}]
    bare = found.work.do("lead", "sign_hearing_record", signatures=refused, papers=("hearing_record",))
    assert isinstance(bare, steps.Held) and {one.code for one in bare.refused.blocking} == {"refusals_noted"}
    noted = [*others, {"no": speaker, "state": "refused", "note": "认为没有记全，主持人注明"}]
    assert isinstance(
        found.work.do("lead", "sign_hearing_record", signatures=noted, papers=("hearing_record",)), steps.Done
    )


def test_the_report_is_drawn_up_from_the_record_and_what_was_not_adopted_needs_its_reason(found: Desk) -> None:
    record = recorded(found)
    found.work.do("lead", "sign_hearing_record", signatures=[{"no": no, "state": "signed"} for no in numbers(record)],
                  papers=("hearing_record",))  # fmt: skip
    go = room.post(found, "report")
    sheet = read(found.get("lead", go.headers["location"]))
    views = dict(sheet.pairs)["views"]
    assert "消费者：" in views and "（质证）监审数据没有公布" in views and "承办单位（介绍）" in views
    file = go.headers["location"].partition("account=")[2]
    words = "\n".join(one.text for one in Document(io.BytesIO(found.site.store.blobs.get(file))).paragraphs)
    assert "参加人 2 人" in words and "成本确实上升" in words and "2024年4月26日" in words
    outcomes = [
        {"side": "消费者", "view": "公布监审数据", "outcome": "adopted"},
        {"side": "经营者", "view": "一步到位", "outcome": "not_adopted"},
    ]
    given: dict[str, Any] = {"views": views, "outcomes": outcomes, "adoption": "采纳一条"}
    bare = found.work.do("lead", "report_hearing", papers=("hearing_report",), **given)
    assert isinstance(bare, steps.Held) and [one.code for one in bare.refused.blocking] == ["outcomes_reasoned"]
    given["not_adopted"] = "一步到位涨幅过大，分两步实施"
    done = found.work.do("lead", "report_hearing", papers=("hearing_report",), **given)
    assert isinstance(done, steps.Done) and found.work.facts().stages["hearing"] == "reported" and room.replays(found)


def test_seats_that_do_not_add_up_are_stopped_with_the_sum(store: Store, tmp_path: Path) -> None:
    made = room.room(store, tmp_path, announced=False)
    held = room.announce(made, total="18")
    assert isinstance(held, steps.Held) and held.refused.rules == {"D713-29"}
    assert "各项合计4，填写的总数为18" in held.refused.blocking[0].detail
    assert made.get("", f"/public/h/{made.work.no}", 404)


def test_seats_to_be_drawn_need_a_source_of_chance_beforehand(store: Store, tmp_path: Path) -> None:
    made = room.room(store, tmp_path, announced=False)
    held = room.announce(made, draw_source=None)
    assert isinstance(held, steps.Held) and [one.code for one in held.refused.blocking] == ["draw_source_named"]


def test_a_side_without_anybody_is_told_what_may_be_done_and_stops_the_list(store: Store, tmp_path: Path) -> None:
    made = room.room(store, tmp_path)
    room.on(made, 2024, 3, 20)
    room.sign_up(made, "消费者", "甲一", "13900000011")
    room.on(made, 2024, 4, 2)
    html = made.get("lead", path(made))
    assert "无人报名：可以延长报名，或者定向邀请" in html and "去延长报名" in html
    room.judge(made, 1, "accepted")
    room.post(made, "freeze")
    room.post(made, "draw", seed=SEED)
    people = [{"no": "1", "name": "甲一", "side": "消费者", "how": "draw"}]
    held = made.work.do("lead", "publish_participants", participants=people, process="抽取")
    assert (
        isinstance(held, steps.Held)
        and held.refused.rules == {"D713-29"}
        and "经营者" in held.refused.blocking[0].detail
    )


def test_an_application_on_paper_counts_from_the_day_it_arrived(found: Desk) -> None:
    values = {"side": "消费者", "channel": "letter", "arrived": "2024-03-30", "source": "来信登记第12号", "name": "甲六",
              "contact": "13900000016", "unit": "", "words": "住户", "key": "k" * 32}  # fmt: skip
    late = room.post(found, "signups", **{**values, "arrived": "2024-04-01"})
    assert late.status_code == 409 and "24时截止" in late.text and "来信登记第12号" in late.text
    bad = room.post(found, "signups", **{**values, "arrived": "昨天", "source": "", "channel": "web"})
    assert bad.status_code == 422 and "2026-11-02" in bad.text and "请选择渠道" in bad.text and "甲六" in bad.text
    done = room.post(found, "signups", **values)
    assert done.status_code == 200 and "已录入，回执号" in done.text
    assert "回执号" in room.post(found, "signups", **values).text and len(room.rows(found, "signup")) == 6


def test_a_colleague_may_the_wrong_post_may_not_and_the_inspector_only_reads(found: Desk) -> None:
    assert "没有编号" in found.get("expert", path(found), 404)
    for who in ("proposer", "chief", "legal"):
        assert found.client(who).get(path(found)).status_code == 403
        assert room.post(found, "freeze", who=who).status_code == 403
    html = found.get("supervisor", path(found))
    assert "甲一" in html and "冻结并公布名单" not in html
    assert room.post(found, "signups/1", who="supervisor", state="accepted").status_code == 403
    assert room.rows(found, "lot") == []


def test_a_stranger_gets_nowhere(found: Desk) -> None:
    assert found.client("").get(path(found)).status_code == 303
    assert found.client("").post(f"{path(found)}/freeze", data={}).status_code in (303, 403)


def test_without_a_hearing_the_desk_says_what_comes_first(store: Store, tmp_path: Path) -> None:
    made = room.room(store, tmp_path, announced=False)
    html = made.get("lead", path(made))
    assert "还没有公告听证会" in html and f"/cases/{made.work.no}/do/announce_hearing" in html


def test_the_evidence_package_carries_the_hearing_and_verifies(found: Desk) -> None:
    drawn(found)
    work, store = found.work, found.site.store
    sealing.seal_all(store, "yunhe", found.site.signer("yunhe"), work.now)
    trust = sites.trust(sites.trust_path(found.site.settings))
    with store.read() as connection:
        for view in ("full", "internal", "public"):
            data = evidence.package(
                connection, store.blobs, found.site.signer("yunhe"), work.authority, work.no, view, work.now
            )
            report = verify.verify(data, trust)
            assert report.verdict == verify.PASSED, (view, report.say)
            assert ("甲一" in str(data)) is False
