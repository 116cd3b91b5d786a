"""Meetings that discuss matters collectively (art. 30): each a chain of its own, with the matters on its agenda.

Putting a matter on an agenda is an ordinary act of the matter; the meeting's chain says when, where and under whom it
sits, what the agenda was when it was locked, which papers in which version reached whom, and what its minutes are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

import orjson
from sqlalchemy import Connection, select

from decisionflow.core import procedure as law
from decisionflow.core.facts import SHANGHAI, Facts, Timing, Value, thaw
from decisionflow.errors import BadInput, NotFound, Problem
from decisionflow.service import entries, procedures, projections, sittings
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.service.sittings import Sitting
from decisionflow.store.engine import Tx
from decisionflow.store.records import Record
from decisionflow.store.tables.cases import Case, CaseAct
from decisionflow.store.tables.meetings import AgendaPlace, Meeting, PaperDelivery
from decisionflow.store.tables.trail import TrailEntry
from decisionflow.trail import canonical

_M = Meeting.__table__  # type: ignore[attr-defined]
_D = PaperDelivery.__table__  # type: ignore[attr-defined]
_P = AgendaPlace.__table__  # type: ignore[attr-defined]
_C = Case.__table__  # type: ignore[attr-defined]
_E = TrailEntry.__table__  # type: ignore[attr-defined]
_A = CaseAct.__table__  # type: ignore[attr-defined]
KIND = "meeting"  # of its chain; a hearing's has the same kind, and an id without this beginning
STATES = {"open": "议程未定", "locked": "议程已锁定", "cancelled": "已取消", "filed": "纪要已归档"}
TYPES = {"standing": "常务会议", "plenary": "全体会议"}
AROUND = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Item:
    """A matter on an agenda, in its order. `late` when it came after the agenda was locked."""

    n: int
    procedure: law.Procedure
    facts: Facts
    sitting: Sitting
    pinned: Mapping[str, Any]
    late: bool

    @property
    def version(self) -> int:
        return self.facts.text.version if self.facts.text else 0


# ---- looking at them -----------------------------------------------------------------------------------------


def every(connection: Connection, authority: str) -> list[dict[str, Any]]:
    """Every meeting, by day."""
    query = select(_M).where(_M.c.authority_id == authority).order_by(_M.c.planned_on, _M.c.starts, _M.c.id)
    return [dict(row) for row in connection.execute(query).mappings()]


def one(connection: Connection, authority: str, meeting: str) -> dict[str, Any]:
    """A meeting's row. Raises NotFound."""
    row = connection.execute(select(_M).where(_M.c.authority_id == authority, _M.c.id == meeting)).mappings().first()
    if row is None:
        raise NotFound(f"no meeting {meeting!r}", say="没有这个会议")
    return dict(row)


Known: TypeAlias = Sequence[tuple[law.Procedure, Facts]]


def items(
    connection: Connection, authority: Authority, row: Mapping[str, Any], known: Known | None = None
) -> tuple[Item, ...]:  # fmt: skip
    """The matters of a meeting in the order of its agenda; what came after locking stands last.

    Whoever looks at many meetings gives the cases that he has read already (`scheduled_cases`).
    """
    cases = known if known is not None else scheduled_cases(connection, authority, row["planned_on"], row["planned_on"])
    pinned = {str(line["case"]): line for line in orjson.loads(row["items"])}
    found = [
        (procedure, facts, at) for procedure, facts in cases
        if (at := sittings.sitting_of(procedure, facts, row)) is not None
    ]  # fmt: skip
    order = list(pinned) if pinned else _places(connection, row)
    rank = {case: n for n, case in enumerate(order)}
    found.sort(key=lambda part: (rank.get(part[1].case, len(rank)), _wished(part[2]), part[2].scheduled.recorded))
    return tuple(
        Item(n, procedure, facts, at, pinned.get(facts.case, {}), bool(pinned) and facts.case not in pinned)
        for n, (procedure, facts, at) in enumerate(found, 1)
    )


def _wished(at: Sitting) -> int:
    """The place that the act asked for; last without one."""
    wished = at.scheduled.fields.get("agenda_no")
    return wished if isinstance(wished, int) else 1_000


def _places(connection: Connection, row: Mapping[str, Any]) -> list[str]:
    wanted = (_P.c.authority_id == row["authority_id"]) & (_P.c.meeting_id == row["id"])
    return list(connection.execute(select(_P.c.case_id).where(wanted).order_by(_P.c.n)).scalars())


def scheduled_cases(connection: Connection, authority: Authority, first: date, last: date) -> Known:
    """The cases that were put on an agenda some time around the meetings of these days."""
    begins, ends = (datetime.combine(day, datetime.min.time(), SHANGHAI) for day in (first, last))
    actions = {
        action.id for known in procedures.published(connection, authority.id)
        for action in procedures.by_digest(connection, authority.id, known["digest"]).actions
        if action.meeting == "schedule"
    }  # fmt: skip
    ids = select(_A.c.case_id).where(
        _A.c.authority_id == authority.id, _A.c.action.in_(sorted(actions)),
        _A.c.happened_at >= begins - AROUND, _A.c.happened_at <= ends + AROUND,
    )  # fmt: skip
    query = (
        select(_C.c.procedure, _C.c.facts).where(_C.c.authority_id == authority.id, _C.c.id.in_(ids)).order_by(_C.c.no)
    )
    return [
        (procedures.by_digest(connection, authority.id, found.procedure), thaw(orjson.loads(found.facts)))
        for found in connection.execute(query)
    ]


def originals(connection: Connection, authority: Authority, found: Iterable[Item]) -> dict[str, dict[str, Any]]:
    """What corrected lines of the record said at first, by their entry: it stays beside what they were corrected to."""
    ids = [act.entry for one in found for act in one.sitting.speeches if act.corrected_by]
    query = select(_E.c.entry_id, _E.c.data).where(_E.c.authority_id == authority.id, _E.c.entry_id.in_(ids))
    rows = connection.execute(query).all() if ids else ()
    return {row.entry_id: canonical.decode(row.data)["body"]["fields"] for row in rows}


def deliveries(connection: Connection, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Who was given which papers in which version, and when they opened them; the first delivered first."""
    wanted = (_D.c.authority_id == row["authority_id"]) & (_D.c.meeting_id == row["id"])
    query = select(_D).where(wanted).order_by(_D.c.delivered_at, _D.c.name, _D.c.version)
    return [dict(one) for one in connection.execute(query).mappings()]


def title(row: Mapping[str, Any]) -> str:
    """``第31次常务会议``: the number, with the type where it does not say so itself."""
    kind = TYPES.get(row["type"], "会议")
    return str(row["no"]) if "会议" in str(row["no"]) else f"{row['no']}{kind}"


# ---- what a step says about one ------------------------------------------------------------------------------


def scheduled(
    connection: Connection, authority: Authority, action: law.Action, values: dict[str, Value]
) -> dict[str, Value]:  # fmt: skip
    """The values of an act that puts a matter on an agenda, with the meeting that it means; other acts' unchanged.

    Raises BadInput when there is no such meeting or it takes nothing any more, and when an agenda that is locked
    gets a matter without a reason.
    """
    if action.meeting != "schedule" or action.field("meeting") is None:
        return values
    row = _meant(connection, authority, values)
    if row is None:
        return values
    if row["state"] in ("cancelled", "filed"):
        raise BadInput([Problem("meeting", f"{title(row)}{STATES[row['state']]}，不能再列入议题", rule="choice")])
    if row["state"] == "locked" and not values.get("urgent_reason"):
        say = f"{title(row)}的议程已经锁定，列入临时议题须写明理由"
        raise BadInput([Problem("urgent_reason", say, rule="required")])
    return {**values, "meeting": row["id"]}


def _meant(connection: Connection, authority: Authority, values: Mapping[str, Value]) -> dict[str, Any] | None:
    told = (values.get("meeting_type"), values.get("meeting_no"))
    if values.get("meeting"):
        try:
            row = one(connection, authority.id, str(values["meeting"]))
        except NotFound as fault:
            raise BadInput([Problem("meeting", fault.say, rule="choice")]) from fault
        if (row["type"], row["no"]) != told:
            raise BadInput(
                [Problem("meeting_no", f"这个编号的会议是{title(row)}，类型和届次与所填的不同", rule="choice")]
            )
        return row
    wanted = (_M.c.type == told[0], _M.c.no == told[1], _M.c.state.in_(("open", "locked")))
    found = connection.execute(select(_M).where(_M.c.authority_id == authority.id, *wanted)).mappings().all()
    same = [dict(row) for row in found if row["planned_on"].isoformat() == values.get("planned_on")]
    return same[0] if same else None


# ---- its chain -----------------------------------------------------------------------------------------------


def alone(tx: Tx, authority: Authority, meeting: str) -> dict[str, Any]:
    """A meeting's row, with nobody else writing into its chain meanwhile. Raises NotFound."""
    row = one(tx.connection, authority.id, meeting)
    return one(tx.connection, authority.id, meeting) if tx.alone(meeting) else row


def write(
    tx: Tx, authority: Authority, actor: Actor, meeting: str, row: Mapping[str, Any] | None, draft: entries.Draft, now: datetime
) -> str:  # fmt: skip
    """Write an entry into a meeting's chain; its id."""
    at = entries.head(tx.connection, authority.id, KIND, meeting)
    composed = entries.compose(draft, at, actor, Timing(now), clock=authority.clock)
    rows = projections.meeting_rows(tx.connection, row, composed.record, tx.pending)
    tx.add(Record(composed.append, (*composed.rows, *rows)))
    return composed.id
