"""An expert pool is imported: a report of every row, then all of them or none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Run

HEAD = "姓名,职称,专业领域,工作单位,曾工作单位\n"
GOOD = "丁一,教授,桥梁、隧道,示例大学,区住建局\n丁二,研究员,经济,示例研究院,\n"


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "demo"))


def sheet(folder: Path, text: str) -> Path:
    path = folder / "experts.csv"
    path.write_text(HEAD + text, "utf-8")
    return path


def test_a_pool_is_tried_dry_and_then_taken_in_once(run: Run, own: Path, tmp_path: Path) -> None:
    path = sheet(tmp_path, GOOD)
    code, out, err = run("import", "experts", path, "--dry-run", "--dir", own)
    assert code == 0 and "2\t丁一\t示例大学\t桥梁、隧道" in out and "可以导入 2 人" in err
    code, _, err = run("import", "experts", path, "--as", "沈砚", "--dir", own)
    assert code == 0 and "已入库 2 人" in err
    again = run("import", "experts", path, "--as", "沈砚", "--dir", own)
    assert again[0] == 2 and "已在专家库里" in again[2]
    assert run("verify", "--all", "--dir", own)[0] == 0


def test_with_one_wrong_row_nothing_is_taken_in_and_the_wrong_post_may_not(run: Run, own: Path, tmp_path: Path) -> None:
    code, _, err = run("import", "experts", sheet(tmp_path, GOOD + "丁三,,,,\n"), "--as", "沈砚", "--dir", own)
    assert code == 2 and "experts.csv:4" in err
    assert run("import", "experts", sheet(tmp_path, GOOD), "--as", "罗敬之", "--dir", own)[0] == 7
    assert run("import", "experts", sheet(tmp_path, GOOD), "--as", "沈砚", "--dir", own)[0] == 0
