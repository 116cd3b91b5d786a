"""Parts of an opinion that are not shown in public: each with its ground and reason, an entry that can be taken back.

Hidden is not vanished: the public sees that something is left out and why, the sender sees which words, the dossier
keeps all of them. Identity numbers, telephone numbers and mail addresses are covered without this.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from decisionflow.core import fields
from decisionflow.core.facts import Timing
from decisionflow.errors import BadInput, Forbidden, NotFound, Problem, Settled
from decisionflow.service import consultations, entries, permissions, projections, steps
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.store.engine import Tx
from decisionflow.store.records import Record
from decisionflow.store.tables.participation import Opinion, Withheld
from decisionflow.store.tables.trail import VaultField

GROUNDS = {
    "privacy": "个人隐私或者个人信息", "commercial": "商业秘密", "secret": "国家秘密、工作秘密",
    "unlawful": "违法内容或者人身攻击",
}  # fmt: skip
LENGTH = 500
_O = Opinion.__table__  # type: ignore[attr-defined]
_W = Withheld.__table__  # type: ignore[attr-defined]
_V = VaultField.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Part:
    """A part left out: where it stands in the words, and why."""

    entry: str
    opens: int
    closes: int
    ground: str
    reason: str
    person_name: str
    at: datetime

    @property
    def title(self) -> str:
        return GROUNDS.get(self.ground, self.ground)


def parts(connection: Connection, authority: str, consultation: str, numbers: Sequence[int]) -> dict[int, list[Part]]:
    """The parts of these opinions that are left out in public, by number, in the order of the words."""
    wanted = (_W.c.authority_id == authority) & (_W.c.consultation_id == consultation) & _W.c.seq.in_(numbers)
    query = select(_W).where(wanted, _W.c.lifted.is_(False)).order_by(_W.c.seq, _W.c.opens)
    found: dict[int, list[Part]] = {}
    for row in connection.execute(query):
        part = Part(row.entry_id, row.opens, row.closes, row.ground, row.reason, row.person_name, row.at)
        found.setdefault(row.seq, []).append(part)
    return found


def covered(words: str, left_out: Iterable[Part]) -> str:
    """The words as the public sees them: each part replaced by what it was about."""
    done, shown = 0, []
    for part in sorted(left_out, key=lambda one: one.opens):
        if part.closes <= done:
            continue
        shown += [words[done : max(done, part.opens)], f"〔此处隐去：{part.title}〕"]
        done = part.closes
    return "".join([*shown, words[done:]])


def withhold(
    tx: Tx, authority: Authority, actor: Actor, no: str, seq: int, words: str, ground: str, reason: str, now: datetime
) -> str:  # fmt: skip
    """Leave these words of an opinion out in public; the entry's id. Raises BadInput, NotFound, Forbidden, Settled."""
    row, said = _opinion(tx, authority, actor, no, seq)
    reason = _reason(reason)
    opens = said.find(words.strip()) if words.strip() else -1
    problems = []
    if ground not in GROUNDS:
        problems.append(Problem("ground", f"请选择隐去的理由类别：{'、'.join(GROUNDS.values())}", rule="choice"))
    if not reason:
        problems.append(Problem("reason", "请写明为什么隐去", rule="required"))
    if opens < 0:
        problems.append(Problem("words", "这些字不在意见原文里，请从原文中照抄要隐去的部分", rule="words"))
    if problems:
        raise BadInput(problems)
    closes = opens + len(words.strip())
    for old in parts(tx.connection, authority.id, row["id"], [seq]).get(seq, ()):
        if old.opens <= opens and closes <= old.closes:
            raise Settled("already withheld", say="这些字已经隐去了")
    body = {"seq": seq, "opens": opens, "closes": closes, "ground": ground, "reason": reason}
    return _write(tx, authority, actor, row, "opinion.withheld", body, now)


def lift(tx: Tx, authority: Authority, actor: Actor, no: str, seq: int, of: str, reason: str, now: datetime) -> str:
    """Show again what was left out; the entry's id. Raises BadInput, NotFound, Forbidden."""
    row, _ = _opinion(tx, authority, actor, no, seq)
    reason = _reason(reason)
    if not reason:
        raise BadInput([Problem("reason", "请写明为什么恢复公开", rule="required")])
    if of not in {one.entry for one in parts(tx.connection, authority.id, row["id"], [seq]).get(seq, ())}:
        raise NotFound(f"nothing withheld by {of}", say="这一处没有隐去，或者已经恢复")
    return _write(tx, authority, actor, row, "opinion.shown", {"seq": seq, "of": of, "reason": reason}, now)


def _reason(words: str) -> str:
    try:
        clean = fields.clean(words, lines=True)
    except ValueError as fault:
        raise BadInput([Problem("reason", f"“理由”{fault}", rule="text")]) from fault
    if len(clean) > LENGTH:
        raise BadInput([Problem("reason", f"理由太长：{len(clean)}字，最多{LENGTH}字", rule="text")])
    return clean


def _opinion(tx: Tx, authority: Authority, actor: Actor, no: str, seq: int) -> tuple[dict[str, Any], str]:
    """The consultation and the words of an opinion, for those who handle it. Its chain waits for nobody else then."""
    standing = steps.load(tx.connection, authority, no)
    if not permissions.may_enter_opinions(actor, standing.procedure, standing.facts):
        raise Forbidden("may not withhold", say="只有承办、整理公众意见的岗位可以决定隐去哪些内容")
    row = consultations.of_case(tx.connection, authority.id, standing.facts.case)
    if row is None:
        raise NotFound(f"no opinions of {no}", say="这个事项没有收到意见")
    if tx.alone(row["id"]):
        row = consultations.of_case(tx.connection, authority.id, standing.facts.case) or row
    said = words_of(tx.connection, authority.id, row["id"], seq)
    if said is None:
        raise NotFound(f"no opinion {seq} of {no}", say="没有这条意见，或者原文已按规定删除")
    return row, said


def words_of(connection: Connection, authority: str, consultation: str, seq: int) -> str | None:
    """The words of an opinion; None when there is none of that number, or its words were erased."""
    join = (_V.c.authority_id == _O.c.authority_id) & (_V.c.commitment == _O.c.words)
    this = (_O.c.authority_id == authority) & (_O.c.consultation_id == consultation) & (_O.c.seq == seq)
    found: str | None = connection.execute(select(_V.c.value).select_from(_O.join(_V, join)).where(this)).scalar()
    return found


def _write(
    tx: Tx, authority: Authority, actor: Actor, row: dict[str, Any], kind: str, body: dict[str, Any], now: datetime
) -> str:  # fmt: skip
    at = entries.head(tx.connection, authority.id, "consultation", row["id"])
    composed = entries.compose(entries.Draft(kind, body), at, actor, Timing(now), clock=authority.clock)
    rows = (*composed.rows, *projections.consultation_rows(row, composed.record), *projections.withheld_rows(
        tx.connection, composed.record))  # fmt: skip
    tx.add(Record(composed.append, rows))
    return composed.id
