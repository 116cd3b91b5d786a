"""A public notice as everybody sees it: one page from the first day on and for ever.

A consultation is what an action opens; an answer to opinions is an act with rows of `point` and
`disposition`; it is published by a public act taken where the answer left the track. Counts are added
up here, never typed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, func, select

from decisionflow.core import calendar as days
from decisionflow.core import conditions, gates, spans, texts
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts, legal_date
from decisionflow.errors import DecisionflowError, NotFound
from decisionflow.service import consultations, hearings, settling
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import masks, public, public_channels, refusals
from decisionflow.store.blobs import Blobs
from decisionflow.store.tables.participation import Consultation, Opinion

DAY = timedelta(days=1)
STATES = {
    "coming": "尚未开始", "open": "征求中", "due": "已到期，尚未结束", "closed": "已结束，正在研究意见", "answered": "已反馈",
    "withdrawn": "已撤回", "over": "已结束",
}  # fmt: skip
FIRST = ("gist", "concerns", "area")
CHANGING = ("adopted", "partly")  # dispositions by which the draft changes
_C = Consultation.__table__  # type: ignore[attr-defined]
_O = Opinion.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Departure:
    """A "usually" that the notice departs from: what the law says, where, and the reason given."""

    say: str
    cite: str
    reason: str


@dataclass(frozen=True, slots=True)
class Extension:
    """The last day moved later."""

    on: date
    before: date
    ends_on: date
    reason: str


@dataclass(frozen=True, slots=True)
class Round:
    """An earlier notice of the same case."""

    opens_on: date
    ends_on: date
    word: str
    opinions: int


@dataclass(frozen=True, slots=True)
class Point:
    """One point of what the public said, and what became of it; `opinions` are the numbers of those that said it.

    `old` and `new` are the paragraph of the draft it led to changing, as it was asked about and as it was answered.
    """

    n: int
    point: str
    count: int | None
    distinct: int | None
    disposition: str
    reason: str
    article: str
    old: str
    new: str
    opinions: spans.Spans


@dataclass(frozen=True, slots=True)
class Feedback:
    """What became of the opinions. `total` is the sum of `channels`, the sum of `dispositions` is the number of points."""

    on: date
    unit: str
    channels: tuple[tuple[str, int], ...]
    total: int
    points: tuple[Point, ...]
    dispositions: tuple[tuple[str, int], ...]
    counted: int
    remark: str
    said: tuple[public.Said, ...]
    papers: tuple[public.Shown, ...]


@dataclass(frozen=True, slots=True)
class Hearing:
    """A hearing about the same matter: its day, whether that is to come, and whether anybody may sign up today."""

    held_on: date
    coming: bool
    takes: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """A consultation as everybody sees it, from the first day on and for ever."""

    authority: str
    no: str
    id: str
    title: str
    unit: str
    published_on: date
    opens_on: date
    ends_on: date
    state: str
    left: int
    opinions: int
    departures: tuple[Departure, ...]
    extensions: tuple[Extension, ...]
    gone: str
    said: tuple[public.Said, ...]
    document: texts.Document | None
    papers: tuple[public.Shown, ...]
    explanations: tuple[public.Story, ...]
    feedback: Feedback | None
    awaits: bool
    rounds: tuple[Round, ...]
    entry: str
    sha256: str
    gist: str = ""
    concerns: str = ""
    area: str = ""
    channels: tuple[public_channels.Channel, ...] = ()
    hearing: Hearing | None = None
    wanted: str = ""

    @property
    def word(self) -> str:
        return STATES[self.state]

    @property
    def takes(self) -> bool:
        """Whether an opinion may be sent now."""
        return self.state in ("open", "due")

    @property
    def length(self) -> int:
        """How many days there are to comment; the day of publication does not count."""
        return (self.ends_on - self.opens_on).days

    @property
    def counting(self) -> str:
        """How the days are counted."""
        begins, ends = days.say_day(self.opens_on + DAY), days.say_day(self.ends_on)
        today = f"{self.opens_on.month}月{self.opens_on.day}日"
        return f"公布当日（{today}）不计，自{begins}起算，共{self.length}日，到{ends}24时截止"

    def paragraph(self, name: str) -> str:
        """The words of a paragraph of the draft; '' for none of that name."""
        return next((one.text for one in self.document.paragraphs if one.id == name), "") if self.document else ""


def notice(connection: Connection, blobs: Blobs, no: str, now: datetime) -> Notice:
    """The newest consultation of a public case. Raises NotFound."""
    authority, standing = public.visible(connection, no)
    procedure, facts = standing.procedure, standing.facts
    rows = _rounds(connection, authority, facts.case)
    opened = _opening(procedure, facts, rows[0]) if rows else None
    if opened is None:
        raise NotFound(f"no consultation of {no}", say="没有这个征求意见公告")
    row, (action, act) = rows[0], opened
    since = [(a, one) for a, one in public.public_acts(procedure, facts) if one.recorded > act.recorded]
    tell = public.teller(connection, blobs, authority, [act, *(one for _, one in since)])
    shown, hashes = (
        public.papers(procedure, facts),
        public.hashes(connection, authority, [act.entry, *(o.entry for _, o in since)]),
    )
    feedback = _feedback(connection, tell, authority, procedure, facts, row, shown)
    excuses = _departures(tell, procedure, action, act)
    about = [
        public.story(tell, one, how, shown, hashes) for how, one in since
        if how.track == action.track and not how.consultation and how.id not in publishing(procedure)
        and not public_channels.keeps(how)
    ]  # fmt: skip
    today = legal_date(now)
    first = {spec.id: tell.words(spec, act.fields.get(spec.id)) for spec in action.fields if spec.id in FIRST}
    return Notice(
        authority.name, no, row["id"], row["title"], act.party.unit_name, act.on, row["opens_on"], row["ends_on"],
        _standing(procedure, row, today, feedback), (row["ends_on"] - today).days, row["opinions"],
        tuple(one for _, one in excuses), _extensions(tell, procedure, facts, act, row), _gone(tell, procedure, facts, row),
        tuple(tell.fields(action.fields, act.fields, _left_out(procedure, action))), document_of(blobs, row["text_digest"]),
        tuple(one for one in shown if one.act == act.entry), tuple(about), feedback, bool(publishing(procedure)),
        tuple(Round(one["opens_on"], one["ends_on"], STATES.get(state_of(one, today), ""), one["opinions"]) for one in rows[1:]),
        act.entry, hashes.get(act.entry, ""), **first, channels=public_channels.channels(action, act, since),
        hearing=_hearing(connection, authority, facts, today), wanted=consultations.asks_for(act.fields),
    )  # fmt: skip


def _hearing(connection: Connection, authority: Authority, facts: Facts, today: date) -> Hearing | None:
    row = hearings.of_case(connection, authority.id, facts.case)
    if row is None or row["state"] == "cancelled":
        return None
    return Hearing(row["held_on"], row["held_on"] >= today, hearings.signup_state(row, today) == "open")


def state_of(row: Mapping[str, Any], today: date) -> str:
    """Where a consultation stands on a day, whatever became of the opinions."""
    if row["state"] != "open":
        return str(row["state"])
    if today < row["opens_on"]:
        return "coming"
    return "open" if today <= row["ends_on"] else "due"


@lru_cache(maxsize=256)
def publishing(procedure: law.Procedure) -> frozenset[str]:
    """The actions that publish answers to opinions: public, and taken where an answer left the track."""
    answering = [action for action in procedure.actions if settling.rows_of(action)]
    return frozenset(
        action.id
        for action in procedure.actions
        for answer in answering
        if action.public and action.track == answer.track and answer.to and answer.to in action.source
    )


def _rounds(connection: Connection, authority: Authority, case: str) -> list[dict[str, Any]]:
    query = select(_C).where(_C.c.authority_id == authority.id, _C.c.case_id == case).order_by(_C.c.id.desc())
    return [dict(row) for row in connection.execute(query).mappings()]


def _opening(procedure: law.Procedure, facts: Facts, row: Mapping[str, Any]) -> tuple[law.Action, Act] | None:
    """The public act that opened a consultation: recorded at the same instant."""
    return next(
        ((action, act) for action, act in public.public_acts(procedure, facts)
         if action.consultation == "open" and act.recorded == row["opened_at"]),
        None,
    )  # fmt: skip


def _standing(procedure: law.Procedure, row: Mapping[str, Any], today: date, feedback: Feedback | None) -> str:
    if feedback is not None:
        return "answered"
    state = state_of(row, today)
    return "over" if state == "closed" and not publishing(procedure) else state


def document_of(blobs: Blobs, digest: str) -> texts.Document | None:
    try:
        return texts.load(blobs.get(digest)) if digest else None
    except DecisionflowError:
        return None


def _departures(
    tell: public.Teller, procedure: law.Procedure, action: law.Action, act: Act
) -> list[tuple[str, Departure]]:
    """The rules the notice departs from, each with the field that holds the reason."""
    found = []
    for gate in procedure.gates_of(action):
        if gate.id in act.deviations and gate.deviate:
            cite = refusals.cite_words([gates.cite(procedure, gate.rules[0])], procedure)
            found.append((gate.deviate, Departure(gate.say, cite, tell.long(act.fields.get(gate.deviate, "")))))
    return found


def _left_out(procedure: law.Procedure, action: law.Action) -> set[str]:
    """Fields that the page shows in a place of their own: the last day, what it is about, and reasons for departing."""
    return {"ends_on", public_channels.FIELD, *FIRST} | {
        gate.deviate for gate in procedure.gates_of(action) if gate.deviate
    }


def _extensions(
    tell: public.Teller, procedure: law.Procedure, facts: Facts, opening: Act, row: Mapping[str, Any]
) -> tuple[Extension, ...]:  # fmt: skip
    found = []
    before = date.fromisoformat(str(opening.fields["ends_on"]))
    for act in facts.acts:
        action = procedure.action(act.action)
        within = act.recorded > opening.recorded and (row["closed_at"] is None or act.recorded < row["closed_at"])
        if action is not None and action.consultation == "extend" and within:
            ends_on = date.fromisoformat(str(act.fields["ends_on"]))
            found.append(Extension(act.on, before, ends_on, tell.long(act.fields.get("reason", ""))))
            before = ends_on
    return tuple(found)


def _gone(tell: public.Teller, procedure: law.Procedure, facts: Facts, row: Mapping[str, Any]) -> str:
    """Why a notice was withdrawn, as far as that is public; '' when it was not."""
    if row["state"] != "withdrawn":
        return ""
    act = next((one for one in facts.acts if one.recorded == row["closed_at"]), None)
    action = procedure.action(act.action) if act else None
    if act and action and action.public and conditions.filled(act.fields.get("reason")):
        return tell.long(act.fields["reason"])
    main = next(iter(procedure.tracks))
    if procedure.is_ended(facts.stages):
        return f"本事项已终止办理（{procedure.tracks[main].stages[facts.stages[main]]}）"
    return "本事项的办理有变化"


def _feedback(
    connection: Connection, tell: public.Teller, authority: Authority, procedure: law.Procedure, facts: Facts,
    row: Mapping[str, Any], shown: Sequence[public.Shown],
) -> Feedback | None:  # fmt: skip
    """The published answer to a consultation, as last published; None while there is none."""
    answer: tuple[law.Action, law.FieldSpec, Act] | None = None
    found: tuple[tuple[law.Action, law.FieldSpec, Act], tuple[law.Action, Act]] | None = None
    for act in facts.acts:
        action = procedure.action(act.action)
        if action is None or act.recorded <= row["opened_at"]:
            continue
        if rows := settling.rows_of(action):
            answer = (action, rows, act)
        elif answer and action.id in publishing(procedure) and act.round == answer[2].round:
            found = (answer, (action, act))
    return _told(connection, tell, authority, row, *found, shown) if found else None


def _told(
    connection: Connection, tell: public.Teller, authority: Authority, row: Mapping[str, Any],
    answer: tuple[law.Action, law.FieldSpec, Act], publication: tuple[law.Action, Act], shown: Sequence[public.Shown],
) -> Feedback:  # fmt: skip
    (_, spec, answered), (publishing_action, published) = answer, publication
    columns = {column.id: column for column in spec.columns}

    def cell(one: Mapping[str, Any], name: str) -> str:
        return masks.words(tell.words(columns[name], one.get(name))) if name in columns else ""

    given = answered.fields.get(spec.id, [])
    changed = _changed(tell.blobs, row["text_digest"], published)
    points = []
    for n, one in enumerate((one for one in given if isinstance(one, Mapping)) if isinstance(given, list) else (), 1):
        place, old, new = changed.get(str(one.get("article", "")), (cell(one, "article"), "", ""))
        if one.get("disposition") not in CHANGING:  # it may have changed, but not because of this
            old = new = ""
        points.append(Point(
            n, cell(one, "point"), _whole(one.get("count")), _whole(one.get("distinct")), cell(one, "disposition"),
            cell(one, "reason"), place, old, new, settling.numbered(tell.long(one.get("opinions", ""))),
        ))  # fmt: skip
    received = _channels(connection, authority, row["id"])
    stated = _whole(answered.fields.get("received")) or 0
    if (other := stated - sum(count for _, count in received)) > 0:
        received.append(("其他方式", other))
    total, counted = sum(count for _, count in received), sum(point.count or 0 for point in points)
    tally = Counter(point.disposition for point in points)
    order = [*columns["disposition"].choices.values()]
    own = {spec.id, "received", "unreasoned_reason"}
    said = [
        *tell.fields([one for one in answer[0].fields if one.type == "long"], answered.fields, own),
        *tell.fields([one for one in publishing_action.fields if one.type == "long"], published.fields),
    ]
    return Feedback(
        published.on, answered.party.unit_name, tuple(received), total, tuple(points),
        tuple((name, tally[name]) for name in order if tally[name]), counted, _remark(tell, answered, points, total, counted),
        tuple(public.Said(one.id, one.title, masks.words(one.text)) for one in said),
        tuple(one for one in shown if one.act == published.entry),
    )  # fmt: skip


def _changed(blobs: Blobs, asked: str, published: Act) -> dict[str, tuple[str, str, str]]:
    """By id, each paragraph the public was asked about: its name, and if it was changed its words before and after."""
    before, after = document_of(blobs, asked), document_of(blobs, published.text.sha256 if published.text else "")
    if before is None:
        return {}
    now = {one.id: one.text for one in (after or before).paragraphs}
    found = {}
    for n, one in enumerate(before.paragraphs, 1):
        new = now.get(one.id, "（这一段已经删去）")
        found[one.id] = (f"第{n}段", one.text, new) if new != one.text else (f"第{n}段", "", "")
    return found


def _remark(tell: public.Teller, answered: Act, points: Sequence[Point], total: int, counted: int) -> str:
    """What must be said when the counts of the points do not come to the number of opinions."""
    told = []
    if points and all(point.count is not None for point in points) and counted != total:
        told.append(
            f"各要点的条数合计 {counted} 条，收到的意见共 {total} 条：一条意见可能谈到几个要点，同样的意见可能合并计数。"
        )
    if conditions.filled(answered.fields.get("unreasoned_reason")):
        told.append(f"没有逐条写明理由的原因：{tell.long(answered.fields['unreasoned_reason'])}")
    return "".join(told)


def _channels(connection: Connection, authority: Authority, consultation: str) -> list[tuple[str, int]]:
    """How many opinions came in by each channel, in the order of the house."""
    query = select(_O.c.channel, func.count()).where(
        _O.c.authority_id == authority.id, _O.c.consultation_id == consultation
    )
    found = {str(name): int(count) for name, count in connection.execute(query.group_by(_O.c.channel))}
    return [(title, found[name]) for name, title in consultations.CHANNELS.items() if name in found]


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
