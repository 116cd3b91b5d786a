"""Tokens for programs: shown once, kept as a hash, for a year at most, within scopes, through one appointment.

A token is no more than the person who made it: it acts through the appointment it was made for and dies with it, with the
account, and at its last day. An act that binds needs a person who is there; no token takes one.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, text, update

from decisionflow.core.facts import legal_date
from decisionflow.errors import BadInput, DecisionflowError, NotFound, Problem
from decisionflow.service import actors, entries, permissions
from decisionflow.service.actors import Actor
from decisionflow.store.engine import Tx
from decisionflow.store.records import Rows
from decisionflow.store.tables.signin import ApiToken

_T = ApiToken.__table__  # type: ignore[attr-defined]
PREFIX = "dft_"
LONGEST = timedelta(days=365)


def offered() -> Mapping[str, str]:
    """What a token may be made for, by id with its title."""
    return {one.id: one.title for one in permissions.rights().scopes}


class TokenRefused(DecisionflowError):
    """No such token, or it is over; never says which."""

    code = "token"
    status = 401
    exit = 7


@dataclass(frozen=True, slots=True)
class Held:
    """A live token: whose, through which appointment, and what it is for."""

    id: str
    token_hash: str
    authority: str
    actor: Actor
    scopes: frozenset[str]


def make(
    tx: Tx, actor: Actor, name: str, scopes: Sequence[str], days: int, now: datetime
) -> tuple[str, str]:  # fmt: skip
    """A new token of an actor: its number, and the words that are shown this once. Raises BadInput."""
    wrong = [
        (not 2 <= len(name.strip()) <= 60, "name", "请写明用途（2 至 60 字），便于日后辨认"),
        (not scopes or not set(scopes) <= set(offered()), "scopes", "请至少选择一项范围"),
        (not 1 <= days <= LONGEST.days, "days", f"有效期是 1 到 {LONGEST.days} 天"),
        (not actor.appointment, "appointment", "请先选择以哪个岗位办理"),
    ]
    if any(bad for bad, _, _ in wrong):
        raise BadInput([Problem(place, say, rule="choice") for bad, place, say in wrong if bad])
    token, number = PREFIX + secrets.token_urlsafe(32), entries.new_id(now)
    tx.put(Rows("api_token", [{
        "id": number, "token_hash": digest(token), "name": name.strip(), "authority_id": actor.authority,
        "person_id": actor.person, "appointment_id": actor.appointment, "scopes": " ".join(sorted(set(scopes))),
        "made_at": now, "expires_at": now + timedelta(days=days), "used_at": None, "revoked_at": None,
    }], "insert"))  # fmt: skip
    return number, token


_FIND = text("""
    select t.id, t.token_hash, t.authority_id, t.person_id, t.appointment_id, t.scopes, t.expires_at, t.revoked_at
    from api_token t where t.token_hash = :hash
      and not exists (select 1 from account a where a.person_id = t.person_id and a.disabled = :yes)
""").columns(expires_at=_T.c.expires_at.type, revoked_at=_T.c.revoked_at.type)


def find(connection: Connection, token: str, now: datetime) -> Held:
    """The live token of these words. Raises TokenRefused."""
    row = connection.execute(_FIND, {"hash": digest(token), "yes": True}).mappings().first()
    if row is not None and row["revoked_at"] is None and now < row["expires_at"]:
        posts = actors.posts_of(connection, row["authority_id"], row["person_id"], legal_date(now))
        for post in posts:
            if post.appointment == row["appointment_id"]:
                actor = actors.signed(post, "token", row["id"][-16:])
                return Held(row["id"], row["token_hash"], row["authority_id"], actor, frozenset(row["scopes"].split()))
    raise TokenRefused("token refused", say="令牌无效、已过期、已吊销，或者所属岗位的任职已经结束")


def touch(tx: Tx, number: str, now: datetime) -> None:
    """Note that a token is in use; once a minute is enough."""
    old = _T.c.used_at.is_(None) | (_T.c.used_at < now - timedelta(minutes=1))
    tx.execute(update(_T).where(_T.c.id == number, old).values(used_at=now))


def of_person(connection: Connection, person: str, now: datetime) -> tuple[dict[str, Any], ...]:
    """The tokens of a person that are not over, newest first."""
    wanted = select(_T).where(_T.c.person_id == person, _T.c.revoked_at.is_(None), _T.c.expires_at > now)
    rows = connection.execute(wanted.order_by(_T.c.made_at.desc())).mappings()
    return tuple({key: value for key, value in row.items() if key != "token_hash"} for row in rows)


def revoke(tx: Tx, person: str, number: str, now: datetime) -> str:
    """End a token of a person; its name. Raises NotFound."""
    row = tx.connection.execute(select(_T.c.name).where(_T.c.id == number, _T.c.person_id == person)).first()
    if row is None:
        raise NotFound("no such token", say="没有这个令牌")
    tx.execute(update(_T).where(_T.c.id == number, _T.c.revoked_at.is_(None)).values(revoked_at=now))
    return str(row.name)


def revoke_all(tx: Tx, person: str, now: datetime) -> None:
    """End every token of a person."""
    tx.execute(update(_T).where(_T.c.person_id == person, _T.c.revoked_at.is_(None)).values(revoked_at=now))


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(f"decisionflow/token/v1\n{token}".encode()).hexdigest()
