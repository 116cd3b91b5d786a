"""The list of cases (事项): what this person may see, filtered, in pages, each with its most urgent clock.

Pages go by key, never by OFFSET; ids are time-ordered, so the newest case stands first. Lamps are
computed from the deadline rows on the day of looking (LAW §0.3); nothing here asks once per case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Select, and_, false, func, not_, or_, select, text, true

from decisionflow.core import clocks
from decisionflow.core import fields as forms
from decisionflow.core import procedure as law
from decisionflow.core import query as language
from decisionflow.core.facts import SHANGHAI, legal_date
from decisionflow.errors import BadInput, Problem
from decisionflow.service import actors, calendars, permissions, procedures
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import lamps
from decisionflow.store.tables.cases import Case, Deadline
from decisionflow.store.tables.people import Unit

_CASES = Case.__table__  # type: ignore[attr-defined]
_CLOCKS = Deadline.__table__  # type: ignore[attr-defined]
_UNITS = Unit.__table__  # type: ignore[attr-defined]
PAGE = 50
MOST = 5000  # rows of one export
STATES = {"open": "在办", "ended": "已办结", "all": "全部"}
LAMPS = ("red", "yellow", "green", "stopped")
KEYS = ("case", "unit", "line", "time", "lamp", "state")
LISTED = ("id", "no", "title", "procedure", "stages", "ended", "public", "lead_unit", "opened_at", "touched_at")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the address asks for. `after` is the number of the last case of the page before."""

    q: str = ""
    stage: str = ""
    unit: str = ""
    lamp: str = ""
    state: str = "open"
    after: str = ""

    @property
    def narrowed(self) -> bool:
        """Whether anything but open or ended is asked for."""
        return bool(self.q or self.stage or self.unit or self.lamp)


@dataclass(frozen=True, slots=True)
class Row:
    """One case of the list: where its main line stands, what runs beside it, its most urgent clock."""

    no: str
    title: str
    unit: str
    procedure: str
    stage: str
    beside: tuple[str, ...]
    light: lamps.Light
    public: bool
    ended: bool
    opened_at: datetime
    touched_at: datetime


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter."""

    value: str
    title: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the list with all that is needed to filter it further. `more` is where the next page begins."""

    wanted: Wanted
    rows: tuple[Row, ...]
    count: int
    states: Mapping[str, int]
    lights: Mapping[str, int]
    stages: tuple[Choice, ...]
    units: tuple[Choice, ...]
    more: str
    may_open: bool


def wanted(q: str, stage: str, unit: str, lamp: str, state: str, after: str) -> Wanted:
    """The filters of an address. Raises BadInput."""
    given = {"q": q, "stage": stage, "unit": unit, "lamp": lamp, "state": state, "after": after}
    problems = []
    for name, words in given.items():
        try:
            given[name] = forms.clean(words)
        except ValueError as fault:
            problems.append(Problem(name, f"筛选条件{fault}", rule="text"))
        if len(words) > 120:
            problems.append(Problem(name, "筛选条件太长，最多120字", rule="text"))
    try:
        language.read(given["q"], KEYS)
    except BadInput as fault:
        problems += fault.problems
    if lamp and lamp not in LAMPS:
        problems.append(Problem("lamp", "没有这种灯，可选已逾期、将到期、正常、已停钟", rule="choice"))
    if state not in STATES:
        problems.append(Problem("state", "没有这个范围，可选在办、已办结、全部", rule="choice"))
    if problems:
        raise BadInput(problems)
    return Wanted(**given)


def listing(connection: Connection, authority: Authority, actor: Actor, now: datetime, asked: Wanted) -> Listing:
    """One page of what the address asks for. Raises BadInput for a place that is not in the list."""
    look = _look(connection, authority, actor, now, asked)
    counts = {bool(row.ended): int(row.n) for row in connection.execute(look.counted())}
    found = connection.execute(look.rows(PAGE + 1, look.start(asked.after))).mappings().all()
    return Listing(
        asked, tuple(look.row(dict(row)) for row in found[:PAGE]), _count(counts, asked.state),
        {state: _count(counts, state) for state in STATES},
        {lamp: sum(light.kind == lamp for light in look.lights.values()) for lamp in LAMPS}, _stages(look.versions),
        _units(connection, look.seen), found[PAGE - 1]["no"] if len(found) > PAGE else "",
        any(_opens(one, actor, legal_date(now)) for one in look.versions.values()),
    )  # fmt: skip


def everything(
    connection: Connection, authority: Authority, actor: Actor, now: datetime, asked: Wanted
) -> tuple[Row, ...]:  # fmt: skip
    """All rows that the address asks for, whatever the page: the export."""
    look = _look(connection, authority, actor, now, asked)
    return tuple(look.row(dict(row)) for row in connection.execute(look.rows(MOST, None)).mappings())


def _opens(procedure: law.Procedure, actor: Actor, on: date) -> bool:
    """Whether a post may open a case under a version today."""
    opening, time = procedure.action(procedure.opening), procedure.in_force
    in_force = time.from_ <= on and (time.to is None or on <= time.to)
    return bool(in_force and opening and actors.duty_for(procedure, opening, actor, None))


def _count(counts: Mapping[bool, int], state: str) -> int:
    return sum(n for ended, n in counts.items() if state == "all" or ended == (state == "ended"))


# ---- one look at the list --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Look:
    """The list as one person sees it under some filters: conditions on `case_file`, and the lamps of the open cases."""

    connection: Connection
    asked: Wanted
    versions: Mapping[str, law.Procedure]
    seen: ColumnElement[bool]
    narrowed: ColumnElement[bool]
    lights: Mapping[str, lamps.Light]

    def _lit(self) -> ColumnElement[bool]:
        wanted = [self._of(self.asked.lamp)] if self.asked.lamp else []
        for term in language.read(self.asked.q, KEYS).of("lamp"):
            lit = self._of(str(term.value))
            wanted.append(not_(lit) if term.without else lit)
        return and_(true(), *wanted)

    def _of(self, lamp: str) -> ColumnElement[bool]:
        return and_(_CASES.c.id.in_([case for case, light in self.lights.items() if light.kind == lamp]))

    def rows(self, most: int, start: str | None) -> Select[Any]:
        """The rows after a place, newest first."""
        state = self.asked.state
        wanted = and_(self.seen, self.narrowed, self._lit())
        wanted = wanted if state == "all" else and_(wanted, _CASES.c.ended.is_(state == "ended"))
        wanted = wanted if start is None else and_(wanted, _CASES.c.id < start)
        return select(*(_CASES.c[name] for name in LISTED)).where(wanted).order_by(_CASES.c.id.desc()).limit(most)

    def counted(self) -> Select[Any]:
        """How many open and how many ended ones the other filters leave."""
        here = and_(self.seen, self.narrowed, self._lit())
        return select(_CASES.c.ended, func.count().label("n")).where(here).group_by(_CASES.c.ended)

    def start(self, after: str) -> str | None:
        """The id behind which a page begins."""
        if not after:
            return None
        found = self.connection.execute(select(_CASES.c.id).where(and_(self.seen, _CASES.c.no == after))).scalar()
        if found is None:
            raise BadInput([Problem("after", "列表里没有这一处，请从第一页看起", rule="choice")])
        return str(found)

    def row(self, row: Mapping[str, Any]) -> Row:
        """A row as people read it."""
        procedure, stages = self.versions[row["procedure"]], orjson.loads(row["stages"])
        main = main_track(procedure)
        return Row(
            row["no"], row["title"], row["lead_unit"], procedure.title, procedure.tracks[main].stages[stages[main]],
            () if row["ended"] else tuple(running_beside(procedure, stages)), self.lights.get(row["id"], lamps.NONE),
            row["public"], row["ended"], row["opened_at"], row["touched_at"],
        )  # fmt: skip


def _look(connection: Connection, authority: Authority, actor: Actor, now: datetime, asked: Wanted) -> _Look:
    digests = [row["digest"] for row in procedures.published(connection, authority.id)]
    versions = {digest: procedures.by_digest(connection, authority.id, digest) for digest in digests}
    seen = _visible(connection, authority, actor, versions)
    narrowed = _narrowed(asked, versions)
    lit = lights(connection, authority, legal_date(now), and_(seen, narrowed))
    return _Look(connection, asked, versions, seen, narrowed, lit)


def _visible(
    connection: Connection, authority: Authority, actor: Actor, versions: Mapping[str, law.Procedure]
) -> ColumnElement[bool]:  # fmt: skip
    """What an actor may see, as a condition: the same answer as `may_see` gives case by case."""
    inside = [digest for digest, one in versions.items() if permissions.may_see_all(actor, one)]
    named = _naming(connection, authority, actor, set(versions) - set(inside)) if len(inside) < len(versions) else []
    either = [_CASES.c.procedure.in_(inside)] * bool(inside) + [_CASES.c.id.in_(named)] * bool(named)
    return and_(_CASES.c.authority_id == authority.id, or_(*either) if either else false())


_NAMING = text("""
    select id, procedure, facts from case_file
    where authority_id = :a and (facts like :unit or facts like :post or facts like :name)
""")


def _naming(connection: Connection, authority: Authority, actor: Actor, digests: set[str]) -> list[str]:
    """The cases whose duties name an actor from outside."""
    values = {"a": authority.id, "unit": _inside(actor.unit), "post": _inside(actor.post), "name": _inside(actor.name)}
    rows = connection.execute(_NAMING, values).all()
    return [
        row.id
        for row in rows
        if row.procedure in digests and permissions.is_named(actor, orjson.loads(row.facts)["duties"])
    ]


def _inside(words: str) -> str:
    """A LIKE pattern for words inside JSON; rather too much is found than too little, and then checked."""
    return "%" + re.sub(r'[\\"%_]', "%", words) + "%" if words else ""


def _narrowed(asked: Wanted, versions: Mapping[str, law.Procedure]) -> ColumnElement[bool]:
    terms = (term for term in language.read(asked.q, KEYS).terms if term.key != "lamp")
    found = [not_(_is(term, versions)) if term.without else _is(term, versions) for term in terms]
    if asked.unit:
        found.append(_CASES.c.lead_unit == asked.unit)
    if asked.stage:
        mains = sorted({main_track(one) for one in versions.values()})
        spelled = [_CASES.c.stages.contains(f'"{track}":"{asked.stage}"', autoescape=True) for track in mains]
        found.append(or_(false(), *spelled))
    return and_(true(), *found)


def _is(term: language.Term, versions: Mapping[str, law.Procedure]) -> ColumnElement[bool]:
    """One condition of the query as a condition on `case_file`."""
    match term.key, term.value:
        case "unit", str(value):
            return _has(_CASES.c.lead_unit, value)
        case "state", str(value):
            return and_(_CASES.c.ended.is_(value == "ended"))
        case "time", language.Span() as days:
            return within(_CASES.c.opened_at, days)
        case "line", str(value):
            return or_(false(), *(_on(one, value) for one in versions.values()))
    return or_(_has(_CASES.c.no, str(term.value)), _has(_CASES.c.title, str(term.value)))


def _on(procedure: law.Procedure, words: str) -> ColumnElement[bool]:
    """On the stage of that name on the main line, or on a line of that name that is under way."""
    main, here = main_track(procedure), []
    for name, track in procedure.tracks.items():
        beside = name != main and words in track.title
        here += [
            (name, stage) for stage, title in track.stages.items()
            if (beside and stage not in (track.initial, *track.done, *track.waived)) or (name == main and words in title)
        ]  # fmt: skip
    spelled = (_CASES.c.stages.contains(f'"{track}":"{stage}"', autoescape=True) for track, stage in here)
    return and_(_CASES.c.procedure == procedure.digest, or_(false(), *spelled))


def _has(column: ColumnElement[str], words: str) -> ColumnElement[bool]:
    return column.icontains(words, autoescape=True)


def within(column: ColumnElement[datetime], days: language.Span) -> ColumnElement[bool]:
    """From the first day's beginning to the last day's end, in the government's time."""
    sides = [column >= instant_of(days.first)] if days.first is not None else []
    if days.last is not None:
        sides.append(column < instant_of(days.last + timedelta(days=1)))
    return and_(*sides)


def instant_of(day: date) -> datetime:
    """When a day begins in the government's time."""
    return datetime.combine(day, time.min, SHANGHAI).astimezone(UTC)


def _stages(versions: Mapping[str, law.Procedure]) -> tuple[Choice, ...]:
    """The stages of the main lines, in the order of their files."""
    found: dict[str, str] = {}
    for one in versions.values():
        for stage, title in one.tracks[main_track(one)].stages.items():
            found.setdefault(stage, title)
    return tuple(Choice(stage, title) for stage, title in found.items())


def _units(connection: Connection, seen: ColumnElement[bool]) -> tuple[Choice, ...]:
    """The lead units of what may be seen, in the order of the register; those it no longer knows come last."""
    same = and_(_UNITS.c.authority_id == _CASES.c.authority_id, _UNITS.c.name == _CASES.c.lead_unit)
    query = select(
        _CASES.c.lead_unit, func.min(_UNITS.c.rank).label("rank"), func.count(func.distinct(_CASES.c.id)).label("n")
    ).select_from(_CASES.outerjoin(_UNITS, same))
    found = connection.execute(query.where(seen, _CASES.c.lead_unit != "").group_by(_CASES.c.lead_unit)).all()
    rows = sorted(found, key=lambda row: (row.rank is None, row.rank, row.lead_unit))
    return tuple(Choice(row.lead_unit, f"{row.lead_unit}（{row.n}）") for row in rows)


# ---- where a case stands ---------------------------------------------------------------------------------


def main_track(procedure: law.Procedure) -> str:
    """The line that the whole case follows: the one it ends on."""
    return next(iter(procedure.goal))


def running_beside(procedure: law.Procedure, stages: Mapping[str, str]) -> Iterator[str]:
    """The parallel lines that are under way or have failed: ``公众参与：征求中``."""
    for name, track in procedure.tracks.items():
        if name != main_track(procedure) and stages[name] not in (track.initial, *track.done, *track.waived):
            yield f"{track.title}：{track.stages[stages[name]]}"


def lights(
    connection: Connection, authority: Authority, on: date, here: ColumnElement[bool] | None = None
) -> dict[str, lamps.Light]:  # fmt: skip
    """The most urgent clock of each open case that has one running, by the id of the case; of all, or of those `here`."""
    calendar = calendars.current(connection, authority.id, authority.calendar)
    same = and_(_CASES.c.authority_id == _CLOCKS.c.authority_id, _CASES.c.id == _CLOCKS.c.case_id)
    query = select(_CLOCKS).select_from(_CLOCKS.join(_CASES, same))
    here = _CASES.c.authority_id == authority.id if here is None else here
    query = query.where(here, _CASES.c.ended.is_(False), _CLOCKS.c.state != "done")
    found: dict[str, list[lamps.Light]] = {}
    for row in connection.execute(query).mappings():
        found.setdefault(row["case_id"], []).append(lamps.of_clock(_running(dict(row)), on, calendar))
    return {case: lamps.worst(some) for case, some in found.items()}


def _running(row: Mapping[str, Any]) -> clocks.Running:
    """A clock from its row; what it has consumed is not asked of one that runs or stands still."""

    def day(words: str | None) -> date | None:
        return date.fromisoformat(words) if words else None

    pauses = tuple(
        clocks.Pause(one["say"], date.fromisoformat(one["since"]), day(one["until"]), one["by"])
        for one in orjson.loads(row["pauses"])
    )
    return clocks.Running(
        row["clock"], row["title"], row["round"], row["state"], row["starts_on"], "", row["due_on"], row["provisional"],
        row["unit"], row["budget"], 0, row["extended"], pauses, row["duty"], row["done_on"], row["calendar"],
    )  # fmt: skip
