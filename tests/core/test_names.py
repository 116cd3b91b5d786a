"""A name is found by its sound, whatever its characters."""

from __future__ import annotations

import pytest

from decisionflow.core import names


@pytest.mark.parametrize(("name", "typed"), [
    ("龙䶮", "longyan"), ("龙䶮", "ly"), ("马㛃", "majie"), ("周𬱖", "zhoudi"), ("买买提·艾力", "maimaitiaili"),
    ("买买提·艾力", "mmtal"), ("单雄信", "shanxiongxin"), ("曾国藩", "zengguofan"), ("解晓东", "xiexiaodong"), ("仇和", "qiuhe"),
    ("吕布", "lvbu"), ("欧阳修", "oyx"), ("Smith", "smith"), ("A·王", "awang"),
])  # fmt: skip
def test_a_name_is_known_by_its_sound(name: str, typed: str) -> None:
    assert typed in names.sounds(name)


def test_what_has_no_sound_has_none() -> None:
    assert names.sounds("·—3") == () and names.sounds("") == ()


def test_a_name_of_many_readings_stays_bounded() -> None:
    assert len(names.sounds("单" * 40)) <= 2 * names.MOST


@pytest.mark.parametrize(("typed", "bare"), [
    ("Lóng Yǎn", "longyan"), ("LÜ bu", "lvbu"), ("nǚ", "nv"), ("龙yan", ""), ("龙䶮", ""), ("o'neil", "oneil"), ("", ""),
    ("YH-2026", ""),
])  # fmt: skip
def test_tones_capitals_and_spaces_do_not_matter(typed: str, bare: str) -> None:
    assert names.plain(typed) == bare
