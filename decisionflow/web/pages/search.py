"""I7 检索: acts found by a query, for inspectors; each look with its reason, results as a page or a file, queries kept."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.datastructures import FormData

from decisionflow.core.query import TITLES
from decisionflow.errors import BadInput
from decisionflow.service import evidence, inspections, searches, sheets
from decisionflow.service.reads import search as reads
from decisionflow.web import doors
from decisionflow.web.pages.cases import table
from decisionflow.web.pages.files import XLSX, disposition

router = APIRouter(include_in_schema=False)


@router.get("/trace/search")
def ask(visit: doors.InspectorVisit, name: str = "") -> HTMLResponse:
    """The empty form, or one of one's own queries in it; nothing is looked up yet."""
    with visit.site.store.read() as connection:
        kept = searches.kept(connection, visit.actor)
    return _page(visit, dict(kept).get(name[:40], ""), "", kept)


@router.post("/trace/search")
def search(visit: doors.InspectorVisit, form: doors.Posted) -> Response:
    """The acts that a query finds; the query and its reason are kept in the organ's own line."""
    doors.token(visit, form)
    q, reason = str(form.get("q", "")), str(form.get("reason", ""))
    try:
        with visit.site.store.read() as connection:
            found = _found(visit, form, q) if form.get("as") else reads.search(
                connection, visit.authority, q, visit.now, after=str(form.get("after", ""))[:60]
            )  # fmt: skip
        visit.site.store.write(
            lambda tx: inspections.look(tx, visit.authority, visit.actor, "search", q, reason, visit.now)
        )
    except BadInput as fault:
        return _page(visit, q, reason, errors={one.place: one.say for one in fault.problems}, status=422)
    match form.get("as"):
        case "packages":
            return _packages(visit, q, reason, found)
        case "csv":
            return _file(table(reads.COLUMNS, map(reads.cells, found.hits)), "csv", "text/csv; charset=utf-8")
        case "xlsx":
            return _file(sheets.workbook("检索", reads.COLUMNS, map(reads.cells, found.hits)), "xlsx", XLSX)
        case "json":
            headers = {"content-disposition": disposition("检索.json")}
            return JSONResponse({"query": q, "hits": [reads.as_json(one) for one in found.hits]}, headers=headers)
    return _page(visit, q, reason, found=found)


@router.post("/trace/search/kept")
def keep(visit: doors.InspectorVisit, form: doors.Posted) -> Response:
    """Keep a query under a name, or forget one."""
    doors.token(visit, form)
    q, name = str(form.get("q", "")), str(form.get("name", ""))
    try:
        if form.get("forget"):
            visit.site.store.write(lambda tx: searches.forget(tx, visit.actor, str(form.get("forget"))))
        else:
            visit.site.store.write(lambda tx: searches.keep(tx, visit.actor, name, q, visit.now))
    except BadInput as fault:
        return _page(visit, q, "", errors={one.place: one.say for one in fault.problems}, status=422)
    return doors.go("/trace/search")


def _found(visit: doors.Staff, form: FormData, q: str) -> reads.Found:
    with visit.site.store.read() as connection:
        return reads.search(connection, visit.authority, q, visit.now, most=reads.MOST)


def _page(
    visit: doors.Staff, q: str, reason: str, kept: tuple[tuple[str, str], ...] | None = None,
    found: reads.Found | None = None, errors: dict[str, str] | None = None, status: int = 200,
) -> HTMLResponse:  # fmt: skip
    if kept is None:
        with visit.site.store.read() as connection:
            kept = searches.kept(connection, visit.actor)
    return visit.page(
        "search",
        status,
        q=q,
        reason=reason,
        kept=kept,
        found=found,
        errors=errors or {},
        examples=reads.EXAMPLES,
        keys=TITLES,
    )


def _packages(visit: doors.Staff, q: str, reason: str, found: reads.Found) -> Response:
    """The evidence packages of the cases that the query found, with a signed list."""
    site = visit.site
    try:
        with site.store.read() as connection:
            signer, numbers = site.signer(visit.authority.id), [one.no for one in found.hits]
            data = evidence.selection(connection, site.store.blobs, signer, visit.authority, numbers, visit.now)
    except BadInput as fault:
        return _page(visit, q, reason, errors={one.place: one.say for one in fault.problems}, status=422)
    return _file(data, "zip", "application/zip")


def _file(data: bytes, kind: str, media: str) -> Response:
    return Response(data, media_type=media, headers={"content-disposition": disposition(f"检索.{kind}")})
