"""S10 意见整理与采纳: opinions sorted into points, what becomes of each, and on to the act that answers them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Connection
from starlette.datastructures import FormData

from decisionflow.core.facts import legal_date
from decisionflow.errors import BadInput, Problem
from decisionflow.service import adoption, consultations, points, staging
from decisionflow.service.points import Desk, Filter, Words
from decisionflow.service.reads import form as forms
from decisionflow.service.reads import points as reads
from decisionflow.service.reads import public_notice
from decisionflow.store.engine import Tx
from decisionflow.web import doors

router = APIRouter(include_in_schema=False)
FILTERS = ("channel", "paragraph", "stance", "words")


@router.get("/cases/{no}/points")
def board(
    visit: doors.StaffVisit, no: str, channel: str = "", paragraph: str = "", stance: str = "", words: str = "",
    late: str = "", page: int = 1,
) -> HTMLResponse:  # fmt: skip
    wanted = Filter(channel[:20], paragraph[:20], stance[:20], words[:60], late == "yes")
    return _board(visit, no, wanted, page)


def _board(
    visit: doors.Staff, no: str, wanted: Filter, page: int, problems: tuple[Problem, ...] = (), status: int = 200,
    typed: str = "",
) -> HTMLResponse:  # fmt: skip
    with visit.site.store.read() as connection:
        at = points.desk(connection, visit.authority, visit.actor, no)
        found = reads.board(connection, at, wanted, page)
    document = public_notice.document_of(visit.site.store.blobs, at.consultation["text_digest"])
    return visit.page(
        "points", status, **_frame(at), found=found, wanted=wanted, page=page, typed=typed, address=_address,
        errors=[one.say for one in problems], channels=consultations.CHANNELS, stances=consultations.STANCES,
        paragraphs=document.paragraphs if document else (), pick=secrets.token_urlsafe(8),
    )  # fmt: skip


def _frame(at: Desk) -> dict[str, Any]:
    standing = at.standing
    answered = next((act for act in reversed(standing.facts.acts) if act.action == at.action.id), None)
    current = answered if answered and answered.recorded > at.consultation["opened_at"] else None
    return {
        "facts": standing.facts, "action": at.action, "signs": at.signs_now, "answered": current, "desk": at,
        "identity": forms.identity(standing.procedure, standing.facts, standing.head.sha256),
    }  # fmt: skip


def _address(no: str, wanted: Filter, page: int = 1) -> str:
    told = {name: getattr(wanted, name) for name in FILTERS if getattr(wanted, name)}
    told |= {"late": "yes"} if wanted.late else {}
    told |= {"page": str(page)} if page > 1 else {}
    return f"/cases/{no}/points" + (f"?{urlencode(told)}" if told else "")


@router.post("/cases/{no}/points/compare")
def compare(visit: doors.StaffVisit, no: str, form: doors.Posted) -> Response:
    """Let the machine find which opinions read alike; nothing is put anywhere by that."""
    doors.token(visit, form)
    with visit.site.store.read() as connection:
        found = points.alike(connection, points.desk(connection, visit.authority, visit.actor, no))
    many = _write(visit, no, lambda tx, at: points.keep_alike(tx, at, found))
    return doors.go(f"/cases/{no}/points?{urlencode({'notice': f'已比对，未归入的意见按相近程度列出，共 {many} 组'})}")


@router.post("/cases/{no}/points/place")
def place(visit: doors.StaffVisit, no: str, form: doors.Posted) -> Response:
    """Put what was ticked into a point, an old one or a new one."""
    doors.token(visit, form)
    wanted = _filter(form)
    chosen = tuple(int(one) for one in map(str, form.getlist("bunch")) if one.isdigit() and len(one) < 10)
    point, words = str(form.get("point", "")), str(form.get("words_of_point", ""))

    def put(tx: Tx, at: Desk) -> int:
        if not chosen:
            raise BadInput([Problem("chosen", "请先勾选要归入的意见", rule="required")])
        if not point and not words.strip():
            raise BadInput([Problem("point", "请选择一个要点，或者写下新的要点", rule="required")])
        into = point or points.make(tx, at, Words(words), visit.now)
        tx.ahead()
        return points.place(tx, at, into, visit.now, bunches=chosen)

    try:
        _write(visit, no, put)
    except BadInput as fault:
        return _board(visit, no, wanted, 1, fault.problems, fault.status, words)
    return doors.go(_address(no, wanted))


def _filter(form: FormData) -> Filter:
    given = {name: str(form.get(f"f_{name}", ""))[:60] for name in FILTERS}
    return Filter(**given, late=form.get("f_late") == "yes")


@router.get("/cases/{no}/points/{point}")
def one(visit: doors.StaffVisit, no: str, point: str, page: int = 1) -> HTMLResponse:
    return _one(visit, no, point, page)


def _one(
    visit: doors.Staff, no: str, point: str, page: int = 1, given: Words | None = None,
    problems: tuple[Problem, ...] = (), status: int = 200,
) -> HTMLResponse:  # fmt: skip
    with visit.site.store.read() as connection:
        at = points.desk(connection, visit.authority, visit.actor, no)
        points.one(connection, at, point)
        everything = reads.shown(connection, at)
        lines = reads.members(connection, at, point, page)
    shown = next(one for one in everything if one.id == point)
    facts = at.standing.facts
    changes = reads.changes(
        visit.site.store.blobs, at.consultation["text_digest"], facts.text.sha256 if facts.text else ""
    )
    at_hand = given or Words(shown.point, shown.disposition, shown.reason, shown.article, shown.remark)
    neighbours = [other.id for other in everything]
    here = neighbours.index(point)
    return visit.page(
        "point", status, **_frame(at), shown=shown, given=asdict(at_hand), lines=lines, page=page, changes=changes,
        pages=max(1, -(-shown.count // reads.LINES)), others=[other for other in everything if other.id != point],
        errors={problem.place: problem.say for problem in problems}, dispositions=at.dispositions,
        before=neighbours[here - 1] if here else "", after=neighbours[here + 1] if here + 1 < len(neighbours) else "",
    )  # fmt: skip


@router.post("/cases/{no}/points/{point}")
def change(visit: doors.StaffVisit, no: str, point: str, form: doors.Posted) -> Response:
    """Save what is said of a point, take opinions out of it, or give it up."""
    doors.token(visit, form)
    given = Words(*(str(form.get(name, "")) for name in ("point", "disposition", "reason", "article", "remark")))
    version = str(form.get("version", ""))
    chosen = tuple(int(one) for one in map(str, form.getlist("seq")) if one.isdigit() and len(one) < 10)

    def save(tx: Tx, at: Desk) -> None:
        points.edit(tx, at, point, int(version) if version.isdigit() else 0, given, visit.now)

    deeds: dict[str, Callable[[Tx, Desk], Any]] = {
        "save": save,
        "take_out": lambda tx, at: points.take_out(tx, at, point, chosen),
        "drop": lambda tx, at: points.drop(tx, at, point),
        "merge": lambda tx, at: points.merge(tx, at, point, str(form.get("into", "")), visit.now),
    }
    do = str(form.get("do", "save"))
    try:
        _write(visit, no, deeds.get(do, save))
    except BadInput as fault:
        return _one(visit, no, point, 1, given if do == "save" else None, fault.problems, fault.status)
    except points.Moved as fault:
        return _one(visit, no, point, 1, replace(given), (Problem("", fault.say, rule=fault.code),), fault.status)
    here = f"/cases/{no}/points"
    following = str(form.get("after", ""))
    if do == "save" and following:
        return doors.go(f"{here}/{following}")
    return doors.go(here if do in ("drop", "merge", "save") else f"{here}/{point}")


@router.post("/cases/{no}/answer")
def answer(visit: doors.StaffVisit, no: str, form: doors.Posted) -> Response:
    """Draw up the account of what was adopted, and go on to the act with everything filled in."""
    doors.token(visit, form)
    with visit.site.store.read() as connection:
        at = points.desk(connection, visit.authority, visit.actor, no)
        wrong = list(_unready(connection, at))
        if wrong:
            return _board(visit, no, Filter(), 1, tuple(wrong), 409)
        data = adoption.account(connection, visit.site.store.blobs, at, legal_date(visit.now))
    kind = adoption.kind(at)
    href = f"/cases/{no}/do/{at.action.id}?desk=yes"
    if not kind:
        return doors.go(href)
    file = staging.receive(visit.site.store.blobs, "公众意见研究采纳情况.docx", data)
    visit.site.store.write(
        lambda tx: staging.keep(tx, visit.authority, visit.actor, [(f"paper.{kind}", file)], visit.now)
    )
    return doors.go(f"{href}&account={file.sha256}")


def _unready(connection: Connection, at: Desk) -> list[Problem]:
    """Points that do not yet say what becomes of them. Opinions in no point are the gate's business."""
    found = [one for one in reads.shown(connection, at) if not one.disposition]
    if not found:
        return []
    named = "、".join(one.point[:20] for one in found[:5])
    return [Problem("points", f"还有 {len(found)} 个要点没有写明怎样处理：{named}", rule="DF-OPINION")]


def _write(visit: doors.Staff, no: str, deed: Callable[[Tx, Desk], Any]) -> Any:
    """Do something at the desk, under the same permission as looking at it. Raises DecisionflowError."""
    return visit.site.store.write(lambda tx: deed(tx, points.desk(tx.connection, visit.authority, visit.actor, no)))
