"""Moving an open case to another version: a rare, reasoned act, after a dry run that says what it changes.

A case finishes under the version it began with. Where law demands otherwise, or it was opened under the wrong
one, somebody of the office or of legal review moves it: every stage must exist there, and nothing is judged again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from decisionflow.core import clocks, difference
from decisionflow.core import procedure as law
from decisionflow.core import step as core
from decisionflow.core.facts import Facts, Timing, fold, legal_date
from decisionflow.errors import BadInput, Forbidden, NotFound, Problem, Settled
from decisionflow.service import entries, permissions, procedures, projections, steps
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.store.engine import Tx
from decisionflow.store.records import Record

LEAST = 8


@dataclass(frozen=True, slots=True)
class Due:
    """A running deadline that differs under the two versions; None: it does not run there."""

    clock: str
    before: date | None
    after: date | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What moving a case would change."""

    no: str
    old: law.Procedure
    new: law.Procedure
    changes: tuple[difference.Change, ...]
    dues: tuple[Due, ...]
    todos_gone: tuple[str, ...]
    todos_new: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def possible(self) -> bool:
        """Whether every stage of the case exists in the other version."""
        return not self.missing


def published(connection: Connection, authority: Authority, name: str) -> law.Procedure:
    """A published version by ``id@version`` or the beginning of its digest. Raises NotFound."""
    found = [
        row for row in procedures.published(connection, authority.id)
        if name == f"{row['id']}@{row['version']}" or (len(name) >= 8 and row["digest"].startswith(name))
    ]  # fmt: skip
    if not found:
        raise NotFound(f"{name} is not published", say=f"本机关没有发布过程序版本 {name}")
    return procedures.by_digest(connection, authority.id, found[-1]["digest"])


def plan(connection: Connection, authority: Authority, no: str, to: law.Procedure, now: datetime) -> Plan:
    """What moving a case would change; writes nothing. Raises NotFound, Settled."""
    standing = steps.load(connection, authority, no)
    old, facts = standing.procedure, standing.facts
    if old.digest == to.digest:
        raise Settled("the same version", say=f"{no} 已经在办 {to.name} 这一版本")
    if old.is_ended(facts.stages):
        raise Settled("the case is over", say=f"{no} 已经办结，不能再改用别的版本")
    missing = tuple(
        f"{old.tracks[track].title}“{old.tracks[track].stages[stage]}”"
        for track, stage in facts.stages.items()
        if stage != old.tracks[track].initial and (track not in to.tracks or stage not in to.tracks[track].stages)
    )
    if missing:
        return Plan(no, old, to, difference.compare(old, to), (), (), (), missing)
    after = fold(facts, {"kind": "case.moved", "id": "", "chain": {"seq": facts.seq + 1}, "body": _body(facts, to, "")})
    on = legal_date(now)
    was, will = (
        {one.clock: one for one in clocks.ledger(procedure, at, standing.calendar, on)}
        for procedure, at in ((old, facts), (to, after))
    )
    dues = tuple(
        Due(
            (was.get(name) or will[name]).title,
            was[name].due_on if name in was else None,
            will[name].due_on if name in will else None,
        )
        for name in dict.fromkeys((*was, *will))
        if (was[name].due_on if name in was else None) != (will[name].due_on if name in will else None)
    )
    before_todos, after_todos = ({one.title for one in core.todos(p, f)} for p, f in ((old, facts), (to, after)))
    return Plan(no, old, to, difference.compare(old, to), dues, tuple(sorted(before_todos - after_todos)),
                tuple(sorted(after_todos - before_todos)), ())  # fmt: skip


def move(
    tx: Tx, authority: Authority, no: str, to: law.Procedure, reason: str, actor: Actor, now: datetime
) -> str:  # fmt: skip
    """Move a case; the entry's id. Raises Forbidden, BadInput, NotFound, Settled."""
    if not permissions.may_publish_rules(actor):
        raise Forbidden("may not move cases", say="只有合法性审查部门、政府办公室的人员可以把事项改到别的版本")
    reason = reason.strip()
    if not LEAST <= len(reason) <= 2000:
        raise BadInput([Problem("reason", f"请写明理由和依据（至少{LEAST}字）", rule="required")])
    found = plan(tx.connection, authority, no, to, now)
    if not found.possible:
        say = f"{to.name} 里没有本事项所处的阶段：{'、'.join(found.missing)}"
        raise BadInput([Problem("to", say, rule="stage-unknown")])
    standing = steps.load(tx.connection, authority, no)
    body = _body(standing.facts, to, reason)
    composed = entries.compose(
        entries.Draft("case.moved", body), standing.head, actor, Timing(now), clock=authority.clock
    )
    after = fold(standing.facts, composed.record)
    running = clocks.ledger(to, after, standing.calendar, legal_date(now))
    rows = (
        *composed.rows,
        *projections.case_rows(to, after, composed.record, standing.calendar),
        *projections.reminder_rows(authority.id, after.case, to, running, standing.calendar),
    )
    tx.add(Record(composed.append, rows))
    return composed.id


def _body(facts: Facts, to: law.Procedure, reason: str) -> dict[str, object]:
    kept = {
        track: stage for track, stage in facts.stages.items() if track in to.tracks and stage in to.tracks[track].stages
    }
    return {
        "from": facts.procedure, "procedure": {"id": to.id, "version": to.version, "digest": to.digest},
        "stages": {**to.initial(), **kept}, "reason": reason,
    }  # fmt: skip
