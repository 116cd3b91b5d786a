"""Whole processes: how long until the demo's first page, and what the server holds in memory."""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BASE = "http://127.0.0.1:18080"
PAGE = "/public/consultations"


def table(rounds: int) -> str:
    """Demo start and memory, beside a bare interpreter that imports nothing."""
    bare = [_bare() for _ in range(rounds)]
    lines = ["### Whole processes", "", "| | median | beside `python -c pass` |", "|---|---|---|"]
    with tempfile.TemporaryDirectory(prefix="bench-demo-") as folder:
        first = _demo(Path(folder))
        again = [_demo(Path(folder)) for _ in range(rounds)]
    base = statistics.median(bare)
    second = statistics.median(seconds for seconds, _ in again)
    memory = statistics.median(mib for _, mib in again)
    lines += [
        f"| `python -c pass` | {base * 1000:.0f} ms | 1 |",
        f"| `decisionflow --help` | {_help(rounds) * 1000:.0f} ms | {_help(rounds) / base:.1f} |",
        f"| demo to its first page, empty folder | {first[0]:.1f} s | {first[0] / base:.0f} |",
        f"| demo to its first page, second time | {second:.1f} s | {second / base:.0f} |",
        f"| resident memory of the demo server after that page | {memory:.0f} MiB | |",
    ]
    return "\n".join([*lines, ""])


def _bare() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - start


def _help(rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "decisionflow", "--help"], check=True, capture_output=True)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def _demo(folder: Path) -> tuple[float, float]:
    """Seconds until the first page answers, and MiB the process then holds."""
    start = time.perf_counter()
    with demo(folder) as pid:
        return time.perf_counter() - start, _resident(pid)


@contextmanager
def demo(folder: Path) -> Iterator[int]:
    """The demo in a folder, serving; the number of its process."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "decisionflow", "demo", "--dir", str(folder), "--port", "18080", "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        while not _answers():
            if process.poll() is not None or time.perf_counter() - start > 120:
                raise RuntimeError("the demo did not come up")
            time.sleep(0.02)
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def _answers() -> bool:
    try:
        with urllib.request.urlopen(f"{BASE}{PAGE}", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _resident(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0
