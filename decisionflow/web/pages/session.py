"""S01 Signing in and out, by a local account or the identity provider; choosing the acting post; proving again who one is.

In the demo, also walking in as somebody without a password.
"""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from decisionflow.errors import NotFound
from decisionflow.service import accounts, authorities, factors, keeping, misses, oidc, rehearsals
from decisionflow.web import brakes, doors, portal, proving

HALF_SECONDS = 300  # how long the password alone holds the door open for the code
router = APIRouter(include_in_schema=False)
demo_router = APIRouter(include_in_schema=False)


@router.get("/")
def home(visit: doors.AnyVisit) -> Response:
    return doors.go("/inbox" if visit.session else "/public/consultations")


@router.get("/login")
def login_page(visit: doors.AnyVisit, next: str = "/inbox") -> HTMLResponse:
    return _login(visit, next=_inside(next))


def _login(
    visit: doors.Visit, status: int = 200, error: str = "", login: str = "", next: str = "/inbox"
) -> HTMLResponse:
    oidc = visit.site.settings.oidc
    return visit.page(
        "login", status, error=error, login=login, next=next, provider=oidc.name if oidc.issuer else "",
        unfolded=bool(error or login),
    )  # fmt: skip


@router.post("/login")
def login(visit: doors.AnyVisit, form: doors.Posted) -> Response:
    name, password = str(form.get("login", "")).strip()[:60], str(form.get("password", ""))[:200]
    back, site, now = _inside(str(form.get("next", ""))), visit.site, visit.now
    # Guessing is slowed by source, and by name from one source: nobody is locked out by somebody else's guesses, and a
    # browser that this name has signed in with before is a source of its own, whoever else sits behind the same address.
    box, source = site.lockbox(), _source(visit, name)
    brake, address = portal.of(visit), portal.address(visit.request)
    known = source.startswith("device:")
    wait = (0 if known else brake.entering.hit(address)) or brake.guessing.hit(source if known else address, name)
    if wait:
        return _slowed(visit, name, back, wait)
    try:
        with site.store.read() as connection:
            if wait := misses.wait(connection, box, site.profile, name, source, now):
                return _slowed(visit, name, back, wait)
            account = accounts.check(connection, name, password)
            homes = accounts.authorities_of(connection, account["person_id"])
            asks_code = factors.is_active(connection, account["id"])
    except accounts.SignInRefused as refused:
        _missed(visit, name, source, refused.account, "password")
        return _login(visit, 401, refused.say, name, back)
    if accounts.is_stale(account, now):
        return _login(visit, 403, "一次性密码已经过期，请联系安全管理员重新发放", name, back)
    if not homes:
        return _login(visit, 403, "您的账号尚未任职，请联系系统管理员", name, back)
    if asks_code:
        half = box.seal("half", orjson.dumps([account["id"], back, int(now.timestamp())]))
        return visit.page("login_code", half=half, error="")
    site.store.write(lambda tx: misses.clear(tx, box, name, source))
    return _enter(visit, account["id"], account["person_id"], homes[0], "password", back, level="1", login=name)


@router.post("/login/code")
def login_code(visit: doors.AnyVisit, form: doors.Posted) -> Response:
    """The second step: the password was right, the code is asked for."""
    site, now, box, code = visit.site, visit.now, visit.site.lockbox(), str(form.get("code", ""))[:60]
    half = str(form.get("half", ""))[:2000]
    opened = box.open("half", half)
    account_id, back, since = orjson.loads(opened) if opened else ("", "/inbox", 0)
    if not opened or now.timestamp() - since > HALF_SECONDS:
        return _login(visit, 401, "登录超时，请重新填写登录名和密码")
    with site.store.read() as connection:
        account = accounts.get(connection, account_id)
        homes = accounts.authorities_of(connection, account["person_id"])
        name, source = account["login"], _source(visit, account["login"])
        wait = misses.wait(connection, box, site.profile, name, source, now)
    if wait:
        return _slowed(visit, name, _inside(back), wait)
    how = "" if account["disabled"] else site.store.write(lambda tx: factors.take(tx, box, account_id, code, now))
    if not how:
        _missed(visit, name, source, account_id, "code")
        return visit.page("login_code", 401, half=half, error="验证码不对，或者已经用过；请等验证器换下一个再试")
    site.store.write(lambda tx: misses.clear(tx, box, name, source))
    return _enter(
        visit, account_id, account["person_id"], homes[0], f"password+{how}", _inside(back), level="2", login=name
    )  # fmt: skip


def _source(visit: doors.Visit, login: str) -> str:
    carried = visit.request.cookies.get(doors.cookie_name(visit.site) + "-known", "")
    return misses.source(visit.site.lockbox(), login, carried[:600], brakes.source(portal.address(visit.request)))


def _slowed(visit: doors.Visit, login: str, back: str, wait: int) -> HTMLResponse:
    minutes = -(-wait // 60)
    when = "一分钟后" if minutes == 1 else f" {minutes} 分钟后"
    answer = _login(visit, 429, f"尝试太频繁，请{when}再试", login, back)
    answer.headers["retry-after"] = str(wait)
    return answer


def _missed(visit: doors.Visit, login: str, source: str, account: str, why: str) -> None:
    """Count a miss; of an account that exists it is also an entry (a flood of unknown names is only counted)."""
    site, now = visit.site, visit.now

    def deed(tx: doors.Tx) -> None:
        misses.miss(tx, site.lockbox(), site.profile, login, source, now)
        if not account:
            return
        row = accounts.get(tx.connection, account)
        homes = accounts.authorities_of(tx.connection, row["person_id"])
        if homes:
            authority = site.authority(homes[0])
            name = keeping.name_of(tx.connection, row["person_id"])
            system = rehearsals.system_actor(authority.id)
            keeping.record(tx, authority, system, "sign-in-failed", now, account=account, login=row["login"],
                           person=row["person_id"], name=name, why="closed" if row["disabled"] else why)  # fmt: skip

    site.store.write(deed)


@router.get("/logout")
def logout_page(visit: doors.StaffVisit) -> HTMLResponse:
    return visit.page("logout")


@router.post("/logout")
def logout(visit: doors.AnyVisit, form: doors.Posted) -> Response:
    doors.token(visit, form)
    if visit.session:
        token_hash = visit.session.token_hash
        visit.site.store.write(lambda tx: accounts.close_session(tx, token_hash))
    response = doors.go("/login")
    response.delete_cookie(doors.cookie_name(visit.site), path="/", secure=visit.site.settings.secure, httponly=True)
    return response


@router.get("/post")
def post_page(visit: doors.AnyVisit) -> Response:
    if visit.session is None:
        return doors.sign_in_first("/post")
    return visit.page("post", posts=visit.posts, current=visit.session.appointment)


@router.post("/post")
def post(visit: doors.AnyVisit, form: doors.Posted) -> Response:
    doors.token(visit, form)
    wanted = str(form.get("appointment", ""))
    if visit.session is None or all(one.appointment != wanted for one in visit.posts):
        raise NotFound("no such appointment of this person", say="您没有这个岗位")
    token_hash = visit.session.token_hash
    visit.site.store.write(lambda tx: accounts.choose_post(tx, token_hash, wanted))
    return doors.go("/inbox")


# ---- the identity provider of the government ---------------------------------------------------------------


@router.get("/login/oidc")
def oidc_begin(visit: doors.AnyVisit, next: str = "/inbox") -> Response:
    """To the identity provider; when it is down, a page that says so and how to go on."""
    return to_provider(visit, _inside(next))


def to_provider(visit: doors.Visit, back: str, *, proves: str = "") -> Response:
    """Begin a flow with the provider; with `proves`, for that session to show again who it is."""
    site = visit.site
    if not site.settings.oidc.issuer:
        raise NotFound("no identity provider", say="没有这个页面")
    provider = oidc.discover(site.settings.oidc)
    address, state = site.store.write(
        lambda tx: oidc.depart(tx, site.settings.oidc, provider, _redirect(visit), back, visit.now, proves=proves)
    )
    response = doors.go(address)
    doors.set_cookie(response, site, "-state", state, seconds=int(oidc.OPEN_FOR.total_seconds()))
    return response


@router.get("/login/oidc/back")
def oidc_back(visit: doors.AnyVisit, state: str = "", code: str = "", error: str = "") -> Response:
    """Back from the provider. Whoever is not known here gets a page that says how to be linked; nothing is created."""
    site, now, settings = visit.site, visit.now, visit.site.settings.oidc
    if not settings.issuer:
        raise NotFound("no identity provider", say="没有这个页面")
    kept = visit.request.cookies.get(doors.cookie_name(site) + "-state", "")
    flow = site.store.write(lambda tx: oidc.take(tx, state[:200], kept[:200], now))
    if error or not code:
        return _login(visit, 401, "统一身份认证没有完成登录，请重试")
    subject = oidc.finish(settings, oidc.discover(settings), flow, code[:2000], _redirect(visit), now)
    with site.store.read() as connection:
        person = oidc.person(connection, subject)
        account = accounts.of_person(connection, person) if person else None
        homes = accounts.authorities_of(connection, person) if person else ()
    if flow.proves:
        return _proves(visit, flow, subject, person)
    if not person:
        offered = site.store.write(lambda tx: oidc.offer(tx, subject, now))
        answer = visit.page("login_unknown", 403, provider=settings.name, subject=subject.subject, code=offered)
        # Only this browser may use the code: nobody can be talked into linking somebody else's identity to themselves.
        doors.set_cookie(answer, site, "-link", offered, seconds=int(oidc.OPEN_FOR.total_seconds()))
        return answer
    if account and account["disabled"]:
        return _login(visit, 403, "您的账号已经停用，请联系安全管理员")
    if not homes:
        return _login(visit, 403, "您尚未任职，请联系系统管理员")
    return _enter(visit, "", person, homes[0], "oidc", flow.back, level=subject.level)


def _proves(visit: doors.Visit, flow: oidc.Flow, subject: oidc.Subject, person: str) -> Response:
    """Somebody who is signed in has been asked again by the provider: it must be the same person, and just now."""
    session = visit.session
    if session is None or session.token_hash != flow.proves or session.person != person:
        raise oidc.NotBelieved("proof of somebody else", say="验证的不是现在登录的人，没有通过")
    if subject.at and visit.now.timestamp() - subject.at > oidc.OPEN_FOR.total_seconds():
        raise oidc.NotBelieved("proof is old", say="统一身份认证没有重新验证您本人，请重试")
    token_hash = session.token_hash
    visit.site.store.write(lambda tx: accounts.prove(tx, token_hash, visit.now))
    return doors.go(flow.back)


def _redirect(visit: doors.Visit) -> str:
    return f"{visit.site.settings.public_url}/login/oidc/back"


# ---- showing again who one is ------------------------------------------------------------------------------


@router.get("/prove")
def prove_page(visit: doors.OwnVisit, next: str = "/prove") -> HTMLResponse:
    done = doors.is_proven(visit)
    return visit.page("prove", kind=proving.asked(visit), next=_inside(next), error="", done=done)


@router.get("/prove/oidc")
def prove_by_provider(visit: doors.OwnVisit, next: str = "/prove") -> Response:
    return to_provider(visit, _inside(next), proves=visit.session.token_hash)


@router.post("/prove")
def prove(visit: doors.OwnVisit, form: doors.Posted) -> Response:
    doors.token(visit, form)
    back = _inside(str(form.get("next", "")))
    if wrong := proving.attempt(visit, str(form.get("proof", ""))[:200]):
        return visit.page("prove", 401, kind=proving.asked(visit), next=back, error=wrong, done=False)
    return doors.go(back)


# ---- the demo's switcher -----------------------------------------------------------------------------------


@demo_router.get("/as")
def roles(visit: doors.AnyVisit) -> HTMLResponse:
    """Everybody one can be in the demo."""
    with visit.site.store.read() as connection:
        return visit.page("roles", people=authorities.people(connection))


@demo_router.post("/as/{person}")
def become(visit: doors.AnyVisit, person: str, form: doors.Posted) -> Response:
    """Walk in as somebody. Demo only, and only from this very machine."""
    host = visit.request.client.host if visit.request.client else ""
    if host not in ("127.0.0.1", "::1", "testclient"):
        raise NotFound("role switcher is for the loopback only", say="没有这个页面")
    with visit.site.store.read() as connection:
        homes = accounts.authorities_of(connection, person)
    if not homes:
        raise NotFound(f"nobody {person}", say="演示数据里没有这个人")
    return _enter(visit, f"demo:{person}", person, homes[0], "demo", "/inbox")


def _enter(
    visit: doors.Visit, account: str, person: str, authority: str, method: str, back: str, *, level: str = "", login: str = ""
) -> Response:  # fmt: skip
    site, now = visit.site, visit.now
    old = visit.session.token_hash if visit.session else ""
    home = site.authority(authority)

    def deed(tx: doors.Tx) -> str:
        if old:
            accounts.close_session(tx, old)
        if method != "demo":
            actor = keeping.oneself(home, person, keeping.name_of(tx.connection, person))
            keeping.record(tx, home, actor, "signed-in", now, account=account, login=login, method=method)
        hours = site.settings.session_hours
        return accounts.open_session(tx, account, person, authority, method, now, hours=hours, level=level)

    response = doors.go(back)
    doors.set_cookie(response, site, "", site.store.write(deed))
    if login:
        doors.set_cookie(response, site, "-known", misses.device(site.lockbox(), login), days=180)
    return response


def _inside(path: str) -> str:
    """A path of ours to go to after signing in; anything else becomes the inbox."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/inbox"


@router.get("/display")
def display(request: Request, visit: doors.AnyVisit, mode: str = "", theme: str = "") -> Response:
    """Letter size and colours, kept in a cookie; the same address either way."""
    response = doors.go(
        _inside(request.headers.get("referer", "/").partition(request.headers.get("host", "\0"))[2] or "/")
    )
    if mode in ("standard", "elder", "contrast"):
        response.set_cookie("mode", "" if mode == "standard" else mode, max_age=31536000, samesite="lax", path="/")
    if theme in ("light", "dark", "auto"):
        response.set_cookie("theme", theme, max_age=31536000, samesite="lax", path="/")
    return response
