"""The desk of a risk assessment (arts. 22 to 24): a working sheet of risk points that fills in the report.

The sheet is a draft of the round that runs, shared by those who may hand in the report; what is evidence is the
report that was signed. Which act is the report is told by what it asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from decisionflow.core import fields as forms
from decisionflow.core import machine, risk, shapes
from decisionflow.core import procedure as law
from decisionflow.errors import BadInput, DecisionflowError, Forbidden, NotFound, Problem
from decisionflow.service import entries, permissions, steps
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import wording
from decisionflow.store.blobs import Blobs
from decisionflow.store.engine import Tx
from decisionflow.store.records import Rows
from decisionflow.store.tables.desks import RiskLine

_L = RiskLine.__table__  # type: ignore[attr-defined]
MEASURED = ("point", "probability", "impact", "measure", "plan")  # the columns by which a risk report is known
LENGTHS = {"point": 300, "source": 300, "unit": 120, "owner": 300, "measure": 5000, "plan": 5000}
LONG = ("measure", "plan")
CHOSEN = ("kind", "probability", "impact", "probability_after", "impact_after")
COMMON = {
    "construction": ("征地拆迁补偿争议", "施工扬尘、噪声和安全", "交通阻断和出行不便", "资金不能按期到位"),
    "plan": ("与其他规划不一致", "沿线居民利益受损", "财政可承受能力不足"),
    "resource": ("生态环境损害", "原有使用人权益受损", "资源价格失当"),
    "public_service": ("受影响群体集中反映", "与周边地区待遇不一引起攀比", "财政长期支出压力", "网络舆情"),
    "other": ("受影响群体集中反映", "网络舆情"),
}  # starting points that people may strike out: no rule asks for any of them


class Moved(DecisionflowError):
    """Somebody else saved the same risk point meanwhile."""

    code = "stale"
    status = 412
    exit = 7


@dataclass(frozen=True, slots=True)
class Desk:
    """A case whose risks are being assessed, and the act that will report them."""

    authority: Authority
    actor: Actor
    standing: steps.Standing
    action: law.Action
    rows: law.FieldSpec

    @property
    def case(self) -> str:
        return self.standing.facts.case

    @property
    def round(self) -> int:
        return self.standing.facts.rounds[self.action.track]

    @property
    def writes(self) -> bool:
        """Whether this person works on the sheet."""
        return permissions.may_prepare(self.actor, self.standing.procedure, self.standing.facts, self.action)

    @property
    def signs_now(self) -> bool:
        """Whether the report may be handed in where the case stands."""
        return self.action in machine.offered(self.standing.procedure, self.standing.facts.stages)

    def choices(self, column: str) -> Mapping[str, str]:
        """What a column may hold, as the procedure says."""
        return next((one.choices for one in self.rows.columns if one.id == column), {})


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of a risk point on the sheet."""

    point: str
    source: str = ""
    kind: str = ""
    probability: str = ""
    impact: str = ""
    measure: str = ""
    unit: str = ""
    owner: str = ""
    plan: str = ""
    probability_after: str = ""
    impact_after: str = ""


NAMES = tuple(one.name for one in fields(Words))


def report_of(procedure: law.Procedure) -> tuple[law.Action, law.FieldSpec] | None:
    """The act that reports risk points, and the rows in which it does; None when the procedure has none."""
    found = ((action, shapes.rows_with(action, *MEASURED)) for action in procedure.actions)
    return next(((action, rows) for action, rows in found if rows), None)


def desk(connection: Connection, authority: Authority, actor: Actor, no: str) -> Desk:
    """The desk of a case, to look at. Raises NotFound."""
    standing = steps.visible(connection, authority, actor, no)
    found = report_of(standing.procedure)
    if found is None:
        raise NotFound(f"no risk report in {standing.procedure.name}", say="本事项的程序没有风险评估报告这一环节")
    return Desk(authority, actor, standing, *found)


def sheet(connection: Connection, authority: Authority, actor: Actor, no: str) -> Desk:
    """The desk, to work on its sheet. Raises NotFound, Forbidden."""
    at = desk(connection, authority, actor, no)
    if not at.writes:
        raise Forbidden("may not work on the sheet", say="只有评估单位和承办单位可以填写风险评估工作底稿")
    return at


def lines(connection: Connection, at: Desk) -> list[dict[str, Any]]:
    """The points on the sheet of this round, in order."""
    query = select(_L).where(*_of(at), _L.c.round == at.round).order_by(_L.c.n)
    return [dict(row) for row in connection.execute(query).mappings()]


def one(connection: Connection, at: Desk, line: str) -> dict[str, Any]:
    """A point's row. Raises NotFound."""
    row = connection.execute(select(_L).where(*_of(at), _L.c.id == line)).mappings().first()
    if row is None:
        raise NotFound(f"no risk point {line!r}", say="工作底稿里没有这个风险点，可能已经删去")
    return dict(row)


def add(tx: Tx, at: Desk, given: Words, now: datetime) -> str:
    """A new point at the end of the sheet; its id. Raises BadInput."""
    words = checked(at, given)
    tx.alone(f"risks:{at.case}")
    there = lines(tx.connection, at)
    if len(there) >= forms.MAX_ROWS:
        raise BadInput([Problem("point", f"风险点最多 {forms.MAX_ROWS} 个，请先合并", rule="too-many")])
    if any(row["point"] == words.point for row in there):
        raise BadInput([Problem("point", f"工作底稿里已有“{words.point[:40]}”，请直接修改它", rule="doubled")])
    row = _row(at, words, entries.new_id(now), there[-1]["n"] + 1 if there else 1, 1, now)
    tx.put(Rows("risk_line", [row], "insert"))
    return str(row["id"])


def edit(tx: Tx, at: Desk, line: str, version: int, given: Words, now: datetime) -> None:
    """Say something else of a point. Raises BadInput, NotFound, Moved."""
    words, old = checked(at, given), one(tx.connection, at, line)
    row = _row(at, words, line, old["n"], version + 1, now)
    changed = tx.execute(update(_L).where(*_of(at), _L.c.id == line, _L.c.version == version).values(**row))
    if changed.rowcount != 1:
        raise Moved(
            f"risk point {line} moved on", say=f"{old['person_name']}刚刚改过这个风险点，请看过现在的内容再保存"
        )


def drop(tx: Tx, at: Desk, line: str) -> None:
    """Strike a point out. Raises NotFound."""
    one(tx.connection, at, line)
    tx.execute(delete(_L).where(*_of(at), _L.c.id == line))


def start(tx: Tx, at: Desk, now: datetime) -> int:
    """Begin an empty sheet: with the points of the last report, else with common ones of this class; how many."""
    tx.alone(f"risks:{at.case}")
    if lines(tx.connection, at):
        raise BadInput([Problem("point", "工作底稿里已经有风险点", rule="doubled")])
    common = COMMON.get(str(at.standing.facts.matter.get("class")), COMMON["other"])
    given = earlier(tx.blobs, at) or [Words(point) for point in common]
    rows = [_row(at, words, entries.new_id(now), n, 1, now) for n, words in enumerate(given, 1)]
    tx.put(Rows("risk_line", rows, "insert"))
    return len(rows)


def earlier(blobs: Blobs, at: Desk) -> list[Words]:
    """The points of the newest report of any round."""
    act = next((one for one in reversed(at.standing.facts.acts) if one.action == at.action.id), None)
    return [
        Words(**{name: wording.whole(blobs, row.get(name)) for name in NAMES}) for row in wording.rows(act, at.rows.id)
    ]


def answer(connection: Connection, at: Desk) -> dict[str, Any]:
    """The fields of the report as the sheet stands: the points, with the level after the measures worked out."""
    columns = {column.id for column in at.rows.columns}
    rows = []
    for line in lines(connection, at):
        told = {name: line[name] for name in NAMES} | {"level_after": risk.level(risk.place(line, "_after"))}
        rows.append({name: value for name, value in told.items() if name in columns and value})
    return {at.rows.id: rows} if rows else {}


def checked(at: Desk, given: Words) -> Words:
    """What is said, as it may be kept. Raises BadInput with every problem."""
    titles = {column.id: column.title for column in at.rows.columns}
    clean, problems = {}, []
    for name, most in LENGTHS.items():
        try:
            clean[name] = forms.clean(getattr(given, name), lines=name in LONG)
        except ValueError as fault:
            problems.append(Problem(name, f"“{titles.get(name, name)}”{fault}", rule="text"))
            continue
        if len(clean[name]) > most:
            problems.append(Problem(name, f"{titles.get(name, name)}太长：最多{most}字", rule="text"))
    for name in CHOSEN:
        clean[name] = getattr(given, name)
        choices = at.choices(name)
        if clean[name] and clean[name] not in choices:
            problems.append(
                Problem(name, f"{titles.get(name, name)}只能是：{'、'.join(choices.values())}", rule="choice")
            )
    if clean.get("point") == "":
        problems.append(Problem("point", "请写明风险点", rule="required"))
    if problems:
        raise BadInput(problems)
    return Words(**clean)


def _row(at: Desk, words: Words, line: str, n: int, version: int, now: datetime) -> dict[str, Any]:
    return {
        "authority_id": at.authority.id, "case_id": at.case, "id": line, "round": at.round, "n": n,
        **{name: getattr(words, name) for name in NAMES},
        "version": version, "person_id": at.actor.person, "person_name": at.actor.name, "saved_at": now,
    }  # fmt: skip


def _of(at: Desk) -> tuple[Any, ...]:
    return _L.c.authority_id == at.authority.id, _L.c.case_id == at.case
