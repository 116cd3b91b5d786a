"""Signing in: local accounts with Argon2id, sessions by reference token, the acting post explicit.

Only the token's hash is kept. An unknown name costs the same work and gets the same answer as a wrong
password. What a person may do hangs on posts, not on the account. A one-time password (`must_change`) opens only the
door to a new one, and not for long.
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
from sqlalchemy import Connection, delete, select, text, update

from decisionflow.core import passwords
from decisionflow.core.facts import legal_date
from decisionflow.core.passwords import PROFILES, Profile
from decisionflow.errors import BadInput, Conflict, DecisionflowError, NotFound, Problem
from decisionflow.service import actors, entries
from decisionflow.store.engine import Tx
from decisionflow.store.records import Rows
from decisionflow.store.tables.infrastructure import Account, Session
from decisionflow.store.tables.people import Appointment

_ACCOUNTS = Account.__table__  # type: ignore[attr-defined]
_SESSIONS = Session.__table__  # type: ignore[attr-defined]
_APPOINTMENTS = Appointment.__table__  # type: ignore[attr-defined]
ASVS = PROFILES["asvs"]
ONE_TIME = timedelta(days=7)  # how long a one-time password waits for its owner (ASVS 6.4.1)
SENTENCE = "登录名或密码不对，请重新输入；忘记密码请联系安全管理员"


class SignInRefused(DecisionflowError):
    """Name or password is wrong, or the account may not sign in; never says which. `account` is for the record only."""

    code = "sign-in"
    status = 401
    exit = 7

    def __init__(self, message: str, *, say: str = SENTENCE, account: str = "") -> None:
        super().__init__(message, say=say)
        self.account = account


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session as pages need it. `appointment` is '' until a person with several posts has chosen.

    `must` is what has to be settled before anything else: a new ``password``, a second ``factor``, or ''.
    """

    token_hash: str
    account: str
    person: str
    authority: str
    appointment: str
    csrf: str
    method: str
    level: str = ""
    proven_at: datetime | None = None
    must: str = ""


@lru_cache(maxsize=1)
def hasher() -> PasswordHash:
    """Argon2id with the library's present defaults; a stored hash names its own parameters."""
    return PasswordHash((Argon2Hasher(),))


@lru_cache(maxsize=1)
def _nobody() -> str:
    return hasher().hash("nobody has this password")


def create(
    tx: Tx, login: str, person: str, password: str, now: datetime, *, profile: Profile = ASVS, once: bool = False
) -> str:  # fmt: skip
    """An account for a person; with `once` the password is a one-time one. Raises BadInput for a weak one or a name taken."""
    problems = [] if once else _weak(profile, password, (login,))
    if not login.strip() or len(login) > 60:
        problems.append(Problem("login", "请填写登录名（60字以内）", rule="required"))
    if tx.connection.execute(select(_ACCOUNTS.c.id).where(_ACCOUNTS.c.login == login)).first():
        problems.append(Problem("login", f"登录名“{login}”已被使用", rule="taken"))
    if problems:
        raise BadInput(problems)
    account = entries.new_id(now)
    row = {"id": account, "login": login, "person_id": person, "password_hash": hasher().hash(password), "disabled": False,
           "created_at": now, "must_change": once, "password_at": now}  # fmt: skip
    tx.put(Rows("account", [row], "insert"))
    return account


def _weak(profile: Profile, password: str, about: tuple[str, ...]) -> list[Problem]:
    return [Problem("password", say, rule="password") for say in passwords.faults(profile, password, about)]


def one_time() -> str:
    """A password that nobody chose, to be given to its owner once."""
    return secrets.token_urlsafe(12)


def get(connection: Connection, account: str) -> dict[str, Any]:
    """An account. Raises NotFound."""
    row = connection.execute(select(_ACCOUNTS).where(_ACCOUNTS.c.id == account)).mappings().first()
    if row is None:
        raise NotFound(f"no account {account[:40]!r}", say="没有这个账号")
    return dict(row)


def exists(connection: Connection, account: str) -> bool:
    """Whether there is such a local account."""
    return connection.execute(select(_ACCOUNTS.c.id).where(_ACCOUNTS.c.id == account)).first() is not None


def of_person(connection: Connection, person: str) -> dict[str, Any] | None:
    """The account of a person, if there is one."""
    row = connection.execute(select(_ACCOUNTS).where(_ACCOUNTS.c.person_id == person)).mappings().first()
    return dict(row) if row else None


def check(connection: Connection, login: str, password: str) -> dict[str, Any]:
    """The account that a name and password open. Raises SignInRefused, after the same work either way."""
    row = connection.execute(select(_ACCOUNTS).where(_ACCOUNTS.c.login == login)).mappings().first()
    good = hasher().verify(password, row["password_hash"] if row else _nobody())
    if row is None or not good or row["disabled"]:
        raise SignInRefused("sign-in refused", account=row["id"] if row else "")
    return dict(row)


def is_stale(account: dict[str, Any], now: datetime) -> bool:
    """Whether a one-time password has waited too long for its owner."""
    return bool(account["must_change"]) and now - (account["password_at"] or account["created_at"]) > ONE_TIME


def fits(connection: Connection, account: str, password: str) -> bool:
    """Whether a password is the account's."""
    row = connection.execute(select(_ACCOUNTS.c.password_hash).where(_ACCOUNTS.c.id == account)).first()
    return hasher().verify(password, row.password_hash if row else _nobody())


def choose_password(
    tx: Tx, profile: Profile, account: str, old: str, new: str, again: str, name: str, now: datetime
) -> None:  # fmt: skip
    """A person's own new password. Raises BadInput with everything that is wrong with it."""
    row = get(tx.connection, account)
    problems = _weak(profile, new, (row["login"], name))
    if not hasher().verify(old, row["password_hash"]):
        problems.append(Problem("old", "现在的密码不对", rule="password"))
    if new != again:
        problems.append(Problem("again", "两次填写的新密码不一样", rule="password"))
    if new == old and not problems:
        problems.append(Problem("password", "新密码不能与现在的相同", rule="password"))
    if problems:
        raise BadInput(problems)
    hashed = hasher().hash(new)
    tx.execute(update(_ACCOUNTS).where(_ACCOUNTS.c.id == account)
               .values(password_hash=hashed, must_change=False, password_at=now))  # fmt: skip


def give_one_time(tx: Tx, account: str, now: datetime) -> str:
    """Replace a password by a one-time one; the plain words, which are kept nowhere."""
    password = one_time()
    tx.execute(update(_ACCOUNTS).where(_ACCOUNTS.c.id == account)
               .values(password_hash=hasher().hash(password), must_change=True, password_at=now))  # fmt: skip
    return password


def disable(tx: Tx, account: str, *, disabled: bool = True) -> None:
    """Close an account, or open it again; its sessions are dead at once."""
    tx.execute(update(_ACCOUNTS).where(_ACCOUNTS.c.id == account).values(disabled=disabled))


def open_session(
    tx: Tx, account: str, person: str, authority: str, method: str, now: datetime, *, hours: int = 8, level: str = ""
) -> str:  # fmt: skip
    """A new session for a person; the token for the cookie. One post is chosen at once, several are asked for."""
    token = secrets.token_urlsafe(32)
    posts = actors.posts_of(tx.connection, authority, person, legal_date(now))
    row = {
        "token_hash": digest(token), "account_id": account, "person_id": person, "authority_id": authority,
        "appointment_id": posts[0].appointment if len(posts) == 1 else "", "csrf": secrets.token_urlsafe(24),
        "method": method, "created_at": now, "seen_at": now, "expires_at": now + timedelta(hours=hours), "proven_at": now,
        "level": level,
    }  # fmt: skip
    tx.put(Rows("session", [row], "insert"))
    return token


def authorities_of(connection: Connection, person: str) -> tuple[str, ...]:
    """The governments in which a person holds or held a post."""
    wanted = select(_APPOINTMENTS.c.authority_id).where(_APPOINTMENTS.c.person_id == person).distinct()
    return tuple(sorted(connection.execute(wanted).scalars()))


_SESSION = text("""
    select s.token_hash, s.account_id, s.person_id, s.authority_id, s.appointment_id, s.csrf, s.method, s.level, s.seen_at,
           s.expires_at, s.proven_at, a.disabled, a.must_change, a.password_at, a.created_at, f.active
    from session s left join account a on a.id = s.account_id
    left join second_factor f on f.account_id = a.id and f.active = :yes
    where s.token_hash = :token
""").columns(
    seen_at=_SESSIONS.c.seen_at.type, expires_at=_SESSIONS.c.expires_at.type, proven_at=_SESSIONS.c.proven_at.type,
    password_at=_ACCOUNTS.c.password_at.type, created_at=_ACCOUNTS.c.created_at.type,
)  # fmt: skip


def session(
    connection: Connection, token: str, now: datetime, *, idle_minutes: int = 30, profile: Profile = ASVS
) -> SignedIn | None:  # fmt: skip
    """The live session of a token, or None: unknown, over its hours, idle too long, or of an account that was closed."""
    row = connection.execute(_SESSION, {"token": digest(token), "yes": True}).mappings().first()
    idle = min(timedelta(minutes=idle_minutes), profile.idle or timedelta.max)
    if row is None or row["expires_at"] <= now or now - row["seen_at"] > idle or row["disabled"]:
        return None
    return SignedIn(
        row["token_hash"], row["account_id"], row["person_id"], row["authority_id"], row["appointment_id"], row["csrf"],
        row["method"], row["level"], row["proven_at"], _must(row, profile, now),
    )  # fmt: skip


def _must(row: Any, profile: Profile, now: datetime) -> str:
    if row["must_change"] is None:  # no local account: the identity provider sees to it
        return ""
    if row["must_change"] or passwords.is_over(profile, row["password_at"] or row["created_at"], now):
        return "password"
    return "factor" if profile.second_factor and not row["active"] else ""


def prove(tx: Tx, token_hash: str, now: datetime) -> None:
    """The person of a session has shown again who they are."""
    tx.execute(update(_SESSIONS).where(_SESSIONS.c.token_hash == token_hash).values(proven_at=now))


def sessions_of(connection: Connection, person: str, now: datetime) -> tuple[dict[str, Any], ...]:
    """The sessions of a person that are not over, newest first; `id` names one without opening it."""
    wanted = select(_SESSIONS).where(_SESSIONS.c.person_id == person, _SESSIONS.c.expires_at > now)
    rows = connection.execute(wanted.order_by(_SESSIONS.c.created_at.desc())).mappings()
    return tuple({"id": row["token_hash"][:16], **row} for row in rows)


def end_sessions(tx: Tx, person: str, *, but: str = "", only: str = "") -> int:
    """End sessions of a person: all, all but one, or the one of that id; how many there were."""
    statement = delete(_SESSIONS).where(_SESSIONS.c.person_id == person, _SESSIONS.c.token_hash != but)
    if only:
        statement = statement.where(_SESSIONS.c.token_hash.startswith(only, autoescape=True))
    return tx.execute(statement).rowcount


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
