"""按人倒查: everything a person did, said or was named for, over all years, in the posts and on the texts of that time.

Read by key from the projection ``career``, newest first, fifty at a time: what one page costs depends on the page, never on
how many cases the government has. Details come from the cases of that page alone. Only what stands in the government's own
line is read; what a person did elsewhere stands there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, or_, select, text

from decisionflow.core import calendar as days
from decisionflow.core import career
from decisionflow.core import procedure as law
from decisionflow.core.facts import Facts, instant, legal_date, stamp, thaw
from decisionflow.errors import BadInput, Problem
from decisionflow.service import calendars, procedures
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import desks, trace, wording
from decisionflow.store.tables.cases import Career, Case
from decisionflow.store.tables.people import UnitName

MANY = 50
_C = Career.__table__  # type: ignore[attr-defined]
_F = Case.__table__  # type: ignore[attr-defined]
_N = UnitName.__table__  # type: ignore[attr-defined]
_KEY = (_C.c.recorded_at, _C.c.entry_id, _C.c.role)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of a career is asked for; '' and False are everything. `before` is where the page before ended."""

    year: str = ""
    action: str = ""
    track: str = ""
    case: str = ""
    dissent: bool = False
    late: bool = False
    before: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One place of a person in one entry. `waited` are the working days it lay with their duty before; None: not known.

    `now` is what the unit is called today where that is another name; `recorder` who acted where the person is only named.
    """

    no: str
    case: str
    entry: str
    at: datetime
    recorded: datetime
    late: bool
    action: str
    title: str
    track: str
    role: str
    role_title: str
    name: str
    post: str
    unit: str
    now: str
    duty: str
    recorder: str
    stance: str
    dissent: bool
    version: int
    corrected: bool
    waited: int | None
    deed: trace.Deed | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a career: its entries, where the next begins ('' at the end), and what may be chosen."""

    entries: tuple[Entry, ...]
    after: str
    total: int
    cases: int
    years: tuple[tuple[str, int], ...]
    actions: tuple[tuple[str, str], ...]
    tracks: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Of:
    """A case of the page with the procedure that it stands under."""

    procedure: law.Procedure
    facts: Facts


def page(
    connection: Connection, authority: Authority, person: str, wanted: Wanted, now: datetime, *, many: int | None = MANY
) -> Page:  # fmt: skip
    """The newest entries of a career that are wanted; `many` None: all of them. Raises BadInput."""
    query = select(_C).where(*_conditions(connection, authority, person, wanted))
    query = query.order_by(*(column.desc() for column in _KEY))
    rows = connection.execute(query.limit(many + 1) if many else query).all()
    shown = rows[:many] if many else rows
    known = _cases(connection, authority, (row.case_id for row in shown))
    calendar = calendars.current(connection, authority.id, authority.calendar)
    asked = _asked(shown, known) if many else {}
    lay = {case: _waits(connection, authority, case, calendar, now, last) for case, last in asked.items()}
    names = _names(connection, authority, (row.unit_id for row in shown))
    found = tuple(_entry(row, known[row.case_id], lay.get(row.case_id, {}), names) for row in shown)
    more = len(rows) > len(shown)
    total, cases, years, actions, tracks = _summary(connection, authority, person, known)
    return Page(found, _cursor(shown[-1]) if more else "", total, cases, years, actions, tracks)


def begins(connection: Connection, authority: Authority) -> date | None:
    """From which day on the cases say anything, so that an empty page does not read as if there had been nothing."""
    first = connection.execute(_FIRST, {"a": authority.id}).scalar()
    return legal_date(first) if first else None


_FIRST = select(_F.c.opened_at).where(_F.c.authority_id == bindparam("a")).order_by(_F.c.no).limit(1)


def _conditions(
    connection: Connection, authority: Authority, person: str, wanted: Wanted
) -> list[ColumnElement[bool]]:  # fmt: skip
    found: list[ColumnElement[bool]] = [_C.c.authority_id == authority.id, _C.c.person_id == person]
    if wanted.year:
        found.append(_C.c.year == _year(wanted.year))
    if wanted.action:
        found.append(_C.c.action == wanted.action)
    if wanted.track:
        found.append(_C.c.track == wanted.track)
    if wanted.case:
        of = select(_F.c.id).where(_F.c.authority_id == authority.id, _F.c.no == wanted.case)
        found.append(_C.c.case_id == (connection.execute(of).scalar() or ""))
    if wanted.dissent:
        found.append(_C.c.dissent.is_(True))
    if wanted.late:
        found.append(_C.c.late.is_(True))
    if wanted.before:
        found.append(_before(wanted.before))
    return found


def _year(given: str) -> int:
    if not (given.isdigit() and len(given) == 4):
        raise BadInput([Problem("year", "年份应写作 2026", rule="number")])
    return int(given)


def _cursor(row: Any) -> str:
    return f"{stamp(row.recorded_at)}~{row.entry_id}~{row.role}"


def _before(cursor: str) -> ColumnElement[bool]:
    try:
        at, entry, role = cursor.split("~")
        when = instant(at)
    except ValueError as fault:
        raise BadInput([Problem("before", "翻页的位置不对，请从第一页看起", rule="choice")]) from fault
    return or_(
        _C.c.recorded_at < when,
        and_(_C.c.recorded_at == when, or_(_C.c.entry_id < entry, and_(_C.c.entry_id == entry, _C.c.role < role))),
    )


def _cases(connection: Connection, authority: Authority, ids: Iterable[str]) -> dict[str, _Of]:
    wanted = tuple(dict.fromkeys(ids))
    query = select(_F.c.id, _F.c.facts).where(_F.c.authority_id == authority.id, _F.c.id.in_(wanted))
    found = {}
    for row in connection.execute(query) if wanted else ():
        facts = thaw(orjson.loads(row.facts))
        found[row.id] = _Of(procedures.by_digest(connection, authority.id, facts.procedure), facts)
    return found


def _asked(rows: Iterable[Any], known: Mapping[str, _Of]) -> dict[str, int]:
    """The cases in which somebody took an act that is asked for, each with the number of the last such entry."""
    found: dict[str, int] = {}
    for row in rows:
        action = known[row.case_id].procedure.action(row.action)
        if row.role == career.ACTED and action is not None and action.todo:
            found[row.case_id] = max(found.get(row.case_id, 0), row.seq)
    return found


def _waits(
    connection: Connection, authority: Authority, case: str, calendar: days.Calendar, now: datetime, last: int
) -> dict[tuple[str, date], int]:  # fmt: skip
    """The working days that an act had been asked for when it was taken, by action and day."""
    spells = desks.spells(connection, authority, case, calendar, now, last)
    return {(one.action, one.ends): one.workdays for one in spells if one.ends and one.taken}


_NAMES = text("select id, name from unit where authority_id = :a and id = :id")


def _names(connection: Connection, authority: Authority, ids: Iterable[str]) -> dict[str, str]:
    """What units are called today."""
    found = (connection.execute(_NAMES, {"a": authority.id, "id": one}).first() for one in dict.fromkeys(ids) if one)
    return {row.id: row.name for row in found if row}


def _entry(row: Any, of: _Of, lay: Mapping[tuple[str, date], int], names: Mapping[str, str]) -> Entry:
    act = next((one for one in of.facts.acts if one.entry == row.entry_id), None)
    action, track = of.procedure.action(row.action), of.procedure.tracks.get(row.track)
    side = career.side_field(action, row.role)
    now = names.get(row.unit_id, "")
    took = act is not None and row.role == career.ACTED
    return Entry(
        of.facts.no, of.facts.title, row.entry_id, row.happened_at, row.recorded_at, bool(row.late), row.action,
        row.title or {"case.moved": "转换程序版本", "case.renamed": "变更名称"}.get(row.action, row.action),
        track.title if track else "", row.role, career.title_of(of.procedure, row.action, row.role), row.name,
        row.post_title, row.unit_name, now if now != row.unit_name else "",
        of.procedure.duties[row.duty].title if row.duty in of.procedure.duties else "",
        "" if row.role in (career.ACTED, career.CORRECTED) else row.by_name,
        wording.words(side, row.stance) if side and row.stance else "", bool(row.dissent), row.text_version,
        bool(act and act.corrected_by), lay.get((row.action, legal_date(row.recorded_at))) if took else None,
        trace.deed(of.procedure, of.facts, act) if act else None,
    )  # fmt: skip


def _summary(
    connection: Connection, authority: Authority, person: str, known: Mapping[str, _Of]
) -> tuple[int, int, tuple[tuple[str, int], ...], tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:  # fmt: skip
    """How much there is in all, and the years, actions and lines that occur, from the person's own rows."""
    mine = (_C.c.authority_id == authority.id, _C.c.person_id == person)
    total, cases = connection.execute(select(func.count(), func.count(_C.c.case_id.distinct())).where(*mine)).one()
    years = connection.execute(select(_C.c.year, func.count()).where(*mine).group_by(_C.c.year)).all()
    kinds = connection.execute(select(_C.c.action, func.max(_C.c.title)).where(*mine).group_by(_C.c.action)).all()
    lines = connection.execute(select(_C.c.track).where(*mine).distinct()).scalars()
    tracks = {name: track.title for of in known.values() for name, track in of.procedure.tracks.items()}
    return (
        total, cases, tuple((str(year), n) for year, n in sorted(years, reverse=True)),
        tuple((name, title or name) for name, title in sorted(kinds, key=lambda one: str(one[1]))),
        tuple((name, tracks.get(name, name)) for name in sorted(one for one in lines if one)),
    )  # fmt: skip


# ---- posts ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Post:
    """A post that somebody held. `names` are the other names of its unit, each with the day from which it was called so."""

    held: trace.Held
    names: tuple[tuple[str, date], ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A post on the drawing of a career, in pixels."""

    x: int
    width: int
    y: int
    title: str
    span: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """The posts of a career over the years."""

    width: int
    height: int
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[int, str], ...]
    described: str


WIDE, LINE, EDGE = 900, 34, 12


def posts(connection: Connection, authority: Authority, person: str) -> tuple[Post, ...]:
    """Every post a person held, oldest first, with every name its unit ever had, and the units it came from."""
    held = trace.held(connection, authority, person)
    return tuple(Post(one, _other_names(connection, authority, one)) for one in held)


_CALLED = select(_N.c.name, _N.c.since).where(_N.c.authority_id == bindparam("a"), _N.c.unit_id == bindparam("u"))
_BEFORE = text("select succeeds from unit where authority_id = :a and id = :u")


def _other_names(connection: Connection, authority: Authority, one: trace.Held) -> tuple[tuple[str, date], ...]:
    """What a unit was called besides its name of today, through the units that it came from, oldest first."""
    found: list[tuple[str, date]] = []
    seen: set[str] = set()
    unit = one.unit_id
    while unit and unit not in seen:
        seen.add(unit)
        found += [(row.name, row.since) for row in connection.execute(_CALLED, {"a": authority.id, "u": unit})]
        unit = str(connection.execute(_BEFORE, {"a": authority.id, "u": unit}).scalar() or "")
    return tuple(sorted((each for each in found if each[0] != one.unit), key=lambda each: each[1]))


def drawing(found: tuple[Post, ...], today: date) -> Drawing | None:
    """The posts on a line of years; None when there are none."""
    if not found:
        return None
    first = min(one.held.since for one in found).replace(month=1, day=1)
    last = max([one.held.until or today for one in found] + [today])
    span = max((last - first).days, 1)

    def at(day: date) -> int:
        return EDGE + round((day - first).days * (WIDE - 2 * EDGE) / span)

    bars = []
    for n, one in enumerate(found):
        until = min(one.held.until or today, last)
        title = f"{one.held.unit} {one.held.post}" + ("（代理）" if one.held.acting else "")
        bars.append(Bar(at(one.held.since), max(at(until) - at(one.held.since), 4), EDGE + n * LINE, title,
                        f"{one.held.since.isoformat()} 至 {one.held.until.isoformat() if one.held.until else '今'}"))  # fmt: skip
    years = range(first.year, last.year + 1)
    step = max(1, len(years) // 8)
    ticks = tuple((at(date(year, 1, 1)), str(year)) for year in years if (year - first.year) % step == 0)
    told = "；".join(f"{bar.title}，{bar.span}" for bar in bars)
    return Drawing(WIDE, EDGE * 2 + len(found) * LINE + 18, tuple(bars), ticks, told)


def every(connection: Connection, authority: Authority, person: str, wanted: Wanted, now: datetime) -> Page:
    """A whole career, without the waits: for lists and files."""
    return page(connection, authority, person, replace(wanted, before=""), now, many=None)


def as_json(one: Entry) -> dict[str, Any]:
    """An entry of a career as data."""
    return {
        "case": one.no, "case_title": one.case, "entry": one.entry, "occurred_at": stamp(one.at),
        "recorded_at": stamp(one.recorded), "backfilled": one.late, "action": one.action, "title": one.title,
        "track": one.track, "role": one.role, "role_title": one.role_title, "name": one.name, "unit": one.unit,
        "unit_now": one.now or one.unit, "post": one.post, "duty": one.duty, "recorded_by": one.recorder,
        "stance": one.stance, "dissent": one.dissent, "text_version": one.version, "corrected": one.corrected,
        "waited_workdays": one.waited, "against": list(one.deed.against) if one.deed else [],
        "papers": list(one.deed.papers) if one.deed else [],
    }  # fmt: skip


COLUMNS = ("发生", "登记", "编号", "事项", "当时的单位", "当时的岗位", "职责", "做了什么", "意见", "不同意见", "草案版本",
           "案卷材料", "说明理由后偏离", "当时已有的不同意见", "补录", "登记人", "依据", "记录编号")  # fmt: skip


def cells(one: Entry) -> tuple[str, ...]:
    """An entry of a career as a line of a table."""
    deed = one.deed
    return (
        stamp(one.at), stamp(one.recorded), one.no, one.case, one.unit, one.post, one.duty, one.title, one.stance,
        "是" if one.dissent else "", str(one.version or ""), "；".join(deed.papers) if deed else "",
        "；".join(deed.deviations) if deed else "", "；".join(deed.against) if deed else "", "是" if one.late else "",
        one.recorder, deed.cite if deed else "", one.entry,
    )  # fmt: skip
