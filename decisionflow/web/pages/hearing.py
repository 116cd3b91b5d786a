"""S11 听证会组织台: who signed up and who fits, the frozen list and the draw, and on to the acts with all filled in."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Connection

from decisionflow.core import draw as draws
from decisionflow.core import machine
from decisionflow.core.facts import legal_date
from decisionflow.errors import BadInput, NotFound, Problem, Settled
from decisionflow.service import hearing_report, hearings, lots, signups, staging
from decisionflow.service.reads import form as forms
from decisionflow.service.reads import hearing as reads
from decisionflow.service.receipts import Receipt, Sent
from decisionflow.service.signups import Application
from decisionflow.web import doors

router = APIRouter(include_in_schema=False)
FIELDS = ("side", "channel", "arrived", "source", "name", "contact", "unit", "words")


@router.get("/cases/{no}/hearing")
def board(visit: doors.StaffVisit, no: str) -> HTMLResponse:
    return _board(visit, no)


def _board(
    visit: doors.Staff, no: str, problems: Sequence[Problem] = (), status: int = 200, *, given: dict[str, str] | None = None,
    receipt: Receipt | None = None,
) -> HTMLResponse:  # fmt: skip
    with visit.site.store.read() as connection:
        found = _found(visit, connection, no)
        standing = reads.standing_of(connection, visit.authority, visit.actor, no)
    typed = dict.fromkeys((*FIELDS, "seed", "again", "next", "n", "state", "reason"), "") | {
        "key": secrets.token_urlsafe(24)
    }
    procedure = standing.procedure
    return visit.page(
        "hearing", status, identity=forms.identity(procedure, standing.facts, standing.head.sha256), facts=standing.facts,
        found=found, errors={one.place: one.say for one in problems}, given=typed | (given or {}), receipt=receipt,
        channels=signups.CHANNELS, states=hearings.STATES,
        acts={role: hearings.act_of(procedure, role) for role in ("announce", "move", "list", "report")},
        offered={one.id for one in machine.offered(procedure, standing.facts.stages)},
    )  # fmt: skip


def _found(visit: doors.Staff, connection: Connection, no: str) -> reads.Board | None:
    return reads.board(connection, visit.site.store.blobs, visit.authority, visit.actor, no, visit.now)


@router.post("/cases/{no}/hearing/signups/{n}")
def judge(visit: doors.StaffVisit, no: str, n: int, form: doors.Posted) -> Response:
    """Say of an application whether it fits, or that its sender withdrew."""
    given = {name: str(form.get(name, "")) for name in ("state", "reason")} | {"n": str(n)}
    return _deed(visit, no, form, given, lambda tx: signups.judge(
        tx, visit.authority, visit.actor, no, n, given["state"], given["reason"], visit.now))  # fmt: skip


@router.post("/cases/{no}/hearing/signups")
def enter(visit: doors.StaffVisit, no: str, form: doors.Posted) -> HTMLResponse:
    """Take in an application that came by letter, telephone or visit."""
    doors.token(visit, form)
    given = {name: str(form.get(name, "")) for name in (*FIELDS, "key")}
    sent = Application(*(given[name] for name in ("side", "name", "contact", "words", "unit", "channel", "source")))
    try:
        receipt = visit.site.store.write(lambda tx: signups.enter(
            tx, visit.authority, no, sent, given["arrived"], visit.actor, visit.now, given["key"]))  # fmt: skip
    except BadInput as fault:
        return _board(visit, no, fault.problems, fault.status, given=given)
    except Sent as fault:
        return _board(visit, no, [Problem("side", fault.say, rule=fault.code)], fault.status, given=given | {"key": ""})
    return _board(visit, no, receipt=receipt)


@router.post("/cases/{no}/hearing/freeze")
def freeze(visit: doors.StaffVisit, no: str, form: doors.Posted) -> Response:
    """Freeze the list of those accepted and publish it, by number and side."""
    return _deed(visit, no, form, {}, lambda tx: lots.freeze(tx, visit.authority, visit.actor, no, visit.now), at="")


@router.post("/cases/{no}/hearing/void")
def void(visit: doors.StaffVisit, no: str, form: doors.Posted) -> Response:
    """Give up the newest draw, for a reason that is published."""
    given = {name: str(form.get(name, "")) for name in ("again", "next")}
    return _deed(visit, no, form, given, lambda tx: lots.void(
        tx, visit.authority, visit.actor, no, given["again"], given["next"], visit.now), at="again")  # fmt: skip


@router.post("/cases/{no}/hearing/draw")
def draw(visit: doors.StaffVisit, no: str, form: doors.Posted) -> Response:
    """Draw from the frozen list with the seed as it was published."""
    given = {"seed": str(form.get("seed", ""))}
    return _deed(visit, no, form, given, lambda tx: lots.run(
        tx, visit.authority, visit.actor, no, given["seed"], visit.now), at="seed")  # fmt: skip


def _deed(
    visit: doors.Staff, no: str, form: Any, given: dict[str, str], deed: Callable[[doors.Tx], str], at: str = "reason"
) -> Response:  # fmt: skip
    """Do something at the desk; what is wrong with it stands on the desk, with what was typed."""
    doors.token(visit, form)
    try:
        visit.site.store.write(deed)
    except BadInput as fault:
        ours = {"reason": at, "source": "next"}
        here = [Problem(ours.get(one.place, one.place), one.say, rule=one.rule) for one in fault.problems]
        return _board(visit, no, here, fault.status, given=given)
    except Settled as fault:
        return _board(visit, no, [Problem(at, fault.say, rule=fault.code)], fault.status, given=given)
    return doors.go(f"/cases/{no}/hearing")


@router.post("/cases/{no}/hearing/{role}")
def act(visit: doors.StaffVisit, no: str, role: str, form: doors.Posted) -> Response:
    """Draw up the paper that goes with the list or the report, and go on to the act with everything filled in."""
    doors.token(visit, form)
    with visit.site.store.read() as connection:
        found = _found(visit, connection, no)
    action = hearings.act_of(found.standing.procedure, role) if found and role in ("list", "report") else None
    if found is None or action is None:
        raise NotFound(f"no act {role} of the hearing of {no}", say="这个听证会现在没有这一步")
    href = f"/cases/{no}/do/{action.id}?desk=yes"
    paper = _paper(visit, found, role)
    if paper is None or not action.materials:
        return doors.go(href)
    file = staging.receive(visit.site.store.blobs, *paper)
    kept = [(f"paper.{action.materials[0].kind}", file)]
    visit.site.store.write(lambda tx: staging.keep(tx, visit.authority, visit.actor, kept, visit.now))
    return doors.go(f"{href}&account={file.sha256}")


def _paper(visit: doors.Staff, found: reads.Board, role: str) -> tuple[str, bytes] | None:
    if role == "list":
        done = found.lots[0] if found.lots and found.lots[0].state == "drawn" else None
        return ("听证参加人抽取记录.json", draws.write(done.record).encode()) if done else None
    procedure, facts = found.standing.procedure, found.standing.facts
    data = hearing_report.account(
        visit.site.store.blobs, procedure, facts, found.row, visit.actor, legal_date(visit.now)
    )
    return "听证报告.docx", data
