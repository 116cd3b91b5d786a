"""I3, I4 and the time machine: a case looked at backwards as a chain, by what a person had before them, and at an instant.

Pages behind the one reason that was given for the case (docs/adr/0017); without it they ask for it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from decisionflow.core.facts import SHANGHAI
from decisionflow.errors import BadInput, Problem
from decisionflow.service import inspections, steps
from decisionflow.service.reads import answers, known, moment
from decisionflow.service.reads import form as forms
from decisionflow.service.steps import Standing
from decisionflow.web import doors
from decisionflow.web.pages import trace

router = APIRouter(include_in_schema=False)
TITLES = {"chain": "责任链", "as-of": "当时知情", "at": "还原某一时刻"}


@router.get("/trace/case/{no}/chain")
def chain(visit: doors.InspectorVisit, no: str, kind: str = "") -> HTMLResponse:
    return _page(visit, no, "chain", lambda standing, reason: _chain(visit, standing, reason, kind))


@router.post("/trace/case/{no}/chain")
def begin_chain(visit: doors.InspectorVisit, no: str, form: doors.Posted, kind: str = "") -> HTMLResponse:
    return _begin(visit, no, "chain", form, lambda standing, reason: _chain(visit, standing, reason, kind))


@router.get("/trace/case/{no}/as-of")
def as_of(
    visit: doors.InspectorVisit, no: str, person: str = "", at: str = "", basis: str = "recorded", other: str = "",
    also: str = "",
) -> HTMLResponse:  # fmt: skip
    return _page(visit, no, "as-of", lambda one, reason: _known(visit, one, reason, person, at, basis, other, also))


@router.post("/trace/case/{no}/as-of")
def begin_as_of(
    visit: doors.InspectorVisit, no: str, form: doors.Posted, person: str = "", at: str = "", basis: str = "recorded",
    other: str = "", also: str = "",
) -> HTMLResponse:  # fmt: skip
    return _begin(
        visit, no, "as-of", form, lambda one, reason: _known(visit, one, reason, person, at, basis, other, also)
    )


@router.get("/trace/case/{no}/at")
def at_instant(
    visit: doors.InspectorVisit, no: str, at: str = "", basis: str = "recorded", also: str = ""
) -> HTMLResponse:
    return _page(visit, no, "at", lambda standing, reason: _then(visit, standing, reason, at, basis, also))


@router.post("/trace/case/{no}/at")
def begin_at(
    visit: doors.InspectorVisit, no: str, form: doors.Posted, at: str = "", basis: str = "recorded", also: str = ""
) -> HTMLResponse:  # fmt: skip
    return _begin(visit, no, "at", form, lambda standing, reason: _then(visit, standing, reason, at, basis, also))


# ---- one look ------------------------------------------------------------------------------------------------

Show = Callable[[Standing, str], HTMLResponse]


def _page(visit: doors.Staff, no: str, name: str, show: Show) -> HTMLResponse:
    with visit.site.store.read() as connection:
        standing = steps.visible(connection, visit.authority, visit.actor, no)
        reason = inspections.under_way(connection, visit.authority, visit.actor, "case", no, visit.now)
    if reason is None:
        return trace.ask(visit, f"{TITLES[name]}：{standing.facts.title}", _asked(visit, no, name))
    return show(standing, reason)


def _begin(visit: doors.Staff, no: str, name: str, form: doors.Posted, show: Show) -> HTMLResponse:
    with visit.site.store.read() as connection:
        standing = steps.visible(connection, visit.authority, visit.actor, no)
    title = f"{TITLES[name]}：{standing.facts.title}"
    refused = trace.look(visit, form, "case", no, title, _asked(visit, no, name))
    return refused or show(standing, str(form.get("reason", "")))


def _asked(visit: doors.Staff, no: str, name: str) -> str:
    """The page with what was asked of it, so that giving the reason does not lose it."""
    query = visit.request.url.query
    return f"/trace/case/{no}/{name}" + (f"?{query}" if query else "")


def _frame(standing: Standing, reason: str, name: str) -> dict[str, Any]:
    facts = standing.facts
    return {
        "facts": facts, "identity": forms.identity(standing.procedure, facts, standing.head.sha256), "reason": reason,
        "pages": trace.pages(facts.no, name), "title": TITLES[name], "path": f"/trace/case/{facts.no}/{name}",
    }  # fmt: skip


# ---- the three pages -----------------------------------------------------------------------------------------


def _chain(visit: doors.Staff, standing: Standing, reason: str, kind: str) -> HTMLResponse:
    if kind and kind not in {one.id for one in answers.shipped().categories}:
        raise BadInput([Problem("kind", "没有这一类人员", rule="choice")])
    found = answers.chain(standing.procedure, standing.facts, kind)
    path = f"/trace/case/{standing.facts.no}/chain"
    kinds = [{"title": "全部", "href": path, "current": not kind}]
    kinds += [
        {"title": title, "href": f"{path}?kind={name}", "current": name == kind} for name, title in found.categories
    ]
    return visit.page(
        "trace_chain", **_frame(standing, reason, "chain"), found=found, lanes=answers.drawing(found, standing.facts.title),
        kinds=kinds, titles=dict(found.lanes), names=dict(found.categories), edges=_edges(found),
    )  # fmt: skip


def _edges(found: answers.Chain) -> dict[str, list[str]]:
    """What is said of each place in the table: to whom it went on, or against what it stood."""
    said: dict[str, list[str]] = {}
    nodes = found.by_id()
    for edge in found.edges:
        aim = nodes[edge.target]
        said.setdefault(edge.source, []).append(f"{answers.WORDS[edge.kind]} → {aim.name} {aim.title}")
    return said


def _typed(given: str, at: datetime) -> str:
    """An instant as the form's own control writes it, in Shanghai; '' when none was given."""
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:%M:%S") if given.strip() else ""


def _known(
    visit: doors.Staff, standing: Standing, reason: str, person: str, at: str, basis: str, other: str, also: str
) -> HTMLResponse:  # fmt: skip
    by = moment.basis(basis)
    when, then = moment.parse(at, visit.now), moment.parse(also, visit.now, "also")
    with visit.site.store.read() as connection:
        entries = moment.records(connection, visit.authority, standing.facts.case)
        of = known.source(connection, visit.authority, standing.procedure, standing.facts, entries)
        for place, given in (("person", person), ("other", other)):
            if given and given not in dict(of.people):
                raise BadInput([Problem(place, "这个人不在本事项的记录里", rule="choice")])
        asked = [(person, when)] if person else []
        if person and (other or also.strip()):
            asked.append((other or person, then if also.strip() else when))
        sheets = [known.sheet(connection, visit.authority, of, who, moment_, by) for who, moment_ in asked]
    apart = known.differs(sheets[0], sheets[1]) if len(sheets) == 2 else frozenset()
    chosen = {"person": person, "at": _typed(at, when), "basis": by, "other": other, "also": _typed(also, then)}
    return visit.page(
        "trace_known", **_frame(standing, reason, "as-of"), people=of.people, sheets=sheets, apart=apart, chosen=chosen,
        bases=moment.BASES, says=moment.SAYS[by], proves=known.PROVES, limits=known.LIMITS,
    )  # fmt: skip


def _then(visit: doors.Staff, standing: Standing, reason: str, at: str, basis: str, also: str) -> HTMLResponse:
    by = moment.basis(basis)
    when, then = moment.parse(at, visit.now), moment.parse(also, visit.now, "also")
    with visit.site.store.read() as connection:
        entries = moment.records(connection, visit.authority, standing.facts.case)
        one = moment.then(connection, visit.authority, entries, when, by, standing.calendar)
        two = moment.then(connection, visit.authority, entries, then, by, standing.calendar) if also.strip() else None
    found = moment.lines(one, two)
    chosen = {"at": _typed(at, when), "basis": by, "also": _typed(also, then)}
    return visit.page(
        "trace_at", **_frame(standing, reason, "at"), one=one, two=two, lines=found, chosen=chosen, bases=moment.BASES,
        says=moment.SAYS[by], changed=sum(line.changed for line in found) if two else 0,
    )  # fmt: skip
