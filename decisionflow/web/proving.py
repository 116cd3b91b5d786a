"""Showing again who one is: the code of a second factor where there is one, else the password; elsewhere, the provider's way."""

from __future__ import annotations

from decisionflow.service import accounts, factors, keeping, misses
from decisionflow.web import doors

ASKS = {"code": "第二因素的验证码", "password": "密码"}


def asked(visit: doors.Visit) -> str:
    """What this person is asked for: ``code``, ``password``, ``oidc``, or '' when they have no way but to sign in again."""
    session = visit.session
    if session is None or session.method.startswith("oidc"):
        return "oidc" if session else ""
    with visit.site.store.read() as connection:
        if factors.is_active(connection, session.account):
            return "code"
        return "password" if accounts.exists(connection, session.account) else ""


def attempt(visit: doors.Visit, given: str) -> str:
    """Take a proof for the visitor's session; what to tell them when it is none, '' when it is."""
    session, site, now, kind = visit.session, visit.site, visit.now, asked(visit)
    if session is None or visit.authority is None or kind not in ASKS:
        return "请重新登录"
    if not given.strip():
        return f"请填写{ASKS[kind]}"
    box, profile, authority = site.lockbox(), site.profile, visit.authority
    # Counted against this session only: a thief of it is stopped, the owner signs in elsewhere as ever.
    source = f"session:{session.token_hash}"
    with site.store.read() as connection:
        login = accounts.get(connection, session.account)["login"]
        wait = misses.wait(connection, box, profile, login, source, now)
        good = kind == "password" and not wait and accounts.fits(connection, session.account, given)
    if wait:
        return f"尝试太频繁，请 {-(-wait // 60)} 分钟后再试"

    def deed(tx: doors.Tx) -> bool:
        fits = good or (kind == "code" and bool(factors.take(tx, box, session.account, given, now)))
        if fits:
            misses.clear(tx, box, login, source)
            accounts.prove(tx, session.token_hash, now)
        else:
            misses.miss(tx, box, profile, login, source, now)
            name = keeping.name_of(tx.connection, session.person)
            keeping.record(tx, authority, keeping.oneself(authority, session.person, name), "sign-in-failed", now,
                           account=session.account, login=login, why=kind, method="prove")  # fmt: skip
        return fits

    return "" if site.store.write(deed) else f"{ASKS[kind]}不对，请重新填写"
