"""Has anything been weakened? Compares a flattened procedure with the one above it, trusting no change.

A lower norm adds and tightens; it never weakens or drops what a higher one demands, unless a special
law supersedes it and says so (Decree 713 art. 3(2)).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from decisionflow.core import calendar
from decisionflow.core import procedure as law
from decisionflow.core.carrying import Condition, conditions
from decisionflow.core.soundness import Fault, beyond
from decisionflow.core.source import Path

_STRENGTH = {"may": 0, "usually": 1, "must": 2}


def weakened(base: law.Procedure, result: law.Procedure, superseded: Iterable[law.Conflict] = ()) -> tuple[Fault, ...]:
    """Where a result demands less than its base, except what a special law replaced. Paths are of the result.

    An added stage counts as the base stage before it. Seen so, every act of the result must be an act of
    the base, under at least its gates, or no move at all, or a way back to where the case has been: then no
    case comes to a place by a shorter way than the superior norm has.
    """
    comparison = _Comparison(base, result, {(one.what, one.id) for one in superseded if one.applied == "special"})
    comparison.whole()
    for gate in base.gates:
        comparison.gate(gate)
    for action in base.actions:
        comparison.action(action)
    for n, action in enumerate(result.actions):
        if base.action(action.id) is None or ("action", action.id) in comparison.replaced:
            comparison.added(("actions", n), action)
    for clock in base.clocks:
        comparison.clock(clock)
    comparison.words()
    if not comparison.faults:
        comparison.ways()
    return tuple(comparison.faults)


@dataclass(frozen=True, slots=True)
class _Lack:
    """One thing that an action no longer demands: where in it, a code, the words, and the superior rules."""

    place: Path
    code: str
    say: str
    rules: tuple[str, ...]


class _Comparison:
    """Two procedures side by side, and what the second lacks."""

    def __init__(self, base: law.Procedure, result: law.Procedure, replaced: Collection[tuple[str, str]]) -> None:
        self.base = base
        self.result = result
        self.replaced = replaced
        self.faults: list[Fault] = []
        self.gates = {gate.id: n for n, gate in enumerate(result.gates)}
        self.actions = {action.id: n for n, action in enumerate(result.actions)}
        self.home = {name: _home(track, result.tracks.get(name, track)) for name, track in base.tracks.items()}

    def fault(self, path: Path, rule: str, say: str, rules: Iterable[str] = ()) -> None:
        cited = "、".join(
            law.say_cite(self.base.rules[rule], self.base.sources[self.base.rules[rule].source])
            for rule in rules
            if rule in self.base.rules
        )
        self.faults.append(Fault(path, rule, f"{say}（上位依据：{cited}）" if cited else say))

    def homes(self, track: str, stages: Iterable[str]) -> set[str]:
        """The base stages that stages of the result count as."""
        return {self.home[track].get(stage, stage) for stage in stages}

    # the procedure as a whole

    def whole(self) -> None:
        base, result = self.base, self.result
        for name, track in base.tracks.items():
            self.track(name, track, result.tracks.get(name))
        if list(result.tracks)[: len(base.tracks)] != list(base.tracks):
            self.fault(("tracks",), "weaker-track", "上位程序的轨道须在前，次序不变")
        for key, kept in (("opening", base.opening == result.opening), ("starting", base.starting == result.starting)):
            if not kept:
                self.fault((key,), "weaker-start", "起始动作和启动决定不得改变")
        for name, duty in base.duties.items():
            other = result.duties.get(name)
            if other is None or (other.of, other.outside) != (duty.of, duty.outside):
                self.fault(("duties", name), "weaker-duty", f"职责“{duty.title}”不得删除或改变归属")
        for name, kind in base.materials.items():
            held = result.materials.get(name, kind)
            if (kind.text, kind.public) != (held.text, held.public):
                say = f"材料“{kind.title}”是否公开、是否文本不得改变"
                self.fault(("materials", name), "weaker-paper", say, kind.rules)
        for name, stages in base.goal.items():
            if not self.homes(name, result.goal.get(name, self.home[name])) <= set(stages):
                self.fault(("goal", name), "weaker-goal", "终点不得放宽")
        if {name: set(stages) for name, stages in base.ends.items()} != {n: set(s) for n, s in result.ends.items()}:
            self.fault(("ends",), "weaker-ends", "结束的情形不得增减")
        matter = {spec.id: (n, spec) for n, spec in enumerate(result.matter)}
        for spec in base.matter:
            n, found = matter.get(spec.id, (0, None))
            self.input(("matter", n), "事项", spec, found, spec.rules)
        if result.in_force.from_ < base.in_force.from_:
            self.fault(("in_force",), "in-force", f"适用日期早于上位程序的{base.in_force.from_}")

    def track(self, name: str, track: law.Track, other: law.Track | None) -> None:
        if other is None or [stage for stage in other.stages if stage in track.stages] != list(track.stages):
            self.fault(("tracks", name), "weaker-track", f"轨道“{track.title}”的阶段不得删除或调换", track.rules)
        elif other.initial != track.initial:
            self.fault(("tracks", name, "stages"), "weaker-track", f"轨道“{track.title}”的起点不得改变", track.rules)

    # gates

    def gate(self, gate: law.Gate) -> None:
        users = [action for action in self.base.actions if gate.id in action.gates]
        if ("gate", gate.id) in self.replaced or all(("action", action.id) in self.replaced for action in users):
            return
        other = self.result.gate(gate.id)
        if other is None:
            return  # its actions lack it, and each says so
        at: Path = ("gates", self.gates[gate.id])
        for key, say in self.softer(gate, other):
            self.fault((*at, key), "weaker-gate", f"不得放宽“{gate.say}”：{say}", gate.rules)
        if not set(gate.rules) <= set(other.rules):
            self.fault((*at, "rules"), "weaker-cites", f"“{gate.say}”的依据只能增加，不能替换", gate.rules)

    def softer(self, gate: law.Gate, other: law.Gate) -> Iterator[tuple[str, str]]:
        """What makes the second gate softer than the first: the key and the words."""
        if type(gate) is not type(other):
            yield "check", "核对的方式变了"
            return
        if _STRENGTH[other.strength] < _STRENGTH[gate.strength]:
            yield "strength", "要求的强度降低了"
        if other.strength == "usually" and gate.strength == "usually":
            if gate.deviate != other.deviate:
                yield "deviate", "说明理由的地方变了"
            if gate.approver and gate.approver != other.approver:
                yield "approver", "批准人去掉了"
        if not _implies(gate.if_, other.if_):
            yield "if", "适用的情形变窄了"
        yield from self.parts(gate, other)

    def parts(self, gate: Any, other: Any) -> Iterator[tuple[str, str]]:
        """The parts of a check: those that may grow harder, and the rest, which stay as they are."""
        free = {*law.GateBase.model_fields, "check"}
        for key in type(gate).model_fields:
            before, after = getattr(gate, key), getattr(other, key)
            if key in free or before == after:
                continue
            say = self.part(gate, other, key, before, after)
            if say:
                yield type(gate).model_fields[key].alias or key, say

    def part(self, gate: Any, other: Any, key: str, before: Any, after: Any) -> str:
        """Why a part of a check is softer or cannot be compared; '' when it is harder."""
        match gate, key:
            case law.Reached(), "stages":
                return "" if self.homes(gate.track, after) <= set(before) else "允许的阶段多了"
            case (law.Done(), "actions") | (_, "values"):
                return "" if set(after) <= set(before) else "允许的情形多了"
            case ((law.OtherPerson() | law.NamedTookNone()), "actions") | (law.NotAmong(), "others"):
                return "" if set(before) <= set(after) else "回避的范围小了"
            case ((law.Lapsed() | law.RowsLapsed()), "at_least"):
                return _shorter(before, after)
            case law.Lapsed(), "exclusive":
                return "" if after else "计算方法放宽了"
            case law.NoLater(), "at_most":
                return "期限延长了或者无法比较" if _shorter(after, before) else ""
            case law.NoLater(), "rolls":
                return "" if not after else "计算方法放宽了"
            case law.Within(), "at_least":
                return "" if after is not None and (before is None or after >= before) else "下限放宽了"
            case law.Within(), "at_most":
                return "" if after is not None and (before is None or after <= before) else "上限放宽了"
            case law.RowCount(), "at_least":
                return "" if after is not None and after >= (before or 0) else f"数量由{before}降为{after}"
            case law.RowCount(), "at_most":
                return "" if before is None or (after is not None and after <= before) else f"数量由{before}升为{after}"
            case law.RowShare(), "at_least" | "more_than":
                old, new = (Fraction(gate.at_least), gate.more_than), (Fraction(other.at_least), other.more_than)
                return "" if new >= old else "比例降低了"
            case _, "where" if set(before) != set(after):
                return "算数的行变了"
            case _, "where" | "agree" | "against":
                return ""  # only choices may be added to these: `words` looks at them
            case _:
                return f"“{key}”不得改变"

    # actions

    def action(self, action: law.Action) -> None:
        if ("action", action.id) in self.replaced:
            return
        other = self.result.action(action.id)
        if other is None:
            self.fault(("actions",), "weaker-action", f"不得取消动作“{action.title}”", action.rules)
            return
        at: Path = ("actions", self.actions[action.id])
        for lack in self.lacks(action, other):
            self.fault((*at, *lack.place), lack.code, f"动作“{action.title}”：{lack.say}", lack.rules)
        if not set(action.rules) <= set(other.rules):
            self.fault((*at, "rules"), "weaker-cites", f"动作“{action.title}”的依据只能增加，不能替换", action.rules)
        for n, spec in enumerate(action.fields):
            found = {one.id: (m, one) for m, one in enumerate(other.fields)}.get(spec.id, (n, None))
            self.input((*at, "fields", found[0]), action.title, spec, found[1], spec.rules or action.rules)
        if other.track != action.track or not self.same_way(action, other):
            self.fault((*at, "to" if other.to != action.to else "from"), "weaker-path",
                       f"动作“{action.title}”改变了起止阶段，不再是上位程序中的那一步", action.rules)  # fmt: skip
        kept = (
            "binding",
            "public",
            "todo",
            "text",
            "consultation",
            "hearing",
            "meeting",
            "panel",
            "assigns",
            "resets_chosen",
        )
        for key in kept:
            if getattr(action, key) != getattr(other, key):
                self.fault((*at, key), "weaker-action", f"动作“{action.title}”的“{key}”不得改变", action.rules)
        matter = {spec.id for spec in self.base.matter}
        if set(action.sets) != set(other.sets) & matter:
            self.fault((*at, "sets"), "weaker-sets", f"动作“{action.title}”所定的事项属性不得改变", action.rules)

    def same_way(self, action: law.Action, other: law.Action) -> bool:
        """Every move of the second is, to the base, a move of the first."""
        home = self.home[action.track]
        return all(
            home.get(stage) in action.source and home.get(other.dest(stage)) == action.dest(home[stage])
            for stage in other.source
        )

    def lacks(self, action: law.Action, other: law.Action, *, hints: bool = True) -> Iterator[_Lack]:
        """What the second action does not demand though the first does."""
        if not set(other.by) <= set(action.by):
            yield _Lack(("by",), "weaker-by", "办理的人不得增加", action.rules)
        for track, stages in action.when.items():
            if track not in other.when or not self.homes(track, other.when[track]) <= set(stages):
                say = f"不得放宽对“{self.base.tracks[track].title}”所处阶段的要求"
                yield _Lack(("when", track), "weaker-when", say, action.rules)
        for gate in self.base.gates_of(action):
            spared = ("gate", gate.id) in self.replaced or (gate.strength == "may" and not hints)
            if gate.id not in other.gates and not spared:
                yield _Lack(("gates",), "weaker-gate", f"缺少关卡“{gate.say}”", gate.rules)
        papers = {paper.kind: paper for paper in other.materials}
        for paper in action.materials:
            held = papers.get(paper.kind)
            if paper.required and (held is None or not held.required or not _implies(paper.if_, held.if_)):
                say = f"不得免交“{self.base.materials[paper.kind].title}”"
                yield _Lack(("materials",), "weaker-paper", say, paper.rules or action.rules)
        if not set(action.resets) <= set(other.resets):
            yield _Lack(("resets",), "weaker-resets", "须重新进行的轨道不得减少", action.rules)

    def input(
        self, path: Path, owner: str, spec: law.FieldSpec, other: law.FieldSpec | None, rules: tuple[str, ...]
    ) -> None:
        say = _softer_input(spec, other)
        if say or other is None:
            self.fault(path, "weaker-field", f"“{owner}”的填写项“{spec.title}”{say}", rules)
            return
        columns = {column.id: (n, column) for n, column in enumerate(other.columns)}
        for column in spec.columns:
            n, found = columns.get(column.id, (0, None))
            self.input((*path, "columns", n), f"{owner}·{spec.title}", column, found, rules)

    def added(self, path: Path, action: law.Action) -> None:
        """An action that the base does not have: it may not lead past the base's gates."""
        matter = {spec.id for spec in self.base.matter}
        if not matter.isdisjoint(action.sets):
            self.fault((*path, "sets"), "weaker-sets", f"新增动作“{action.title}”不得改定上位程序的事项属性")
        if not self.base.duties.keys().isdisjoint(action.assigns):
            self.fault((*path, "assigns"), "weaker-assigns", f"新增动作“{action.title}”不得改派上位程序的职责")
        same = [
            one for one in self.base.actions
            if (one.consultation and one.consultation == action.consultation)
            or (one.hearing and one.hearing == action.hearing)
            or (one.meeting and one.meeting == action.meeting)
            or (one.panel and one.panel == action.panel)
        ]  # fmt: skip
        if same:
            self.like_one_of(path, action, same)
        if action.track not in self.base.tracks:
            return
        home = self.home[action.track]
        for stage in action.source:
            at, to = home.get(stage, stage), home.get(action.dest(stage), "")
            if at != to and not self.has_passed(action.track, at, to):
                ways = [one for one in self.base.actions
                        if one.track == action.track and at in one.source and one.dest(at) == to]  # fmt: skip
                self.like_one_of(path, action, ways, at, to)

    def like_one_of(
        self, path: Path, action: law.Action, ways: Sequence[law.Action], at: str = "", to: str = ""
    ) -> None:
        """An added action that does what base actions do must demand what one of them demands."""
        if not ways:
            stages = self.base.tracks[action.track].stages
            self.fault(path, "weaker-path", f"新增动作“{action.title}”由“{stages.get(at, at)}”到“{stages.get(to, to)}”，"
                                            "上位程序没有这样的路")  # fmt: skip
            return
        if any(("action", way.id) in self.replaced for way in ways):
            return  # a special law has its own way
        for lack in min((list(self.misses(way, action)) for way in ways), key=len):
            say = f"新增动作“{action.title}”绕过上位程序的要求：{lack.say}"
            self.fault((*path, *lack.place), lack.code, say, lack.rules)

    def misses(self, way: law.Action, action: law.Action) -> Iterator[_Lack]:
        """What an added action does not demand though the base's way does; hints aside."""
        yield from self.lacks(way, action, hints=False)
        for spec in way.fields:
            say = _softer_input(spec, action.field(spec.id)) if spec.required or spec.required_when else ""
            if say:
                yield _Lack(("fields",), "weaker-field", f"填写项“{spec.title}”{say}", spec.rules or way.rules)

    def has_passed(self, track: str, at: str, to: str) -> bool:
        """Whether in the base no case stands at `at` without having been at `to`."""
        start = self.base.tracks[track].initial
        seen, open_ = {to}, [start]
        while open_:
            here = open_.pop()
            if here in seen:
                continue
            if here == at:
                return False
            seen.add(here)
            open_ += [one.dest(here) for one in self.base.actions if one.track == track and here in one.source]
        return True

    def ways(self) -> None:
        """The tracks together: nobody stands where, to the superior norm, nobody can stand."""
        actions = tuple(self.freed(action) for action in self.base.actions)
        for n, example in beyond(self.base.model_copy(update={"actions": actions}), self.result, self.home):
            title = self.result.actions[n].title
            self.fault(("actions", n), "weaker-reach", f"办理“{title}”会到达上位程序到不了的情形，例如：{example}")

    def freed(self, action: law.Action) -> law.Action:
        """A base action without what a special law replaced: its gates, or all that stood before it."""
        if ("action", action.id) in self.replaced:
            return action.model_copy(update={"gates": (), "when": {}})
        return action.model_copy(
            update={"gates": tuple(gate for gate in action.gates if ("gate", gate) not in self.replaced)}
        )

    # clocks and conditions

    def clock(self, clock: law.Clock) -> None:
        if ("clock", clock.id) in self.replaced:
            return
        other = next(((n, one) for n, one in enumerate(self.result.clocks) if one.id == clock.id), None)
        if other is None:
            self.fault(("clocks",), "weaker-clock", f"不得取消时钟“{clock.title}”", clock.rules)
            return
        n, found = other
        at: Path = ("clocks", n)
        for key in ("starts", "ends", "until", "duty"):
            if getattr(clock, key) != getattr(found, key):
                self.fault((*at, key), "weaker-clock", f"时钟“{clock.title}”的起止不得改变", clock.rules)
        longer = _shorter(found.length, clock.length) if found.length and clock.length else ""
        if longer or (found.length is None) != (clock.length is None):
            self.fault((*at, "length"), "weaker-clock", f"时钟“{clock.title}”不得延长或者无法比较", clock.rules)
        if not _implies(clock.if_, found.if_):
            self.fault((*at, "if"), "weaker-clock", f"时钟“{clock.title}”适用的情形变窄了", clock.rules)
        if found.rolls and not clock.rolls:
            self.fault((*at, "rolls"), "weaker-clock", f"时钟“{clock.title}”的计算方法放宽了", clock.rules)
        if not set(found.stops) <= set(clock.stops) or not found.extends.items() <= clock.extends.items():
            self.fault((*at, "stops"), "weaker-clock", f"时钟“{clock.title}”不得增加停钟或者延长的情形", clock.rules)
        if not set(clock.rules) <= set(found.rules):
            self.fault((*at, "rules"), "weaker-cites", f"时钟“{clock.title}”的依据只能增加，不能替换", clock.rules)

    def words(self) -> None:
        """Conditions of the base hold wherever they held: added stages and choices slip through none."""
        before = list(conditions(json.loads(self.base.canonical)))
        after = {condition.place: condition.words for condition in conditions(json.loads(self.result.canonical))}
        for condition in before:
            if condition.place[:2] in self.replaced:
                continue
            self.condition(condition, after.get(condition.place))
        for owner, spec, other in self.inputs():
            for choice in other.choices.keys() - spec.choices.keys():
                seen = [one for one in before if one.sees(owner, spec.id) and one.place in after]
                if not any(
                    all(like not in one.words or choice in after[one.place] for one in seen) for like in spec.choices
                ):
                    say = f"新增选项“{other.choices[choice]}”会绕开只对原有选项适用的要求"
                    self.fault(self.path_of(("field", owner)), "weaker-choice", say, spec.rules)

    def condition(self, condition: Condition, held: list[str] | None) -> None:
        """One condition of the base against the same one of the result (None: it is no condition any more)."""
        rows = condition.place[0] == "gate" and condition.place[2] != "if"
        words = set(condition.words)
        if held is None:
            return
        if condition.space == "track":
            words |= {stage for stage, home in self.home.get(condition.name, {}).items() if home in words}
        if not words <= set(held):
            lost = "、".join(sorted(words - set(held)))
            self.fault(self.path_of(condition.place), "weaker-where", f"适用的情形变窄了，缺少：{lost}")
        added = set(held) - words
        if rows and added and added & ({"yes", "no", "given", "none"} | self.choices(condition.name)):
            self.fault(self.path_of(condition.place), "weaker-where", "不得改变哪些行算数")

    def choices(self, name: str) -> set[str]:
        """The choices that inputs of that name have."""
        return {choice for _, spec, _ in self.inputs() if spec.id == name for choice in spec.choices}

    def inputs(self) -> Iterator[tuple[str, law.FieldSpec, law.FieldSpec]]:
        """Every input and column of the base that the result has too, with its action ('' for the matter)."""
        yield from _pairs("", self.base.matter, self.result.matter)
        for action in self.base.actions:
            other = self.result.action(action.id)
            yield from _pairs(action.id, action.fields, other.fields if other else ())

    def path_of(self, place: tuple[str, ...]) -> Path:
        kind, name = place[:2]
        if kind == "gate" and name in self.gates:
            return ("gates", self.gates[name])
        return ("actions", self.actions[name]) if name in self.actions else ("matter",)


def _home(track: law.Track, other: law.Track) -> dict[str, str]:
    """For each stage of the result the stage of the base that it counts as: itself, or the one before it."""
    here, found = track.initial, {}
    for stage in other.stages:
        here = stage if stage in track.stages else here
        found[stage] = here
    return found


def _pairs(
    owner: str, specs: Iterable[law.FieldSpec], others: Iterable[law.FieldSpec]
) -> Iterator[tuple[str, law.FieldSpec, law.FieldSpec]]:
    found = {other.id: other for other in others}
    for spec in specs:
        if spec.id in found:
            yield owner, spec, found[spec.id]
            yield from _pairs(owner, spec.columns, found[spec.id].columns)


def _implies(when: law.When, other: law.When) -> bool:
    """Whether the second condition holds wherever the first does."""
    return all(key in when and set(when[key]) <= set(words) for key, words in other.items())


def _shorter(before: str, after: str) -> str:
    """Why the second period is not at least as long as the first; '' when it is. No number is shorter than any."""
    if "none" in (before, after):
        return "" if before == "none" else "取消了期限"
    old, new = calendar.period(before), calendar.period(after)
    if old.unit != new.unit:
        return f"{old.say}与{new.say}单位不同，无法比较"
    return "" if new.length >= old.length else f"期限由{old.say}改为{new.say}"


def _softer_input(spec: law.FieldSpec, other: law.FieldSpec | None) -> str:
    """What the second input no longer demands; '' when nothing."""
    if other is None:
        return "不得删除"
    if other.type != spec.type:
        return "不得改变类型"
    if spec.required and not other.required:
        return "不得改为选填"
    if spec.required_when and not (other.required or _implies(spec.required_when, other.required_when)):
        return "必填的情形不得减少"
    if (spec.personal and not other.personal) or (spec.past and not other.past):
        return "个人信息、不得晚于今天的限制不得取消"
    if spec.computed != other.computed:
        return "不得改变由谁填写"
    if not spec.choices.keys() <= other.choices.keys():
        return "的选项不得删除"
    return "" if set(spec.rules) <= set(other.rules) else "的依据只能增加，不能替换"
