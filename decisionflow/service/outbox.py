"""The outbox: what is to be told, written in the transaction of the act that caused it.

    ready ──claim──▶ leased ──sent──▶ sent          mail: leaves the house, so it is leased while it is sent
      ▲ ▲              │ │
      │ └──too long────┘ └─fail─▶ ready, later; dead after 12 attempts, at once when it can never arrive
      └────settle──────────────▶ sent              notices: written in the transaction that settles the row

A row is chosen by its state, never by its place, so nothing can be skipped. The fence grows with each
claim; who comes back late with an old one changes nothing. Dead rows stay, for people to see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, TypeAlias

import orjson
from sqlalchemy import Connection, RowMapping, case, func, or_, select, tuple_, update

from decisionflow.core.facts import SHANGHAI
from decisionflow.service import steps
from decisionflow.store.engine import Tx
from decisionflow.store.tables.infrastructure import Outbox

Key: TypeAlias = tuple[str, str]
BATCH = 100
LEASE = timedelta(seconds=120)
ATTEMPTS = 12
FIRST, LONGEST = timedelta(minutes=1), timedelta(hours=6)
EVENING, MORNING = time(22), time(7)
_OUTBOX = Outbox.__table__  # type: ignore[attr-defined]
_KEY = tuple_(_OUTBOX.c.authority_id, _OUTBOX.c.id)


@dataclass(frozen=True, slots=True)
class Item:
    """A row as its courier sees it. `attempts` counts the one under way."""

    authority: str
    id: str
    dedup: str
    kind: str
    channel: str
    recipient: str
    payload: Mapping[str, Any]
    state: str
    attempts: int
    fence: int

    @property
    def key(self) -> Key:
        """What a task carries."""
        return self.authority, self.id


@dataclass(frozen=True, slots=True)
class Backlog:
    """How the outbox stands, for the operations page."""

    ready: int
    waiting: int
    leased: int
    dead: int
    oldest_ready: datetime | None
    oldest_dead: datetime | None


@dataclass(frozen=True, slots=True)
class Dead:
    """Something that never arrived: to whom, what, and why not."""

    authority: str
    id: str
    kind: str
    channel: str
    recipient: str
    title: str
    attempts: int
    error: str
    created_at: datetime


def row(
    authority: str, dedup: str, kind: str, payload: Mapping[str, Any], now: datetime, *, channel: str, recipient: str,
    expires_at: datetime | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A row to insert with mode ``ignore``: the same key twice is one row. Mail waits for the morning."""
    made = steps.outbox_row(authority, dedup, kind, payload, now, channel=channel, recipient=recipient)
    return made | {"next_at": awake(now) if channel == "mail" else now, "expires_at": expires_at}


def awake(at: datetime) -> datetime:
    """The instant itself, or seven in the morning when it lies between 22:00 and 7:00 in Shanghai."""
    local = at.astimezone(SHANGHAI)
    if MORNING <= local.time() < EVENING:
        return at
    day = local.date() + timedelta(days=1) if local.time() >= EVENING else local.date()
    return datetime.combine(day, MORNING, SHANGHAI)


def pause(attempts: int, chance: float) -> timedelta:
    """How long to wait after the n-th attempt: anything up to 1, 2, 4 … minutes, six hours at most (full jitter)."""
    longest: timedelta = min(LONGEST, FIRST * 2 ** min(attempts - 1, 20))
    return longest * chance


def keys(connection: Connection, now: datetime, channels: Sequence[str], limit: int) -> list[Key]:
    """The rows that want a courier now, oldest first: what a tick rings for."""
    wanted = select(_OUTBOX.c.authority_id, _OUTBOX.c.id).where(_is_ready(now, channels, ()))
    return [(row.authority_id, row.id) for row in connection.execute(wanted.order_by(_OUTBOX.c.next_at).limit(limit))]


def ready(
    connection: Connection, now: datetime, channels: Sequence[str], only: Sequence[Key] = (), limit: int = BATCH
) -> list[Item]:  # fmt: skip
    """Rows that want a courier now, oldest first; with `only`, those of them."""
    wanted = select(_OUTBOX).where(_is_ready(now, channels, only)).order_by(_OUTBOX.c.next_at).limit(limit)
    return [_item(found) for found in connection.execute(wanted).mappings()]


def settle(tx: Tx, item: Item) -> bool:
    """Mark a ready row as done; True for the one caller that did it, and may write what follows from it."""
    changed = tx.execute(update(_OUTBOX).where(_same(item)).values(state="sent", last_error=""))
    return changed.rowcount == 1


def claim(tx: Tx, owner: str, now: datetime, channels: Sequence[str], only: Sequence[Key] = ()) -> Item | None:
    """The next ready row, leased to `owner` for two minutes; None when there is none. Others' claims are skipped."""
    chosen = select(_OUTBOX.c.authority_id, _OUTBOX.c.id).where(_is_ready(now, channels, only))
    chosen = chosen.order_by(_OUTBOX.c.next_at).limit(1).with_for_update(skip_locked=True)
    statement = (
        update(_OUTBOX)
        .where(_KEY.in_(select(chosen.cte("chosen"))))
        .values(state="leased", lease_owner=owner, lease_until=now + LEASE, fence=_OUTBOX.c.fence + 1,
                attempts=_OUTBOX.c.attempts + 1)
        .returning(_OUTBOX)
    )  # fmt: skip
    found = tx.execute(statement).mappings().first()
    return _item(found) if found else None


def sent(tx: Tx, item: Item) -> bool:
    """Mark a leased row as sent; False when the lease was lost meanwhile."""
    gone = {"state": "sent", "lease_owner": "", "lease_until": None, "last_error": ""}
    return tx.execute(update(_OUTBOX).where(_same(item)).values(gone)).rowcount == 1


def cancel(tx: Tx, item: Item, why: str) -> bool:
    """There is nobody to tell any more."""
    gone = {"state": "cancelled", "lease_owner": "", "lease_until": None, "last_error": why}
    return tx.execute(update(_OUTBOX).where(_same(item)).values(gone)).rowcount == 1


def fail(tx: Tx, item: Item, error: str, now: datetime, chance: float, *, final: bool = False) -> str:
    """Put a row off, or give it up: after its last attempt, or at once when `final`. The state it has now."""
    attempts = item.attempts + (item.state == "ready")
    state = "dead" if final or attempts >= ATTEMPTS else "ready"
    later = now + pause(attempts, chance)
    values = {
        "state": state, "attempts": attempts, "next_at": awake(later) if item.channel == "mail" else later,
        "lease_owner": "", "lease_until": None, "last_error": error[:500],
    }  # fmt: skip
    return state if tx.execute(update(_OUTBOX).where(_same(item)).values(values)).rowcount == 1 else ""


def tidy(tx: Tx, now: datetime) -> tuple[int, int]:
    """Give back rows whose courier did not come back, and give up those past their time: how many of each."""
    spent = case((_OUTBOX.c.attempts >= ATTEMPTS, "dead"), else_="ready")
    lost = tx.execute(
        update(_OUTBOX)
        .where(_OUTBOX.c.state == "leased", _OUTBOX.c.lease_until <= now)
        .values(state=spent, lease_owner="", lease_until=None, last_error="发送中断，未能确认是否送达")
    )
    over = tx.execute(
        update(_OUTBOX)
        .where(_OUTBOX.c.state == "ready", _OUTBOX.c.expires_at <= now)
        .values(state="dead", last_error="已过有效时间，未再发送。" + _OUTBOX.c.last_error)
    )
    return lost.rowcount, over.rowcount


def backlog(connection: Connection, now: datetime) -> Backlog:
    """How many rows are ready, put off, under way and dead, and how old the oldest are."""
    due = (_OUTBOX.c.state == "ready") & (_OUTBOX.c.next_at <= now)
    group = case((due, "due"), else_=_OUTBOX.c.state)
    query = select(group.label("state"), func.count().label("n"), func.min(_OUTBOX.c.created_at).label("oldest"))
    rows = connection.execute(query.where(_OUTBOX.c.state.in_(("ready", "leased", "dead"))).group_by(group)).all()
    count, oldest = {row.state: row.n for row in rows}, {row.state: row.oldest for row in rows}
    return Backlog(
        count.get("due", 0), count.get("ready", 0), count.get("leased", 0), count.get("dead", 0), oldest.get("due"),
        oldest.get("dead"),
    )  # fmt: skip


def dead(connection: Connection, *, before: str = "", limit: int = 50) -> tuple[Dead, ...]:
    """The newest rows that were given up; `before` is the id of the last one already shown."""
    wanted = select(_OUTBOX).where(_OUTBOX.c.state == "dead")
    if before:
        wanted = wanted.where(_OUTBOX.c.id < before)
    rows = connection.execute(wanted.order_by(_OUTBOX.c.id.desc()).limit(limit)).mappings()
    return tuple(
        Dead(row["authority_id"], row["id"], row["kind"], row["channel"], row["recipient"],
             str(orjson.loads(row["payload"]).get("title", "")), row["attempts"], row["last_error"], row["created_at"])
        for row in rows
    )  # fmt: skip


def _is_ready(now: datetime, channels: Sequence[str], only: Sequence[Key]) -> Any:
    found = (_OUTBOX.c.state == "ready") & (_OUTBOX.c.next_at <= now) & _OUTBOX.c.channel.in_(list(channels))
    found &= or_(_OUTBOX.c.expires_at.is_(None), _OUTBOX.c.expires_at > now)
    return found & _KEY.in_([tuple(key) for key in only]) if only else found


def _same(item: Item) -> Any:
    """The row as it was read: nobody has claimed, settled or put it off since."""
    return (
        (_OUTBOX.c.authority_id == item.authority)
        & (_OUTBOX.c.id == item.id)
        & (_OUTBOX.c.state == item.state)
        & (_OUTBOX.c.fence == item.fence)
    )


def _item(found: RowMapping) -> Item:
    return Item(
        found["authority_id"], found["id"], found["dedup_key"], found["kind"], found["channel"], found["recipient"],
        orjson.loads(found["payload"]), found["state"], found["attempts"], found["fence"],
    )  # fmt: skip
