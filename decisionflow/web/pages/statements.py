"""Papers drawn up from the trail of a case: the statement of steps performed, and the list of evidence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TypeAlias

from fastapi import APIRouter
from fastapi.responses import Response

from decisionflow.core import procedure as law
from decisionflow.core.facts import Facts, legal_date
from decisionflow.service import statements
from decisionflow.service.reads import case as reads
from decisionflow.web import doors
from decisionflow.web.pages.files import disposition

router = APIRouter(include_in_schema=False)
Make: TypeAlias = Callable[[law.Procedure, Facts, str, date], bytes]
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@router.get("/cases/{no}/statement")
def statement(visit: doors.StaffVisit, no: str) -> Response:
    return _file(visit, no, statements.STATEMENT, statements.statement_file)


@router.get("/cases/{no}/evidence")
def evidence(visit: doors.StaffVisit, no: str) -> Response:
    return _file(visit, no, statements.EVIDENCE, statements.evidence_file)


def _file(visit: doors.Staff, no: str, title: str, make: Make) -> Response:
    with visit.site.store.read() as connection:
        at = reads.view(connection, visit.authority, visit.actor, no, visit.now)
    data = make(at.procedure, at.facts, at.standing.head.sha256, legal_date(visit.now))
    headers = {"content-disposition": disposition(f"{no} {title}.docx"), "x-content-type-options": "nosniff"}
    return Response(data, media_type=WORD, headers=headers)
