"""What the forms of acts start with when they are reached from a desk, and which desks a case has.

An act is told by what it asks for, never by its name; what is filled in here can be changed by whoever signs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from decisionflow.core import procedure as law
from decisionflow.core import shapes
from decisionflow.core.facts import Facts, legal_date
from decisionflow.service import risks, steps
from decisionflow.service.reads import departments, dossier, execution, risk
from decisionflow.service.reads.form import Sheet
from decisionflow.store.blobs import Blobs


@dataclass(frozen=True, slots=True)
class Way:
    """A desk of a case: its address below the case, and its title."""

    name: str
    title: str


def desks(procedure: law.Procedure, facts: Facts) -> tuple[Way, ...]:
    """The desks that the procedure has acts for."""
    found = []
    if departments.asking(procedure):
        found.append(Way("departments", "部门意见"))
    if risks.report_of(procedure):
        found.append(Way("risk", "风险评估"))
    if execution.acts_of(procedure):
        found.append(Way("execution", "执行"))
    if dossier.filing(procedure):
        found.append(Way("dossier", "案卷"))
    return tuple(found)


def values(connection: Connection, blobs: Blobs, at: Sheet, row: str, now: datetime) -> dict[str, Any]:
    """The fields that an act starts with; nothing for an act that no desk prepares. `row` is what of the desk is meant."""
    report = risks.report_of(at.procedure)
    if report and at.action.id == report[0].id:
        return risks.answer(connection, risks.desk(connection, at.authority, at.actor, at.facts.no))
    if spec := shapes.rows_with(at.action, "unit", "task", "due_on"):
        return {spec.id: _tasks(connection, blobs, at)} if report else {}
    if found := execution.starting(blobs, at.procedure, at.facts, at.action, legal_date(now)):
        return found
    standing = steps.load(connection, at.authority, at.facts.no)
    if found := dossier.starting(blobs, standing, at.actor, at.action, now):
        return found
    return departments.starting(connection, blobs, at.authority, at.actor, at.facts.no, at.action, row, now)


def _tasks(connection: Connection, blobs: Blobs, at: Sheet) -> list[dict[str, Any]]:
    """Who leads, and the measures against the risks that were found."""
    lead = next((str(one.get("name", "")) for one in at.facts.duties.get("lead", ())), "")
    measures = risk.tasks(blobs, risks.desk(connection, at.authority, at.actor, at.facts.no))
    first = [{"unit": lead, "leading": "true", "task": "组织实施本决策"}] if lead else []
    return [*first, *measures] if measures else []
