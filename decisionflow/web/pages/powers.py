"""权责清单: the items of a day, and the history of one; whoever works in the government may read it."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from decisionflow.core.facts import legal_date
from decisionflow.service import permissions, powers
from decisionflow.web import doors

router = APIRouter(include_in_schema=False)


@router.get("/powers")
def listing(visit: doors.StaffVisit, on: str = "", unit: str = "", q: str = "") -> HTMLResponse:
    today = legal_date(visit.now)
    try:
        day, wrong = date.fromisoformat(on) if on else today, ""
    except ValueError:
        day, wrong = today, f"“{on[:20]}”不是日期，应写作 2026-01-31；下面是今天的清单"
    unit, q = unit.strip()[:60], q.strip()[:60]
    with visit.site.store.read() as connection:
        found = powers.listed(connection, visit.authority, day, unit, q)
    return visit.page(
        "powers", 422 if wrong else 200, found=found, on=day, today=today, unit=unit, q=q, wrong=wrong,
        most=powers.MOST_SHOWN, keeps=permissions.may_keep_powers(visit.actor),
    )  # fmt: skip


@router.get("/powers/{power}")
def history(visit: doors.StaffVisit, power: str) -> HTMLResponse:
    with visit.site.store.read() as connection:
        found = powers.history(connection, visit.authority, power)
    return visit.page("power", found=found)
