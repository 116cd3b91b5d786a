"""S24 执行: tasks with their lamps, what was reported and changed, and the effect ledger."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from decisionflow.service.reads import execution as reads
from decisionflow.service.reads import form as forms
from decisionflow.web import doors

router = APIRouter(include_in_schema=False)


@router.get("/cases/{no}/execution")
def board(visit: doors.StaffVisit, no: str) -> HTMLResponse:
    with visit.site.store.read() as connection:
        found = reads.board(connection, visit.site.store.blobs, visit.authority, visit.actor, no, visit.now)
    standing = found.standing
    identity = forms.identity(standing.procedure, standing.facts, standing.head.sha256)
    return visit.page("execution", identity=identity, facts=standing.facts, found=found)
