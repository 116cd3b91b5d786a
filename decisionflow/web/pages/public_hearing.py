"""P7 听证会: the notice of a hearing, a sign-up and its receipt, and the record of each draw, without signing in."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from decisionflow.core import draw as draws
from decisionflow.core.facts import Timing
from decisionflow.errors import BadInput, Problem
from decisionflow.service import hearings, rehearsals, signups
from decisionflow.service.reads import public, public_hearing
from decisionflow.service.receipts import Sent
from decisionflow.service.signups import Application
from decisionflow.web import doors, portal

router = APIRouter(include_in_schema=False)
FIELDS = ("side", "name", "contact", "unit", "words")


@router.get("/public/h/{no}")
def hearing(visit: doors.PasserVisit, no: str) -> Response:
    with visit.site.store.read() as connection:
        mark = public.mark(connection, no), public_hearing.mark(connection, no)

    def make(anybody: doors.Visit) -> Response:
        found = _notice(visit, no)
        return anybody.page("public_hearing", found=found, crumbs=_crumbs((found.title, "")))

    return portal.kept(visit, "", mark, make)


@router.get("/public/h/{no}/draws/{n}")
def record(visit: doors.AnyVisit, no: str, n: int) -> Response:
    """The record of a draw, as ``decisionflow draw`` reads it."""
    found = public_hearing.lot(_notice(visit, no), n)
    headers = {"content-disposition": f'attachment; filename="{no}-draw-{n}.json"', "x-content-type-options": "nosniff"}
    return Response(draws.write(found.record), media_type="application/json", headers=headers)


@router.get("/public/h/{no}/signup")
def form(visit: doors.AnyVisit, no: str, side: str = "") -> HTMLResponse:
    found = _notice(visit, no)
    given = dict.fromkeys(FIELDS, "") | {"side": side[:40], "key": secrets.token_urlsafe(24)}
    return _form(visit, found, given, ())


@router.post("/public/h/{no}/signup")
def sign_up(visit: doors.AnyVisit, no: str, form: doors.Posted) -> HTMLResponse:
    """An application: checked on a page of its own first, then received; a second press gives the first receipt."""
    found = _notice(visit, no)
    given = {name: str(form.get(name, "")) for name in (*FIELDS, "key")}
    sent = Application(given["side"], given["name"], given["contact"], given["words"], given["unit"])
    step = form.get("step")
    try:
        with visit.site.store.read() as connection:
            authority, _ = public.visible(connection, no)
            row = hearings.by_no(connection, authority.id, no)
        if step != "send":  # what is sent is admitted where it is received, after asking whether it came before
            signups.admit(row, Timing(visit.now))
        clean = signups.checked(sent, row)
        if step == "edit":
            return _form(visit, found, given, ())
        if step != "send":
            return visit.page("public_hearing_check", found=found, given=given, sent=clean)
        if wait := portal.of(visit).sending.hit(portal.address(visit.request)):
            say = (
                "从您这里（或者同一个网络）提交的次数太多，请过一会儿再按一次；也可以用信函、电话报名。您填写的内容都在"
            )
            answer = _form(visit, found, given, [Problem("", say, rule="too-many")], 429)
            answer.headers["retry-after"] = str(wait)
            return answer
        everybody = rehearsals.system_actor(authority.id, "公众")
        receipt = visit.site.store.write(
            lambda tx: signups.receive(tx, authority, no, clean, everybody, Timing(visit.now), given["key"])
        )
    except BadInput as fault:
        return _form(visit, found, given, fault.problems, fault.status)
    except Sent as fault:
        again = {**given, "key": secrets.token_urlsafe(24)}
        return _form(visit, found, again, [Problem("", fault.say, rule=fault.code)], fault.status)
    return visit.page("public_hearing_receipt", found=found, receipt=receipt, sent=clean)


def _notice(visit: doors.Visit, no: str) -> public_hearing.Notice:
    with visit.site.store.read() as connection:
        return public_hearing.notice(connection, visit.site.store.blobs, no, visit.now)


def _form(
    visit: doors.Visit, found: public_hearing.Notice, given: dict[str, str], problems: Sequence[Problem], status: int = 200
) -> HTMLResponse:  # fmt: skip
    in_order = sorted(problems, key=lambda one: (*FIELDS, one.place).index(one.place))
    return visit.page(
        "public_hearing_signup", status, found=found, given=given, errors={one.place: one.say for one in in_order},
        crumbs=_crumbs((found.title, f"/public/h/{found.no}"), ("报名", "")),
    )  # fmt: skip


def _crumbs(*parts: tuple[str, str]) -> list[dict[str, str]]:
    first = {"title": "公众参与", "href": "/public/consultations"}
    return [first, *({"title": title, "href": href} for title, href in parts)]
