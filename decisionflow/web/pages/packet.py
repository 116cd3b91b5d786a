"""S18 送审核对: the papers of art. 29 in its order, what still bars submitting, and the three ways of whoever receives it."""

from __future__ import annotations

import secrets

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from decisionflow.errors import BadInput, Settled
from decisionflow.service import agenda, meetings, steps
from decisionflow.service.reads import packet as reads
from decisionflow.service.reads import refusals
from decisionflow.web import doors
from decisionflow.web.pages import case

router = APIRouter(include_in_schema=False)


@router.get("/cases/{no}/packet")
def packet(visit: doors.StaffVisit, no: str) -> HTMLResponse:
    return _packet(visit, no)


def _packet(
    visit: doors.Staff, no: str, status: int = 200, *, errors: dict[str, str] | None = None, card: refusals.Card | None = None,
    given: dict[str, str] | None = None,
) -> HTMLResponse:  # fmt: skip
    with visit.site.store.read() as connection:
        found = reads.packet(connection, visit.authority, visit.actor, no, visit.now)
        opens = reads.open_meetings(connection, visit.authority, visit.actor)
    at = found.view
    typed = {"meeting": "", "urgent": "", "units": reads.suggested(found), "key": secrets.token_urlsafe(24)} | (
        given or {}
    )
    return visit.page(
        "packet", status, identity=case.identity_of(at), facts=at.facts, tabs=case.tabs_of(at, "packet"), found=found,
        opens=[(row["id"], meetings.title(row), row) for row in opens], given=typed, errors=errors or {}, refused=card,
        holder=reads.holders(at, "schedule"),
    )  # fmt: skip


@router.post("/cases/{no}/packet/schedule")
def schedule(visit: doors.StaffVisit, no: str, form: doors.Posted) -> Response:
    """Accept the submission onto the agenda of a meeting: the ordinary act of the case."""
    doors.token(visit, form)
    given = {name: str(form.get(name, "")) for name in ("meeting", "urgent", "units", "key")}
    if not given["meeting"]:
        return _packet(visit, no, 422, errors={"meeting": "请选择会议"}, given=given)
    try:
        outcome = visit.site.store.write(lambda tx: agenda.add(
            tx, visit.authority, visit.actor, given["meeting"], no, given["urgent"], given["key"], visit.now,
            given["units"]))  # fmt: skip
    except BadInput as fault:
        ours = {"urgent_reason": "urgent"}
        errors = {ours.get(one.place, "meeting"): one.say for one in fault.problems}
        return _packet(visit, no, fault.status, errors=errors, given=given)
    except Settled as fault:
        return _packet(visit, no, fault.status, errors={"meeting": fault.say}, given=given)
    if isinstance(outcome, steps.Held):
        with visit.site.store.read() as connection:
            at = reads.packet(connection, visit.authority, visit.actor, no, visit.now).view
        return _packet(
            visit, no, 409, card=refusals.card(outcome.refused.action, outcome.refused.findings, at.lookout, form=False)
        )
    return doors.go(f"/meetings/{given['meeting']}/agenda")
