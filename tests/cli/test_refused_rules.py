"""A rule file that is wrong is refused as the operator hands it in: all at once, with place, rule and what to do."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.cli.conftest import Run

HOUSE = Path(__file__).parents[2]
CALENDAR = (HOUSE / "workflows" / "calendars" / "CN-2026@1.yaml").read_text("utf-8")
HEAD = """format: 1
id: {id}
version: "2024.1"
title: 试用的叠加程序
extends: {extends}
in_force: {{from: 2024-09-01}}
changes:
"""
SOUND = """  - do: add_gate
    on: [start]
    gate: {id: studied_first, check: done, actions: [study], strength: must, rules: [D713-10], say: 先研究论证}
"""
WEAKER = (
    "  - {do: tighten_gate, gate: period_30_days, at_least: 20 days, rules: [D713-25], say: 公开征求意见不少于20日}\n"
)
LONGER = WEAKER.replace("20", "40").replace("D713-25]", "D713-25, DF-WAIVE]")
NOWHERE = "  - {do: add_stage, track: main, id: nowhere, title: 到不了的阶段, after: drafting}\n"
CLOCK = """  - do: add_clock
    clock: {id: soon, title: 及时办, starts: [start], ends: [publish], length: 7 workdays, duty: lead, rules: [D713-58], say: 快}
"""
# The mistake, what is wrong in it, the line that is named, and the code of the fault.
MISTAKES = {
    "a floor is lowered without saying why": (
        WEAKER,
        "tighten_gate",
        "weaker-gate",
        "重大行政决策程序暂行条例》第十五条第一款",
    ),
    "a stage that no action leads to": (NOWHERE, "nowhere", "stage-never", "到不了的阶段"),
    "a gate without a citation": (SOUND.replace("[D713-10]", "[]"), "studied_first", "format", "至少要有 1 项"),
    "a period without a unit": (CLOCK.replace("7 workdays", '"7"'), "length", "format", "如 7 workdays"),
    "a rule that the registry does not know": (
        SOUND.replace("D713-10", "D713-999"),
        "studied_first",
        "rule-unknown",
        "D713-999",
    ),
}


def written(folder: Path, changes: str, *, name: str = "try-one", extends: str = "cn-major-decision@2024.1") -> Path:
    path = folder / name / "2024.1.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD.format(id=name, extends=extends) + changes, "utf-8")
    return path


@pytest.mark.parametrize(("changes", "marker", "code", "word"), MISTAKES.values(), ids=MISTAKES)
def test_it_is_refused_with_its_line_and_its_code(
    run: Run, tmp_path: Path, changes: str, marker: str, code: str, word: str
) -> None:
    path = written(tmp_path, changes)
    status, out, _ = run("procedures", "lint", path)
    lines = path.read_text("utf-8").splitlines()
    number = next(n for n, line in enumerate(lines, 1) if marker in line)
    assert status == 5
    (line,) = out.splitlines()
    assert f"2024.1.yaml:{number} changes[0]" in line and word in line and line.endswith(f"[{code}]")


@pytest.mark.parametrize("changes", [SOUND, LONGER, CLOCK], ids=["one more gate", "a longer period", "one more clock"])
def test_the_same_without_the_mistake_is_accepted(run: Run, tmp_path: Path, changes: str) -> None:
    status, out, _ = run("procedures", "lint", written(tmp_path, changes))
    assert (status, out) == (0, "")


def test_every_mistake_of_a_file_is_told_and_not_only_the_first(run: Run, tmp_path: Path) -> None:
    both = MISTAKES["a gate without a citation"][0] + MISTAKES["a period without a unit"][0]
    out = run("procedures", "lint", written(tmp_path, both))[1]
    assert "gate.rules" in out and "clock.length" in out
    unknown = SOUND.replace("D713-10", "D713-999") + CLOCK.replace("D713-58", "D713-998").replace(
        "[publish]", "[print]"
    )
    out = run("procedures", "lint", written(tmp_path, unknown))[1]
    assert "D713-999" in out and "D713-998" in out


def test_three_mistakes_of_different_kinds_are_told_at_once(run: Run, tmp_path: Path) -> None:
    kinds = ("a floor is lowered without saying why", "a stage that no action leads to",
             "a rule that the registry does not know")  # fmt: skip
    path = written(tmp_path, "".join(MISTAKES[kind][0] for kind in kinds))
    status, out, _ = run("procedures", "lint", path)
    told = {line.split(" ")[0].rpartition(":")[2]: line for line in out.splitlines()}
    lines = path.read_text("utf-8").splitlines()
    expected = {str(n) for n, line in enumerate(lines, 1) for kind in kinds if MISTAKES[kind][1] in line}
    assert status == 5 and told.keys() == expected
    assert {line.rpartition("[")[2] for line in told.values()} == {f"{MISTAKES[kind][2]}]" for kind in kinds}


LOOPED = "a: &a [*a]\n"
LAUGHING = "a: &a [x, x, x, x]\n" + "".join(
    f"{n}: &{n} [*{p}, *{p}, *{p}, *{p}]\n" for p, n in pairwise("abcdefghijkl")
)
FORMLESS = {
    "nothing in it": ("", "文件是空的"),
    "no mapping": ("- a\n", "应当是映射"),
    "a bracket that is not closed": ("a: [1\n", "不是有效的 YAML"),
    "a key given twice": ("id: one\nid: again\n", "键“id”重复出现"),
    "an alias of itself": (LOOPED, "绕成了圈"),
    "aliases that grow beyond all bounds": (LAUGHING, "展开后太长"),
    "brackets deeper than any reader": ("[" * 100_000, "嵌套超过"),
    "rules that are no list": (
        HEAD.format(id="a-b", extends="cn-major-decision@2024.1") + SOUND.replace("[D713-10]", ""),
        "应当是列表",
    ),
}


@pytest.mark.parametrize(("text", "word"), FORMLESS.values(), ids=FORMLESS)
def test_a_file_without_form_is_refused_in_words(run: Run, tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "formless.yaml"
    path.write_text(text, "utf-8")
    status, out, said = run("procedures", "lint", path)
    assert (status, out.count("\n")) == (5, 1) and word in out and "formless.yaml" in out
    assert "出错了" not in said


@pytest.mark.parametrize(
    "other", ["turn-two", "turn-one"], ids=["two that extend each other", "one that extends itself"]
)
def test_a_circle_of_extends_is_refused(run: Run, tmp_path: Path, other: str) -> None:
    first = written(tmp_path, SOUND, name="turn-one", extends=f"{other}@2024.1")
    if other != "turn-one":
        written(tmp_path, SOUND, name=other, extends="turn-one@2024.1")
    status, out, _ = run("procedures", "lint", first)
    assert status == 5 and "绕成了圈" in out and "[extends-cycle]" in out


def test_what_lies_below_a_base_that_is_not_there_says_which(run: Run, tmp_path: Path) -> None:
    status, out, _ = run("procedures", "lint", written(tmp_path, SOUND, extends="nobody@1999.1"))
    assert status == 5 and "找不到上位程序 nobody@1999.1" in out


NOTICES = {
    "a statutory day is missing": ("  劳动节: [2026-05-01, ", "  劳动节: [", "2026-05-01"),
    "a day inside a holiday is missing": ("2026-10-05, ", "", "“国庆节”中间缺少 2026-10-05（周一）"),
    "a day is named twice": ("work: [2026-01-04, ", "work: [2026-01-04, 2026-01-04, ", "写了两次"),
    "a day is worked and rested": ("work: [2026-01-04, ", "work: [2026-01-04, 2026-05-03, ", "既放假又上班"),
    "a day of another year": ("work: [2026-01-04, ", "work: [2025-01-04, ", "不在2026年内"),
}


@pytest.mark.parametrize(("old", "new", "word"), NOTICES.values(), ids=NOTICES)
def test_a_wrong_notice_of_holidays_is_refused_and_nothing_is_proposed(
    run: Run, folder: Path, tmp_path: Path, old: str, new: str, word: str
) -> None:
    assert old in CALENDAR
    path = tmp_path / "CN-2026@2.yaml"
    path.write_text(CALENDAR.replace("version: 1", "version: 2").replace(old, new), "utf-8")
    status, _, said = run("import", "calendar", path, "--as", "罗敬之", "--reason", "更正放假安排", "--dir", folder)
    assert status == 2 and word in said
    assert run("procedures", "proposals", "--dir", folder)[1] == ""


def test_a_right_notice_of_holidays_is_taken_and_moves_nothing(run: Run, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "CN-2026@2.yaml"
    path.write_text(CALENDAR.replace("version: 1", "version: 2"), "utf-8")
    status, out, _ = run("import", "calendar", path, "--dry-run", "--dir", folder)
    assert (status, out) == (0, "")


def test_every_mistake_of_a_notice_is_told(run: Run, folder: Path, tmp_path: Path) -> None:
    text = CALENDAR.replace("2026-05-01, ", "").replace("2026-10-05, ", "")
    text = text.replace("work: [2026-01-04, ", "work: [2026-01-04, 2026-01-04, 2026-05-03, ")
    path = tmp_path / "CN-2026@2.yaml"
    path.write_text(text, "utf-8")
    status, _, said = run("import", "calendar", path, "--dry-run", "--dir", folder)
    assert status == 2
    assert all(
        word in said for word in ("中间缺少 2026-10-05", "写了两次", "既放假又上班", "缺少法定节假日 2026-05-01")
    )
