"""What became of an opinion, for whoever holds its receipt and its code. Nobody else learns whether there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, text

from decisionflow.core.facts import legal_date
from decisionflow.errors import NotFound
from decisionflow.service import authorities, consultations, sealing
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
    href: str
    entry: str
    sha256: str
    seal: sealing.Receipt | None
    code: str


def answer(connection: Connection, blobs: Blobs, receipt: str, code: str, now: datetime) -> Answer | None:
    """What became of an opinion; None alike when the number is unknown and when the code is wrong."""
    number = consultations.typed(receipt)
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
    return Answer(
        authority.name, asked["no"], asked["title"], row["receipt"], row["received_at"], is_late(row, asked),
        consultations.CHANNELS.get(row["channel"], row["channel"]), consultations.STANCES.get(row["stance"], ""), paragraph,
        words, "body.words" not in vault, masks.name(vault.get("body.name", "")),
        masks.contact(vault["body.contact"]) if vault.get("body.contact") else "",
        consultations.alike(connection, authority.id, row["consultation_id"], words) if words else 1, state, say,
        f"/public/c/{asked['no']}" if shown else "", row["entry_id"],
        public.hashes(connection, authority, [row["entry_id"]])[row["entry_id"]], seal,
        sealing.short_code(authority.origin, seal.seal) if seal else "",
    )  # fmt: skip


def is_late(opinion: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Whether an opinion came after the last day as it stands now: an extension takes in what came before it."""
    return bool(opinion["late"]) and legal_date(opinion["received_at"]) > asked["ends_on"]


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


_OPENINGS = text("select path, salt, value from vault_field where authority_id = :a and entry_id = :e order by path")


def openings(connection: Connection, authority: str, entry: str) -> list[dict[str, str]]:
    """What the citizen needs to show that an entry holds exactly these words: path, salt and value."""
    rows = connection.execute(_OPENINGS, {"a": authority, "e": entry})
    return [{"path": row.path, "salt": bytes(row.salt).hex(), "value": row.value} for row in rows]
