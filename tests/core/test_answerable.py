"""Lanes and the sorts of article 38: the file that divides a chain is checked against its procedure."""

from __future__ import annotations

import pytest

from decisionflow import paths
from decisionflow.core import answerable
from decisionflow.core import source as files
from decisionflow.errors import BadInput
from decisionflow.service import procedures

SHIPPED = (paths.WORKFLOWS / "answerable.yaml").read_text("utf-8")
NATIONAL = procedures.find("cn-major-decision@2019.1")


def read(text: str) -> answerable.Answerable:
    return answerable.read(files.read(text, "answerable.yaml"), NATIONAL)


def test_every_act_of_the_national_procedure_has_its_lane() -> None:
    found = read(SHIPPED)
    lanes = {action.id: found.lane(NATIONAL, action) for action in NATIONAL.actions}
    assert (lanes["save_draft"], lanes["submit_to_meeting"], lanes["conclude_legal_review"]) == (
        "drafting",
        "clearing",
        "review",
    )
    assert (lanes["record_department_reply"], lanes["record_statement"]) == ("countersign", "discussion")
    assert (lanes["decide_approve"], lanes["report_execution"]) == ("decision", "execution")
    assert set(lanes.values()) == set(found.order) - {"paper"}


def test_a_duty_belongs_to_one_sort_of_article_38_and_an_outsider_to_the_last() -> None:
    found = read(SHIPPED)
    assert [found.category(duty) for duty in ("chief", "member", "lead", "expert", "attendee")] == [
        "chief", "leaders", "direct", "direct", ""]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "say"),
    [
        ("meetings: [decide]", "meetings: [decree]", "程序里没有 decree"),
        ("tracks: [legal, fair", "tracks: [magic, fair", "程序里没有 magic"),
        ("actions: [start, ", "actions: [begin_all, ", "程序里没有 begin_all"),
        ("duties: [deputy, member]", "duties: [deputy, chief]", "职责 chief 写了两次"),
        ("duties: [deputy, member]", "duties: [deputy, king]", "程序里没有职责 king"),
        ("order: [paper, drafting, ", "order: [paper, ", "恰好列出每条泳道一次"),
        ("title: 起草, rest: yes", "title: 起草", "最后一条泳道"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(old: str, new: str, say: str) -> None:
    assert old in SHIPPED
    with pytest.raises(BadInput) as fault:
        read(SHIPPED.replace(old, new))
    assert any(say in str(problem) for problem in fault.value.problems)
