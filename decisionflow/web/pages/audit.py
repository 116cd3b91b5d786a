"""The security record for the audit administrator: accounts, sign-ins, refused acts; no case, no inspector's line."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from decisionflow.core.facts import legal_date
from decisionflow.errors import NotFound
from decisionflow.render import iso
from decisionflow.service import permissions
from decisionflow.service.reads import audit as reads
from decisionflow.web import doors
from decisionflow.web.pages.cases import table
from decisionflow.web.pages.files import disposition

router = APIRouter(include_in_schema=False)
COLUMNS = ("时间", "事项", "办理人", "岗位", "对象", "说明", "记录编号")


def _asked(visit: doors.Staff, kind: str, since: str, until: str) -> tuple[str, date, date]:
    if not permissions.may_audit(visit.actor):
        raise NotFound("may not audit", say="没有这个页面")
    today = legal_date(visit.now)
    return kind if kind in reads.GROUPS else "", _day(since, today - timedelta(days=30)), _day(until, today)


def _day(words: str, other: date) -> date:
    try:
        return date.fromisoformat(words) if words else other
    except ValueError:
        return other


@router.get("/audit")
def audit(
    visit: doors.StaffVisit, kind: str = "", since: str = "", until: str = "", who: str = "", before: int = 0
) -> HTMLResponse:  # fmt: skip
    group, first, last = _asked(visit, kind, since, until)
    who, before = who.strip()[:60], before if 0 < before < 2**53 else 0
    with visit.site.store.read() as connection:
        found = reads.lines(connection, visit.authority, group, first, last, who, before)
    chosen = {"since": first.isoformat(), "until": last.isoformat(), "who": who}
    chips = [{"title": title, "href": f"/audit?{urlencode({'kind': key, **chosen})}", "current": key == group}
             for key, title in reads.GROUPS.items()]  # fmt: skip
    query = urlencode({"kind": group, **chosen})
    return visit.page(
        "audit", lines=found, groups=chips, group=group, since=first, until=last, who=who, csv=f"/audit.csv?{query}",
        more=f"/audit?{query}&before={found[-1].seq}" if len(found) == reads.PAGE else "",
    )  # fmt: skip


@router.get("/audit.csv")
def audit_csv(visit: doors.StaffVisit, kind: str = "", since: str = "", until: str = "", who: str = "") -> Response:
    group, first, last = _asked(visit, kind, since, until)
    with visit.site.store.read() as connection:
        found = reads.lines(connection, visit.authority, group, first, last, who.strip()[:60], most=reads.MOST)
    rows = [(one.at.isoformat(), one.title, one.who, one.post, one.about, one.detail, one.entry) for one in found]
    headers = {"content-disposition": disposition(f"audit-{iso(first)}-{iso(last)}.csv")}
    return Response(table(COLUMNS, rows), media_type="text/csv; charset=utf-8", headers=headers)
