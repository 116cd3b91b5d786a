"""S14 风险评估: the working sheet and its matrix, the rounds of the assessment, and on to the report with all filled in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from decisionflow.core import risk
from decisionflow.core.facts import legal_date
from decisionflow.errors import BadInput, Problem
from decisionflow.service import risks, staging
from decisionflow.service.reads import form as forms
from decisionflow.service.reads import risk as reads
from decisionflow.service.risks import Desk, Words
from decisionflow.store.engine import Tx
from decisionflow.web import doors

router = APIRouter(include_in_schema=False)


@router.get("/cases/{no}/risk")
def board(visit: doors.StaffVisit, no: str) -> HTMLResponse:
    return _board(visit, no)


def _board(
    visit: doors.Staff, no: str, problems: tuple[Problem, ...] = (), status: int = 200, given: Words | None = None
) -> HTMLResponse:  # fmt: skip
    with visit.site.store.read() as connection:
        at = risks.desk(connection, visit.authority, visit.actor, no)
        found = reads.board(connection, visit.site.store.blobs, at, visit.now)
    return visit.page(
        "risk", status, **_frame(at), found=found, given=asdict(given or Words("")),
        errors={one.place: one.say for one in problems}, titles=risk.TITLES, marks=risk.MARKS,
    )  # fmt: skip


def _frame(at: Desk) -> dict[str, Any]:
    standing = at.standing
    return {
        "facts": standing.facts, "desk": at, "columns": {one.id: one for one in at.rows.columns},
        "identity": forms.identity(standing.procedure, standing.facts, standing.head.sha256),
    }  # fmt: skip


@router.post("/cases/{no}/risk/points")
def add(visit: doors.StaffVisit, no: str, form: doors.Posted) -> Response:
    """A new risk point on the sheet."""
    doors.token(visit, form)
    given = _given(form)
    try:
        _write(visit, no, lambda tx, at: risks.add(tx, at, given, visit.now))
    except BadInput as fault:
        return _board(visit, no, fault.problems, fault.status, given)
    return doors.go(f"/cases/{no}/risk#sheet")


@router.post("/cases/{no}/risk/start")
def start(visit: doors.StaffVisit, no: str, form: doors.Posted) -> Response:
    """Begin the sheet with the points of the last report, or with common ones."""
    doors.token(visit, form)
    try:
        _write(visit, no, lambda tx, at: risks.start(tx, at, visit.now))
    except BadInput as fault:
        return _board(visit, no, fault.problems, fault.status)
    return doors.go(f"/cases/{no}/risk#sheet")


@router.get("/cases/{no}/risk/points/{line}")
def one(visit: doors.StaffVisit, no: str, line: str) -> HTMLResponse:
    return _one(visit, no, line)


def _one(
    visit: doors.Staff, no: str, line: str, given: Words | None = None, problems: tuple[Problem, ...] = (), status: int = 200
) -> HTMLResponse:  # fmt: skip
    with visit.site.store.read() as connection:
        at = risks.sheet(connection, visit.authority, visit.actor, no)
        row = risks.one(connection, at, line)
        units = forms.unit_names(connection, visit.authority, visit.now)
    typed = asdict(given) if given else {name: row[name] for name in risks.NAMES}
    return visit.page(
        "risk_point", status, **_frame(at), row=row, given=typed, units=units, long=risks.LONG,
        errors={problem.place: problem.say for problem in problems},
    )  # fmt: skip


@router.post("/cases/{no}/risk/points/{line}")
def change(visit: doors.StaffVisit, no: str, line: str, form: doors.Posted) -> Response:
    """Say something else of a point, or strike it out."""
    doors.token(visit, form)
    given, version = _given(form), str(form.get("version", ""))
    try:
        if form.get("do") == "drop":
            _write(visit, no, lambda tx, at: risks.drop(tx, at, line))
        else:
            seen = int(version) if version.isdigit() and len(version) < 10 else 0
            _write(visit, no, lambda tx, at: risks.edit(tx, at, line, seen, given, visit.now))
    except BadInput as fault:
        return _one(visit, no, line, given, fault.problems, fault.status)
    except risks.Moved as fault:
        return _one(visit, no, line, given, (Problem("", fault.say, rule=fault.code),), fault.status)
    return doors.go(f"/cases/{no}/risk#sheet")


@router.post("/cases/{no}/risk/report")
def report(visit: doors.StaffVisit, no: str, form: doors.Posted) -> Response:
    """Draw up the report, and go on to the act with the points filled in."""
    doors.token(visit, form)
    with visit.site.store.read() as connection:
        at = risks.sheet(connection, visit.authority, visit.actor, no)
        data = reads.report_file(connection, at, legal_date(visit.now))
    href = f"/cases/{no}/do/{at.action.id}?desk=yes"
    if not at.action.materials:
        return doors.go(href)
    file = staging.receive(visit.site.store.blobs, "风险评估报告.docx", data)
    kept = [(f"paper.{at.action.materials[0].kind}", file)]
    visit.site.store.write(lambda tx: staging.keep(tx, visit.authority, visit.actor, kept, visit.now))
    return doors.go(f"{href}&account={file.sha256}")


def _given(form: FormData) -> Words:
    return Words(**{name: str(form.get(name, "")) for name in risks.NAMES})


def _write(visit: doors.Staff, no: str, deed: Callable[[Tx, Desk], Any]) -> Any:
    """Do something on the sheet, under the same permission as looking at it. Raises DecisionflowError."""
    return visit.site.store.write(lambda tx: deed(tx, risks.sheet(tx.connection, visit.authority, visit.actor, no)))
