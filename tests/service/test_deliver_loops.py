"""The embedded thread does all background work alone, survives what goes wrong, and stops when told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from decisionflow.service import leases, loops, sealing
from decisionflow.service import site as sites
from decisionflow.store.engine import Store
from tests.services import Mailbox
from tests.workers.yard import MORNING, Yard, at_once, on_sqlite, surly, until, yard

NOW = datetime(2024, 4, 1, tzinfo=UTC)
SPAN = timedelta(seconds=15)


# ---- leases


def claim(store: Store, owner: str, now: datetime, name: str = "x") -> leases.Lease | None:
    return store.write(lambda tx: leases.claim(tx, name, owner, now, SPAN))


def test_a_lease_has_one_holder_until_it_runs_out(store: Store) -> None:
    first = claim(store, "a", NOW)
    assert first is not None
    assert (first.until, first.fence) == (NOW + SPAN, 1)
    assert claim(store, "b", NOW + SPAN / 2) is None
    again = claim(store, "a", NOW + SPAN / 2)
    assert again is not None
    assert (again.until, again.fence) == (NOW + SPAN * 1.5, 1)
    assert claim(store, "b", NOW + SPAN) is None
    heir = claim(store, "b", NOW + SPAN * 1.5)
    assert heir is not None
    assert heir.fence == 2
    assert claim(store, "a", NOW + SPAN * 1.5) is None


def test_of_many_who_claim_at_once_one_wins(store: Store) -> None:
    won = at_once(*(lambda owner=f"o{n}": claim(store, owner, NOW) for n in range(8)))
    assert sum(one is not None for one in won) == 1


def test_a_lease_let_go_is_free_at_once_but_only_its_holder_can_let_it_go(store: Store) -> None:
    claim(store, "a", NOW)
    store.write(lambda tx: leases.release(tx, "x", "b", NOW))
    assert claim(store, "b", NOW) is None
    store.write(lambda tx: leases.release(tx, "x", "a", NOW))
    heir = claim(store, "b", NOW)
    assert heir is not None
    assert heir.fence == 2


# ---- the thread


@contextmanager
def running(place: Yard, **options: float) -> Iterator[loops.Embedded]:
    thread = loops.Embedded(place.site, **{"linger": 0.02, "every": 0.1} | options)  # type: ignore[arg-type]
    thread.start()
    try:
        yield thread
    finally:
        thread.stop()


def renewed(thread: loops.Embedded) -> bool:
    """Its leases and heartbeats are as of the office's clock, which has jumped."""
    thread._keep.due = 0.0
    return until(lambda: thread._keep.due > 0)


def test_it_seals_reminds_relays_and_mails_with_no_broker_anywhere(
    store: Store, tmp_path: Path, mailbox: Mailbox
) -> None:
    place = yard(store, tmp_path, mailbox)
    settings = replace(place.site.settings, redis_url="redis://127.0.0.1:1/0")  # nobody listens there
    place.site = sites.Site(settings, store, place.site.clock)
    place.reachable("lead")
    place.decided()
    place.at(MORNING)
    with running(place) as thread:
        assert until(lambda: len(mailbox.deliveries) == 2 and place.notices("lead", "reminder"))
        assert until(lambda: place.rows("select 1 from trail_unsealed") == [])
        place.work.do("lead", "finish")
        entry = getattr(place.work.last, "entry", "")

        assert renewed(thread)
        assert sealing.await_seal(store, "yunhe", entry, place.site.clock)

    beats = {row.name for row in place.rows("select name from heartbeat")}
    assert beats >= {"seal:yunhe"}
    assert len(place.notices("lead", "reminder")) == 1
    (head,) = place.rows("select max(size) as size from trail_checkpoint")
    assert head.size == place.rows("select count(*) as n from trail_entry")[0].n


def test_of_several_threads_one_seals_and_stopping_hands_over_at_once(store: Store, tmp_path: Path) -> None:
    place = yard(store, tmp_path)
    with running(place) as first:
        assert until(lambda: place.rows("select 1 from trail_unsealed") == [])
        with running(place) as second:
            holders = {row.name: row.owner for row in place.rows("select name, owner from lease")}
            assert holders == {"seal:yunhe": first.who, "loops": first.who}
            first.stop()
            assert renewed(second)
            assert until(lambda: {row.owner for row in place.rows("select owner from lease")} == {second.who}, 5)


@on_sqlite
def test_a_failing_loop_says_so_and_the_others_go_on(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = yard(store, tmp_path)
    place.decided()
    place.at(MORNING)
    store.write(lambda tx: tx.execute(text("alter table outbox rename to elsewhere")))
    with caplog.at_level(logging.ERROR), running(place) as thread:
        assert until(lambda: "relay" in thread.faults)
        assert until(lambda: place.rows("select 1 from trail_unsealed") == [])
        assert renewed(thread)
        assert until(lambda: place.rows("select detail from heartbeat where name = 'fault:relay'"))
        assert place.rows("select 1 from heartbeat where name = 'relay'") == []
        assert not until(lambda: len(caplog.records) > 3, 0.5)

        store.write(lambda tx: tx.execute(text("alter table elsewhere rename to outbox")))
        assert until(lambda: place.notices("lead"))
        assert "relay" not in thread.faults

    failures = [line for line in caplog.records if getattr(line, "action", "") == "loop-failed"]
    assert 1 <= len(failures) <= 3  # after a pause that grows, not as fast as it can


@on_sqlite
def test_a_damaged_entry_stops_the_sealer_and_nothing_else(store: Store, tmp_path: Path) -> None:
    place = yard(store, tmp_path)
    store.write(lambda tx: tx.execute(text("drop trigger trail_entry_no_update")))
    place.decided()
    store.write(
        lambda tx: tx.execute(
            text("update trail_entry set data = cast(data || x'0a' as blob) where kind = 'calendar.published'")
        )
    )
    with running(place) as thread:
        assert until(lambda: thread.faults.get("seal:yunhe", "").find("不符") > 0)
        assert until(lambda: place.notices("lead"))
        assert renewed(thread)
        assert until(lambda: place.rows("select 1 from heartbeat where name = 'fault:seal:yunhe'"))

    with store.read() as connection:
        assert not sealing.is_beating(connection, "seal:yunhe", place.work.now)
    assert place.rows("select 1 from trail_checkpoint") == []


@on_sqlite
def test_what_a_dead_sealer_left_unsigned_is_signed(store: Store, tmp_path: Path) -> None:
    place = yard(store, tmp_path)
    while store.write(lambda tx: sealing.integrate(tx, "yunhe")):
        pass  # and here the sealer dies, before signing
    assert loops.is_unsigned(place.site, "yunhe")

    assert loops.once(place.site, ["seal"]) == {"seal": 0}

    assert not loops.is_unsigned(place.site, "yunhe")


def test_while_another_holds_the_lease_nothing_is_sealed(store: Store, tmp_path: Path) -> None:
    place = yard(store, tmp_path)
    claim(store, "another", place.work.now, "seal:yunhe")

    assert loops.seal(place.site, "yunhe", "me") is None
    assert loops.once(place.site, ["seal"]) == {"seal": 0}
    assert place.rows("select 1 from trail_leaf") == []
    place.pass_(SPAN)
    assert loops.once(place.site, ["seal"])["seal"] > 50


@on_sqlite
def test_a_signer_without_its_memory_is_a_fault_that_is_seen(store: Store, tmp_path: Path) -> None:
    place = yard(store, tmp_path)
    (tmp_path / "keys" / "yunhe.state").unlink()
    with running(place) as thread:
        assert until(lambda: "状态文件不存在" in thread.faults.get("seal:yunhe", ""))


@on_sqlite
def test_mail_in_a_slow_office_delays_no_seal(store: Store, tmp_path: Path) -> None:
    place = yard(store, tmp_path)
    with surly(slow=0.3) as box:
        place.sending_to(box).reachable("lead")
        place.post("lead", 20)
        with running(place) as thread:
            assert until(lambda: len(box.deliveries) > 1)
            place.decided()
            entry = getattr(place.work.last, "entry", "")
            assert renewed(thread)
            assert sealing.await_seal(store, "yunhe", entry, place.site.clock, 2.0)
        assert len(box.deliveries) < 20  # and it stopped when told, not when all were sent
    assert place.outbox().count("leased") == 0


@on_sqlite
def test_the_fallback_works_only_when_nobody_else_has_lately(store: Store, tmp_path: Path) -> None:
    place = yard(store, tmp_path)
    place.decided()
    loops.beat(place.site, ["relay", "remind", "mail", "tidy"])
    with running(place, standby=60.0) as thread:
        assert not until(lambda: place.notices("lead"), 0.5)
        place.pass_(timedelta(seconds=60))
        for job in thread._jobs:
            job.due = 0.0
        assert until(lambda: place.notices("lead"))


@on_sqlite
def test_a_new_sealer_is_heard_of_at_once(store: Store, tmp_path: Path) -> None:
    place = yard(store, tmp_path)
    with running(place):
        assert until(lambda: place.rows("select 1 from heartbeat where name = 'seal:yunhe'"), 2)


@on_sqlite
def test_it_starts_once_and_stops_when_told(store: Store, tmp_path: Path) -> None:
    place = yard(store, tmp_path)
    thread = loops.Embedded(place.site, linger=0.02)
    thread.start()
    first = thread._thread
    thread.start()
    assert thread._thread is first
    thread.stop()
    assert first is not None
    assert not first.is_alive()
    thread.start()
    assert thread._thread is not first
    thread.stop()


@on_sqlite
def test_a_government_whose_key_lies_elsewhere_is_left_alone(store: Store, tmp_path: Path) -> None:
    place = yard(store, tmp_path)
    (tmp_path / "keys" / "yunhe.key").unlink()

    assert loops.sealable(place.site) == []
    assert loops.once(place.site)["seal"] == 0
    assert place.rows("select 1 from lease") == []


def test_on_postgresql_the_databases_clock_decides(store: Store, tmp_path: Path) -> None:
    place = yard(store, tmp_path)
    assert loops.now(place.site) == place.work.now
    real = sites.Site(place.site.settings, store, sites.wall_clock)
    found = loops.now(real)
    assert found.tzinfo is not None
    assert abs(found - datetime.now(UTC)) < timedelta(seconds=5)
