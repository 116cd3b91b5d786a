"""Texts that say the same in nearly the same words are found; what is only about the same thing is not."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.opinions import words
from decisionflow.core.similar import bunches, likeness, pieces, plain, sketch

LONG = "强烈要求保留解放路两侧的行道树，夏天没有树荫老人无法出门，请政府认真考虑居民的意见。"


def found(*texts: str) -> list[tuple[int, int]]:
    return [(bunch, same) for _, bunch, same in bunches(enumerate(texts))]


def test_width_case_spaces_and_punctuation_make_no_difference() -> None:
    assert plain("ＡＢc １２，行 道树！") == plain("abC12行道树") == "abc12行道树"
    assert found("保留行道树。", "保留 行道树！！") == [(0, 0), (0, 0)]


def test_a_campaign_with_an_own_ending_lies_with_the_campaign() -> None:
    assert found(LONG, LONG + "我家住三楼。", "请增设公交站。") == [(0, 0), (0, 1), (2, 2)]


def test_the_same_thing_in_other_words_is_left_to_a_person() -> None:
    assert found("请保留行道树。", "反对砍树，夏天太晒。") == [(0, 0), (1, 1)]


def test_what_has_no_letters_is_compared_as_it_stands() -> None:
    assert found("👍", "👍", "？？") == [(0, 0), (0, 0), (2, 2)]


@given(st.text(max_size=400), st.text(max_size=400))
def test_the_estimate_lies_near_the_share_of_common_pieces(one: str, other: str) -> None:
    mine, theirs = pieces(plain(one)), pieces(plain(other))
    share = len(mine & theirs) / len(mine | theirs)
    guess = likeness(sketch(plain(one)), sketch(plain(other)))
    assert guess == pytest.approx(share, abs=0.45) and likeness(sketch(one), sketch(one)) == 1.0
    assert 0.0 <= guess <= 1.0


def test_of_very_many_each_lies_with_the_first_of_its_kind() -> None:
    result = list(bunches(enumerate(islice(words(), 3000))))
    assert [number for number, *_ in result] == list(range(3000))
    assert all(bunch <= number and same <= number for number, bunch, same in result)
    assert all(result[bunch][1] == bunch for _, bunch, _ in result)
    assert 1000 < len({bunch for _, bunch, _ in result}) < 2000
