"""A list of who holds which post is imported: a report of every row, then all of them or none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Run

HEAD = "机构,岗位,职责,姓名,区别,任职日期,任期至,代理,文号\n"
GOOD = (
    "区数据局,局长,承办单位、执行单位,欧阳䶮,,2026-10-08,,,云政人〔2026〕9号\n"
    "区数据局,科员,承办单位,买买提·艾力,,2026-10-08,2027-10-08,否,云政人〔2026〕9号\n"
)


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "demo"))


def sheet(folder: Path, text: str) -> Path:
    path = folder / "people.csv"
    path.write_text(HEAD + text, "utf-8")
    return path


def test_a_list_is_tried_dry_and_then_taken_in(run: Run, own: Path, tmp_path: Path) -> None:
    path = sheet(tmp_path, GOOD)
    code, out, err = run("import", "org", path, "--dry-run", "--dir", own)
    assert code == 0 and "2\t区数据局\t局长\t欧阳䶮\t2026-10-08" in out and "读到 2 行任职" in err
    code, _, err = run("import", "org", path, "--as", "系统管理员", "--dir", own)
    assert code == 0 and "已登记 2 项任职" in err
    assert run("verify", "--all", "--dir", own)[0] == 0
    code, _, err = run("import", "org", path, "--as", "系统管理员", "--dir", own)
    assert code == 2 and err.count("已经担任") == 2  # twice is once


def test_with_one_wrong_row_nothing_is_taken_in(run: Run, own: Path, tmp_path: Path) -> None:
    bad = GOOD + "区数据局,科长,没有这种职责,甲某,,2026-13-40,,,云政人〔2026〕9号\n,科长,承办单位,乙某,,2026-10-08,,,\n"
    code, _, err = run("import", "org", sheet(tmp_path, bad), "--as", "系统管理员", "--dir", own)
    assert code == 2 and "people.csv:5" in err and "缺少“机构”" in err and "缺少“文号”" in err
    bad = GOOD + "区数据局,科长,没有这种职责,甲某,,2026-13-40,,,云政人〔2026〕9号\n"
    code, _, err = run("import", "org", sheet(tmp_path, bad), "--as", "系统管理员", "--dir", own)
    assert code == 2 and "people.csv:4" in err and "只能是" in err
    assert "区数据局" not in run("import", "org", sheet(tmp_path, GOOD), "--as", "系统管理员", "--dir", own)[2]


def test_of_two_of_one_name_the_list_must_say_which(run: Run, own: Path, tmp_path: Path) -> None:
    two = (
        "区数据局,局长,承办单位,王芳,1980年生,2026-10-08,,,文1\n区数据局,科员,承办单位,王芳,1990年生,2026-10-08,,,文1\n"
    )
    assert run("import", "org", sheet(tmp_path, two), "--as", "系统管理员", "--dir", own)[0] == 0
    code, _, err = run(
        "import",
        "org",
        sheet(tmp_path, "区数据局,科长,承办单位,王芳,,2026-10-08,,,文1\n"),
        "--as",
        "系统管理员",
        "--dir",
        own,
    )
    assert code == 2 and "同名" in err


def test_the_wrong_post_is_refused(run: Run, own: Path, tmp_path: Path) -> None:
    code, _, err = run("import", "org", sheet(tmp_path, GOOD), "--as", "房改科经办人", "--dir", own)
    assert code == 7 and "由系统管理员登记" in err
