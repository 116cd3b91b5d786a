"""The closed list of checks a gate may name, and what each says when it does not hold.

A check never changes its meaning; a better one gets a new name (HOUSE §8.4). Every check answers with
a `Verdict`; only `judge` turns verdicts into findings, so that strength, deviation and wording are
decided in one place: *must* blocks, *usually* gives way to a recorded reason, *may* is a hint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from decisionflow.core import calendar as days
from decisionflow.core import conditions
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts, Fields, Party, Text, legal_date

Outcome: TypeAlias = Literal["passed", "deviated", "failed", "hint", "asked", "skipped"]


@dataclass(frozen=True, slots=True)
class Cite:
    """Where the law says it, as data and in words."""

    law: str
    article: str
    paragraph: str
    item: str
    say: str
    confirmed: str


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing that would help: `rel` is act, field, material or wait."""

    rel: str
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason why not (or a hint): the object behind the card, problem+json and `why`."""

    rule: str
    code: str
    rules: tuple[str, ...]
    cites: tuple[Cite, ...]
    strength: law.Strength
    blocking: bool
    say: str
    detail: str = ""
    who: str = ""
    who_title: str = ""
    earliest_on: date | None = None
    provisional: bool = False
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything a gate may look at."""

    procedure: law.Procedure
    facts: Facts
    action: law.Action
    fields: Fields
    on: date
    party: Party
    calendar: days.Calendar
    text: Text | None
    preview: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a check holds, what it saw, and from which day it would hold by itself."""

    ok: bool
    detail: str = ""
    earliest_on: date | None = None
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """One gate's outcome, as it is written into the entry and shown on the card."""

    gate: str
    outcome: Outcome
    finding: Finding | None = None
    reason: str = ""
    rules: tuple[str, ...] = field(default=())


def judge(gate: law.Gate, scene: Scene) -> Judgement:
    """The outcome of one gate in a scene."""
    rules = gate.rules
    if scene.preview and asks_input(gate) and conditions.holds(
        {key: words for key, words in gate.if_.items() if not key.startswith("field.")},
        matter=scene.facts.matter, fields={}, stages=scene.facts.stages,
    ):  # fmt: skip
        return Judgement(gate.id, "asked", _finding(gate, scene, Verdict(False), blocking=False), rules=rules)
    if not conditions.holds(gate.if_, matter=scene.facts.matter, fields=scene.fields, stages=scene.facts.stages):
        return Judgement(gate.id, "skipped", rules=rules)
    verdict = _CHECKS[gate.check](gate, scene)
    if verdict.ok and not verdict.provisional:
        return Judgement(gate.id, "passed", rules=rules)
    if gate.strength == "may":
        return Judgement(gate.id, "hint", _finding(gate, scene, verdict, blocking=False), rules=rules)
    reason = _deviation(gate, scene)
    if reason:  # it holds whatever the missing notice of holidays will say
        return Judgement(gate.id, "deviated", _finding(gate, scene, verdict, blocking=False), reason, rules)
    return Judgement(gate.id, "failed", _finding(gate, scene, verdict, blocking=True), rules=rules)


def asks_input(gate: law.Gate) -> bool:
    """Whether a gate looks at fields of the very act, which a preview cannot know."""
    own = [key for key in gate.if_ if key.startswith("field.")]
    refs = [
        value for value in (getattr(gate, name, None) for name in type(gate).model_fields) if isinstance(value, law.Ref)
    ]
    own += [ref.field for ref in refs if ref.field and not ref.action and not ref.matter]
    if isinstance(gate, law.Filled | law.NotAmong | law.NamedTookNone):
        own.append(gate.field)
    if isinstance(gate, law.WithMajority):
        own.append(gate.reason)
    return bool(own)


def finding(
    procedure: law.Procedure, rules: tuple[str, ...], code: str, say: str, *, strength: law.Strength = "must",
    blocking: bool = True, **more: Any,
) -> Finding:  # fmt: skip
    """A finding with its citations filled in from the procedure's own rules."""
    cites = tuple(cite(procedure, rule) for rule in rules)
    return Finding(rules[0], code, rules, cites, strength, blocking, say, **more)


def cite(procedure: law.Procedure, rule_id: str) -> Cite:
    """The citation of a rule that the procedure carries."""
    rule = procedure.rules[rule_id]
    words = law.say_cite(rule, procedure.sources[rule.source])
    return Cite(rule.source, rule.article, rule.paragraph, rule.item, words, rule.confirmed)


def _finding(gate: law.Gate, scene: Scene, verdict: Verdict, *, blocking: bool) -> Finding:
    earliest, provisional = verdict.earliest_on, verdict.provisional
    if earliest is None and gate.expected is not None:
        earliest = moment(gate.expected, scene)
    who = gate.who or scene.action.by[0]
    return finding(
        scene.procedure, gate.rules, gate.id, gate.say, strength=gate.strength, blocking=blocking, detail=verdict.detail,
        who=who, who_title=scene.procedure.duties[who].title, earliest_on=earliest, provisional=provisional,
        remedies=tuple(_remedies(gate, scene)),
    )  # fmt: skip


def _remedies(gate: law.Gate, scene: Scene) -> Iterable[Remedy]:
    names = gate.remedy or _leading_to(gate, scene.procedure)
    for name in names:
        action, spec = scene.procedure.action(name), scene.action.field(name)
        if action is not None:
            yield Remedy("act", name, action.title)
        elif spec is not None:
            yield Remedy("field", name, spec.title)
    if gate.strength == "usually" and gate.deviate:
        spec = scene.action.field(gate.deviate)
        yield Remedy("field", gate.deviate, f"说明理由：{spec.title}" if spec else "说明理由")


def _leading_to(gate: law.Gate, procedure: law.Procedure) -> tuple[str, ...]:
    if isinstance(gate, law.Done):
        return gate.actions
    if isinstance(gate, law.Followed):
        return gate.then
    if isinstance(gate, law.Filled):
        return (gate.field,)
    if not isinstance(gate, law.Reached):
        return ()
    return tuple(action.id for action in procedure.actions if action.track == gate.track and action.to in gate.stages)


def _deviation(gate: law.Gate, scene: Scene) -> str:
    if gate.strength != "usually" or not gate.deviate:
        return ""
    if gate.approver and not conditions.filled(scene.fields.get(gate.approver)):
        return ""
    reason = scene.fields.get(gate.deviate)
    return reason if isinstance(reason, str) else ""


# ---- what references mean ------------------------------------------------------------------------


def value(ref: law.Ref, scene: Scene) -> Any:
    """The value a reference names; None when it does not exist."""
    if ref.matter:
        return scene.facts.matter.get(ref.matter)
    if not ref.action:
        return scene.fields.get(ref.field) if ref.field else None
    act = scene.facts.last(ref.action)
    return act.fields.get(ref.field) if act else None


def moment(ref: law.Ref, scene: Scene) -> date | None:
    """The legal day a reference names: this act's, a date field's, or an earlier act's."""
    if not ref.action and not ref.field:
        return scene.on
    if ref.field:
        return as_day(value(ref, scene))
    act = scene.facts.last(ref.action)
    return act.on if act else None


def rows(ref: law.Ref, scene: Scene) -> list[Mapping[str, Any]]:
    """The rows a reference names: rows of a field, or the fields of each act of an action."""
    if ref.action and not ref.field:
        return [_as_row(act) for act in scene.facts.current(ref.action)]
    found = value(ref, scene)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _as_row(act: Act) -> Mapping[str, Any]:
    return {**act.fields, "person": {"id": act.party.person, "name": act.party.name}} | dict(act.fields)


def as_day(value: object) -> date | None:
    """A date or instant value as a legal day."""
    if not isinstance(value, str) or not value:
        return None
    return legal_date(datetime.fromisoformat(value)) if "T" in value else date.fromisoformat(value)


def _where(items: list[Mapping[str, Any]], where: Mapping[str, tuple[str, ...]]) -> list[Mapping[str, Any]]:
    return [
        row for row in items if all(conditions.matches(row.get(column), wanted) for column, wanted in where.items())
    ]


# ---- the checks ----------------------------------------------------------------------------------


def _reached(gate: law.Reached, scene: Scene) -> Verdict:
    here = scene.facts.stages.get(gate.track, "")
    if here in gate.stages:
        return Verdict(True)
    track = scene.procedure.tracks[gate.track]
    return Verdict(False, f"{track.title}：{track.stages[here]}")


def _done(gate: law.Done, scene: Scene) -> Verdict:
    return Verdict(scene.facts.last(gate.actions) is not None)


def _filled(gate: law.Filled, scene: Scene) -> Verdict:
    return Verdict(conditions.filled(scene.fields.get(gate.field)))


def _is(gate: law.Is, scene: Scene) -> Verdict:
    found = value(gate.of, scene)
    return Verdict(found is None or conditions.matches(found, gate.values))


def _lapsed(gate: law.Lapsed, scene: Scene) -> Verdict:
    if gate.at_least == "none":
        return Verdict(True, "没有规定天数")
    since, until = moment(gate.since, scene), moment(gate.until, scene)
    need = days.period(gate.at_least)
    if since is None or until is None:
        return Verdict(False, "缺少起算或截止日期，无法计算")
    ok, unsure = days.has_passed(scene.calendar, since, until, need, exclusive=gate.exclusive)
    end = days.add(scene.calendar, since, need)
    one: days.Unit = "workday" if need.unit == "workday" else "day"
    earliest = days.add(scene.calendar, end.ends_on, days.Period(1, one)).ends_on if gate.exclusive else end.ends_on
    given = days.elapsed(scene.calendar, since, until, one, exclusive=gate.exclusive)[0]
    detail = f"自{since}起算（当日不计）至{until}，为{days.Period(given, one).say}，要求{need.say}"
    if unsure or (not ok and end.provisional):
        years = "、".join(str(year) for year in end.unknown_years or (until.year,))
        return Verdict(ok, f"{detail}；暂估：{years}年放假安排未录入", earliest, provisional=True)
    return Verdict(ok, detail, earliest)


def _no_later(gate: law.NoLater, scene: Scene) -> Verdict:
    since, until = moment(gate.since, scene), moment(gate.until, scene)
    if since is None or until is None:
        return Verdict(False, "缺少起算或截止日期，无法计算")
    count = days.add(scene.calendar, since, days.period(gate.at_most))
    if until <= count.ends_on:
        return Verdict(True, provisional=count.provisional)
    last, unsure = (count.rolls_to, count.rolls_provisional) if gate.rolls else (count.ends_on, count.provisional)
    if until <= last:
        return Verdict(True, provisional=unsure)
    return Verdict(False, f"自{since}起算（当日不计），{count.period.say}到{last}为止，实为{until}", provisional=unsure)


def _within(gate: law.Within, scene: Scene) -> Verdict:
    found = value(gate.of, scene)
    if found is None:
        return Verdict(True)
    number = Fraction(str(found))
    low = gate.at_least is None or number >= gate.at_least
    high = gate.at_most is None or number <= gate.at_most
    spec = scene.action.field(gate.of.field) if not gate.of.action else None
    return Verdict(low and high, f"{spec.title if spec else ''}实为{found}")


def _not_before(gate: law.NotBefore, scene: Scene) -> Verdict:
    first, second = moment(gate.other, scene), moment(gate.moment, scene)
    if first is None or second is None:
        return Verdict(False, "缺少用于比较的日期")
    return Verdict(second >= first, f"{second} 早于 {first}" if second < first else "", first)


def _working_day(gate: law.WorkingDay, scene: Scene) -> Verdict:
    day = moment(gate.moment, scene)
    if day is None:
        return Verdict(True)
    unsure = not scene.calendar.knows(day)
    known = f"（暂估：{day.year}年放假安排未录入）" if unsure else ""
    return Verdict(scene.calendar.is_workday(day), f"{days.say_day(day)}{known}", provisional=unsure)


def _followed(gate: law.Followed, scene: Scene) -> Verdict:
    asked: Act | None = None
    for act in scene.facts.current((*gate.actions, *gate.then)):
        if act.action in gate.then:
            asked = None
        elif all(conditions.matches(act.fields.get(name), wanted) for name, wanted in gate.where.items()):
            asked = act
    return Verdict(asked is None, f"{asked.title}（{asked.on}）之后还没有办理" if asked else "")


def _rows_are(gate: law.RowsAre, scene: Scene) -> Verdict:
    bad = [
        row
        for row in _where(rows(gate.rows, scene), gate.where)
        if not conditions.matches(row.get(gate.column), gate.values)
    ]
    return Verdict(not bad, _name_rows(bad))


def _rows_lapsed(gate: law.RowsLapsed, scene: Scene) -> Verdict:
    until, need = moment(gate.until, scene), days.period(gate.at_least)
    if until is None:
        return Verdict(False, "缺少截止日期，无法计算")
    last = days.before(scene.calendar, until, need)
    dated = [(row, as_day(row.get(gate.column))) for row in _where(rows(gate.rows, scene), gate.where)]
    bad = [row for row, day in dated if day is None or day > last.ends_on]
    detail = f"{_name_rows(bad)}；最迟应为{last.ends_on}（{until} 之前{need.say}）" if bad else ""
    earliest = None
    if bad:  # the moment that everything would be in time for; what has no date yet is done today at the soonest
        latest = max(day or scene.on for _, day in dated)
        earliest = days.add(scene.calendar, latest, need).ends_on
    return Verdict(not bad, detail, earliest, provisional=bool(bad) and last.provisional)


def _rows_in_force(gate: law.RowsInForce, scene: Scene) -> Verdict:
    bad = []
    for row in _where(rows(gate.rows, scene), gate.where):
        begins, ends = as_day(row.get(gate.begins)), as_day(row.get(gate.ends))
        if (begins is not None and begins > scene.on) or (ends is not None and ends < scene.on):
            bad.append(row)
    return Verdict(not bad, _name_rows(bad))


def _row_count(gate: law.RowCount, scene: Scene) -> Verdict:
    number = len(_where(rows(gate.rows, scene), gate.where))
    low, high = gate.at_least or 0, gate.at_most if gate.at_most is not None else number
    return Verdict(low <= number <= high, f"现有{number}")


def _row_share(gate: law.RowShare, scene: Scene) -> Verdict:
    everybody = rows(gate.rows, scene)
    some = _where(everybody, gate.where)
    need = Fraction(gate.at_least) * len(everybody)
    ok = bool(everybody) and (len(some) > need if gate.more_than else len(some) >= need)
    return Verdict(ok, f"应有{len(everybody)}，实有{len(some)}")


def _rows_cover(gate: law.RowsCover, scene: Scene) -> Verdict:
    column = gate.other_column or gate.column
    there = {word for row in rows(gate.others, scene) for word in conditions.spoken(row.get(column))}
    bad = [
        row for row in _where(rows(gate.rows, scene), gate.where)
        if there.isdisjoint(conditions.spoken(row.get(gate.column)))
    ]  # fmt: skip
    names = "、".join(_name(row.get(gate.column)) for row in bad)
    return Verdict(not bad, f"缺：{names}" if bad else "")


def _row_sum(gate: law.RowSum, scene: Scene) -> Verdict:
    found = rows(gate.rows, scene)
    total = sum(row[gate.column] for row in found if isinstance(row.get(gate.column), int))
    stated = scene.fields.get(gate.equals)
    return Verdict(not found or stated is None or total == stated, f"各项合计{total}，填写的总数为{stated}")


def _last_row(gate: law.LastRow, scene: Scene) -> Verdict:
    found = rows(gate.rows, scene)
    ok = bool(found) and conditions.matches(found[-1].get(gate.column), gate.values)
    return Verdict(ok, "" if ok or not found else f"最后一条是{_name_rows(found[-1:])}")


def _with_majority(gate: law.WithMajority, scene: Scene) -> Verdict:
    latest: dict[str, Mapping[str, Any]] = {}
    for row in _where(rows(gate.rows, scene), gate.where):
        latest[next(iter(sorted(conditions.spoken(row.get(gate.by)))), "")] = row
    agree = sum(conditions.matches(row.get(gate.position), gate.agree) for row in latest.values())
    against = sum(conditions.matches(row.get(gate.position), gate.against) for row in latest.values())
    ours, theirs = (agree, against) if gate.side == "agree" else (against, agree)
    if theirs <= ours or conditions.filled(scene.fields.get(gate.reason)):
        return Verdict(True)
    return Verdict(False, f"与会人员意见：赞成方{agree}人，反对方{against}人，拟作决定与多数人意见不一致")


def _not_among(gate: law.NotAmong, scene: Scene) -> Verdict:
    chosen = scene.fields.get(gate.field)
    barred = []
    for ref in gate.others:
        found = [act.fields.get(ref.field) for act in scene.facts.acts if act.action in ref.action]
        barred += [one for one in found if conditions.same(chosen, one)]
    return Verdict(not barred, "；".join(sorted({_name(one) for one in barred})))


def _other_person(gate: law.OtherPerson, scene: Scene) -> Verdict:
    before = [act for act in scene.facts.acts if act.action in gate.actions and act.party.person == scene.party.person]
    return Verdict(not before, f"{scene.party.name}曾办理：{before[0].title}" if before else "")


def _named_took_none(gate: law.NamedTookNone, scene: Scene) -> Verdict:
    """By the register's id where the field has one; a name from outside the register can only be compared as a name."""
    chosen = scene.fields.get(gate.field)
    if not isinstance(chosen, Mapping):
        return Verdict(True)
    key, wanted = ("person", chosen["id"]) if chosen.get("id") else ("name", chosen.get("name"))
    before = [act for act in scene.facts.acts if act.action in gate.actions and getattr(act.party, key) == wanted]
    return Verdict(not before, f"{before[0].party.name}曾办理：{before[0].title}" if before else "")


def _same_text(gate: law.SameText, scene: Scene) -> Verdict:
    bound = scene.facts.last(gate.actions)
    if bound is None or bound.text is None or scene.text is None:
        return Verdict(True)
    known = {bound.text.sha256}
    for act in scene.facts.current((gate.confirmed_by,)):
        if act.fields.get("substantive") is False and act.fields.get("from_text") in known:
            known.add(str(act.fields.get("to_text")))
    detail = f"原为第{bound.text.version}版，现为第{scene.text.version}版"
    return Verdict(scene.text.sha256 in known, detail)


def _name(value: object) -> str:
    return str(value.get("name", "")) if isinstance(value, dict) else str(value)


def _name_rows(bad: list[Mapping[str, Any]]) -> str:
    def name(row: Mapping[str, Any]) -> str:
        found = next((_name(row[key]) for key in ("name", "person", "speaker", "unit", "title") if row.get(key)), "")
        return found or (f"编号{row['no']}" if row.get("no") else "")

    return "、".join(filter(None, (name(row) for row in bad)))


_CHECKS: Mapping[str, Callable[[Any, Scene], Verdict]] = {
    "reached": _reached, "done": _done, "filled": _filled, "is": _is, "lapsed": _lapsed, "no_later": _no_later,
    "within": _within, "not_before": _not_before, "rows_in_force": _rows_in_force,
    "rows_are": _rows_are, "rows_lapsed": _rows_lapsed, "row_count": _row_count, "row_share": _row_share,
    "rows_cover": _rows_cover, "row_sum": _row_sum, "last_row": _last_row, "with_majority": _with_majority,
    "not_among": _not_among, "other_person": _other_person,
    "named_took_none": _named_took_none, "same_text": _same_text,
    "working_day": _working_day, "followed": _followed,
}  # fmt: skip
