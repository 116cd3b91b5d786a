"""Real workers and beats on a real Redis, PostgreSQL and mail server; killed, doubled and cut off."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from decisionflow.service import loops
from decisionflow.service import site as sites
from decisionflow.store.engine import Store
from tests import services
from tests.services import Mailbox
from tests.workers.yard import Process, Yard, running, surly, until, yard
from workers.app import TICKS

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("store", ["postgresql"], indirect=True)]
CELERY = ["-m", "celery", "-A", "workers.app"]
WORKER = [*CELERY, "worker", "-c", "2", "--without-gossip", "--without-mingle", "--without-heartbeat"]
BEAT = [*CELERY, "beat"]


@pytest.fixture
def place(store: Store, tmp_path: Path, mailbox: Mailbox) -> Yard:
    made = yard(store, tmp_path, mailbox, wall=True)
    made.reachable("lead")
    return made


@pytest.fixture
def redis() -> object:
    with services.redis_server() as server:
        yield server


def told(logs: list[Path]) -> str:
    """The ends of these logs, for when a test fails."""
    return "\n".join(f"{log.name}:\n{log.read_text('utf-8', 'replace')[-3000:]}" for log in logs)


def test_a_worker_and_two_beats_do_all_the_work_and_one_beat_leads(
    place: Yard, mailbox: Mailbox, redis: services.Server, tmp_path: Path
) -> None:
    place.decided()
    place.post("lead", 250)
    environment = place.environment(redis.url)
    logs = [tmp_path / name for name in ("worker.log", "beat1.log", "beat2.log")]
    with (
        running([*WORKER, "-Q", "seal,relay,deadlines,mail"], environment, logs[0]) as worker,
        running(BEAT, environment, logs[1]) as one,
        running(BEAT, environment, logs[2]) as two,
    ):
        assert until(lambda: place.outbox().count("sent") >= 250, 40), logs[0].read_text()[-2000:]
        assert until(lambda: place.notices("lead", "reminder"), 40), logs[0].read_text()[-2000:]
        assert until(lambda: place.rows("select 1 from trail_unsealed") == []), told(logs)
        # A doorbell may be lost; its next ring may not.
        assert until(lambda: place.rows("select 1 from heartbeat where name = 'celery'"), TICKS["canary"] + 30), told(
            logs
        )
        assert one.said("beat leads") + two.said("beat leads") == 1
        leader, other = (one, two) if one.said("beat leads") else (two, one)
        assert leader.end() == 0
        assert until(lambda: other.said("beat leads"), 10)
        assert worker.end() == 0

    assert len(place.notices("lead", "reminder")) == 1
    assert len(place.notices("lead", "todo")) == 1
    seen = Counter(one.message["message-id"] for one in mailbox.deliveries)
    assert set(seen.values()) == {1}
    (head,) = place.rows("select max(size) as size from trail_checkpoint")
    assert head.size == place.rows("select count(*) as n from trail_entry")[0].n


def in_the_middle(place: Yard, worker: Process) -> int:
    """The worker held still while it has mail in hand: how many."""
    while True:
        worker.signal(signal.SIGSTOP)
        if found := place.outbox().count("leased"):
            return found
        worker.signal(signal.SIGCONT)
        time.sleep(0.01)


def test_kill_9_in_the_middle_loses_nothing(place: Yard, redis: services.Server, tmp_path: Path) -> None:
    with surly(slow=0.15) as box:
        place.sending_to(box).post("lead", 40)
        environment = place.environment(redis.url)
        with (
            running([*WORKER, "-Q", "relay,deadlines,mail"], environment, tmp_path / "worker.log") as worker,
            running(BEAT, environment, tmp_path / "beat.log") as beat,
        ):
            assert until(lambda: len(box.deliveries) >= 6, 30), worker.log.read_text()[-2000:]
            under_way = in_the_middle(place, worker)
            worker.kill()
            beat.kill()
        assert 1 <= under_way <= 2
        assert place.outbox().count("ready") > 20

        box.slow = 0.0
        later = sites.Site(place.site.settings, place.store, lambda: datetime.now(UTC) + timedelta(minutes=3))
        loops.once(later, ["tidy", "mail"])

    assert place.outbox() == ["sent"] * 40
    seen = Counter(one.message["message-id"] for one in box.deliveries)
    assert len(seen) == 40
    assert sum(seen.values()) - 40 <= under_way


def test_with_redis_away_the_workers_process_sweeps_by_itself(place: Yard, mailbox: Mailbox, tmp_path: Path) -> None:
    place.decided()
    place.post("lead", 5)
    environment = place.environment(f"redis://127.0.0.1:{services.free_port()}/0")
    with running(["-m", "workers.main", "--role", "all"], environment, tmp_path / "main.log") as main:
        assert until(lambda: len(mailbox.deliveries) >= 5, 30), main.log.read_text()[-2000:]
        assert until(lambda: place.notices("lead", "reminder"), 20)
        assert until(lambda: place.rows("select 1 from trail_unsealed") == [])
        started = time.monotonic()
        assert main.end(20) == 0
        assert time.monotonic() - started < 12


def test_a_celery_process_that_dies_is_started_again(place: Yard, redis: services.Server, tmp_path: Path) -> None:
    environment = place.environment(redis.url)
    with running(["-m", "workers.main", "--role", "beat"], environment, tmp_path / "main.log") as main:
        assert until(lambda: main.said("child-started") == 1)
        child = int(main.log.read_text().split('"child": ')[1].split(",")[0])
        os.kill(child, signal.SIGKILL)
        assert until(lambda: main.said("child-ended") == 1)
        assert until(lambda: main.said("child-started") == 2)
        assert main.end() == 0


def test_once_does_everything_and_ends(place: Yard, mailbox: Mailbox, tmp_path: Path) -> None:
    place.decided()
    place.post("lead", 3)
    with running(["-m", "workers.main", "--once"], place.environment(""), tmp_path / "once.log") as once:
        assert once.process.wait(30) == 0

    assert len(mailbox.deliveries) >= 3
    assert len(place.notices("lead", "reminder")) == 1
    assert place.rows("select 1 from trail_unsealed") == []
