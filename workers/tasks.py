"""The tasks: a tick looks what is due and rings for it in batches of keys; a batch is swept as anywhere else.

Arguments are row keys and nothing else. A key whose row is no longer due is passed over.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from decisionflow.service import deadlines, delivery, loops, outbox, relay
from workers.app import is_full, ring, site, task

AT_ONCE = 10_000
BATCH = 100
SECONDS = 200.0  # a slow mail server ends a batch before Celery's time limit would


def ring_for(name: str, seconds: float, keys: Sequence[object]) -> None:
    """Ring for these rows, a hundred at a time, unless more bells hang there than anybody answers."""
    if keys and not is_full(name):
        for n in range(0, len(keys), BATCH):
            ring(name, seconds, rows=keys[n : n + BATCH])


@task
def tick_relay(**_: Any) -> None:
    """Ring for every row of the outbox that stays in the house."""
    with site().store.read() as connection:
        keys = outbox.keys(connection, loops.now(site()), relay.CHANNELS, AT_ONCE)
    ring_for("relay_rows", 30, keys)
    loops.beat(site(), ["relay"])


@task
def relay_rows(*, rows: list[list[str]], **_: Any) -> None:
    """Relay these rows."""
    loops.report("relay", loops.relay(site(), [(one[0], one[1]) for one in rows]).faults)


@task
def tick_mail(**_: Any) -> None:
    """Ring for every mail that is due."""
    if site().settings.mail.host:
        with site().store.read() as connection:
            keys = outbox.keys(connection, loops.now(site()), delivery.CHANNELS, AT_ONCE)
        ring_for("mail_rows", 30, keys)
    loops.beat(site(), ["mail"])


@task
def mail_rows(*, rows: list[list[str]], **_: Any) -> None:
    """Send these mails."""
    end = time.monotonic() + SECONDS
    keys = [(one[0], one[1]) for one in rows]
    done = loops.mail(site(), loops.whoami(), keys, between=lambda: time.monotonic() < end)
    loops.report("mail", done.faults)


@task
def tick_deadlines(**_: Any) -> None:
    """Ring for every rung that has come due."""
    with site().store.read() as connection:
        keys = deadlines.keys(connection, loops.now(site()), AT_ONCE)
    ring_for("remind_rows", 60, keys)
    loops.beat(site(), ["remind"])


@task
def remind_rows(*, rows: list[list[Any]], **_: Any) -> None:
    """Weigh these rungs."""
    keys: list[deadlines.Key] = [(one[0], one[1], one[2], one[3], one[4]) for one in rows]
    loops.report("remind", loops.remind(site(), keys).faults)


@task
def tick_seal(**_: Any) -> None:
    """Seal for every government whose key is here, unless its sealer runs elsewhere."""
    who = loops.whoami()
    for authority in loops.sealable(site()):
        loops.seal_once(site(), authority, who)


@task
def tick_news(**_: Any) -> None:
    """Write this morning's letters; a batch is moved on in one transaction, so two of us write none twice."""
    loops.drain("news", lambda: loops.news(site()))
    loops.beat(site(), ["news"])


@task
def tick_tidy(**_: Any) -> None:
    """Give back what couriers left lying."""
    loops.tidy(site())
    loops.beat(site(), ["tidy"])


@task
def canary(**_: Any) -> None:
    """Show that messages still arrive and are worked on."""
    loops.beat(site(), ["celery"])
