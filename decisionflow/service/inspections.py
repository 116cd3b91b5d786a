"""Looking backwards leaves a trace too: who looked up whom, in which case, and why, kept in the looker's own line.

The line belongs to the inspecting unit (chain ``security/inspection-<unit>``), so that those who are looked at
cannot learn of it; the reason and the person meant are commitments, whose values only the vault holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, text

from decisionflow.core import fields
from decisionflow.core.facts import Timing, instant
from decisionflow.errors import BadInput, NotFound, Problem
from decisionflow.service import entries, permissions
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.store.engine import Tx
from decisionflow.store.records import Record, Rows
from decisionflow.store.tables.inspections import Inspection
from decisionflow.trail import canonical

LEAST = 4
OPEN = timedelta(minutes=30)  # how long one reason lets somebody turn pages (docs/adr/0017)


def look(tx: Tx, authority: Authority, actor: Actor, what: str, about: str, reason: str, now: datetime) -> str:
    """Record that somebody looks up a person or a case. Raises NotFound for others than inspectors, BadInput without reason."""
    if not permissions.may_inspect(actor):
        raise NotFound("not an inspector", say="没有这个页面")
    try:
        reason = fields.clean(reason, lines=True).strip()
    except ValueError as fault:
        raise BadInput([Problem("reason", f"查询理由{fault}", rule="text")]) from fault
    if not LEAST <= len(reason) <= 500:
        raise BadInput(
            [Problem("reason", f"请写明查询理由或者文号（{LEAST} 至 500 字），查询本身也会记录", rule="required")]
        )
    draft = entries.Draft("inspection.looked", {"what": what})
    draft.body["about"] = entries.commit(draft, "body.about", about)
    draft.body["reason"] = entries.commit(draft, "body.reason", reason)
    at = entries.head(tx.connection, authority.id, "security", line(actor))
    composed = entries.compose(draft, at, actor, Timing(now), clock=authority.clock)
    tx.add(Record(composed.append, composed.rows))
    return composed.id


_I = Inspection.__table__  # type: ignore[attr-defined]


_REASON = text("select value from vault_field where authority_id = :a and entry_id = :e and path = 'body.reason'")


def open_look(tx: Tx, authority: Authority, actor: Actor, what: str, about: str, reason: str, now: datetime) -> str:
    """Record a look, and let its pages be turned for a while without giving the reason again. Raises as `look` does."""
    entry = look(tx, authority, actor, what, about, reason, now)
    tx.execute(delete(_I).where(_I.c.authority_id == authority.id, _I.c.person_id == actor.person, _I.c.until < now))
    row = {"authority_id": authority.id, "person_id": actor.person, "unit_id": actor.unit, "what": what, "about": about,
           "entry_id": entry, "until": now + OPEN}  # fmt: skip
    tx.put(Rows("inspection", [row]))
    return entry


def under_way(
    connection: Connection, authority: Authority, actor: Actor, what: str, about: str, now: datetime
) -> str | None:  # fmt: skip
    """The reason that this person gave for the look they are taking; None when there is none, or its time is over."""
    if not permissions.may_inspect(actor):
        return None
    key = {"authority_id": authority.id, "person_id": actor.person, "unit_id": actor.unit, "what": what, "about": about}
    mine = [_I.c[name] == value for name, value in key.items()]
    entry = connection.execute(select(_I.c.entry_id).where(*mine, _I.c.until >= now)).scalar()
    if entry is None:
        return None
    return str(connection.execute(_REASON, {"a": authority.id, "e": entry}).scalar() or "")


def line(actor: Actor) -> str:
    """The chain of an inspector's own unit."""
    return f"inspection-{actor.unit}"


@dataclass(frozen=True, slots=True)
class Look:
    """A look that was taken: by whom, when, at what, and why."""

    at: datetime
    who: str
    what: str
    about: str
    reason: str


_LOOKS = text("""
    select e.data, a.value as about, r.value as reason from trail_entry e
    left join vault_field a on a.authority_id = e.authority_id and a.entry_id = e.entry_id and a.path = 'body.about'
    left join vault_field r on r.authority_id = e.authority_id and r.entry_id = e.entry_id and r.path = 'body.reason'
    where e.authority_id = :a and e.chain_kind = 'security' and e.chain_id = :c and e.kind = 'inspection.looked'
    order by e.chain_seq desc limit 30
""")


def looks(connection: Connection, authority: Authority, actor: Actor) -> tuple[Look, ...]:
    """The last looks of one's own unit; nobody else's can be asked for."""
    found = []
    for row in connection.execute(_LOOKS, {"a": authority.id, "c": line(actor)}):
        record = canonical.decode(row.data)
        found.append(Look(instant(record["times"]["recorded_at"]), record["actor"]["name"], record["body"]["what"],
                          row.about or "", row.reason or ""))  # fmt: skip
    return tuple(found)
