"""S20: the record of a matter: who is there, what each says and how they stand, what is decided, who confirms the lines."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from docx import Document

from decisionflow.store.engine import Store
from tests.web import meeting_room as room
from tests.web.desk import Desk
from tests.web.formreader import read


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    """A matter on the agenda of the 31st meeting, which sits today."""
    made = room.room(store, tmp_path)
    no = room.submitted(made)
    meeting = room.called(made)
    assert room.listed(made, meeting, no).status_code == 303
    room.press(made, f"/meetings/{meeting}/lock")
    room.on(made, 2024, 5, 20)
    made.work.no = no
    return made


def meeting(found: Desk) -> str:
    return str(room.table(found, "meeting")[0].id)


def page(found: Desk, who: str = "office", status: int = 200) -> str:
    return found.get(who, f"/meetings/{meeting(found)}/record?no={found.work.no}", status)


def begun(found: Desk, **given: Any) -> Any:
    return room.begun(found, meeting(found), found.work.no, **given)


def says(found: Desk, who: str, position: str, words: str, **given: str) -> Any:
    return room.says(found, meeting(found), found.work.no, who, position, words, **given)


def press(found: Desk, role: str, by: str = "office", files: Any = None, **values: Any) -> Any:
    return room.press(found, f"/meetings/{meeting(found)}/record/{found.work.no}/{role}", by, files, **values)


def decide(found: Desk, outcome: str, by: str = "chief", **values: str) -> Any:
    """Press the button of the decision, and confirm on the act's own page."""
    check = press(found, "decide", by, outcome=outcome, **values)
    if check.status_code != 200 or "核对：" not in check.text:
        return check
    form = read(check.text)
    return found.client(by).post(form.action, data=dict(form.pairs))


def discussed(found: Desk, *positions: str) -> None:
    assert begun(found).status_code == 303
    for (who, words), position in zip(
        [("member|沈若谷", "资金没有落实。"), ("member|何清越", "建议先扩大试点。")], positions, strict=True
    ):
        assert says(found, who, position, words).status_code == 303
    assert says(found, "chief|江亦川", "agree", "原则同意，抓紧实施。").status_code == 303


def acts(found: Desk) -> list[str]:
    return [act.action for act in found.work.facts().acts]


def words(data: bytes) -> str:
    return "\n".join(one.text for one in Document(io.BytesIO(data)).paragraphs)


def test_a_matter_begins_with_who_is_there(found: Desk) -> None:
    assert "本议题还没有开始讨论" in page(found, "member")
    assert "开始讨论本议题" in page(found)
    assert begun(found).status_code == 303
    html = page(found)
    assert "应到 3，现在到会 3" in html and "区司法局 宋知远" in html and room.replays(found)


def test_people_come_leave_and_withdraw_for_this_matter_alone(found: Desk) -> None:
    begun(found)
    bare = press(found, "presence", name="何清越", change="recused", ground="", time="09:30")
    assert bare.status_code == 422 and "回避的依据" in bare.text
    assert (
        press(found, "presence", name="何清越", change="recused", ground="配偶是本项目业主", time="09:30").status_code
        == 303
    )
    assert press(found, "presence", name="沈若谷", change="left", time="09:50").status_code == 303
    html = page(found)
    assert "现在到会 1" in html and "09:30 回避：配偶是本项目业主" in html and "09:50 离会" in html


def test_every_speech_is_kept_verbatim_with_its_stance_and_the_chief_comes_last(found: Desk) -> None:
    begun(found)
    assert says(found, "member|沈若谷", "disagree", "资金没有落实，“等米下锅”，不同意。").status_code == 303
    assert "行政首长须最后发表意见" in page(found)
    assert says(found, "chief|江亦川", "agree", "原则同意。").status_code == 303
    assert "行政首长须最后发表意见" not in page(found)
    assert says(found, "attendee|宋知远", "reserve", "合同责任须先算清。").status_code == 303
    html = page(found)
    assert "资金没有落实，“等米下锅”，不同意。" in html and "请首长再次发言" in html
    assert "button" in html and "表决" not in html and "投票" not in html
    held = decide(found, "decide_approve", decision="通过", why="已安排资金")
    assert held.status_code == 409 and "首长之后又有人发言的，请首长再次发言" in held.text
    for part in ("缺什么", "依据", "谁去办", "最早何时", "第三十条第二款"):
        assert part in held.text


def test_the_tally_says_beforehand_that_a_reason_is_wanted_and_the_decision_is_refused_without(found: Desk) -> None:
    discussed(found, "disagree", "disagree")
    html = page(found, "chief")
    assert "不一致，须说明理由" in html and "赞成方0人，反对方2人" in html
    held = decide(found, "decide_approve", decision="通过该方案")
    assert held.status_code == 409 and "行政首长须在会上说明理由" in held.text and "decide_approve" not in acts(found)
    assert decide(found, "decide_approve", decision="通过该方案", why="资金已列入明年预算").status_code == 303
    act = found.work.facts().acts[-1]
    assert (act.action, act.fields["majority_reason"]) == ("decide_approve", "资金已列入明年预算")
    paper = act.papers[0]
    said = words(found.client("chief").get(f"/files/{found.work.no}/{paper.sha256}").content)
    for part in (
        "第31次常务会议会议记录", "应到 3 人，实到 3 人", "沈若谷（会议组成人员，不同意）：“资金没有落实。”",
        "区政府三楼会议室", "列席：区司法局宋知远", "资金已列入明年预算", "江亦川（行政首长（含依法代理），同意）",
    ):  # fmt: skip
        assert part in said, part
    assert room.replays(found)


@pytest.mark.parametrize(("outcome", "stage"), [
    ("decide_approve", "decided"), ("decide_with_changes", "decided"), ("decide_reject", "rejected"),
    ("postpone", "shelved"), ("rediscuss", "submitted"),
])  # fmt: skip
def test_each_of_the_five_outcomes_is_one_way(found: Desk, outcome: str, stage: str) -> None:
    discussed(found, "agree", "disagree")
    done = decide(found, outcome, decision="会议的决定", changes="第二条写明标准")
    assert done.status_code == 303, done.text
    assert found.work.facts().stages["main"] == stage and "决定" in page(found)
    assert room.replays(found)


def test_a_written_opinion_of_somebody_absent_says_when_it_came(found: Desk) -> None:
    begun(found, roll=[*room.ROLL[:2], ("何清越", "deputy", "excused")])
    bare = says(found, "member|何清越", "disagree", "建议缓议。", written="yes", at="")
    assert bare.status_code == 422 and "书面意见请写明提出的时间" in bare.text
    late = says(found, "member|何清越", "disagree", "建议缓议。", written="yes", at="2024-05-21T09:00")
    assert late.status_code == 409 and "须在会议结束以前提出" in late.text and "建议缓议。" in late.text
    assert (
        says(found, "member|何清越", "disagree", "建议缓议。", written="yes", at="2024-05-17T17:00").status_code == 303
    )
    assert "书面意见（未到会）" in page(found) and "组成人员，请假" in page(found)


def test_lines_are_confirmed_by_their_speakers_or_attested_with_the_signed_page(found: Desk) -> None:
    discussed(found, "agree", "disagree")
    other = press(found, "confirm", "member", line="1", how="self")
    assert other.status_code == 422 and "只能确认自己的发言" in other.text
    assert press(found, "confirm", "member", line="2", how="self").status_code == 303
    assert "本人确认（2024-05-20）" in page(found)
    bare = press(found, "confirm", line=["1", "3"], how="attested")
    assert bare.status_code == 422 and "签字的记录页" in bare.text
    scan = {"page": ("签字页.pdf", b"%PDF-1.4\n%signed\n", "application/pdf")}
    assert press(found, "confirm", "office", scan, line=["1", "3"], how="attested").status_code == 303
    html = page(found)
    assert html.count("沈砚证明，附签字页") == 2 and "待确认的发言" not in html
    assert acts(found).count("confirm_statement") == 3 and room.replays(found)


def test_a_corrected_line_keeps_what_was_recorded_first_so_that_no_dissent_is_lost(found: Desk) -> None:
    discussed(found, "disagree", "agree")
    bare = press(found, "correct", fix="1", fixed_position="agree", fixed_words="", fixed_why="")
    assert bare.status_code == 422 and "为什么更正" in bare.text
    nothing = press(found, "correct", fix="", fixed_why="漏记")
    assert nothing.status_code == 422 and "请选择要更正的发言" in nothing.text
    assert press(found, "correct", "lead", fix="1", fixed_position="agree", fixed_why="试").status_code == 403
    done = press(found, "correct", fix="1", fixed_position="agree", fixed_words="同意。", fixed_why="发言人当场改口")
    assert done.status_code == 303
    html = page(found)
    assert "原来记的是“不同意：资金没有落实。”" in html and "同意。" in html
    assert decide(found, "decide_approve", decision="通过").status_code == 303
    paper = found.work.facts().acts[-1].papers[0]
    said = words(found.client("chief").get(f"/files/{found.work.no}/{paper.sha256}").content)
    assert (
        "原来记的是：不同意，“资金没有落实。”" in said and "沈若谷原来记的是不同意，“资金没有落实。”，后来更正" in said
    )
    assert room.replays(found)


def test_reading_out_is_on_record_and_another_speech_wants_it_again(found: Desk) -> None:
    begun(found)
    early = press(found, "read", note="没有异议")
    assert early.status_code == 409 and "还没有发言记录可以宣读" in early.text
    says(found, "member|沈若谷", "agree", "同意。")
    bare = press(found, "read", note="")
    assert bare.status_code == 422 and "请写明宣读的结果" in bare.text
    assert press(found, "read", note="当场宣读，没有异议").status_code == 303
    assert "宣读 1 条：当场宣读，没有异议" in page(found)
    says(found, "chief|江亦川", "agree", "同意。")
    assert "请再次宣读" in page(found) and room.replays(found)


def test_what_is_entered_afterwards_is_marked_with_its_evidence(found: Desk) -> None:
    room.on(found, 2024, 5, 23)
    path = f"/meetings/{meeting(found)}/late"
    bare = room.press(found, path, no=found.work.no, evidence="", reason="")
    assert bare.status_code == 422 and "补录请写明证据" in bare.text
    room.press(found, path, no=found.work.no, evidence="会议签到表第3号、原始记录本", reason="会议当日断网")
    timeless = begun(found)
    assert timeless.status_code == 422 and "补录请写明会上的时间" in timeless.text
    assert begun(found, time_convene="09:00").status_code == 303
    assert says(found, "member|沈若谷", "agree", "同意。", time_speech="09:20").status_code == 303
    act = found.work.facts().acts[-1]
    assert act.late and act.on.isoformat() == "2024-05-20" and act.recorded.date().isoformat() == "2024-05-23"
    assert "补录" in page(found) and "会议签到表第3号" in page(found)
    assert says(found, "chief|江亦川", "agree", "同意。", time_speech="09:40").status_code == 303
    room.press(found, path, no=found.work.no, do="live")
    assert "补录：以下录入的都标为补录" not in page(found)
    room.press(found, path, "chief", no=found.work.no, evidence="原始记录本", reason="会议当日断网")
    assert decide(found, "decide_approve", decision="通过", time_decide="10:00").status_code == 303
    act = found.work.facts().acts[-1]
    assert (act.action, act.late, act.on.isoformat()) == ("decide_approve", True, "2024-05-20")
    said = words(found.client("chief").get(f"/files/{found.work.no}/{act.papers[0].sha256}").content)
    assert "补录，发生于2024-05-20 09:20" in said and room.replays(found)


def test_without_a_speech_or_a_speaker_nothing_is_recorded_and_what_was_typed_stays(found: Desk) -> None:
    begun(found)
    nobody = says(found, "", "agree", "同意。")
    assert nobody.status_code == 422 and "请选择发言人" in nobody.text and "同意。" in nobody.text
    mute = says(found, "member|沈若谷", "agree", "")
    assert mute.status_code == 422 and "发言内容" in mute.text
    assert "record_statement" not in acts(found)


def test_the_same_form_twice_is_one_speech(found: Desk) -> None:
    begun(found)
    for _ in range(2):
        assert says(found, "member|沈若谷", "agree", "同意。", key="one-form").status_code == 303
    assert acts(found).count("record_statement") == 1


def test_a_record_drawn_up_before_another_speech_is_not_filed(found: Desk) -> None:
    discussed(found, "agree", "disagree")
    form = read(press(found, "decide", "chief", outcome="decide_approve", decision="通过").text)
    assert says(found, "attendee|宋知远", "disagree", "信访部门不同意。").status_code == 303
    assert says(found, "chief|江亦川", "agree", "再次表示同意。").status_code == 303
    late = found.client("chief").post(form.action, data=dict(form.pairs))
    assert late.status_code == 412 and "须重新生成" in late.text and "decide_approve" not in acts(found)
    assert decide(found, "decide_approve", decision="通过").status_code == 303
    paper = found.work.facts().acts[-1].papers[0]
    assert "信访部门不同意。" in words(found.client("chief").get(f"/files/{found.work.no}/{paper.sha256}").content)


def test_a_deputy_in_the_chair_needs_the_ground_and_never_decides(found: Desk) -> None:
    held = begun(found, chair="沈若谷", chair_is="deputy")
    assert held.status_code == 409 and "须写明委托依据" in held.text
    assert begun(found, chair="沈若谷", chair_is="deputy", chair_delegation="区政府工作规则第九条").status_code == 303
    assert "作出决定" not in page(found, "deputy")
    assert decide(found, "decide_approve", "deputy", decision="通过").status_code in (403, 422)
    assert found.work.facts().stages["main"] == "deliberating"


def test_the_wrong_post_may_not_and_a_stranger_gets_nowhere(found: Desk) -> None:
    begun(found)
    for who in ("lead", "legal", "supervisor"):
        assert "加一条发言" not in page(found, who)
        assert says(found, "member|沈若谷", "agree", "同意。", by=who).status_code == 403
    assert press(found, "read", "lead", note="没有异议").status_code == 403
    assert found.client("").get(f"/meetings/{meeting(found)}/record").status_code == 303
    page(found, "expert", 404)
    assert "record_statement" not in acts(found)


def test_minutes_are_filed_once_all_is_decided_and_then_only_added_to(found: Desk) -> None:
    discussed(found, "agree", "disagree")
    path = f"/meetings/{meeting(found)}"
    early = room.press(found, f"{path}/file")
    assert early.status_code == 409 and "还有议题没有决定" in early.text
    assert decide(found, "decide_approve", decision="通过该方案").status_code == 303
    assert room.press(found, f"{path}/file").status_code == 303
    filed = found.client("office").get(f"{path}/minutes.docx").content
    said = words(filed)
    assert "“建议先扩大试点。”" in said and "会议于 2024-05-06 通知，提前 14 日" in said and "记录人：沈砚" in said
    assert room.press(found, f"{path}/file").status_code == 409
    bare = room.press(found, f"{path}/minutes", words="", why="")
    assert bare.status_code == 422
    assert room.press(found, f"{path}/minutes", words="列席人员应为两人", why="漏记").status_code == 303
    assert found.client("office").get(f"{path}/minutes.docx").content == filed
    assert "列席人员应为两人" in words(found.client("office").get(f"{path}/minutes.docx?part=added").content)
    html = found.get("member", f"{path}/agenda")
    assert "列席人员应为两人" in html and re.search(r"摘要（SHA-256）", html) and room.replays(found)
