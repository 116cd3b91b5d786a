"""What the pages that anybody may open share in one process: copies of pages, brakes, and which opinions read alike.

A copy belongs to what a page shows (`mark`: the head of its case), to the day, and to the size of letters; so whatever
changes a case is seen at once, and only the number of opinions may lag by the minute that a copy lives. A burst of
readers costs one look at the mark each. Whoever is signed in gets the same page as everybody.
"""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from fastapi import Request
from fastapi.responses import Response

from decisionflow.core.facts import SHANGHAI, legal_date
from decisionflow.service.nearby import Neighbours
from decisionflow.web import doors
from decisionflow.web.brakes import Brake, Limit

MINUTE = timedelta(seconds=60)
COPIES = 256
LARGEST = 512 * 1024
SMALLEST_ZIPPED = 1024


@dataclass(frozen=True, slots=True)
class Copy:
    """A page as it was made, plain and zipped, with the tag by which a reader asks whether it has changed."""

    body: bytes
    zipped: bytes
    type: str
    tag: str
    at: datetime


class Copies:
    """The pages made last, each for a minute."""

    def __init__(self) -> None:
        self._held: OrderedDict[Hashable, Copy] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, now: datetime) -> Copy | None:
        with self._lock:
            found = self._held.get(key)
            if found is None or not timedelta() <= now - found.at < MINUTE:
                return None
            self._held.move_to_end(key)
            return found

    def put(self, key: Hashable, copy: Copy) -> None:
        with self._lock:
            self._held[key] = copy
            self._held.move_to_end(key)
            while len(self._held) > COPIES:
                self._held.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Portal:
    """What one process keeps for the pages that anybody may open; `guessing` counts by source and name."""

    copies: Copies = field(default_factory=Copies)
    near: Neighbours = field(default_factory=Neighbours)
    sending: Brake = field(default_factory=lambda: Brake(Limit(30, 60), Limit(300, 3540)))
    asking: Brake = field(default_factory=lambda: Brake(Limit(20, 60), Limit(120, 3540)))
    checking: Brake = field(default_factory=lambda: Brake(Limit(10, 60), Limit(60, 3540)))
    subscribing: Brake = field(default_factory=lambda: Brake(Limit(5, 60), Limit(20, 3540)))
    entering: Brake = field(default_factory=lambda: Brake(Limit(30, 60)))
    guessing: Brake = field(default_factory=lambda: Brake(Limit(10, 60)))


def of(visit: doors.Visit) -> Portal:
    """The portal of the application that was asked."""
    found: Portal = visit.request.app.state.portal
    return found


def address(request: Request) -> str:
    """Where a request comes from; behind a proxy that the settings name, what that proxy says."""
    return request.client.host if request.client else "?"


def kept(
    visit: doors.Visit, asked: Hashable, mark: Hashable, make: Callable[[doors.Visit], Response]
) -> Response:  # fmt: skip
    """The page that `make` gives to anybody, from a copy where there is one. `asked` is what of the address matters."""
    copies, today = of(visit).copies, legal_date(visit.now)
    key = (visit.request.url.path, asked, mark, visit.mode, today)
    found = copies.get(key, visit.now)
    if found is None:
        made = make(doors.anybody(visit))
        found = _copy(bytes(made.body), made.headers["content-type"], visit.now)
        if len(found.body) <= LARGEST:
            copies.put(key, found)
    return _answer(visit, found)


def _copy(body: bytes, kind: str, now: datetime) -> Copy:
    zipped = gzip.compress(body, 6, mtime=0) if len(body) >= SMALLEST_ZIPPED else b""
    return Copy(body, zipped, kind, f'W/"{hashlib.sha256(body).hexdigest()[:32]}"', now)


def _answer(visit: doors.Visit, found: Copy) -> Response:
    midnight = datetime.combine(legal_date(visit.now) + timedelta(days=1), time(), SHANGHAI)
    left = min(MINUTE, midnight - visit.now, found.at + MINUTE - visit.now)
    headers = {
        "etag": found.tag, "cache-control": f"public, max-age={max(0, int(left.total_seconds()))}",
        "vary": "Cookie, Accept-Encoding",
    }  # fmt: skip
    if found.tag in visit.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if found.zipped and "gzip" in visit.request.headers.get("accept-encoding", ""):
        return Response(found.zipped, headers={**headers, "content-type": found.type, "content-encoding": "gzip"})
    return Response(found.body, headers={**headers, "content-type": found.type})
