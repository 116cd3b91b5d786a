"""督导: how the government's decisions go, unit by unit, computed from the trail itself and not from what units report.

Nothing here is a verdict: a step that was not needed stands with the reason given for it, a clock that ran out with how long.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from statistics import median

from decisionflow.core import calendar as days
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts, legal_date
from decisionflow.core.watch import History
from decisionflow.service.reads import catalogue, desks, heat, refusals
from decisionflow.service.reads.catalogue import Catalogue
from decisionflow.service.reads.desks import Overdue
from decisionflow.service.reads.stored import Stored

MAIN, DECIDED = "main", frozenset({"decided", "issued", "closed"})
EVALUATION = "evaluation"
COLUMNS = (
    "单位", "事项", "在办", "已决定", "到决定的中位工作日", "超期的期限", "超期工作日", "说明理由后偏离", "不需要的环节", "补录",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Skipped:
    """A step that was found not to be needed: where, which, by whom, and the reason that was given."""

    no: str
    title: str
    unit: str
    step: str
    state: str
    who: str
    on: date
    reason: str
    entry: str
    cite: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An evaluation that was ordered and not yet reported; `late` are days beyond the day named, 0 when none was."""

    no: str
    title: str
    unit: str
    ordered_on: date
    due_on: date | None
    late: int


URGE, ISSUE, ANSWER, RETURN, CLOSE = (
    "supervision", "issue_supervision", "answer_supervision", "return_supervision", "close_supervision",
)  # fmt: skip
COLOURS: Mapping[str, str] = {"blue": "蓝色", "yellow": "黄色", "red": "红色"}


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice of supervision that a person issued, and what became of it; `late` are days beyond the day for an answer."""

    no: str
    title: str
    entry: str
    colour: str
    unit: str
    reason: str
    demands: str
    issued_on: date
    answer_by: date | None
    state: str
    stage: str
    answer: str
    returned: int
    late: int


@dataclass(frozen=True, slots=True)
class Unit:
    """What the trail says of a lead unit. `speed` is the median of workdays from opening to decision, None without one."""

    unit: str
    cases: int
    running: int
    decided: int
    speed: int | None
    overdue: int
    workdays: int
    departures: int
    skipped: int
    late: int

    def cells(self) -> tuple[str, ...]:
        """The unit as a line of a table."""
        speed = "" if self.speed is None else str(self.speed)
        numbers = (self.overdue, self.workdays, self.departures, self.skipped, self.late)
        return (self.unit, str(self.cases), str(self.running), str(self.decided), speed, *map(str, numbers))


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that the supervision page shows, of one lead unit or of all."""

    year: Catalogue | None
    late: tuple[Overdue, ...]
    skipped: tuple[Skipped, ...]
    evaluations: tuple[Evaluation, ...]
    notices: tuple[Notice, ...]
    units: tuple[Unit, ...]
    names: tuple[str, ...]


def board(cases: Sequence[Stored], calendar: days.Calendar, now: datetime, unit: str = "") -> Board:
    """The board of these cases; with `unit` only of those that it leads, the catalogue and the comparison left whole."""
    today = legal_date(now)
    own = [one for one in cases if unit in ("", lead_unit(one.facts))]
    published = [one for one in catalogue.catalogues(cases, now) if one.published_on]
    skipped = sorted((each for one in own for each in _skipped(one)), key=lambda one: (one.on, one.no), reverse=True)
    units = _units(cases, calendar, today)
    return Board(
        max(published, key=lambda one: one.year, default=None), desks.overdue(own, calendar, now), tuple(skipped),
        tuple(each for one in own for each in _evaluations(one.facts, today)), notices(own, today),
        units, tuple(one.unit for one in units),
    )  # fmt: skip


def lead_unit(facts: Facts) -> str:
    """The unit that leads a case; before one is named, the unit of whoever opened it."""
    held = facts.duties.get("lead", ())
    return str(held[0].get("name", "")) if held else (facts.acts[0].party.unit_name if facts.acts else "")


def _skipped(one: Stored) -> Iterator[Skipped]:
    for act in one.facts.acts:
        track = one.procedure.tracks.get(act.track)
        if track is None or act.after not in track.waived or act.before == act.after:
            continue
        action = one.procedure.action(act.action)
        cite = refusals.cited(one.procedure, (action.rules if action and action.rules else track.rules)[:1])
        who = f"{act.party.unit_name} {act.party.name}".strip()
        yield Skipped(
            one.facts.no, one.facts.title, lead_unit(one.facts), track.title, track.stages[act.after], who, act.on,
            _reason(action, act), act.entry, cite,
        )  # fmt: skip


def _reason(action: law.Action | None, act: Act) -> str:
    """What was written as the reason: the field of that name, or the long fields of the act."""
    if given := act.fields.get("reason"):
        return str(given)
    long = [spec for spec in action.fields if spec.type == "long"] if action else []
    return "；".join(str(act.fields[spec.id]) for spec in long if isinstance(act.fields.get(spec.id), str))


def notices(cases: Iterable[Stored], today: date) -> tuple[Notice, ...]:
    """Every notice in these cases, open ones first, those longest beyond their day in front."""
    found = [each for one in cases for each in _notices(one, today)]
    return tuple(sorted(found, key=lambda one: (one.state == "closed", -one.late, one.answer_by or date.max, one.no)))


def _notices(one: Stored, today: date) -> Iterator[Notice]:
    """Each notice with the acts that followed it, until the next one."""
    track = one.procedure.tracks.get(URGE)
    acts = [act for act in one.facts.acts if act.track == URGE]
    starts = [n for n, act in enumerate(acts) if act.action == ISSUE]
    for start, end in pairwise([*starts, len(acts)]):
        issued, after = acts[start], acts[start + 1 : end]
        state = (after[-1] if after else issued).after
        answers = [act for act in after if act.action == ANSWER]
        due = date.fromisoformat(str(issued.fields["answer_by"])) if issued.fields.get("answer_by") else None
        until = answers[-1].on if answers and state in ("answered", "closed") else today
        unit = issued.fields.get("unit")
        yield Notice(
            one.facts.no, one.facts.title, issued.entry, str(issued.fields.get("colour", "")),
            str(unit.get("name", "")) if isinstance(unit, dict) else str(unit or ""), str(issued.fields.get("reason", "")),
            str(issued.fields.get("demands", "")), issued.on, due, state, track.stages[state] if track else state,
            str(answers[-1].fields.get("measures", "")) if answers else "", sum(act.action == RETURN for act in after),
            max((until - due).days, 0) if due else 0,
        )  # fmt: skip


def _evaluations(facts: Facts, today: date) -> Iterator[Evaluation]:
    if facts.stages.get(EVALUATION) != "ordered":
        return
    order = [act for act in facts.acts if act.track == EVALUATION and act.after == "ordered"][-1]
    due = order.fields.get("due_on")
    due_on = date.fromisoformat(str(due)) if due else None
    held = facts.duties.get("evaluator", ())
    unit = str(held[0].get("name", "")) if held else ""
    late = max((today - due_on).days, 0) if due_on else 0
    yield Evaluation(facts.no, facts.title, unit, order.on, due_on, late)


def _units(cases: Iterable[Stored], calendar: days.Calendar, today: date) -> tuple[Unit, ...]:
    by_unit: dict[str, list[Stored]] = defaultdict(list)
    for one in cases:
        if "decided" in one.procedure.tracks[MAIN].stages and lead_unit(one.facts):
            by_unit[lead_unit(one.facts)].append(one)
    found = [_unit(unit, some, calendar, today) for unit, some in by_unit.items()]
    return tuple(sorted(found, key=lambda one: (-one.workdays, -one.cases, one.unit)))


def _unit(unit: str, cases: Sequence[Stored], calendar: days.Calendar, today: date) -> Unit:
    decided = [one for one in cases if one.facts.stages[MAIN] in DECIDED]
    spans = [span for one in decided if (span := _until_decision(one.facts, calendar)) is not None]
    delays = heat.delays([History(one.procedure, one.facts) for one in cases], calendar, today)
    acts = [act for one in cases for act in one.facts.acts]
    return Unit(
        unit, len(cases), sum(not one.ended for one in cases), len(decided), round(median(spans)) if spans else None,
        sum(one.clocks for one in delays), sum(one.workdays for one in delays), sum(bool(act.deviations) for act in acts),
        sum(1 for one in cases for _ in _skipped(one)), sum(act.late for act in acts),
    )  # fmt: skip


def _until_decision(facts: Facts, calendar: days.Calendar) -> int | None:
    """Workdays from the opening of a case to the act that brought its decision."""
    act = next((one for one in facts.acts if one.track == MAIN and one.after == "decided" != one.before), None)
    return days.elapsed(calendar, legal_date(facts.opened), act.on, "workday")[0] if act else None
