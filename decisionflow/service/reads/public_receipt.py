"""What became of an opinion, for whoever holds its receipt and its code. Nobody else learns whether there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from decisionflow.core import spans
from decisionflow.errors import NotFound
from decisionflow.service import authorities, consultations, receipts, sealing, settling, withholding
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import masks, public, public_notice
from decisionflow.store.blobs import Blobs
from decisionflow.store.tables.participation import Consultation
from decisionflow.store.tables.trail import VaultField

_C = Consultation.__table__  # type: ignore[attr-defined]
_V = VaultField.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Answer:
    """An opinion, shown to whoever holds its receipt and code."""

    government: str
    authority: str
    no: str
    title: str
    receipt: str
    received_at: datetime
    late: bool
    channel: str
    stance: str
    paragraph: str
    words: str
    erased: bool
    name: str
    contact: str
    alike: int
    state: str
    say: str
    fates: tuple[public_notice.Point, ...]
    left_out: tuple[tuple[str, str, str], ...]
    href: str
    entry: str
    sha256: str
    seal: sealing.Receipt | None
    code: str


def answer(connection: Connection, blobs: Blobs, receipt: str, code: str, now: datetime) -> Answer | None:
    """What became of an opinion; None alike when the number is unknown and when the code is wrong."""
    number = receipts.typed(receipt)
    known = [one for one in authorities.everyone(connection) if number.startswith(f"{one.prefix}-".upper())]
    found = [(one, consultations.lookup(connection, one.id, receipt, code)) for one in known]
    if not known:
        consultations.lookup(connection, "", receipt, code)
    authority, row = next(((one, row) for one, row in found if row), (None, None))
    return _answer(connection, blobs, authority, row, now) if authority and row else None


def _answer(
    connection: Connection, blobs: Blobs, authority: Authority, row: Mapping[str, Any], now: datetime
) -> Answer:  # fmt: skip
    this = (_C.c.authority_id == authority.id) & (_C.c.id == row["consultation_id"])
    asked: dict[str, Any] = dict(connection.execute(select(_C).where(this)).mappings().one())
    vault = _vault(connection, authority, row["entry_id"])
    words = vault.get("body.words", "")
    try:
        shown: public_notice.Notice | None = public_notice.notice(connection, blobs, asked["no"], now)
    except NotFound:  # no longer public: the words are still the citizen's
        shown = None
    state, say = _standing(asked, shown)
    sealed = sealing.is_sealed(connection, authority.id, row["entry_id"])
    seal = sealing.receipt(connection, authority.id, row["entry_id"]) if sealed else None
    document = public_notice.document_of(blobs, asked["text_digest"])
    paragraph = next((one.text for one in document.paragraphs if one.id == row["paragraph"]), "") if document else ""
    late = settling.is_late(row["late"], row["received_at"], asked["ends_on"])
    return Answer(
        authority.id, authority.name, asked["no"], asked["title"], row["receipt"], row["received_at"], late,
        consultations.CHANNELS.get(row["channel"], row["channel"]), consultations.STANCES.get(row["stance"], ""), paragraph,
        words, "body.words" not in vault, masks.name(vault.get("body.name", "")),
        masks.contact(vault["body.contact"]) if vault.get("body.contact") else "",
        consultations.alike(connection, authority.id, row["consultation_id"], words) if words else 1, state, say,
        _fates(shown, asked, row["seq"]), _left_out(connection, authority, row, words),
        f"/public/c/{asked['no']}" if shown else "", row["entry_id"],
        public.hashes(connection, authority, [row["entry_id"]])[row["entry_id"]], seal,
        sealing.short_code(authority.origin, seal.seal) if seal else "",
    )  # fmt: skip


def _fates(shown: public_notice.Notice | None, asked: Mapping[str, Any], seq: int) -> tuple[public_notice.Point, ...]:
    """The points that an opinion lies in, once the answers are published."""
    if shown is None or shown.id != asked["id"] or shown.feedback is None:
        return ()
    return tuple(point for point in shown.feedback.points if spans.holds(point.opinions, seq))


def _left_out(
    connection: Connection, authority: Authority, row: Mapping[str, Any], words: str
) -> tuple[tuple[str, str, str], ...]:
    """The words that the public does not see, each with its ground and reason."""
    parts = withholding.parts(connection, authority.id, row["consultation_id"], [row["seq"]])
    return tuple((words[one.opens : one.closes], one.title, one.reason) for one in parts.get(row["seq"], ()))


def _standing(asked: Mapping[str, Any], shown: public_notice.Notice | None) -> tuple[str, str]:
    if asked["state"] == "withdrawn":
        return "公告已撤回", "您的意见仍然保存在本事项的案卷里。"
    if shown is not None and shown.id == asked["id"] and shown.feedback:
        return "已反馈", "意见的研究采纳情况已经在公告页公布。"
    if asked["state"] == "closed":
        return "研究中", "征求意见已经结束，承办单位正在整理、研究各方意见。"
    return "已收到", "征求意见还没有结束。结束以后，承办单位会整理、研究各方意见，采纳情况在公告页公布。"


def _vault(connection: Connection, authority: Authority, entry: str) -> dict[str, str]:
    query = select(_V.c.path, _V.c.value).where(_V.c.authority_id == authority.id, _V.c.entry_id == entry)
    return {row.path: row.value for row in connection.execute(query)}
