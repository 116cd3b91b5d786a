"""S07: which step spoke about which version, what a difference is and who confirmed it, and what must be done again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from decisionflow.service import steps
from decisionflow.store.engine import Store
from tests.web import review_room as room
from tests.web.desk import Desk
from tests.web.test_review_desk import plain, toward

HEADS = {
    f"{head}{rest}": value
    for head in ("authority", "procedure", "content")
    for rest, value in (("", "ok"), ("_reason", "符合"))
}
SECOND = (*room.DRAFT[:2], "第三条　逾期未完成的，收回奖补。", room.DRAFT[3])
THIRD = (*SECOND[:3], "第四条　自印发之日起施行，有效期三年。")


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return room.accepted(room.room(store, tmp_path))


def reviewed(found: Desk, conclusion: str = "lawful_after_changes", **more: Any) -> Desk:
    room.act(found, "legal", "hear_advisers", adopted="adopted", **room.ADVICE)
    given = {**HEADS, "conclusion": conclusion, "changes": "删去第三条的罚款", "papers": ("legal_opinion",), **more}
    assert isinstance(room.act(found, "legal", "conclude_legal_review", **given), steps.Done)
    return found


def page(found: Desk) -> str:
    return f"/cases/{found.work.no}/drafts"


def digest(found: Desk, version: int) -> str:
    return next(act.text.sha256 for act in found.work.facts().acts if act.text and act.text.version == version)


def confirm(found: Desk, old: int, new: int, **more: Any) -> Any:
    given = {"from_text": digest(found, old), "to_text": digest(found, new), "classification": "review", "substantive": "no",
             "conclusion": "lawful", "reason": "按审查意见修改", **more}  # fmt: skip
    return room.act(found, "legal", "confirm_text", **given)


def test_every_step_says_on_which_version_it_was_given(found: Desk) -> None:
    reviewed(found)
    words = plain(found.get("lead", page(found)))
    assert "公开征求意见 2024-03-01" in words and "合法性审查 2024-04-17" in words
    assert words.count("针对 v1") == 2 and words.count("同一文本") == 2


def test_a_change_after_the_review_is_asked_about_with_the_rule_and_the_button(found: Desk) -> None:
    room.draft(reviewed(found), "review", SECOND)
    words = plain(found.get("legal", page(found)))
    assert "第 1 版以后改了 1 处，还没有确认" in words and "第二十五条第二款" in words
    assert "v1 → v2 1 处 按合法性审查意见修改：见对照" in words and "还没有确认" in words
    assert "第 1 版以后改了 1 处，请判断是否属于实质修改" in words and "第十八条" in words
    sheet = toward(found, found.get("legal", page(found)), "confirm_text")
    assert (sheet.value("from_text"), sheet.value("to_text")) == (digest(found, 1), digest(found, 2))


def test_a_confirmed_change_is_shown_with_who_confirmed_it(found: Desk) -> None:
    room.draft(reviewed(found), "review", SECOND)
    assert isinstance(confirm(found, 1, 2), steps.Done)
    words = plain(found.get("lead", page(found)))
    assert "改动已确认" in words and "已确认不是实质改动（审查意见）" in words
    room.draft(found, "wording", THIRD)
    words = plain(found.get("legal", page(found)))
    assert "v2 → v3" in words and "改动已确认" not in words and "第 1 版以后改了 2 处，还没有确认" in words
    sheet = toward(found, found.get("legal", page(found)), "confirm_text")
    assert (sheet.value("from_text"), sheet.value("to_text")) == (digest(found, 2), digest(found, 3))


def test_a_substantive_change_is_sent_round_again_with_the_steps_chosen(found: Desk) -> None:
    room.draft(reviewed(found), "review", SECOND)
    assert isinstance(
        confirm(found, 1, 2, substantive="yes", conclusion="unlawful", reason="改变了补助范围"), steps.Done
    )
    html = found.get("lead", page(found))
    assert "认定为实质改动（审查意见），须重新送审" in plain(html)
    sheet = toward(found, html, "revise_after_review", "lead")
    assert "participation" in [value for name, value in sheet.pairs if name == "redo"]
    again = room.act(found, "lead", "revise_after_review", reason="改变了补助范围", redo=["participation"])
    assert isinstance(again, steps.Done)
    words = plain(found.get("lead", page(found)))
    assert "公开征求意见 2024" not in words and "审查以前的改动，由审查一并看" in words
    assert room.replays(found)


def test_before_the_review_a_changed_draft_asks_whether_to_consult_again(store: Store, tmp_path: Path) -> None:
    made = room.room(store, tmp_path, sent=False)
    room.draft(made, "public", SECOND)
    html = made.get("lead", page(made))
    assert "请判断是否属于实质修改" in html and "审查以前的改动" in html
    sheet = toward(made, html, "restart_steps", "lead")
    assert [value for name, value in sheet.pairs if name == "redo"] == ["participation"]
    other = made.get("legal", page(made))
    assert "由承办单位办理“实质修改后重新履行程序”" in other.replace("\n", "")


def test_what_the_meeting_did_with_the_review_is_shown_after_the_decision(store: Store, tmp_path: Path) -> None:
    made = room.accepted(room.room(store, tmp_path, market=False))
    room.draft(reviewed(made), "review", SECOND)
    assert "会议怎样对待审查意见" not in made.get("lead", page(made))
    confirm(made, 1, 2)
    done = room.decided(made, "decide_with_changes", decision="原则通过", changes="有效期改为三年")
    assert isinstance(done, steps.Done), done
    words = plain(made.get("lead", page(made)))
    assert "会议怎样对待审查意见" in words and "审查结论： 修改后合法 （对第 1 版）" in words
    assert "（对第 2 版，与审查的文本有 1 处不同）" in words
    for said in ("删去第三条的罚款", "合法，予以确认", "罚款已经删去", "原则通过", "有效期改为三年"):
        assert said in words, said
    assert room.replays(made)


def test_each_remark_of_the_opinion_says_what_became_of_its_paragraph(found: Desk) -> None:
    rows = [{"paragraph": "第3段", "say": "罚款没有依据", "basis": "行政处罚法", "advice": "删去"},
            {"paragraph": "第2段", "say": "差别对待", "advice": "同等对待"}]  # fmt: skip
    reviewed(found, findings=rows)
    assert plain(found.get("lead", page(found))).count("没有改") == 2
    room.draft(found, "review", SECOND)
    words = plain(found.get("lead", page(found)))
    assert "罚款没有依据 行政处罚法 删去 改过" in words and "差别对待 — 同等对待 没有改" in words


def test_once_decided_nobody_is_asked_any_more_what_to_do_again(store: Store, tmp_path: Path) -> None:
    made = room.accepted(room.room(store, tmp_path, market=False))
    room.draft(reviewed(made), "review", SECOND)
    assert "请判断是否属于实质修改" in made.get("lead", page(made))
    confirm(made, 1, 2)
    room.decided(made, "decide_approve", decision="同意")
    words = plain(made.get("lead", page(made)))
    assert "请判断是否属于实质修改" not in words and "第 1 版以后改了 1 处，没有重新办理" in words


def test_a_case_without_a_draft_shows_no_chain(store: Store, tmp_path: Path) -> None:
    made = room.room(store, tmp_path, sent=False)
    made.work.no = ""
    room.act(
        made, "proposer", "propose", title="另一件事", source="department", problem="写明", basis="写明", solution="写明",
        necessity="写明", feasibility="写明", judgement="写明", **room.MATTER,
    )  # fmt: skip
    assert "还没有草案文本" in made.get("lead", page(made))


def test_strangers_see_no_chain(found: Desk) -> None:
    assert found.client("expert").get(page(found)).status_code == 404
    assert found.client("").get(page(found)).status_code == 303
