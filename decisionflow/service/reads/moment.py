"""The time machine: a case as it stood at an instant, by what had been recorded then or by what is said to have happened.

``recorded`` folds the entries that were in the system; ``claimed`` folds in the order of the claimed times, later entries
among them, so that it shows what the record of today says of that day. The second is no proof of what anybody could see.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, func, select, text

from decisionflow.core import calendar as days
from decisionflow.core import clocks, machine
from decisionflow.core import procedure as law
from decisionflow.core import step as core
from decisionflow.core.facts import SHANGHAI, Facts, Record, fold, instant, legal_date, stamp
from decisionflow.errors import BadInput, Problem
from decisionflow.service import procedures
from decisionflow.service.authorities import Authority
from decisionflow.store.tables.participation import Consultation, Opinion
from decisionflow.store.tables.trail import TrailEntry
from decisionflow.trail import canonical

Basis = Literal["recorded", "claimed"]
BASES: Mapping[str, str] = {"recorded": "当时系统已经登记的", "claimed": "按所称的发生时间，后来补录的也算"}
SAYS: Mapping[str, str] = {
    "recorded": "只算到那一刻已经登记进系统的记录：当时在系统里能看到的就是这些。",
    "claimed": "按每条记录所称的发生时间排列，之后补录的也算进去：这是今天的记录对那一刻的说法，当时系统里未必有。",
}
_C = Consultation.__table__  # type: ignore[attr-defined]
_O = Opinion.__table__  # type: ignore[attr-defined]
_E = TrailEntry.__table__  # type: ignore[attr-defined]
_ENTRIES = text("""
    select data from trail_entry where authority_id = :a and chain_kind = 'case' and chain_id = :c order by chain_seq
""")


@dataclass(frozen=True, slots=True)
class Then:
    """A case at an instant. `facts` None: it had not begun. `next_at` is the entry after it, for turning pages."""

    at: datetime
    basis: Basis
    facts: Facts | None
    procedure: law.Procedure | None
    running: tuple[clocks.Running, ...]
    asked: tuple[tuple[str, str], ...]
    opinions: int
    before: datetime | None
    after: datetime | None


def basis(given: str) -> Basis:
    """One of the two bases. Raises BadInput."""
    if given not in BASES:
        raise BadInput([Problem("basis", f"没有口径“{given}”，应为 recorded 或 claimed", rule="choice")])
    return "claimed" if given == "claimed" else "recorded"


def parse(given: str, now: datetime, place: str = "at") -> datetime:
    """An instant as typed: a minute in Shanghai, a day (its end), or one with an offset. Raises BadInput."""
    words = given.strip().replace(" ", "T")
    if not words:
        return now
    try:
        at = datetime.fromisoformat(words)
    except ValueError as fault:
        raise BadInput(
            [Problem(place, f"“{given}”不是日期或者时刻，应写作 2026-11-03 或者 2026-11-03T09:00", rule="instant")]
        ) from fault
    if len(words) == 10:
        at += timedelta(days=1) - timedelta(microseconds=1)
    at = at if at.tzinfo else at.replace(tzinfo=SHANGHAI)
    if not 1990 <= at.year <= 2200:
        raise BadInput([Problem(place, f"“{given}”不在可以查的范围内", rule="instant")])
    return at


def records(connection: Connection, authority: Authority, case: str) -> tuple[Record, ...]:
    """The entries of a case, oldest first."""
    rows = connection.execute(_ENTRIES, {"a": authority.id, "c": case})
    return tuple(canonical.decode(row.data) for row in rows)


def time_of(record: Record, by: Basis) -> datetime:
    """The time of an entry that counts."""
    return instant(record["times"]["recorded_at" if by == "recorded" else "happened_at"])


def folded(
    connection: Connection, authority: Authority, entries: tuple[Record, ...], at: datetime, by: Basis
) -> Facts | None:  # fmt: skip
    """The case as the entries up to an instant make it; None before the first."""
    seen = [one for one in entries if time_of(one, by) <= at]
    if by == "recorded":
        facts: Facts | None = None
        for record in seen:
            facts = fold(facts, record)
        return facts
    if not seen:
        return None
    first = entries[0]
    ordered = sorted((one for one in seen if one is not first), key=lambda one: (time_of(one, by), one["chain"]["seq"]))
    facts = fold(None, first)
    for record in ordered:
        facts = fold(facts, _placed(connection, authority, facts, record))
    return facts


def _placed(connection: Connection, authority: Authority, facts: Facts, record: Record) -> Record:
    """An act with the stages that follow from where its case stands in this order, not from when it was entered."""
    if record["kind"] != "step.taken":
        return record
    body = record["body"]
    digest = body.get("procedure", {}).get("digest", facts.procedure)
    known = procedures.by_digest(connection, authority.id, digest).initial()
    stages = {track: facts.stages.get(track, known.get(track, at)) for track, at in body["stages"].items()}
    stages |= {track: body["stages"][track] for track in body.get("resets", ()) if track in body["stages"]}
    return {**record, "body": {**body, "stages": {**stages, body["track"]: body["after"]}}}


def then(
    connection: Connection, authority: Authority, entries: tuple[Record, ...], at: datetime, by: Basis,
    calendar: days.Calendar,
) -> Then:  # fmt: skip
    """A case at an instant, with the clocks of that day and what each duty was asked for."""
    facts = folded(connection, authority, entries, at, by)
    times = sorted({time_of(one, by) for one in entries})
    before = max((one for one in times if one < at), default=None)
    after = min((one for one in times if one > at), default=None)
    if facts is None:
        return Then(at, by, None, None, (), (), 0, before, after)
    procedure = procedures.by_digest(connection, authority.id, facts.procedure)
    running = tuple(
        one for one in clocks.ledger(procedure, facts, calendar, legal_date(at)) if one.state in ("running", "stopped")
    )
    return Then(
        at, by, facts, procedure, running, tuple(_asked(procedure, facts)),
        _opinions(connection, authority, facts.case, at, by), before, after,
    )  # fmt: skip


def _asked(procedure: law.Procedure, facts: Facts) -> Iterator[tuple[str, str]]:
    """What each duty was asked for: ended cases ask for nothing."""
    if procedure.is_ended(facts.stages):
        return
    for action in core.todos(procedure, facts):
        if action in machine.offered(procedure, facts.stages):
            yield procedure.duties[action.by[0]].title, action.ask or action.title


def _opinions(connection: Connection, authority: Authority, case: str, at: datetime, by: Basis) -> int:
    mine = (_C.c.authority_id == authority.id, _C.c.case_id == case)
    joined = _O.join(_C, (_O.c.authority_id == _C.c.authority_id) & (_O.c.consultation_id == _C.c.id))
    query = select(func.count()).select_from(joined).where(*mine, _O.c.received_at <= at)
    if by == "recorded":
        with_entry = joined.join(_E, (_E.c.authority_id == _O.c.authority_id) & (_E.c.entry_id == _O.c.entry_id))
        query = select(func.count()).select_from(with_entry).where(*mine, _E.c.recorded_at <= at)
    return int(connection.execute(query).scalar_one())


@dataclass(frozen=True, slots=True)
class Line:
    """One thing about a case at an instant, beside the same at another ('' where there is none)."""

    part: str
    title: str
    one: str
    other: str

    @property
    def changed(self) -> bool:
        return self.one != self.other


def lines(one: Then, other: Then | None = None) -> tuple[Line, ...]:
    """What there is to say of a case at an instant, in parts; beside it the other instant."""
    left, right = dict(_said(one)), dict(_said(other)) if other else {}
    keys = [*left, *(key for key in right if key not in left)]
    order = {part: n for n, part in enumerate(PARTS)}
    keys.sort(key=lambda key: order[key[0]])
    return tuple(Line(part, title, left.get((part, title), ""), right.get((part, title), "")) for part, title in keys)


PARTS = ("事项", "环节", "办理", "文本", "材料", "意见", "期限", "等谁办")


def _said(at: Then) -> Iterator[tuple[tuple[str, str], str]]:
    facts, procedure = at.facts, at.procedure
    if facts is None or procedure is None:
        yield ("事项", "名称"), "尚未启动"
        return
    yield ("事项", "名称"), facts.title
    yield ("事项", "程序版本"), f"{procedure.title} {procedure.version}"
    for name, track in procedure.tracks.items():
        yield ("环节", track.title), track.stages.get(facts.stages.get(name, ""), "")
    yield ("办理", "办理了几步"), f"{len(facts.acts)} 步"
    if facts.acts:
        last = max(facts.acts, key=lambda act: (act.recorded if at.basis == "recorded" else act.at, act.n))
        yield ("办理", "最后一步"), f"{last.title}（{last.party.unit_name}{last.party.post_title} {last.party.name}）"
    yield ("文本", "草案"), f"第 {facts.text.version} 版（{facts.text.sha256[:8]}）" if facts.text else "还没有"
    for kind, paper in sorted(facts.papers().items()):
        title = procedure.materials[kind].title if kind in procedure.materials else kind
        yield ("材料", title), f"{paper.name}（{paper.sha256[:8]}）"
    yield ("意见", "收到的公众意见"), f"{at.opinions} 件"
    for clock in at.running:
        due = clock.due_on.isoformat() if clock.due_on else "没有最后一天"
        yield ("期限", clock.title), f"至 {due}" + ("，停钟" if clock.state == "stopped" else "")
    asked: dict[str, list[str]] = {}
    for duty, what in at.asked:
        asked.setdefault(duty, []).append(what)
    for duty, several in asked.items():
        yield ("等谁办", duty), "、".join(several)


def as_json(at: Then) -> dict[str, Any]:
    """A case at an instant as data."""
    return {
        "at": stamp(at.at), "basis": at.basis, "begun": at.facts is not None,
        "stages": dict(at.facts.stages) if at.facts else {}, "acts": [act.entry for act in at.facts.acts] if at.facts else [],
        "text": {"version": at.facts.text.version, "sha256": at.facts.text.sha256} if at.facts and at.facts.text else None,
        "papers": {kind: one.sha256 for kind, one in at.facts.papers().items()} if at.facts else {},
        "opinions": at.opinions,
        "clocks": [{"clock": one.clock, "title": one.title, "due_on": one.due_on.isoformat() if one.due_on else "",
                    "state": one.state} for one in at.running],
        "asked": [{"duty": duty, "what": what} for duty, what in at.asked],
    }  # fmt: skip
