"""I1, I2 倒查: a person, or a case, looked at backwards; each look needs a reason and is itself recorded.

One reason opens the pages of one person or one case for a while (docs/adr/0017), so that they can be turned and filtered.
"""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import text
from starlette.datastructures import FormData

from decisionflow.core.facts import legal_date
from decisionflow.errors import BadInput
from decisionflow.service import inspections, register, sheets, steps
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import career
from decisionflow.service.reads import form as forms
from decisionflow.service.reads import trace as reads
from decisionflow.web import doors
from decisionflow.web.pages.files import XLSX, disposition

router = APIRouter(include_in_schema=False)
_CASES = text("""
    select no, title from case_file where authority_id = :a and (no = :t or title like :n) order by no desc limit 30
""")


@router.get("/trace")
def search(visit: doors.InspectorVisit, q: str = "") -> HTMLResponse:
    words = q.strip()[:60]
    with visit.site.store.read() as connection:
        people = register.find_persons(connection, words) if words else ()
        people = tuple(one | {"posts": reads.held(connection, visit.authority, one["id"])} for one in people)
        values = {"a": visit.authority.id, "t": words, "n": f"%{words}%"}
        cases = connection.execute(_CASES, values).all() if words else []
        looks = inspections.looks(connection, visit.authority, visit.actor)
    return visit.page("trace", q=words, people=people, cases=cases, looks=looks)


@router.get("/trace/person/{person}")
def ask_person(
    visit: doors.InspectorVisit, person: str, year: str = "", action: str = "", track: str = "", case: str = "",
    only: str = "", before: str = "",
) -> HTMLResponse:  # fmt: skip
    with visit.site.store.read() as connection:
        found = register.person(connection, person)
        reason = inspections.under_way(connection, visit.authority, visit.actor, "person", person, visit.now)
    if reason is None:
        return ask(visit, f"倒查：{found['name']}", f"/trace/person/{person}")
    wanted = career.Wanted(year, action, track, case.strip(), only == "dissent", only == "late", before)
    return _person(visit, person, reason, wanted)


@router.post("/trace/person/{person}")
def person_page(visit: doors.InspectorVisit, person: str, form: doors.Posted) -> HTMLResponse:
    """Everything a person did, in the posts of that time."""
    with visit.site.store.read() as connection:
        found = register.person(connection, person)
    if refused := look(visit, form, "person", person, f"倒查：{found['name']}", f"/trace/person/{person}"):
        return refused
    return _person(visit, person, str(form.get("reason", "")), career.Wanted())


def _person(visit: doors.Staff, person: str, reason: str, wanted: career.Wanted) -> HTMLResponse:
    with visit.site.store.read() as connection:
        found = register.person(connection, person)
        posts = career.posts(connection, visit.authority, person)
        page = career.page(connection, visit.authority, person, wanted, visit.now)
        since = career.begins(connection, visit.authority)
    only = "dissent" if wanted.dissent else "late" if wanted.late else ""
    chosen = {"year": wanted.year, "action": wanted.action, "track": wanted.track, "case": wanted.case, "only": only}
    kept = {name: value for name, value in chosen.items() if value}
    path = f"/trace/person/{person}"
    older = f"{path}?{urlencode({**kept, 'before': page.after})}" if page.after else ""
    return visit.page(
        "trace_person", person=found, posts=posts, drawing=career.drawing(posts, legal_date(visit.now)), found=page,
        chosen=chosen, path=path, older=older, filtered=bool(kept or wanted.before), since=since, reason=reason,
    )  # fmt: skip


@router.get("/trace/person/{person}/extract")
def person_extract(visit: doors.InspectorVisit, person: str, year: str = "") -> Response:
    """A person's acts of one year, or of all, as a table; within a look."""
    with visit.site.store.read() as connection:
        found = register.person(connection, person)
        reason = inspections.under_way(connection, visit.authority, visit.actor, "person", person, visit.now)
    if reason is None:
        return ask(visit, f"倒查：{found['name']}", f"/trace/person/{person}")
    return extract(visit, visit.authority, person, year)


def extract(visit: doors.Visit, authority: Authority, person: str, year: str) -> Response:
    """履职摘录: the acts of a person as an xlsx."""
    with visit.site.store.read() as connection:
        name = register.person(connection, person)["name"]
        found = career.every(connection, authority, person, career.Wanted(year=year), visit.now)
    title = f"{name}履职摘录{year}"
    data = sheets.workbook("履职摘录", career.COLUMNS, map(career.cells, found.entries))
    headers = {"content-disposition": disposition(f"{title}.xlsx")}
    return Response(data, media_type=XLSX, headers=headers)


@router.get("/trace/case/{no}")
def ask_case(visit: doors.InspectorVisit, no: str) -> HTMLResponse:
    with visit.site.store.read() as connection:
        standing = steps.visible(connection, visit.authority, visit.actor, no)
        reason = inspections.under_way(connection, visit.authority, visit.actor, "case", no, visit.now)
    if reason is None:
        return ask(visit, f"倒查：{standing.facts.title}", f"/trace/case/{no}")
    return _case(visit, standing, reason)


@router.post("/trace/case/{no}")
def case_page(visit: doors.InspectorVisit, no: str, form: doors.Posted) -> HTMLResponse:
    """Who answers for a case: every act by its line, deviations with reasons, and what was refused."""
    with visit.site.store.read() as connection:
        standing = steps.visible(connection, visit.authority, visit.actor, no)
    if refused := look(visit, form, "case", no, f"倒查：{standing.facts.title}", f"/trace/case/{no}"):
        return refused
    return _case(visit, standing, str(form.get("reason", "")))


def _case(visit: doors.Staff, standing: steps.Standing, reason: str) -> HTMLResponse:
    no = standing.facts.no
    with visit.site.store.read() as connection:
        attempts = reads.attempts(connection, visit.authority, standing.procedure, no)
    lines = reads.deeds_of_case(standing.procedure, standing.facts)
    identity = forms.identity(standing.procedure, standing.facts, standing.head.sha256)
    return visit.page(
        "trace_case", facts=standing.facts, identity=identity, lines=lines, attempts=attempts, reason=reason,
        pages=pages(no, ""),
    )  # fmt: skip


# ---- shared by the pages that look backwards ----------------------------------------------------------------------


def pages(no: str, current: str) -> list[dict[str, object]]:
    """The pages of a case that is looked at."""
    found = (("", "按事倒查"), ("chain", "责任链"), ("as-of", "当时知情"), ("at", "还原某一时刻"))
    return [
        {"title": title, "href": f"/trace/case/{no}" + (f"/{name}" if name else ""), "current": name == current,
         "count": ""}
        for name, title in found
    ]  # fmt: skip


def ask(visit: doors.Staff, title: str, action: str, wrong: str = "", reason: str = "") -> HTMLResponse:
    """The form that asks for the reason of a look."""
    return visit.page("trace_ask", 422 if wrong else 200, title=title, action=action, wrong=wrong, reason=reason)


def look(visit: doors.Staff, form: FormData, what: str, about: str, title: str, action: str) -> HTMLResponse | None:
    """Record the look and let its pages be turned; the form again when it has no good reason."""
    doors.token(visit, form)
    reason = str(form.get("reason", ""))
    try:
        visit.site.store.write(
            lambda tx: inspections.open_look(tx, visit.authority, visit.actor, what, about, reason, visit.now)
        )
    except BadInput as fault:
        return ask(visit, title, action, fault.problems[0].say, reason)
    return None
