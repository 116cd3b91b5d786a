"""S16: a legal reviewer looks through the packet, ticks, notes and weighs on a sheet, and goes on to the opinion."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from docx import Document

from decisionflow.service import steps
from decisionflow.store.engine import Store
from tests.web import review_room as room
from tests.web.desk import Desk, desk
from tests.web.formreader import read


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return room.room(store, tmp_path)


@pytest.fixture
def reviewing(found: Desk) -> Desk:
    """Accepted, with a sheet begun."""
    room.accepted(found)
    room.started(found)
    return found


def plain(html: str) -> str:
    """The words of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def toward(found: Desk, html: str, action: str, who: str = "legal") -> Any:
    """Press the button that leads to an act's form; the form as it starts."""
    form = re.search(rf'<form method="post" action="[^"]*/do/{action}">.*?</form>', html, re.S)
    assert form, f"no way to {action}"
    pressed = read(form[0]).press(found.client(who))
    assert pressed.status_code == 200, pressed.text
    return read(pressed.text)


# ---- the packet ---------------------------------------------------------------------------------------------


def test_the_packet_is_listed_by_item_with_where_it_is(found: Desk) -> None:
    words = plain(found.get("legal", room.page(found)))
    assert "第 1 版，摘要" in words and "依据清单 1 项" in words and "时提交" in words
    assert "公平竞争审查情况 缺 未开始" in words and "听证报告 不适用" in words
    assert "不涉及其他单位" in words and "《重大行政决策程序暂行条例》第二十六条第一款" in words


def test_the_first_head_says_what_the_list_of_powers_held_and_that_it_is_a_hint(found: Desk) -> None:
    room.started(found)
    html = found.get("legal", room.page(found))
    assert "权责清单（" in html and "牵头单位那天没有清单" in html and "对不上只是提示" in html


def test_everything_missing_is_demanded_at_once_and_the_time_runs_anew_from_the_supplement(found: Desk) -> None:
    room.accepted(found)
    sheet = toward(found, found.get("legal", room.page(found)), "demand_supplement")
    assert sheet.value("list") == "1．公平竞争审查情况：未开始。"
    done = room.act(found, "legal", "demand_supplement", list=sheet.value("list"), supplement_by="2024-04-19")
    assert isinstance(done, steps.Done)
    room.on(found, 2024, 4, 19)
    room.act(found, "lead", "supplement_packet", list="补齐", wanted_by="2024-05-06")
    words = plain(found.get("legal", room.page(found)))
    assert "已要求补充 1 次" in words and "材料 2024年4月19日（周五）送齐" in words and "2024年4月29日（周一）" in words
    assert room.replays(found)


def test_a_packet_is_sent_back_with_the_list_and_the_desk_says_nothing_is_under_review(found: Desk) -> None:
    sheet = toward(found, found.get("legal", room.page(found)), "return_packet")
    assert isinstance(room.act(found, "legal", "return_packet", list=sheet.value("list")), steps.Done)
    html = found.get("legal", room.page(found))
    assert "还没有送审" in html and "都不能代替合法性审查" in html
    token = found.csrf("legal", "/logout")
    assert found.client("legal").post(room.page(found, "/start"), data={"csrf": token}).status_code == 409


def test_the_floor_and_the_date_asked_for_stand_together(found: Desk) -> None:
    words = plain(found.get("legal", room.page(found)))
    assert "至少给 7个工作日，到 2024年4月26日（周五）" in words and "给足" in words
    assert "要求 2024年4月29日（周一） 前出具" in words and "全国没有规定办结的上限" in words


def test_too_little_time_is_shown_with_its_reason(store: Store, tmp_path: Path) -> None:
    made = room.room(store, tmp_path, sent=False)
    room.send(made, wanted_by="2024-04-22", short_review_reason="须赶在主汛期之前开工", short_review_approver="沈若谷")
    room.on(made, 2024, 4, 18)
    words = plain(made.get("legal", room.page(made)))
    assert "不足" in words and "须赶在主汛期之前开工" in words


CEILING = """
format: 1
id: small-city
version: "2019.1"
title: 示例市
example: yes
extends: cn-major-decision@2019.1
in_force: {from: 2019-09-01}
changes:
  - do: add_clock
    clock: {id: review_ceiling, title: 合法性审查上限, starts: [accept_packet], ends: [conclude_legal_review, recall_packet],
            length: 15 workdays, stops: [{since: demand_supplement, until: supplement_packet, say: 补充材料}], duty: legal,
            rules: [P-13], say: 自受理之日起15个工作日内出具, remind: [3, 1]}
"""


def test_a_regional_ceiling_stands_beside_the_floor(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overlay = tmp_path / "small-city.yaml"
    overlay.write_text(CEILING, "utf-8")
    monkeypatch.setattr(room, "NATIONAL", overlay)
    made = room.accepted(room.room(store, tmp_path))
    words = plain(made.get("legal", room.page(made)))
    assert "一般至少给 7个工作日" in words and "合法性审查上限" in words and "2024-05-10" in words and "未核实" in words


def test_bases_that_lapsed_or_are_not_yet_in_force_stand_out(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    bases = [
        {"title": "民法典", "valid_from": "2021-01-01"},
        {"title": "旧办法", "valid_from": "2010-01-01", "valid_to": "2020-12-31"},
        {"title": "新条例", "valid_from": "2024-08-01"},
    ]
    monkeypatch.setattr(room, "BASES", bases)
    made = room.room(store, tmp_path)
    words = plain(made.get("legal", room.page(made)))
    assert "民法典 — 2021-01-01 — 有效" in words and "旧办法 — 2010-01-01 2020-12-31 已失效" in words
    assert "新条例 — 2024-08-01 — 尚未施行" in words


# ---- who ----------------------------------------------------------------------------------------------------


def test_whoever_drafted_is_not_offered_and_is_refused(store: Store, tmp_path: Path) -> None:
    made = room.room(store, tmp_path, both={"post": "legal", "unit": "合法性审查部门", "title": "科员", "same": "lead"})
    drafter = made.work.stage.actors["lead"].name
    html = made.get("legal", room.page(made))
    offered = re.findall(r'<option value="([^"]*)"', html.partition('id="f-reviewer"')[2].partition("</select>")[0])
    assert "顾清" in offered and drafter not in offered
    assert f"{drafter}不能指派：办理过" in plain(html)
    refused = room.act(made, "legal", "accept_packet", reviewer=drafter)
    assert isinstance(refused, steps.Held) and refused.refused.rules == {"DF-DUTIES"}
    (finding,) = refused.refused.blocking
    assert (
        finding.code == "reviewer_uninvolved"
        and f"{drafter}曾办理" in finding.detail
        and finding.cites
        and finding.remedies
    )
    assert isinstance(room.act(made, "legal", "accept_packet", reviewer="顾清"), steps.Done)
    assert "审查人 顾清" in made.get("legal", room.page(made))


def test_whoever_drafted_can_read_the_sheet_and_not_work_on_it(store: Store, tmp_path: Path) -> None:
    made = room.accepted(
        room.room(store, tmp_path, both={"post": "legal", "unit": "合法性审查部门", "title": "科员", "same": "lead"})
    )
    room.started(made)
    room.act(made, "legal", "assign_reviewer", reviewer="顾清")
    client = made.client("both")
    client.post(
        "/post", data={"appointment": made.work.stage.actors["both"].appointment, "csrf": made.csrf("both", "/post")}
    )
    html = made.get("both", room.page(made))
    assert "您办理过" in html and "不作审查，可以看，不能改" in html and 'name="do"' not in html
    sheet = room.rows(made, "review_sheet")[0]
    token = made.csrf("both", "/logout")
    answer = client.post(
        room.page(made, f"/sheet/{sheet.id}"), data={"csrf": token, "version": "1", "changes": "我来改"}
    )
    assert answer.status_code == 409 and "不作审查" in answer.text and room.rows(made, "review_sheet")[0].version == 1


def test_another_reviewer_is_assigned_with_a_reason(reviewing: Desk) -> None:
    assert isinstance(
        room.act(reviewing, "legal", "assign_reviewer", reviewer="顾清", reason="原审查人出差"), steps.Done
    )
    assert "审查人 顾清" in reviewing.get("legal", room.page(reviewing)) and room.replays(reviewing)


# ---- the sheet ----------------------------------------------------------------------------------------------


def test_lines_of_the_procedure_are_filled_in_from_the_trail_and_wait_for_a_human_tick(reviewing: Desk) -> None:
    html = reviewing.get("legal", room.page(reviewing))
    acts = {act.title: act.entry for act in reviewing.work.facts().acts}
    for title in ("发布公开征求意见公告", "研究采纳公众意见"):
        assert f'href="/entries/{acts[title]}"' in html, title
    assert html.count("未核对</option>") > 10
    unready = room.save(reviewing, do="conclude")
    assert unready.status_code == 409 and "还没有核对：征求部门意见、公众参与" in unready.text
    assert "请写明“审查结论”" in unready.text


def test_what_is_typed_and_ticked_comes_back_and_a_colleague_sees_it(reviewing: Desk) -> None:
    assert room.save(reviewing, **room.TICKED, **room.WEIGHED).status_code == 303
    html = reviewing.get("second", room.page(reviewing))
    assert "删去第三条，第二条改为同等对待。" in html and "送审前补做" in html
    assert room.rows(reviewing, "review_sheet")[0].version == 2


def test_words_to_watch_are_marked_with_the_reason(reviewing: Desk) -> None:
    html = reviewing.get("legal", room.page(reviewing))
    assert "<mark>注册地</mark>" in html and "<mark>罚款</mark>" in html
    assert "“罚款”：可能设定行政处罚" in plain(html)


def test_a_note_lies_on_its_paragraph_and_can_be_taken_back(reviewing: Desk) -> None:
    noted = {"note_say.p3": "没有上位法依据", "note_basis.p3": "行政处罚法", "note_advice.p3": "删去"}
    assert room.save(reviewing, do="note:p3", **noted).status_code == 303
    html = reviewing.get("legal", room.page(reviewing))
    assert "没有上位法依据" in html and "建议：删去" in html
    note = room.rows(reviewing, "review_note")[0]
    assert room.save(reviewing, do=f"drop_note:{note.id}").status_code == 303
    assert room.rows(reviewing, "review_note") == []
    assert room.save(reviewing, do=f"drop_note:{note.id}").status_code == 404


def test_an_empty_note_is_asked_for_and_nothing_typed_is_lost(reviewing: Desk) -> None:
    wrong = room.save(reviewing, do="note:p3", **{"note_basis.p3": "行政处罚法", "changes": "删去第三条"})
    assert wrong.status_code == 422 and "请写明这一段有什么问题" in wrong.text
    assert "行政处罚法" in wrong.text and "删去第三条" in wrong.text
    assert room.save(reviewing, do="note:p99", **{"note_say.p99": "x"}).status_code == 422


def test_what_cannot_be_kept_is_told(reviewing: Desk) -> None:
    wrong = room.save(reviewing, conclusion="splendid", **{"mark__line.fair": "maybe"})
    assert wrong.status_code == 422 and "“审查结论”只能是" in wrong.text and "核对结果只能是" in wrong.text
    assert room.save(reviewing, authority_reason="长" * 10_001).status_code == 422
    assert room.save(reviewing, **{"mark__secret.thing": "ok"}).status_code == 422
    assert room.rows(reviewing, "review_sheet")[0].version == 1


def test_two_reviewers_at_once_the_second_is_told(reviewing: Desk) -> None:
    assert room.save(reviewing, changes="甲改的").status_code == 303
    late = room.save(reviewing, "second", version="1", changes="乙改的")
    assert late.status_code == 412 and "刚刚保存过这份底稿" in late.text and "乙改的" in late.text


def test_a_browser_that_saves_by_itself_gets_the_new_version_alone(reviewing: Desk) -> None:
    sheet = room.rows(reviewing, "review_sheet")[0]
    token = reviewing.csrf("legal", room.page(reviewing))
    client = reviewing.client("legal")
    path, headers = room.page(reviewing, f"/sheet/{sheet.id}"), {"hx-request": "true"}
    answer = client.post(path, headers=headers, data={"csrf": token, "version": "1", "changes": "写了一半"})
    assert answer.status_code == 200 and 'name="version" value="2"' in answer.text and "<html" not in answer.text
    again = client.post(path, headers=headers, data={"csrf": token, "version": "1", "changes": "旧的"})
    assert again.status_code == 412 and "刚刚保存过" in again.text
    wrong = client.post(path, headers=headers, data={"csrf": token, "version": "2", "conclusion": "splendid"})
    assert wrong.status_code == 422 and "“审查结论”只能是" in wrong.text and "<html" not in wrong.text
    assert client.post(path, data={"version": "2", "changes": "没有令牌"}).status_code == 403
    assert "写了一半" in room.rows(reviewing, "review_sheet")[0].body


def test_starting_twice_is_one_sheet(reviewing: Desk) -> None:
    assert room.post(reviewing, "/start").status_code == 303
    assert len(room.rows(reviewing, "review_sheet")) == 1


def test_when_the_draft_changes_the_sheet_is_for_reading_and_unchanged_notes_come_along(reviewing: Desk) -> None:
    room.save(reviewing, do="note:p1", **{"note_say.p1": "范围清楚", **room.TICKED})
    room.save(reviewing, do="note:p3", **{"note_say.p3": "没有依据", **room.TICKED})
    changed = room.draft(reviewing, "review", (*room.DRAFT[:2], "第三条　逾期未完成的，收回奖补。", room.DRAFT[3]))
    assert isinstance(changed, steps.Done)
    html = reviewing.get("legal", room.page(reviewing))
    assert "草案换了文本，这份底稿只供查看" in html and 'name="do" value="conclude"' not in html
    assert room.save(reviewing, changes="迟了").status_code == 409
    room.started(reviewing)
    notes = room.rows(reviewing, "review_note")
    assert sorted((one.paragraph, bool(one.carried)) for one in notes) == [("p1", False), ("p1", True), ("p3", False)]
    html = reviewing.get("legal", room.page(reviewing))
    assert "从上一稿带入" in html and "有改动" in html and "没有依据" not in html
    assert '"marks":{}' in room.rows(reviewing, "review_sheet")[-1].body


def test_the_bureau_adds_a_point_of_its_own_for_all_later_reviews(reviewing: Desk) -> None:
    given = {
        "point_head": "content",
        "point_say": "补助标准与市里一致",
        "point_basis": "市补助办法",
        "point_klass": "public_service",
    }
    assert room.save(reviewing, do="add_point", **given).status_code == 303
    html = reviewing.get("second", room.page(reviewing))
    assert "补助标准与市里一致" in html and "本单位要点" in html
    twice = room.save(reviewing, do="add_point", **given)
    assert twice.status_code == 422 and "已有这个要点" in twice.text
    point = room.rows(reviewing, "review_point")[0]
    assert room.save(reviewing, do=f"drop_point:{point.id}").status_code == 303
    assert room.rows(reviewing, "review_point") == []


# ---- on to the opinion ----------------------------------------------------------------------------------------


def ready(found: Desk) -> str:
    """Advisers heard, everything ticked and weighed, one note; the address of the act's form."""
    room.act(found, "legal", "hear_advisers", adopted="adopted", **room.ADVICE)
    room.save(
        found,
        do="note:p3",
        **{"note_say.p3": "没有上位法依据", "note_advice.p3": "删去", **room.TICKED, **room.WEIGHED},
    )
    go = room.save(found, do="conclude", **room.TICKED, **room.WEIGHED)
    assert go.status_code == 303, go.text
    return str(go.headers["location"])


def test_the_sheet_fills_in_the_opinion_and_the_opinion_binds_to_the_text(reviewing: Desk) -> None:
    sheet = read(reviewing.get("legal", ready(reviewing)))
    assert sheet.value("conclusion") == "lawful_after_changes" and sheet.value("authority_reason") == "依地方组织法"
    assert "公平竞争审查（未开始）：不符合。送审前补做" in sheet.value(
        "procedure_reason"
    ) or "送审前补做" in sheet.value("procedure_reason")
    assert "没有违法设定行政许可" in sheet.value("content_reason")
    assert sheet.value("findings.0.paragraph") == "第3段" and sheet.value("findings.0.say") == "没有上位法依据"
    checked = sheet.press(reviewing.client("legal"), "check")
    assert checked.status_code == 200 and "合法性审查意见" in checked.text, checked.text
    confirm = read(checked.text)
    done = confirm.put({name: "yes" for name in confirm.names if name.startswith("act.confirm")}).press(
        reviewing.client("legal")
    )
    assert done.status_code == 303, done.text
    facts = reviewing.work.facts()
    act = facts.acts[-1]
    assert act.action == "conclude_legal_review" and act.text == facts.text
    assert act.fields["findings"] == [{"paragraph": "第3段", "say": "没有上位法依据", "advice": "删去"}]
    words = "\n".join(
        one.text for one in Document(io.BytesIO(reviewing.site.store.blobs.get(act.papers[0].sha256))).paragraphs
    )
    assert (
        facts.text.sha256 in words and "法定程序" in words and "姚明澈（法律顾问，执业证号 14101202010000001）" in words
    )
    html = reviewing.get("legal", room.page(reviewing))
    assert "已出具意见：修改后合法" in html and 'name="do" value="conclude"' not in html
    assert room.replays(reviewing)


def test_without_advisers_the_act_itself_refuses_with_article_28(reviewing: Desk) -> None:
    go = room.save(reviewing, do="conclude", **room.TICKED, **room.WEIGHED)
    sheet = read(reviewing.get("legal", go.headers["location"]))
    held = sheet.press(reviewing.client("legal"), "check")
    assert held.status_code == 409 and "还没有组织法律顾问、公职律师提出法律意见" in held.text
    assert "第二十八条" in held.text and "谁去办" in held.text


def test_the_opinion_can_be_looked_at_before_it_is_signed(reviewing: Desk) -> None:
    room.save(reviewing, **room.WEIGHED)
    answer = reviewing.client("legal").get(room.page(reviewing, "/opinion"))
    assert answer.status_code == 200
    words = "\n".join(one.text for one in Document(io.BytesIO(answer.content)).paragraphs)
    assert "的合法性审查意见" in words and "结论：存疑" in words and "（还没有登记。）" in words


def test_without_a_sheet_there_is_nothing_to_look_at(found: Desk) -> None:
    assert found.client("legal").get(room.page(found, "/opinion")).status_code == 404
    assert room.post(found, "/sheet/nothing", do="save").status_code == 404


def test_a_like_matter_reviewed_before_is_listed(reviewing: Desk) -> None:
    work = reviewing.work
    first, sheet = work.no, read(reviewing.get("legal", ready(reviewing)))
    confirm = read(sheet.press(reviewing.client("legal"), "check").text)
    confirm.put({name: "yes" for name in confirm.names if name.startswith("act.confirm")}).press(
        reviewing.client("legal")
    )
    work.no = ""
    room.act(
        reviewing, "proposer", "propose", title="既有住宅加装电梯补助办法", source="department", problem="写明", basis="写明",
        solution="写明", necessity="写明", feasibility="写明", judgement="写明", **room.MATTER,
    )  # fmt: skip
    html = reviewing.get("legal", room.page(reviewing))
    assert f"/cases/{first}" in html and "修改后合法" in html and "同类" in html


# ---- who may look ---------------------------------------------------------------------------------------------


def test_the_lead_unit_and_strangers_do_not_see_the_sheet_but_inspectors_do(reviewing: Desk) -> None:
    assert reviewing.client("lead").get(room.page(reviewing)).status_code == 403
    assert reviewing.client("expert").get(room.page(reviewing)).status_code == 404
    assert reviewing.client("").get(room.page(reviewing)).status_code == 303
    html = reviewing.get("supervisor", room.page(reviewing))
    assert "您可以看，不能改" in html and "未核对" in html and 'name="do"' not in html
    assert room.post(reviewing, "/start", "supervisor").status_code == 409
    sheet = room.rows(reviewing, "review_sheet")[0]
    assert room.post(reviewing, f"/sheet/{sheet.id}", "lead", version="1").status_code == 403
    assert room.post(reviewing, f"/sheet/{sheet.id}", "supervisor", version="1").status_code == 409
    assert reviewing.client("legal").post(room.page(reviewing, "/start"), data={}).status_code == 403


def test_the_tab_leads_there_for_those_who_may(reviewing: Desk) -> None:
    assert room.page(reviewing) in reviewing.get("legal", f"/cases/{reviewing.work.no}")
    assert room.page(reviewing) not in reviewing.get("lead", f"/cases/{reviewing.work.no}")


def test_a_procedure_without_a_review_of_this_kind_has_no_desk(store: Store, tmp_path: Path) -> None:
    made = desk(store, tmp_path)
    made.work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3")
    assert made.client("lead").get(room.page(made)).status_code == 404
    assert made.client("lead").get(f"/cases/{made.work.no}/legal-advice").status_code == 404
    assert made.client("lead").get(f"/cases/{made.work.no}/drafts").status_code == 200
