"""Accounts from the terminal: by the security administrator, some of it by two, and never a password that anybody chose."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Run

KEEPERS = (
    "机构,岗位,职责,姓名,区别,任职日期,任期至,代理,文号\n"
    "区数据局,安全管理员甲,安全管理员,章安,,2026-10-08,,,云政人〔2026〕9号\n"
    "区数据局,安全管理员乙,安全管理员,季全,,2026-10-08,,,云政人〔2026〕9号\n"
)
WHY = ("--reason", "本人来电，已核对身份")


@pytest.fixture
def own(run: Run, folder: Path, tmp_path: Path) -> Path:
    place = Path(shutil.copytree(folder, tmp_path / "demo"))
    (tmp_path / "people.csv").write_text(KEEPERS, "utf-8")
    assert run("import", "org", tmp_path / "people.csv", "--as", "系统管理员", "--dir", place)[0] == 0
    return place


def test_an_account_is_made_reset_closed_and_opened_again_by_two(run: Run, own: Path) -> None:
    code, out, _ = run("users", "create", "zhang", "--person", "季全", "--as", "章安", "--dir", own)
    login, secret = out.strip().split("\t")
    assert code == 0 and login == "zhang" and len(secret) >= 16
    code, out, _ = run("users", "reset", "zhang", *WHY, "--as", "章安", "--dir", own, "--json")
    assert code == 0 and json.loads(out)["one_time_password"] not in ("", None, secret)
    assert run("users", "disable", "zhang", *WHY, "--as", "章安", "--dir", own)[0] == 0
    code, out, _ = run("users", "list", "--as", "章安", "--dir", own, "--json")
    found = json.loads(out)
    assert code == 0 and found["accounts"][0]["disabled"] and secret not in out
    code, request, _ = run("users", "enable", "zhang", *WHY, "--as", "章安", "--dir", own)
    assert code == 0
    code, _, err = run("users", "confirm", request.strip(), "--as", "章安", "--dir", own)
    assert code == 7 and "不能自己确认" in err
    code, _, err = run("users", "confirm", request.strip(), "--as", "季全", "--dir", own)
    assert code == 7 and "自己账号" in err
    auditor = run("users", "confirm", request.strip(), "--as", "审计管理员", "--dir", own)
    assert auditor[0] == 0, auditor
    assert not json.loads(run("users", "list", "--as", "章安", "--dir", own, "--json")[1])["accounts"][0]["disabled"]
    assert run("verify", "--all", "--dir", own)[0] == 0


def test_the_other_administrators_keep_no_accounts(run: Run, own: Path) -> None:
    for who in ("系统管理员", "房改科经办人"):
        code, out, err = run("users", "create", "zhang", "--person", "季全", "--as", who, "--dir", own)
        assert code == 7 and out == "" and "安全管理员" in err, who


def test_bad_input_is_told_and_changes_nothing(run: Run, own: Path) -> None:
    code, _, err = run("users", "create", "zhang", "--person", "没有这个人", "--as", "章安", "--dir", own)
    assert code == 2 and "没有" in err
    assert run("users", "reset", "nobody", *WHY, "--as", "章安", "--dir", own)[0] == 3
    run("users", "create", "zhang", "--person", "季全", "--as", "章安", "--dir", own)
    code, _, err = run("users", "reset", "zhang", "--as", "章安", "--dir", own)
    assert code == 2 and "理由" in err
    code, _, err = run("users", "create", "zhang", "--person", "章安", "--as", "章安", "--dir", own)
    assert code == 2 and "已被使用" in err


def test_a_token_is_printed_once_and_sessions_are_listed(run: Run, own: Path) -> None:
    token = ("users", "token", "--name", "统计上报", "--scope", "case.read", "--as", "房改科经办人", "--dir", own)
    code, out, _ = run(*token)
    assert code == 0 and out.startswith("dft_")
    code, _, err = run("users", "token", "--name", "统计上报", "--scope", "all", "--as", "房改科经办人", "--dir", own)
    assert code == 2 and "范围" in err
    run("users", "create", "zhang", "--person", "季全", "--as", "章安", "--dir", own)
    code, out, _ = run("users", "sessions", "zhang", "--as", "章安", "--dir", own, "--json")
    assert code == 0 and json.loads(out) == []
    assert run("users", "sessions", "zhang", "--end", *WHY, "--as", "章安", "--dir", own)[0] == 0
