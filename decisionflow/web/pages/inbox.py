"""S02 工作台: what I must do, most urgent first."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from decisionflow.errors import NotFound
from decisionflow.service import notices
from decisionflow.service.reads import inbox as reads
from decisionflow.service.reads import register
from decisionflow.web import doors

router = APIRouter(include_in_schema=False)
BOXES = ("todo", "notices", "waiting")


@router.get("/inbox")
def inbox(visit: doors.StaffVisit, box: str = "todo", light: str = "") -> HTMLResponse:
    if box not in BOXES:
        raise NotFound(f"no box {box}", say="没有这个栏目")
    with visit.site.store.read() as connection:
        found = reads.inbox(connection, visit.authority, visit.actor, visit.now)
        passed = register.handovers(connection, visit.authority, visit.actor.person)
    todos = [todo for todo in found.todos if light in ("", todo.light.kind)]
    return visit.page("inbox", inbox=found, todos=todos, box=box, light=light, passed=passed)


@router.post("/inbox/read")
def read(visit: doors.StaffVisit, form: doors.Posted) -> Response:
    """Mark notices as read (已阅): the one thing that may be done in bulk."""
    doors.token(visit, form)
    chosen = [str(value) for value in form.getlist("notice")]
    visit.site.store.write(lambda tx: notices.mark_read(tx, visit.authority.id, visit.actor.person, chosen, visit.now))
    return doors.go("/inbox?box=notices")
