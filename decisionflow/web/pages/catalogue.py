"""决策事项目录: each year's items with age, state and cases, and what was decided before on what counts as major."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from decisionflow.core.facts import legal_date
from decisionflow.errors import NotFound
from decisionflow.service import calendars, permissions
from decisionflow.service.reads import catalogue as reads
from decisionflow.service.reads import citations, desks, form, precedents, stored
from decisionflow.web import doors
from decisionflow.web.pages.cases import table
from decisionflow.web.pages.files import disposition

router = APIRouter(include_in_schema=False)
COLUMNS = (
    "序号",
    "事项名称",
    "承办单位",
    "类别",
    "须履行的程序",
    "计划完成时间",
    "列入日期",
    "调整",
    "调整理由",
    "状态",
    "决策事项",
)
CLASSES = {
    "public_service": "公共服务等政策措施",
    "plan": "重要规划",
    "resource": "自然、文化资源",
    "construction": "公共建设项目",
    "other": "其他",
    "none": "五类都不是",
}


def _inside(visit: doors.Staff) -> None:
    """Lists over all cases are for those who work inside. Raises NotFound."""
    if not permissions.may_list(visit.actor):
        raise NotFound("no use for lists", say="没有这个页面")


@router.get("/catalogue")
def catalogue(visit: doors.StaffVisit, year: int = 0) -> HTMLResponse:
    _inside(visit)
    found = _books(visit)
    chosen = next((one for one in found if not year or one.year == year), None)
    if year and chosen is None:
        raise NotFound(f"no catalogue of {year}", say=f"没有{year}年度的目录")
    may_open = _may_open(visit, reads.PROCEDURE)
    return visit.page("catalogue", books=found, chosen=chosen, states=reads.STATES, may_open=may_open)


def _may_open(visit: doors.Staff, procedure: str) -> bool:
    """Whether this post may open a case under a procedure, and the procedure is published."""
    with visit.site.store.read() as connection:
        possible = form.openings(connection, visit.authority, visit.actor, legal_date(visit.now))
    return any(one.id == procedure and mine for one, mine in possible)


def _books(visit: doors.Staff) -> tuple[reads.Catalogue, ...]:
    """The catalogues that this person may see: a draft is for those inside."""
    with visit.site.store.read() as connection:
        cases = tuple(stored.cases(connection, visit.authority))
    mine = {one.facts.no for one in cases if permissions.may_see(visit.actor, one.procedure, one.facts)}
    return tuple(one for one in reads.catalogues(cases, visit.now) if one.published_on or one.no in mine)


@router.get("/catalogue.csv")
def export(visit: doors.StaffVisit, year: int) -> Response:
    """A year's items for a spreadsheet, as the year-end account wants them."""
    _inside(visit)
    chosen = next((one for one in _books(visit) if one.year == year), None)
    if chosen is None:
        raise NotFound(f"no catalogue of {year}", say=f"没有{year}年度的目录")
    rows = [
        (item.no, item.title, item.unit, item.class_title, "、".join(item.ordered), item.planned,
         str(item.listed_on or ""), item.changed, item.reason, reads.STATES[item.state],
         "；".join(f"{case.no} {case.stage}" for case in item.cases))
        for item in chosen.items
    ]  # fmt: skip
    headers = {"content-disposition": disposition(f"catalogue-{year}.csv")}
    return Response(table(COLUMNS, rows), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/precedents")
def earlier(visit: doors.StaffVisit, q: str = "", klass: str = "") -> HTMLResponse:
    """Is this a major decision? What was said of others before."""
    _inside(visit)
    with visit.site.store.read() as connection:
        seen = stored.visible(connection, visit.authority, visit.actor)
    found = precedents.precedents(seen, words=q.strip()[:120], klass=klass)
    may_ask = _may_open(visit, "scope-question")
    return visit.page("precedents", found=found, q=q.strip()[:120], klass=klass, classes=CLASSES, may_ask=may_ask)


@router.get("/overdue")
def overdue(visit: doors.StaffVisit) -> HTMLResponse:
    """What should have been decided or done by now, whose turn it is, and which bases have ended."""
    _inside(visit)
    with visit.site.store.read() as connection:
        seen = stored.visible(connection, visit.authority, visit.actor)
        official = calendars.current(connection, visit.authority.id, visit.authority.calendar)
    late = desks.overdue(seen, official, visit.now)
    ended = list(citations.ended_bases(seen, legal_date(visit.now)))
    return visit.page("overdue", late=late, ended=ended, supervises=permissions.may_supervise(visit.actor))
