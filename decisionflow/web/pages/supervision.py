"""S23 督导: progress against the catalogue, overdue, steps not needed with their reasons, evaluations due, units compared."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from decisionflow.errors import NotFound
from decisionflow.service import calendars, permissions, sheets
from decisionflow.service.reads import catalogue, stored
from decisionflow.service.reads import supervision as reads
from decisionflow.web import doors
from decisionflow.web.pages.cases import table
from decisionflow.web.pages.files import XLSX, disposition

router = APIRouter(include_in_schema=False)


def _board(visit: doors.Staff, unit: str) -> reads.Board:
    if not permissions.may_supervise(visit.actor):
        raise NotFound("may not supervise", say="没有这个页面")
    with visit.site.store.read() as connection:
        seen = stored.visible(connection, visit.authority, visit.actor)
        official = calendars.current(connection, visit.authority.id, visit.authority.calendar)
    return reads.board(seen, official, visit.now, unit)


@router.get("/supervision")
def supervision(visit: doors.StaffVisit, unit: str = "") -> HTMLResponse:
    unit = unit.strip()[:60]
    found = _board(visit, unit)
    chips = [{"title": name or "全部单位", "href": f"/supervision?unit={quote(name)}" if name else "/supervision",
              "current": name == unit} for name in ("", *found.names)]  # fmt: skip
    return visit.page("supervision", found=found, unit=unit, groups=chips, states=catalogue.STATES, columns=reads.COLUMNS,
        colours=reads.COLOURS,
        head=[{"title": title, "class": "df-n"} for title in reads.COLUMNS[1:]],
    )  # fmt: skip


@router.get("/supervision.{kind}")
def export(visit: doors.StaffVisit, kind: str) -> Response:
    """The comparison of units as a table."""
    found = [one.cells() for one in _board(visit, "").units]
    headers = {"content-disposition": disposition(f"督导-单位比较.{kind}")}
    if kind == "xlsx":
        return Response(sheets.workbook("单位比较", reads.COLUMNS, found), media_type=XLSX, headers=headers)
    if kind == "csv":
        return Response(table(reads.COLUMNS, found), media_type="text/csv; charset=utf-8", headers=headers)
    raise NotFound(f"no export as {kind[:10]}", say="可以导出 csv 或者 xlsx")
