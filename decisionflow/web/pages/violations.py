"""I5 程序问题清单: what whole cases show after the fact; for inspectors, with a reason that is recorded."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from decisionflow.core import watch
from decisionflow.errors import BadInput
from decisionflow.service import inspections
from decisionflow.service.reads import stored, violations
from decisionflow.service.reads.violations import Wanted
from decisionflow.web import doors
from decisionflow.web.pages.cases import table
from decisionflow.web.pages.files import disposition

router = APIRouter(include_in_schema=False)
TITLE = "程序问题清单"
COLUMNS = ("级别", "检查", "事项", "名称", "单位", "日期", "说明", "依据", "证据")


@router.get("/violations")
def ask(visit: doors.InspectorVisit) -> HTMLResponse:
    return visit.page("trace_ask", title=TITLE, action="/violations", wrong="", reason="")


@router.post("/violations")
def listing(visit: doors.InspectorVisit, form: doors.Posted) -> Response:
    """The findings, filtered; the look and its reason are kept in the organ's own line."""
    doors.token(visit, form)
    reason, wanted = str(form.get("reason", "")), _wanted(form)
    try:
        visit.site.store.write(
            lambda tx: inspections.look(tx, visit.authority, visit.actor, "violations", "all", reason, visit.now)
        )
    except BadInput as fault:
        return visit.page(
            "trace_ask", 422, title=TITLE, action="/violations", wrong=fault.problems[0].say, reason=reason
        )
    with visit.site.store.read() as connection:
        cases = stored.visible(connection, visit.authority, visit.actor)
        found = violations.listing(connection, visit.site.store.blobs, visit.authority, cases, wanted, visit.now)
    if form.get("as") == "csv":
        return _table(found)
    failures = violations.shipped_watches().failures
    return visit.page("violations", found=found, wanted=wanted, reason=reason, levels=watch.LEVELS, failures=failures)


def _wanted(form: FormData) -> Wanted:
    return Wanted(**{name: str(form.get(name, ""))[:80] for name in asdict(Wanted())})


def _table(found: violations.Listing) -> Response:
    rows = (
        (watch.LEVELS[one.level], one.title, one.no, one.case, one.unit, one.on.isoformat(), one.say, one.cite,
         "；".join(f"{each.no} {each.say}" for each in one.evidence))
        for one in found.findings
    )  # fmt: skip
    headers = {"content-disposition": disposition(f"{TITLE}.csv")}
    return Response(table(COLUMNS, rows), media_type="text/csv; charset=utf-8", headers=headers)
