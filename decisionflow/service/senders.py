"""Telling those who left a mail address with their opinion: what became of it, that the notice is gone, or is back.

An act says it once, through the outbox: a row for each few hundred senders, each of which leads to the next, so that a
hundred thousand of them hold nobody up. A letter names the receipt and nothing that was said.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, text

from decisionflow.core import procedure as law
from decisionflow.core.facts import Facts
from decisionflow.service import consultations, outbox, subscriptions
from decisionflow.service.addressees import Message, shorten
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import public_notice
from decisionflow.store.records import Rows
from decisionflow.store.tables.participation import Consultation

_OPENED = Consultation.__table__.c.opened_at.type  # type: ignore[attr-defined]
KIND = "senders"
BATCH = 500
_LEFT = text("""
    select o.seq, o.receipt, v.value from opinion o
    join vault_field v on v.authority_id = o.authority_id and v.commitment = o.contact
    where o.authority_id = :a and o.consultation_id = :c and o.contact <> '' and o.seq > :after
    order by o.seq limit :most
""")
_BEFORE = text("""
    select id from consultation
    where authority_id = :a and case_id = :case and state = 'withdrawn' and opened_at < :at order by id desc limit 1
""").bindparams(bindparam("at", type_=_OPENED))
_SAID = {
    "answered": ("您提的意见已有结果", "采纳情况已经公布。凭回执号和查询码，可以看到您的意见并入哪个要点、是否采纳、为什么。"),
    "withdrawn": ("您提过意见的公告已经撤回", "公告已经撤回，原因见公告页。您的意见仍在案卷里。"),
    "again": ("您提过意见的公告重新发布了", "公告撤回以后重新发布。您此前的意见仍在案卷里，也可以对新的草案再提意见。"),
}  # fmt: skip


def begun(
    connection: Connection, authority: Authority, procedure: law.Procedure, facts: Facts, now: datetime
) -> tuple[Rows, ...]:  # fmt: skip
    """The first row for the senders that the last act of a case concerns; nothing for any other act."""
    act = facts.acts[-1]
    action = procedure.action(act.action)
    row = consultations.of_case(connection, authority.id, facts.case) if action else None
    if action is None or row is None:
        return ()
    if action.id in public_notice.publishing(procedure):
        return _next(authority.id, act.entry, "answered", row["id"], facts.no, 0, now)
    if row["state"] == "withdrawn" and row["closed_at"] == act.recorded:
        return _next(authority.id, act.entry, "withdrawn", row["id"], facts.no, 0, now)
    if action.consultation == "open":
        before = connection.execute(_BEFORE, {"a": authority.id, "case": facts.case, "at": act.recorded}).scalar()
        return _next(authority.id, act.entry, "again", before, facts.no, 0, now) if before else ()
    return ()


def letters(
    connection: Connection, authority: Authority, payload: Mapping[str, Any], now: datetime
) -> tuple[Rows, ...]:  # fmt: skip
    """A letter to each of a few hundred senders, and the row that goes on behind them."""
    values = {"a": authority.id, "c": payload["consultation"], "after": payload["after"], "most": BATCH}
    found = connection.execute(_LEFT, values).all()
    title, words = _SAID[payload["why"]]
    rows: list[Rows] = []
    for one in found:
        message = Message(
            f"{title}（{one.receipt}）", (shorten(f"事项 {payload['no']}", 60), words), f"/public/c/{payload['no']}"
        )
        dedup = f"sender:{payload['entry']}:{one.seq}"
        rows += subscriptions.letter(authority, one.value, message, dedup, now)
    if len(found) == BATCH:
        rows += _next(
            authority.id, payload["entry"], payload["why"], payload["consultation"], payload["no"], found[-1].seq, now
        )
    return tuple(rows)


def _next(
    authority: str, entry: str, why: str, consultation: str, no: str, after: int, now: datetime
) -> tuple[Rows, ...]:  # fmt: skip
    payload = {"entry": entry, "why": why, "consultation": consultation, "no": no, "after": after}
    row = outbox.row(authority, f"{KIND}:{entry}:{after}", KIND, payload, now, channel="", recipient="")
    return (Rows("outbox", [row], "ignore"),)
