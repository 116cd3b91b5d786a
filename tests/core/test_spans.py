"""Numbers as people write them: 2-5、9."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisionflow.core import spans

NUMBERS = st.sets(st.integers(min_value=0, max_value=500), max_size=80)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2-5、9", "2-5,9"),
        ("9，2－5", "2-5,9"),
        ("2 至 4; 5", "2-5"),
        ("7", "7"),
        ("", ""),
        ("3,3,3-3", "3"),
        ("1—2 3", "1-3"),
    ],
)
def test_every_way_of_writing_means_the_same(text: str, written: str) -> None:
    assert spans.write(spans.read(text)) == written


@pytest.mark.parametrize("text", ["5-2", "二", "2-", "-5", "1.5", "1-2-3", "9999999999"])
def test_what_is_no_number_is_refused_with_the_words(text: str) -> None:
    with pytest.raises(ValueError, match="看不懂"):
        spans.read(text)


@given(NUMBERS, NUMBERS)
def test_written_and_read_again_it_holds_the_same_numbers(some: set[int], others: set[int]) -> None:
    one = spans.of(some)
    assert spans.read(spans.write(one)) == one and spans.count(one) == len(some)
    assert {number for number in range(502) if spans.holds(one, number)} == some
    assert spans.together([one, spans.of(others)]) == spans.of(some | others)
