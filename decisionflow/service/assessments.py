"""What an inspecting organ makes of a finding: the facts are as it says, or they are not, with a reason; never who is guilty.

Each judgment is an entry in the organ's own sealed line (``security/inspection-<unit>``), all of it committed, so that
nobody else can learn which finding was looked into. A later judgment stands beside the earlier one and takes its place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from decisionflow.core import fields
from decisionflow.core.facts import Timing, instant
from decisionflow.core.watch import Finding
from decisionflow.errors import BadInput, Conflict, NotFound, Problem
from decisionflow.service import entries, inspections, permissions
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.store.engine import Tx
from decisionflow.store.records import Record
from decisionflow.trail import canonical

STATES: Mapping[str, str] = {"": "待核实", "confirmed": "属实", "dismissed": "排除"}
LEAST, MOST = 4, 500


@dataclass(frozen=True, slots=True)
class Assessed:
    """The newest judgment of a finding: its entry, what it says, who gave it, when and why."""

    entry: str
    state: str
    who: str
    at: datetime
    reason: str


def mark(finding: Finding) -> str:
    """What names a finding for good, although its words change from day to day: the check, the case, the entry it began with."""
    first = finding.evidence[0].entry if finding.evidence else ""
    return hashlib.sha256(f"{finding.check}|{finding.no}|{first}".encode()).hexdigest()[:32]


def assess(
    tx: Tx, authority: Authority, actor: Actor, about: str, state: str, reason: str, seen: str, now: datetime
) -> str:  # fmt: skip
    """Judge a finding, having seen the judgment `seen` ('' for none); the same again is no second entry.

    Raises NotFound for others than inspectors, BadInput without a reason, Conflict when a colleague judged meanwhile.
    """
    if not permissions.may_inspect(actor):
        raise NotFound("not an inspector", say="没有这个页面")
    reason = _reason(state, reason)
    standing = assessed(tx.connection, authority, actor).get(about)
    if standing and (standing.state, standing.reason) == (state, reason):
        return standing.entry
    if (standing.entry if standing else "") != seen:
        raise Conflict("judged meanwhile", say="这条线索刚才已经由同事核实过，请先看他的结论，再决定要不要改")
    draft = entries.Draft("finding.assessed", {})
    for name, value in (("about", about), ("state", state), ("reason", reason)):
        draft.body[name] = entries.commit(draft, f"body.{name}", value)
    at = entries.head(tx.connection, authority.id, "security", inspections.line(actor))
    composed = entries.compose(draft, at, actor, Timing(now), clock=authority.clock)
    tx.add(Record(composed.append, composed.rows))
    return composed.id


def _reason(state: str, reason: str) -> str:
    try:
        reason = fields.clean(reason, lines=True).strip()
    except ValueError as fault:
        raise BadInput([Problem("why", f"理由{fault}", rule="text")]) from fault
    wrong = []
    if state not in STATES or not state:
        wrong.append(Problem("state", "请选择属实或者排除", rule="choice"))
    if not LEAST <= len(reason) <= MOST:
        wrong.append(Problem("why", f"请写明理由（{LEAST} 至 {MOST} 字）：看了什么材料，得出什么结论", rule="required"))
    if wrong:
        raise BadInput(wrong)
    return reason


_JUDGED = text("""
    select e.entry_id, e.data, a.value as about, s.value as state, r.value as reason from trail_entry e
    join vault_field a on a.authority_id = e.authority_id and a.entry_id = e.entry_id and a.path = 'body.about'
    join vault_field s on s.authority_id = e.authority_id and s.entry_id = e.entry_id and s.path = 'body.state'
    left join vault_field r on r.authority_id = e.authority_id and r.entry_id = e.entry_id and r.path = 'body.reason'
    where e.authority_id = :a and e.chain_kind = 'security' and e.chain_id = :c and e.kind = 'finding.assessed'
    order by e.chain_seq
""")


def assessed(connection: Connection, authority: Authority, actor: Actor) -> Mapping[str, Assessed]:
    """The newest judgment of each finding by one's own unit, by the finding's mark; nobody else's can be asked for."""
    found = {}
    for row in connection.execute(_JUDGED, {"a": authority.id, "c": inspections.line(actor)}):
        record = canonical.decode(row.data)
        at = instant(record["times"]["recorded_at"])
        found[str(row.about)] = Assessed(row.entry_id, row.state, record["actor"]["name"], at, row.reason or "")
    return found
