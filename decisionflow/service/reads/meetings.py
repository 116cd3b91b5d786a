"""S19, S20: a meeting's agenda with the matters that wait for one, its papers and their receipts, and the record by matter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, or_, select

from decisionflow.core import calendar as days
from decisionflow.core import clocks, conditions, gates, machine
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts, legal_date, thaw
from decisionflow.errors import NotFound
from decisionflow.service import actors, agenda, calendars, meetings, permissions, procedures, sittings, staging, steps
from decisionflow.service.actors import Actor, carries, duty_for
from decisionflow.service.authorities import Authority
from decisionflow.service.meetings import Item
from decisionflow.service.reads import case as cases
from decisionflow.service.reads import lamps
from decisionflow.service.sittings import Seat, Speech, Stand
from decisionflow.store.blobs import Blobs
from decisionflow.store.tables.cases import Case

_C = Case.__table__  # type: ignore[attr-defined]
MOST = 60  # meetings in the list: more than a year of them


def visible(connection: Connection, authority: Authority, actor: Actor, now: datetime) -> None:
    """Raise NotFound unless the reader may see meetings: whoever sees all matters that are discussed there."""
    procedure = procedures.in_force(connection, authority.id, authority.procedure, legal_date(now))
    if not permissions.may_see_all(actor, procedure):
        raise NotFound("meetings are not for this post", say="没有这个页面")


def keeps(actor: Actor) -> bool:
    """Whether the reader keeps meetings."""
    return permissions.may_keep_meetings(actor)


def members(connection: Connection, authority: Authority, now: datetime) -> tuple[Actor, ...]:
    """Who sits in the meetings by their posts of today, the chief first."""
    return _members(actors.everybody(connection, authority.id, legal_date(now)))


def recorders(items: Sequence[Item]) -> str:
    """Who kept the record of these matters."""
    names = (one.act.party.name for item in items for one in sittings.speeches(item.sitting))
    return "、".join(dict.fromkeys(names)) or "（没有发言记录）"


# ---- all meetings --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """A meeting in the list."""

    row: Mapping[str, Any]
    title: str
    items: int
    decided: int


def listing(connection: Connection, authority: Authority) -> tuple[Entry, ...]:
    """The last meetings, the latest day first."""
    found, rows = [], meetings.every(connection, authority.id)[-MOST:]
    known = (
        meetings.scheduled_cases(connection, authority, rows[0]["planned_on"], rows[-1]["planned_on"]) if rows else ()
    )
    for row in reversed(rows):
        mine = meetings.items(connection, authority, row, known)
        found.append(Entry(row, meetings.title(row), len(mine), sum(one.sitting.decided is not None for one in mine)))
    return tuple(found)


# ---- the agenda ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waiting:
    """A submitted matter that waits for a meeting; `possible` unless something known today bars it."""

    no: str
    title: str
    unit: str
    days: int
    light: lamps.Light
    possible: bool
    why_not: str


@dataclass(frozen=True, slots=True)
class Line:
    """A matter on the agenda. `moved` when the draft is another than the one that was pinned or delivered."""

    item: Item
    unit: str
    attendees: str
    stage: str
    light: lamps.Light
    urgent: str
    moved: str
    removable: bool
    mine: bool


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody to whom papers may be delivered: how many they have, how many they opened, what they lack."""

    person: str
    name: str
    post: str
    got: int
    opened: int
    lacks: str
    duty: bool


@dataclass(frozen=True, slots=True)
class Board:
    """A meeting's agenda as one reader sees it."""

    row: dict[str, Any]
    title: str
    lines: tuple[Line, ...]
    pool: tuple[Waiting, ...]
    readers: tuple[Reader, ...]
    keeps: bool
    open: bool
    additions: tuple[Mapping[str, Any], ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(line.moved for line in self.lines if line.moved)

    @property
    def decided(self) -> bool:
        return bool(self.lines) and all(line.item.sitting.decided for line in self.lines)


def board(connection: Connection, authority: Authority, actor: Actor, meeting: str, now: datetime) -> Board:
    """A meeting's agenda. Raises NotFound."""
    visible(connection, authority, actor, now)
    row = meetings.one(connection, authority.id, meeting)
    today, keeps = legal_date(now), permissions.may_keep_meetings(actor)
    calendar = calendars.current(connection, authority.id, authority.calendar)
    found = meetings.items(connection, authority, row)
    given = meetings.deliveries(connection, row)
    is_open = row["state"] in ("open", "locked")
    lines = tuple(_line(one, given, actor, today, calendar, open_=is_open) for one in found)
    return Board(
        row, meetings.title(row), lines, tuple(_pool(connection, authority, actor, now)) if is_open and keeps else (),
        tuple(_readers(connection, authority, found, given, today)), keeps, is_open, tuple(agenda.additions(row)),
    )  # fmt: skip


def _line(
    item: Item, given: Sequence[Mapping[str, Any]], actor: Actor, today: date, calendar: days.Calendar, *, open_: bool
) -> Line:  # fmt: skip
    facts, at = item.facts, item.sitting
    main = next(iter(item.procedure.tracks))
    units = at.scheduled.fields.get("attendees")
    names = (
        [sittings.named(one.get("unit")) for one in units if isinstance(one, Mapping)]
        if isinstance(units, list)
        else []
    )
    mine = any((one["person_id"], one["case_id"]) == (actor.person, facts.case) for one in given)
    return Line(
        item, _unit(facts), "、".join(names), item.procedure.tracks[main].stages[facts.stages[main]],
        _light(item.procedure, facts, calendar, today), _excerpt(at.urgent), _moved(item, given),
        open_ and at.convened is None and at.decided is None, mine,
    )  # fmt: skip


def _unit(facts: Facts) -> str:
    return "、".join(str(one.get("name", "")) for one in facts.duties.get("lead", ())[:1])


def _excerpt(value: Any) -> str:
    return str(value.get("excerpt", "")) if isinstance(value, Mapping) else str(value or "")


def _light(procedure: law.Procedure, facts: Facts, calendar: days.Calendar, today: date) -> lamps.Light:
    running = clocks.ledger(procedure, facts, calendar, today)
    return lamps.worst([lamps.of_clock(one, today, calendar) for one in running if one.state != "done"])


def _moved(item: Item, given: Sequence[Mapping[str, Any]]) -> str:
    """``参会人员收到的是 v5，现为 v6`` while the matter is not decided; '' when what is there is what they have."""
    if item.sitting.decided is not None:
        return ""
    delivered = max((one["version"] for one in given if one["case_id"] == item.facts.case), default=0)
    if delivered and delivered != item.version:
        return f"{item.facts.no}：参会人员收到的是 v{delivered}，现为 v{item.version}，请重新送达"
    pinned = int(item.pinned.get("version", 0))
    if pinned and pinned != item.version:
        return f"{item.facts.no}：议程锁定的是 v{pinned}，现为 v{item.version}"
    return ""


def _pool(connection: Connection, authority: Authority, actor: Actor, now: datetime) -> Iterator[Waiting]:
    """The submitted matters, those that wait longest first."""
    calendar = calendars.current(connection, authority.id, authority.calendar)
    today, found = legal_date(now), []
    for procedure, facts in _submitted(connection, authority):
        action, given = sittings.act_of(procedure, "schedule"), sittings.submission(procedure, facts)
        if action is None or not machine.fits(action, facts.stages):
            continue
        standing = steps.load(connection, authority, facts.no)
        outlook = steps.outlook(standing, actor, action.id, now)
        bars = next((one.say for one in outlook.findings if one.blocking), "")
        waited = (today - given.on).days if given else 0
        light = _light(procedure, facts, calendar, today)
        found.append(Waiting(facts.no, facts.title, _unit(facts), waited, light, not bars, bars))
    yield from sorted(found, key=lambda one: (-one.days, one.no))


def _submitted(connection: Connection, authority: Authority) -> Iterator[tuple[law.Procedure, Facts]]:
    stages = {
        stage for known in procedures.published(connection, authority.id)
        for action in procedures.by_digest(connection, authority.id, known["digest"]).actions
        if action.meeting == "schedule" for stage in action.source
    }  # fmt: skip
    wanted = or_(*(_C.c.stages.like(f'%"{stage}"%') for stage in sorted(stages))) if stages else _C.c.no == ""
    query = select(_C.c.procedure, _C.c.facts).where(
        _C.c.authority_id == authority.id, _C.c.ended.is_(False), wanted
    )  # fmt: skip
    for row in connection.execute(query):
        yield procedures.by_digest(connection, authority.id, row.procedure), thaw(orjson.loads(row.facts))


def _readers(
    connection: Connection, authority: Authority, found: Sequence[Item], given: Sequence[Mapping[str, Any]], today: date
) -> Iterator[Reader]:  # fmt: skip
    now = {one.facts.case: one for one in found if one.sitting.decided is None}
    people = {one.person: one for one in agenda.recipients(connection, authority, today)}
    before = {str(one["person_id"]): one for one in given}
    for person in [*people, *(one for one in before if one not in people)]:
        mine = [one for one in given if one["person_id"] == person]
        have = {
            one["case_id"] for one in mine if one["case_id"] in now and one["version"] == now[one["case_id"]].version
        }
        lacks = "、".join(item.facts.no for case, item in now.items() if case not in have)
        held = people.get(person)
        name, post = (held.name, f"{held.unit_name} {held.post_title}") if held else (
            str(before[person]["name"]), str(before[person]["post"])
        )  # fmt: skip
        sits = held is not None and bool({"chief", "member"} & set(held.duties))
        yield Reader(
            person, name, post.strip(), len(mine), sum(one["opened_at"] is not None for one in mine), lacks, sits
        )


# ---- a reader's papers ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Papers:
    """The papers of a matter for a meeting, as a reader opens them."""

    row: dict[str, Any]
    title: str
    item: Item
    view: cases.View
    receipt: dict[str, Any] | None
    files: tuple[tuple[str, str, str], ...]


def papers(connection: Connection, authority: Authority, actor: Actor, meeting: str, no: str, now: datetime) -> Papers:
    """What a reader opens. Raises NotFound."""
    visible(connection, authority, actor, now)
    row = meetings.one(connection, authority.id, meeting)
    item = agenda.item_of(connection, authority, row, no)
    view = cases.view(connection, authority, actor, no, now)
    given = sittings.submission(item.procedure, item.facts)
    held = sittings.handed_in(item.procedure, item.facts, given) if given else {}
    files = tuple(
        (item.procedure.materials[kind].title, paper.name, paper.sha256) for kind, paper in held.items()
    )  # fmt: skip
    return Papers(row, meetings.title(row), item, view, agenda.receipt(connection, actor, row, item), files)


# ---- the record ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """A line of the record in words."""

    speech: Speech
    role: str
    position: str
    words: str
    mine: bool
    before: str

    @property
    def how(self) -> str:
        """How it was confirmed, in words; '' while it was not."""
        act = self.speech.confirmed
        if act is None:
            return ""
        attested = act.fields.get("how") == "attested"
        return f"{act.party.name}证明，附签字页（{act.on}）" if attested else f"本人确认（{act.on}）"


@dataclass(frozen=True, slots=True)
class Late:
    """That what is entered here happened earlier: evidence and reason, kept for the whole sitting."""

    evidence: str
    reason: str


@dataclass(frozen=True, slots=True)
class Room:
    """One matter in its meeting: who is there, what was said, how the views stand to what may be decided."""

    row: dict[str, Any]
    title: str
    items: tuple[Item, ...]
    item: Item
    standing: steps.Standing
    seats: tuple[Seat, ...]
    attendees: tuple[tuple[str, str], ...]
    lines: tuple[Said, ...]
    tally: tuple[tuple[str, tuple[str, ...]], ...]
    stands: tuple[Stand, ...]
    acts: Mapping[str, law.Action]
    may: frozenset[str]
    speakers: tuple[tuple[str, str], ...]
    roll: tuple[Actor, ...]
    late: Late | None
    reading: Mapping[str, Any] | None
    keeps: bool

    @property
    def invited(self) -> tuple[str, ...]:
        """The units that were to attend, as it was put on the agenda."""
        rows = self.item.sitting.scheduled.fields.get("attendees")
        return (
            tuple(sittings.named(row.get("unit")) for row in rows if isinstance(row, Mapping))
            if isinstance(rows, list)
            else ()
        )

    @property
    def present(self) -> int:
        return sum(seat.here for seat in self.seats)

    @property
    def chief_is_last(self) -> bool:
        return bool(self.lines) and self.lines[-1].speech.role == "chief"

    @property
    def unconfirmed(self) -> tuple[Said, ...]:
        return tuple(one for one in self.lines if one.speech.confirmed is None)


def late_place(meeting: str) -> str:
    """Where the heading of a late entry is kept, for one person and one meeting."""
    return f"meeting-late:{meeting}"


def room(
    connection: Connection, blobs: Blobs, authority: Authority, actor: Actor, meeting: str, no: str, now: datetime
) -> Room:  # fmt: skip
    """The record of a matter in a meeting, the first that is not decided without a number. Raises NotFound."""
    visible(connection, authority, actor, now)
    row = meetings.one(connection, authority.id, meeting)
    found = meetings.items(connection, authority, row)
    item = next((one for one in found if one.facts.no == no), None)
    if not no:
        item = next((one for one in found if one.sitting.decided is None), found[0] if found else None)
    if item is None:
        raise NotFound(f"{no} is not on the agenda", say="这个会议的议程上没有这一项；先在议程页列入议题")
    standing = steps.load(connection, authority, item.facts.no)
    people = actors.everybody(connection, authority.id, legal_date(now))
    procedure, at = item.procedure, item.sitting
    speech = sittings.act_of(procedure, "speech")
    acts: dict[str, law.Action] = {one.meeting: one for one in procedure.actions if one.meeting}
    offered = machine.offered(procedure, item.facts.stages)
    may = frozenset(one.meeting for one in offered if one.meeting and duty_for(procedure, one, actor, item.facts))
    live, before = at.decided is None, meetings.originals(connection, authority, [item])
    return Room(
        row, meetings.title(row), found, item, standing, sittings.seats(at), sittings.attendees(at),
        tuple(_said(blobs, one, speech, actor, before.get(one.act.entry)) for one in sittings.speeches(at)), _tally(at, speech),
        tuple(sittings.stands(_scene(standing, speech, actor, now), _offered(offered))) if live and speech else (),
        acts, may if live else may & {"confirm"}, tuple(_speakers(item, people)), _members(people),
        _late(connection, authority, actor, meeting, now), agenda.readings(row).get(item.facts.case),
        permissions.may_keep_meetings(actor),
    )  # fmt: skip


def _offered(offered: Sequence[law.Action]) -> tuple[law.Action, ...]:
    return tuple(one for one in offered if one.meeting == "decide")


def _scene(standing: steps.Standing, action: law.Action, actor: Actor, now: datetime) -> gates.Scene:
    facts = standing.facts
    return gates.Scene(
        standing.procedure, facts, action, {}, legal_date(now), actor.party(), standing.calendar, facts.text
    )  # fmt: skip


def _said(
    blobs: Blobs, one: Speech, action: law.Action | None, actor: Actor, old: Mapping[str, Any] | None
) -> Said:  # fmt: skip
    speaker = one.act.fields.get("speaker")
    mine = conditions.same(speaker, {"id": actor.person}) or (
        not (isinstance(speaker, Mapping) and "id" in speaker) and one.speaker == actor.name
    )  # fmt: skip
    before = (
        f"{choice(action, 'position', str(old.get('position', '')))}：{long(blobs, old.get('words'))}" if old else ""
    )
    role, position = choice(action, "role", one.role), choice(action, "position", one.position)
    return Said(one, role, position, long(blobs, one.words), mine, before)


def choice(action: law.Action | None, name: str, value: str) -> str:
    """A choice of an action in words."""
    spec = action.field(name) if action else None
    return spec.choices.get(value, value) if spec else value


def long(blobs: Blobs, value: Any) -> str:
    """A text of an entry whole, also where the entry keeps only its digest."""
    if not isinstance(value, Mapping):
        return str(value or "")
    return blobs.get(str(value["blob"])).decode() if "blob" in value else str(value.get("name", ""))


def _tally(at: sittings.Sitting, action: law.Action | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found = sittings.tally(at)
    spec = action.field("position") if action else None
    return tuple((title, tuple(found.get(key, ()))) for key, title in (spec.choices if spec else {}).items())


def _speakers(item: Item, people: Sequence[Actor]) -> Iterator[tuple[str, str]]:
    """Who may be chosen as the speaker: members, those attending, and who reports for the lead unit."""
    for seat in sittings.seats(item.sitting):
        role, word = ("chief", "行政首长") if seat.role == "chief" else ("member", "组成人员")
        away = "" if seat.here else f"，{'离会' if seat.now == 'left' else sittings.PRESENCE.get(seat.now, '')}"
        yield f"{role}|{seat.name}", f"{seat.name}（{word}{away}）"
    for name, unit in sittings.attendees(item.sitting):
        yield f"attendee|{name}", f"{name}（列席{'，' + unit if unit else ''}）"
    for one in people:
        if carries(item.procedure, "lead", one, item.facts) if "lead" in item.procedure.duties else False:
            yield f"reporter|{one.name}", f"{one.name}（{one.unit_name}，汇报）"


def _members(people: Sequence[Actor]) -> tuple[Actor, ...]:
    """Who sits in the meeting by their posts: the chief first, one post a person."""
    found: dict[str, Actor] = {}
    for one in sorted(people, key=lambda one: "chief" not in one.duties):
        if {"chief", "member"} & set(one.duties):
            found.setdefault(one.person, one)
    return tuple(found.values())


def _late(connection: Connection, authority: Authority, actor: Actor, meeting: str, now: datetime) -> Late | None:
    kept = staging.begun(connection, authority, actor, late_place(meeting), now)
    if kept is None:
        return None
    said = dict(kept.pairs)
    return Late(said.get("evidence", ""), said.get("reason", ""))


def summary(act: Act | None, blobs: Blobs) -> str:
    """What was decided, in the words of the act."""
    if act is None:
        return ""
    return long(blobs, act.fields.get("decision") or act.fields.get("reason") or "")
