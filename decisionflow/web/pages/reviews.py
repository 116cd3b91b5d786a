"""S16 合法性审查工作底稿, S17 法律顾问意见: the packet, the sheet with its three heads, and on to the acts."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Connection
from starlette.datastructures import FormData

from decisionflow import render
from decisionflow.core import review, texts
from decisionflow.core.facts import Text, legal_date
from decisionflow.errors import BadInput, NotFound, Problem
from decisionflow.service import powers, review_opinion, reviews, staging
from decisionflow.service.reads import case as cases
from decisionflow.service.reads import form as forms
from decisionflow.service.reads import reviews as reads
from decisionflow.service.reads import stored
from decisionflow.service.reviews import Desk, Note, Typed
from decisionflow.store.engine import Tx
from decisionflow.web import doors
from decisionflow.web.pages.files import disposition
from decisionflow.web.pages.statements import WORD

router = APIRouter(include_in_schema=False)
NOTED = ("say", "basis", "advice")
OWN = ("head", "say", "basis", "klass")
OPINION = "合法性审查意见"


@router.get("/cases/{no}/legal-review")
def board(visit: doors.StaffVisit, no: str) -> HTMLResponse:
    return _board(visit, no)


def _board(
    visit: doors.Staff, no: str, problems: Sequence[Problem] = (), status: int = 200, *, given: Typed | None = None,
    typed: Mapping[str, str] | None = None,
) -> HTMLResponse:  # fmt: skip
    with visit.site.store.read() as connection:
        at = reviews.desk(connection, visit.authority, visit.actor, no)
        found = _found(visit, connection, at)
        listed = powers.evidence(connection, visit.authority, at.facts)
    procedure, sheet = at.procedure, found.sheet
    blank = dict.fromkeys(("do", *(f"point_{one}" for one in OWN)), "")
    classes = next((spec.choices for spec in procedure.matter if spec.id == "class"), {})
    return visit.page(
        "review", status, identity=forms.identity(procedure, at.facts, at.standing.head.sha256), facts=at.facts, at=at,
        found=found, given=given or sheet or Typed({}, {}, {}), typed=blank | dict(typed or {}), heads=review.HEADS,
        marks=reviews.MARKS, errors={one.place: one.say for one in problems}, key=secrets.token_urlsafe(16), classes=classes,
        acts={role: at.offered(role) for role in review.Acts.model_fields}, seen=at.facts.heads[at.action.track],
        fields={spec.id: spec for spec in at.fields}, list=_missing(found), demanded=reviews.times(at, "demand"),
        listed=listed,
    )  # fmt: skip


def _found(visit: doors.Staff, connection: Connection, at: Desk) -> reads.Board:
    seen = stored.visible(connection, visit.authority, visit.actor)
    return reads.board(connection, visit.site.store.blobs, at, seen, visit.now)


def _missing(found: reads.Board) -> str:
    """What is missing in the packet, all of it at once, as the letter that demands it lists it."""
    return "\n".join(f"{n}．{one.title}：{one.say}。" for n, one in enumerate(found.missing, 1))


@router.post("/cases/{no}/legal-review/start")
def start(visit: doors.StaffVisit, no: str, form: doors.Posted) -> Response:
    """Begin a sheet for the text as it stands; notes on paragraphs that did not change come along."""
    doors.token(visit, form)
    store = visit.site.store

    def begin(tx: Tx) -> str:
        at = reviews.desk(tx.connection, visit.authority, visit.actor, no)
        return reviews.start(tx, store.blobs, at, visit.now)

    try:
        store.write(begin)
    except reviews.Locked as fault:
        return _board(visit, no, [Problem("", fault.say, rule=fault.code)], fault.status)
    return doors.go(f"/cases/{no}/legal-review")


@router.post("/cases/{no}/legal-review/sheet/{sheet}")
def save(visit: doors.StaffVisit, no: str, sheet: str, form: doors.Posted) -> Response:
    """Keep the sheet; with a button also add or take back a note or a point, or go on to the act.

    A browser with scripts saves by itself after each change, and is answered with the new version alone.
    """
    doors.token(visit, form)
    given, do = _typed(form), str(form.get("do", "save"))
    version = str(form.get("version", ""))
    words = {name: value for name, value in form.items() if isinstance(value, str)}

    def keep(tx: Tx) -> int:
        at = reviews.desk(tx.connection, visit.authority, visit.actor, no)
        kept = reviews.save(tx, at, sheet, int(version) if version.isdigit() else 0, given, visit.now)
        _more(visit, tx, at, sheet, do, words)
        return kept

    alone = "hx-request" in visit.request.headers
    try:
        kept = visit.site.store.write(keep)
    except (BadInput, reviews.Moved, reviews.Locked) as fault:
        problems = fault.problems if isinstance(fault, BadInput) else (Problem("", fault.say, rule=fault.code),)
        if alone:
            return _saved(visit, sheet, version, problems[0].say, fault.status)
        return _board(visit, no, problems, fault.status, given=given, typed=words)
    if alone:
        return _saved(visit, sheet, str(kept), "")
    if do == "conclude":
        return _conclude(visit, no)
    where = do.partition(":")[2] if do.startswith("note:") else ""
    return doors.go(f"/cases/{no}/legal-review" + (f"#p-{where}" if where else ""))


def _typed(form: FormData) -> Typed:
    """What a posted sheet says: ``mark.<key>``, ``remark.<key>``, and the fields of the opinion by their names."""
    found: dict[str, dict[str, str]] = {"mark": {}, "remark": {}, "": {}}
    for name, value in form.items():
        kind, _, key = name.partition(".")
        if isinstance(value, str):
            found[kind if key and kind in found else ""][key if key and kind in found else name] = value
    return Typed(found[""], found["mark"], found["remark"])


def _more(visit: doors.Staff, tx: Tx, at: Desk, sheet: str, do: str, words: Mapping[str, str]) -> None:
    what, _, name = do.partition(":")
    if what == "note":
        note = Note(name, *(words.get(f"note_{one}.{name}", "") for one in NOTED))
        reviews.note(tx, visit.site.store.blobs, at, sheet, note, visit.now)
    elif what == "drop_note":
        reviews.drop_note(tx, at, sheet, name)
    elif what == "add_point":
        head, say, basis, klass = (words.get(f"point_{one}", "") for one in OWN)
        reviews.add_point(tx, at, head, say, basis, klass, visit.now)
    elif what == "drop_point":
        reviews.drop_point(tx, at, name)


def _saved(visit: doors.Staff, sheet: str, version: str, fault: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(render.page("review_saved", sheet=sheet, version=version, fault=fault, at=visit.now), status)


def _conclude(visit: doors.Staff, no: str) -> Response:
    """Draw up the opinion from the sheet, and go on to the act with everything filled in."""
    store = visit.site.store
    with store.read() as connection:
        at = reviews.desk(connection, visit.authority, visit.actor, no)
        found = _found(visit, connection, at)
        wrong = list(reads.unready(found))
        if not wrong:
            data = _document(visit, connection, found)
    if wrong:
        return _board(visit, no, wrong, 409)
    href = f"/cases/{no}/do/{at.action.id}?desk=yes"
    kind = reviews.paper(at.action)
    if not kind:
        return doors.go(href)
    file = staging.receive(store.blobs, f"{OPINION}.docx", data)
    store.write(lambda tx: staging.keep(tx, visit.authority, visit.actor, [(f"paper.{kind}", file)], visit.now))
    return doors.go(f"{href}&account={file.sha256}")


@router.get("/cases/{no}/legal-review/opinion")
def opinion(visit: doors.StaffVisit, no: str) -> Response:
    """The opinion as the sheet stands, to look at before it is signed. Raises NotFound without a sheet."""
    with visit.site.store.read() as connection:
        at = reviews.desk(connection, visit.authority, visit.actor, no)
        found = _found(visit, connection, at)
        if found.sheet is None or found.locked:
            raise NotFound("no sheet to draw from", say=found.locked or "还没有建底稿，不能生成意见书")
        data = _document(visit, connection, found)
    headers = {"content-disposition": disposition(f"{no} {OPINION}.docx"), "x-content-type-options": "nosniff"}
    return Response(data, media_type=WORD, headers=headers)


def _document(visit: doors.Staff, connection: Connection, found: reads.Board) -> bytes:
    at = found.desk
    text = at.facts.text or Text(0, "", 0, at.facts.title)
    values = reads.opinion(connection, visit.site.store.blobs, found)
    return review_opinion.document(
        at.action, at.facts, text, values, found.advice, found.floor, visit.actor, legal_date(visit.now)
    )


# ---- advisers ------------------------------------------------------------------------------------------------


@router.get("/cases/{no}/legal-advice")
def advice(visit: doors.StaffVisit, no: str) -> HTMLResponse:
    """What was asked of advisers, what they said, and how each was weighed; the forms go to the acts themselves."""
    blobs = visit.site.store.blobs
    with visit.site.store.read() as connection:
        at = cases.view(connection, visit.authority, visit.actor, no, visit.now)
    procedure, facts = at.procedure, at.facts
    track = reviews.track_of(procedure)
    if not track:
        raise NotFound("no legal review", say="本事项的程序没有合法性审查台可用的环节")
    document = texts.load(blobs.get(facts.text.sha256)) if facts.text else None
    return visit.page(
        "legal_advice", identity=forms.identity(procedure, facts, at.standing.head.sha256), facts=facts,
        rows=reads.advice(blobs, procedure, facts), document=document, key=secrets.token_urlsafe(16),
        seen=facts.heads[track], acts={role: reads.mine(at, role) for role in ("advise", "weigh")},
        desk=reads.reads_desk(at), bar=reads.advice_bar(procedure), words=reviews.shipped().words, marked=review.marked,
    )  # fmt: skip
