"""A list of letters and calls is imported: a report of every row, then all of them or none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Run

NO = "YH-2026-001"
HEAD = "渠道,收到日期,来源,意见内容,态度,姓名\n"
GOOD = "信函,2026-11-20,来信登记第12号,希望尽快加装,赞成,某居民\n电话,2026-11-20,来电记录第3号,担心一层采光,反对,\n"


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "demo"))


def sheet(folder: Path, text: str) -> Path:
    path = folder / "letters.csv"
    path.write_text(HEAD + text, "utf-8")
    return path


def test_a_list_is_tried_dry_and_then_taken_in_with_receipts(run: Run, own: Path, tmp_path: Path) -> None:
    path = sheet(tmp_path, GOOD)
    code, out, err = run("import", "opinions", path, "--no", NO, "--dry-run", "--dir", own)
    assert code == 0 and "2\t信函\t2026-11-20\t来信登记第12号" in out and "可以导入 2 条" in err
    code, out, err = run("import", "opinions", path, "--no", NO, "--as", "房改科经办人", "--dir", own)
    assert code == 0 and "已录入 2 条" in err
    assert len([line for line in out.splitlines() if line.startswith(NO)]) == 2
    assert run("verify", "--all", "--dir", own)[0] == 0


def test_with_one_wrong_row_nothing_is_taken_in(run: Run, own: Path, tmp_path: Path) -> None:
    path = sheet(tmp_path, GOOD + "传真,2026-13-40,,,\n")
    code, _, err = run("import", "opinions", path, "--no", NO, "--as", "房改科经办人", "--dir", own)
    assert code == 2
    for place in ("channel", "arrived", "source", "words"):
        assert f"letters.csv:4 {place}" in err or f":4 {place}" in err
    again = run("import", "opinions", sheet(tmp_path, GOOD), "--no", NO, "--as", "房改科经办人", "--dir", own)
    assert again[0] == 0


def test_the_wrong_post_and_a_case_that_is_not_there_are_refused(run: Run, own: Path, tmp_path: Path) -> None:
    path = sheet(tmp_path, GOOD)
    assert run("import", "opinions", path, "--no", NO, "--as", "罗敬之", "--dir", own)[0] == 7
    assert run("import", "opinions", path, "--no", "YH-2026-999", "--as", "房改科经办人", "--dir", own)[0] == 3
    assert run("import", "opinions", tmp_path / "none.csv", "--no", NO, "--as", "房改科经办人", "--dir", own)[0] == 3
