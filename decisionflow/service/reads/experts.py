"""S12 专家抽取与回避, S13 专家意见, and the pool: as those who choose, those who are asked, and those who keep it see them.

Nothing here writes. What an expert is writing has no view but the expert's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, text

from decisionflow.core import machine, texts
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts, Paper, legal_date
from decisionflow.errors import Forbidden, NotFound
from decisionflow.service import choosing, guests, hearings, panels, permissions, pool, register, steps
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.service.choosing import Candidate
from decisionflow.service.guests import Guest
from decisionflow.service.pool import Member
from decisionflow.service.reads import hearing
from decisionflow.store.blobs import Blobs
from decisionflow.trail import canonical

_ENTRY = text("select data from trail_entry where authority_id = :a and entry_id = :e")

# ---- the pool ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """Somebody of the pool with what the vault holds; `state` is in, absent or left."""

    member: Member
    state: str
    relatives: str
    notes: tuple[tuple[str, str], ...]
    load: int


@dataclass(frozen=True, slots=True)
class Pool:
    """The pool as it is searched; `keeps` is whether the visitor may change it."""

    rows: tuple[Shown, ...]
    total: int
    specialities: tuple[tuple[str, int], ...]
    keeps: bool


def pool_of(
    connection: Connection, authority: Authority, actor: Actor, field: str, words: str, now: datetime
) -> Pool:  # fmt: skip
    """The pool, of one speciality or holding some words. Raises Forbidden."""
    if not permissions.may_read_pool(actor):
        raise Forbidden("may not read the pool", say="专家库由政府办公室管理，承办单位和监督岗位可以查看")
    everybody = pool.everybody(connection, authority.id)
    vault = pool.opened(
        connection,
        authority.id,
        [one.relatives for one in everybody] + [note["note"] for one in everybody for note in one.notes],
    )
    load, _ = choosing.history(connection, authority, "", everybody)
    today = legal_date(now)
    rows = tuple(
        Shown(
            one, "left" if one.left_on else "absent" if one.absent(today) else "in", vault.get(one.relatives, ""),
            tuple((note["on"], vault.get(note["note"], "（已按规定删除）")) for note in one.notes), load[one.id],
        )
        for one in everybody
        if (not field or field in one.specialities)
        and (not words or any(words in part for part in (one.name, one.unit, one.title, *one.specialities)))
    )  # fmt: skip
    return Pool(
        tuple(sorted(rows, key=lambda row: (row.state == "left", row.member.n))), len(everybody),
        _fields(everybody), permissions.may_keep_pool(actor),
    )  # fmt: skip


def _fields(everybody: Sequence[Member]) -> tuple[tuple[str, int], ...]:
    """Every speciality with how many of the pool have it, the most common first."""
    counts = Counter(side for one in everybody if one.left_on is None for side in one.specialities)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


# ---- the desk ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seat:
    """A place that the newest draw comes to: whose, and whether somebody was invited to it."""

    side: str
    expert: int
    name: str
    unit: str
    place: str
    invited: bool


@dataclass(frozen=True, slots=True)
class Line:
    """An invitation as the desk shows it; `declared` is what was said of an interest."""

    n: int
    name: str
    unit: str
    side: str
    how: str
    reason: str
    until: date
    overdue: bool
    state: str
    word: str
    declared: str
    ended: str
    opened: tuple[int, ...]
    bound: bool
    filed: str


@dataclass(frozen=True, slots=True)
class Board:
    """The whole desk of a case's experts in this round."""

    authority: Authority
    standing: steps.Standing
    row: Mapping[str, Any] | None
    lots: tuple[hearing.Lot, ...]
    left_out: Mapping[int, Sequence[Mapping[str, Any]]]
    names: Mapping[str, str]
    lines: tuple[Line, ...]
    seats: tuple[Seat, ...]
    specialities: tuple[tuple[str, int], ...]
    chooses: bool
    open: bool

    @property
    def needed(self) -> int:
        return len(self.seats) + sum(line.how == "targeted" and line.state not in panels.AWAY for line in self.lines)

    @property
    def clear(self) -> int:
        return sum(line.state in ("clear", "filed") for line in self.lines)

    @property
    def redraws(self) -> int:
        return max(0, sum(bool(lot.drawn_at) for lot in self.lots) - 1)

    @property
    def ready(self) -> bool:
        """Whether everybody who is to be asked has declared, so that the list can be signed."""
        return 0 < self.needed == self.clear


def standing_of(connection: Connection, authority: Authority, actor: Actor, no: str) -> steps.Standing:
    """A case with experts in its procedure, for those who may see who is asked. Raises NotFound, Forbidden."""
    standing = steps.visible(connection, authority, actor, no)
    if panels.act_of(standing.procedure, "select") is None:
        raise NotFound(f"no experts in {standing.procedure.name}", say="本事项的程序没有专家论证这一环节")
    if not permissions.may_read_panel(actor, standing.procedure, standing.facts):
        raise Forbidden("may not read the panel", say="专家的选取和回避情况只有承办单位和监督岗位可以看")
    return standing


def board(
    connection: Connection, blobs: Blobs, authority: Authority, actor: Actor, no: str, now: datetime
) -> Board:  # fmt: skip
    """The desk. Raises NotFound, Forbidden."""
    standing = standing_of(connection, authority, actor, no)
    procedure, facts = standing.procedure, standing.facts
    row = panels.of_case(connection, authority.id, procedure, facts)
    everybody = pool.everybody(connection, authority.id)
    invited = panels.invitations(connection, row) if row else []
    away = [{"n": one["expert_no"], "state": "gone"} for one in invited if one["state"] in panels.AWAY]
    lots = hearing.shown_lots(connection, blobs, row, away) if row else ()
    select = panels.act_of(procedure, "select")
    return Board(
        authority, standing, row, lots, _left_out(connection, row) if row else {},
        {str(one.n): f"{one.name}（{one.unit}）" for one in everybody},
        tuple(_lines(connection, authority, standing, row, invited, legal_date(now))), tuple(_seats(lots, everybody, invited)),
        _fields(everybody), permissions.may_choose_experts(actor, procedure, facts),
        select is not None and machine.fits(select, facts.stages),
    )  # fmt: skip


def _left_out(connection: Connection, row: Mapping[str, Any]) -> dict[int, Sequence[Mapping[str, Any]]]:
    """Who was not on the list of each draw, and why, as its entry says."""
    found = {}
    for lot in hearings.lots(connection, row):
        data = connection.execute(_ENTRY, {"a": row["authority_id"], "e": lot["entry_id"]}).scalar_one()
        found[lot["n"]] = canonical.decode(data)["body"]["left_out"]
    return found


def _lines(
    connection: Connection, authority: Authority, standing: steps.Standing, row: Mapping[str, Any] | None,
    invited: Sequence[Mapping[str, Any]], today: date,
) -> Iterator[Line]:  # fmt: skip
    vault = pool.opened(connection, authority.id, (one["declared"] for one in invited))
    bound = panels.bound(connection, row) if row else frozenset()
    on_paper = _on_paper(standing)
    for one in invited:
        state = one["state"]
        paper = next((act for who, act in on_paper if panels.is_of(who, one["person_id"], one["name"])), None)
        if state in ("invited", "clear") and paper is not None:
            state = "filed"
        yield Line(
            one["n"], one["name"], one["unit"], one["side"], one["how"], one["reason"], one["until"],
            state in ("invited", "clear") and today > one["until"], state, panels.STATES[state],
            vault.get(one["declared"], ""), one["ended_reason"], _versions(one["opened"]), one["n"] in bound,
            one["filed"] or (paper.entry if paper else ""),
        )  # fmt: skip


def _on_paper(standing: steps.Standing) -> list[tuple[object, Act]]:
    """Every opinion of this round with whose it is, also those that came on paper."""
    action = panels.act_of(standing.procedure, "opinion")
    return [(act.fields.get("expert"), act) for act in standing.facts.current((action.id,))] if action else []


def _versions(opened: str) -> tuple[int, ...]:
    return tuple(one["version"] for one in orjson.loads(opened))


def _seats(
    lots: Sequence[hearing.Lot], everybody: Sequence[Member], invited: Sequence[Mapping[str, Any]]
) -> Iterator[Seat]:  # fmt: skip
    if not lots or lots[0].state != "drawn":
        return
    known, asked = {str(one.n): one for one in everybody}, {str(one["expert_no"]) for one in invited}
    places = {row["no"]: row["place"] for row in lots[0].rows}
    for side, numbers in lots[0].chosen.items():
        for no in numbers:
            yield Seat(side, int(no), known[no].name, known[no].unit, places.get(no, ""), no in asked)


def candidates(
    connection: Connection, authority: Authority, at: Board, sides: Sequence[str], now: datetime
) -> tuple[Candidate, ...]:  # fmt: skip
    """Those of the pool who come into question: nothing against them first."""
    found = choosing.candidates(connection, authority, at.standing, sides, now)
    return tuple(sorted(found, key=lambda one: (sides.index(one.side), bool(one.against), one.member.n)))


def starting(
    connection: Connection, blobs: Blobs, authority: Authority, actor: Actor, no: str, now: datetime
) -> dict[str, Any]:  # fmt: skip
    """What the form that selects experts starts with; nothing for those who do not choose."""
    at = board(connection, blobs, authority, actor, no, now)
    if not at.chooses or at.row is None:
        return {}
    directory = register.Directory(connection, authority.id, legal_date(now))
    ties = {one.member.n: one.tied for one in choosing.candidates(
        connection, authority, at.standing, [side for one in pool.everybody(connection, authority.id)
                                             for side in one.specialities], now)}  # fmt: skip
    rows = []
    for one, line in zip(panels.invitations(connection, at.row), at.lines, strict=True):
        if one["declared_at"] is None and line.state != "filed":
            continue
        known = directory.find("person", one["name"])
        away = line.state in panels.AWAY
        rows.append({
            "name": one["name"] if known is None or known["id"] == one["person_id"] else one["person_id"],
            "unit": one["unit"], "field": one["side"], "declared": "true" if one["declared_at"] else "",
            "interest": "true" if line.state == "recused" else "false" if one["declared_at"] else "",
            "tied": "true" if ties.get(one["expert_no"]) else "false", "withdrawn": "true" if away else "false",
            "chosen": "false" if away else "true",
            "note": "；".join(part for part in (panels.HOW[line.how], line.reason, line.word if away else "") if part),
        })  # fmt: skip
    drawn = bool(at.lots and at.lots[0].state == "drawn")
    return {"pool": "own", "method": "draw" if drawn else "pick", "method_note": _process(at), "experts": rows}


def _process(at: Board) -> str:
    said = []
    if at.lots and at.lots[0].state == "drawn":
        lot = at.lots[0]
        again = f"（第 {lot.n} 次抽取）" if lot.n > 1 else ""
        said.append(f"名单冻结后，以“{lot.record.source}”为种子抽取{again}，名单摘要 {lot.record.list_sha256[:8]}。")
    recused = [line.name for line in at.lines if line.state == "recused"]
    if recused:
        said.append(f"{'、'.join(recused)}申报利害关系回避，由候补依次递补。")
    said += [f"{line.name}为定向邀请（非抽取）：{line.reason}。" for line in at.lines if line.how == "targeted"]
    return "".join(said)


# ---- behind a link -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an opinion: the point, what was done with it, and why."""

    point: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Room:
    """What an expert sees behind the link. No draft and no paper before a declaration, and not before they are opened."""

    guest: Guest
    document: texts.Document | None
    papers: tuple[Paper, ...]
    said: Mapping[str, str]
    given: str
    outcomes: tuple[Outcome, ...]
    dissent: str
    studied: date | None
    conclusions: Mapping[str, str]
    titles: Mapping[str, str]


def room(blobs: Blobs, guest: Guest) -> Room:
    """The room behind a link."""
    facts, may = guest.standing.facts, guest.state in ("clear", "filed")
    opened = may and guest.version in guest.read
    document = texts.load(blobs.get(facts.text.sha256)) if opened and facts.text else None
    act = guest.act
    said = {name: whole(blobs, act.fields.get(name, "")) for name in guests.WORDS} if act else {}
    conclusions = (guest.action.field("conclusion") or law.FieldSpec(id="x", title="", type="choice")).choices
    if act:
        said["conclusion"] = str(act.fields.get("conclusion", ""))
    report = _report(guest.standing.procedure, facts) if act else None
    return Room(
        guest, document, guests.papers(guest) if opened else (), said, _version(act),
        tuple(_outcomes(blobs, guest, report)), whole(blobs, report.fields.get("dissent", "")) if report else "",
        report.on if report else None, conclusions, {spec.id: spec.title for spec in guest.action.fields},
    )  # fmt: skip


def _version(act: Act | None) -> str:
    return str(act.text.version) if act and act.text else ""


def _report(procedure: law.Procedure, facts: Facts) -> Act | None:
    action = panels.act_of(procedure, "report")
    return facts.last((action.id,)) if action else None


def _outcomes(blobs: Blobs, guest: Guest, report: Act | None) -> Iterator[Outcome]:
    """The points of the report that name this expert, else all of them: nobody says whose they are."""
    action = panels.act_of(guest.standing.procedure, "report")
    spec = action.field("points") if action else None
    if report is None or spec is None:
        return
    words = next((one.choices for one in spec.columns if one.id == "disposition"), {})
    rows = hearings.rows(report.fields.get("points"))
    mine = [row for row in rows if guest.invitation["name"] in str(row.get("expert", ""))]
    for row in mine or rows:
        kind = str(row.get("disposition", ""))
        yield Outcome(whole(blobs, row.get("point", "")), words.get(kind, kind), whole(blobs, row.get("reason", "")))


def whole(blobs: Blobs, value: Any) -> str:
    """A text in full, also one that lies apart because it is long."""
    return (
        blobs.get(str(value["blob"])).decode() if isinstance(value, Mapping) and "blob" in value else str(value or "")
    )
