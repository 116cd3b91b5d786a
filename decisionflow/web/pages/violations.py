"""I5 程序问题清单: what whole cases show after the fact, for inspectors: a picture, each finding with its evidence, and what
the own unit makes of it. One reason opens the list for a while (docs/adr/0017); the list is a file too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse, Response

from decisionflow.core import watch
from decisionflow.errors import BadInput, Conflict, Problem
from decisionflow.service import assessments, inspections, sheets
from decisionflow.service.reads import stored, violations
from decisionflow.service.reads.violations import Wanted
from decisionflow.web import doors
from decisionflow.web.pages.cases import table
from decisionflow.web.pages.files import XLSX, disposition
from decisionflow.web.pages.trace import ask, look

router = APIRouter(include_in_schema=False)
TITLE, HERE = "程序问题清单", "/violations"


@router.get("/violations")
def listing(visit: doors.InspectorVisit) -> Response:
    """The list of a look under way, filtered by the query; else the form that asks for a reason."""
    with visit.site.store.read() as connection:
        reason = inspections.under_way(connection, visit.authority, visit.actor, "violations", "all", visit.now)
    return ask(visit, TITLE, HERE) if reason is None else _answer(visit, visit.request.query_params)


@router.post("/violations")
def begin(visit: doors.InspectorVisit, form: doors.Posted) -> Response:
    """The same after a reason was given; the look is kept in the organ's own line."""
    return look(visit, form, "violations", "all", TITLE, HERE) or _answer(visit, _words(form))


@router.post("/violations/assess")
def assess(visit: doors.InspectorVisit, form: doors.Posted) -> Response:
    """Say that the facts of a finding are as it says, or are not; back to the list where one was."""
    doors.token(visit, form)
    given = _words(form)
    with visit.site.store.read() as connection:
        reason = inspections.under_way(connection, visit.authority, visit.actor, "violations", "all", visit.now)
    if reason is None:
        return ask(visit, TITLE, HERE)
    about, state, why, seen = (given.get(name, "")[:600] for name in ("about", "verdict", "why", "seen"))
    try:
        if about not in {one.mark for one in _found(visit, Wanted()).rows}:
            raise BadInput([_gone()])
        visit.site.store.write(
            lambda tx: assessments.assess(tx, visit.authority, visit.actor, about, state, why, seen, visit.now)
        )
    except BadInput as fault:
        return _page(visit, given, 422, {"about": about, "why": why, "say": fault.problems[0].say})
    except Conflict as fault:
        return _page(visit, given, 409, {"about": about, "why": why, "say": fault.say})
    kept = urlencode({name: value for name, value in asdict(_wanted(given)).items() if value})
    return doors.go(f"{HERE}?{kept}#f-{about}" if kept else f"{HERE}#f-{about}")


def _gone() -> Problem:
    return Problem("about", "这条线索已经不在清单里：记录可能已经更正，请刷新后再看", rule="choice")


def _words(given: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in given.items()}


def _wanted(given: Mapping[str, str]) -> Wanted:
    return Wanted(**{name: given.get(name, "")[:80] for name in asdict(Wanted())})


def _found(visit: doors.Staff, wanted: Wanted) -> violations.Listing:
    with visit.site.store.read() as connection:
        cases = stored.visible(connection, visit.authority, visit.actor)
        marks = assessments.assessed(connection, visit.authority, visit.actor)
        return violations.listing(connection, visit.site.store.blobs, visit.authority, cases, wanted, visit.now, marks)


def _answer(visit: doors.Staff, given: Mapping[str, str]) -> Response:
    kind = given.get("as", "")
    if kind not in ("csv", "xlsx", "json"):
        return _page(visit, given)
    found = _found(visit, _wanted(given))
    headers = {"content-disposition": disposition(f"{TITLE}.{kind}")}
    if kind == "json":
        return JSONResponse({"findings": [violations.as_json(one) for one in found.rows]}, headers=headers)
    rows: Sequence[tuple[str, ...]] = [violations.cells(one) for one in found.rows]
    if kind == "xlsx":
        return Response(sheets.workbook(TITLE, violations.COLUMNS, rows), media_type=XLSX, headers=headers)
    return Response(table(violations.COLUMNS, rows), media_type="text/csv; charset=utf-8", headers=headers)


def _page(
    visit: doors.Staff, given: Mapping[str, str], status: int = 200, refused: Mapping[str, str] | None = None
) -> HTMLResponse:  # fmt: skip
    wanted = _wanted(given)
    query = urlencode({name: value for name, value in asdict(wanted).items() if value})
    return visit.page(
        "violations", status, found=_found(visit, wanted), wanted=wanted, chosen=asdict(wanted), query=query,
        levels=watch.LEVELS, states=assessments.STATES, refused=refused or {"say": "", "about": "", "why": ""},
        failures=violations.shipped_watches().failures,
    )  # fmt: skip
