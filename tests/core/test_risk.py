"""Levels and the square of risks: what lies where, in words and marks, and what is not known stays unknown."""

from __future__ import annotations

import pytest

from decisionflow.core import risk
from decisionflow.core.risk import Place

WORDS = {"1": "很低", "2": "较低", "3": "中等", "4": "较高", "5": "很高"}


def row(point: str, probability: str = "", impact: str = "", **more: str) -> dict[str, str]:
    return {"point": point, "probability": probability, "impact": impact, **more}


@pytest.mark.parametrize(("probability", "impact", "level"), [
    (1, 1, "low"), (2, 2, "low"), (1, 4, "low"), (1, 5, "medium"), (3, 4, "medium"), (3, 5, "high"), (5, 5, "high"),
    (0, 5, ""), (4, 0, ""),
])  # fmt: skip
def test_the_level_is_the_product_in_three_parts(probability: int, impact: int, level: str) -> None:
    assert risk.level(Place(probability, impact)) == level


def test_what_is_no_step_is_not_known_and_never_low() -> None:
    found = risk.read([row("甲", "6", "2"), row("乙", "二", "3"), row("丙")])
    assert [one.level for one in found] == ["", "", ""] and "风险点 1、2、3 没有评定" in risk.hints(found)[1]


def test_the_worst_is_unknown_while_one_is_unknown_unless_another_is_high() -> None:
    assert risk.worst(["low", "medium"]) == "medium"
    assert risk.worst(["low", ""]) == "" and risk.worst(["", "high"]) == "high" and risk.worst([]) == ""


def test_after_the_measures_counts_where_it_lies_and_else_what_was_said() -> None:
    both, said = risk.read([
        row("甲", "4", "4", probability_after="1", impact_after="2", level_after="high"),
        row("乙", "4", "4", level_after="medium"),
    ])  # fmt: skip
    assert (both.level, both.level_after) == ("high", "low") and said.level_after == "medium"


def test_each_point_stands_once_on_the_square_and_an_arrow_leads_to_where_measures_bring_it() -> None:
    found = risk.read([
        row("甲", "4", "4", probability_after="2", impact_after="4"), row("乙", "4", "4"), row("丙", "", "1"),
        row("丁", "1", "1", probability_after="1", impact_after="1"),
    ])  # fmt: skip
    square = risk.square(found, WORDS, WORDS)
    assert len(square.cells) == 25 and len({(one.x, one.y) for one in square.cells}) == 25
    assert {one.numbers for one in square.cells if one.numbers} == {(1, 2), (4,)}
    assert [one.n for one in square.arrows] == [1] and square.arrows[0].y2 > square.arrows[0].y1
    assert "1 甲：高，措施后中" in square.described and "3 丙：没有评定" in square.described


def test_likelihood_rises_upwards_and_impact_to_the_right() -> None:
    cells = {(one.probability, one.impact): one for one in risk.square((), WORDS, WORDS).cells}
    assert cells[5, 1].y < cells[1, 1].y and cells[1, 5].x > cells[1, 1].x
    assert (cells[1, 1].level, cells[5, 5].level) == ("low", "high")


def test_many_points_in_a_cell_are_shortened_in_the_picture_and_whole_in_words() -> None:
    found = risk.read([row(f"第{n}", "3", "3") for n in range(6)])
    cell = next(one for one in risk.square(found, WORDS, WORDS).cells if one.numbers)
    assert cell.says == "1、2、3、4…" and cell.numbers == (1, 2, 3, 4, 5, 6)


def test_hints_name_what_was_left_out_and_what_looks_too_easy() -> None:
    measured = [row(f"第{n}", "1", "1", measure="有措施") for n in range(3)]
    assert risk.hints(risk.read(measured)) == ["全部风险点都是低，请看看是不是漏掉了什么"]
    bold = risk.read([row("甲", "5", "5", level_after="low")])
    assert ["没有写明防范措施" in one or "由高降为低" in one for one in risk.hints(bold)] == [True, True]
