"""Notices by mail, for whoever asked for them and confirmed it: one letter a day at most, and none when there is no news.

    asked ──link in a mail, pressed on a page──▶ active ──each morning with news──▶ a letter
      └──two days──▶ gone                          └──link in each letter──▶ gone

An address lies in one row, as long as that row is needed, and nowhere else: outbox rows name the row, logs name nobody,
and leaving deletes it. The links carry hashes of a secret of the row, so that only who got the mail can use them.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy import Connection, delete, func, select, update

from decisionflow.core.facts import SHANGHAI
from decisionflow.errors import BadInput, NotFound
from decisionflow.service import authorities, contacts, entries, outbox
from decisionflow.service.addressees import Message, shorten
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import public_list
from decisionflow.store.engine import Store, Tx
from decisionflow.store.records import Rows
from decisionflow.store.tables.infrastructure import Outbox, Subscription

PREFIX = "reader:"  # how outbox rows name a row of ours as their recipient
CONFIRM_IN = timedelta(days=2)
LETTER_FOR = timedelta(days=7)
AT_MOST = 3  # unconfirmed requests of one address: nobody fills another's mailbox
SUBSCRIBED = 20
BATCH = 100
MORNING = time(9)
LINES = 12
SETTLED = timedelta(minutes=1)  # what was recorded within it may not be committed yet: it is news tomorrow
NEWS = 200
_S = Subscription.__table__  # type: ignore[attr-defined]
_OUTBOX = Outbox.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Topic:
    """What somebody wants to be told of: what a list was asked for, or one case by its number."""

    asked: public_list.Wanted = public_list.EVERYTHING
    no: str = ""

    @property
    def words(self) -> str:
        """As a row keeps it."""
        return f"no={self.no}" if self.no else self.asked.href("", tab="").lstrip("?")


@dataclass(frozen=True, slots=True)
class Reader:
    """A subscription as its pages show it."""

    authority: Authority
    id: str
    address: str
    topic: Topic
    active: bool


def topic(words: str) -> Topic:
    """What a row wants to be told of."""
    pairs = dict(parse_qsl(words))
    asked = public_list.wanted(
        words=pairs.get("q", ""), concerns=pairs.get("concerns", ""), area=pairs.get("area", ""),
        authority=pairs.get("authority", ""),
    )  # fmt: skip
    return Topic(asked, pairs.get("no", ""))


def ask(tx: Tx, authority: Authority, address: str, wanted: Topic, now: datetime) -> None:
    """Keep a request and send the link that confirms it. Who asks is told the same whatever is known of the address.

    Raises BadInput for what is no mail address.
    """
    checked = contacts.checked(address)
    known = _S.c.authority_id == authority.id, func.lower(_S.c.address) == checked.lower()
    mine = [row for row in tx.connection.execute(select(_S).where(*known)).mappings() if row["state"] != "once"]
    name = next((row["id"] for row in mine if row["topic"] == wanted.words and row["state"] == "waiting"), "")
    if not name:
        waiting = sum(row["state"] == "waiting" for row in mine)
        if any(row["topic"] == wanted.words for row in mine) or waiting >= AT_MOST or len(mine) >= SUBSCRIBED:
            return
        name = entries.new_id(now)
        tx.put(Rows("subscription", [_row(authority.id, name, checked, wanted.words, "waiting", now)], "insert"))
    lines = f"有人用这个邮箱订阅：{said(wanted)}。", "不是您的话，不必理会：没有确认的，这个地址两天以后删除。"
    message = Message("请确认订阅", lines, "")
    day = now.astimezone(SHANGHAI).date().isoformat()  # asked again, the link is sent again, once a day
    tx.put(_mail(authority.id, f"subscribe:{name}:{day}", "confirm", name, message, now, CONFIRM_IN))


def said(wanted: Topic) -> str:
    """What a subscription is about, in words."""
    if wanted.no:
        return f"事项 {wanted.no} 的公告和采纳情况"
    parts = [one for one in (wanted.asked.area, f"含“{wanted.asked.words}”" if wanted.asked.words else "") if one]
    limits = f"（{'，'.join(parts)}）" if parts else ""
    return f"{'与所选人群有关的' if wanted.asked.concerns else ''}征求意见公告和采纳情况{limits}"


def letter(
    authority: Authority, address: str, message: Message, dedup: str, now: datetime
) -> tuple[Rows, ...]:  # fmt: skip
    """One letter to an address that a citizen left; afterwards the address is gone. The same `dedup` is one letter.

    What is no mail address is left alone.
    """
    try:
        checked = contacts.checked(address)
    except BadInput:
        return ()
    name = hashlib.sha256(f"decisionflow/letter/v1\n{authority.id}\n{dedup}".encode()).hexdigest()[:32]
    row = _row(authority.id, name, checked, f"once:{name}", "once", now)
    return Rows("subscription", [row], "ignore"), _mail(authority.id, dedup, "letter", name, message, now, LETTER_FOR)


def _row(authority: str, name: str, address: str, words: str, state: str, now: datetime) -> dict[str, Any]:
    return {
        "authority_id": authority, "id": name, "address": address, "topic": words, "state": state,
        "secret": secrets.token_hex(16), "asked_at": now, "told_until": now, "next_at": now,
    }  # fmt: skip


def _mail(
    authority: str, dedup: str, kind: str, reader: str, message: Message, now: datetime, until: timedelta
) -> Rows:  # fmt: skip
    row = outbox.row(authority, dedup, kind, message.payload, now, channel="mail", recipient=PREFIX + reader,
                     expires_at=now + until)  # fmt: skip
    return Rows("outbox", [row], "ignore")


# ---- the links ---------------------------------------------------------------------------------------------


def token(row: Mapping[str, Any], use: str) -> str:
    """The part of a link that only the mail knows, for one use: ``confirm`` or ``leave``."""
    return hashlib.sha256(f"decisionflow/subscription/{use}/v1\n{row['id']}\n{row['secret']}".encode()).hexdigest()[:40]


def reader(connection: Connection, name: str, given: str, use: str, now: datetime) -> Reader:
    """The subscription of a link. Raises NotFound, in the same words whatever is wrong with it."""
    row = connection.execute(select(_S).where(_S.c.id == name[:60], _S.c.state != "once")).mappings().first()
    held = token(dict(row), use) if row else "0" * 40
    right = secrets.compare_digest(held.encode(), given.encode())
    if row is None or not right or (row["state"] == "waiting" and now - row["asked_at"] > CONFIRM_IN):
        raise NotFound("no such subscription", say="这个链接已经失效：可能已经退订，或者超过两天没有确认")
    return Reader(authorities.get(connection, row["authority_id"]), row["id"], row["address"], topic(row["topic"]),
                  row["state"] == "active")  # fmt: skip


def confirm(tx: Tx, name: str, given: str, now: datetime) -> Reader:
    """Begin a subscription; again is the same. Raises NotFound."""
    found = reader(tx.connection, name, given, "confirm", now)
    if not found.active:
        begun = {"state": "active", "told_until": now, "next_at": _next_morning(now)}
        tx.execute(update(_S).where(_S.c.authority_id == found.authority.id, _S.c.id == name).values(begun))
    return found


def leave(tx: Tx, name: str, given: str) -> None:
    """End a subscription and forget its address; somebody who has left already is not told otherwise."""
    row = tx.connection.execute(select(_S).where(_S.c.id == name[:60])).mappings().first()
    if row is not None and secrets.compare_digest(token(dict(row), "leave").encode(), given.encode()):
        tx.execute(delete(_S).where(_S.c.authority_id == row["authority_id"], _S.c.id == row["id"]))


# ---- for the courier ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Box:
    """Where a letter goes, and the links it has: to confirm a request, or to leave ('' for none)."""

    address: str
    confirm: str
    leave: str


def box(connection: Connection, authority: str, recipient: str) -> Box | None:
    """The address behind an outbox row that names a reader; None when they have left."""
    if not recipient.startswith(PREFIX):
        return None
    mine = (_S.c.authority_id == authority) & (_S.c.id == recipient.removeprefix(PREFIX))
    row = connection.execute(select(_S).where(mine)).mappings().first()
    if row is None:
        return None
    place = f"/public/subscription/{row['id']}"
    return Box(
        row["address"], f"{place}/{token(dict(row), 'confirm')}" if row["state"] == "waiting" else "",
        f"{place}/{token(dict(row), 'leave')}/leave" if row["state"] == "active" else "",
    )  # fmt: skip


# ---- the morning -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """What one batch came to: readers looked at, and letters written."""

    total: int = 0
    letters: int = 0
    faults: tuple[str, ...] = ()

    @property
    def more(self) -> bool:
        """Whether to look again at once."""
        return self.total == BATCH


def sweep(store: Store, now: datetime) -> Told:
    """Write the letters of a batch of readers whose morning has come."""
    due, until = (_S.c.state == "active") & (_S.c.next_at <= now), now - SETTLED
    with store.read() as connection:
        rows = connection.execute(select(_S).where(due).order_by(_S.c.next_at).limit(BATCH)).mappings().all()
        news: dict[tuple[str, str], list[public_list.News]] = {}
        for key, since in _earliest(rows).items():
            news[key] = _news(connection, *key, since)
    if not rows:
        return Told()
    letters = [(row, [one for one in news[_key(row)] if row["told_until"] < one.at <= until]) for row in rows]
    written = store.write(lambda tx: sum(_write(tx, row, found, until, now) for row, found in letters))
    return Told(len(rows), written)


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["authority_id"], row["topic"]


def _earliest(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], datetime]:
    """Each topic once, with the time from which somebody wants to hear of it."""
    found: dict[tuple[str, str], datetime] = {}
    for row in rows:
        found[_key(row)] = min(row["told_until"], found.get(_key(row), row["told_until"]))
    return found


def _news(connection: Connection, authority: str, words: str, since: datetime) -> list[public_list.News]:
    wanted = topic(words)
    found = (authorities.get(connection, authority),)
    return public_list.news(connection, found, wanted.asked, no=wanted.no, since=since, limit=NEWS)


def _write(
    tx: Tx, row: Mapping[str, Any], news: Sequence[public_list.News], until: datetime, now: datetime
) -> bool:  # fmt: skip
    """Move a reader on to the next morning, with a letter if there is news; False when somebody else did."""
    same = (_S.c.authority_id == row["authority_id"]) & (_S.c.id == row["id"]) & (_S.c.next_at == row["next_at"])
    told = {"told_until": max(until, row["told_until"]), "next_at": _next_morning(now)}
    moved = tx.execute(update(_S).where(same).values(told))
    if moved.rowcount != 1 or not news:
        return False
    day = now.astimezone(SHANGHAI).date().isoformat()
    tx.put(_mail(row["authority_id"], f"digest:{row['id']}:{day}", "digest", row["id"], digest(news), now, LETTER_FOR))
    return True


def digest(news: Sequence[public_list.News]) -> Message:
    """One letter for everything: the newest first, and where the rest is."""
    told = [f"{one.title}（{one.no}，{one.unit}）：{one.gist or one.summary}" for one in news[:LINES]]
    if len(news) > LINES:
        told.append(f"还有 {len(news) - LINES} 件，请到网站查看")
    title = shorten(news[0].title, 40) if len(news) == 1 else f"{len(news)} 件新的公告和采纳情况"
    return Message(title, tuple(told), news[0].href if len({one.no for one in news}) == 1 else "/public/consultations")


def _next_morning(now: datetime) -> datetime:
    local = now.astimezone(SHANGHAI)
    today = datetime.combine(local.date(), MORNING, SHANGHAI)
    return today if local < today else today + timedelta(days=1)


def tidy(tx: Tx, now: datetime) -> int:
    """Forget addresses that were not confirmed, and those of single letters that are sent or given up; how many."""
    waiting = (_S.c.state == "waiting") & (_S.c.asked_at < now - CONFIRM_IN)
    pending = select(_OUTBOX.c.recipient).where(_OUTBOX.c.authority_id == _S.c.authority_id,
                                                _OUTBOX.c.recipient == PREFIX + _S.c.id,
                                                _OUTBOX.c.state.in_(("ready", "leased")))  # fmt: skip
    done = (_S.c.state == "once") & ~pending.exists()
    return tx.execute(delete(_S).where(waiting | done)).rowcount
