"""S27 归档: what lies in the dossier and what is missing, its table of contents, and on to the act of filing."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Connection

from decisionflow.core.facts import legal_date
from decisionflow.errors import NotFound
from decisionflow.service import staging, steps
from decisionflow.service.reads import dossier as reads
from decisionflow.service.reads import form as forms
from decisionflow.web import doors
from decisionflow.web.pages.files import disposition
from decisionflow.web.pages.statements import WORD

router = APIRouter(include_in_schema=False)


@router.get("/cases/{no}/dossier")
def board(visit: doors.StaffVisit, no: str) -> HTMLResponse:
    with visit.site.store.read() as connection:
        standing, found = _found(visit, connection, no)
    identity = forms.identity(standing.procedure, standing.facts, standing.head.sha256)
    return visit.page("dossier", identity=identity, facts=standing.facts, found=found)


@router.get("/cases/{no}/dossier.docx")
def contents(visit: doors.StaffVisit, no: str) -> Response:
    """The table of contents as a download."""
    with visit.site.store.read() as connection:
        standing, found = _found(visit, connection, no)
    data = reads.list_file(found, standing.facts, legal_date(visit.now))
    headers = {"content-disposition": disposition(f"{no} {reads.TITLE}.docx"), "x-content-type-options": "nosniff"}
    return Response(data, media_type=WORD, headers=headers)


@router.post("/cases/{no}/dossier/file")
def file(visit: doors.StaffVisit, no: str, form: doors.Posted) -> Response:
    """Draw up the table of contents, and go on to the act of filing with everything filled in."""
    doors.token(visit, form)
    with visit.site.store.read() as connection:
        standing, found = _found(visit, connection, no)
    if found.file is None or not found.files_now:
        raise NotFound(f"{no} cannot be filed now", say="现在不能由您办理归档")
    href = f"/cases/{no}/do/{found.file.id}?desk=yes"
    if not found.file.materials:
        return doors.go(href)
    data = reads.list_file(found, standing.facts, legal_date(visit.now))
    made = staging.receive(visit.site.store.blobs, f"{reads.TITLE}.docx", data)
    kept = [(f"paper.{found.file.materials[0].kind}", made)]
    visit.site.store.write(lambda tx: staging.keep(tx, visit.authority, visit.actor, kept, visit.now))
    return doors.go(f"{href}&account={made.sha256}")


def _found(visit: doors.Staff, connection: Connection, no: str) -> tuple[steps.Standing, reads.Board]:
    standing = steps.visible(connection, visit.authority, visit.actor, no)
    return standing, reads.board(visit.site.store.blobs, standing, visit.actor, visit.now)
