"""Public consultations: a chain of their own, so that a burst of opinions never locks the case.

Publishing a notice opens it, closing the notice commits its head and count into the case. An opinion
is an entry with three commitments (words, contact, name); the receipt and its code are the citizen's.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, select

from decisionflow.core import fields as forms
from decisionflow.core import procedure as law
from decisionflow.core.facts import Facts, Timing, Value, legal_date
from decisionflow.errors import BadInput, NotFound, Problem
from decisionflow.service import entries, projections
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.store.engine import Tx
from decisionflow.store.records import Record
from decisionflow.store.tables.participation import Consultation, Opinion

_CONSULTATIONS = Consultation.__table__  # type: ignore[attr-defined]
_OPINIONS = Opinion.__table__  # type: ignore[attr-defined]
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
STANCES = {"support": "赞成", "change": "有修改意见", "oppose": "反对", "none": "不表态"}
CHANNELS = {"web": "网上", "letter": "信函", "phone": "电话", "visit": "来访", "meeting": "座谈会", "hotline": "热线"}


@dataclass(frozen=True, slots=True)
class Comment:
    """What a citizen sends. Only `words` is needed."""

    words: str
    stance: str = "none"
    paragraph: str = ""
    name: str = ""
    contact: str = ""
    channel: str = "web"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the citizen keeps: a number, a code, and when the words arrived."""

    receipt: str
    code: str
    entry: str
    sha256: str
    received_at: datetime
    late: bool


def effect(
    tx: Tx, authority: Authority, actor: Actor, action: law.Action, facts: Facts, draft: entries.Draft,
    values: Mapping[str, Value], timing: Timing, procedure: law.Procedure,
) -> list[Record]:  # fmt: skip
    """The consultation entries that a step brings along; the step's body names the chain."""
    if not action.consultation:
        return []
    if action.consultation == "open":
        return [_opened(authority, actor, facts, draft, values, timing, procedure)]
    row = of_case(tx.connection, authority.id, facts.case)
    if row is None:
        return []
    at = entries.head(tx.connection, authority.id, "consultation", row["id"])
    if action.consultation == "extend":
        body: dict[str, Any] = {"case": facts.case, "ends_on": values["ends_on"]}
        composed = _compose(authority, actor, at, "consultation.extended", body, timing)
        draft.body["consultation"] = {"id": row["id"]}
    else:
        body = {"case": facts.case, "opinions": row["opinions"]}
        composed = _compose(authority, actor, at, "consultation.closed", body, timing)
        draft.body["consultation"] = {"id": row["id"], "opinions": row["opinions"], "seq": at.seq, "head": at.sha256}
    return [Record(composed.append, (*composed.rows, *projections.consultation_rows(row, composed.record)))]


def _opened(
    authority: Authority, actor: Actor, facts: Facts, draft: entries.Draft, values: Mapping[str, Value], timing: Timing,
    procedure: law.Procedure,
) -> Record:  # fmt: skip
    consultation = entries.new_id(timing.now)
    at = entries.Head(authority.id, "consultation", consultation)
    body: dict[str, Any] = {
        "case": facts.case, "no": facts.no, "title": facts.title, "notice": draft.body["fields"],
        "opens_on": timing.on.isoformat(), "ends_on": values["ends_on"], "papers": draft.body["papers"],
        "procedure": procedure.digest,
    }  # fmt: skip
    if "text" in draft.body:
        body["text"] = draft.body["text"]
    composed = _compose(authority, actor, at, "consultation.opened", body, timing)
    draft.body["consultation"] = {"id": consultation}
    return Record(composed.append, (*composed.rows, *projections.consultation_rows(None, composed.record)))


def _compose(
    authority: Authority, actor: Actor, at: entries.Head, kind: str, body: dict[str, Any], timing: Timing
) -> entries.Composed:  # fmt: skip
    return entries.compose(entries.Draft(kind, body), at, actor, timing, clock=authority.clock)


def of_case(connection: Connection, authority: str, case: str) -> dict[str, Any] | None:
    """The newest consultation of a case."""
    wanted = (_CONSULTATIONS.c.authority_id == authority) & (_CONSULTATIONS.c.case_id == case)
    row = (
        connection.execute(select(_CONSULTATIONS).where(wanted).order_by(_CONSULTATIONS.c.id.desc())).mappings().first()
    )
    return dict(row) if row else None


def by_no(connection: Connection, authority: str, no: str) -> dict[str, Any]:
    """The newest consultation of a case by its number. Raises NotFound."""
    wanted = (_CONSULTATIONS.c.authority_id == authority) & (_CONSULTATIONS.c.no == no)
    row = (
        connection.execute(select(_CONSULTATIONS).where(wanted).order_by(_CONSULTATIONS.c.id.desc())).mappings().first()
    )
    if row is None:
        raise NotFound(f"no consultation for {no!r}", say="没有这个征求意见公告")
    return dict(row)


def receive(
    tx: Tx, authority: Authority, no: str, comment: Comment, actor: Actor, now: datetime, *, happened: datetime | None = None,
    evidence: str = "", reason: str = "",
) -> Receipt:  # fmt: skip
    """Take in one opinion. Time is the server's; postal and phone opinions count by their evidence. Raises BadInput."""
    words = _checked(comment)
    row = by_no(tx.connection, authority.id, no)
    timing = Timing(now, happened, evidence, reason)
    if row["state"] != "open":
        raise BadInput([Problem("words", "征求意见已经结束，可在公告页查看结果", rule="D713-25")])
    late = timing.on > _day(row["ends_on"])
    at = entries.head(tx.connection, authority.id, "consultation", row["id"])
    receipt, code = f"{no}-{_code(4)}-{at.seq + 1:04d}", f"{_code(4)}-{_code(4)}-{_code(4)}"
    draft = entries.Draft("opinion.received", {})
    draft.body = {
        "receipt": receipt, "code_hash": code_hash(receipt, code), "channel": comment.channel, "stance": comment.stance,
        "words": entries.commit(draft, "body.words", words),
    }  # fmt: skip
    if comment.paragraph:
        draft.body["paragraph"] = comment.paragraph
    if row["text_digest"]:
        draft.body["text"] = row["text_digest"]
    for name in ("name", "contact"):
        if getattr(comment, name):
            draft.body[name] = entries.commit(draft, f"body.{name}", forms.clean(getattr(comment, name)))
    if late:
        draft.body["late"] = True
    composed = entries.compose(draft, at, actor, timing, clock=authority.clock)
    tx.add(Record(composed.append, (*composed.rows, *projections.consultation_rows(row, composed.record))))
    return Receipt(receipt, code, composed.id, composed.append.sha256, now, late)


def _checked(comment: Comment) -> str:
    problems = []
    words = ""
    try:
        words = forms.clean(comment.words, lines=True)
        forms.clean(comment.name)
        forms.clean(comment.contact)
    except ValueError as fault:
        problems.append(Problem("words", str(fault), rule="text"))
    if not words and not problems:
        problems.append(Problem("words", "请填写意见内容", rule="required"))
    if len(words) > 5000:
        problems.append(Problem("words", f"意见太长：{len(words)}字，最多5000字；更长的请作为附件寄送", rule="text"))
    if comment.stance not in STANCES:
        problems.append(Problem("stance", "请选择态度", rule="choice"))
    if comment.channel not in CHANNELS:
        problems.append(Problem("channel", "没有这个渠道", rule="choice"))
    if len(comment.name) > 60 or len(comment.contact) > 120 or len(comment.paragraph) > 20:
        problems.append(Problem("contact", "姓名、联系方式或条款编号太长", rule="text"))
    if problems:
        raise BadInput(problems)
    return words


def _code(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def code_hash(receipt: str, code: str) -> str:
    """What is kept of a receipt's code: a slow guess would need the receipt and 60 bits."""
    return hashlib.sha256(f"decisionflow/receipt/v1\n{receipt}\n{code.upper()}".encode()).hexdigest()


def _day(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def days_left(row: Mapping[str, Any], now: datetime) -> int:
    """Calendar days until the last day, which still counts; negative after it."""
    return (_day(row["ends_on"]) - legal_date(now)).days


def notice(row: Mapping[str, Any]) -> dict[str, Any]:
    """The notice's fields as they were published."""
    found: dict[str, Any] = orjson.loads(row["notice"])
    return found


def lookup(connection: Connection, authority: str, receipt: str, code: str) -> dict[str, Any] | None:
    """The opinion of a receipt and its code; None alike when either is wrong."""
    wanted = (_OPINIONS.c.authority_id == authority) & (_OPINIONS.c.receipt == receipt.strip().upper())
    row = connection.execute(select(_OPINIONS).where(wanted)).mappings().first()
    given = code_hash(receipt.strip().upper(), code.strip())
    known = row["code_hash"] if row else "0" * 64
    return dict(row) if secrets.compare_digest(given, known) and row else None
