"""Who may do what on the site: rights, duties, persons of today; for those who keep the system, and inspectors."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from decisionflow.service.reads import policies as reads
from decisionflow.web import doors

router = APIRouter(include_in_schema=False)


@router.get("/policies")
def policies(visit: doors.StaffVisit) -> HTMLResponse:
    with visit.site.store.read() as connection:
        found = reads.policies(connection, visit.authority, visit.actor, visit.now)
    return visit.page("policies", found=found)
