"""What somebody types into a search is read as meant, or refused with what may stand there."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some

from decisionflow.core import query
from decisionflow.core.query import Span, Term
from decisionflow.errors import BadInput


def test_words_and_qualifiers_in_chinese_and_english_say_the_same() -> None:
    chinese = query.read("人员:沈若谷 单位：住建局 条:25 补录:是 灯:红 状态:在办 电梯")
    english = query.read("person:沈若谷 unit:住建局 article:25 late:yes lamp:red state:open 电梯")
    assert chinese.terms == english.terms == (
        Term("person", "沈若谷"), Term("unit", "住建局"), Term("article", "25"), Term("late", True), Term("lamp", "red"),
        Term("state", "open"), Term("", "电梯"),
    )  # fmt: skip


def test_a_minus_leaves_out_and_quotes_keep_together() -> None:
    found = query.read('-单位:财政局 事项:"老旧 小区" -补录:是 “a:b”')
    assert found.terms == (
        Term("unit", "财政局", True), Term("case", "老旧 小区"), Term("late", True, True), Term("", "a:b"),
    )  # fmt: skip
    assert not found.bounded("unit") and found.bounded("case")


@pytest.mark.parametrize(("typed", "first", "last"), [
    ("2026", date(2026, 1, 1), date(2026, 12, 31)), ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
    ("2026-3-1", date(2026, 3, 1), date(2026, 3, 1)), ("2026-01..2026-06", date(2026, 1, 1), date(2026, 6, 30)),
    ("2026-05..", date(2026, 5, 1), None), ("..2019-08", None, date(2019, 8, 31)),
])  # fmt: skip
def test_days_are_years_months_days_and_spans(typed: str, first: date | None, last: date | None) -> None:
    assert query.read(f"时间:{typed}").terms == (Term("time", Span(first, last)),)


@pytest.mark.parametrize(("typed", "says"), [
    ("来源IP:1.2.3.4", "没有“来源IP:”这一项"), ("人员:", "冒号后面"), ("时间:2026-13", "没有“2026-13”这一天"),
    ("时间:昨天", "不是日期"), ("时间:2026-06..2026-01", "不晚于"), ("时间:..", "至少写一头"), ("补录:也许", "“是”或者“否”"),
    ("灯:紫", "红、黄、绿、停"), ('"老旧', "引号"), ("“老旧", "引号"), ("字" * 301, "太长"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_what_may_stand_there(typed: str, says: str) -> None:
    with pytest.raises(BadInput) as refused:
        query.read(typed)
    assert says in refused.value.problems[0].say and refused.value.problems[0].place == "q"


def test_a_page_takes_only_its_own_keys() -> None:
    with pytest.raises(BadInput, match="人员"):
        query.read("人员:甲", allowed=("unit",))


def test_nothing_asks_for_everything() -> None:
    assert query.read("  ").terms == ()


@given(some.text(max_size=60))
def test_whatever_is_typed_is_read_or_refused(typed: str) -> None:
    try:
        query.read(typed)
    except BadInput:
        return
