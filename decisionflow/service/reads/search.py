"""Acts found by a query (`core.query`): for those who look backwards, over all cases and years, newest first.

Each page is walked along an index: by person, unit or case where the query names one, else along the day of recording.
A query that names neither these nor days looks at the last three months, and says so, so that no question grows with the
age of the trail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, false, not_, or_, select, tuple_

from decisionflow import render
from decisionflow.core import procedure as law
from decisionflow.core import query as language
from decisionflow.core.facts import legal_date
from decisionflow.core.query import Query, Span, Term
from decisionflow.errors import BadInput, Problem
from decisionflow.service import procedures, register
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import cases as listed
from decisionflow.store.tables.cases import Case, CaseAct
from decisionflow.store.tables.people import Post, Unit, UnitName
from decisionflow.store.tables.trail import TrailEntry
from decisionflow.trail import canonical

_A = CaseAct.__table__  # type: ignore[attr-defined]
_C = Case.__table__  # type: ignore[attr-defined]
_E = TrailEntry.__table__  # type: ignore[attr-defined]
_P = Post.__table__  # type: ignore[attr-defined]
_U = Unit.__table__  # type: ignore[attr-defined]
_NAMES = UnitName.__table__  # type: ignore[attr-defined]
PAGE = 50
MOST = 5000
WINDOW = timedelta(days=92)
EXAMPLES = ("人员:沈若谷 时间:2026", "单位:住建局 环节:合法性审查 -补录:否", "条:25 状态:在办")
COLUMNS = ("编号", "事项", "行为", "环节", "人员", "岗位", "单位", "职责", "发生", "登记", "补录", "依据", "记录")


@dataclass(frozen=True, slots=True)
class Hit:
    """One act: of which case, what on which line, by whom in which post of which unit as written then, on what."""

    no: str
    case: str
    action: str
    title: str
    line: str
    person: str
    name: str
    post: str
    unit: str
    duty: str
    at: datetime
    recorded: datetime
    late: bool
    cite: str
    entry: str


@dataclass(frozen=True, slots=True)
class Found:
    """A page of hits; `since` when only the last months were looked at, `more` where the next page begins.

    `related` are units that came before or after those asked for, under whose name acts may stand too.
    """

    query: Query
    hits: tuple[Hit, ...]
    since: date | None
    more: str
    related: tuple[str, ...]


def search(
    connection: Connection, authority: Authority, text: str, now: datetime, *, after: str = "", most: int = 0
) -> Found:  # fmt: skip
    """What a query asks for: a page, or at most so many. Raises BadInput."""
    most = most or PAGE
    asked = language.read(text)
    digests = [row["digest"] for row in procedures.published(connection, authority.id)]
    versions = {digest: procedures.by_digest(connection, authority.id, digest) for digest in digests}
    look = _Look(connection, authority, versions, now)
    wanted = [look.condition(term) for term in asked.terms]
    since = None if asked.bounded("person", "unit", "case", "time", "recorded") else legal_date(now) - WINDOW
    if since is not None:
        wanted.append(_A.c.recorded_at >= listed.instant_of(since))
    if after:
        wanted.append(look.behind(after))
    query = select(_A, _C.c.no, _C.c.title.label("case_title"), _C.c.procedure, _E.c.data).select_from(
        _A.join(_C, and_(_C.c.authority_id == _A.c.authority_id, _C.c.id == _A.c.case_id))
        .join(_E, and_(_E.c.authority_id == _A.c.authority_id, _E.c.entry_id == _A.c.entry_id))
    ).where(_A.c.authority_id == authority.id, *wanted)  # fmt: skip
    newest = query.order_by(_A.c.recorded_at.desc(), _A.c.entry_id.desc()).limit(most + 1)
    rows = connection.execute(newest).mappings().all()
    hits = tuple(look.hit(dict(row)) for row in rows[:most])
    return Found(asked, hits, since, hits[-1].entry if len(rows) > most else "", look.related(asked))


def cells(one: Hit) -> tuple[str, ...]:
    """A hit as a row under `COLUMNS`."""
    return (
        one.no, one.case, one.title, one.line, one.name, one.post, one.unit, one.duty, render.moment(one.at),
        render.moment(one.recorded), "补录" if one.late else "", one.cite, one.entry,
    )  # fmt: skip


def as_json(one: Hit) -> dict[str, Any]:
    """A hit as data."""
    return {
        "no": one.no, "case": one.case, "action": one.action, "title": one.title, "line": one.line, "person": one.person,
        "name": one.name, "post": one.post, "unit": one.unit, "duty": one.duty, "happened_at": one.at.isoformat(),
        "recorded_at": one.recorded.isoformat(), "late": one.late, "cites": one.cite, "entry": one.entry,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Look:
    """What the conditions of a query are made from."""

    connection: Connection
    authority: Authority
    versions: Mapping[str, law.Procedure]
    now: datetime

    def condition(self, term: Term) -> ColumnElement[bool]:
        found: ColumnElement[bool] = self._is(term)
        return not_(found) if term.without else found

    def _is(self, term: Term) -> Any:
        match term.key, term.value:
            case "late", bool(value):
                return _A.c.late.is_(value)
            case "time", Span() as days:
                return listed.within(_A.c.happened_at, days)
            case "recorded", Span() as days:
                return listed.within(_A.c.recorded_at, days)
            case "state", str(value):
                return _C.c.ended.is_(value == "ended")
            case "lamp", str(value):
                lights = listed.lights(self.connection, self.authority, legal_date(self.now))
                return _C.c.id.in_([case for case, light in lights.items() if light.kind == value])
            case "person", str(value):
                return _A.c.person_id.in_([one["id"] for one in register.find_persons(self.connection, value)])
            case "unit", str(value):
                return _A.c.unit_id.in_(self.units(value))
            case "post", str(value):
                held = select(_P.c.id).where(_P.c.authority_id == self.authority.id, _has(_P.c.title, value))
                return _A.c.post_id.in_(held)
            case "action", str(value):
                return or_(_A.c.action == value, _has(_A.c.title, value))
            case "case", str(value):
                return or_(_C.c.no == value, _has(_C.c.title, value))
            case "line" | "duty" | "article" | "rule", str(value):
                return self._by_rules(term.key, value)
        value = str(term.value)
        return or_(
            _has(_A.c.title, value), _has(_C.c.no, value), _has(_C.c.title, value), _has(_A.c.person_name, value)
        )

    def _by_rules(self, key: str, value: str) -> ColumnElement[bool]:
        """What only the rules of each version can say: which lines, duties and actions are meant."""
        either = [
            and_(_C.c.procedure == digest, column.in_(names))
            for digest, one in self.versions.items()
            for column, names in [_meant(one, key, value)] if names
        ]  # fmt: skip
        return or_(*either) if either else false()

    def units(self, words: str) -> list[str]:
        """The units that have, or once had, such a name."""
        query = select(_NAMES.c.unit_id).where(_NAMES.c.authority_id == self.authority.id, _has(_NAMES.c.name, words))
        return [row.unit_id for row in self.connection.execute(query.distinct())]

    def related(self, asked: Query) -> tuple[str, ...]:
        """Who came before and after the units asked for."""
        ids = {one for term in asked.of("unit") if not term.without for one in self.units(str(term.value))}
        query = select(_U.c.id, _U.c.name, _U.c.succeeds).where(
            _U.c.authority_id == self.authority.id, or_(_U.c.succeeds.in_(ids), _U.c.id.in_(ids))
        )
        rows = self.connection.execute(query).all() if ids else []
        before = {row.succeeds for row in rows if row.id in ids and row.succeeds} - ids
        earlier = select(_U.c.name).where(_U.c.authority_id == self.authority.id, _U.c.id.in_(before))
        names = [row.name for row in rows if row.id not in ids]
        return tuple(names + [row.name for row in self.connection.execute(earlier)] if before else names)

    def behind(self, after: str) -> ColumnElement[bool]:
        """What stands behind an act. Raises BadInput."""
        query = select(_A.c.recorded_at).where(_A.c.authority_id == self.authority.id, _A.c.entry_id == after)
        at = self.connection.execute(query).scalar()
        if at is None:
            raise BadInput([Problem("after", "没有这一处，请从第一页看起", rule="choice")])
        return tuple_(_A.c.recorded_at, _A.c.entry_id) < tuple_(at, after)

    def hit(self, row: Mapping[str, Any]) -> Hit:
        procedure, actor = self.versions[row["procedure"]], canonical.decode(bytes(row["data"]))["actor"]
        action, duty = procedure.action(row["action"]), procedure.duties.get(row["duty"])
        rule = procedure.rules[action.rules[0]] if action else None
        return Hit(
            row["no"], row["case_title"], row["action"], row["title"], procedure.tracks[row["track"]].title, row["person_id"],
            row["person_name"], actor.get("post_title", ""), actor.get("unit_name", ""), duty.title if duty else "",
            row["happened_at"], row["recorded_at"], bool(row["late"]),
            law.say_cite(rule, procedure.sources[rule.source]) if rule else "", row["entry_id"],
        )  # fmt: skip


def _meant(one: law.Procedure, key: str, value: str) -> tuple[ColumnElement[Any], list[str]]:
    if key == "line":
        return _A.c.track, [name for name, track in one.tracks.items() if value == name or value in track.title]
    if key == "duty":
        return _A.c.duty, [name for name, duty in one.duties.items() if value == name or value in duty.title]
    if key == "rule":
        rules = {value.upper()} & set(one.rules)
    else:
        source, dash, number = value.rpartition("-")
        rules = {
            rule.id for rule in one.rules.values()
            if number in (rule.article, *rule.also) and (not dash or rule.source == source)
        }  # fmt: skip
    return _A.c.action, [action.id for action in one.actions if rules & set(_cited(one, action))]


def _cited(one: law.Procedure, action: law.Action) -> Iterable[str]:
    yield from action.rules
    for gate in one.gates_of(action):
        yield from gate.rules


def _has(column: ColumnElement[str], words: str) -> ColumnElement[bool]:
    return column.icontains(words, autoescape=True)
