"""The pure step, on the smallest procedure: what is taken, what is refused and in which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path

import pytest

from decisionflow.core import overlay, step
from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.core.facts import Facts
from decisionflow.core.step import Refused, Taken
from decisionflow.errors import BadInput, NotFound
from tests.core.play import Do, attempt, official, play, preview, registry

FILE = Path(__file__).parents[1] / "procedures" / "tree-felling.yaml"
ASK = Do("ask", "2024-03-01", "proposer", {"title": "解放路行道树砍伐", "protected": "no", "trees": "3"})
BEGIN = Do("begin", "2024-03-04", "chief", {"units": [{"unit": "养护单位", "leading": "yes"}]})
SURVEY = Do("open_survey", "2024-03-05", "lead", {"ends_on": "2024-04-04"}, ("photo",))


@lru_cache(maxsize=1)
def felling() -> law.Procedure:
    return overlay.read(files.read(FILE.read_text("utf-8"), FILE.name), registry())


def working() -> Facts:
    return play(felling(), [ASK, BEGIN])


def refused(facts: Facts, act: Do) -> Refused:
    found = attempt(felling(), facts, act)
    assert isinstance(found, Refused)
    return found


def test_a_taken_act_says_where_the_case_goes() -> None:
    found = attempt(felling(), play(felling(), [ASK]), BEGIN)
    assert isinstance(found, Taken)
    assert (found.before, found.after, found.stages["main"]) == ("asked", "working", "working")


def test_a_gate_that_does_not_hold_refuses_with_rule_article_and_who() -> None:
    (finding,) = refused(working(), Do("decide", "2024-03-06", "chief")).blocking
    assert (finding.rule, finding.code, finding.strength, finding.blocking) == ("D713-45", "survey_done", "must", True)
    assert finding.say == "尚未完成踏勘与公示" and finding.who == "lead"
    assert (finding.cites[0].law, finding.cites[0].article) == ("713", "25")


def test_deciding_changes_nothing() -> None:
    facts = working()
    before = replace(facts)
    attempt(felling(), facts, SURVEY)
    refused(facts, Do("decide", "2024-03-06", "chief"))
    assert facts == before


def test_what_usually_holds_gives_way_to_a_recorded_reason() -> None:
    short = {"ends_on": "2024-03-20"}
    barred = refused(working(), replace(SURVEY, given=short))
    assert [(one.code, one.strength) for one in barred.blocking] == [("notice_30_days", "usually")]
    taken = attempt(felling(), working(), replace(SURVEY, given={**short, "short_reason": "台风前必须处置"}))
    assert isinstance(taken, Taken)
    assert [one.gate for one in taken.deviations] == ["notice_30_days"]


def test_a_missing_paper_is_a_finding() -> None:
    found = refused(working(), replace(SURVEY, papers=()))
    assert [one.code for one in found.blocking] == ["material.photo"]


def test_the_wrong_post_is_told_first_and_only_that() -> None:
    found = refused(working(), replace(SURVEY, by="chief"))
    assert found.wrong_duty and {one.code for one in found.blocking} == {"duty"}


def test_the_wrong_stage_is_a_finding_not_an_error() -> None:
    found = refused(working(), replace(BEGIN, on="2024-03-06"))
    assert [one.code for one in found.blocking] == ["stage"]


def test_an_action_there_is_not_is_not_found() -> None:
    with pytest.raises(NotFound):
        step.find(felling(), "fly")


@pytest.mark.parametrize("trees", ["3.5", 3.5, "-", "三", ""])
def test_a_value_of_the_wrong_form_never_reaches_the_step(trees: object) -> None:
    with pytest.raises(BadInput) as caught:
        play(felling(), [replace(ASK, given={**ASK.given, "trees": trees})])
    assert [problem.place for problem in caught.value.problems] == ["trees"]


def test_a_preview_says_today_what_the_act_would_meet() -> None:
    facts = play(felling(), [ASK, BEGIN, SURVEY])
    early = preview(felling(), facts, "close_survey", "2024-03-10", "lead")
    assert not early.possible
    assert [one.earliest_on for one in early.findings if one.blocking] == [date(2024, 4, 4)]
    assert preview(felling(), facts, "close_survey", "2024-04-04", "lead").possible


def test_todos_are_what_is_waited_for() -> None:
    assert [action.id for action in step.todos(felling(), play(felling(), [ASK]))] == ["begin"]


def test_the_calendar_is_an_argument() -> None:
    assert official().knows(date(2024, 3, 1))
