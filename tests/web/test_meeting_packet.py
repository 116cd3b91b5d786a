"""S18: the papers of art. 29 in order, each with why it is needed or not, and the three ways of whoever receives them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from decisionflow.service.steps import Done
from decisionflow.store.engine import Store
from tests.web import meeting_room as room
from tests.web.desk import Desk


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return room.room(store, tmp_path)


def path(no: str) -> str:
    return f"/cases/{no}/packet"


def lines(html: str) -> dict[str, str]:
    """Each paper of the page with its row as words."""
    rows = re.findall(r"<tr><td data-label=\"材料\">(.*?)</tr>", html, re.DOTALL)
    plain = [re.sub(r"<[^>]+>", " ", row) for row in rows]
    return {row.split()[0]: " ".join(row.split()) for row in plain}


def test_the_papers_stand_in_the_order_of_the_article_with_file_version_and_digest(found: Desk) -> None:
    html = found.get("lead", path(room.drafted(found)))
    heads = re.findall(r"<h2[^>]*>（(.)）", html)
    assert heads == list("一二三四五六")
    rows = lines(html)
    assert "第 1 版" in rows["决策草案"] and "修改" in rows["决策草案"]
    assert (
        "有 必须（公众参与：已研究采纳）" in rows["公众意见研究采纳情况"]
        and "opinion_summary.txt" in rows["公众意见研究采纳情况"]
    )
    assert "没有开展“专家论证”，本事项也没有要求" in rows["专家论证意见研究采纳情况"]
    assert re.search(r"[0-9a-f]{8}", rows["合法性审查意见"])
    assert "材料和环节都齐了，可以提请集体讨论" in html


def test_what_was_judged_not_needed_says_by_whom_and_why(found: Desk) -> None:
    no = room.drafted(found)
    found.work.no = no
    done = found.work.do("lead", "waive_experts", reason="不涉及专业技术问题", judged_by="陈予安")
    assert isinstance(done, Done)
    row = lines(found.get("lead", path(no)))["专家论证意见研究采纳情况"]
    assert "不需要" in row and "不涉及专业技术问题" in row and "陈予安" in row


def test_what_is_missing_stands_on_the_card_instead_of_the_button(found: Desk) -> None:
    no = room.drafted(found)
    found.work.no = no
    found.work.do("lead", "rejudge", reason="有专业问题", judged_by="陈予安", **{**room.KIND, "technical": "yes"})
    html = found.get("lead", path(no))
    refused = "不能提请集体讨论" in html
    for part in ("缺什么", "依据", "谁去办", "最早何时", "第十九条"):
        assert refused == (part in html), part
    assert refused and f'href="/cases/{no}/do/submit_to_meeting"' not in html
    assert "缺" in lines(html)["专家论证意见研究采纳情况"]


def test_once_submitted_the_page_shows_what_was_handed_in_and_what_was_supplemented(found: Desk) -> None:
    no = room.submitted(found)
    assert "已提请集体讨论" in found.get("lead", path(no))
    asked = found.work.do("office", "ask_for_papers", list="请补充其他材料", supplement_by="2024-05-10")
    added = found.work.do("lead", "add_papers", account="已补充", papers=("other",))
    assert isinstance(asked, Done) and isinstance(added, Done)
    html = found.get("office", path(no))
    assert "请补充其他材料（2024-05-10以前）" in html and "补充上会材料：已补充" in html
    assert "other.txt" in lines(html)["其他材料"]


def test_the_office_accepts_asks_or_returns_and_others_only_read(found: Desk) -> None:
    no = room.submitted(found)
    html = found.get("office", path(no))
    assert "还没有建立会议" in html and "告知补充上会材料" in html and "退回提请" in html
    room.called(found)
    html = found.get("office", path(no))
    assert "第31次常务会议（2024-05-20 09:00）" in html
    for who in ("lead", "chief", "supervisor"):
        page = found.get(who, path(no))
        assert "收件审核" not in page and "沈砚 审核" in page


def test_accepting_puts_it_on_the_agenda_once(found: Desk) -> None:
    no = room.submitted(found)
    meeting = room.called(found)
    for _ in range(2):
        answer = room.press(found, f"{path(no)}/schedule", meeting=meeting, key="one-form", units="区司法局、区审计局")
        assert answer.status_code == 303 and answer.headers["location"] == f"/meetings/{meeting}/agenda"
    assert [act.action for act in found.work.facts().acts].count("schedule") == 1
    assert found.work.facts().acts[-1].fields["meeting"] == meeting and room.replays(found)
    assert "列席：区司法局、区审计局" in found.get("office", f"/meetings/{meeting}/agenda")
    assert 'value="区审计局"' in found.get("office", f"/meetings/{meeting}/record")


def test_bad_input_the_wrong_post_and_a_stranger_change_nothing(found: Desk) -> None:
    no = room.submitted(found)
    meeting = room.called(found)
    bare = room.press(found, f"{path(no)}/schedule", meeting="")
    assert bare.status_code == 422 and "请选择会议" in bare.text
    assert room.press(found, f"{path(no)}/schedule", meeting="m-x").status_code == 404
    assert room.press(found, f"{path(no)}/schedule", "lead", meeting=meeting).status_code == 403
    assert found.client("").get(path(no)).status_code == 303
    assert "没有编号" in found.get("expert", path(no), 404)
    assert found.work.facts().stages["main"] == "submitted"


def test_what_is_not_submitted_cannot_be_accepted(found: Desk) -> None:
    no = room.drafted(found)
    answer = room.press(found, f"{path(no)}/schedule", meeting=room.called(found))
    assert answer.status_code == 409 and "不能列入会议议题" in answer.text
    assert found.work.facts().stages["main"] == "drafting"


def test_the_brief_fits_what_the_chief_must_know_on_one_page(found: Desk) -> None:
    no = room.submitted(found)
    html = found.get("chief", f"/cases/{no}/brief")
    for part in (
        "程序走完了吗：走完了",
        "✔",
        "合法性审查",
        "没有需要研究采纳的公众意见",
        "财政影响",
        "没有记录在案的争议",
    ):
        assert part in html, part
    assert found.client("").get(f"/cases/{no}/brief").status_code == 303
