"""The draw among those who signed up for a hearing (art. 16(3)): the list is frozen and published, then drawn from.

The source of the seed stands in the notice, before anybody signed up. A person with the duty draws; the record is the
file that ``decisionflow draw`` writes and verifies. Drawing again needs a reason, and the public sees how often.
What every draw has in common, that of experts (art. 20(2)) too, stands apart: `put_in`, `take_out`, `give_up`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from decisionflow.core import calendar as days
from decisionflow.core import draw as draws
from decisionflow.core import fields
from decisionflow.core.facts import legal_date
from decisionflow.errors import BadInput, Problem, Settled
from decisionflow.service import entries, hearings, signups
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.store.engine import Tx

MEDIA = "application/json"
LEAST = 8
TITLES = {"seed": "种子", "reason": "理由", "source": "种子的来源"}


@dataclass(frozen=True, slots=True)
class Urn:
    """Whose draws these are: a hearing or an expert panel as its row, and the way to write into its chain."""

    row: Mapping[str, Any]
    write: Callable[[entries.Draft], str]


def freeze(tx: Tx, authority: Authority, actor: Actor, no: str, now: datetime) -> str:
    """Freeze the list of those accepted, to be drawn from; the entry's id. Raises BadInput, Settled, NotFound, Forbidden."""
    _, row = signups.organised(tx, authority, actor, no)
    everybody = hearings.signups(tx.connection, row)
    found = _unfrozen(tx, row)
    stop = next(hindrances(row, everybody, now), "")
    if stop:
        raise Settled("the list cannot be frozen", say=stop)
    frozen = _frozen(row, everybody, found[0]["next_source"] if found else hearings.notice(row)["draw_source"])
    return put_in(tx, _urn(tx, authority, actor, row, now), frozen, now)


def void(tx: Tx, authority: Authority, actor: Actor, no: str, reason: str, source: str, now: datetime) -> str:
    """Give up the newest draw, for a reason that is published; then people may be judged again and the list frozen anew.

    Raises BadInput, Settled, NotFound, Forbidden.
    """
    _, row = signups.organised(tx, authority, actor, no)
    if row["state"] != "open":
        raise Settled("nothing to give up", say="没有可以作废的抽取；名单已经公布的，不能再重新抽取")
    return give_up(tx, _urn(tx, authority, actor, row, now), reason, source)


def run(tx: Tx, authority: Authority, actor: Actor, no: str, seed: str, now: datetime) -> str:
    """Draw from the frozen list with the seed as it was published; the entry's id.

    Raises BadInput, Settled, NotFound, Forbidden.
    """
    _, row = signups.organised(tx, authority, actor, no)
    if row["state"] != "open":
        raise Settled("nothing to draw from", say="没有冻结好、等着抽取的名单，请刷新后再看")
    return take_out(tx, _urn(tx, authority, actor, row, now), seed, now)


def _urn(tx: Tx, authority: Authority, actor: Actor, row: Mapping[str, Any], now: datetime) -> Urn:
    return Urn(row, lambda draft: signups.write(tx, authority, actor, row, draft, now))


# ---- any draw ------------------------------------------------------------------------------------------------


def _unfrozen(tx: Tx, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The draws so far, the newest first, none of which stands. Raises Settled."""
    found = hearings.lots(tx.connection, row)
    if found and found[0]["state"] != "void":
        say = "名单已经冻结；要重新抽取的，先写明理由，把这一次作废"
        raise Settled("the list is frozen", say=say)
    return found


def put_in(tx: Tx, urn: Urn, frozen: draws.Draw, now: datetime, said: Mapping[str, Any] | None = None) -> str:
    """Freeze a list, with whatever else is to be said of it; the entry's id. Raises Settled."""
    body = {**(said or {}), "n": len(_unfrozen(tx, urn.row)) + 1, "list_sha256": frozen.list_sha256}
    return _write(tx, urn, "lot.frozen", body, frozen, now)


def give_up(tx: Tx, urn: Urn, reason: str, source: str) -> str:
    """Void the newest draw; the entry's id. Once a seed is known it decides nothing any more: the next draw needs another.

    Raises BadInput, Settled.
    """
    newest = next(iter(hearings.lots(tx.connection, urn.row)), None)
    if newest is None or newest["state"] == "void":
        raise Settled("nothing to give up", say="没有可以作废的抽取；名单已经公布的，不能再重新抽取")
    why, before = _clean("reason", reason), hearings.record_of(tx.blobs, newest)
    following = _clean("source", source) or ("" if before.seed else before.source)
    problems = []
    if len(why) < LEAST:
        say = f"请写明为什么作废、重新抽取（至少{LEAST}字），理由和次数都留在记录里，看得到记录的人都看得到"
        problems.append(Problem("reason", say, rule="required"))
    if len(following) < 4 or (before.seed and following == before.source):
        say = "原来的种子已经知道了，再用就能预知结果：请写明新的种子从哪里来，以后才公布、谁也不能选"
        problems.append(Problem("source", say, rule="required"))
    if problems:
        raise BadInput(problems)
    body = {"n": newest["n"], "of": newest["entry_id"], "reason": why, "source": following}
    return urn.write(entries.Draft("lot.voided", body))


def take_out(tx: Tx, urn: Urn, seed: str, now: datetime) -> str:
    """Draw from the frozen list; the entry's id. Raises BadInput, Settled."""
    newest = next(iter(hearings.lots(tx.connection, urn.row)), None)
    if newest is None or newest["state"] != "frozen":
        raise Settled("nothing to draw from", say="没有冻结好、等着抽取的名单，请刷新后再看")
    done = draws.run(hearings.record_of(tx.blobs, newest), _clean("seed", seed))
    return _write(tx, urn, "lot.drawn", {"n": newest["n"], "of": newest["entry_id"]}, done, now)


def _clean(place: str, words: str) -> str:
    try:
        clean = fields.clean(words, lines=False)
    except ValueError as fault:
        raise BadInput([Problem(place, f"{TITLES[place]}{fault}", rule="text")]) from fault
    if len(clean) > 300:
        raise BadInput([Problem(place, f"太长：{len(clean)}字，最多300字", rule="text")])
    return clean


def _write(tx: Tx, urn: Urn, kind: str, body: dict[str, Any], record: draws.Draw, now: datetime) -> str:
    """An entry that names the record's file."""
    stored = tx.blobs.put(draws.write(record).encode(), MEDIA)
    draft = entries.Draft(kind, {**body, "record": {"sha256": stored.sha256, "size": stored.size}})
    draft.blobs.append(stored.row(now))
    return urn.write(draft)


# ---- the list of a hearing -----------------------------------------------------------------------------------


def hindrances(row: Mapping[str, Any], everybody: Sequence[Mapping[str, Any]], now: datetime) -> Iterator[str]:
    """Why the list cannot be frozen now, each with what would help."""
    drawn = {one.name for one in hearings.drawn_sides(row)}
    if row["state"] != "open":
        yield "听证会已经取消，不能再抽取" if row["state"] == "cancelled" else "听证参加人名单已经公布，不能再抽取"
        return
    if not drawn:
        yield "公告里没有以抽取产生的名额"
        return
    if not hearings.notice(row).get("draw_source"):
        yield "公告没有写明抽取的种子从哪里来，不能用种子抽取"
    last = row["signup_until"]
    if last is None:
        yield "公告没有写明报名截止日期，请用“更改听证日期”补写"
    elif legal_date(now) <= last:
        yield f"报名到{days.say_day(last)}24时才截止，截止以后才能冻结名单"
    mine = [one for one in everybody if one["side"] in drawn]
    if waiting := [f"{one['n']}号" for one in mine if one["state"] == "waiting"]:
        yield f"还有 {len(waiting)} 人没有审核：{'、'.join(waiting[:10])}"
    elif not any(one["state"] == "accepted" for one in mine):
        yield "以抽取产生的各方，还没有符合条件的报名人"


def _frozen(row: Mapping[str, Any], everybody: Sequence[Mapping[str, Any]], source: str) -> draws.Draw:
    """The frozen list: by side, everybody accepted. A side with fewer people than seats has all of them."""
    people = {one.name: [each for each in everybody if each["side"] == one.name and each["state"] == "accepted"]
              for one in hearings.drawn_sides(row)}  # fmt: skip
    seats = {one.name: min(one.count, len(people[one.name])) for one in hearings.drawn_sides(row) if people[one.name]}
    try:
        candidates = [draws.Candidate(no=str(one["n"]), side=side) for side in seats for one in people[side]]
        return draws.freeze(row["title"][:120], source, seats, candidates)
    except ValidationError as fault:
        raise BadInput([Problem("sides", "相关方的名称超过40字，不能抽取", rule="text")]) from fault
