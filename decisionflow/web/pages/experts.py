"""S12 专家抽取与回避: conditions and candidates, the frozen list and the draw, invitations, and on to the act."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from decisionflow.core import draw as draws
from decisionflow.core import machine
from decisionflow.errors import BadInput, NotFound, Problem, Settled
from decisionflow.service import choosing, panels, staging
from decisionflow.service.reads import experts as reads
from decisionflow.service.reads import form as forms
from decisionflow.web import doors

router = APIRouter(include_in_schema=False)
ROWS = 4
NAMES = ("source", "seed", "again", "next", "expert", "until", "reason", "n")


@router.get("/cases/{no}/experts")
def board(visit: doors.StaffVisit, no: str) -> HTMLResponse:
    """The desk; with specialities in the address, those of the pool who come into question."""
    query = visit.request.query_params
    sides, counts = query.getlist("side"), query.getlist("count")
    asked = [(a[:40], b[:4]) for a, b in zip(sides[:20], counts[:20], strict=False)]
    return _board(visit, no, asked=asked, given={"source": query.get("source", "")[:300]})


def _board(
    visit: doors.Staff, no: str, problems: Sequence[Problem] = (), status: int = 200, *,
    asked: Sequence[tuple[str, str]] = (), given: dict[str, str] | None = None, link: str = "", to: str = "",
) -> HTMLResponse:  # fmt: skip
    with visit.site.store.read() as connection:
        found = reads.board(connection, visit.site.store.blobs, visit.authority, visit.actor, no, visit.now)
        sides = [side.strip() for side, _ in asked if side.strip()]
        people = reads.candidates(connection, visit.authority, found, sides, visit.now) if sides else ()
    procedure, facts = found.standing.procedure, found.standing.facts
    rows = [*asked, *[("", "")] * (ROWS - len(asked))]
    offered = {one.id for one in machine.offered(procedure, facts.stages)}
    return visit.page(
        "experts", status, identity=forms.identity(procedure, facts, found.standing.head.sha256), facts=facts, found=found,
        asked=rows, sides=sides, people=people, given=dict.fromkeys(NAMES, "") | (given or {}), link=link, to=to,
        errors={one.place: one.say for one in problems}, how=panels.HOW, busy=choosing.BUSY, offered=offered,
        acts={role: panels.act_of(procedure, role) for role in ("select", "opinion", "report")},
    )  # fmt: skip


@router.post("/cases/{no}/experts/freeze")
def freeze(visit: doors.StaffVisit, no: str, form: doors.Posted) -> Response:
    """Freeze the list of those against whom nothing speaks."""
    asked = list(
        zip([str(one) for one in form.getlist("side")], [str(one) for one in form.getlist("count")], strict=False)
    )
    given = {"source": str(form.get("source", ""))}

    def deed(tx: doors.Tx) -> str:
        wanted = choosing.wanted([side for side, _ in asked], [count for _, count in asked], given["source"])
        return choosing.freeze(tx, visit.authority, visit.actor, no, wanted, visit.now)

    return _deed(visit, no, form, given, deed, asked=asked)


@router.post("/cases/{no}/experts/void")
def void(visit: doors.StaffVisit, no: str, form: doors.Posted) -> Response:
    """Give up the newest draw, for a reason."""
    given = {name: str(form.get(name, "")) for name in ("again", "next")}
    return _deed(visit, no, form, given, lambda tx: choosing.void(
        tx, visit.authority, visit.actor, no, given["again"], given["next"], visit.now),
        at={"reason": "again", "source": "next"})  # fmt: skip


@router.post("/cases/{no}/experts/draw")
def draw(visit: doors.StaffVisit, no: str, form: doors.Posted) -> Response:
    """Draw from the frozen list with the seed as it was published."""
    given = {"seed": str(form.get("seed", ""))}
    return _deed(visit, no, form, given, lambda tx: choosing.run(
        tx, visit.authority, visit.actor, no, given["seed"], visit.now))  # fmt: skip


@router.get("/cases/{no}/experts/draws/{n}")
def record(visit: doors.StaffVisit, no: str, n: int) -> Response:
    """The record of a draw, as ``decisionflow draw`` reads it; no names, only numbers of the pool."""
    with visit.site.store.read() as connection:
        found = reads.board(connection, visit.site.store.blobs, visit.authority, visit.actor, no, visit.now)
    lot = next((one for one in found.lots if one.n == n), None)
    if lot is None:
        raise NotFound(f"no draw {n} of {no}", say="没有这一次抽取")
    headers = {
        "content-disposition": f'attachment; filename="{no}-experts-{n}.json"',
        "x-content-type-options": "nosniff",
    }
    return Response(draws.write(lot.record), media_type="application/json", headers=headers)


@router.post("/cases/{no}/experts/invitations")
def invite(visit: doors.StaffVisit, no: str, form: doors.Posted) -> Response:
    """Invite somebody; the link is shown once."""
    given = {name: str(form.get(name, "")) for name in ("expert", "until", "reason")}
    number = given["expert"] if given["expert"].isascii() and given["expert"].isdigit() else ""
    ask = choosing.Ask(int(number[:9] or 0), given["until"], given["reason"])
    return _linked(visit, no, form, given, lambda tx, token: choosing.invite(
        tx, visit.authority, visit.actor, no, ask, token, visit.now))  # fmt: skip


@router.post("/cases/{no}/experts/invitations/{n}/link")
def relink(visit: doors.StaffVisit, no: str, n: int, form: doors.Posted) -> Response:
    """A new link, or more time; the old link ends."""
    given = {"until": str(form.get("until", "")), "n": str(n)}
    if form.get("do") == "extend":
        return _deed(visit, no, form, given, lambda tx: choosing.relink(
            tx, visit.authority, visit.actor, no, n, given["until"], "", visit.now))  # fmt: skip
    return _linked(visit, no, form, given, lambda tx, token: choosing.relink(
        tx, visit.authority, visit.actor, no, n, given["until"], token, visit.now))  # fmt: skip


@router.post("/cases/{no}/experts/invitations/{n}/end")
def end(visit: doors.StaffVisit, no: str, n: int, form: doors.Posted) -> Response:
    """End an invitation, for a reason; the reserve follows."""
    given = {"reason": str(form.get("reason", "")), "n": str(n)}
    return _deed(visit, no, form, given, lambda tx: choosing.end(
        tx, visit.authority, visit.actor, no, n, given["reason"], visit.now))  # fmt: skip


@router.post("/cases/{no}/experts/select")
def select(visit: doors.StaffVisit, no: str, form: doors.Posted) -> Response:
    """Take the record of the draw along, and go on to the act with everything filled in."""
    doors.token(visit, form)
    with visit.site.store.read() as connection:
        found = reads.board(connection, visit.site.store.blobs, visit.authority, visit.actor, no, visit.now)
    action = panels.act_of(found.standing.procedure, "select")
    if action is None:
        raise NotFound(f"no experts in {no}", say="本事项的程序没有专家论证这一环节")
    href = f"/cases/{no}/do/{action.id}?desk=yes"
    drawn = next((lot for lot in found.lots[:1] if lot.state == "drawn"), None)
    if drawn is None or not action.materials:
        return doors.go(href)
    file = staging.receive(visit.site.store.blobs, "专家抽取记录.json", draws.write(drawn.record).encode())
    kept = [(f"paper.{action.materials[0].kind}", file)]
    visit.site.store.write(lambda tx: staging.keep(tx, visit.authority, visit.actor, kept, visit.now))
    return doors.go(f"{href}&account={file.sha256}")


def _linked(
    visit: doors.Staff, no: str, form: FormData, given: dict[str, str], deed: Callable[[doors.Tx, str], str]
) -> Response:  # fmt: skip
    """Do something that makes a link, and show it this once: of the link we keep a hash."""
    token = secrets.token_urlsafe(24)
    answer = _deed(visit, no, form, given, lambda tx: deed(tx, token))
    if answer.status_code != 303:
        return answer
    link = f"{visit.site.settings.public_url.rstrip('/')}/e/{token}"
    with visit.site.store.read() as connection:
        found = reads.board(connection, visit.site.store.blobs, visit.authority, visit.actor, no, visit.now)
    n = int(given["n"]) if given.get("n") else len(found.lines)
    return _board(visit, no, link=link, to=next(line.name for line in found.lines if line.n == n))


def _deed(
    visit: doors.Staff, no: str, form: Any, given: dict[str, str], deed: Callable[[doors.Tx], str], *,
    at: dict[str, str] | None = None, asked: Sequence[tuple[str, str]] = (),
) -> Response:  # fmt: skip
    """Do something at the desk; what is wrong with it stands on the desk, with what was typed."""
    doors.token(visit, form)
    try:
        visit.site.store.write(deed)
    except BadInput as fault:
        here = [Problem((at or {}).get(one.place, one.place), one.say, rule=one.rule) for one in fault.problems]
        return _board(visit, no, here, fault.status, given=given, asked=asked)
    except Settled as fault:
        return _board(visit, no, [Problem("", fault.say, rule=fault.code)], fault.status, given=given, asked=asked)
    return doors.go(f"/cases/{no}/experts")
