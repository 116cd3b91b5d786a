"""What an endpoint needs to know of its visitor: who asks, through which post, at which instant.

Endpoints are plain functions: get the visit, call one read or one deed, render or redirect. Writes are
committed in the endpoint's body by `store.write`, never in a dependency (trap T8).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar, cast
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from decisionflow import render
from decisionflow.core.facts import legal_date
from decisionflow.errors import BadInput, DecisionflowError, Forbidden, NotFound, Problem
from decisionflow.service import accounts, actors, permissions, sealing, steps, tokens
from decisionflow.service.accounts import SignedIn
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.service.site import Site
from decisionflow.store.engine import Tx
from decisionflow.web import security

__all__ = ["AnyVisit", "InspectorVisit", "OwnVisit", "PasserVisit", "Posted", "Staff", "StaffVisit", "Tx", "Visit"]

T = TypeVar("T")
NAV = (
    ("/inbox", "工作台", "inbox"),
    ("/cases", "事项", "files"),
    ("/overdue", "到期未办", "clock"),
    ("/meetings", "会议", "gavel"),
    ("/catalogue", "目录", "list-details"),
    ("/procedures", "程序", "sitemap"),
    ("/experts", "专家库", "users-group"),
    ("/register", "机构人员", "users-group"),
    ("/public/consultations", "公众参与", "messages"),
    ("/trace", "倒查", "search"),
    ("/verify", "校验", "fingerprint"),
)


class NeedSignIn(Exception):
    """Nobody is signed in; the door answers with a way to the sign-in page."""

    def __init__(self, back: str) -> None:
        super().__init__(back)
        self.back = back


class NeedPost(Exception):
    """Signed in, but the acting post is not chosen yet."""


class NeedSettling(Exception):
    """Signed in, but something of the account comes first: a password of one's own, a second factor."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class NeedScope(DecisionflowError):
    """The token is good, but not for this."""

    code = "scope"
    status = 403
    exit = 7

    def __init__(self, scope: str) -> None:
        super().__init__(f"token without {scope}", say=f"令牌没有范围 {scope}")
        self.scope = scope


class NeedProof(DecisionflowError):
    """The act binds, and the person has not shown for a while that they are there."""

    code = "proof-needed"
    status = 401
    exit = 7


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of one visitor."""

    request: Request
    site: Site
    now: datetime
    session: SignedIn | None = None
    authority: Authority | None = None
    actor: Actor | None = None
    posts: Sequence[Actor] = ()
    scopes: frozenset[str] | None = None  # those of a token; None for a person in a browser

    @property
    def mode(self) -> str:
        """How the visitor wants pages to look: ``elder``, ``contrast`` or '' for neither."""
        chosen = self.request.cookies.get("mode", "")
        return chosen if chosen in ("elder", "contrast") else ""

    def page(self, name: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A page in the frame that fits this visitor."""
        return HTMLResponse(render.page(name, **{**self._frame(), **values}), status)

    def _frame(self) -> dict[str, Any]:
        cookies = self.request.cookies
        frame: dict[str, Any] = {
            "authority_name": self.authority.name if self.authority else "decisionflow",
            "demo": self.site.settings.demo, "mode": self.mode, "theme": cookies.get("theme", "light"),
            "csrf": self.session.csrf if self.session else "", "now": self.now, "nav": (), "post": None, "tools": (),
            "checkpoint": "", "printed": "", "notice": self.request.query_params.get("notice", "")[:80],
        }  # fmt: skip
        if self.authority:
            with self.site.store.read() as connection:
                seal = sealing.latest(connection, self.authority.id)
            frame["checkpoint"] = sealing.short_code(self.authority.origin, seal) if seal else ""
        if self.actor:
            post = {"name": self.actor.name, "unit": self.actor.unit_name, "title": self.actor.post_title}
            frame |= {"nav": self._nav(), "tools": self._tools(), "post": post}
        return frame

    def _tools(self) -> list[dict[str, str]]:
        demo = [{"href": "/as", "title": "换个身份"}] if self.site.settings.demo else []
        return [*demo, {"href": "/account", "title": "账号"}, {"href": "/logout", "title": "退出"}]

    def _nav(self) -> list[dict[str, Any]]:
        actor = cast(Actor, self.actor)
        hidden = set() if permissions.may_inspect(actor) else {"/trace"}
        hidden |= set() if permissions.may_list(actor) else {"/cases", "/inbox", "/overdue", "/meetings", "/catalogue"}
        hidden |= {"/experts"} if not permissions.may_read_pool(actor) else set()
        hidden |= {"/register"} if not permissions.may_keep_register(actor) else set()
        # Eight at most: who looks backwards comes to meetings and the pool from a case, everybody else to verifying.
        hidden |= {"/experts", "/meetings"} if permissions.may_inspect(actor) else set()
        hidden |= {"/verify"} if permissions.may_list(actor) and not permissions.may_inspect(actor) else set()
        path = self.request.url.path
        return [
            {"href": href, "title": title, "icon": icon, "current": path == href or path.startswith(f"{href}/")}
            for href, title, icon in NAV
            if href not in hidden
        ]


@dataclass(frozen=True, slots=True)
class Staff(Visit):
    """A visit by somebody who is signed in and acts through a post."""

    session: SignedIn
    authority: Authority
    actor: Actor


def _site(request: Request) -> Site:
    return cast(Site, request.app.state.site)


def cookie_name(site: Site) -> str:
    """The session cookie's name: bound to host and HTTPS where we have it."""
    return "__Host-df" if site.settings.secure else "df"


def set_cookie(response: Response, site: Site, of: str, value: str, *, days: int = 0, seconds: int = 0) -> None:
    """One of our cookies, never for scripts: for this visit of the browser, or for some time."""
    response.set_cookie(
        cookie_name(site) + of, value, httponly=True, samesite="lax", path="/", secure=site.settings.secure,
        max_age=days * 86400 + seconds or None,
    )  # fmt: skip


def visit(request: Request) -> Visit:
    """The visit of anybody; with session and actor when there are any."""
    site = _site(request)
    now = site.clock()
    token = request.cookies.get(cookie_name(site), "")
    if bearer := _bearer(request):
        return _by_token(request, site, bearer, now, both=bool(token))
    with site.store.read() as connection:
        idle = site.settings.idle_minutes
        session = accounts.session(connection, token, now, idle_minutes=idle, profile=site.profile) if token else None
        if session is None:
            return Visit(request, site, now, authority=_public_authority(site))
        authority = site.authority(session.authority)
        posts = actors.posts_of(connection, authority.id, session.person, legal_date(now))
    chosen = next((post for post in posts if post.appointment == session.appointment), None)
    if chosen is not None:
        chosen = actors.signed(chosen, session.method, session.token_hash, session.level)
    return Visit(request, site, now, session, authority, chosen, posts)


def _bearer(request: Request) -> str:
    """The token of a program: for the API only."""
    kind, _, words = request.headers.get("authorization", "").partition(" ")
    return words.strip() if kind.lower() == "bearer" and request.url.path.startswith("/api/") else ""


def _by_token(request: Request, site: Site, words: str, now: datetime, *, both: bool) -> Visit:
    """The visit of a program. Raises TokenRefused, BadInput when a cookie comes along."""
    if both:
        raise BadInput([Problem("authorization", "令牌和登录不能同时使用", rule="choice")])
    with site.store.read() as connection:
        held = tokens.find(connection, words, now)
    site.store.write(lambda tx: tokens.touch(tx, held.id, now))
    as_session = SignedIn("", "", held.actor.person, held.authority, held.actor.appointment, "", "token")
    return Visit(
        request, site, now, as_session, site.authority(held.authority), held.actor, (held.actor,), held.scopes
    )  # fmt: skip


def _public_authority(site: Site) -> Authority | None:
    try:
        return site.authority()
    except Exception:  # several governments: public pages name theirs in the address
        return None


def passer_by(request: Request) -> Visit:
    """The visit of anybody, without asking who it is: for pages that are the same for everybody."""
    return Visit(request, _site(request), _site(request).clock())


def anybody(found: Visit) -> Visit:
    """The same visit as made by somebody who is not signed in."""
    return Visit(found.request, found.site, found.now, authority=_public_authority(found.site))


def staff(request: Request) -> Staff:
    """The visit of a signed-in person acting through a post. Raises NeedSignIn, NeedSettling or NeedPost."""
    found = owner(request)
    if found.session.must:
        raise NeedSettling(found.session.must)
    if found.actor is None:
        if not found.posts:
            raise Forbidden("no valid appointment", say="您目前没有有效任职，不能办理；如有疑问请联系系统管理员")
        raise NeedPost
    return Staff(
        request, found.site, found.now, found.session, found.authority, found.actor, found.posts, found.scopes
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Owner(Visit):
    """A visit by somebody who is signed in, whatever post they act through or none: to their own account."""

    session: SignedIn
    authority: Authority


def owner(request: Request) -> Owner:
    """The visit of somebody to what is their own. Raises NeedSignIn."""
    found = visit(request)
    if found.session is None or found.authority is None:
        raise NeedSignIn(str(request.url.path))
    if token_hash := found.session.token_hash:
        found.site.store.write(lambda tx: accounts.touch(tx, token_hash, found.now))
    return Owner(
        request, found.site, found.now, found.session, found.authority, found.actor, found.posts, found.scopes
    )  # fmt: skip


class Scoped:
    """What an address of the API asks of a token; '' lets every token in. Of a person it asks nothing."""

    def __init__(self, scope: str) -> None:
        self.scope = scope

    def __call__(self, request: Request) -> Staff:
        found = staff(request)
        if found.scopes is not None and self.scope and self.scope not in found.scopes:
            raise NeedScope(self.scope)
        return found


def api_write(found: Visit, given: str) -> None:
    """The cross-site checks of a write to the API; a token needs none, since no browser sends it unasked. Raises CrossSite."""
    if found.scopes is None:
        headers = found.request.headers
        security.check_origin(found.request.method, headers, headers.get("host", ""))
        security.check_token(found.session.csrf if found.session else "", given)


def is_proven(found: Visit) -> bool:
    """Whether the person has shown lately enough that they are there; in the demo nobody has to."""
    minutes, session = found.site.settings.reauth_minutes, found.session
    if not minutes or (found.site.settings.demo and session and session.method == "demo"):
        return True
    proven = session.proven_at if session else None
    return proven is not None and found.now - proven <= timedelta(minutes=minutes)


def must_prove(found: Visit) -> None:
    """Refuse an act that binds when its person has not proven to be there. Raises NeedProof."""
    if not is_proven(found):
        if found.scopes is not None:
            raise Forbidden("a token takes no binding act", say="这项办理须本人在场，不能用令牌办理")
        raise NeedProof("proof of the person is needed", say="这项办理须先再次验证身份：请打开 /prove")


async def posted(request: Request) -> AsyncIterator[FormData]:
    """The form of a request, after the cross-site checks; its files are closed afterwards. Raises CrossSite."""
    security.check_origin(request.method, request.headers, request.headers.get("host", ""))
    async with request.form(max_files=60, max_fields=3000, max_part_size=2 * 1024 * 1024) as form:
        yield form


def inspector(request: Request) -> Staff:
    """The visit of somebody who may look backwards; to others there is no such page."""
    found = staff(request)
    if not permissions.may_inspect(found.actor):
        raise NotFound("not an inspector", say="没有这个页面")
    return found


AnyVisit = Annotated[Visit, Depends(visit)]
PasserVisit = Annotated[Visit, Depends(passer_by)]
StaffVisit = Annotated[Staff, Depends(staff)]
OwnVisit = Annotated[Owner, Depends(owner)]
AnyToken = Annotated[Staff, Depends(Scoped(""))]
CaseRead = Annotated[Staff, Depends(Scoped("case.read"))]
CaseWrite = Annotated[Staff, Depends(Scoped("case.write"))]
InspectorVisit = Annotated[Staff, Depends(inspector)]
Posted = Annotated[FormData, Depends(posted)]


def take(found: Staff, ask: steps.Ask) -> steps.Done | steps.Held:
    """Take a step for a visitor. Raises NeedProof."""
    return write(found, lambda tx: steps.take_step(tx, found.authority, found.actor, ask, found.now))


def write(found: Staff, deed: Callable[[Tx], T]) -> T:
    """Write for a visitor. An act that binds is undone again when its person has not proven to be there: NeedProof."""

    def checked(tx: Tx) -> T:
        outcome = deed(tx)
        if isinstance(outcome, steps.Done) and outcome.binding and not outcome.repeated:
            must_prove(found)
        return outcome

    return found.site.store.write(checked)


def token(found: Visit, form: FormData) -> None:
    """Check the session's token in a form. Raises CrossSite."""
    security.check_token(found.session.csrf if found.session else "", form.get("csrf"))


def go(href: str) -> Response:
    """After a write: to a page that can be reloaded."""
    return RedirectResponse(href, 303)


def sign_in_first(back: str) -> Response:
    """To the sign-in page, and back afterwards."""
    return RedirectResponse(f"/login?next={quote(back, safe='/')}", 303)
