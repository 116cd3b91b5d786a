"""Choosing experts for a case (art. 20(2)): conditions, candidates with what speaks against each, draw, invitations.

The machine says of each candidate what speaks against choosing them (left, absent, the same or a former unit, a partner, a
relative, too much to do); only who has left or is away cannot be invited at all, the rest is a hint, since the law bars a
direct interest and not acquaintance. Who recuses himself is followed by the next in reserve, so that the count stays right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, delete, select

from decisionflow.core import draw as draws
from decisionflow.core import fields, machine
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts, Timing, legal_date
from decisionflow.errors import BadInput, Forbidden, NotFound, Problem, Settled
from decisionflow.service import entries, hearings, lots, panels, permissions, pool, projections, steps
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.service.panels import AWAY, STATES, act_of, due, hashed, invitations, is_of, of_case
from decisionflow.service.pool import Member
from decisionflow.service.reads import stored
from decisionflow.store.engine import Tx
from decisionflow.store.records import Record, Rows
from decisionflow.store.tables.experts import ExpertLink, Invitation, Panel

_P = Panel.__table__  # type: ignore[attr-defined]
_I = Invitation.__table__  # type: ignore[attr-defined]
_L = ExpertLink.__table__  # type: ignore[attr-defined]
BUSY = 3  # open cases at once; our choice, not the law's
LEAST = 8


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody of the pool for a side of the draw; `against` says why not to choose them, `barred` that nobody may."""

    member: Member
    side: str
    load: int
    views: Mapping[str, int]
    against: tuple[str, ...]
    barred: bool
    tied: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many experts of which specialities are asked, and where the seed of the draw will come from."""

    seats: Mapping[str, int] = field(default_factory=dict)
    source: str = ""


# ---- who could be asked ------------------------------------------------------------------------------------


def candidates(
    connection: Connection, authority: Authority, standing: steps.Standing, sides: Sequence[str], now: datetime
) -> tuple[Candidate, ...]:  # fmt: skip
    """Everybody of the pool whose speciality is wanted, each for the first side that fits, by number."""
    everybody = pool.everybody(connection, authority.id)
    load, views = history(connection, authority, standing.facts.case, everybody)
    relatives = pool.opened(connection, authority.id, (one.relatives for one in everybody))
    near = pool.unit_names(connection, authority.id, _lead_units(standing.facts))
    people = {act.party.name for act in standing.facts.acts}
    row = of_case(connection, authority.id, standing.procedure, standing.facts)
    away = {
        one["expert_id"]: one["state"] for one in (invitations(connection, row) if row else ()) if one["state"] in AWAY
    }
    found = []
    for member in everybody:
        side = next((one for one in sides if one in member.specialities), "")
        if not side:
            continue
        ties = tuple(_ties(member, near, people, relatives.get(member.relatives, "")))
        bars = tuple(_bars(member, away.get(member.id, ""), legal_date(now)))
        busy = (f"手上已有 {load[member.id]} 件没有办结",) if load[member.id] >= BUSY else ()
        found.append(Candidate(member, side, load[member.id], views.get(member.id, {}), (*bars, *ties, *busy),
                               bool(bars), bool(ties)))  # fmt: skip
    return tuple(found)


def _bars(member: Member, state: str, today: date) -> Iterator[str]:
    if member.left_on is not None:
        yield f"已退出专家库：{member.left_reason}"
    elif member.absent(today):
        yield f"不能参加，到 {member.absent_until}"
    if state == "recused":
        yield "已在本事项申报利害关系"
    elif state == "gone":
        yield "已结束过邀请"


def _ties(member: Member, near: Iterable[str], people: Iterable[str], relatives: str) -> Iterator[str]:
    """What is known to tie an expert to those who prepare the matter: proposed, for a person to judge."""
    if any(name in member.unit for name in near):
        yield "与承办单位是同一单位"
    if any(name in former for name in near for former in member.former_units):
        yield "曾在承办单位工作"
    if any(name in partner for name in near for partner in member.partners):
        yield "与承办单位有合作（承接其项目）"
    if relatives and any(name in relatives for name in (*near, *people)):
        yield "申报的亲属关系涉及承办单位或者经办人员"


def _lead_units(facts: Facts) -> list[str]:
    """The units that prepare the matter, the leading one and those beside it."""
    return [str(one.get("name", "")) for duty in ("lead", "co_unit") for one in facts.duties.get(duty, ())]


def history(
    connection: Connection, authority: Authority, but: str, everybody: Sequence[Member]
) -> tuple[Counter[str], dict[str, Counter[str]]]:
    """In how many cases (all `but` one) each expert still has to speak, by id; and how they concluded in all their opinions."""
    load: Counter[str] = Counter()
    views: dict[str, Counter[str]] = {}
    asked: dict[str, set[str]] = {}
    for row in connection.execute(
        select(_I.c.expert_id, _P.c.case_id).where(
            _I.c.authority_id == authority.id, _I.c.state.in_(("invited", "clear")), _P.c.authority_id == _I.c.authority_id,
            _P.c.id == _I.c.panel_id,
        )
    ):  # fmt: skip
        asked.setdefault(row.case_id, set()).add(row.expert_id)
    for one in stored.cases(connection, authority):
        select_, opinion = act_of(one.procedure, "select"), act_of(one.procedure, "opinion")
        if select_ is None or opinion is None:
            continue
        spoken = set()
        for act in one.facts.acts:
            if act.action == opinion.id:
                for member in everybody:
                    if is_of(act.fields.get("expert"), member.person, member.name):
                        views.setdefault(member.id, Counter())[str(act.fields.get("conclusion", ""))] += 1
                        spoken.add(member.id)
        if one.ended or one.facts.case == but or one.facts.stages[select_.track] not in _running(one.procedure):
            continue
        listed = [row for row in _listed(one.facts.last((select_.id,))) if row.get("chosen") is True]
        mine = asked.get(one.facts.case, set())
        mine |= {
            member.id for member in everybody for row in listed if is_of(row.get("name"), member.person, member.name)
        }
        load.update(mine - spoken)
    return load, views


def _running(procedure: law.Procedure) -> set[str]:
    """The stages of the expert line in which experts still have to speak."""
    action = act_of(procedure, "select")
    if action is None:
        return set()
    track = procedure.tracks[action.track]
    return set(track.stages) - set(track.done) - set(track.waived) - set(track.failed)


def _listed(act: Act | None) -> list[Mapping[str, Any]]:
    return hearings.rows(act.fields.get("experts")) if act else []


# ---- deeds of those who choose -----------------------------------------------------------------------------


def organised(tx: Tx, authority: Authority, actor: Actor, no: str) -> steps.Standing:
    """A case for those who choose its experts, while they may be chosen; nobody else chooses meanwhile.

    Raises NotFound, Forbidden, Settled.
    """
    standing = steps.load(tx.connection, authority, no)
    if not permissions.may_choose_experts(actor, standing.procedure, standing.facts):
        raise Forbidden("may not choose experts", say="只有承办单位可以抽取、邀请专家")
    action = act_of(standing.procedure, "select")
    if action is None or not machine.fits(action, standing.facts.stages):
        raise Settled(
            "not the time to choose experts", say="现在不在选取专家的环节；草案拟订阶段、论证报告形成以前才能选"
        )
    tx.alone(f"panel:{standing.facts.case}")
    return standing


def _opened(tx: Tx, authority: Authority, actor: Actor, standing: steps.Standing, now: datetime) -> dict[str, Any]:
    """The panel, begun if there is none."""
    facts, action = standing.facts, act_of(standing.procedure, "select")
    row = of_case(tx.connection, authority.id, standing.procedure, facts)
    if row is not None or action is None:
        return row or {}
    at = entries.Head(authority.id, panels.KIND, entries.new_id(now))
    body = {"case": facts.case, "no": facts.no, "title": facts.title, "round": facts.rounds[action.track]}
    composed = entries.compose(entries.Draft("panel.opened", body), at, actor, Timing(now), clock=authority.clock)
    rows = projections.panel_rows(tx.connection, None, composed.record)
    tx.add(Record(composed.append, (*composed.rows, *rows)))
    tx.ahead()
    return of_case(tx.connection, authority.id, standing.procedure, facts) or {}


def write(
    tx: Tx, authority: Authority, actor: Actor, row: Mapping[str, Any], draft: entries.Draft, now: datetime
) -> str:  # fmt: skip
    """Write an entry into a panel's chain; its id."""
    at = entries.head(tx.connection, authority.id, panels.KIND, row["id"])
    composed = entries.compose(draft, at, actor, Timing(now), clock=authority.clock)
    rows = projections.panel_rows(tx.connection, row, composed.record)
    tx.add(Record(composed.append, (*composed.rows, *rows)))
    return composed.id


def wanted(sides: Iterable[str], counts: Iterable[str], source: str) -> Wanted:
    """The conditions as typed: specialities with how many of each. Raises BadInput."""
    problems, seats = [], {}
    for n, (side, count) in enumerate(zip(sides, counts, strict=False)):
        name, many = side.strip(), count.strip()
        if not name and not many:
            continue
        if not name:
            problems.append(Problem(f"side.{n}", "请填写专业领域", rule="required"))
        elif not (many.isascii() and many.isdigit() and 1 <= int(many) <= 50):
            problems.append(Problem(f"count.{n}", f"“{name[:20]}”请填写名额，1到50之间的整数", rule="number"))
        elif name in seats:
            problems.append(Problem(f"side.{n}", f"“{name[:20]}”写了两次，请合并", rule="doubled"))
        else:
            seats[name] = int(many)
    if not seats and not problems:
        problems.append(Problem("side.0", "请填写至少一个专业领域和名额", rule="required"))
    if problems:
        raise BadInput(problems)
    return Wanted(seats, source.strip())


def freeze(tx: Tx, authority: Authority, actor: Actor, no: str, asked: Wanted, now: datetime) -> str:
    """Freeze the list of those against whom nothing speaks, to be drawn from; the entry's id.

    Who was left out, and why, stands in the entry. Raises BadInput, Settled, NotFound, Forbidden.
    """
    standing = organised(tx, authority, actor, no)
    everybody = candidates(tx.connection, authority, standing, tuple(asked.seats), now)
    fit = [one for one in everybody if not one.against]
    problems = []
    for n, (side, count) in enumerate(asked.seats.items()):
        there = sum(one.side == side for one in fit)
        if there < count:
            say = (
                f"“{side}”要抽 {count} 名，可以抽的只有 {there} 名：请减少名额、使用上级专家库，或者定向邀请并写明理由"
            )
            problems.append(Problem(f"count.{n}", say, rule="D713-37"))
    row = _opened(tx, authority, actor, standing, now) if not problems else {}
    before = next(iter(hearings.lots(tx.connection, row)), None) if row else None
    source = asked.source or (before["next_source"] if before else "")
    try:
        picked = [draws.Candidate(no=str(one.member.n), side=one.side) for one in fit]
        frozen = (
            None if problems else draws.freeze(f"论证专家：{standing.facts.title}"[:120], source, asked.seats, picked)
        )
    except ValidationError as fault:
        raise BadInput([Problem("source", "专业领域最多40字，种子的来源最多300字", rule="text")]) from fault
    if frozen is None:
        raise BadInput(problems)
    left_out = [
        {"no": str(one.member.n), "side": one.side, "why": list(one.against)} for one in everybody if one.against
    ]
    return lots.put_in(tx, _urn(tx, authority, actor, row, now), frozen, now, {"left_out": left_out})


def void(tx: Tx, authority: Authority, actor: Actor, no: str, reason: str, source: str, now: datetime) -> str:
    """Give up the newest draw for a reason; who was invited by it stays invited until that is ended.

    Raises BadInput, Settled, NotFound, Forbidden.
    """
    row = _there(tx, authority, actor, no)
    if any(one["how"] != "targeted" and one["state"] not in AWAY for one in invitations(tx.connection, row)):
        say = "已经按这次抽取发出了邀请；要重新抽取的，先逐人写明理由、结束邀请"
        raise Settled("somebody drawn is invited", say=say)
    return lots.give_up(tx, _urn(tx, authority, actor, row, now), reason, source)


def run(tx: Tx, authority: Authority, actor: Actor, no: str, seed: str, now: datetime) -> str:
    """Draw from the frozen list with the seed as it was published; the entry's id.

    Raises BadInput, Settled, NotFound, Forbidden.
    """
    row = _there(tx, authority, actor, no)
    return lots.take_out(tx, _urn(tx, authority, actor, row, now), seed, now)


def _there(tx: Tx, authority: Authority, actor: Actor, no: str) -> dict[str, Any]:
    standing = organised(tx, authority, actor, no)
    row = of_case(tx.connection, authority.id, standing.procedure, standing.facts)
    if row is None:
        raise NotFound(f"no panel of {no}", say="这个事项还没有冻结名单，也没有邀请过专家")
    return row


def _urn(tx: Tx, authority: Authority, actor: Actor, row: Mapping[str, Any], now: datetime) -> lots.Urn:
    return lots.Urn(row, lambda draft: write(tx, authority, actor, row, draft, now))


# ---- invitations ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ask:
    """Whom to invite (by number in the pool), until when, and why if the draw did not come to them."""

    expert: int
    until: str
    reason: str = ""


def invite(
    tx: Tx, authority: Authority, actor: Actor, no: str, given: Ask, token: str, now: datetime
) -> str:  # fmt: skip
    """Invite an expert; the entry's id. Of the link only a hash is kept; whoever calls shows it once.

    Raises BadInput, Settled, NotFound, Forbidden.
    """
    standing = organised(tx, authority, actor, no)
    member = pool.one(tx.connection, authority.id, given.expert)
    row = of_case(tx.connection, authority.id, standing.procedure, standing.facts)
    before = invitations(tx.connection, row) if row else []
    mine = [one for one in before if one["expert_id"] == member.id]
    if any(one["state"] != "gone" for one in mine):
        say = f"{member.name}：{STATES[mine[-1]['state']]}，不再邀请"
        raise Settled(f"expert {member.n} is {mine[-1]['state']}", say=say)
    side, how = _place(tx, row, member)
    problems = [Problem("expert", f"{member.name}{say}", rule="D713-36")
                for say in _bars(member, "", legal_date(now))]  # fmt: skip
    until, reason = _until(given.until, problems, now), _reason(given.reason, problems, needed=how == "targeted")
    if problems:
        raise BadInput(problems)
    row = row or _opened(tx, authority, actor, standing, now)
    n = int(row["invitations"]) + 1
    body = {
        "n": n, "expert": member.id, "expert_no": member.n, "person": member.person, "name": member.name,
        "unit": member.unit, "side": side, "how": how, "reason": reason, "until": until,
    }  # fmt: skip
    entry = write(tx, authority, actor, row, entries.Draft("panel.invited", body), now)
    _link(tx, row, n, token, now)
    return entry


def _place(tx: Tx, row: Mapping[str, Any] | None, member: Member) -> tuple[str, str]:
    """The side an expert is asked for, and how the draw came to them."""
    for side, numbers in (due(tx.connection, tx.blobs, row) if row else {}).items():
        if str(member.n) in numbers:
            newest = hearings.lots(tx.connection, row or {})[0]
            first = str(member.n) in hearings.record_of(tx.blobs, newest).drawn.get(side, ())
            return side, "draw" if first else "reserve"
    return member.specialities[0], "targeted"


def relink(
    tx: Tx, authority: Authority, actor: Actor, no: str, n: int, until: str, token: str, now: datetime
) -> str:  # fmt: skip
    """A new link for an invitation, the old one ends; without a `token` only more time. The entry's id.

    Raises BadInput, Settled, NotFound, Forbidden.
    """
    row, old = _invitation(tx, authority, actor, no, n)
    if old["state"] in AWAY:
        raise Settled(f"invitation {n} is {old['state']}", say=f"{old['name']}：{STATES[old['state']]}，不能再发链接")
    problems: list[Problem] = []
    day = _until(until, problems, now)
    if problems:
        raise BadInput(problems)
    body = {"n": n, "of": old["entry_id"], "until": day}
    kind = "panel.relinked" if token else "panel.extended"
    entry = write(tx, authority, actor, row, entries.Draft(kind, body), now)
    if token:
        _link(tx, row, n, token, now)
    return entry


def end(tx: Tx, authority: Authority, actor: Actor, no: str, n: int, reason: str, now: datetime) -> str:
    """End an invitation (no answer, illness, death, an interest known otherwise); the reserve follows. The entry's id.

    An opinion that was signed stands. Raises BadInput, Settled, NotFound, Forbidden.
    """
    row, old = _invitation(tx, authority, actor, no, n)
    if old["state"] in (*AWAY, "filed"):
        say = f"{old['name']}：{STATES[old['state']]}" + (
            "；已署名的意见不因退出而失效" if old["state"] == "filed" else ""
        )
        raise Settled(f"invitation {n} is {old['state']}", say=say)
    problems: list[Problem] = []
    why = _reason(reason, problems, needed=True)
    if problems:
        raise BadInput(problems)
    tx.execute(delete(_L).where(_L.c.authority_id == authority.id, _L.c.panel_id == row["id"], _L.c.n == n))
    return write(
        tx, authority, actor, row, entries.Draft("panel.ended", {"n": n, "of": old["entry_id"], "reason": why}), now
    )


def _invitation(
    tx: Tx, authority: Authority, actor: Actor, no: str, n: int
) -> tuple[dict[str, Any], dict[str, Any]]:  # fmt: skip
    row = _there(tx, authority, actor, no)
    found = next((one for one in invitations(tx.connection, row) if one["n"] == n), None)
    if found is None:
        raise NotFound(f"no invitation {n} of {no}", say=f"没有第 {n} 份邀请")
    return row, found


def _link(tx: Tx, row: Mapping[str, Any], n: int, token: str, now: datetime) -> None:
    tx.execute(delete(_L).where(_L.c.authority_id == row["authority_id"], _L.c.panel_id == row["id"], _L.c.n == n))
    made = {"token_hash": hashed(token), "authority_id": row["authority_id"], "panel_id": row["id"], "n": n, "bound": "",
            "made_at": now, "bound_at": None}  # fmt: skip
    tx.put(Rows("expert_link", [made], "insert"))


def _until(given: str, problems: list[Problem], now: datetime) -> str:
    try:
        day = date.fromisoformat(given.strip())
    except ValueError:
        problems.append(Problem("until", "截止日期应写作 2026-11-02", rule="date"))
        return ""
    if day < legal_date(now):
        problems.append(Problem("until", "截止日期不能早于今天", rule="past"))
    return day.isoformat()


def _reason(given: str, problems: list[Problem], *, needed: bool) -> str:
    try:
        words = fields.clean(given, lines=False)
    except ValueError as fault:
        problems.append(Problem("reason", f"理由{fault}", rule="text"))
        return ""
    if len(words) > 300:
        problems.append(Problem("reason", f"理由太长：{len(words)}字，最多300字", rule="text"))
    if needed and len(words) < LEAST:
        problems.append(Problem("reason", f"请写明理由（至少{LEAST}字），会留在记录里", rule="D713-36"))
    return words
