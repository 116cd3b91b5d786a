"""Beat with a leader: of any number of beats, the one that holds the lease rings.

The lease lies in the database like everything else. Two beats that both ring for a moment do no harm;
none ringing is seen by the fallback in the workers, which then sweep by themselves.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any

from celery.beat import Scheduler

from decisionflow.errors import DecisionflowError
from decisionflow.service import leases, loops
from workers import app as house

LEASE = timedelta(seconds=15)
RENEW = 5.0
log = logging.getLogger("workers.beat")


class LeasedScheduler(Scheduler):  # type: ignore[misc]
    """Celery's in-memory scheduler, silent unless this process is the leader."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.who = loops.whoami()
        self.leads = False
        self._renew_at = 0.0
        self._unheard: dict[str, Any] = {}
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """One step of the schedule, or a wait for the lease."""
        if time.monotonic() >= self._renew_at:
            self._renew_at = time.monotonic() + RENEW
            self._renew()
            if self.leads:
                self._ring_again()
        if not self.leads:
            return 1.0
        wait: float = super().tick(*args, **kwargs)
        return min(wait, 1.0)

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Ring, unless nobody has answered for long. A bell the broker did not take is rung again in seconds."""
        try:
            if not house.is_full(entry.task):
                self.apply_async(entry, producer=producer, advance=False)
        except Exception as fault:  # whatever the broker's client raises
            log.warning("not rung: %s", fault, extra={"action": "ring-failed", "task": entry.task})
            self._unheard[entry.name] = entry

    def close(self) -> None:
        """Stop, and let the next beat lead at once."""
        super().close()
        if self.leads:
            self.leads = False
            try:
                site = house.site()
                at = loops.now(site)
                site.store.write(lambda tx: leases.release(tx, "beat", self.who, at))
            except DecisionflowError as fault:
                log.warning("lease runs out by itself: %s", fault, extra={"action": "release"})

    def _renew(self) -> None:
        try:
            site = house.site()
            at = loops.now(site)
            leads = site.store.write(lambda tx: leases.claim(tx, "beat", self.who, at, LEASE)) is not None
        except DecisionflowError as fault:
            log.warning("cannot renew the lease: %s", fault, extra={"action": "lease-failed"})
            leads = False
        if leads != self.leads:
            log.info("beat %s", "leads" if leads else "follows", extra={"action": "lead", "leads": leads})
        if leads and not self.leads:
            self._ring_all()
        self.leads = leads

    def _ring_again(self) -> None:
        """What could not be rung a moment ago does not wait for its whole interval."""
        unheard, self._unheard = self._unheard, {}
        for entry in unheard.values():
            self.apply_entry(entry)

    def _ring_all(self) -> None:
        """A new leader rings for everything at once: nobody may have rung for a while."""
        for entry in self.schedule.values():
            entry.last_run_at -= timedelta(days=1)
        self._heap = None
