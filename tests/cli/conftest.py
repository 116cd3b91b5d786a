"""A seeded demo, and a way to run commands on it: what every test of a command starts from."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from decisionflow.cli import app

Run: TypeAlias = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seeded demo, on a day whose periods cross no year without a calendar."""
    place = tmp_path_factory.mktemp("demo")
    env = {**os.environ, "DECISIONFLOW_LANG": "zh"}
    command = [sys.executable, "-m", "decisionflow", "demo", "--no-serve", "--dir", str(place), "--today", "2026-11-23"]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    assert "13 个事项" in done.stdout
    return place


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("DECISIONFLOW_LANG", "zh")

    def go(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            app.main([str(one) for one in arguments])
        told = capsys.readouterr()
        return int(stop.value.code or 0), told.out, told.err

    return go
