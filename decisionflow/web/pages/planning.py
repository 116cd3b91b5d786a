"""决策体检 and 推算: what is missing for each act ahead, and the bounds of days for a wished date."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from starlette.datastructures import QueryParams

from decisionflow.core.facts import legal_date
from decisionflow.errors import NotFound
from decisionflow.service import calendars, procedures
from decisionflow.service.reads import case as reads
from decisionflow.service.reads import health, plans
from decisionflow.web import doors
from decisionflow.web.pages.case import identity_of, tabs_of

router = APIRouter(include_in_schema=False)
WRONG = "日期应写作 2026-12-20，在今天以后"


@router.get("/cases/{no}/health")
def look_over(visit: doors.StaffVisit, no: str) -> HTMLResponse:
    with visit.site.store.read() as connection:
        at = reads.view(connection, visit.authority, visit.actor, no, visit.now)
        return visit.page("health", facts=at.facts, identity=identity_of(at), tabs=tabs_of(at, "health"),
                          found=health.check(at))  # fmt: skip


@router.get("/cases/{no}/plan")
def case_plan(visit: doors.StaffVisit, no: str) -> HTMLResponse:
    asked, today = visit.request.query_params, legal_date(visit.now)
    wished, wrong = _day(asked.get("on", ""), today)
    with visit.site.store.read() as connection:
        at = reads.view(connection, visit.authority, visit.actor, no, visit.now)
        found = plans.of(at.procedure, at.facts, at.standing.calendar, today, goal=asked.get("goal", ""), wished=wished,
                         also=asked.getlist("also"))  # fmt: skip
        return visit.page(
            "plan", 422 if wrong else 200, facts=at.facts, identity=identity_of(at), tabs=tabs_of(at, "plan"),
            found=found, wished=asked.get("on", ""), wrong=wrong, states=plans.STATES, flags=(), matter={}, starts="",
        )  # fmt: skip


@router.get("/plan")
def imagined_plan(visit: doors.StaffVisit) -> HTMLResponse:
    """The same for a matter that nobody has started: what it would be like is ticked."""
    asked, today = visit.request.query_params, legal_date(visit.now)
    wished, wrong = _day(asked.get("on", ""), today)
    start, late = _day(asked.get("from", ""), today)
    with visit.site.store.read() as connection:
        procedure = procedures.in_force(connection, visit.authority.id, visit.authority.procedure, today)
        calendar = calendars.current(connection, visit.authority.id, visit.authority.calendar)
    flags = plans.flags(procedure)
    if not flags:
        raise NotFound("nothing to plan", say="本机关的程序没有可以推算的事项")
    matter = _matter([spec.id for spec in flags], asked)
    found = plans.imagined(procedure, matter, calendar, start or today, goal=asked.get("goal", ""), wished=wished,
                           also=asked.getlist("also"))  # fmt: skip
    return visit.page(
        "plan", 422 if wrong or late else 200, facts=None, identity=None, tabs=(), found=found, wished=asked.get("on", ""),
        wrong=wrong or late, states=plans.STATES, flags=flags, matter=matter, starts=asked.get("from", ""),
    )  # fmt: skip


def _matter(names: list[str], asked: QueryParams) -> dict[str, bool]:
    """The facts as ticked; on the first look everything that is usual: public, and nothing else."""
    ticked = set(asked.getlist("is")) if asked else {"public"}
    return {name: name in ticked for name in names}


def _day(words: str, today: date) -> tuple[date | None, str]:
    """A day from an address, or what is wrong with it."""
    if not words:
        return None, ""
    try:
        found = date.fromisoformat(words)
    except ValueError:
        return None, WRONG
    return (found, "") if today <= found < date(today.year + 10, 1, 1) else (None, WRONG)
