"""What if: the way that is left, with the earliest and the latest lawful day of each step."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from decisionflow.core import plan
from decisionflow.core.trial import Do, play
from decisionflow.service import procedures, shipped

NATIONAL = procedures.find("cn-major-decision@2019.1")
CALENDAR = shipped.calendar()
PUBLIC = {"public": True}


def planned(
    matter: dict[str, Any], start: date, goal: str = "decide_approve", also: tuple[str, ...] = ()
) -> dict[str, plan.Stop]:
    facts = plan.imagined(NATIONAL, {**PUBLIC, **matter})
    stops = plan.forward(plan.way(NATIONAL, facts, goal, also), start, CALENDAR)
    return {stop.action.id: stop for stop in stops}


def test_thirty_days_and_seven_working_days_follow_one_another() -> None:
    found = planned({}, date(2026, 3, 2))
    assert found["publish_notice"].earliest == date(2026, 3, 2)
    assert found["close_notice"].earliest == date(2026, 4, 2)  # the thirtieth day ends on 1 April at midnight
    assert found["conclude_legal_review"].earliest == date(2026, 4, 14)  # seven working days over Qingming
    assert found["decide_approve"].earliest == date(2026, 4, 14)
    assert list(found).index("answer_opinions") < list(found).index("request_legal_review")


@pytest.mark.parametrize(
    ("flag", "steps"),
    [("technical", ["select_experts", "file_expert_opinion", "report_experts"]),
     ("stability_risk", ["start_risk", "report_risk", "find_controllable"]),
     ("market_effect", ["first_fair_review", "conclude_fair_review"]), ("specific_group", ["consult_group"])],
)  # fmt: skip
def test_what_the_matter_is_brings_its_steps(flag: str, steps: list[str]) -> None:
    assert set(steps) <= set(planned({flag: True}, date(2026, 3, 2)))
    assert not set(steps) & set(planned({}, date(2026, 3, 2)))


def test_a_hearing_is_planned_when_it_is_wanted_with_seven_days_for_its_papers() -> None:
    assert "hold_hearing" not in planned({}, date(2026, 3, 2))
    found = planned({}, date(2026, 3, 2), also=("hearing",))
    assert found["hold_hearing"].earliest == date(2026, 3, 9)


def test_after_the_decision_the_party_report_comes_before_issuing() -> None:
    order = list(planned({}, date(2026, 3, 2), goal="publish"))
    assert order.index("decide_approve") < order.index("report_to_party") < order.index("publish")


def test_from_a_wished_day_back_to_the_latest_start() -> None:
    facts = plan.imagined(NATIONAL, PUBLIC)
    stops = plan.forward(plan.way(NATIONAL, facts, "decide_approve"), date(2026, 3, 2), CALENDAR)
    latest = {stop.action.id: stop.latest for stop in plan.backward(stops, date(2026, 5, 29), CALENDAR)}
    assert latest["decide_approve"] == date(2026, 5, 29)
    assert latest["request_legal_review"] == date(2026, 5, 20)
    assert latest["publish_notice"] == date(2026, 4, 19)


def test_the_latest_start_leads_to_the_wished_day_again() -> None:
    """Backward and forward agree: started on its latest day, the way ends on the wished day."""
    facts = plan.imagined(NATIONAL, {**PUBLIC, "technical": True, "stability_risk": True})
    for wished in (date(2026, 5, 29), date(2026, 10, 12), date(2026, 12, 31)):
        stops = plan.backward(plan.way(NATIONAL, facts, "decide_approve"), wished, CALENDAR)
        first = min(stop.latest for stop in stops if stop.latest)
        ended = plan.forward(plan.way(NATIONAL, facts, "decide_approve"), first, CALENDAR)[-1].earliest
        assert ended is not None and ended <= wished


def test_a_year_without_a_calendar_makes_the_days_provisional() -> None:
    found = planned({}, date(2029, 12, 3))
    assert found["conclude_legal_review"].provisional and not found["publish_notice"].provisional


MATTER = {
    "title": "加装电梯", "source": "department", "judgement": "逐项", "problem": "写明", "basis": "写明", "solution": "写明",
    "necessity": "写明", "feasibility": "写明", "class": "public_service", "technical": "no", "stability_risk": "no",
    "vital_interest": "no", "specific_group": "no", "market_effect": "no", "public": "yes",
}  # fmt: skip


def test_what_is_done_is_not_planned_again_and_its_days_count() -> None:
    facts = play(NATIONAL, CALENDAR, [
        Do("propose", "2026-03-02", "proposer", MATTER),
        Do("start", "2026-03-03", "chief", {"reason": "急需", "units": [{"unit": "区住建局", "leading": "yes"}]}),
        Do("save_draft", "2026-03-04", "lead", {"change_kind": "first", "change_note": "一稿",
           "bases": [{"title": "民法典", "valid_from": "2021-01-01"}]}, ("drafting_note",), "一稿"),
        Do("publish_notice", "2026-03-10", "lead", {"ends_on": "2026-04-20", "how_to_comment": "网上",
           "channels": [{"channel": "website", "address": "网站"}]}, ("drafting_note",)),
    ])  # fmt: skip
    stops = plan.forward(plan.way(NATIONAL, facts, "decide_approve"), date(2026, 3, 11), CALENDAR)
    found = {stop.action.id: stop for stop in stops}
    assert "publish_notice" not in found and "propose" not in found
    assert found["close_notice"].earliest == date(2026, 4, 21)  # the day that the notice names, and one more


def test_there_is_no_way_to_an_act_that_is_not_there() -> None:
    assert plan.way(NATIONAL, plan.imagined(NATIONAL, PUBLIC), "no_such_act") == []
