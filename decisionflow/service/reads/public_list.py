"""The list of public notices, page by page, and what the feed tells of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, exists, false, func, or_, select, true

from decisionflow.errors import NotFound
from decisionflow.service import procedures
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import public_notice
from decisionflow.store.tables.cases import Case, CaseAct
from decisionflow.store.tables.participation import Consultation

PAGE = 20
TABS = {"open": "征集中", "ended": "已结束待反馈", "answered": "已反馈"}
_C = Consultation.__table__  # type: ignore[attr-defined]
_F = Case.__table__  # type: ignore[attr-defined]
_A = CaseAct.__table__  # type: ignore[attr-defined]


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

    @property
    def word(self) -> str:
        return public_notice.STATES[self.state]


@dataclass(frozen=True, slots=True)
class Shelf:
    """One page of a tab, how many there are in each, and where the next page begins ('' at the end)."""

    cards: tuple[Card, ...]
    counts: Mapping[str, int]
    following: str


def shelf(
    connection: Connection, found: Sequence[Authority], tab: str, words: str, after: str, today: date
) -> Shelf:  # fmt: skip
    """A page of consultations: the newest of each public case, the most urgent (or latest) first."""
    tabs, wanted = _shelves(connection, found, words, today)
    counts = dict.fromkeys(TABS, 0)
    for name, count in connection.execute(
        select(tabs, func.count()).select_from(_joined()).where(wanted).group_by(tabs)
    ):
        counts[str(name)] = int(count)
    query = select(*_C.c, tabs.label("tab")).select_from(_joined()).where(wanted, tabs == tab)
    urgent = tab == "open"
    if after:
        query = query.where(_beyond(after, urgent=urgent))
    order = (_C.c.ends_on, _C.c.id) if urgent else (_C.c.ends_on.desc(), _C.c.id.desc())
    rows = connection.execute(query.order_by(*order).limit(PAGE + 1)).mappings().all()
    names = {authority.id: authority.name for authority in found}
    cards = tuple(_card(dict(row), names, today) for row in rows[:PAGE])
    following = f"{rows[PAGE - 1]['ends_on']}_{rows[PAGE - 1]['id']}" if len(rows) > PAGE else ""
    return Shelf(cards, counts, following)


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
    if words:
        pattern = "%" + words.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        wanted = and_(wanted, func.lower(_C.c.title).like(pattern, escape="\\"))
    tabs = case(
        (_answered(connection, found), "answered"), (and_(_C.c.state == "open", _C.c.ends_on >= today), "open"),
        else_="ended",
    )  # fmt: skip
    return tabs, wanted


def _answered(connection: Connection, found: Sequence[Authority]) -> ColumnElement[bool]:
    """Whether the answers to a consultation have been published."""
    names = {
        name
        for authority in found
        for row in procedures.published(connection, authority.id)
        for name in public_notice.publishing(procedures.by_digest(connection, authority.id, row["digest"]))
    }
    if not names:
        return false()
    return exists().where(
        _A.c.authority_id == _C.c.authority_id, _A.c.case_id == _C.c.case_id, _A.c.action.in_(sorted(names)),
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


def _card(row: Mapping[str, Any], names: Mapping[str, str], today: date) -> Card:
    state = "answered" if row["tab"] == "answered" else public_notice.state_of(row, today)
    return Card(
        row["no"], row["title"], names[row["authority_id"]], row["unit"], row["opens_on"], row["ends_on"], state,
        (row["ends_on"] - today).days, row["opinions"],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class News:
    """Something that readers of the feed are told: a notice, or the answer to what they said."""

    id: str
    no: str
    title: str
    unit: str
    at: datetime
    opened_at: datetime
    summary: str
    anchor: str = ""


def news(connection: Connection, found: Sequence[Authority], limit: int = 40) -> list[News]:
    """The latest notices and answers, newest first."""
    _, wanted = _shelves(connection, found, "", date.min)
    query = select(_C).select_from(_joined()).where(wanted).order_by(_C.c.opened_at.desc()).limit(limit)
    rows = connection.execute(query).mappings().all()
    told = [
        News(row["id"], row["no"], f"征求意见：{row['title']}", row["unit"], row["opened_at"], row["opened_at"],
             f"征求意见时间：{row['opens_on']} 至 {row['ends_on']}")
        for row in rows
    ]  # fmt: skip
    by_case = {row["case_id"]: row for row in rows}
    for act in _publications(connection, found, by_case):
        row = by_case[act.case_id]
        if act.recorded_at > row["opened_at"]:
            title = f"意见采纳情况：{row['title']}"
            told.append(News(act.entry_id, row["no"], title, row["unit"], act.recorded_at, act.recorded_at,
                             "公众意见的研究采纳情况已经公布", "#feedback"))  # fmt: skip
    return sorted(told, key=lambda one: one.at, reverse=True)[:limit]


def _publications(connection: Connection, found: Sequence[Authority], cases: Iterable[str]) -> Sequence[Any]:
    names = {
        name
        for authority in found
        for row in procedures.published(connection, authority.id)
        for name in public_notice.publishing(procedures.by_digest(connection, authority.id, row["digest"]))
    }
    query = select(_A.c.entry_id, _A.c.case_id, _A.c.recorded_at).where(
        _A.c.authority_id.in_([one.id for one in found]),
        _A.c.case_id.in_(sorted(cases)),
        _A.c.action.in_(sorted(names)),
    )
    return connection.execute(query).all()
