"""Signing in: local accounts with Argon2id, sessions by reference token, the acting post explicit.

Only the token's hash is kept. An unknown name costs the same work and gets the same answer as a wrong
password. What a person may do hangs on posts, not on the account.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import Connection, delete, select, update

from decisionflow.core.facts import legal_date
from decisionflow.errors import BadInput, Conflict, DecisionflowError, Problem
from decisionflow.service import actors, entries
from decisionflow.store.engine import Tx
from decisionflow.store.records import Rows
from decisionflow.store.tables.infrastructure import Account, Session
from decisionflow.store.tables.people import Appointment

_ACCOUNTS = Account.__table__  # type: ignore[attr-defined]
_SESSIONS = Session.__table__  # type: ignore[attr-defined]
_APPOINTMENTS = Appointment.__table__  # type: ignore[attr-defined]
MIN_PASSWORD = 12


class SignInRefused(DecisionflowError):
    """Name or password is wrong, or the account may not sign in; never says which."""

    code = "sign-in"
    status = 401
    exit = 7


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session as pages need it. `appointment` is '' until a person with several posts has chosen."""

    token_hash: str
    account: str
    person: str
    authority: str
    appointment: str
    csrf: str
    method: str


@lru_cache(maxsize=1)
def hasher() -> PasswordHash:
    """Argon2id with the library's present defaults; a stored hash names its own parameters."""
    return PasswordHash((Argon2Hasher(),))


@lru_cache(maxsize=1)
def _nobody() -> str:
    return hasher().hash("nobody has this password")


def create(tx: Tx, login: str, person: str, password: str, now: datetime) -> str:
    """An account for a person. Raises BadInput for a weak password or a name taken."""
    problems = []
    if len(password) < MIN_PASSWORD:
        problems.append(Problem("password", f"密码至少{MIN_PASSWORD}位", rule="password"))
    if not login.strip() or len(login) > 60:
        problems.append(Problem("login", "请填写登录名（60字以内）", rule="required"))
    if tx.connection.execute(select(_ACCOUNTS.c.id).where(_ACCOUNTS.c.login == login)).first():
        problems.append(Problem("login", f"登录名“{login}”已被使用", rule="taken"))
    if problems:
        raise BadInput(problems)
    account = entries.new_id(now)
    row = {"id": account, "login": login, "person_id": person, "password_hash": hasher().hash(password), "disabled": False,
           "created_at": now}  # fmt: skip
    tx.put(Rows("account", [row], "insert"))
    return account


def check(connection: Connection, login: str, password: str) -> dict[str, Any]:
    """The account that a name and password open. Raises SignInRefused, after the same work either way."""
    row = connection.execute(select(_ACCOUNTS).where(_ACCOUNTS.c.login == login)).mappings().first()
    good = hasher().verify(password, row["password_hash"] if row else _nobody())
    if row is None or not good or row["disabled"]:
        raise SignInRefused("sign-in refused", say="登录名或密码不对，请重新输入；忘记密码请联系系统管理员")
    return dict(row)


def open_session(
    tx: Tx, account: str, person: str, authority: str, method: str, now: datetime, *, hours: int = 8
) -> str:  # fmt: skip
    """A new session for a person; the token for the cookie. One post is chosen at once, several are asked for."""
    token = secrets.token_urlsafe(32)
    posts = actors.posts_of(tx.connection, authority, person, legal_date(now))
    row = {
        "token_hash": digest(token), "account_id": account, "person_id": person, "authority_id": authority,
        "appointment_id": posts[0].appointment if len(posts) == 1 else "", "csrf": secrets.token_urlsafe(24),
        "method": method, "created_at": now, "seen_at": now, "expires_at": now + timedelta(hours=hours),
    }  # fmt: skip
    tx.put(Rows("session", [row], "insert"))
    return token


def authorities_of(connection: Connection, person: str) -> tuple[str, ...]:
    """The governments in which a person holds or held a post."""
    wanted = select(_APPOINTMENTS.c.authority_id).where(_APPOINTMENTS.c.person_id == person).distinct()
    return tuple(sorted(connection.execute(wanted).scalars()))


def session(connection: Connection, token: str, now: datetime, *, idle_minutes: int = 30) -> SignedIn | None:
    """The live session of a token, or None: unknown, over its hours, or idle too long."""
    row = connection.execute(select(_SESSIONS).where(_SESSIONS.c.token_hash == digest(token))).mappings().first()
    if row is None or row["expires_at"] <= now or now - row["seen_at"] > timedelta(minutes=idle_minutes):
        return None
    return SignedIn(
        row["token_hash"], row["account_id"], row["person_id"], row["authority_id"], row["appointment_id"], row["csrf"],
        row["method"],
    )  # fmt: skip


def touch(tx: Tx, token_hash: str, now: datetime) -> None:
    """Note that a session is in use; once a minute is enough."""
    statement = update(_SESSIONS).where(
        _SESSIONS.c.token_hash == token_hash, _SESSIONS.c.seen_at < now - timedelta(minutes=1)
    )
    tx.execute(statement.values(seen_at=now))


def choose_post(tx: Tx, token_hash: str, appointment: str) -> None:
    """Act through another appointment from now on."""
    changed = tx.execute(
        update(_SESSIONS).where(_SESSIONS.c.token_hash == token_hash).values(appointment_id=appointment)
    )
    if changed.rowcount != 1:
        raise Conflict("session is gone", say="登录已失效，请重新登录")


def close_session(tx: Tx, token_hash: str) -> None:
    """Sign out: the token is dead at once."""
    tx.execute(delete(_SESSIONS).where(_SESSIONS.c.token_hash == token_hash))


def digest(token: str) -> str:
    """What is kept of a session token."""
    return hashlib.sha256(f"decisionflow/session/v1\n{token}".encode()).hexdigest()
