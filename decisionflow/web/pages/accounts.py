"""M6 账号: the security administrator keeps accounts; what takes two persons waits here for the second."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from decisionflow.errors import BadInput, NotFound, Problem
from decisionflow.service import keeping, permissions
from decisionflow.service import register as book
from decisionflow.service.keeping import Given
from decisionflow.web import doors

router = APIRouter(include_in_schema=False)
WIDEST = 500


def _allowed(visit: doors.Staff) -> None:
    if not permissions.may_see_accounts(visit.actor):
        raise NotFound("may not see accounts", say="没有这个页面")


@router.get("/accounts")
def listing(visit: doors.StaffVisit, q: str = "") -> HTMLResponse:
    return _page(visit, q=q)


def _page(
    visit: doors.Staff, status: int = 200, problems: Sequence[Problem] = (), given: Given | None = None, q: str = ""
) -> HTMLResponse:  # fmt: skip
    _allowed(visit)
    q = q.strip()[:60]
    with visit.site.store.read() as connection:
        rows = keeping.listing(connection, visit.authority, visit.now, q)
        waiting = keeping.waiting(connection, visit.authority, visit.now)
        subjects = keeping.subjects(connection)
        people = book.everybody(connection, WIDEST)
    issuer = visit.site.settings.oidc.issuer
    return visit.page(
        "accounts", status, rows=rows, waiting=waiting, people=people, q=q, given=given, subjects=subjects, issuer=issuer,
        keeps=permissions.may_keep_accounts(visit.actor), me=visit.actor.person, alone=keeping.ALONE, pairs=keeping.TWO_PERSONS,
        errors=[{"id": one.place, "text": one.say} for one in problems],
    )  # fmt: skip


@router.post("/accounts")
def create(visit: doors.StaffVisit, form: doors.Posted) -> Response:
    """A new account, with a one-time password that is on this answer and nowhere else."""
    doors.token(visit, form)
    _allowed(visit)
    person, login = str(form.get("person", ""))[:60], str(form.get("login", ""))[:200]
    try:
        given = visit.site.store.write(
            lambda tx: keeping.create(tx, visit.authority, visit.actor, person, login, visit.now)
        )
    except BadInput as fault:
        return _page(visit, 422, fault.problems)
    return _page(visit, given=given)


@router.post("/accounts/subjects")
def link(visit: doors.StaffVisit, form: doors.Posted) -> Response:
    """Write down, or take back, which person a subject of the provider is."""
    doors.token(visit, form)
    _allowed(visit)
    issuer, subject = visit.site.settings.oidc.issuer, str(form.get("subject", ""))[:300].strip()
    if not issuer:
        raise NotFound("no identity provider", say="没有设置统一身份认证")
    who = (visit.authority, visit.actor)
    try:
        if form.get("do") == "unlink":
            named = str(form.get("issuer", ""))[:300]
            visit.site.store.write(lambda tx: keeping.unlink(tx, *who, named, subject, visit.now))
        else:
            person = str(form.get("person", ""))[:60]
            visit.site.store.write(lambda tx: keeping.link(tx, *who, issuer, subject, person, visit.now))
    except BadInput as fault:
        return _page(visit, 422, fault.problems)
    return doors.go("/accounts?notice=已办理")


@router.post("/accounts/requests/{request}")
def settle(visit: doors.StaffVisit, form: doors.Posted, request: str) -> Response:
    """The second person says yes or no."""
    doors.token(visit, form)
    agree = form.get("do") == "agree"
    visit.site.store.write(lambda tx: keeping.settle(tx, visit.authority, visit.actor, request, visit.now, agree=agree))
    return doors.go("/accounts?notice=已办理")


@router.post("/accounts/{account}")
def deed(visit: doors.StaffVisit, form: doors.Posted, account: str) -> Response:
    """What is done to an account: at once by one person, or proposed for a second one."""
    doors.token(visit, form)
    _allowed(visit)
    wanted, reason, who = str(form.get("do", "")), str(form.get("reason", ""))[:2000], (visit.authority, visit.actor)
    try:
        if wanted in keeping.TWO_PERSONS:
            visit.site.store.write(lambda tx: keeping.propose(tx, *who, account, wanted, reason, visit.now))
            return doors.go("/accounts?notice=已提出，等另一位管理员确认")
        given = visit.site.store.write(lambda tx: keeping.do(tx, *who, account, wanted, reason, visit.now))
    except BadInput as fault:
        return _page(visit, 422, fault.problems)
    return _page(visit, given=given) if given.secret else doors.go("/accounts?notice=已办理")
