"""Running background work: which loops run in this process, which Celery processes beside it.

    role     here                                          beside, when Redis is configured
    all      seal; the rest only when Celery falls silent  a worker of all queues but seal, a beat
    sealer   seal                                          nothing
    worker   the rest, only when Celery falls silent       a worker of all queues but seal
    beat     nothing                                       a beat

Without Redis the loops run here and nothing beside. Processes that die, or that stop answering for three
minutes, are started again. ``python -m workers.main --role all``, or ``--once`` for one round of everything.
"""

from __future__ import annotations

import argparse
import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, TypeAlias, get_args

from decisionflow.errors import EXIT_OK, DecisionflowError
from decisionflow.service import loops, sealing
from decisionflow.service.site import Site, opened
from decisionflow.settings import Settings, load
from workers import logs
from workers.app import broker

Role: TypeAlias = Literal["all", "sealer", "worker", "beat"]
ROLES: tuple[Role, ...] = get_args(Role)
REST = tuple(job for job in loops.JOBS if job != "seal")
STANDBY = 60.0
SILENT = timedelta(minutes=3)
STOP = 8.0  # less than the ten seconds that containers are given
log = logging.getLogger("workers")


def run(once: bool, role: str = "all") -> int:
    """Do one round of every sweep of a role, or run its loops until told to stop. Raises Unavailable."""
    if role not in ROLES:
        raise ValueError(f"role {role!r} is none of {', '.join(ROLES)}")
    settings = load()
    logs.configure()
    with opened(settings) as site:
        if once:
            done = loops.once(site, jobs(role))
            log.info("done", extra={"action": "once", **done})
        else:
            _forever(site, role)
    return EXIT_OK


def jobs(role: str) -> tuple[str, ...]:
    """The sweeps that are a role's."""
    return {"all": loops.JOBS, "sealer": ("seal",), "worker": REST, "beat": ()}[role]


def _forever(site: Site, role: str) -> None:
    children = processes(site.settings, role)
    if children or role == "beat":
        broker(site.settings)  # says in a sentence why it cannot be, if it cannot
    here = loops.Embedded(site, jobs=jobs(role), standby=STANDBY if children else 0.0)
    with _told_to_stop() as stop:
        here.start()
        try:
            while not stop.wait(1.0):
                for child in children:
                    child.watch(site)
        finally:
            for child in children:
                child.end()
            for child in children:
                child.wait()
            here.stop()


@dataclass(slots=True)
class Child:
    """A Celery process beside us, started again when it dies or falls silent."""

    name: str
    arguments: Sequence[str]
    canary: str = ""
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = 0.0
    again_at: float = field(default=0.0)

    def watch(self, site: Site) -> None:
        """Start it if it does not run; end it if it has been silent for too long."""
        if self.process is not None and self.process.poll() is not None:
            lived = time.monotonic() - self.started
            self.pause = 1.0 if lived > 60 else min(60.0, max(1.0, self.pause * 2))
            self.again_at = time.monotonic() + self.pause
            log.error("%s ended with %s", self.name, self.process.returncode,
                      extra={"action": "child-ended", "again_in": self.pause})  # fmt: skip
            self.process = None
        if self.process is None and time.monotonic() >= self.again_at:
            self.process = subprocess.Popen(  # noqa: S603  our own words
                [sys.executable, "-m", "celery", "-A", "workers.app", *self.arguments],
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            self.started = time.monotonic()
            log.info("%s started", self.name, extra={"action": "child-started", "child": self.process.pid})
        elif self.process is not None and self.canary and time.monotonic() - self.started > SILENT.total_seconds():
            self._listen(site, self.process)

    def _listen(self, site: Site, process: subprocess.Popen[bytes]) -> None:
        try:
            with site.store.read() as connection:
                alive = sealing.is_beating(connection, self.canary, loops.now(site), SILENT)
        except DecisionflowError:
            return
        if not alive:
            log.error("%s is silent", self.name, extra={"action": "child-silent", "child": process.pid})
            process.kill()

    def end(self) -> None:
        """Ask it to finish what it is doing and go."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait(self) -> None:
        """Wait until it has gone."""
        if self.process is not None:
            try:
                self.process.wait(STOP)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def processes(settings: Settings, role: str) -> list[Child]:
    """The Celery processes of a role; none without Redis."""
    if not settings.redis_url:
        return []
    worker = Child("worker", ["worker", "-Q", "relay,deadlines,mail", "-c", "2", "-n", "decisionflow@%h",
                              "--without-gossip", "--without-mingle", "--without-heartbeat"], canary="celery")  # fmt: skip
    beat = Child("beat", ["beat"])
    return {"all": [worker, beat], "worker": [worker], "beat": [beat], "sealer": []}[role]


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """An event that SIGTERM or SIGINT sets; signals are only ours in the main thread."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m workers.main", description=__doc__)
    parser.add_argument("--once", action="store_true", help="one round of every sweep, then end")
    parser.add_argument("--role", choices=ROLES, default="all")
    given = parser.parse_args(arguments)
    try:
        return run(given.once, given.role)
    except DecisionflowError as fault:
        sys.stderr.write(fault.say + "\n")
        return fault.exit


if __name__ == "__main__":
    sys.exit(main())
