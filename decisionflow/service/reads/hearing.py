"""S11 听证会组织台: a hearing as those who organise it see it: how far, by when, who signed up, what was drawn.

The line of milestones is the hearing's track with its acts; the last lawful day of each comes from the gates that
look at the day of the hearing. Nothing here writes, and no act is known by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from decisionflow.core import calendar as days
from decisionflow.core import draw as draws
from decisionflow.core import procedure as law
from decisionflow.core import similar
from decisionflow.core.facts import legal_date
from decisionflow.errors import Forbidden, NotFound
from decisionflow.service import hearing_report, hearings, lots, permissions, steps
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.store.blobs import Blobs
from decisionflow.store.tables.trail import VaultField

_V = VaultField.__table__  # type: ignore[attr-defined]
HOW = {"draw": "报名后抽取", "chosen": "报名后遴选", "recommended": "推荐", "invited": "邀请", "": "公告没有写明"}


@dataclass(frozen=True, slots=True)
class Milestone:
    """One stage on the way to the hearing and after: `state` is done, todo, issue (overdue) or na; `word` says what day."""

    title: str
    state: str
    on: date | None
    say: str
    word: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """Somebody who signed up; `place` is what the draw came to for them, `twins` the numbers with the same contact."""

    n: int
    side: str
    name: str
    contact: str
    unit: str
    words: str
    received_at: datetime
    channel: str
    state: str
    reason: str
    judged_by: str
    place: str
    twins: tuple[int, ...]

    @property
    def title(self) -> str:
        return hearings.STATES[self.state]


@dataclass(frozen=True, slots=True)
class Bench:
    """One side: its seats, and how many signed up; `lack` says what may be done when there are too few."""

    name: str
    count: int
    how: str
    open: bool
    received: int
    waiting: int
    accepted: int
    lack: str


@dataclass(frozen=True, slots=True)
class Lot:
    """A draw: its record, and who it came to; `reason` is why it was given up. `file` is the digest of the record."""

    n: int
    state: str
    record: draws.Draw
    file: str
    reason: str
    frozen_by: str
    frozen_at: datetime
    drawn_by: str
    drawn_at: datetime | None
    chosen: Mapping[str, tuple[str, ...]]

    @property
    def rows(self) -> list[dict[str, str]]:
        """The list by number, with what became of each once it was drawn."""
        found = []
        for one in self.record.candidates:
            drawn, reserve = self.record.drawn.get(one.side, ()), self.record.reserve.get(one.side, ())
            place = f"候补第{reserve.index(one.no) + 1}" if one.no in reserve else ""
            if one.no in self.chosen.get(one.side, ()):
                place = "抽中" if one.no in drawn else f"{place}，已递补"
            elif one.no in drawn:
                place = "抽中，本人退出"
            found.append({"no": one.no, "side": one.side, "place": place})
        return found


@dataclass(frozen=True, slots=True)
class Board:
    """The whole desk of a case's newest hearing."""

    authority: Authority
    standing: steps.Standing
    row: Mapping[str, Any]
    notice: Mapping[str, Any]
    milestones: tuple[Milestone, ...]
    earliest: str
    benches: tuple[Bench, ...]
    lines: tuple[Line, ...]
    lots: tuple[Lot, ...]
    hindrances: tuple[str, ...]
    signing: str
    organises: bool

    @property
    def draws(self) -> bool:
        """Whether anybody is drawn here at all."""
        return bool(self.lots or (self.notice.get("draw_source") and hearings.drawn_sides(self.row)))


def standing_of(connection: Connection, authority: Authority, actor: Actor, no: str) -> steps.Standing:
    """A case with a hearing in its procedure, for those who may read sign-ups. Raises NotFound, Forbidden."""
    standing = steps.visible(connection, authority, actor, no)
    if not hearings.lines(standing.procedure):
        raise NotFound(f"no hearing in {standing.procedure.name}", say="本事项的程序没有听证会这一环节")
    if not permissions.may_read_signups(actor, standing.procedure, standing.facts):
        raise Forbidden("may not read sign-ups", say="听证会的报名情况只有承办单位和监督岗位可以看")
    return standing


def board(
    connection: Connection, blobs: Blobs, authority: Authority, actor: Actor, no: str, now: datetime
) -> Board | None:  # fmt: skip
    """The desk of a hearing; None while none was announced. Raises NotFound, Forbidden."""
    standing = standing_of(connection, authority, actor, no)
    procedure, facts = standing.procedure, standing.facts
    row = hearings.of_case(connection, authority.id, facts.case)
    if row is None:
        return None
    everybody = hearings.signups(connection, row)
    drawn = shown_lots(connection, blobs, row, everybody)
    today = legal_date(now)
    lines = tuple(_lines(connection, authority, everybody, drawn))
    return Board(
        authority, standing, row, hearings.notice(row), tuple(_milestones(standing, row, everybody, drawn, today)),
        _earliest(standing, today), tuple(_benches(row, everybody, today)), lines, drawn,
        tuple(lots.hindrances(row, everybody, now)), hearings.signup_state(row, today),
        permissions.may_organise_hearing(actor, procedure, facts),
    )  # fmt: skip


# ---- the line ------------------------------------------------------------------------------------------------


def _milestones(
    standing: steps.Standing, row: Mapping[str, Any], everybody: Sequence[Mapping[str, Any]], drawn: Sequence[Lot], today: date
) -> Iterator[Milestone]:  # fmt: skip
    """The stages of the hearing's track from its notice on, with sign-up and selection between notice and list."""
    procedure, facts = standing.procedure, standing.facts
    opening = hearings.act_of(procedure, "announce")
    if opening is None:
        return
    track = procedure.tracks[opening.track]
    stages = [one for one in track.stages if one != track.initial and one not in track.waived]
    present = (act for act in facts.acts if act.track == opening.track and act.round == facts.rounds[opening.track])
    reached = {act.after: act for act in present if act.before != act.after}
    here = stages.index(facts.stages[opening.track]) if facts.stages[opening.track] in stages else -1
    for n, stage in enumerate(stages):
        act = reached.get(stage) if n <= here else None
        last = _latest(standing, opening, stage, row["held_on"])
        title = track.stages[stage].replace("已", "", 1)  # what is to be done, not that it was
        if stage == opening.to:
            yield Milestone(title, "done" if act else "na", act.on if act else None, "")
            yield from _between(row, everybody, drawn, here >= stages.index(stage) + 1, today)
        elif act:
            yield Milestone(title, "done", act.on, "")
        else:
            yield _ahead(title, last, row["held_on"], today)


def _between(
    row: Mapping[str, Any], everybody: Sequence[Mapping[str, Any]], drawn: Sequence[Lot], listed: bool, today: date
) -> Iterator[Milestone]:  # fmt: skip
    until = row["signup_until"]
    if any(one.open for one in hearings.sides(row)):
        say = f"已报名 {len(everybody)} 人"
        yield Milestone("报名截止", "done" if listed or (until and today > until) else "todo", until, say)
    waiting = sum(one["state"] == "waiting" for one in everybody)
    done = next((one.drawn_at for one in drawn if one.state == "drawn"), None)
    say = f"{waiting} 人待审核" if waiting else ("已抽取" if done else "")
    if everybody or drawn:
        yield Milestone(
            "遴选", "done" if listed or (done and not waiting) else "todo", legal_date(done) if done else None, say
        )


def _ahead(title: str, last: date | None, held_on: date, today: date) -> Milestone:
    if last is None:
        return Milestone(title, "todo", None, "")
    word = "" if last == held_on else "最迟 "
    return Milestone(title, "issue" if today > last else "todo", last, "", word)


def _latest(standing: steps.Standing, opening: law.Action, stage: str, held_on: date) -> date | None:
    """The last lawful day to come to a stage, by the gates that look at the day of the hearing."""
    procedure = standing.procedure
    papers = _paper_gates(procedure)
    found = []
    for action in procedure.actions:
        if action.track != opening.track or action.to != stage:
            continue
        floors = [gate.at_least for gate in papers if action.id in gate.rows.action]
        floors += _day_floors(procedure, action, opening)
        found += [days.before(standing.calendar, held_on, days.period(one)).ends_on for one in floors]
        found += [held_on for gate in papers if gate.id in action.gates]  # the act that holds the hearing
    return min(found, default=None)


def _day_floors(procedure: law.Procedure, action: law.Action, opening: law.Action) -> list[str]:
    """How long before the day that the notice names an act must be done."""
    found = [gate for gate in procedure.gates_of(action) if isinstance(gate, law.Lapsed) and gate.since == law.Ref()]
    return [gate.at_least for gate in found if opening.id in gate.until.action and gate.at_least != "none"]


def _paper_gates(procedure: law.Procedure) -> list[law.RowsLapsed]:
    """The gates by which papers must have reached everybody some time before the day of the act."""
    tracks = hearings.lines(procedure)
    mine = {name for action in procedure.actions if action.track in tracks for name in action.gates}
    return [gate for gate in procedure.gates
            if isinstance(gate, law.RowsLapsed) and gate.id in mine and gate.rows.action and gate.until == law.Ref()]  # fmt: skip


def _earliest(standing: steps.Standing, today: date) -> str:
    """The earliest lawful day of the hearing if the papers reached everybody today; '' once they are out."""
    taken = {act.action for act in standing.facts.acts}
    ahead = [gate for gate in _paper_gates(standing.procedure) if taken.isdisjoint(gate.rows.action)]
    found = [days.add(standing.calendar, today, days.period(gate.at_least)) for gate in ahead]
    if not found:
        return ""
    last = max(found, key=lambda one: one.ends_on)
    return days.say_day(last.ends_on) + ("（暂估：放假安排未录入）" if last.provisional else "")


# ---- who signed up -------------------------------------------------------------------------------------------


def _benches(row: Mapping[str, Any], everybody: Sequence[Mapping[str, Any]], today: date) -> Iterator[Bench]:
    for one in hearings.sides(row):
        mine = [each for each in everybody if each["side"] == one.name]
        accepted = sum(each["state"] == "accepted" for each in mine)
        waiting = sum(each["state"] == "waiting" for each in mine)
        lack = _lack(one, len(mine), accepted + waiting, hearings.signup_state(row, today))
        yield Bench(one.name, one.count, HOW[one.how], one.open, len(mine), waiting, accepted, lack)


def _lack(side: hearings.Side, received: int, fit: int, signing: str) -> str:
    """What may be done for a side that too few signed up for; '' while that cannot be said yet."""
    if not side.open or fit >= side.count or signing not in ("open", "over"):
        return ""
    if signing == "open":
        return "" if received else "还没有人报名"
    ways = "可以延长报名，或者定向邀请并在名单里说明理由"
    return f"无人报名：{ways}；这一方没有参加人，名单不能公布" if not fit else f"不足名额：符合条件的全部参加，{ways}"


def _lines(
    connection: Connection, authority: Authority, everybody: Sequence[Mapping[str, Any]], drawn: Sequence[Lot]
) -> Iterator[Line]:  # fmt: skip
    vault = opened(connection, authority, everybody)
    places = {row["no"]: row["place"] for row in (drawn[0].rows if drawn and drawn[0].state == "drawn" else ())}
    contacts: dict[str, list[int]] = {}
    for one in everybody:
        contacts.setdefault(similar.plain(vault.get(one["contact"], "")), []).append(one["n"])
    for one in everybody:
        said = {name: vault.get(one[name], "") for name in ("name", "contact", "unit", "words")}
        twins = contacts[similar.plain(said["contact"])] if said["contact"] else []
        yield Line(
            one["n"], one["side"], said["name"], said["contact"], said["unit"], said["words"], one["received_at"],
            one["channel"], one["state"], one["reason"], one["judged_by"], places.get(str(one["n"]), ""),
            tuple(n for n in twins if n != one["n"]),
        )  # fmt: skip


def opened(connection: Connection, authority: Authority, everybody: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The personal values of these sign-ups by their commitments; an erased one is not there."""
    wanted = [one["entry_id"] for one in everybody]
    found: dict[str, str] = {}
    for n in range(0, len(wanted), 500):
        mine = (_V.c.authority_id == authority.id) & _V.c.entry_id.in_(wanted[n : n + 500])
        found |= {
            row.commitment: row.value for row in connection.execute(select(_V.c.commitment, _V.c.value).where(mine))
        }
    return found


# ---- draws ---------------------------------------------------------------------------------------------------


def shown_lots(
    connection: Connection, blobs: Blobs, row: Mapping[str, Any], everybody: Sequence[Mapping[str, Any]]
) -> tuple[Lot, ...]:  # fmt: skip
    """The draws of a hearing, the newest first."""
    gone = [str(one["n"]) for one in everybody if one["state"] == "gone"]
    found = []
    for one in hearings.lots(connection, row):
        record = hearings.record_of(blobs, one)
        found.append(Lot(
            one["n"], one["state"], record, one["drawn"] or one["frozen"], one["reason"], one["frozen_by"], one["frozen_at"],
            one["drawn_by"], one["drawn_at"], hearings.chosen(record, [] if one["state"] == "void" else gone),
        ))  # fmt: skip
    return tuple(found)


# ---- what the acts start with --------------------------------------------------------------------------------


def starting(
    connection: Connection, blobs: Blobs, authority: Authority, actor: Actor, no: str, role: str, now: datetime
) -> dict[str, Any]:  # fmt: skip
    """What the form of the list or of the report starts with; nothing while no hearing is announced."""
    standing = steps.load(connection, authority, no)
    if not permissions.may_organise_hearing(actor, standing.procedure, standing.facts):
        return {}
    if role == "report":
        return {"views": hearing_report.views(blobs, standing.procedure, standing.facts)}
    found = board(connection, blobs, authority, actor, no, now)
    return _participants(found) if found and found.row["state"] == "open" else {}


def _participants(at: Board) -> dict[str, Any]:
    """The list of participants: those drawn, those chosen, and a row for each seat that somebody is named for."""
    by_number = {str(line.n): line for line in at.lines}
    drawn = at.lots[0].chosen if at.lots and at.lots[0].state == "drawn" else {}
    rows: list[dict[str, str]] = []
    free = max(by_number, key=int, default="0")
    following = int(free) + 1
    for side in hearings.sides(at.row):
        if side.name in drawn:
            mine = [by_number[no] for no in drawn[side.name]]
            rows += [{"no": str(one.n), "name": one.name, "side": side.name, "how": "draw"} for one in mine]
            continue
        fit = [one for one in at.lines if one.side == side.name and one.state == "accepted"]
        rows += [{"no": str(one.n), "name": one.name, "side": side.name, "how": "chosen"} for one in fit[: side.count]]
        for _ in range(side.count - len(fit) if not side.open else 0):
            rows.append({"no": str(following), "side": side.name, "how": side.how})
            following += 1
    return {"participants": rows, "applicants": str(len(at.lines)), "process": _process(at)}


def _process(at: Board) -> str:
    accepted = sum(one.state == "accepted" for one in at.lines)
    said = [f"共收到 {len(at.lines)} 人报名，符合条件 {accepted} 人。"] if at.lines else []
    if at.lots and at.lots[0].state == "drawn":
        lot = at.lots[0]
        again = f"（第 {lot.n} 次抽取）" if lot.n > 1 else ""
        said.append(
            f"名单冻结并公布后，以“{lot.record.source}”为种子抽取{again}，名单摘要 {lot.record.list_sha256[:8]}。"
        )
    return "".join(said)
