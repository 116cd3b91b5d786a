"""Lots are drawn from a list frozen before the seed was known; anybody redoes the draw, with our program or without."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

HOW = Path(__file__).parents[2] / "docs" / "how-to" / "draw.md"
SEED = "03 11 15 20 27 31+08"
SOURCE = "2026-12-06福利彩票双色球开奖号码"


def listed(folder: Path, text: str = "") -> Path:
    path = folder / "list.csv"
    rows = [f"X{n},消费者" for n in range(1, 21)] + [f"J{n},经营者" for n in range(1, 6)]
    path.write_text(text or "\n".join(["编号,相关方", *rows]), "utf-8")
    return path


def frozen(run: Run, folder: Path, **given: Any) -> tuple[int, str, str]:
    options = {"--title": "水价听证会", "--source": SOURCE, **given}
    words = [part for name, value in options.items() for part in (name, value)]
    return run("draw", "freeze", listed(folder), *words, "--seats", "消费者=8", "--seats", "经营者=3")


def drawn(run: Run, folder: Path) -> Path:
    (folder / "frozen.json").write_text(frozen(run, folder)[1], "utf-8")
    code, out, _ = run("draw", "run", folder / "frozen.json", "--seed", SEED)
    assert code == 0
    done = folder / "drawn.json"
    done.write_text(out, "utf-8")
    return done


def changed(path: Path, **new: Any) -> Path:
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **new}, ensure_ascii=False), "utf-8")
    return path


def test_a_list_is_frozen_drawn_and_verified(run: Run, tmp_path: Path) -> None:
    done = drawn(run, tmp_path)
    found = json.loads(done.read_text("utf-8"))
    assert {side: len(numbers) for side, numbers in found["drawn"].items()} == {"消费者": 8, "经营者": 3}
    assert sorted(found["drawn"]["经营者"] + found["reserve"]["经营者"]) == ["J1", "J2", "J3", "J4", "J5"]
    assert run("draw", "verify", done, "--digest", found["list_sha256"])[:2] == (0, "重新抽取的结果相同\n")


def test_the_same_list_and_seed_give_the_same_and_another_seed_another(run: Run, tmp_path: Path) -> None:
    first = json.loads(drawn(run, tmp_path).read_text("utf-8"))
    again = json.loads(drawn(run, tmp_path).read_text("utf-8"))
    other = json.loads(run("draw", "run", tmp_path / "frozen.json", "--seed", SEED + " ")[1])
    different = json.loads(run("draw", "run", tmp_path / "frozen.json", "--seed", "01")[1])
    assert first == again == other and first["drawn"] != different["drawn"]


def test_the_script_of_the_page_redoes_it_without_our_program(run: Run, tmp_path: Path) -> None:
    script = re.search(r"```python\n(.*?)```", HOW.read_text("utf-8"), re.DOTALL)
    assert script and "decisionflow" not in script[1]
    done = drawn(run, tmp_path)

    def redo() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-c", script[1], str(done)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert redo().stdout == "the same\n"
    found = json.loads(done.read_text("utf-8"))["drawn"]
    changed(done, drawn={**found, "经营者": found["经营者"][::-1]})
    assert redo().returncode != 0


@pytest.mark.parametrize(
    ("new", "word"),
    [
        ({"drawn": {"消费者": ["X1"], "经营者": ["J1", "J2", "J3"]}}, "重新抽取的结果不同"),
        ({"seed": "01 02"}, "重新抽取的结果不同"),
        ({"candidates": [{"no": "X1", "side": "消费者"}], "seats": {"消费者": 1}}, "名单在冻结之后改过"),
        ({"seed": ""}, "还没有抽取"),
        ({"reserve": {}}, "重新抽取的结果不同"),
    ],
)
def test_whatever_was_changed_afterwards_is_found(run: Run, tmp_path: Path, new: dict[str, Any], word: str) -> None:
    code, out, _ = run("draw", "verify", changed(drawn(run, tmp_path), **new))
    assert code == 5 and word in out


def test_another_list_than_the_one_announced_is_found(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("draw", "verify", drawn(run, tmp_path), "--digest", "0" * 64)
    assert code == 5 and "不是事先公布的那一个" in out


def test_a_draw_is_not_drawn_again(run: Run, tmp_path: Path) -> None:
    code, _, said = run("draw", "run", drawn(run, tmp_path), "--seed", "01")
    assert code == 2 and "已经抽取过" in said


@pytest.mark.parametrize(
    ("text", "seats", "words"),
    [
        ("编号,相关方\n1,消费者\n1,消费者\n", ["消费者=1"], ["编号 1 出现了 2 次"]),
        ("编号,相关方\n1,消费者\n", ["消费者=2"], ["只有 1 名"]),
        ("编号,相关方\n1,消费者\n2,经营者\n", ["消费者=1"], ["没有写明“经营者”"]),
        ("编号,相关方\n1,\n,消费者\n", ["消费者=1"], ["list.csv:2", "list.csv:3"]),
        ("甲,乙\n1,2\n", ["消费者=1"], ["“编号”和“相关方”"]),
        ("编号,相关方\n", ["消费者=0"], ["名单是空的"]),
        ("编号,相关方\n1,消费者\n", ["消费者"], ["应写作"]),
        ("编号,相关方\n1,消费者\n", ["消费者=-1"], ["应写作"]),
    ],
)
def test_a_list_that_cannot_be_drawn_from_is_refused(
    run: Run, tmp_path: Path, text: str, seats: list[str], words: list[str]
) -> None:
    options = [part for one in seats for part in ("--seats", one)]
    code, out, said = run("draw", "freeze", listed(tmp_path, text), "--title", "会", "--source", SOURCE, *options)
    assert (code, out) == (2, "")
    for word in words:
        assert word in said


def test_without_a_source_nothing_is_frozen(run: Run, tmp_path: Path) -> None:
    code, out, said = frozen(run, tmp_path, **{"--source": " "})
    assert (code, out) == (2, "") and "种子的来源" in said


def test_what_is_no_record_is_refused(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"draw": "2"}', "utf-8")
    assert run("draw", "verify", path)[0] == 2
    assert run("draw", "verify", tmp_path / "none.json")[0] == 3
