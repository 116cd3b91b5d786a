"""S08 征求部门意见: who was asked, who has replied and how, and on to the acts with everything filled in."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from decisionflow.service.reads import departments as reads
from decisionflow.service.reads import form as forms
from decisionflow.web import doors

router = APIRouter(include_in_schema=False)


@router.get("/cases/{no}/departments")
def board(visit: doors.StaffVisit, no: str) -> HTMLResponse:
    with visit.site.store.read() as connection:
        found = reads.board(connection, visit.site.store.blobs, visit.authority, visit.actor, no, visit.now)
    standing = found.standing
    identity = forms.identity(standing.procedure, standing.facts, standing.head.sha256)
    return visit.page("departments", identity=identity, facts=standing.facts, found=found)
