"""The list of public notices: three shelves, found by words, by area and by whom they concern; and what feeds tell of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Connection, and_, case, exists, false, func, or_, select, text, true

from decisionflow.core import procedure as law
from decisionflow.core import similar
from decisionflow.errors import NotFound
from decisionflow.service import consultations, hearings, procedures
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import public_notice
from decisionflow.store.tables.cases import Case, CaseAct
from decisionflow.store.tables.hearings import Hearing
from decisionflow.store.tables.participation import Consultation

PAGE = 20
AREAS = 12
WORDS = 60
TABS = {"open": "征集中", "ended": "已结束待反馈", "answered": "已反馈"}
_C = Consultation.__table__  # type: ignore[attr-defined]
_F = Case.__table__  # type: ignore[attr-defined]
_H = Hearing.__table__  # type: ignore[attr-defined]
_A = CaseAct.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody looks for. Words must all be there, in any order, in full or half width."""

    tab: str = "open"
    words: str = ""
    concerns: str = ""
    area: str = ""
    authority: str = ""

    def href(self, path: str = "/public/consultations", **other: str) -> str:
        """The address of the list with this asked for, something else asked for, or no longer asked for ('')."""
        names = {
            "tab": self.tab,
            "q": self.words,
            "concerns": self.concerns,
            "area": self.area,
            "authority": self.authority,
        }
        asked = {name: value for name, value in (names | other).items() if value}
        return f"{path}?{urlencode(asked)}" if asked else path

    @property
    def filtered(self) -> bool:
        return bool(self.words or self.concerns or self.area or self.authority)


def wanted(
    tab: str = "open", words: str = "", concerns: str = "", area: str = "", authority: str = ""
) -> Wanted:  # fmt: skip
    """What somebody looks for, from an address as typed; a tab that is not there is the first one."""
    folded = " ".join(words.split())[:WORDS]
    return Wanted(tab if tab in TABS else "open", folded, concerns[:40], area[:40], authority[:40])


@dataclass(frozen=True, slots=True)
class Card:
    """A consultation on the list."""

    no: str
    title: str
    authority: str
    unit: str
    opens_on: date
    ends_on: date
    state: str
    left: int
    opinions: int
    gist: str
    area: str
    concerns: tuple[str, ...]

    @property
    def word(self) -> str:
        return public_notice.STATES[self.state]


@dataclass(frozen=True, slots=True)
class Meeting:
    """A hearing that people may sign up for today; `until` is the last day, None when the notice names none."""

    no: str
    title: str
    unit: str
    held_on: date
    until: date | None


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to a question of the filter, and how many notices of the tab it leaves."""

    value: str
    title: str
    count: int


@dataclass(frozen=True, slots=True)
class Shelf:
    """One page of a tab, how many there are in each, what can be chosen, and where the next page begins ('' at the end)."""

    cards: tuple[Card, ...]
    counts: Mapping[str, int]
    following: str
    concerns: tuple[Choice, ...] = ()
    areas: tuple[Choice, ...] = ()
    authorities: tuple[Choice, ...] = ()


def shelf(
    connection: Connection, found: Sequence[Authority], asked: Wanted, after: str, today: date
) -> Shelf:  # fmt: skip
    """A page of consultations: the newest of each public case, the most urgent (or latest) first."""
    tabs, public = _shelves(connection, found, asked.words, today)
    titles = concern_titles(connection, found)
    query = select(*_C.c, tabs.label("tab")).select_from(_joined()).where(public, *_chosen(asked), tabs == asked.tab)
    urgent = asked.tab == "open"
    if after:
        query = query.where(_beyond(after, urgent=urgent))
    order = (_C.c.ends_on, _C.c.id) if urgent else (_C.c.ends_on.desc(), _C.c.id.desc())
    rows = connection.execute(query.order_by(*order).limit(PAGE + 1)).mappings().all()
    names = {authority.id: authority.name for authority in found}
    cards = tuple(_card(dict(row), names, titles, today) for row in rows[:PAGE])
    following = f"{rows[PAGE - 1]['ends_on']}_{rows[PAGE - 1]['id']}" if len(rows) > PAGE else ""
    groups = _groups(connection, tabs, public)
    return Shelf(
        cards, {tab: _sum(groups, replace(asked, tab=tab)) for tab in TABS}, following,
        _choices(groups, asked, "concerns", titles), _choices(groups, asked, "area", {})[:AREAS],
        _choices(groups, asked, "authority", names) if len(found) > 1 else (),
    )  # fmt: skip


_MARK = text("""
    select a.id, (select max(c.touched_at) from case_file c where c.authority_id = a.id) as at from authority a order by a.id
""")


def meetings(connection: Connection, found: Sequence[Authority], today: date) -> tuple[Meeting, ...]:
    """The hearings of public cases that take sign-ups today, the soonest to end first."""
    joined = _H.join(_F, and_(_F.c.authority_id == _H.c.authority_id, _F.c.id == _H.c.case_id))
    query = select(_H).select_from(joined).where(
        _H.c.authority_id.in_([one.id for one in found]), _F.c.public == true(), _H.c.state == "open", _H.c.held_on > today
    )  # fmt: skip
    rows = [dict(row) for row in connection.execute(query.order_by(_H.c.held_on, _H.c.id)).mappings()]
    taking = (row for row in rows if hearings.signup_state(row, today) == "open")
    shown = (Meeting(row["no"], row["title"], row["unit"], row["held_on"], row["signup_until"]) for row in taking)
    return tuple(sorted(shown, key=lambda one: (one.until or one.held_on, one.no)))


def mark(connection: Connection) -> tuple[tuple[str, str], ...]:
    """What changes whenever a case does: a copy of the list that was made under another mark is out of date."""
    return tuple((row.id, str(row.at)) for row in connection.execute(_MARK))


# ---- what can be chosen ------------------------------------------------------------------------------------


def concern_titles(connection: Connection, found: Sequence[Authority]) -> dict[str, str]:
    """Whom notices may concern, in the words of the procedures that are published here."""
    titles: dict[str, str] = {}
    for authority in found:
        for row in procedures.published(connection, authority.id):
            spec = _concerns(procedures.by_digest(connection, authority.id, row["digest"]))
            titles |= spec.choices if spec else {}
    return titles


def _concerns(procedure: law.Procedure) -> law.FieldSpec | None:
    opening = (action for action in procedure.actions if action.consultation == "open")
    return next((spec for action in opening if (spec := action.field("concerns")) and spec.type == "choices"), None)


@dataclass(frozen=True, slots=True)
class _Group:
    """Notices that are alike in all that can be chosen, and how many they are."""

    tab: str
    authority: str
    area: str
    concerns: frozenset[str]
    count: int

    def value(self, name: str) -> frozenset[str]:
        return self.concerns if name == "concerns" else frozenset({str(getattr(self, name))} - {""})


def _groups(connection: Connection, tabs: Any, public: ColumnElement[bool]) -> list[_Group]:
    columns = (tabs.label("tab"), _C.c.authority_id, _C.c.area, _C.c.concerns)
    query = select(*columns, func.count().label("n")).select_from(_joined()).where(public).group_by(*columns)
    return [
        _Group(row.tab, row.authority_id, row.area, frozenset(filter(None, row.concerns.split(","))), row.n)
        for row in connection.execute(query)
    ]


_CHOSEN = ("concerns", "area", "authority")


def _sum(groups: Iterable[_Group], asked: Wanted) -> int:
    """How many notices there are of what is asked for."""
    return sum(
        group.count for group in groups
        if group.tab == asked.tab and all(not getattr(asked, n) or getattr(asked, n) in group.value(n) for n in _CHOSEN)
    )  # fmt: skip


def _choices(groups: Sequence[_Group], asked: Wanted, name: str, titles: Mapping[str, str]) -> tuple[Choice, ...]:
    """The answers that leave something, and the chosen one; in the order of their titles, or the most frequent first."""
    there: Counter[str] = Counter()
    for group in groups:
        if group.tab == asked.tab:
            there.update(dict.fromkeys(group.value(name), group.count))
    order = list(titles) or sorted(there, key=lambda one: (-there[one], one))
    chosen = getattr(asked, name)
    values = dict.fromkeys([*order, *sorted(there), *([chosen] if chosen else [])])
    found = (Choice(one, titles.get(one, one), _sum(groups, replace(asked, **{name: one}))) for one in values)
    return tuple(one for one in found if one.count or one.value == chosen)


def _chosen(asked: Wanted) -> Iterable[ColumnElement[bool]]:
    if asked.concerns:
        yield _C.c.concerns.contains(f",{asked.concerns},", autoescape=True)
    if asked.area:
        yield _C.c.area == asked.area
    if asked.authority:
        yield _C.c.authority_id == asked.authority


def _joined() -> Any:
    return _C.join(_F, and_(_F.c.authority_id == _C.c.authority_id, _F.c.id == _C.c.case_id))


def _shelves(
    connection: Connection, found: Sequence[Authority], words: str, today: date
) -> tuple[Any, ColumnElement[bool]]:  # fmt: skip
    """Which tab a consultation belongs on, and which consultations are on the list at all."""
    later = _C.alias("later")
    newest = ~exists().where(
        later.c.authority_id == _C.c.authority_id, later.c.case_id == _C.c.case_id, later.c.id > _C.c.id
    )
    wanted = and_(_C.c.authority_id.in_([one.id for one in found]), _F.c.public == true(), newest)
    for word in words.split():
        wanted = and_(wanted, _C.c.found_by.contains(similar.plain(word), autoescape=True))
    tabs = case(
        (_answered(connection, found), "answered"), (and_(_C.c.state == "open", _C.c.ends_on >= today), "open"),
        else_="ended",
    )  # fmt: skip
    return tabs, wanted


def _answered(connection: Connection, found: Sequence[Authority]) -> ColumnElement[bool]:
    """Whether the answers to a consultation have been published."""
    names = _publishing(connection, found)
    if not names:
        return false()
    return exists().where(
        _A.c.authority_id == _C.c.authority_id, _A.c.case_id == _C.c.case_id, _A.c.action.in_(names),
        _A.c.recorded_at > _C.c.opened_at,
    )  # fmt: skip


def _beyond(after: str, *, urgent: bool) -> ColumnElement[bool]:
    """What comes after a place on the list. Raises NotFound for a place that was never given out."""
    day, _, number = after.partition("_")
    try:
        on = date.fromisoformat(day)
    except ValueError as fault:
        raise NotFound(f"no place {after[:80]!r} on the list", say="没有这一页") from fault
    if urgent:
        return or_(_C.c.ends_on > on, and_(_C.c.ends_on == on, _C.c.id > number))
    return or_(_C.c.ends_on < on, and_(_C.c.ends_on == on, _C.c.id < number))


def _card(row: Mapping[str, Any], names: Mapping[str, str], titles: Mapping[str, str], today: date) -> Card:
    state = "answered" if row["tab"] == "answered" else public_notice.state_of(row, today)
    concerns = (name for name in row["concerns"].split(",") if name)
    return Card(
        row["no"], row["title"], names[row["authority_id"]], row["unit"], row["opens_on"], row["ends_on"], state,
        (row["ends_on"] - today).days, row["opinions"], str(consultations.notice(row).get("gist", "")), row["area"],
        tuple(titles.get(name, name) for name in concerns),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class News:
    """Something that readers of the feed are told: a notice, or the answer to what they said."""

    authority: str
    id: str
    no: str
    title: str
    unit: str
    at: datetime
    summary: str
    gist: str = ""
    anchor: str = ""

    @property
    def href(self) -> str:
        """Its page, and there the place."""
        return f"/public/c/{self.no}{self.anchor}"


EVERYTHING = Wanted()
NEWS = 40


def news(
    connection: Connection, found: Sequence[Authority], asked: Wanted = EVERYTHING, *, no: str = "",
    since: datetime | None = None, limit: int = NEWS,
) -> list[News]:  # fmt: skip
    """The latest notices and answers of what is asked for (whatever its tab), or of one case, newest first."""
    _, public = _shelves(connection, found, asked.words, date.min)
    public = and_(public, *_chosen(asked), _C.c.no == no if no else true())
    told = [*_opened(connection, public, since, limit), *_published(connection, found, public, since, limit)]
    return sorted(told, key=lambda one: one.at, reverse=True)[:limit]


def _opened(
    connection: Connection, public: ColumnElement[bool], since: datetime | None, limit: int
) -> list[News]:  # fmt: skip
    """Notices that were not withdrawn again."""
    query = select(_C).select_from(_joined()).where(public, _C.c.state != "withdrawn")
    if since is not None:
        query = query.where(_C.c.opened_at > since)
    rows = [dict(row) for row in connection.execute(query.order_by(_C.c.opened_at.desc()).limit(limit)).mappings()]
    return [
        News(row["authority_id"], row["id"], row["no"], f"征求意见：{row['title']}", row["unit"], row["opened_at"],
             f"征求意见时间：{row['opens_on']} 至 {row['ends_on']}", str(consultations.notice(row).get("gist", "")))
        for row in rows
    ]  # fmt: skip


def _published(
    connection: Connection, found: Sequence[Authority], public: ColumnElement[bool], since: datetime | None, limit: int
) -> list[News]:  # fmt: skip
    """Answers to what was said about these notices."""
    joined = _joined().join(_A, and_(_A.c.authority_id == _C.c.authority_id, _A.c.case_id == _C.c.case_id))
    query = select(_C.c.authority_id, _C.c.no, _C.c.title, _C.c.unit, _A.c.entry_id, _A.c.recorded_at)
    query = query.select_from(joined).where(
        public, _A.c.action.in_(_publishing(connection, found)), _A.c.recorded_at > _C.c.opened_at
    )
    if since is not None:
        query = query.where(_A.c.recorded_at > since)
    return [
        News(row.authority_id, row.entry_id, row.no, f"意见采纳情况：{row.title}", row.unit, row.recorded_at,
             "公众意见的研究采纳情况已经公布", "", "#feedback")
        for row in connection.execute(query.order_by(_A.c.recorded_at.desc()).limit(limit))
    ]  # fmt: skip


def _publishing(connection: Connection, found: Sequence[Authority]) -> list[str]:
    """The actions by which answers are published in any procedure here."""
    names = {
        name
        for authority in found
        for row in procedures.published(connection, authority.id)
        for name in public_notice.publishing(procedures.by_digest(connection, authority.id, row["digest"]))
    }
    return sorted(names)
