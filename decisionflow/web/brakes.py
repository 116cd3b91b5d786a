"""Limits on what one source may send to the public pages, and on guessing passwords. They slow a flood, and decide nothing.

A source is an address (of IPv6 its /64, of which one household has all), kept as a hash with a key that is made when
the process starts and written nowhere. It is gone within the hour after the last thing that came, whoever comes next.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

KEPT = 3540.0  # with the time until the next sweep, no longer than an hour
SWEEP = 60.0


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` in `seconds`, which may not be more than KEPT."""

    count: int
    seconds: float


class Brake:
    """Counts what comes from each source, in this process."""

    def __init__(self, *limits: Limit, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._seen: dict[bytes, deque[float]] = {}
        self._lock = threading.Lock()
        self._sweeper: threading.Timer | None = None

    def hit(self, address: str, of: str = "") -> int:
        """Count one from this address (`of` something): 0, or if it is one too many, in how many seconds to come again."""
        now, name = self._clock(), self._name(address, of)
        with self._lock:
            times = self._seen.setdefault(name, deque())
            while times and times[0] <= now - KEPT:
                times.popleft()
            wait = max(self._waits(times, now), default=0.0)
            if wait <= 0:
                times.append(now)
            self._sweep_later()
        return math.ceil(wait)

    def forget(self) -> int:
        """Throw away every source from which nothing came for long; how many are left."""
        now = self._clock()
        with self._lock:
            self._seen = {name: times for name, times in self._seen.items() if times and times[-1] > now - KEPT}
            return len(self._seen)

    def _waits(self, times: Sequence[float], now: float) -> list[float]:
        """For each limit that is reached, how long until its oldest is out of the window."""
        return [
            times[-limit.count] + limit.seconds - now
            for limit in self.limits
            if len(times) >= limit.count and times[-limit.count] > now - limit.seconds
        ]

    def _name(self, address: str, of: str = "") -> bytes:
        return hashlib.blake2b(f"{source(address)}\n{of}".encode(), key=self._key, digest_size=16).digest()

    def _sweep_later(self) -> None:
        if self._sweeper is None:
            self._sweeper = threading.Timer(SWEEP, self._sweep)
            self._sweeper.daemon = True
            self._sweeper.start()

    def _sweep(self) -> None:
        left = self.forget()
        with self._lock:
            self._sweeper = None
            if left:
                self._sweep_later()


def source(address: str) -> str:
    """What counts as one source: an IPv4 address, the /64 of an IPv6 address, or the words themselves."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
