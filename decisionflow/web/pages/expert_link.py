"""S13 专家意见（专家端）: behind a link, without an account: the interest, then the papers, then the opinion."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from decisionflow.core.facts import SHANGHAI
from decisionflow.errors import BadInput, NotFound, Problem, Settled
from decisionflow.service import guests, panels, sealing, steps
from decisionflow.service.guests import Guest, Opinion
from decisionflow.service.reads import experts as reads
from decisionflow.service.reads import refusals
from decisionflow.service.staging import File
from decisionflow.web import doors
from decisionflow.web.pages import files

router = APIRouter(include_in_schema=False)
KEEP = 200 * 24 * 3600


def _cookie(token: str) -> str:
    return f"dfe-{panels.hashed(token)[:12]}"


def _secret(visit: doors.Visit, token: str) -> str:
    return str(visit.request.cookies.get(_cookie(token), ""))


def _guest(visit: doors.Visit, token: str) -> Guest:
    with visit.site.store.read() as connection:
        return guests.find(connection, token, _secret(visit, token), visit.now)


@router.get("/e/{token}")
def room(visit: doors.AnyVisit, token: str) -> HTMLResponse:
    """What stands behind a link; opened for the first time, only a button: mail programs that look ahead bind nothing."""
    with visit.site.store.read() as connection:
        new = guests.is_new(connection, token, visit.now)
    return doors.anybody(visit).page("expert_door", token=token) if new else _room(visit, token)


@router.post("/e/{token}")
def come_in(visit: doors.AnyVisit, token: str, form: doors.Posted) -> Response:
    """Open the link: from now on it opens in this browser only."""
    secret = _secret(visit, token) or secrets.token_urlsafe(24)
    visit.site.store.write(lambda tx: guests.bind(tx, token, secret, visit.now))
    answer = doors.go(f"/e/{token}")
    answer.set_cookie(
        _cookie(token),
        secret,
        max_age=KEEP,
        path="/e/",
        httponly=True,
        samesite="lax",
        secure=visit.site.settings.secure,
    )
    return answer


@router.post("/e/{token}/declare")
def declare(visit: doors.AnyVisit, token: str, form: doors.Posted) -> Response:
    """Whether there is an interest in the matter; who has one goes no further."""
    given = {name: str(form.get(name, "")) for name in ("interest", "words", "name")}
    secret = _secret(visit, token)
    try:
        visit.site.store.write(lambda tx: guests.declare(
            tx, token, secret, given["interest"], given["words"], given["name"], visit.now))  # fmt: skip
    except BadInput as fault:
        return _room(visit, token, fault.problems, fault.status, given=given)
    except Settled as fault:
        return _room(visit, token, [Problem("", fault.say, rule=fault.code)], fault.status)
    return doors.go(f"/e/{token}")


@router.post("/e/{token}/papers")
def papers(visit: doors.AnyVisit, token: str, form: doors.Posted) -> Response:
    """Open the papers of the draft as it stands; that they were opened is recorded."""
    secret = _secret(visit, token)
    try:
        visit.site.store.write(lambda tx: guests.open_papers(tx, token, secret, visit.now))
    except Settled as fault:
        return _room(visit, token, [Problem("", fault.say, rule=fault.code)], fault.status)
    return doors.go(f"/e/{token}")


@router.get("/e/{token}/files/{sha256}")
def file(visit: doors.AnyVisit, token: str, sha256: str) -> Response:
    """A paper that the expert has opened, or the expert's own opinion."""
    found = reads.room(visit.site.store.blobs, _guest(visit, token))
    own = found.guest.act.papers if found.guest.act else ()
    known = {one.sha256: File(one.sha256, one.name, one.size, one.type) for one in (*found.papers, *own)}
    if sha256 not in known:
        raise NotFound(f"no file {sha256[:80]!r} here", say="没有这个文件")
    return files.handed(visit, sha256, known)


@router.post("/e/{token}/save")
def save(visit: doors.AnyVisit, token: str, form: doors.Posted) -> HTMLResponse:
    """Keep what is being written; asked by the page itself, or by its button without scripts."""
    given, secret, by_itself = _opinion(form), _secret(visit, token), "hx-request" in visit.request.headers
    try:
        visit.site.store.write(lambda tx: guests.save(tx, token, secret, given, visit.now))
    except Settled as fault:
        if by_itself:
            return HTMLResponse(fault.say, fault.status)
        return _room(visit, token, [Problem("", fault.say, rule=fault.code)], fault.status)
    said = f"已保存 {visit.now.astimezone(SHANGHAI):%H:%M}"
    return HTMLResponse(said) if by_itself else _room(visit, token, opinion=given)


@router.post("/e/{token}/opinion")
def opinion(visit: doors.AnyVisit, token: str, form: doors.Posted) -> Response:
    """The opinion: looked over on a page of its own, then signed and handed in; a second press changes nothing."""
    given, secret, step = _opinion(form), _secret(visit, token), form.get("step")
    if step == "edit":
        return _room(visit, token, opinion=given)
    try:
        if step != "send":
            visit.site.store.write(lambda tx: guests.save(tx, token, secret, given, visit.now))
            found = reads.room(visit.site.store.blobs, _guest(visit, token))
            guests.complete(found.guest, given)
            return _page(visit, "expert_check", found, token=token, given=asdict(given))
        outcome = visit.site.store.write(lambda tx: guests.file(tx, token, secret, given, visit.now))
    except BadInput as fault:
        return _room(visit, token, fault.problems, fault.status, opinion=given)
    except Settled as fault:
        return _room(visit, token, [Problem("", fault.say, rule=fault.code)], fault.status, opinion=given)
    return _told(visit, token, outcome, given)


@router.post("/e/{token}/correct")
def correct(visit: doors.AnyVisit, token: str, form: doors.Posted) -> Response:
    """Correct a signed opinion by a new entry."""
    given, secret, reason = _opinion(form), _secret(visit, token), str(form.get("reason", ""))
    key = str(form.get("key", ""))[:100] or secrets.token_urlsafe(16)
    try:
        outcome = visit.site.store.write(lambda tx: guests.correct(tx, token, secret, given, reason, key, visit.now))
    except BadInput as fault:
        return _room(visit, token, fault.problems, fault.status, opinion=given, given={"reason": reason})
    except (Settled, steps.KeyReused) as fault:
        return _room(visit, token, [Problem("", fault.say, rule=fault.code)], fault.status, opinion=given)
    return _told(visit, token, outcome, given)


def _told(visit: doors.Visit, token: str, outcome: steps.Done | steps.Held | None, given: Opinion) -> Response:
    """On after an act; what a gate refused stands on the page with its article."""
    if isinstance(outcome, steps.Held):
        return _room(visit, token, (), 409, opinion=given, refused=outcome)
    if outcome is not None and outcome.binding:
        sealing.await_seal(visit.site.store, outcome.authority, outcome.entry, visit.site.clock)
    return doors.go(f"/e/{token}")


def _opinion(form: doors.Posted) -> Opinion:
    return Opinion(**{name: str(form.get(name, "")).replace("\r\n", "\n") for name in guests.FIELDS})


def _room(
    visit: doors.Visit, token: str, problems: Sequence[Problem] = (), status: int = 200, *, opinion: Opinion | None = None,
    given: dict[str, str] | None = None, refused: steps.Held | None = None,
) -> HTMLResponse:  # fmt: skip
    guest = _guest(visit, token)
    found = reads.room(visit.site.store.blobs, guest)
    with visit.site.store.read() as connection:
        begun, saved = guests.begun(connection, guest, visit.now)
    typed = asdict(opinion or (Opinion(**found.said) if found.said else begun))
    blank = {"interest": "", "words": "", "name": "", "reason": "", "key": secrets.token_urlsafe(16)}
    return _page(visit, "expert_room", found, status, token=token, saved=saved, given=blank | typed | (given or {}),
                 errors={one.place: one.say for one in problems}, card=_card(guest, refused) if refused else None)  # fmt: skip


def _card(guest: Guest, held: steps.Held) -> refusals.Card:
    """Why the act was refused, without ways that lead to pages of others."""
    at = refusals.Lookout(guest.standing.procedure, guest.standing.facts, guest.actor, ())
    card = refusals.card(guest.action, held.refused.findings, at, form=False)
    return replace(card, findings=tuple(replace(one, remedies=()) for one in card.findings))


def _page(visit: doors.Visit, name: str, found: reads.Room, status: int = 200, **values: Any) -> HTMLResponse:
    authority = found.guest.authority.name
    return doors.anybody(visit).page(name, status, found=found, authority_name=authority, **values)
