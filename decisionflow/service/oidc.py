"""Signing in through the government's identity provider: OpenID Connect, code flow with PKCE, against any provider.

Before we go there: state, nonce and verifier are made, used once, and forgotten after ten minutes. Finished here: the code is
exchanged, and the ID token believed only with the provider's signature, this issuer, us as audience, our nonce, and in its
time. Which person the subject is, the register of subjects says; nobody is created by signing in.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import Connection, delete, select

from decisionflow.errors import DecisionflowError, Unavailable
from decisionflow.settings import Oidc
from decisionflow.store.engine import Tx
from decisionflow.store.records import Rows
from decisionflow.store.tables.signin import OidcFlow, OidcLink, OidcSubject

_F = OidcFlow.__table__  # type: ignore[attr-defined]
_L = OidcLink.__table__  # type: ignore[attr-defined]
_S = OidcSubject.__table__  # type: ignore[attr-defined]
OPEN_FOR = timedelta(minutes=10)
LEEWAY = 60
SECONDS = 8.0
SIGNED_BY = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"]


class NotBelieved(DecisionflowError):
    """What came back from the provider is not an answer to what we asked."""

    code = "oidc"
    status = 400
    exit = 7


@dataclass(frozen=True, slots=True)
class Provider:
    """What a provider says of itself."""

    issuer: str
    authorize: str
    token: str
    keys: str


@dataclass(frozen=True, slots=True)
class Flow:
    """A visit to the provider that has begun."""

    nonce: str
    verifier: str
    back: str
    proves: str


@dataclass(frozen=True, slots=True)
class Subject:
    """Who the provider says it was; `level` is its `acr`, when it gives one. `at`: when it last asked the person."""

    issuer: str
    subject: str
    level: str
    at: int


def discover(settings: Oidc) -> Provider:
    """The provider's own description. Raises Unavailable."""
    body = _json(f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration")
    found = Provider(*(str(body.get(name, "")) for name in
                       ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")))  # fmt: skip
    same = found.issuer.rstrip("/") == settings.issuer.rstrip("/")
    if not same or not all(
        urlsplit(one).scheme in ("http", "https") for one in (found.authorize, found.token, found.keys)
    ):
        raise _down(f"discovery of {settings.issuer} says {found.issuer!r}")
    return found


def depart(
    tx: Tx, settings: Oidc, provider: Provider, redirect: str, back: str, now: datetime, *, proves: str = ""
) -> tuple[str, str]:  # fmt: skip
    """The address to go to, and the state that the browser keeps. With `proves`, the person is asked again there."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    tx.execute(delete(_F).where(_F.c.begun_at < now - OPEN_FOR))
    tx.put(Rows("oidc_flow", [{"state": digest(state), "nonce": nonce, "verifier": verifier, "back": back[:500],
                               "proves": proves, "begun_at": now}], "insert"))  # fmt: skip
    asked = {
        "response_type": "code", "client_id": settings.client_id, "redirect_uri": redirect, "scope": "openid profile",
        "state": state, "nonce": nonce, "code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256",
        **({"prompt": "login", "max_age": "0"} if proves else {}),
    }  # fmt: skip
    joint = "&" if urlsplit(provider.authorize).query else "?"
    return f"{provider.authorize}{joint}{urlencode(asked)}", state


def take(tx: Tx, state: str, kept: str, now: datetime) -> Flow:
    """The flow of a state, used up by this. Raises NotBelieved for one that this browser did not begin, or too late."""
    row = tx.connection.execute(select(_F).where(_F.c.state == digest(state))).mappings().first()
    if row is None or not secrets.compare_digest(state, kept) or now - row["begun_at"] > OPEN_FOR:
        raise NotBelieved("state unknown, foreign or too old", say="这次登录不是从本页开始的，或者已经超时，请重新登录")
    if tx.execute(delete(_F).where(_F.c.state == digest(state))).rowcount != 1:
        raise NotBelieved("state used twice", say="这次登录已经用过，请重新登录")
    return Flow(row["nonce"], row["verifier"], row["back"], row["proves"])


def finish(settings: Oidc, provider: Provider, flow: Flow, code: str, redirect: str, now: datetime) -> Subject:
    """Exchange the code and check the ID token. Raises NotBelieved, Unavailable."""
    asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "client_id": settings.client_id,
             "code_verifier": flow.verifier}  # fmt: skip
    auth = (settings.client_id, settings.client_secret) if settings.client_secret else None
    try:
        answer = httpx2.post(provider.token, data=asked, auth=auth, timeout=SECONDS)
    except httpx2.HTTPError as fault:
        raise _down(f"token endpoint: {fault!r}") from fault
    if answer.status_code >= 500:
        raise _down(f"token endpoint: {answer.status_code}")
    try:
        body = answer.json()
    except ValueError:
        body = {}
    words = body.get("id_token") if isinstance(body, dict) else None
    if answer.status_code != 200 or not isinstance(words, str):
        raise _unbelieved(f"token endpoint: {answer.status_code}")
    return checked(settings, provider, flow, words, _json(provider.keys), now)


def checked(
    settings: Oidc, provider: Provider, flow: Flow, words: str, keys: Mapping[str, Any], now: datetime
) -> Subject:  # fmt: skip
    """The subject of an ID token. Raises NotBelieved with the reason in the log line, never on the page."""
    try:
        claims = jwt.decode(words, KeySet.import_key_set(dict(keys)), algorithms=SIGNED_BY).claims  # type: ignore[arg-type]
    except (JoseError, ValueError, KeyError, TypeError) as fault:
        raise _unbelieved(f"signature: {fault!r}") from fault
    at, audience = int(now.timestamp()), claims.get("aud")
    heard = audience if isinstance(audience, list) else [audience]
    wrong = {
        "issuer": claims.get("iss") != provider.issuer,
        "audience": settings.client_id not in heard or (len(heard) > 1 and claims.get("azp") != settings.client_id),
        "azp": claims.get("azp") not in (None, settings.client_id),
        "expired": not isinstance(claims.get("exp"), int | float) or claims["exp"] + LEEWAY <= at,
        "issued": not isinstance(claims.get("iat"), int | float) or claims["iat"] - LEEWAY > at,
        "nonce": not secrets.compare_digest(str(claims.get("nonce", "")), flow.nonce),
        "subject": not isinstance(claims.get("sub"), str) or not claims["sub"],
    }
    if any(wrong.values()):
        raise _unbelieved("claims: " + ", ".join(name for name, bad in wrong.items() if bad))
    since = claims.get("auth_time", 0)
    return Subject(
        provider.issuer, claims["sub"], str(claims.get("acr") or "")[:60], since if isinstance(since, int) else 0
    )


def person(connection: Connection, subject: Subject) -> str:
    """The person of the register that a subject is, '' for one that nobody has linked."""
    wanted = select(_S.c.person_id).where(_S.c.issuer == subject.issuer, _S.c.subject == subject.subject)
    return str(connection.execute(wanted).scalar() or "")


def offer(tx: Tx, subject: Subject, now: datetime) -> str:
    """A one-time code by which whoever this subject is can link it to themselves, signed in with a local account."""
    code = "-".join(secrets.token_hex(2) for _ in range(4))
    tx.execute(delete(_L).where(_L.c.made_at < now - OPEN_FOR))
    tx.put(Rows("oidc_link", [{"digest": digest(code), "issuer": subject.issuer, "subject": subject.subject,
                               "made_at": now}], "insert"))  # fmt: skip
    return code


def redeem(tx: Tx, code: str, now: datetime) -> tuple[str, str] | None:
    """Issuer and subject of a one-time code, used up by this; None for one that is unknown or too old."""
    named = digest(code.strip().lower())
    row = tx.connection.execute(select(_L).where(_L.c.digest == named)).mappings().first()
    if row is None or now - row["made_at"] > OPEN_FOR:
        return None
    used = tx.execute(delete(_L).where(_L.c.digest == named)).rowcount
    return (row["issuer"], row["subject"]) if used == 1 else None


def digest(words: str) -> str:
    """What is kept of a state or a code."""
    return hashlib.sha256(f"decisionflow/oidc/v1\n{words}".encode()).hexdigest()


def _json(address: str) -> dict[str, Any]:
    try:
        answer = httpx2.get(address, timeout=SECONDS)
        answer.raise_for_status()
        body = answer.json()
    except (httpx2.HTTPError, ValueError) as fault:
        raise _down(f"{address}: {fault!r}") from fault
    if not isinstance(body, dict):
        raise _down(f"{address}: no object")
    return body


def _down(why: str) -> Unavailable:
    return Unavailable(
        f"identity provider: {why}", say="统一身份认证现在不能用，请稍后再试；急用的请在登录页用本地账号进入"
    )


def _unbelieved(why: str) -> NotBelieved:
    return NotBelieved(
        f"identity provider not believed: {why}",
        say="统一身份认证的答复没有通过检查，没有登录；请重新登录，多次出现请告诉安全管理员",
    )
