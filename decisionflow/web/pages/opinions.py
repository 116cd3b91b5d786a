"""公众意见: one of them whole, and letters, calls, visits, meetings and hotlines entered by those who handle them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from decisionflow.errors import BadInput, Forbidden, Problem, Settled
from decisionflow.service import consultations, opinions, permissions, withholding
from decisionflow.service.consultations import Comment
from decisionflow.service.reads import case as reads
from decisionflow.service.reads import form as forms
from decisionflow.service.reads import masks
from decisionflow.service.reads import opinions as lines
from decisionflow.service.receipts import Receipt
from decisionflow.web import doors

router = APIRouter(include_in_schema=False)
FIELDS = ("channel", "arrived", "source", "words", "stance", "paragraph", "name", "contact")


@router.get("/cases/{no}/opinions/new")
def new(visit: doors.StaffVisit, no: str) -> HTMLResponse:
    return _page(visit, no, dict.fromkeys(FIELDS, "") | {"key": secrets.token_urlsafe(24)}, ())


@router.post("/cases/{no}/opinions/new")
def enter(visit: doors.StaffVisit, no: str, form: doors.Posted) -> HTMLResponse:
    """Take one in; a second press of the same form gives the first receipt."""
    doors.token(visit, form)
    given = {name: str(form.get(name, "")) for name in (*FIELDS, "key")}
    comment = Comment(
        given["words"], given["stance"] or "none", given["paragraph"], given["name"], given["contact"], given["channel"]
    )
    entered = opinions.Entered(comment, given["arrived"], given["source"])
    try:
        receipt = visit.site.store.write(
            lambda tx: opinions.enter(tx, visit.authority, no, entered, visit.actor, visit.now, given["key"])
        )
    except BadInput as fault:
        return _page(visit, no, given, fault.problems, fault.status)
    return _page(visit, no, given, (), receipt=receipt)


@router.get("/cases/{no}/opinions/{seq}")
def one(visit: doors.StaffVisit, no: str, seq: int) -> HTMLResponse:
    return _one(visit, no, seq)


@router.post("/cases/{no}/opinions/{seq}")
def withhold(visit: doors.StaffVisit, no: str, seq: int, form: doors.Posted) -> Response:
    """Leave words out in public, or show them again."""
    doors.token(visit, form)
    given = {name: str(form.get(name, "")) for name in ("words", "ground", "reason", "of")}
    who = (visit.authority, visit.actor, no, seq)

    def deed(tx: doors.Tx) -> str:
        if given["of"]:
            return withholding.lift(tx, *who, given["of"], given["reason"], visit.now)
        return withholding.withhold(tx, *who, given["words"], given["ground"], given["reason"], visit.now)

    try:
        visit.site.store.write(deed)
    except BadInput as fault:
        return _one(visit, no, seq, given, fault.problems, fault.status)
    except Settled as fault:
        return _one(visit, no, seq, given, (Problem("words", fault.say, rule=fault.code),), fault.status)
    return doors.go(f"/cases/{no}/opinions/{seq}")


def _one(
    visit: doors.Staff, no: str, seq: int, given: dict[str, str] | None = None, problems: Sequence[Problem] = (),
    status: int = 200,
) -> HTMLResponse:  # fmt: skip
    with visit.site.store.read() as connection:
        at = reads.view(connection, visit.authority, visit.actor, no, visit.now)
        if not permissions.may_read_opinions(visit.actor, at.procedure, at.facts):
            raise Forbidden("may not read opinions", say="公众意见的原文只有承办、整理意见的岗位和监督岗位可以看")
        line = lines.single(connection, visit.site.store.blobs, at, seq)
        parts = withholding.parts(connection, visit.authority.id, line.consultation, [seq]).get(seq, [])
    shown = masks.words(withholding.covered(line.said, parts))
    return visit.page(
        "opinion", status, identity=forms.identity(at.procedure, at.facts, at.standing.head.sha256), facts=at.facts, line=line,
        parts=parts, shown=shown, given=given or dict.fromkeys(("words", "ground", "reason", "of"), ""),
        errors={problem.place: problem.say for problem in problems}, grounds=withholding.GROUNDS,
        may_withhold=permissions.may_enter_opinions(visit.actor, at.procedure, at.facts),
    )  # fmt: skip


def _in_order(problems: Sequence[Problem]) -> dict[str, str]:
    """What is wrong, in the order of the form."""
    return {one.place: one.say for one in sorted(problems, key=lambda one: (*FIELDS, one.place).index(one.place))}


def _page(
    visit: doors.Staff, no: str, given: dict[str, str], problems: Sequence[Problem], status: int = 200,
    receipt: Receipt | None = None,
) -> HTMLResponse:  # fmt: skip
    with visit.site.store.read() as connection:
        at = reads.view(connection, visit.authority, visit.actor, no, visit.now)
    if not permissions.may_enter_opinions(visit.actor, at.procedure, at.facts):
        raise Forbidden("may not enter opinions", say="只有承办、整理公众意见的岗位可以录入线下收到的意见")
    identity = forms.identity(at.procedure, at.facts, at.standing.head.sha256)
    return visit.page("opinion_enter", status, identity=identity, facts=at.facts, given=given, receipt=receipt,
                      errors=_in_order(problems), channels=opinions.OFFLINE,
                      stances=consultations.STANCES)  # fmt: skip
