"""People who want to take part in a hearing (art. 16(3)): received like opinions, then accepted or not, each with a reason.

An application is an entry with commitments (name, contact, unit, words); what is said of it later is an entry each, and
can be taken back. Nobody is accepted after the list was frozen for the draw, but somebody may always withdraw.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, select, text

from decisionflow.core import calendar as days
from decisionflow.core import fields
from decisionflow.core.facts import Timing, legal_date
from decisionflow.errors import BadInput, Forbidden, NotFound, Problem, Settled
from decisionflow.service import entries, hearings, opinions, permissions, projections, receipts, steps
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.service.receipts import Receipt, Sent
from decisionflow.store.engine import Tx
from decisionflow.store.records import Record, Rows
from decisionflow.store.tables.hearings import Signup

_S = Signup.__table__  # type: ignore[attr-defined]
LIMITS = {"name": 60, "contact": 120, "unit": 120, "words": 1000, "source": 200}
TITLES = {"side": "代表哪一方", "name": "姓名", "contact": "联系方式", "unit": "单位", "words": "与本事项的利害关系和报名理由",
          "source": "来源"}  # fmt: skip
CHANNELS = {"letter": "信函", "phone": "电话", "visit": "来访", "hotline": "热线"}
REASON = 500


@dataclass(frozen=True, slots=True)
class Application:
    """What somebody sends who wants to take part; `source` is the paper behind one that came otherwise than here."""

    side: str
    name: str
    contact: str
    words: str
    unit: str = ""
    channel: str = "web"
    source: str = ""


def receive(
    tx: Tx, authority: Authority, no: str, given: Application, actor: Actor, timing: Timing, key: str
) -> Receipt:  # fmt: skip
    """Take in one application; the time is the server's, or that of its paper. `key` belongs to one rendered form.

    Raises BadInput, Closed, Sent, NotFound.
    """
    row = hearings.by_no(tx.connection, authority.id, no)
    given = checked(given, row)
    first = _sent(tx.connection, authority, no, given, key)
    if first:
        return first
    if tx.alone(row["id"]):
        row = hearings.by_no(tx.connection, authority.id, no)
    admit(row, timing)
    at, n = entries.head(tx.connection, authority.id, hearings.KIND, row["id"]), row["signups"] + 1
    receipt = receipts.number(no, n)
    code = receipts.own_code("signup-code", receipt, key)
    draft = entries.Draft("signup.received", {})
    draft.body = {
        "n": n, "receipt": receipt, "code_hash": receipts.code_hash(receipt, code), "side": given.side,
        "channel": given.channel,
        **{name: entries.commit(draft, f"body.{name}", said)
           for name in ("name", "contact", "unit", "words") if (said := getattr(given, name))},
    }  # fmt: skip
    composed = entries.compose(draft, at, actor, timing, clock=authority.clock)
    rows = (*composed.rows, *projections.hearing_rows(tx.connection, row, composed.record))
    kept = {"authority_id": authority.id, "person_id": receipts.PUBLIC, "key": receipts.hashed("signup-key", key),
            "entry_id": composed.id, "fingerprint": _fingerprint(no, given, key), "at": timing.now}  # fmt: skip
    tx.add(Record(composed.append, (*rows, Rows("act_key", [kept], "insert"))))
    return Receipt(receipt, code, composed.id, composed.append.sha256, timing.now)


def admit(row: Mapping[str, Any], timing: Timing) -> None:
    """Whether a hearing takes sign-ups. Raises Closed with what can be done instead."""
    state = hearings.signup_state(row, timing.on)
    until = days.say_day(row["signup_until"]) if row["signup_until"] else ""
    told = {
        "cancelled": "听证会已经取消，不再接受报名，原因见公告页",
        "listed": "听证参加人名单已经公布，不再接受报名；可以申请旁听，或者在公开征求意见时提出意见",
        "over": f"报名已于{until}24时截止；可以申请旁听，或者在公开征求意见时提出意见" if until else "听证日已到，不再接受报名",
        "none": "这次听证会的参加人由推荐、邀请产生，不接受报名",
    }  # fmt: skip
    if state in told:
        raise hearings.Closed([Problem("side", told[state], rule="D713-29")])


def checked(given: Application, row: Mapping[str, Any]) -> Application:
    """The application as an entry may hold it. Raises BadInput with every problem."""
    problems, clean = [], {}
    if given.side not in {one.name for one in hearings.sides(row) if one.open}:
        problems.append(Problem("side", "请选择代表哪一方", rule="choice"))
    for name, most in LIMITS.items():
        try:
            clean[name] = fields.clean(getattr(given, name), lines=name == "words")
        except ValueError as fault:
            problems.append(Problem(name, f"“{TITLES[name]}”{fault}", rule="text"))
            continue
        if len(clean[name]) > most:
            problems.append(Problem(name, f"{TITLES[name]}太长：{len(clean[name])}字，最多{most}字", rule="text"))
        elif not clean[name] and name in ("name", "contact", "words"):
            problems.append(Problem(name, f"请填写{TITLES[name]}", rule="required"))
    if given.channel != "web" and len(clean.get("source", "")) < 2:
        problems.append(Problem("source", "请写明来源：是什么、原件在哪里，如“来信登记第12号”", rule="required"))
    if problems:
        raise BadInput(problems)
    return replace(given, **clean)


_SENT = text("""
    select k.fingerprint, s.receipt, s.received_at, e.entry_id, e.sha256
    from act_key k
    join signup s on s.authority_id = k.authority_id and s.entry_id = k.entry_id
    join trail_entry e on e.authority_id = k.authority_id and e.entry_id = k.entry_id
    where k.authority_id = :a and k.person_id = :p and k.key = :k
""").columns(received_at=_S.c.received_at.type)


def _sent(connection: Connection, authority: Authority, no: str, given: Application, key: str) -> Receipt | None:
    """The receipt of the application that came by this form already. Raises Sent when it said something else."""
    receipts.check_key(key)
    values = {"a": authority.id, "p": receipts.PUBLIC, "k": receipts.hashed("signup-key", key)}
    row = connection.execute(_SENT, values).first()
    if row is None:
        return None
    if row.fingerprint != _fingerprint(no, given, key):
        say = f"这一页已经报过一次名（回执号 {row.receipt}），之后内容又有改动。要另外报名的，请从公告页重新填写"
        raise Sent(row.receipt, say)
    code = receipts.own_code("signup-code", row.receipt, key)
    return Receipt(row.receipt, code, row.entry_id, row.sha256, row.received_at)


def _fingerprint(no: str, given: Application, key: str) -> str:
    return receipts.hashed("signup-fingerprint", orjson.dumps([key, no, *astuple(given)]).decode())


def lookup(connection: Connection, authority: str, receipt: str, code: str) -> dict[str, Any] | None:
    """The application of a receipt and its code; None alike, and after the same work, when either is wrong."""
    wanted = (_S.c.authority_id == authority) & (_S.c.receipt == receipts.typed(receipt))
    row = connection.execute(select(_S).where(wanted)).mappings().first()
    return dict(row) if receipts.holds(receipt, code, row["code_hash"] if row else "") and row else None


# ---- accepted or not -----------------------------------------------------------------------------------------


def enter(
    tx: Tx, authority: Authority, no: str, given: Application, arrived: str, actor: Actor, now: datetime, key: str
) -> Receipt:  # fmt: skip
    """Take in one that came by letter, telephone or visit. Raises Forbidden and what `receive` raises."""
    _, row = organised(tx, authority, actor, no)
    problems = [*_wrong(given, row), *_wrong_day(arrived, now)]
    if given.channel not in CHANNELS:
        problems.append(Problem("channel", f"请选择渠道（{'、'.join(CHANNELS.values())}）", rule="choice"))
    if problems:
        raise BadInput(problems)
    timing = Timing(now, opinions.noon(date.fromisoformat(arrived), now), given.source.strip(), opinions.REASON)
    return receive(tx, authority, no, given, actor, timing, key)


def _wrong(given: Application, row: Mapping[str, Any]) -> tuple[Problem, ...]:
    try:
        checked(given, row)
    except BadInput as fault:
        return fault.problems
    return ()


def _wrong_day(arrived: str, now: datetime) -> Iterator[Problem]:
    try:
        day = date.fromisoformat(arrived)
    except ValueError:
        yield Problem("arrived", "收到日期应写作 2026-11-02", rule="date")
    else:
        if day > legal_date(now):
            yield Problem("arrived", "收到日期不能晚于今天", rule="future")


def organised(tx: Tx, authority: Authority, actor: Actor, no: str) -> tuple[steps.Standing, dict[str, Any]]:
    """The case and its hearing, for those who organise it; its chain waits for nobody else then. Raises Forbidden, NotFound."""
    standing = steps.load(tx.connection, authority, no)
    if not permissions.may_organise_hearing(actor, standing.procedure, standing.facts):
        raise Forbidden("may not organise the hearing", say="只有承办单位可以审核报名、冻结名单和抽取")
    row = hearings.of_case(tx.connection, authority.id, standing.facts.case)
    if row is None:
        raise NotFound(f"no hearing of {no}", say="这个事项没有公告过听证会")
    if tx.alone(row["id"]):
        row = hearings.of_case(tx.connection, authority.id, standing.facts.case) or row
    return standing, row


def judge(
    tx: Tx, authority: Authority, actor: Actor, no: str, n: int, state: str, reason: str, now: datetime
) -> str:  # fmt: skip
    """Say of an application whether it fits, or that its sender withdrew; the entry's id.

    Raises BadInput, NotFound, Forbidden, Settled.
    """
    _, row = organised(tx, authority, actor, no)
    old = next((one for one in hearings.signups(tx.connection, row) if one["n"] == n), None)
    if old is None:
        raise NotFound(f"no sign-up {n} of {no}", say=f"没有第 {n} 号报名")
    words = _reason(state, reason)
    if old["state"] == state:
        raise Settled(f"sign-up {n} is {state}", say=f"第 {n} 号报名已经是“{hearings.STATES[state]}”")
    _still_open(tx.connection, row, old, state)
    body = {"n": n, "of": old["entry_id"], "state": state, "reason": words}
    return write(tx, authority, actor, row, entries.Draft("signup.judged", body), now)


def _reason(state: str, words: str) -> str:
    try:
        clean = fields.clean(words, lines=True)
    except ValueError as fault:
        raise BadInput([Problem("reason", f"“理由”{fault}", rule="text")]) from fault
    if state not in hearings.STATES:
        raise BadInput([Problem("state", f"只能是：{'、'.join(hearings.STATES.values())}", rule="choice")])
    if len(clean) > REASON:
        raise BadInput([Problem("reason", f"理由太长：{len(clean)}字，最多{REASON}字", rule="text")])
    if not clean and state != "accepted":
        what = {"refused": "不符合哪一条报名条件", "gone": "本人怎样表示退出", "waiting": "为什么重新审核"}[state]
        raise BadInput([Problem("reason", f"请写明{what}，报名人查询时看得到", rule="required")])
    return clean


def _still_open(connection: Connection, row: Mapping[str, Any], old: Mapping[str, Any], state: str) -> None:
    """Whether this may still be said. Raises Settled."""
    if row["state"] == "cancelled":
        raise Settled("the hearing is cancelled", say="听证会已经取消，不再审核报名")
    if state == "gone":
        return
    if row["state"] != "open":
        raise Settled("the list is published", say="听证参加人名单已经公布，不再审核报名；有人退出的，登记“本人退出”")
    newest = next(iter(hearings.lots(connection, row)), None)
    if newest and newest["state"] != "void" and any(one.name == old["side"] for one in hearings.drawn_sides(row)):
        say = "名单已经冻结，不能再改谁符合条件；本人不来的，登记“本人退出”，由候补的依次参加；确有差错的，写明理由把抽取作废"
        raise Settled("the list is frozen", say=say)


def write(
    tx: Tx, authority: Authority, actor: Actor, row: Mapping[str, Any], draft: entries.Draft, now: datetime
) -> str:  # fmt: skip
    """Write an entry into a hearing's chain; its id."""
    at = entries.head(tx.connection, authority.id, hearings.KIND, row["id"])
    composed = entries.compose(draft, at, actor, Timing(now), clock=authority.clock)
    tx.add(Record(composed.append, (*composed.rows, *projections.hearing_rows(tx.connection, row, composed.record))))
    return composed.id
