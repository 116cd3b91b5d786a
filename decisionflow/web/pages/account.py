"""One's own account: password, second factor, recovery codes, sessions, tokens for programs, the link to the provider."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from decisionflow.errors import BadInput, NotFound, Problem
from decisionflow.service import accounts, factors, keeping, oidc, permissions, tokens
from decisionflow.service.actors import Actor
from decisionflow.service.reads import audit
from decisionflow.web import doors

router = APIRouter(include_in_schema=False)
DAYS = (30, 90, 180, 365)


@router.get("/account")
def account(visit: doors.OwnVisit) -> HTMLResponse:
    return _page(visit)


def _page(visit: doors.Owner, status: int = 200, problems: Sequence[Problem] = (), made: str = "") -> HTMLResponse:
    person = visit.session.person
    with visit.site.store.read() as connection:
        own = accounts.of_person(connection, person)
        sessions = accounts.sessions_of(connection, person, visit.now)
        held = tokens.of_person(connection, person, visit.now)
        active = factors.is_active(connection, own["id"]) if own else False
        left = factors.left(connection, own["id"]) if own else 0
    posts = {one.appointment: f"{one.unit_name} {one.post_title}" for one in visit.posts}
    actor, oidc_of = visit.actor, visit.site.settings.oidc
    return visit.page(
        "account", status, own=own, sessions=sessions, current=visit.session.token_hash, tokens=held, posts=posts, active=active,
        left=left, scopes=tokens.offered(), days=DAYS, acting=actor.appointment if actor else "", made=made,
        errors=[{"id": one.place, "text": one.say} for one in problems], provider=oidc_of.name if oidc_of.issuer else "",
        keeps=bool(actor and permissions.may_see_accounts(actor)), audits=bool(actor and permissions.may_audit(actor)),
        policies=bool(actor and permissions.may_see_policies(actor)),
        methods=audit.METHODS,
    )  # fmt: skip


def _own(visit: doors.Owner) -> dict[str, Any]:
    """The local account of the visitor. Raises NotFound."""
    with visit.site.store.read() as connection:
        found = accounts.of_person(connection, visit.session.person)
    if found is None:
        raise NotFound("no local account", say="您没有本地账号，由统一身份认证管理")
    return found


def _self(visit: doors.Owner, tx: doors.Tx) -> Actor:
    """The visitor as the author of an entry about their own account."""
    session = visit.session
    auth = {"method": session.method, "session": session.token_hash[:16]}
    return keeping.oneself(visit.authority, session.person, keeping.name_of(tx.connection, session.person), auth)


def _record(visit: doors.Owner, tx: doors.Tx, what: str, **body: Any) -> None:
    keeping.record(tx, visit.authority, _self(visit, tx), what, visit.now, **body)


# ---- password ----------------------------------------------------------------------------------------------


@router.get("/account/password")
def password_page(visit: doors.OwnVisit) -> HTMLResponse:
    own = _own(visit)
    return visit.page(
        "account_password", errors=[], login=own["login"], must=visit.session.must, profile=visit.site.profile
    )


@router.post("/account/password")
def password(visit: doors.OwnVisit, form: doors.Posted) -> Response:
    """A new password; every other session of the person ends."""
    doors.token(visit, form)
    own = _own(visit)
    old, new, again = (str(form.get(name, ""))[:300] for name in ("old", "password", "again"))

    def deed(tx: doors.Tx) -> None:
        name = keeping.name_of(tx.connection, visit.session.person)
        accounts.choose_password(tx, visit.site.profile, own["id"], old, new, again, name, visit.now)
        accounts.end_sessions(tx, visit.session.person, but=visit.session.token_hash)
        accounts.prove(tx, visit.session.token_hash, visit.now)
        _record(visit, tx, "password-changed", account=own["id"], login=own["login"])

    try:
        visit.site.store.write(deed)
    except BadInput as fault:
        errors = [{"id": one.place, "text": one.say} for one in fault.problems]
        return visit.page("account_password", 422, errors=errors, login=own["login"], must=visit.session.must,
                          profile=visit.site.profile)  # fmt: skip
    return doors.go("/account?notice=密码已更改，其他登录已经结束")


# ---- second factor -----------------------------------------------------------------------------------------


@router.get("/account/factor")
def factor_page(visit: doors.OwnVisit) -> HTMLResponse:
    return _factor(visit)


def _factor(
    visit: doors.Owner, status: int = 200, problems: Sequence[Problem] = (), codes: Sequence[str] = ()
) -> HTMLResponse:  # fmt: skip
    own, box = _own(visit), visit.site.lockbox()
    with visit.site.store.read() as connection:
        secret = factors.waiting(connection, box, own["id"])
        active, left = factors.is_active(connection, own["id"]), factors.left(connection, own["id"])
    address = factors.uri(secret, own["login"], f"decisionflow {visit.authority.name}") if secret else ""
    return visit.page(
        "account_factor", status, secret=secret, address=address, active=active, left=left, codes=codes,
        must=visit.session.must, picture=Markup(factors.picture(address)) if address else "",  # noqa: S704  our own drawing
        errors=[{"id": one.place, "text": one.say} for one in problems],
    )  # fmt: skip


@router.post("/account/factor")
def factor(visit: doors.OwnVisit, form: doors.Posted) -> Response:
    """Begin, confirm or remove the second factor, or draw new recovery codes; all but the confirming by a proven person."""
    doors.token(visit, form)
    wanted, box, own, now = str(form.get("do", "")), visit.site.lockbox(), _own(visit), visit.now
    if wanted != "confirm" and not doors.is_proven(visit):
        return doors.go("/prove?next=/account/factor")
    account_id, store = own["id"], visit.site.store
    about = {"account": account_id, "login": own["login"]}

    def confirm(tx: doors.Tx) -> tuple[str, ...]:
        codes = factors.confirm(tx, box, account_id, str(form.get("code", ""))[:20], now)
        _record(visit, tx, "factor-added", **about)
        return codes

    def renew(tx: doors.Tx) -> tuple[str, ...]:
        if not factors.is_active(tx.connection, account_id):
            raise BadInput([Problem("", "还没有第二因素", rule="factor")])
        codes = factors.renew(tx, box, account_id)
        _record(visit, tx, "recovery-renewed", **about)
        return codes

    def remove(tx: doors.Tx) -> None:
        if visit.site.profile.second_factor:
            raise BadInput(
                [Problem("", "本系统要求每个人都有第二因素，不能移除；换手机请联系安全管理员", rule="factor")]
            )
        factors.remove(tx, account_id)
        _record(visit, tx, "factor-removed", **about)

    try:
        if wanted == "begin":
            store.write(lambda tx: factors.start(tx, box, account_id, now))
            return doors.go("/account/factor")
        if wanted == "remove":
            store.write(remove)
            return doors.go("/account?notice=第二因素已移除")
        return _factor(visit, codes=store.write(confirm if wanted == "confirm" else renew))
    except BadInput as fault:
        return _factor(visit, 422, fault.problems)


# ---- sessions, tokens, the provider ------------------------------------------------------------------------


@router.post("/account/sessions")
def end_session(visit: doors.OwnVisit, form: doors.Posted) -> Response:
    """End one of one's own sessions, or all others."""
    doors.token(visit, form)
    only, mine = str(form.get("session", ""))[:64], visit.session

    def deed(tx: doors.Tx) -> None:
        n = accounts.end_sessions(tx, mine.person, but=mine.token_hash, only="" if only == "others" else only or "-")
        if n:
            _record(visit, tx, "sessions-ended", account=mine.account, sessions=n)

    visit.site.store.write(deed)
    return doors.go("/account?notice=已结束")


@router.post("/account/tokens")
def make_token(visit: doors.StaffVisit, form: doors.Posted) -> Response:
    """A token for a program, through the post one acts in; its words are on this answer and nowhere else."""
    doors.token(visit, form)
    if not doors.is_proven(visit):
        return doors.go("/prove?next=/account")
    name, days = str(form.get("name", ""))[:200], str(form.get("days", ""))
    scopes = [str(one) for one in form.getlist("scopes")]
    own = _as_owner(visit)

    def deed(tx: doors.Tx) -> str:
        number, words = tokens.make(tx, visit.actor, name, scopes, int(days) if days.isdigit() else 0, visit.now)
        _record(own, tx, "token-made", token=number, label=name, scopes=" ".join(scopes), post=visit.actor.post)
        return words

    try:
        return _page(own, made=visit.site.store.write(deed))
    except BadInput as fault:
        return _page(own, 422, fault.problems)


def _as_owner(visit: doors.Staff) -> doors.Owner:
    return doors.Owner(visit.request, visit.site, visit.now, visit.session, visit.authority, visit.actor, visit.posts)


@router.post("/account/tokens/{token}")
def revoke_token(visit: doors.OwnVisit, form: doors.Posted, token: str) -> Response:
    doors.token(visit, form)

    def deed(tx: doors.Tx) -> None:
        label = tokens.revoke(tx, visit.session.person, token, visit.now)
        _record(visit, tx, "token-revoked", token=token, label=label)

    visit.site.store.write(deed)
    return doors.go("/account?notice=令牌已吊销")


@router.post("/account/link")
def link(visit: doors.OwnVisit, form: doors.Posted) -> Response:
    """Take a subject of the provider for one's own, by the code that its owner was shown."""
    doors.token(visit, form)
    if visit.session.must:
        raise doors.NeedSettling(visit.session.must)
    if not doors.is_proven(visit):
        return doors.go("/prove?next=/account")

    given = str(form.get("link", ""))[:60].strip().lower()
    shown = visit.request.cookies.get(doors.cookie_name(visit.site) + "-link", "")

    def deed(tx: doors.Tx) -> None:
        found = oidc.redeem(tx, given, visit.now) if given and given == shown else None
        if found is None:
            raise BadInput(
                [Problem("link", "关联码不对、已经用过、超过了 10 分钟，或者不是在这个浏览器里得到的", rule="code")]
            )
        keeping.link(tx, visit.authority, _self(visit, tx), *found, visit.session.person, visit.now)

    try:
        visit.site.store.write(deed)
    except BadInput as fault:
        return _page(visit, 422, fault.problems)
    return doors.go("/account?notice=已关联")
