"""Public consultations: a chain of their own, so that a burst of opinions never locks the case.

Publishing a notice opens it, closing the notice commits its head and count into the case. An opinion
is an entry with three commitments (words, contact, name); the receipt and its code are the citizen's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, select, text

from decisionflow.core import calendar as days
from decisionflow.core import fields as forms
from decisionflow.core import procedure as law
from decisionflow.core import similar
from decisionflow.core.facts import Facts, Timing, Value, legal_date
from decisionflow.errors import BadInput, NotFound, Problem
from decisionflow.service import entries, projections, receipts
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.service.receipts import Receipt, Sent
from decisionflow.store.engine import Tx
from decisionflow.store.records import Record, Rows
from decisionflow.store.tables.participation import Consultation, Opinion

_CONSULTATIONS = Consultation.__table__  # type: ignore[attr-defined]
_OPINIONS = Opinion.__table__  # type: ignore[attr-defined]
COMPARED = 2000
STANCES = {"support": "赞成", "change": "有修改意见", "oppose": "反对", "none": "不表态"}
IDENTITY = {"named": "name", "reachable": "contact"}  # what a letter or a call does not say is not asked of it
CHANNELS = {"web": "网上", "letter": "信函", "phone": "电话", "visit": "来访", "meeting": "座谈会", "hotline": "热线"}
LIMITS = {"words": 5000, "name": 60, "contact": 120, "paragraph": 20}


class Over(BadInput):
    """The consultation takes no opinions (any more, or not yet)."""

    code = "consultation-over"
    status = 409


@dataclass(frozen=True, slots=True)
class Comment:
    """What a citizen sends. Only `words` is needed."""

    words: str
    stance: str = "none"
    paragraph: str = ""
    name: str = ""
    contact: str = ""
    channel: str = "web"


# ---- what a step brings along ------------------------------------------------------------------------------


def effect(
    tx: Tx, authority: Authority, actor: Actor, action: law.Action, facts: Facts, draft: entries.Draft,
    values: Mapping[str, Value], timing: Timing, procedure: law.Procedure,
) -> list[Record]:  # fmt: skip
    """The consultation entries that a step brings along; the step's body names the chain.

    A consultation does not outlive what it asks about: when its track is begun again, or the case
    ends, it is withdrawn by the same step.
    """
    if action.consultation == "open":
        return [_opened(authority, actor, facts, draft, values, timing, procedure)]
    resets = draft.body.get("resets", ())
    over = procedure.is_ended(draft.body["stages"]) or any(
        one.consultation == "open" and one.track in resets for one in procedure.actions
    )
    if not action.consultation and not over:
        return []
    row = of_case(tx.connection, authority.id, facts.case)
    if row is None or row["state"] != "open":
        return []
    if tx.alone(row["id"]):
        row = of_case(tx.connection, authority.id, facts.case) or row
    at = entries.head(tx.connection, authority.id, "consultation", row["id"])
    if action.consultation == "extend":
        body: dict[str, Any] = {"case": facts.case, "ends_on": values["ends_on"]}
        composed = _compose(authority, actor, at, "consultation.extended", body, timing)
        draft.body["consultation"] = {"id": row["id"]}
    else:
        body = {"case": facts.case, "opinions": row["opinions"]} | ({"withdrawn": True} if over else {})
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


# ---- looking at one ------------------------------------------------------------------------------------------


def of_case(connection: Connection, authority: str, case: str) -> dict[str, Any] | None:
    """The newest consultation of a case."""
    wanted = (_CONSULTATIONS.c.authority_id == authority) & (_CONSULTATIONS.c.case_id == case)
    row = (
        connection.execute(select(_CONSULTATIONS).where(wanted).order_by(_CONSULTATIONS.c.id.desc())).mappings().first()
    )
    return dict(row) if row else None


_BY_NO = (
    select(_CONSULTATIONS)
    .where(_CONSULTATIONS.c.authority_id == bindparam("a"), _CONSULTATIONS.c.no == bindparam("no"))
    .order_by(_CONSULTATIONS.c.id.desc())
    .limit(1)
)


def by_no(connection: Connection, authority: str, no: str) -> dict[str, Any]:
    """The newest consultation of a case by its number. Raises NotFound."""
    row = connection.execute(_BY_NO, {"a": authority, "no": no}).mappings().first()
    if row is None:
        raise NotFound(f"no consultation for {no!r}", say="没有这个征求意见公告")
    return dict(row)


def days_left(row: Mapping[str, Any], now: datetime) -> int:
    """Calendar days until the last day, which still counts; negative after it."""
    return (_day(row["ends_on"]) - legal_date(now)).days


def notice(row: Mapping[str, Any]) -> dict[str, Any]:
    """The notice's fields as they were published."""
    found: dict[str, Any] = orjson.loads(row["notice"])
    return found


def _day(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


# ---- taking an opinion in --------------------------------------------------------------------------------


def receive(
    tx: Tx, authority: Authority, no: str, comment: Comment, actor: Actor, now: datetime, *, key: str = "",
    happened: datetime | None = None, evidence: str = "", reason: str = "",
) -> Receipt:  # fmt: skip
    """Take in one opinion. Time is the server's; postal and phone opinions count by their evidence.

    `key` belongs to one rendered form: sent twice it is one opinion, answered with the same receipt and
    the same code. Raises BadInput, Over, Sent, NotFound.
    """
    comment = checked(comment)
    first = _sent(tx.connection, authority, no, comment, key) if key else None
    if first:
        return first
    row = by_no(tx.connection, authority.id, no)
    if tx.alone(row["id"]):
        row = by_no(tx.connection, authority.id, no)
    checked(comment, asks_for(notice(row)))
    timing = Timing(now, happened, evidence, reason)
    _admit(row, timing)
    at = entries.head(tx.connection, authority.id, "consultation", row["id"])
    receipt = receipts.number(no, at.seq + 1)
    code = receipts.own_code("comment-code", receipt, key or receipts.letters(24))
    draft = _drafted(comment, row, receipt, code)
    late = timing.on > _day(row["ends_on"])
    if late:
        draft.body["late"] = True
    composed = entries.compose(draft, at, actor, timing, clock=authority.clock)
    rows = (*composed.rows, *projections.consultation_rows(row, composed.record))
    tx.add(Record(composed.append, (*rows, *_key_rows(authority, no, comment, key, composed.id, now))))
    return Receipt(receipt, code, composed.id, composed.append.sha256, now, late)


def _admit(row: Mapping[str, Any], timing: Timing) -> None:
    """Whether a notice takes an opinion. A letter or call in time by its evidence is in time whenever it is entered."""
    if row["state"] == "withdrawn":
        raise Over([Problem("words", "征求意见公告已经撤回，不再接收意见，原因见公告页", rule="D713-25")])
    if row["state"] != "open" and not (timing.evidence and timing.on <= _day(row["ends_on"])):
        raise Over([Problem("words", "征求意见已经结束，可在公告页查看结果", rule="D713-25")])
    if timing.on < _day(row["opens_on"]):
        begins = days.say_day(_day(row["opens_on"]))
        raise Over([Problem("words", f"征求意见将于{begins}开始，请在开始以后再提", rule="D713-25")])


def _drafted(comment: Comment, row: Mapping[str, Any], receipt: str, code: str) -> entries.Draft:
    draft = entries.Draft("opinion.received", {})
    draft.body = {
        "receipt": receipt, "code_hash": receipts.code_hash(receipt, code), "channel": comment.channel, "stance": comment.stance,
        "words": entries.commit(draft, "body.words", comment.words),
    }  # fmt: skip
    if comment.paragraph:
        draft.body["paragraph"] = comment.paragraph
    if row["text_digest"]:
        draft.body["text"] = row["text_digest"]
    for name in ("name", "contact"):
        if getattr(comment, name):
            draft.body[name] = entries.commit(draft, f"body.{name}", getattr(comment, name))
    return draft


_TITLES = {"words": "意见", "name": "姓名", "contact": "联系方式", "paragraph": "条款编号"}


def asks_for(notice: Mapping[str, Any]) -> str:
    """What a notice wants of those who write online besides their words: ``name``, ``contact`` or '' for nothing."""
    return IDENTITY.get(str(notice.get("identity", "")), "")


def checked(comment: Comment, wanted: str = "") -> Comment:
    """The comment as an entry may hold it; `wanted` is what the notice asks for. Raises BadInput with every problem."""
    problems, clean = [], {}
    for name, most in LIMITS.items():
        try:
            clean[name] = forms.clean(getattr(comment, name), lines=name == "words")
        except ValueError as fault:
            problems.append(Problem(name, f"“{_TITLES[name]}”{fault}", rule="text"))
            continue
        if len(clean[name]) > most:
            more = "；更长的请作为附件寄送" if name == "words" else ""
            say = f"{_TITLES[name]}太长：{len(clean[name])}字，最多{most}字{more}"
            problems.append(Problem(name, say, rule="text"))
    if clean.get("words") == "":
        problems.append(Problem("words", "请填写意见内容", rule="required"))
    if wanted and comment.channel == "web" and clean.get(wanted) == "":
        say = f"公告要求留下{_TITLES[wanted]}（不公开），请填写；不愿意留的，可以用信函、电话等方式提出"
        problems.append(Problem(wanted, say, rule="required"))
    if comment.stance not in STANCES:
        problems.append(Problem("stance", "请选择态度", rule="choice"))
    if comment.channel not in CHANNELS:
        problems.append(Problem("channel", "没有这个渠道", rule="choice"))
    if problems:
        raise BadInput(problems)
    return Comment(stance=comment.stance, channel=comment.channel, **clean)


# ---- one form, one opinion ---------------------------------------------------------------------------------
#
# The key is known to the citizen's page alone. What is kept is its hash, so that nobody who reads the
# database can make the code from it; the fingerprint is taken together with it, so that it says nothing.


_SENT = text("""
    select k.fingerprint, o.receipt, o.late, o.received_at, e.entry_id, e.sha256
    from act_key k
    join opinion o on o.authority_id = k.authority_id and o.entry_id = k.entry_id
    join trail_entry e on e.authority_id = k.authority_id and e.entry_id = k.entry_id
    where k.authority_id = :a and k.person_id = :p and k.key = :k
""").columns(received_at=_OPINIONS.c.received_at.type, late=_OPINIONS.c.late.type)


def _sent(connection: Connection, authority: Authority, no: str, comment: Comment, key: str) -> Receipt | None:
    """The receipt of the opinion that came by this form already. Raises Sent when its words were others."""
    receipts.check_key(key)
    values = {"a": authority.id, "p": receipts.PUBLIC, "k": receipts.hashed("comment-key", key)}
    row = connection.execute(_SENT, values).first()
    if row is None:
        return None
    if row.fingerprint != _fingerprint(no, comment, key):
        say = f"这一页已经提交过一条意见（回执号 {row.receipt}），之后内容又有改动。如果要再提一条，请核对后重新提交"
        raise Sent(row.receipt, say)
    code = receipts.own_code("comment-code", row.receipt, key)
    return Receipt(row.receipt, code, row.entry_id, row.sha256, row.received_at, row.late)


def _key_rows(
    authority: Authority, no: str, comment: Comment, key: str, entry: str, now: datetime
) -> tuple[Rows, ...]:  # fmt: skip
    if not key:
        return ()
    row = {"authority_id": authority.id, "person_id": receipts.PUBLIC, "key": receipts.hashed("comment-key", key),
           "entry_id": entry, "fingerprint": _fingerprint(no, comment, key), "at": now}  # fmt: skip
    return (Rows("act_key", [row], "insert"),)


def _fingerprint(no: str, comment: Comment, key: str) -> str:
    return receipts.hashed("comment-fingerprint", orjson.dumps([key, no, *astuple(comment)]).decode())


# ---- the receipt ---------------------------------------------------------------------------------------------


def lookup(connection: Connection, authority: str, receipt: str, code: str) -> dict[str, Any] | None:
    """The opinion of a receipt and its code; None alike, and after the same work, when either is wrong."""
    wanted = (_OPINIONS.c.authority_id == authority) & (_OPINIONS.c.receipt == receipts.typed(receipt))
    row = connection.execute(select(_OPINIONS).where(wanted)).mappings().first()
    return dict(row) if receipts.holds(receipt, code, row["code_hash"] if row else "") and row else None


_WORDS = text("""
    select v.value from opinion o
    join vault_field v on v.authority_id = o.authority_id and v.commitment = o.words
    where o.authority_id = :a and o.consultation_id = :c order by o.seq desc limit :most
""")


def alike(connection: Connection, authority: str, consultation: str, words: str) -> int:
    """How many of the latest opinions say the same in the same words, this one among them."""
    rows = connection.execute(_WORDS, {"a": authority, "c": consultation, "most": COMPARED})
    wanted = similar.plain(words)
    return sum(similar.plain(row.value) == wanted for row in rows)
