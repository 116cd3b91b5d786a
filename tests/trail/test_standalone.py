"""verify.py alone: in an empty folder, without the project, on whatever Python is there, the same verdicts."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from decisionflow.trail import bundle, checkpoint, verify
from tests.trail import making

PACKAGE = bundle.pack(making.package(), making.KEY)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A package, a trust file, and the verifier that came out of the package."""
    (tmp_path / "case.zip").write_bytes(PACKAGE)
    with zipfile.ZipFile(tmp_path / "case.zip") as file:
        file.extract("verify.py", tmp_path)
    (tmp_path / "trust.json").write_text(json.dumps({"format": 1, "keys": [{"vkey": making.KEY.verifier.vkey}]}))
    return tmp_path


def run(folder: Path, *arguments: str, python: str = sys.executable) -> subprocess.CompletedProcess[bytes]:
    """The script in that folder: isolated, with no environment and no way to the project."""
    command = [python, "-I", "-S", "-W", "error", "-X", "utf8", "verify.py", *arguments]
    environment = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False, timeout=60)


def test_alone_it_gives_the_verdicts_of_the_product(folder: Path) -> None:
    tampered = making.rezip({**verify.unpack(PACKAGE), "notes/about.txt": b"other\n"})
    (folder / "tampered.zip").write_bytes(tampered)
    trust = verify.parse_trust((folder / "trust.json").read_bytes())
    for name, arguments, given, exit_code in (
        ("case.zip", ["--keys", "trust.json"], trust, 0),
        ("case.zip", [], None, 6),
        ("tampered.zip", ["--keys", "trust.json"], trust, 4),
        ("tampered.zip", [], None, 4),
    ):
        report = verify.verify((folder / name).read_bytes(), given)
        done = run(folder, name, *arguments)
        assert (done.returncode, done.stderr) == (exit_code, b"")
        assert done.stdout.decode().splitlines()[0] == report.say
        printed = run(folder, name, *arguments, "--json")
        assert printed.returncode == exit_code
        assert json.loads(printed.stdout) == report.as_json()


def test_a_pinned_checkpoint_is_compared(folder: Path) -> None:
    log, _ = making.log()
    (folder / "old.txt").write_text(checkpoint.format_checkpoint(log.checkpoint(7)))
    (folder / "forked.txt").write_text(checkpoint.format_checkpoint(checkpoint.Checkpoint(making.ORIGIN, 7, bytes(32))))
    assert run(folder, "case.zip", "--keys", "trust.json", "--pin", "old.txt").returncode == 0
    assert run(folder, "case.zip", "--keys", "trust.json", "--pin", "forked.txt").returncode == 4
    assert run(folder, "case.zip", "--pin", "old.txt").returncode == 6


def test_wrong_use_is_no_verdict(folder: Path) -> None:
    (folder / "bad.json").write_text("{}")
    for arguments in (
        [],
        ["missing.zip"],
        ["case.zip", "--keys", "missing.json"],
        ["case.zip", "--keys", "bad.json"],
        ["case.zip", "--pin", "bad.json"],
        ["case.zip", "--weaker"],
    ):
        done = run(folder, *arguments)
        assert (done.returncode, done.stdout) == (2, b""), arguments
        assert b"Traceback" not in done.stderr


def test_a_console_that_cannot_show_chinese_does_not_break_it(folder: Path) -> None:
    command = [sys.executable, "-I", "-X", "utf8=0", "verify.py", "case.zip"]
    done = subprocess.run(
        command, cwd=folder, env={"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0"}, capture_output=True, check=False
    )
    assert done.returncode == 6


def test_it_imports_the_standard_library_only_and_is_written_for_python_3_8() -> None:
    source = Path(verify.__file__).read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 8))
    modules = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    modules |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module.partition(".")[0] for module in modules} <= set(sys.stdlib_module_names)


def test_the_command_is_also_a_function(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.main([str(folder / "case.zip"), "--keys", str(folder / "trust.json")]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("通过：2 件材料、5 条记录")
    assert "✓ 存在证明：5 条记录都在检查点的树中" in printed
    assert verify.main([str(folder / "trust.json")]) == 4
    assert capsys.readouterr().out.startswith("不通过：压缩包已损坏，或者不是证据包\n\n✗ 压缩包")
    for arguments in (["none.zip"], ["case.zip", "--keys", "case.zip"]):
        with pytest.raises(SystemExit) as refusal:
            verify.main([str(folder / name) if "." in name else name for name in arguments])
        assert refusal.value.code == verify.EXIT_USAGE
