"""The map says of a case only what it went through: a stage passed over, or another end, is not done."""

from __future__ import annotations

import pytest

from decisionflow.service import steps
from decisionflow.service.reads import diagram
from decisionflow.store.engine import Store
from tests.core.play import WORKFLOWS
from tests.service.stage import Office, office

QUESTION = WORKFLOWS / "scope-question" / "2019.1.yaml"


@pytest.fixture
def asked(store: Store) -> Office:
    work = office(store, QUESTION)
    work.do("lead", "ask", title="小区停车位改造", **{"class": "construction"}, facts="六百户，八十万元")
    return work


def drawn(work: Office) -> list[tuple[str, str]]:
    """Each stage of the main line, with the words that stand in its box."""
    with work.store.read() as connection:
        found = steps.load(connection, work.authority, work.no)
    shown = diagram.nodes(found.procedure, found.facts)
    return [(node.title, node.sub or diagram.WORDS[node.state]) for node in shown]


def test_a_case_that_came_to_one_end_does_not_show_the_other(asked: Office) -> None:
    asked.do("legal", "advise", opinion="not_major", reason="低于本地标准")
    assert [title for title, _ in drawn(asked)][-2:] == ["属于重大行政决策", "不属于重大行政决策"]
    asked.do("chief", "judge_not_major", ground="small", in_catalogue="no", reason="影响限于一个小区")
    assert drawn(asked) == [("待提出", "已完成"), ("已提出", "已完成"), ("已提出意见", "已完成"),
                            ("不属于重大行政决策", "已完成")]  # fmt: skip


def test_a_stage_that_was_passed_over_is_not_shown_as_done(asked: Office) -> None:
    asked.do("chief", "judge_major", reason="影响面广", unadvised_reason="审查部门已经口头说明")
    assert drawn(asked)[2:] == [("已提出意见", "没有经过"), ("属于重大行政决策", "已完成")]


def test_a_case_that_was_given_up_did_not_reach_what_lay_ahead(asked: Office) -> None:
    asked.do("lead", "drop", reason="不再实施")
    assert drawn(asked)[1:] == [("已提出", "已完成"), ("已提出意见", "没有经过"), ("属于重大行政决策", "没有经过"),
                                ("不属于重大行政决策", "没有经过"), ("已撤回", "未通过")]  # fmt: skip
