"""Background work: the sweeps, each a plain function, and the one thread that runs them when embedded.

    seal     give committed entries their place in the log, and sign it      one sealer a government, by lease
    remind   weigh the rungs of clocks that have come due
    relay    tell persons of acts and rungs, in the system
    news     each morning, what is new for those of the public who asked to be told
    mail     send what also goes out by mail
    tidy     give back what a courier left lying, give up what is past its time

The database says what is to be done; a sweep may run anywhere, at any time, twice at once, or be killed:
the next one goes on. This file is the door of the embedded thread, so it reads the clock and logs. On
PostgreSQL the database's clock decides, so that machines need not agree on the time.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import func, select, text

from decisionflow.errors import DecisionflowError
from decisionflow.service import authorities, deadlines, delivery, leases, outbox, sealing, subscriptions
from decisionflow.service import relay as relaying
from decisionflow.service import site as sites
from decisionflow.service.outbox import Key
from decisionflow.service.site import Site, wall_clock
from decisionflow.store.engine import Tx
from decisionflow.store.records import Rows
from decisionflow.store.tables.infrastructure import Heartbeat
from decisionflow.store.tables.trail import TrailLeaf

JOBS = ("seal", "remind", "relay", "news", "mail", "tidy")
LEASE = timedelta(seconds=15)
KEEP = 4.0
TIDY = 30.0
LONGEST_PAUSE = 60.0
ROUNDS = 1000
log = logging.getLogger("decisionflow.loops")
chance = secrets.SystemRandom().random
_LEAVES = TrailLeaf.__table__  # type: ignore[attr-defined]
_BEATS = Heartbeat.__table__  # type: ignore[attr-defined]
_UNSEALED = text("""
    select a.id from authority a
    where exists (select 1 from trail_unsealed u where u.authority_id = a.id) order by a.id
""")


class Batch(Protocol):
    """What one batch of a sweep came to."""

    @property
    def total(self) -> int: ...

    @property
    def more(self) -> bool: ...

    @property
    def faults(self) -> tuple[str, ...]: ...


def whoami() -> str:
    """A name for this process in leases: host, process, and a part that is never used again."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def now(site: Site) -> datetime:
    """The instant by the database's clock on PostgreSQL, by the site's clock otherwise."""
    if site.store.dialect != "postgresql" or site.clock is not wall_clock:
        return site.clock()
    with site.store.read() as connection:
        at: datetime = connection.execute(text("select clock_timestamp()")).scalar_one()
        return at


# ---- the sweeps: one batch each ------------------------------------------------------------------------


def seal(site: Site, authority: str, who: str) -> int | None:
    """Give every waiting entry its place, then sign; how many. None while somebody else is the sealer.

    Raises SealStopped, SignerRefused, or Unavailable when the key is not here.
    """
    signer, total = site.signer(authority), 0
    while True:
        at = now(site)
        done = site.store.write(lambda tx, at=at: _integrate(tx, authority, who, at))  # type: ignore[misc]
        if done is None:
            return None
        total += done
        if done < sealing.BATCH:
            break
    if total or is_unsigned(site, authority):
        sealing.note(site.store, authority, signer, now(site))
    return total


def _integrate(tx: Tx, authority: str, who: str, at: datetime) -> int | None:
    """A batch under the lease, which the same transaction takes or prolongs."""
    if leases.claim(tx, f"seal:{authority}", who, at, LEASE) is None:
        return None
    return sealing.integrate(tx, authority)


def is_unsigned(site: Site, authority: str) -> bool:
    """Whether entries have places that no signed head covers: a sealer died between the two."""
    with site.store.read() as connection:
        last = connection.execute(select(func.max(_LEAVES.c.position)).where(_LEAVES.c.authority_id == authority))
        top, head = last.scalar(), sealing.latest(connection, authority)
    return top is not None and (head is None or head.size <= top)


def remind(site: Site, only: Sequence[deadlines.Key] = ()) -> deadlines.Swept:
    """One batch of due rungs."""
    return deadlines.sweep(site.store, now(site), mail=bool(site.settings.mail.host), only=only)


def relay(site: Site, only: Sequence[Key] = ()) -> relaying.Relayed:
    """One batch of acts and notices."""
    return relaying.sweep(site.store, now(site), chance(), mail=bool(site.settings.mail.host), only=only)


def mail(
    site: Site, who: str, only: Sequence[Key] = (), between: Callable[[], bool] = lambda: True
) -> delivery.Delivered:  # fmt: skip
    """One batch of mails; nothing when no mail server is configured."""
    settings = site.settings
    if not settings.mail.host:
        return delivery.Delivered()
    return delivery.deliver(
        site.store, settings.mail, settings.public_url, who, lambda: now(site), chance, only=only, between=between
    )  # fmt: skip


def tidy(site: Site) -> tuple[int, int]:
    """Leases run out and rows past their time: how many of each. Addresses that nobody needs any more are forgotten."""
    at = now(site)
    return site.store.write(lambda tx: _tidy(tx, at))


def _tidy(tx: Tx, at: datetime) -> tuple[int, int]:
    done = outbox.tidy(tx, at)
    subscriptions.tidy(tx, at)
    return done


def news(site: Site) -> subscriptions.Told:
    """One batch of letters to readers; nothing when no mail server is configured."""
    return subscriptions.sweep(site.store, now(site)) if site.settings.mail.host else subscriptions.Told()


def beat(site: Site, names: Iterable[str], faults: Iterable[tuple[str, str]] = ()) -> None:
    """Say of these loops that they completed a round, and of those (``fault:<name>``) what is wrong."""
    at = now(site)
    rows = [{"name": name, "at": at, "detail": ""} for name in names]
    rows += [{"name": f"fault:{name}", "at": at, "detail": say} for name, say in faults]
    if rows:
        site.store.write(lambda tx: tx.put(Rows("heartbeat", rows)))


def drain(name: str, batch: Callable[[], Batch]) -> int:
    """Run a sweep until there is nothing left for it, or its server is away; how many rows."""
    total = 0
    for _ in range(ROUNDS):
        done = batch()
        report(name, done.faults)
        total += done.total
        if not done.more:
            break
    return total


def report(name: str, faults: Sequence[str]) -> None:
    """A line for each thing that was put off."""
    for fault in faults:
        log.warning("put off: %s", fault, extra={"action": "put-off", "loop": name})


def once(site: Site, jobs: Iterable[str] = JOBS) -> dict[str, int]:
    """Every sweep once, to its end; how much each did. Work of others is left to them."""
    wanted, who, done = set(jobs), whoami(), {}
    if "tidy" in wanted:
        done["tidy"] = sum(tidy(site))
    if "remind" in wanted:
        done["remind"] = drain("remind", lambda: remind(site))
    if "relay" in wanted:
        done["relay"] = drain("relay", lambda: relay(site))
    if "news" in wanted:
        done["news"] = drain("news", lambda: news(site))
    if "mail" in wanted:
        done["mail"] = drain("mail", lambda: mail(site, who))
    if "seal" in wanted:
        done["seal"] = sum(seal_once(site, one, who) for one in sealable(site))
    beat(site, [name for name in done if name != "seal"])
    return done


def seal_once(site: Site, authority: str, who: str) -> int:
    """Seal as the only sealer and let the lease go again; how many entries."""
    done = seal(site, authority, who)
    if done is None:
        return 0
    beat(site, [f"seal:{authority}"])
    at = now(site)
    site.store.write(lambda tx: leases.release(tx, f"seal:{authority}", who, at))
    return done


def sealable(site: Site) -> list[str]:
    """The governments whose key is here; what may be wrong with it, sealing says."""
    with site.store.read() as connection:
        known = authorities.everyone(connection)
    return [one.id for one in known if _has_key(site, one.id)]


def _has_key(site: Site, authority: str) -> bool:
    try:
        return sites.key_paths(site.settings, authority)[0].is_file()
    except OSError:
        return False


# ---- the embedded thread -------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Job:
    """A sweep and when it is due; a failing one comes back after a growing pause."""

    name: str
    every: float
    run: Callable[[], bool]
    due: float = 0.0
    pause: float = 0.0
    more: bool = False
    fault: str = ""


class Embedded:
    """The sweeps in one thread of this process.

    Several of them may be started on one database: sealing is done by whoever holds the lease of the
    government, the rest by whoever holds that of the loops. With `standby` (seconds) the rest is left
    alone as long as somebody else's heartbeat is younger: the fallback beside Celery.
    """

    def __init__(
        self, site: Site, *, jobs: Iterable[str] = JOBS, linger: float = 0.2, every: float = 5.0, standby: float = 0.0
    ) -> None:  # fmt: skip
        self.site, self.linger, self.every, self.standby = site, linger, every, standby
        self.who = whoami()
        self._wanted = frozenset(jobs)
        self._leads = False
        self._beats: set[str] = set()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._seals: dict[str, _Job] = {}
        self._keep = _Job("keep", KEEP, self._renew)
        self._look = _Job("look", 0.0, self._look_for_entries)
        self._jobs = [
            job
            for job in (_Job("remind", every, self._remind), _Job("relay", every, self._relay),
                        _Job("news", max(TIDY, every), self._news), _Job("mail", every, self._mail),
                        _Job("tidy", max(TIDY, every), self._tidy))
            if job.name in self._wanted
        ]  # fmt: skip

    def start(self) -> None:
        """Begin, unless it is running already."""
        if self._thread is None or not self._thread.is_alive():
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="background", daemon=True)
            self._thread.start()

    def stop(self, timeout: float = 30.0) -> None:
        """Finish the batch under way and let the leases go."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout)

    @property
    def faults(self) -> dict[str, str]:
        """What is failing now, by the name of the loop."""
        every = (self._keep, self._look, *self._jobs, *self._seals.values())
        return {job.name: job.fault for job in every if job.fault}

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._tend()
            for job in self._jobs:
                if self._leads and not self._stopping.is_set() and job.due <= time.monotonic() and self._is_mine(job):
                    self._do(job)
            self._stopping.wait(self.linger)
        self._release()

    def _do(self, job: _Job) -> None:
        """Run a job if it is due; whatever happens, the thread lives on and says what happened."""
        if job.due > time.monotonic():
            return
        try:
            job.more = job.run()
        except Exception as fault:
            job.more = False
            job.pause = min(LONGEST_PAUSE, max(1.0, job.pause * 2))
            job.due = time.monotonic() + job.pause
            job.fault = fault.say if isinstance(fault, DecisionflowError) else f"{type(fault).__name__}: {fault}"
            known = isinstance(fault, DecisionflowError)
            log.error("%s failed: %s", job.name, fault, exc_info=None if known else fault,
                      extra={"action": "loop-failed", "loop": job.name, "again_in": job.pause})  # fmt: skip
            return
        job.pause, job.fault = 0.0, ""
        job.due = time.monotonic() + (0.0 if job.more else job.every)
        if job in self._jobs:
            self._beats.add(job.name)

    # What the jobs do; True when there is more to do at once.

    def _renew(self) -> bool:
        """Take or prolong the leases, and write the heartbeats, in one transaction."""
        keys = sealable(self.site) if "seal" in self._wanted else []
        at = now(self.site)
        held, leads = self.site.store.write(lambda tx: self._claims(tx, keys, at))
        self._beats, fresh = set(), held - self._seals.keys()
        for name in fresh:
            self._seals[name] = _Job(f"seal:{name}", self.linger, lambda one=name: self._seal(one))  # type: ignore[misc]
        for name in self._seals.keys() - held:
            del self._seals[name]
        self._leads = leads
        return bool(fresh)  # whoever waits for a seal wants to hear at once that there is a sealer again

    def _claims(self, tx: Tx, keys: Sequence[str], at: datetime) -> tuple[set[str], bool]:
        held = {name for name in keys if leases.claim(tx, f"seal:{name}", self.who, at, LEASE)}
        leads = bool(self._jobs) and leases.claim(tx, "loops", self.who, at, LEASE) is not None
        healthy = {f"seal:{name}" for name in held if name in self._seals and not self._seals[name].fault}
        rows = [{"name": name, "at": at, "detail": ""} for name in (self._beats | healthy) - set(self.faults)]
        rows += [{"name": f"fault:{name}", "at": at, "detail": say[:500]} for name, say in self.faults.items()]
        tx.put(Rows("heartbeat", rows))
        return held, leads

    def _tend(self) -> bool:
        """What may not wait for a batch to end: leases, heartbeats, seals. Whether to go on with the batch."""
        self._do(self._keep)
        self._do(self._look)
        return not self._stopping.is_set()

    def _look_for_entries(self) -> bool:
        """Seal wherever entries wait, or a seal has failed, or nobody has looked since we hold the lease."""
        due = [job for job in self._seals.values() if job.due <= time.monotonic()]
        if due:
            with self.site.store.read() as connection:
                waiting = {f"seal:{name}" for name in connection.execute(_UNSEALED).scalars()}
            for job in due:
                if job.name in waiting or job.pause or not job.due:
                    self._do(job)
        return True

    def _seal(self, authority: str) -> bool:
        seal(self.site, authority, self.who)
        return False

    def _remind(self) -> bool:
        done = remind(self.site)
        report("remind", done.faults)
        return done.more

    def _relay(self) -> bool:
        done = relay(self.site)
        report("relay", done.faults)
        return done.more

    def _news(self) -> bool:
        done = news(self.site)
        report("news", done.faults)
        return done.more

    def _mail(self) -> bool:
        done = mail(self.site, self.who, between=self._tend)
        report("mail", done.faults)
        if done.away:
            raise delivery.Away(done.away, say=f"邮件服务器暂时不可用：{done.away}")
        return done.more

    def _tidy(self) -> bool:
        tidy(self.site)
        return False

    def _is_mine(self, job: _Job) -> bool:
        """Whether nobody else has done this lately; asked only when we are the fallback."""
        if not self.standby or job.more:
            return True
        job.due = time.monotonic() + min(self.standby, self.every)
        try:
            with self.site.store.read() as connection:
                at = connection.execute(select(_BEATS.c.at).where(_BEATS.c.name == job.name)).scalar()
            if at is not None and now(self.site) - at < timedelta(seconds=self.standby):
                return False
        except DecisionflowError:
            return False
        job.due = 0.0
        return True

    def _release(self) -> None:
        names = [*(f"seal:{name}" for name in self._seals), *(["loops"] if self._leads else [])]
        try:
            at = now(self.site)
            self.site.store.write(lambda tx: self._let_go(tx, names, at))
        except Exception as fault:
            log.warning("leases run out by themselves: %s", fault, extra={"action": "release"})
        self._seals, self._leads = {}, False

    def _let_go(self, tx: Tx, names: Sequence[str], at: datetime) -> None:
        for name in names:
            leases.release(tx, name, self.who, at)
