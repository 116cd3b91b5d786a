"""What goes through Redis is a doorbell: row keys, nothing else, thrown away when nobody opens."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis as redis_client

from decisionflow.errors import EXIT_UNAVAILABLE, Unavailable
from decisionflow.settings import load
from decisionflow.store.engine import Store
from tests.workers.yard import CHECKOUT, on_sqlite, running, yard
from workers import app as house
from workers import main, tasks
from workers.beat import LeasedScheduler

SOURCES = sorted([*(CHECKOUT / "decisionflow").rglob("*.py"), *(CHECKOUT / "workers").rglob("*.py")])
PG = "postgresql+psycopg://nobody@127.0.0.1/none"


@pytest.fixture(scope="module", autouse=True)
def configured(redis_url: str) -> Iterator[None]:
    """The app reads its settings when it first needs them; they stay for the process."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DECISIONFLOW_REDIS_URL", redis_url)
        patched.setenv("DECISIONFLOW_DATABASE_URL", PG)
        house.app.finalize()
        assert house.app.conf.broker_url == redis_url
        yield


@pytest.fixture
def queue(redis_url: str) -> Iterator[redis_client.Redis]:
    """The Redis that the app talks to, emptied."""
    with redis_client.Redis.from_url(redis_url) as client:
        client.flushdb()
        yield client
        client.flushdb()


def _configured(url: str) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DECISIONFLOW_REDIS_URL", url)
        patched.setenv("DECISIONFLOW_DATABASE_URL", PG)
        return house._configuration()


def test_nothing_is_ever_sent_for_later() -> None:
    """A message delayed in Redis beyond the visibility timeout is worked on twice; days live in the database."""
    forbidden = re.compile(r"\b(eta|countdown)\s*=|[\"'](eta|countdown)[\"']|\.retry\(|\.delay\(")
    found = [
        f"{path.relative_to(CHECKOUT)}:{n}"
        for path in SOURCES
        for n, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if forbidden.search(line)
    ]
    assert found == []


def test_celery_is_known_to_workers_alone_and_workers_to_nobody() -> None:
    for path in SOURCES:
        text = path.read_text("utf-8")
        if path.is_relative_to(CHECKOUT / "decisionflow"):
            assert not re.search(r"^\s*(import|from) (celery|kombu|workers)\b", text, re.M), path


def test_settings_of_celery_are_those_that_were_decided() -> None:
    found = _configured("redis://127.0.0.1:1/0")

    assert (found["task_acks_late"], found["worker_prefetch_multiplier"], found["task_time_limit"]) == (True, 1, 300)
    assert found["broker_transport_options"]["visibility_timeout"] == 3600
    assert found["task_ignore_result"] is True
    assert found["accept_content"] == ["json"]
    assert found["broker_connection_retry_on_startup"] is True
    assert "result_backend" not in found
    assert set(found["task_queues"]) == {"seal", "relay", "deadlines", "mail"}


def test_every_tick_is_a_task_and_every_queue_is_consumed() -> None:
    ours = {name for name in house.app.tasks if not name.startswith("celery.")}
    assert ours == set(house.ROUTES)
    assert set(house.TICKS) <= ours
    worker = next(child for child in main.processes(_settings(), "all") if child.name == "worker")
    asked = worker.arguments[worker.arguments.index("-Q") + 1].split(",")
    here = set(main.jobs("all")) & {"seal"}
    assert {*asked, *here} == set(house.QUEUES)
    for entry in _configured("redis://x")["beat_schedule"].values():
        assert entry["options"]["expires"] == entry["schedule"]


def _settings() -> Any:
    return load({"DECISIONFLOW_REDIS_URL": "redis://127.0.0.1:1/0", "DECISIONFLOW_DATABASE_URL": PG})


@pytest.mark.slow
def test_a_message_carries_a_hundred_keys_and_runs_out(queue: redis_client.Redis) -> None:
    keys = [("yunhe", f"018df260-1680-7fd5-8000-{n:012d}") for n in range(250)]
    tasks.ring_for("relay_rows", 30, keys)

    messages = [json.loads(one) for one in queue.lrange("relay", 0, -1)]
    bodies = [json.loads(base64.b64decode(one["body"])) for one in reversed(messages)]
    assert [len(kwargs["rows"]) for _, kwargs, _ in bodies] == [100, 100, 50]
    assert [tuple(key) for _, kwargs, _ in bodies for key in kwargs["rows"]] == keys
    for (args, kwargs, _), message in zip(bodies, messages, strict=True):
        assert (args, list(kwargs)) == ([], ["rows"])
        assert message["headers"]["expires"]
        assert message["headers"]["eta"] is None
        assert message["content-type"] == "application/json"


@pytest.mark.slow
def test_a_queue_that_nobody_empties_does_not_grow_for_ever(queue: redis_client.Redis) -> None:
    assert not house.is_full("mail_rows")
    for _ in range(3):
        tasks.ring_for("mail_rows", 30, [("yunhe", str(n)) for n in range(house.FULL * 100)])
    assert house.is_full("mail_rows")
    assert queue.llen("mail") == house.FULL


@on_sqlite
def test_sqlite_refuses_workers_in_a_sentence(store: Store, tmp_path: Path) -> None:
    place = yard(store, tmp_path)
    with pytest.raises(Unavailable, match="PostgreSQL"):
        house.broker(load(place.environment("redis://127.0.0.1:1/0")))
    with pytest.raises(Unavailable, match="no Redis"):
        house.broker(load(place.environment("")))

    with running(["-m", "workers.main", "--once"], place.environment(""), tmp_path / "log") as second:
        assert second.process.wait(20) == EXIT_UNAVAILABLE
        assert second.said("另一个进程") == 1


@pytest.mark.slow
@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_of_two_beats_only_the_leader_rings_and_rings_for_everything_at_once(
    store: Store, tmp_path: Path, queue: redis_client.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in yard(store, tmp_path).environment(house.app.conf.broker_url).items():
        monkeypatch.setenv(name, value)
    first, second = (LeasedScheduler(app=house.app, max_interval=1) for _ in range(2))
    try:
        for _ in range(12):
            first.tick()
            assert second.tick() == 1.0
        assert {name: queue.llen(name) for name in house.QUEUES} == {"seal": 1, "relay": 4, "deadlines": 1, "mail": 1}
        assert (first.leads, second.leads) == (True, False)

        first.close()
        second._renew_at = 0.0
        for _ in range(12):
            second.tick()
        assert second.leads
        assert queue.llen("relay") == 8
    finally:
        second.close()
        house.close_site()


@pytest.mark.slow
@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_a_bell_the_broker_did_not_take_is_rung_again_in_seconds(
    store: Store, tmp_path: Path, queue: redis_client.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in yard(store, tmp_path).environment(house.app.conf.broker_url).items():
        monkeypatch.setenv(name, value)
    beat = LeasedScheduler(app=house.app, max_interval=1)
    queue.set("deadlines", "not a list")
    try:
        for _ in range(12):
            beat.tick()
        assert (queue.get("deadlines"), queue.llen("mail")) == (b"not a list", 1)

        queue.delete("deadlines")
        beat._renew_at = 0.0
        beat.tick()
        assert queue.llen("deadlines") == 1
        beat._renew_at = 0.0
        beat.tick()
        assert queue.llen("deadlines") == 1
    finally:
        beat.close()
        house.close_site()
