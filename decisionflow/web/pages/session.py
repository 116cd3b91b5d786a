"""Signing in and out, choosing the acting post; in the demo, walking in as somebody without a password."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from decisionflow.errors import NotFound
from decisionflow.service import accounts, authorities
from decisionflow.web import doors, portal

router = APIRouter(include_in_schema=False)
demo_router = APIRouter(include_in_schema=False)


@router.get("/")
def home(visit: doors.AnyVisit) -> Response:
    return doors.go("/inbox" if visit.session else "/public/consultations")


@router.get("/login")
def login_page(visit: doors.AnyVisit, next: str = "/inbox") -> HTMLResponse:
    return visit.page("login", error="", login="", next=_inside(next))


@router.post("/login")
def login(visit: doors.AnyVisit, form: doors.Posted) -> Response:
    name, password = str(form.get("login", "")).strip()[:60], str(form.get("password", ""))[:200]
    back = _inside(str(form.get("next", "")))
    # Guessing is slowed by source, and by name from one source: nobody is locked out by somebody else's guesses.
    brakes, address = portal.of(visit), portal.address(visit.request)
    if wait := brakes.entering.hit(address) or brakes.guessing.hit(address, name):
        answer = visit.page("login", 429, error="尝试太频繁，请一分钟后再试", login=name, next=back)
        answer.headers["retry-after"] = str(wait)
        return answer
    try:
        with visit.site.store.read() as connection:
            account = accounts.check(connection, name, password)
            homes = accounts.authorities_of(connection, account["person_id"])
    except accounts.SignInRefused as refused:
        return visit.page("login", 401, error=refused.say, login=name, next=back)
    if not homes:
        return visit.page("login", 403, error="您的账号尚未任职，请联系系统管理员", login=name, next=back)
    return _enter(visit, account["id"], account["person_id"], homes[0], "password", back)


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


def _enter(visit: doors.Visit, account: str, person: str, authority: str, method: str, back: str) -> Response:
    hours, now = visit.site.settings.session_hours, visit.now
    old = visit.session.token_hash if visit.session else ""

    def deed(tx: doors.Tx) -> str:
        if old:
            accounts.close_session(tx, old)
        return accounts.open_session(tx, account, person, authority, method, now, hours=hours)

    token = visit.site.store.write(deed)
    response = doors.go(back)
    response.set_cookie(
        doors.cookie_name(visit.site), token, httponly=True, samesite="lax", path="/", secure=visit.site.settings.secure
    )
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
