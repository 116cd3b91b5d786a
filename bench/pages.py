"""Public pages under load beside a static file of the same server, by wrk, in turns."""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

from bench.processes import BASE, demo

PAGES = {
    "a static file (df.css)": "/static/df.css",
    "list of consultations": "/public/consultations",
    "a notice": "/public/c/YH-2026-001",
    "a case's public life": "/public/case/YH-2026-003",
    "the empty comment form": "/public/c/YH-2026-001/comment",
}
THREADS, CONNECTIONS = 2, 32


def table(rounds: int, seconds: float) -> str:
    """Requests a second of each page, the ratio to the static file of the same round, and what was no answer."""
    lines = ["### Public pages under load, 32 connections", ""]
    if shutil.which("wrk") is None:
        return "\n".join([*lines, "wrk is not installed (Debian: apt install wrk); nothing measured.", ""])
    rates: dict[str, list[float]] = {name: [] for name in PAGES}
    failed = dict.fromkeys(PAGES, 0)
    with tempfile.TemporaryDirectory(prefix="bench-pages-") as folder, demo(Path(folder)):
        for number in range(rounds + 1):
            for name, path in PAGES.items():
                rate, wrong = _wrk(path, seconds)
                failed[name] += wrong
                if number:
                    rates[name].append(rate)
    base = rates["a static file (df.css)"]
    lines += ["| | requests/s | ratio to the file | no 2xx |", "|---|---|---|---|"]
    for name, found in rates.items():
        ratio = statistics.median(rate / limit for rate, limit in zip(found, base, strict=True))
        lines.append(f"| {name} | {statistics.median(found):,.0f} | {ratio:.2f} | {failed[name]} |")
    return "\n".join([*lines, ""])


def _wrk(path: str, seconds: float) -> tuple[float, int]:
    """Requests a second, and how many were no 2xx answers."""
    command = ["wrk", f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", f"{BASE}{path}"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rate, wrong = re.search(r"Requests/sec:\s+([\d.]+)", said), re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    if rate is None:
        raise RuntimeError(f"wrk said nothing to be read: {said}")
    return float(rate[1]), int(wrong[1]) if wrong else 0
