"""Misses in a row of one name from one source: after some of them that source waits, and nobody else does.

A source is a browser that has signed in as this name before (it carries a sealed mark), else an address. So whoever guesses
at the chief's password shuts out themselves and never the chief. Names that do not exist are counted just the same.
"""

from __future__ import annotations

import math
import secrets
from datetime import datetime, timedelta

import orjson
from sqlalchemy import Connection, delete, select

from decisionflow.core.passwords import Profile
from decisionflow.service.lockbox import Lockbox
from decisionflow.store.engine import Tx
from decisionflow.store.records import Rows
from decisionflow.store.tables.signin import SignInMiss

_M = SignInMiss.__table__  # type: ignore[attr-defined]
KEPT = timedelta(days=1)


def device(box: Lockbox, login: str) -> str:
    """What a browser keeps after signing in as a name: it says that it did, and opens nothing."""
    return box.seal("device", orjson.dumps([login, secrets.token_urlsafe(12)]))


def source(box: Lockbox, login: str, carried: str, address: str) -> str:
    """Where an attempt at a name comes from: a browser known for this name, or an address."""
    opened = box.open("device", carried) if carried else None
    known = orjson.loads(opened) if opened else ["", ""]
    return f"device:{known[1]}" if known[0] == login else f"address:{address}"


def wait(connection: Connection, box: Lockbox, profile: Profile, login: str, source: str, now: datetime) -> int:
    """In how many seconds a source may try a name again; 0 for now."""
    row = connection.execute(select(_M).where(_M.c.mark == box.mark("miss", login, source))).mappings().first()
    if row is None or row["count"] < profile.tries:
        return 0
    left: timedelta = row["last_at"] + profile.closed - now
    return max(0, math.ceil(left.total_seconds()))


def miss(tx: Tx, box: Lockbox, profile: Profile, login: str, source: str, now: datetime) -> None:
    """Count a miss. What lies a day back is thrown away."""
    tx.execute(delete(_M).where(_M.c.last_at < now - KEPT))
    mark = box.mark("miss", login, source)
    row = tx.connection.execute(select(_M).where(_M.c.mark == mark)).mappings().first()
    count = row["count"] + 1 if row is not None and now - row["last_at"] < profile.closed else 1
    tx.put(Rows("sign_in_miss", [{"mark": mark, "count": count, "last_at": now}]))


def clear(tx: Tx, box: Lockbox, login: str, source: str) -> None:
    """The right password came: the row of misses is over."""
    tx.execute(delete(_M).where(_M.c.mark == box.mark("miss", login, source)))
