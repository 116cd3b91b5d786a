"""S24 执行 (arts. 34 to 38): tasks with their lamps, what was reported, suspension and adjustment, and the effect ledger.

The ledger lists what others have found of the decision's effects; whether art. 38(2) applies is not said here. Acts are
told by what they ask for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from decisionflow.core import machine, shapes, similar
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts, legal_date
from decisionflow.core.gates import as_day
from decisionflow.errors import NotFound
from decisionflow.service import actors, steps
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import wording
from decisionflow.service.reads.lamps import Light
from decisionflow.service.reads.risk import until_light
from decisionflow.store.blobs import Blobs


@dataclass(frozen=True, slots=True)
class Acts:
    """The acts of carrying out, as far as the procedure has them."""

    appoint: law.Action
    tasks: law.FieldSpec
    progress: law.Action | None
    change: law.Action | None
    letter: law.Action | None
    inspect: law.Action | None
    suspend: law.Action | None
    minor: law.Action | None
    order: law.Action | None
    evaluate: law.Action | None
    effect: law.Action | None


@dataclass(frozen=True, slots=True)
class Task:
    """A task of one unit: until when, how far by the newest report that names it, and its lamp."""

    n: int
    unit: str
    leading: bool
    task: str
    due_on: date | None
    state: str
    note: str
    light: Light


@dataclass(frozen=True, slots=True)
class Report:
    """A report of how execution goes; `same` when it says nothing else than the one before."""

    on: date
    who: str
    words: str
    problems: str
    share: str
    same: bool
    entry: str


@dataclass(frozen=True, slots=True)
class Told:
    """Something recorded of execution: what, when, by whom, in which words."""

    title: str
    on: date
    who: str
    words: str
    more: str
    entry: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Suspension:
    """Execution stands still by the chief's order: since when, and by when the procedure is to begin."""

    on: date
    who: str
    facts: str
    next_step: str
    days: int
    start_by: date | None
    light: Light
    entry: str


@dataclass(frozen=True, slots=True)
class Effect:
    """A line of the effect ledger: what was found of the decision, by whom."""

    kind: str
    body: str
    number: str
    on: str
    facts: str
    amount: str
    marks: tuple[str, ...]
    entry: str


@dataclass(frozen=True, slots=True)
class Element:
    """Something that art. 38(2) speaks of, and what is on record of it."""

    title: str
    count: int
    say: str
    href: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """The whole desk. `mine` are the acts that the reader may take now."""

    standing: steps.Standing
    stage: str
    suspended: Suspension | None
    acts: Acts
    goals: str
    tasks: tuple[Task, ...]
    reports: tuple[Report, ...]
    changes: tuple[Told, ...]
    letters: tuple[Told, ...]
    inspections: tuple[Told, ...]
    adjustments: tuple[Told, ...]
    evaluations: tuple[Told, ...]
    barred: tuple[tuple[str, str], ...]
    effects: tuple[Effect, ...]
    elements: tuple[Element, ...]
    mine: tuple[law.Action, ...]

    @property
    def may(self) -> frozenset[str]:
        """The ids of the acts that the reader may take now."""
        return frozenset(one.id for one in self.mine)


def acts_of(procedure: law.Procedure) -> Acts | None:
    """The acts of carrying out; None when the procedure names no executing unit."""
    found = ((one, shapes.rows_with(one, "unit", "task", "due_on")) for one in procedure.actions)
    appoint, tasks = next(((one, spec) for one, spec in found if spec), (None, None))
    if appoint is None or tasks is None:
        return None
    ask = shapes.asking
    return Acts(
        appoint, tasks, ask(procedure, "progress"), ask(procedure, "situation", "found_on"),
        ask(procedure, "opinion", "received_on", "handling"), ask(procedure, "findings", "demands"),
        ask(procedure, "situation", "urgency"), ask(procedure, "content", "major"), ask(procedure, "new_case", "kind"),
        ask(procedure, "evaluator_unit", "ground"), ask(procedure, "limb", "great_loss"),
    )  # fmt: skip


def board(
    connection: Connection, blobs: Blobs, authority: Authority, actor: Actor, no: str, now: datetime
) -> Board:  # fmt: skip
    """The desk of a case. Raises NotFound."""
    standing = steps.visible(connection, authority, actor, no)
    procedure, facts = standing.procedure, standing.facts
    acts = acts_of(procedure)
    if acts is None:
        raise NotFound(f"nobody executes in {procedure.name}", say="本事项的程序没有执行这一环节")
    track, today = procedure.tracks[acts.appoint.track], legal_date(now)
    stage = facts.stages[acts.appoint.track]
    still = _suspended(blobs, acts, facts, stage, today)
    appointed = facts.last([acts.appoint.id])
    effects = tuple(_effects(blobs, procedure, acts, facts))
    lines = {acts.appoint.track, *(one.track for one in (acts.evaluate, acts.effect) if one)}
    mine = tuple(
        one for one in machine.offered(procedure, facts.stages)
        if one.track in lines and actors.duty_for(procedure, one, actor, facts)
    )  # fmt: skip
    return Board(
        standing, track.stages[stage], still, acts, wording.whole(blobs, appointed.fields.get("goals")) if appointed else "",
        tuple(tasks(blobs, acts, facts, today, stands=still is not None)), tuple(reversed(list(_reports(blobs, acts, facts)))),
        tuple(_changes(blobs, acts, facts)), tuple(_letters(blobs, acts, facts)),
        tuple(_plain(blobs, acts.inspect, facts, "findings", "demands", "整改要求：")), tuple(_adjusted(blobs, acts, facts)),
        tuple(_evaluations(blobs, procedure, acts, facts)), tuple(barred(blobs, procedure, acts, facts)), effects,
        tuple(_elements(procedure, acts, facts, no)), mine,
    )  # fmt: skip


# ---- tasks and reports ---------------------------------------------------------------------------------------------


def tasks(blobs: Blobs, acts: Acts, facts: Facts, today: date, *, stands: bool = False) -> Iterator[Task]:
    """The tasks as they were given out, each as far as the newest report that names it says."""
    said: dict[str, Mapping[str, Any]] = {}
    for act in _all(acts.progress, facts):
        said |= {str(row.get("task")): row for row in wording.rows(act, "tasks")}
    column = next(
        (one for spec in (acts.progress.fields if acts.progress else ()) for one in spec.columns if one.id == "state"),
        None,
    )
    given = facts.last([acts.appoint.id])
    for n, row in enumerate(wording.rows(given, acts.tasks.id), 1):
        words, due = wording.whole(blobs, row.get("task")), as_day(row.get("due_on"))
        last = said.get(words, {})
        state = wording.words(column, last.get("state")) if column else ""
        yield Task(
            n, wording.whole(blobs, row.get("unit")), row.get("leading") is True, words, due, state,
            str(last.get("note", "")), _light(due, today, done=last.get("state") == "done", stands=stands),
        )  # fmt: skip


def _light(due: date | None, today: date, *, done: bool, stands: bool) -> Light:
    if done:
        return Light("none", "已完成", due)
    if stands:
        return Light("stopped", "已停钟：中止执行", due)
    return until_light(due, today) if due else Light("none", "没有写明时限")


def _reports(blobs: Blobs, acts: Acts, facts: Facts) -> Iterator[Report]:
    before: dict[str, str] = {}
    for act in _all(acts.progress, facts):
        words = wording.whole(blobs, act.fields.get("progress"))
        plain = similar.plain(words)
        share = act.fields.get("done_share")
        yield Report(
            act.on, _who(act), words, wording.whole(blobs, act.fields.get("problems")), f"{share}%" if share is not None else "",
            before.get(act.party.unit) == plain, act.entry,
        )  # fmt: skip
        before[act.party.unit] = plain


def _changes(blobs: Blobs, acts: Acts, facts: Facts) -> Iterator[Told]:
    """Problems under art. 35(1), with how long it took from finding to reporting."""
    for act in _all(acts.change, facts):
        found = as_day(act.fields.get("found_on"))
        late = (act.on - found).days if found else 0
        title = _word(acts.change, act, "situation")
        more = f"{found}发现，{'当天报告' if not late else f'{late} 日后报告'}" if found else ""
        if proposal := wording.whole(blobs, act.fields.get("proposal")):
            more = f"{more}；建议：{proposal}"
        yield Told(title, act.on, _who(act), wording.whole(blobs, act.fields.get("facts")), more, act.entry)


def _letters(blobs: Blobs, acts: Acts, facts: Facts) -> Iterator[Told]:
    """What the public wrote of execution (art. 35(2)); the words lie in the vault, their handling stands here."""
    for act in _all(acts.letter, facts):
        handling = wording.whole(blobs, act.fields.get("handling"))
        on = as_day(act.fields.get("received_on")) or act.on
        yield Told(_word(acts.letter, act, "channel"), on, _who(act), handling or "还没有写明处理情况", "", act.entry)


def _plain(blobs: Blobs, action: law.Action | None, facts: Facts, words: str, more: str, before: str) -> Iterator[Told]:
    for act in _all(action, facts):
        added = wording.whole(blobs, act.fields.get(more))
        said = wording.whole(blobs, act.fields.get(words))
        yield Told(act.title, act.on, _who(act), said, f"{before}{added}" if added else "", act.entry)


# ---- suspension, adjustment, evaluation --------------------------------------------------------------------------------


def _suspended(blobs: Blobs, acts: Acts, facts: Facts, stage: str, today: date) -> Suspension | None:
    """The suspension that stands (art. 37(2)); the country sets no day by which it ends."""
    act = facts.last([acts.suspend.id]) if acts.suspend else None
    if act is None or acts.suspend is None or stage != acts.suspend.to:
        return None
    by = as_day(act.fields.get("start_by"))
    return Suspension(
        act.on, _who(act), wording.whole(blobs, act.fields.get("facts")), wording.whole(blobs, act.fields.get("next_step")),
        (today - act.on).days, by, until_light(by, today) if by else Light("stopped", "中止决定没有写明日期"), act.entry,
    )  # fmt: skip


def _adjusted(blobs: Blobs, acts: Acts, facts: Facts) -> Iterator[Told]:
    """Minor adjustments as recorded; a major one with the case in which the procedure is gone through again."""
    yield from _plain(blobs, acts.minor, facts, "content", "reason", "理由：")
    for act in _all(acts.order, facts):
        new = str(act.fields.get("new_case", ""))
        reason = wording.whole(blobs, act.fields.get("reason"))
        yield Told(
            _word(acts.order, act, "kind"), act.on, _who(act), reason, f"新事项 {new}", act.entry, f"/cases/{new}"
        )


def _evaluations(blobs: Blobs, procedure: law.Procedure, acts: Acts, facts: Facts) -> Iterator[Told]:
    report = shapes.asking(procedure, "effect", "problems", "suggestion")
    for act in _all(acts.evaluate, facts):
        unit = wording.whole(blobs, act.fields.get("evaluator_unit"))
        yield Told(_word(acts.evaluate, act, "ground"), act.on, _who(act), wording.whole(blobs, act.fields.get("reason")),
                   f"评估单位：{unit}", act.entry)  # fmt: skip
    for act in _all(report, facts):
        effect, problems = (wording.whole(blobs, act.fields.get(name)) for name in ("effect", "problems"))
        yield Told(
            f"建议：{_word(report, act, 'suggestion')}", act.on, _who(act), effect, f"问题：{problems}", act.entry
        )


def barred(blobs: Blobs, procedure: law.Procedure, acts: Acts, facts: Facts) -> Iterator[tuple[str, str]]:
    """Who may not be commissioned with the evaluation, and by which earlier act (art. 36(2)): unit and act."""
    for gate in procedure.gates_of(acts.evaluate) if acts.evaluate else ():
        if not isinstance(gate, law.NotAmong) or gate.strength != "must":
            continue
        for other in gate.others:
            for act in facts.acts:
                if act.action in other.action and (name := wording.whole(blobs, act.fields.get(other.field))):
                    yield name, act.title


# ---- the effect ledger -------------------------------------------------------------------------------------------------


def _effects(blobs: Blobs, procedure: law.Procedure, acts: Acts, facts: Facts) -> Iterator[Effect]:
    """What was found of the decision afterwards: recorded effects, and annulments."""
    for act in facts.acts:
        action = procedure.action(act.action)
        if acts.effect and act.action == acts.effect.id:
            marks = [_word(acts.effect, act, "limb")] if act.fields.get("limb") != "none" else []
            marks += [
                word
                for name, word in (("great_loss", "重大损失"), ("bad_effect", "恶劣影响"))
                if act.fields.get(name) is True
            ]
            yield Effect(
                _word(acts.effect, act, "kind"), str(act.fields.get("body", "")), str(act.fields.get("document_no", "")),
                str(act.fields.get("known_on", "")), wording.whole(blobs, act.fields.get("facts")),
                _word(acts.effect, act, "amount"), tuple(marks), act.entry,
            )  # fmt: skip
        elif action and {"body", "document_no", "effective_on", "reason"} <= {one.id for one in action.fields}:
            yield Effect(
                act.title, str(act.fields.get("body", "")), str(act.fields.get("document_no", "")),
                str(act.fields.get("effective_on", "")), wording.whole(blobs, act.fields.get("reason")), "", (), act.entry,
            )  # fmt: skip


def _elements(procedure: law.Procedure, acts: Acts, facts: Facts, no: str) -> Iterator[Element]:
    """What art. 38(2) speaks of, each by itself: how its limbs go together is for those who apply it."""
    said = list(_all(acts.effect, facts))
    orders = [act for act in facts.acts if "violation" in act.fields]
    breaches = [act for act in said if "breach" in act.fields]
    departed = sum(len(act.deviations) for act in facts.acts)
    yield Element(
        "违反规定的事实",
        len(breaches) + len(orders),
        f"说明理由后办理的 {departed} 处，不等于违反规定",
        f"/cases/{no}/health",
        "看体检",
    )
    yield Element("决策严重失误", sum(act.fields.get("limb") == "error" for act in said), "文书这样认定的")
    delay = sum(act.fields.get("limb") == "delay" for act in said)
    yield Element("依法应当及时决策而久拖不决", delay, "文书这样认定的", f"/cases/{no}/people", "看在谁手里停了多久")
    yield Element("重大损失", sum(act.fields.get("great_loss") is True for act in said), "文书这样认定的")
    yield Element("恶劣影响", sum(act.fields.get("bad_effect") is True for act in said), "文书这样认定的")
    differed = [act for act in facts.acts if act.fields.get("position") in ("disagree", "reserve")]
    yield Element(
        "表示过不同意见的记录", len(differed), "第三十八条第三款：可以减免责任", f"/cases/{no}/timeline", "看时间轴"
    )


# ---- what the acts start with --------------------------------------------------------------------------------------------


def starting(blobs: Blobs, procedure: law.Procedure, facts: Facts, action: law.Action, today: date) -> dict[str, Any]:
    """What a report of execution starts with: the tasks, each as it was last said to stand."""
    acts = acts_of(procedure)
    if acts is None or acts.progress is None or action.id != acts.progress.id:
        return {}
    column = next((one for spec in action.fields for one in spec.columns if one.id == "state"), None)
    back = {title: name for name, title in (column.choices if column else {}).items()}
    return {
        "tasks": [
            {"task": one.task, "state": back.get(one.state, ""), "note": one.note}
            for one in tasks(blobs, acts, facts, today)
        ]
    }


def _all(action: law.Action | None, facts: Facts) -> list[Act]:
    return [act for act in facts.acts if action and act.action == action.id]


def _who(act: Act) -> str:
    return f"{act.party.unit_name} {act.party.name}".strip()


def _word(action: law.Action | None, act: Act, field: str) -> str:
    spec = action.field(field) if action else None
    return wording.words(spec, act.fields.get(field)) if spec else ""
