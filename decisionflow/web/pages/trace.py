"""I1-I3 倒查: a person, or a case, looked at backwards; each look needs a reason and is itself recorded."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlalchemy import text
from starlette.datastructures import FormData

from decisionflow.errors import BadInput
from decisionflow.service import inspections, register, steps
from decisionflow.service.reads import form as forms
from decisionflow.service.reads import trace as reads
from decisionflow.web import doors

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
def ask_person(visit: doors.InspectorVisit, person: str) -> HTMLResponse:
    with visit.site.store.read() as connection:
        found = register.person(connection, person)
    return visit.page(
        "trace_ask", title=f"倒查：{found['name']}", action=f"/trace/person/{person}", wrong="", reason=""
    )


@router.post("/trace/person/{person}")
def person_page(visit: doors.InspectorVisit, person: str, form: doors.Posted) -> HTMLResponse:
    """Everything a person did, in the posts of that time."""
    with visit.site.store.read() as connection:
        found = register.person(connection, person)
    reason = str(form.get("reason", ""))
    if refused := _look(visit, form, "person", person, found["name"], reason):
        return refused
    with visit.site.store.read() as connection:
        held = reads.held(connection, visit.authority, person)
        deeds = reads.deeds_of_person(connection, visit.authority, person)
    return visit.page("trace_person", person=found, held=held, deeds=deeds, reason=reason)


@router.get("/trace/case/{no}")
def ask_case(visit: doors.InspectorVisit, no: str) -> HTMLResponse:
    with visit.site.store.read() as connection:
        facts = steps.visible(connection, visit.authority, visit.actor, no).facts
    return visit.page("trace_ask", title=f"倒查：{facts.title}", action=f"/trace/case/{no}", wrong="", reason="")


@router.post("/trace/case/{no}")
def case_page(visit: doors.InspectorVisit, no: str, form: doors.Posted) -> HTMLResponse:
    """Who answers for a case: every act by its line, deviations with reasons, and what was refused."""
    with visit.site.store.read() as connection:
        standing = steps.visible(connection, visit.authority, visit.actor, no)
    reason = str(form.get("reason", ""))
    if refused := _look(visit, form, "case", no, standing.facts.title, reason):
        return refused
    with visit.site.store.read() as connection:
        attempts = reads.attempts(connection, visit.authority, standing.procedure, no)
    lines = reads.deeds_of_case(standing.procedure, standing.facts)
    identity = forms.identity(standing.procedure, standing.facts, standing.head.sha256)
    return visit.page(
        "trace_case", facts=standing.facts, identity=identity, lines=lines, attempts=attempts, reason=reason
    )


def _look(
    visit: doors.Staff, form: FormData, what: str, about: str, title: str, reason: str
) -> HTMLResponse | None:  # fmt: skip
    """Record the look; the form again when it has no good reason."""
    doors.token(visit, form)
    try:
        visit.site.store.write(
            lambda tx: inspections.look(tx, visit.authority, visit.actor, what, about, reason, visit.now)
        )
    except BadInput as fault:
        return visit.page("trace_ask", 422, title=f"倒查：{title}", action=f"/trace/{what}/{about}",
                          wrong=fault.problems[0].say, reason=reason)  # fmt: skip
    return None
