"""The Celery app: four queues, a beat, and the one opened installation of each process.

Celery only makes it faster. A message is a doorbell: it carries row keys, lives as long as one tick, and
may be lost, doubled or late; what a task does follows from the rows. So there are no delayed messages and
no results, and a tick after a crash finds whatever was left.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, ParamSpec, TypeVar, cast

from celery import Celery
from celery.signals import setup_logging, worker_process_shutdown, worker_shutdown

from decisionflow import settings as configuration
from decisionflow.errors import Unavailable
from decisionflow.service import site as sites
from decisionflow.service.site import Site
from workers import logs

P = ParamSpec("P")
R = TypeVar("R")

FULL = 100
# Which queue each task waits in.
ROUTES: Mapping[str, str] = {
    "tick_seal": "seal",
    "tick_relay": "relay", "relay_rows": "relay", "tick_news": "relay", "tick_tidy": "relay", "canary": "relay",
    "tick_deadlines": "deadlines", "remind_rows": "deadlines",
    "tick_mail": "mail", "mail_rows": "mail",
}  # fmt: skip
QUEUES = tuple(dict.fromkeys(ROUTES.values()))
# How often beat rings, in seconds. A bell nobody heard in that time is thrown away: the next one says the same.
TICKS: Mapping[str, float] = {
    "tick_seal": 2.0, "tick_relay": 5.0, "tick_mail": 5.0, "tick_deadlines": 30.0, "tick_news": 60.0, "tick_tidy": 30.0,
    "canary": 60.0,
}  # fmt: skip


def _configuration() -> dict[str, Any]:
    """Read when Celery first needs it, so that importing this module reads no environment."""
    settings = configuration.load()
    return {
        "broker_url": broker(settings), "task_ignore_result": True, "result_expires": None,
        "broker_connection_retry_on_startup": True,
        "broker_transport_options": {"visibility_timeout": 3600, "socket_connect_timeout": 5, "socket_timeout": 30},
        "task_serializer": "json", "result_serializer": "json", "accept_content": ["json"],
        "task_acks_late": True, "worker_prefetch_multiplier": 1, "task_time_limit": 300,
        "task_queues": {name: {} for name in QUEUES}, "task_default_queue": "relay",
        "task_create_missing_queues": False, "worker_enable_remote_control": False, "worker_send_task_events": False,
        "worker_hijack_root_logger": False, "enable_utc": True, "timezone": "UTC", "include": ["workers.tasks"],
        "beat_scheduler": "workers.beat:LeasedScheduler", "beat_max_loop_interval": 5,
        "task_routes": {name: {"queue": queue} for name, queue in ROUTES.items()},
        "beat_schedule": {
            name: {"task": name, "schedule": every, "options": {"expires": every}} for name, every in TICKS.items()
        },
    }  # fmt: skip


def broker(settings: configuration.Settings) -> str:
    """The address of Redis. Raises Unavailable when there is none, or when SQLite leaves no room for workers."""
    if not settings.redis_url:
        raise Unavailable(
            "no Redis configured", say="没有配置 DECISIONFLOW_REDIS_URL；不用 Redis 时后台任务在单个进程内运行"
        )
    if settings.database_url.startswith("sqlite"):
        say = (
            "SQLite 只能由一个进程写入，不能另开后台进程；请使用内置后台（DECISIONFLOW_EMBEDDED=yes）或改用 PostgreSQL"
        )
        raise Unavailable("workers need PostgreSQL", say=say)
    return settings.redis_url


app = Celery("decisionflow")
app.add_defaults(_configuration)


def task(function: Callable[P, R]) -> Callable[P, R]:
    """A task, named as its function; its queue stands in ROUTES."""
    return cast("Callable[P, R]", app.task(name=function.__name__)(function))


def ring(name: str, seconds: float, **keys: object) -> None:
    """Send a doorbell that is thrown away when nobody opens in time."""
    app.send_task(name, kwargs=keys, expires=seconds)


def is_full(name: str) -> bool:
    """Whether so many bells hang there that one more says nothing new: without a worker they would fill Redis."""
    with app.pool.acquire(block=True) as connection:
        try:
            waiting: int = connection.default_channel.queue_declare(ROUTES[name], passive=True).message_count
        except connection.channel_errors:  # no such list: nothing waits
            return False
    return waiting >= FULL


# ---- the installation, opened once in each process when the first task wants it ------------------------


class _Held:
    """What a process holds open; a forked child begins with nothing of its parent's."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.stack = ExitStack()
        self.site: Site | None = None
        self.process = 0


_held = _Held()


def site() -> Site:
    """The installation of this process. Raises Unavailable."""
    with _held.lock:
        if _held.site is None or _held.process != os.getpid():
            _held.stack = ExitStack()
            _held.site = _held.stack.enter_context(sites.opened(configuration.load()))
            _held.process = os.getpid()
        return _held.site


@worker_process_shutdown.connect  # type: ignore[untyped-decorator]
@worker_shutdown.connect  # type: ignore[untyped-decorator]
def close_site(**_: object) -> None:
    """Close what this process opened."""
    with _held.lock:
        if _held.site is not None and _held.process == os.getpid():
            _held.stack.close()
            _held.site = None


@setup_logging.connect  # type: ignore[untyped-decorator]
def _logging(**_: object) -> None:
    logs.configure()
