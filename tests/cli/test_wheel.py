"""The built wheel carries all it needs: it runs the demo from an empty folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_wheel_runs_the_demo_from_an_empty_folder(tmp_path: Path) -> None:
    uv = HOUSE / ".tools" / "bin" / "uv"
    if not uv.is_file():
        found = shutil.which("uv")
        assert found, "There is no uv; run make setup first."
        uv = Path(found)
    build = [str(uv), "build", "--wheel", "--quiet", "--out-dir", str(tmp_path / "dist"),
             "--build-constraints", str(HOUSE / "requirements" / "build.txt"), str(HOUSE)]  # fmt: skip
    built = subprocess.run(build, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(tmp_path / "lib")
    empty = tmp_path / "empty"
    empty.mkdir()
    program = "import decisionflow, sys; print(decisionflow.__file__); from decisionflow.cli.app import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", program, "demo", "--no-serve"]
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "lib"), "DECISIONFLOW_LANG": "zh"}
    done = subprocess.run(command, cwd=empty, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path / "lib")) and "13 个事项" in done.stdout
    assert (empty / "var" / "demo" / "decisionflow.db").is_file()
