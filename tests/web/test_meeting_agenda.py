"""S19: a meeting is called, matters are put on its agenda and in order, papers are delivered by version, the agenda is locked."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from docx import Document

from decisionflow.service import evidence, sealing, steps, verification
from decisionflow.service import site as sites
from decisionflow.service.steps import Ask, Done
from decisionflow.store.engine import Store
from decisionflow.trail import verify
from tests.web import meeting_room as room
from tests.web.desk import Desk


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return room.room(store, tmp_path)


def numbers(html: str) -> list[str]:
    """The matters of the agenda, in order."""
    table = re.search(r'id="agenda".*?</section>', html, re.DOTALL)
    assert table
    return re.findall(r'class="df-no">([^<]+)<', table[0])


def agenda(found: Desk, meeting: str, who: str = "office") -> str:
    return found.get(who, f"/meetings/{meeting}/agenda")


def test_a_meeting_is_called_and_stands_in_the_list(found: Desk) -> None:
    room.on(found, 2024, 5, 6)
    assert "还没有建立会议" in found.get("office", "/meetings")
    meeting = room.called(found)
    html = found.get("member", "/meetings")
    assert "第31次常务会议" in html and "2024-05-20 09:00" in html and "建立会议" not in html
    (row,) = room.table(found, "meeting")
    assert (row.id, row.state, row.chair) == (meeting, "open", "江亦川") and row.id.startswith("m-")
    assert room.replays(found)


def test_bad_input_is_said_field_by_field_and_the_same_meeting_is_called_once(found: Desk) -> None:
    room.on(found, 2024, 5, 6)
    bad = room.press(
        found, "/meetings", type="circular", no="", planned_on="明天", starts="9点", place="会议室", chair="江亦川"
    )
    assert bad.status_code == 422
    for say in ("会议类型只能是", "请填写会议届次", "日期应写作", "时间应写作"):
        assert say in bad.text
    room.called(found)
    again = room.press(found, "/meetings", **room.CALL)
    assert again.status_code == 409 and "已经建立" in again.text and len(room.table(found, "meeting")) == 1


def test_submitted_matters_wait_in_the_pool_and_others_are_not_there(found: Desk) -> None:
    first = room.submitted(found)
    waiting = room.drafted(found, "还没有提请的方案")
    meeting = room.called(found)
    room.on(found, 2024, 5, 13)
    html = agenda(found, meeting)
    assert first in html and "7 日" in html and waiting not in html
    forced = room.listed(found, meeting, waiting)
    assert (
        forced.status_code == 409
        and "不能列入会议议题" in forced.text
        and waiting not in numbers(agenda(found, meeting))
    )


def test_matters_are_put_on_moved_and_taken_off_with_a_reason(found: Desk) -> None:
    first, second = room.submitted(found, "第一个方案"), room.submitted(found, "第二个方案")
    meeting = room.called(found)
    assert room.listed(found, meeting, first).status_code == 303
    assert room.listed(found, meeting, second).status_code == 303
    assert numbers(agenda(found, meeting)) == [first, second]
    assert room.press(found, f"/meetings/{meeting}/agenda/{second}/up").status_code == 303
    assert numbers(agenda(found, meeting)) == [second, first]
    assert room.press(found, f"/meetings/{meeting}/agenda/{second}/down").status_code == 303
    assert numbers(agenda(found, meeting)) == [first, second]
    bare = room.press(found, f"/meetings/{meeting}/agenda/{first}/remove", reason="")
    assert bare.status_code == 422 and "移出的理由" in bare.text
    assert room.press(found, f"/meetings/{meeting}/agenda/{first}/remove", reason="汇报人出差").status_code == 303
    html = agenda(found, meeting)
    assert numbers(html) == [second] and first in html and room.replays(found)


def test_a_locked_agenda_keeps_order_and_versions_and_takes_only_urgent_matters(found: Desk) -> None:
    first, second = room.submitted(found, "第一个方案"), room.submitted(found, "第二个方案")
    meeting = room.called(found)
    assert room.press(found, f"/meetings/{meeting}/lock").status_code == 409
    room.listed(found, meeting, first)
    assert room.press(found, f"/meetings/{meeting}/lock").status_code == 303
    assert "锁定 v1" in agenda(found, meeting)
    assert room.press(found, f"/meetings/{meeting}/agenda/{first}/up").status_code == 409
    bare = room.listed(found, meeting, second)
    assert bare.status_code == 422 and "列入临时议题须写明理由" in bare.text
    assert room.listed(found, meeting, second, urgent="汛期将至，须在汛前决定").status_code == 303
    html = agenda(found, meeting)
    assert numbers(html) == [first, second] and "临时议题" in html and "汛期将至" in html
    again = room.press(found, f"/meetings/{meeting}/lock")
    assert again.status_code == 409 and "已经锁定" in again.text and room.replays(found)


def test_the_generic_form_is_held_to_the_same_lock(found: Desk) -> None:
    first, second = room.submitted(found, "第一个方案"), room.submitted(found, "第二个方案")
    meeting = room.called(found)
    room.listed(found, meeting, first)
    room.press(found, f"/meetings/{meeting}/lock")
    ask = found.work.ask("schedule", meeting_type="standing", meeting_no="第31次", planned_on="2024-05-20")
    with pytest.raises(steps.BadInput, match="临时议题"):
        found.work.submit("office", Ask(ask.action, ask.key, second, ask.raw))
    given = {**ask.raw, "urgent_reason": "汛期将至"}
    done = found.work.submit("office", Ask(ask.action, "another", second, given))
    assert isinstance(done, Done) and numbers(agenda(found, meeting)) == [first, second]


def test_papers_are_delivered_by_version_and_the_first_opening_is_the_receipt(found: Desk) -> None:
    no = room.submitted(found)
    meeting = room.called(found)
    room.listed(found, meeting, no)
    member = found.work.stage.actors["member"].person
    bare = room.press(found, f"/meetings/{meeting}/deliver")
    assert bare.status_code == 422 and "请勾选送达给谁" in bare.text
    assert room.press(found, f"/meetings/{meeting}/deliver", person=member).status_code == 303
    again = room.press(found, f"/meetings/{meeting}/deliver", person=member)
    assert again.status_code == 409 and "都已经收到" in again.text
    html = found.get("member", f"/meetings/{meeting}/papers/{no}")
    assert "打开即为签收" in html and "每部电梯给予定额补助" in html
    before = room.table(found, "paper_delivery")
    found.get("member", f"/meetings/{meeting}/papers/{no}")
    assert room.table(found, "paper_delivery") == before and before[0].opened_at is not None
    assert "送达您" not in found.get("deputy", f"/meetings/{meeting}/papers/{no}")
    assert room.replays(found)


def test_a_draft_that_moved_on_after_delivery_is_warned_of_and_delivered_again(found: Desk) -> None:
    no = room.submitted(found)
    meeting = room.called(found)
    room.listed(found, meeting, no)
    member = found.work.stage.actors["member"].person
    room.press(found, f"/meetings/{meeting}/deliver", person=member)
    found.work.no = no
    found.work.do("office", "return_submission", reason="须补充资金来源")
    drafting = found.work.ask(
        "save_draft", change_kind="wording", change_note="文字", bases=[{"title": "民法典", "valid_from": "2021-01-01"}]
    )
    found.work.submit("lead", Ask(
        drafting.action, drafting.key, no, drafting.raw, (found.work.paper("drafting_note"),),
        steps.DraftText("方案", ("第一条　资金由区级财政安排。",)),
    ))  # fmt: skip
    texts = [act.text.sha256 for act in found.work.facts().acts if act.text]
    found.work.do(
        "legal", "confirm_text", from_text=texts[0], to_text=texts[-1], classification="wording", substantive="no",
        conclusion="lawful", reason="文字改动",
    )  # fmt: skip
    assert isinstance(room.submit(found, no), Done)
    found.clients.clear()
    room.listed(found, meeting, no, key="again")
    assert "参会人员收到的是 v1，现为 v2" in agenda(found, meeting)
    assert room.press(found, f"/meetings/{meeting}/deliver", person=member).status_code == 303
    assert "参会人员收到的是" not in agenda(found, meeting)
    assert "材料 v2" in found.get("member", f"/meetings/{meeting}/papers/{no}") and room.replays(found)


def test_a_meeting_is_put_off_with_its_reason_and_cancelled_only_when_empty(found: Desk) -> None:
    no = room.submitted(found)
    meeting = room.called(found)
    room.listed(found, meeting, no)
    moved = {**room.CALL, "planned_on": "2024-05-22"}
    bare = room.press(found, f"/meetings/{meeting}/change", **moved, reason="")
    assert bare.status_code == 422 and "变更的理由" in bare.text
    assert room.press(found, f"/meetings/{meeting}/change", **moved, reason="首长外出").status_code == 303
    assert "2024年5月22日" in agenda(found, meeting) and numbers(agenda(found, meeting)) == [no]
    full = room.press(found, f"/meetings/{meeting}/cancel", reason="不开了")
    assert full.status_code == 409 and "请先逐项移出" in full.text
    room.press(found, f"/meetings/{meeting}/agenda/{no}/remove", reason="改期")
    assert room.press(found, f"/meetings/{meeting}/cancel", reason="并入下次会议").status_code == 303
    gone = room.listed(found, meeting, no)
    assert gone.status_code == 409 and "已取消" in gone.text and room.replays(found)


def test_a_colleague_may_the_wrong_post_may_not_and_a_stranger_gets_nowhere(found: Desk) -> None:
    no = room.submitted(found)
    meeting = room.called(found)
    for who in ("lead", "member", "chief", "supervisor"):
        html = agenda(found, meeting, who)
        assert "锁定议程" not in html and "列入议程" not in html
        for deed in ("lock", "deliver", "change", "cancel", f"agenda/{no}/add", f"agenda/{no}/up"):
            assert room.press(found, f"/meetings/{meeting}/{deed}", who, reason="试").status_code == 403, (who, deed)
        assert room.press(found, "/meetings", who, **room.CALL).status_code == 403
    assert found.client("").get("/meetings").status_code == 303
    found.get("expert", f"/meetings/{meeting}/agenda", 404)
    found.get("office", "/meetings/m-x/agenda", 404)
    assert room.table(found, "paper_delivery") == [] and numbers(agenda(found, meeting)) == []


def test_the_trail_of_the_meeting_verifies(found: Desk) -> None:
    no = room.submitted(found)
    meeting = room.called(found)
    room.listed(found, meeting, no)
    room.press(found, f"/meetings/{meeting}/lock")
    member = found.work.stage.actors["member"].person
    room.press(found, f"/meetings/{meeting}/deliver", person=member)
    found.get("member", f"/meetings/{meeting}/papers/{no}")
    sealing.seal_all(found.site.store, "yunhe", found.site.signer("yunhe"), found.work.now)
    trust = sites.trust(sites.trust_path(found.site.settings))
    with found.site.store.read() as connection:
        report = verification.everything(connection, found.site.store.blobs, found.work.authority, trust)
    assert report.verdict == verify.PASSED, report.say
    with found.site.store.read() as connection:
        for view, carried in (("full", True), ("internal", True), ("public", False)):
            data = evidence.package(
                connection,
                found.site.store.blobs,
                found.site.signer("yunhe"),
                found.work.authority,
                no,
                view,
                found.work.now,
            )
            assert verify.verify(data, trust).verdict == verify.PASSED, view
            assert (
                any(f"entries/meeting/{meeting}/" in name for name in zipfile.ZipFile(io.BytesIO(data)).namelist())
                == carried
            )
    draft = found.client("member").get(f"/meetings/{meeting}/minutes.docx")
    said = "\n".join(one.text for one in Document(io.BytesIO(draft.content)).paragraphs)
    assert "第31次常务会议纪要" in said and "本议题尚未作出决定" in said
