"""S20a 议题速览: one page for the chief, which prints on one A4."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from decisionflow.service.reads import brief as reads
from decisionflow.web import doors
from decisionflow.web.pages import case

router = APIRouter(include_in_schema=False)


@router.get("/cases/{no}/brief")
def brief(visit: doors.StaffVisit, no: str) -> HTMLResponse:
    with visit.site.store.read() as connection:
        found = reads.brief(connection, visit.site.store.blobs, visit.authority, visit.actor, no, visit.now)
    at = found.view
    text = at.facts.text
    return visit.page(
        "brief", identity=case.identity_of(at), facts=at.facts, found=found, text=text,
        printed=f"事项 {at.facts.no}，最后一条记录的摘要 {at.standing.head.sha256[:16]}",
    )  # fmt: skip
