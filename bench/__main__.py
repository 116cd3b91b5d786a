"""`python -m bench [--rounds N] [--seconds S] [--only NAME…]`: every group, as ratios, in one run."""

from __future__ import annotations

import argparse
import platform
import sqlite3
import sys
from collections.abc import Callable, Iterator

from bench import career, harness, opinions, pages, processes, pure, replays, steps
from tests import services


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--opinions", type=int, default=opinions.MANY)
    parser.add_argument("--entries", type=int, default=career.MANY)
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.machine()}\n")
    for name, make in _groups().items():
        if options.only and name not in options.only:
            continue
        for group in make():
            try:
                harness.run(group, options.rounds, options.seconds)
                print(harness.table(group), flush=True)
            finally:
                group.close()
    if not options.only or "many" in options.only:
        print(opinions.table(options.opinions), flush=True)
    if not options.only or "career" in options.only:
        print(career.table(options.entries), flush=True)
    if not options.only or "pages" in options.only:
        print(pages.table(options.rounds, options.seconds), flush=True)
    if not options.only or "processes" in options.only:
        print(processes.table(options.rounds), flush=True)


def _groups() -> dict[str, Callable[[], Iterator[harness.Group]]]:
    return {
        "sqlite": lambda: iter([steps.sqlite_group()]),
        "postgresql": _postgresql,
        "decide": lambda: iter([pure.decide_group()]),
        "trail": lambda: iter([pure.trail_group()]),
        "replay": lambda: iter([replays.group()]),
        "opinions": _opinions,
    }


def _postgresql() -> Iterator[harness.Group]:
    with services.postgres_server(durable=True) as server:
        yield steps.postgresql_group(server.url, services.create_database)


def _opinions() -> Iterator[harness.Group]:
    yield opinions.sqlite_group()
    with services.postgres_server(durable=True) as server:
        yield opinions.postgresql_group(server.url, services.create_database)


if __name__ == "__main__":
    sys.exit(main())
