"""发布程序和日历：two persons. One hands a file in; another sees what it changes, and publishes it or sends it back."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Connection
from starlette.datastructures import UploadFile

from decisionflow.core import difference
from decisionflow.core import procedure as law
from decisionflow.errors import BadInput, NotFound, Problem
from decisionflow.service import permissions, procedures, publications
from decisionflow.service.publications import Proposal
from decisionflow.web import doors

router = APIRouter(include_in_schema=False)
WEIGHTS = {"harder": "从严", "softer": "放宽", "other": "其他"}
LARGEST = 512 * 1024


def _rules(visit: doors.Staff) -> None:
    """Only those who may publish rules have these pages. Raises NotFound."""
    if not permissions.may_publish_rules(visit.actor):
        raise NotFound("may not publish rules", say="没有这个页面")


@router.get("/proposals")
def proposals(visit: doors.StaffVisit) -> HTMLResponse:
    _rules(visit)
    return _list(visit, ())


def _list(visit: doors.Staff, problems: tuple[Problem, ...], reason: str = "", status: int = 200) -> HTMLResponse:
    with visit.site.store.read() as connection:
        found = publications.proposals(connection, visit.authority, only_open=False)
    return visit.page("proposals", status, found=found, problems=problems, reason=reason)


@router.post("/proposals")
def propose(visit: doors.StaffVisit, form: doors.Posted) -> Response:
    """Hand in a year's notice (YAML); procedures with overlays are handed in at the terminal, where their base lies."""
    doors.token(visit, form)
    _rules(visit)
    file, reason = form.get("file"), str(form.get("reason", ""))
    try:
        name, source = _file(file)
        found = visit.site.store.write(
            lambda tx: publications.propose_calendar(tx, visit.authority, source, name, reason, visit.actor, visit.now)
        )
    except BadInput as fault:
        return _list(visit, fault.problems, reason, 422)
    return doors.go(f"/proposals/{found}")


def _file(file: object) -> tuple[str, str]:
    if not isinstance(file, UploadFile) or not file.filename:
        raise BadInput([Problem("file", "请选择放假安排文件（YAML）", rule="required")])
    data = file.file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise BadInput([Problem("file", f"文件超过 {LARGEST // 1024} KB", rule="too-large")])
    try:
        return file.filename, data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise BadInput([Problem("file", f"不是 UTF-8 文本（第 {fault.start} 字节）", rule="encoding")]) from fault


@router.get("/proposals/{proposal}")
def proposal_page(visit: doors.StaffVisit, proposal: str) -> HTMLResponse:
    """What a proposal would change, before anybody publishes it."""
    _rules(visit)
    return _one(visit, proposal)


def _one(visit: doors.Staff, proposal: str, problems: tuple[Problem, ...] = (), status: int = 200) -> HTMLResponse:
    with visit.site.store.read() as connection:
        found = publications.get(connection, visit.authority, proposal)
        changes, before = _changes(connection, visit, found)
        moved = _moved(connection, visit, found)
    return visit.page(
        "proposal", status, one=found, changes=changes, before=before, moved=moved, weights=WEIGHTS, problems=problems,
        own=found.person == visit.actor.person,
    )  # fmt: skip


def _changes(
    connection: Connection, visit: doors.Staff, found: Proposal
) -> tuple[tuple[difference.Change, ...], str]:  # fmt: skip
    """How a proposed procedure differs from the newest published version of it, and which that is."""
    if found.kind != "procedure":
        return (), ""
    one = law.load(visit.site.store.blobs.get(found.digest))
    rows = [row for row in procedures.published(connection, visit.authority.id) if row["id"] == one.id]
    rows = [row for row in rows if row["digest"] != found.digest]
    if not rows:
        return (), ""
    old = procedures.by_digest(connection, visit.authority.id, rows[-1]["digest"])
    return difference.compare(old, one), old.name


def _moved(connection: Connection, visit: doors.Staff, found: Proposal) -> tuple[publications.Moved, ...]:
    """Every deadline that a proposed notice moves, while it is open."""
    if found.kind != "calendar" or found.state != "open":
        return ()
    source = visit.site.store.blobs.get(found.digest).decode()
    return publications.moved(connection, visit.authority, source, found.name, visit.now)


@router.post("/proposals/{proposal}")
def settle(visit: doors.StaffVisit, form: doors.Posted, proposal: str) -> Response:
    """Publish what somebody else proposed, or take it back with a reason."""
    doors.token(visit, form)
    _rules(visit)
    store, authority = visit.site.store, visit.authority
    try:
        if form.get("do") == "publish":
            store.write(lambda tx: publications.publish(tx, authority, proposal, visit.actor, visit.now))
        elif form.get("do") == "withdraw":
            reason = str(form.get("reason", ""))
            store.write(lambda tx: publications.withdraw(tx, authority, proposal, reason, visit.actor, visit.now))
        else:
            raise BadInput([Problem("do", "请选择发布或者撤回", rule="choice")])
    except BadInput as fault:
        return _one(visit, proposal, fault.problems, 422)
    return doors.go(f"/proposals/{proposal}")
