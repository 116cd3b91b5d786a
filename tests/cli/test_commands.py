"""A person at the terminal: the demo is seeded, asked, exported and verified; what is wrong is said, with its exit code."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Run

HOUSE = Path(__file__).parents[2]
REHEARSALS = HOUSE / "tests" / "rehearsals"


# ---- why and timeline --------------------------------------------------------------------------------------


def test_why_names_what_is_missing_on_which_basis_who_and_from_when(run: Run, folder: Path) -> None:
    code, out, _ = run("why", "YH-2026-005", "submit-to-meeting", "--dir", folder)

    assert code == 7
    assert "不能提请集体讨论：缺 2 项" in out
    assert "合法性审查尚未出具意见" in out and "第二十五条" in out and "阻断，D713-45" in out
    assert "由 合法性审查部门：区司法局" in out
    assert "最早 2026年12月2日（周三）（还差7个工作日）" in out
    assert "缺公平竞争审查" in out and "第二十九条" in out


def test_why_without_an_action_asks_for_what_the_case_waits_for(run: Run, folder: Path) -> None:
    assert run("why", "YH-2026-005", "--dir", folder) == run("why", "YH-2026-005", "submit_to_meeting", "--dir", folder)


def test_why_as_json_is_one_document_with_rules_and_dates(run: Run, folder: Path) -> None:
    code, out, _ = run("why", "YH-2026-005", "--json", "--dir", folder)

    found = json.loads(out)
    assert code == 7 and found["possible"] is False
    assert [one["rule"] for one in found["findings"]] == ["D713-45", "D713-51"]
    assert found["findings"][0]["earliest_on"] == "2026-12-02"
    assert found["findings"][0]["cites"][0]["article"] == "25"


def test_why_for_a_post_that_may_not_names_the_duty(run: Run, folder: Path) -> None:
    code, out, _ = run("why", "YH-2026-005", "submit_to_meeting", "--as", "罗敬之", "--dir", folder)
    assert code == 7 and "D713-45" in out


@pytest.mark.parametrize(
    ("arguments", "code", "say"),
    [
        (("why", "YH-2026-099"), 3, "没有编号为“YH-2026-099”的事项"),
        (("why", "YH-2026-005", "fly"), 3, "没有“fly”这个动作"),
        (("why", "YH-2026-005", "--as", "张三"), 2, "没有叫“张三”的在任岗位"),
        (("timeline", "YH-2026-099"), 3, "没有编号为“YH-2026-099”的事项"),
        (("timeline", "YH-2026-003", "--as-of", "yesterday"), 2, "不是日期"),
        (("timeline", "YH-2026-003", "--as-of", "2001-01-01"), 3, "没有登记任何内容"),
    ],
)
def test_what_there_is_not_is_said(run: Run, folder: Path, arguments: tuple[str, ...], code: int, say: str) -> None:
    got, out, err = run(*arguments, "--dir", folder)
    assert (got, out) == (code, "") and say in err


def test_the_timeline_tells_who_did_what_in_which_post_and_what_was_entered_late(run: Run, folder: Path) -> None:
    code, out, _ = run("timeline", "YH-2026-009", "--dir", folder)
    assert code == 0 and "补录：登记于" in out and "区档案馆业务科科长 顾闻笛" in out
    assert "存证" in out


def test_errors_are_one_document_too_with_json(run: Run, folder: Path) -> None:
    code, out, _ = run("why", "YH-2026-099", "--json", "--dir", folder)
    assert code == 3 and json.loads(out)["error"]["status"] == 404


def test_a_folder_without_an_installation_says_the_next_step(run: Run, tmp_path: Path) -> None:
    code, _, err = run("why", "YH-2026-005", "--dir", tmp_path)
    assert code == 8 and "decisionflow demo" in err and "decisionflow init" in err


# ---- export and verify -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def package(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("package") / "a.zip"
    command = [
        sys.executable,
        "-m",
        "decisionflow",
        "export",
        "case",
        "YH-2026-003",
        "-o",
        str(path),
        "--dir",
        str(folder),
    ]
    assert subprocess.run(command, check=False).returncode == 0
    return path


def test_a_package_passes_with_our_trust_file_and_is_undecided_without(run: Run, folder: Path, package: Path) -> None:
    code, out, _ = run("verify", package, "--dir", folder)
    assert (code, out[:9]) == (0, "通过（演示时钟）：")

    code, out, _ = run("verify", package, "--offline")
    assert code == 6 and out.startswith("无法判断")


def test_the_packages_own_verifier_agrees(folder: Path, package: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(package) as opened:
        (tmp_path / "verify.py").write_bytes(opened.read("verify.py"))
    command = [sys.executable, "-I", str(tmp_path / "verify.py"), str(package)]
    with_keys = subprocess.run(
        [*command, "--keys", str(folder / "keys" / "trust.json")], capture_output=True, check=False
    )
    alone = subprocess.run(command, capture_output=True, check=False)
    assert (with_keys.returncode, alone.returncode) == (0, 6)


def test_any_changed_byte_is_never_passed(run: Run, folder: Path, package: Path, tmp_path: Path) -> None:
    data = bytearray(package.read_bytes())
    bad = tmp_path / "bad.zip"
    for at in range(11, len(data), len(data) // 60):
        data[at] ^= 1
        bad.write_bytes(data)
        data[at] ^= 1
        code, out, _ = run("verify", bad, "--dir", folder)
        assert code in (4, 6) and not out.startswith("通过"), at


def test_tamper_makes_a_package_that_does_not_pass(run: Run, folder: Path, package: Path, tmp_path: Path) -> None:
    bad = tmp_path / "tampered.zip"
    assert run("demo", "tamper", package, "-o", bad)[0] == 0
    code, out, _ = run("verify", bad, "--dir", folder)
    assert code == 4 and out.startswith("不通过")
    assert run("demo", "tamper", package, "-o", bad, "--entry", "9999")[0] == 2
    assert run("demo", "tamper", Path(__file__), "-o", bad)[0] == 2


def test_all_that_is_stored_can_be_verified(run: Run, folder: Path) -> None:
    code, out, err = run("verify", "--all", "--dir", folder)
    assert code == 0 and out.startswith("通过（演示时钟）") and "页面数据与记录" in err


def test_a_case_is_verified_by_its_number(run: Run, folder: Path) -> None:
    code, out, _ = run("verify", "YH-2026-003", "--json", "--dir", folder)
    assert code == 0 and json.loads(out)["verdict"] == "passed"


def test_bad_targets_and_files_are_named(run: Run, folder: Path, package: Path, tmp_path: Path) -> None:
    assert run("verify", "--dir", folder)[0] == 2
    assert run("verify", tmp_path / "none.zip", "--dir", folder)[0] == 3
    (tmp_path / "text.zip").write_text("not a package")
    assert run("verify", tmp_path / "text.zip", "--dir", folder)[0] == 4
    (tmp_path / "cut.zip").write_bytes(package.read_bytes()[:5000])
    assert run("verify", tmp_path / "cut.zip", "--dir", folder)[0] == 4
    assert run("export", "case", "YH-2026-099", "-o", tmp_path / "x.zip", "--dir", folder)[0] == 3
    assert run("export", "case", "YH-2026-003", "-o", package, "--dir", folder)[0] == 7  # never over an existing file
    assert run("export", "case", "YH-2026-003", "-o", tmp_path / "no" / "x.zip", "--dir", folder)[0] == 8
    assert run("export", "case", "YH-2026-003", "-o", tmp_path / "x.zip", "--view", "secret", "--dir", folder)[0] == 2
    assert not (tmp_path / "x.zip").exists()


# ---- rehearse ----------------------------------------------------------------------------------------------


def test_a_rehearsal_names_rule_and_article_of_each_refusal(run: Run) -> None:
    code, out, _ = run("rehearse", REHEARSALS / "refused-01-no-legal-review.yaml")
    assert code == 0 and "D713-45" in out and "第二十五条" in out


def test_one_changed_expectation_makes_it_exit_5(run: Run, tmp_path: Path) -> None:
    script = (REHEARSALS / "refused-01-no-legal-review.yaml").read_text("utf-8")
    (tmp_path / "x.yaml").write_text(script.replace("{refused: [D713-45]}", "{refused: [D713-43]}"), "utf-8")
    code, out, _ = run("rehearse", tmp_path / "x.yaml")
    assert code == 5 and "与预期不符，应为 refused: D713-43" in out


def test_every_fault_of_a_script_is_said_with_its_line(run: Run, tmp_path: Path) -> None:
    script = (REHEARSALS / "refused-01-no-legal-review.yaml").read_text("utf-8")
    broken = script.replace("do: propose", "do: suggest").replace("ends_on: 2025-04-11", "ends_on: 2025-04-31")
    (tmp_path / "x.yaml").write_text(broken.replace("[D713-45]", "[D713-4500]"), "utf-8")
    code, out, err = run("rehearse", tmp_path / "x.yaml")
    assert (code, out) == (2, "")
    assert all(word in err for word in ("suggest", "ends_on", "D713-4500")) and err.count("x.yaml:") >= 3


def test_a_rehearsal_as_json_has_the_published_shape(run: Run) -> None:
    code, out, _ = run("rehearse", REHEARSALS / "refused-02-negative-review.yaml", "--json")
    found = json.loads(out)
    assert code == 0 and set(found) >= {"procedure", "acts", "expectations"}
    assert set(found["procedure"]) == {"id", "version", "digest"} and found["expectations"]["failed"] == []
    last = found["acts"][-1]
    assert last["outcome"] == "refused" and {"rule", "cites", "strength", "say", "earliest_on"} <= set(
        last["findings"][0]
    )


# ---- procedures, deadline, doctor, init, migrate -----------------------------------------------------------


def test_the_shipped_procedures_are_sound(run: Run) -> None:
    assert run("procedures", "lint", HOUSE / "workflows")[0] == 0


def test_a_watch_for_an_action_that_does_not_exist_is_named_with_its_line(run: Run, tmp_path: Path) -> None:
    changed = tmp_path / "watches.yaml"
    text = (HOUSE / "workflows" / "watches.yaml").read_text("utf-8")
    changed.write_text(text.replace("conclude_legal_review", "conclude_nothing"), "utf-8")
    code, out, _ = run("procedures", "lint", changed)
    assert code == 5 and "conclude_nothing" in out and "watches.yaml:" in out


def test_an_unsound_procedure_is_named_with_its_line(run: Run, tmp_path: Path) -> None:
    text = (HOUSE / "tests" / "procedures" / "tree-felling.yaml").read_text("utf-8")
    (tmp_path / "x.yaml").write_text(text.replace("rules: [D713-13]", "rules: [D713-1300]", 1), "utf-8")
    code, out, _ = run("procedures", "lint", tmp_path)
    assert code == 5 and "x.yaml:" in out and "D713-1300" in out
    assert run("procedures", "lint", tmp_path / "none")[0] == 3


def test_a_procedure_can_be_shown_and_drawn(run: Run) -> None:
    code, out, _ = run("procedures", "show", "cn-major-decision@2019.1")
    assert code == 0 and "[必须]" in out and "D713-45" in out
    code, out, _ = run("procedures", "diagram", "cn-major-decision")
    assert code == 0 and out.startswith("<svg") and "合法性审查" in out
    code, out, _ = run("procedures", "diagram", "cn-major-decision", "--format", "txt")
    assert code == 0 and "合法性审查" in out
    assert run("procedures", "show", "nothing")[0] == 3
    assert run("procedures", "diagram", "cn-major-decision", "--format", "gif")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "code", "ends_on", "rolls_to"),
    [
        (("2026-02-10", "--length", 7, "--unit", "workday"), 0, "2026-02-26", "2026-02-26"),
        (("2026-11-23", "--length", 7, "--unit", "workday"), 0, "2026-12-02", "2026-12-02"),
        (("2026-11-02", "--length", 30), 0, "2026-12-02", "2026-12-02"),
    ],
)
def test_periods_end_where_the_vectors_say(
    run: Run, arguments: tuple[object, ...], code: int, ends_on: str, rolls_to: str
) -> None:
    got, out, _ = run("deadline", *arguments, "--json")
    found = json.loads(out)
    assert (got, found["ends_on"], found["rolls_to"]) == (code, ends_on, rolls_to)


def test_a_year_without_a_calendar_is_provisional(run: Run) -> None:
    code, out, _ = run("deadline", "2026-12-25", "--length", 10, "--unit", "workday")
    assert code == 6 and "暂估" in out


def test_doctor_looks_at_everything_and_fails_loudly(run: Run, folder: Path, tmp_path: Path) -> None:
    code, out, _ = run("doctor", "--json", "--dir", folder)
    assert code == 0 and json.loads(out)["ok"] is True
    assert run("doctor", "--dir", tmp_path)[0] == 8
    assert run("doctor", "--only", "weather", "--dir", folder)[0] == 2


def test_init_founds_a_government_once(run: Run, tmp_path: Path) -> None:
    people = tmp_path / "people.yaml"
    people.write_text(
        "people: 1\nunits: {housing: 区住建局}\npersons: {chen: 陈予安}\n"
        "posts:\n  - {who: chen, unit: housing, title: 经办人, duties: [proposer, lead], login: chen}\n", "utf-8"
    )  # fmt: skip
    place = tmp_path / "gov"
    given = (
        "init",
        "--name",
        "云河区人民政府",
        "--admin",
        "沈砚",
        "--prefix",
        "YH",
        "--people",
        people,
        "--dir",
        place,
    )
    code, out, _ = run(*given)
    assert code == 0 and "chen\t" in out and "admin\t" in out
    assert run("migrate", "--check", "--dir", place)[0] == 0
    assert run("verify", "--all", "--dir", place)[0] == 6  # nothing is sealed yet
    assert run("worker", "--once", "--dir", place)[0] == 0
    assert run("verify", "--all", "--dir", place)[0] == 0
    assert (place / "keys" / "gov.key").stat().st_mode & 0o077 == 0
    code, _, err = run(*given)
    assert code == 7 and "已经初始化过" in err


def test_init_says_every_fault_and_stores_nothing(run: Run, tmp_path: Path) -> None:
    people = tmp_path / "people.yaml"
    people.write_text(
        "people: 1\nunits: {}\npersons: {}\nposts: [{who: x, unit: y, title: z, duties: [flying]}]\n", "utf-8"
    )
    place = tmp_path / "gov"
    given = ("--name", "云河区人民政府", "--admin", "沈砚", "--prefix", "yh!", "--people", people, "--dir", place)
    code, _, err = run("init", *given)
    assert code == 2 and all(word in err for word in ("--prefix", "“y”", "“x”", "flying"))
    assert not (place / "decisionflow.db").exists()


def test_the_demo_stays_on_this_machine_and_off_other_data(run: Run, tmp_path: Path) -> None:
    assert run("demo", "--host", "0.0.0.0", "--no-serve", "--dir", tmp_path / "a")[0] == 2
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine.txt").write_text("x")
    code, _, err = run("demo", "--no-serve", "--dir", tmp_path / "b")
    assert code == 8 and "不是演示数据" in err and (tmp_path / "b" / "mine.txt").exists()
    assert run("demo", "--today", "soon", "--no-serve", "--dir", tmp_path / "c")[0] == 2


def test_a_fresh_demo_is_used_again(run: Run, folder: Path) -> None:
    before = (folder / "decisionflow.db").stat().st_ino
    code, out, _ = run("demo", "--no-serve", "--dir", folder, "--today", "2026-11-23")
    assert code == 0 and "建立演示数据" not in out and (folder / "decisionflow.db").stat().st_ino == before


def test_a_database_from_the_future_a_taken_port_and_a_closed_folder_are_said(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    future = tmp_path / "future"
    shutil.copytree(folder, future)
    with closing(sqlite3.connect(future / "decisionflow.db")) as database:
        database.execute("update alembic_version set version_num = '9999'")
        database.commit()
    for command in (("why", "YH-2026-005"), ("serve", "--port", "0"), ("migrate",), ("migrate", "--check")):
        code, _, err = run(*command, "--dir", future)
        assert code == 8 and "请升级 decisionflow" in err, command
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        code, _, err = run("serve", "--port", taken.getsockname()[1], "--dir", folder)
    assert code == 8 and "--port" in err
    (tmp_path / "file").write_text("x")
    code, _, err = run("demo", "--no-serve", "--dir", tmp_path / "file" / "demo")
    assert code == 8 and "不能写入" in err
