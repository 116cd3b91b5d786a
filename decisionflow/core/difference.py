"""What changed between two procedures, in words that a jurist reads.

Both are compiled. Order is that of the newer file; what is gone comes last. Whether a change makes the
procedure harder or softer is only said where it can be: a period, a strength, something demanded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from decisionflow.core import calendar
from decisionflow.core import procedure as law

Weight = Literal["harder", "softer", "other"]
STRENGTHS = {"must": "应当", "usually": "一般", "may": "可以"}
_RANK = {"may": 0, "usually": 1, "must": 2}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: of what, in words, and whether it asks for more or for less."""

    what: Literal["procedure", "track", "action", "gate", "clock", "input", "paper", "duty"]
    id: str
    weight: Weight
    say: str
    rules: tuple[str, ...] = ()


def compare(old: law.Procedure, new: law.Procedure) -> tuple[Change, ...]:
    """Every difference between two procedures."""
    return tuple(_changes(old, new))


def _changes(old: law.Procedure, new: law.Procedure) -> Iterator[Change]:
    if old.in_force != new.in_force:
        yield Change("procedure", new.name, "other", f"适用日期由{_span(old)}改为{_span(new)}")
    yield from _duties(old, new)
    yield from _tracks(old, new)
    for gate in new.gates:
        before = old.gate(gate.id)
        if before is None:
            say = f"新增关卡（{STRENGTHS[gate.strength]}）：{gate.say}{_on(new, gate.id)}"
            yield Change("gate", gate.id, "other" if gate.strength == "may" else "harder", say, gate.rules)
        elif before != gate or _users(old, gate.id) != _users(new, gate.id):
            yield from _gate(old, new, before, gate)
    yield from (
        Change("gate", gate.id, "softer", f"取消关卡：{gate.say}", gate.rules)
        for gate in old.gates
        if not new.gate(gate.id)
    )
    for action in new.actions:
        was = old.action(action.id)
        if was is None:
            yield Change("action", action.id, "other", f"新增动作：{action.title}（{_who(new, action)}）", action.rules)
        elif was != action:
            yield from _action(old, new, was, action)
    for action in old.actions:
        if new.action(action.id) is None:
            yield Change("action", action.id, "other", f"取消动作：{action.title}", action.rules)
    yield from _clocks(old, new)


def _span(one: law.Procedure) -> str:
    return f"{one.in_force.from_}起" + (f"至{one.in_force.to}" if one.in_force.to else "")


def _users(one: law.Procedure, gate: str) -> list[str]:
    return [action.title for action in one.actions if gate in action.gates]


def _on(one: law.Procedure, gate: str) -> str:
    return f"（用于{'、'.join(_users(one, gate))}）"


def _who(one: law.Procedure, action: law.Action) -> str:
    return "、".join(one.duties[duty].title for duty in action.by)


def _duties(old: law.Procedure, new: law.Procedure) -> Iterator[Change]:
    for name, duty in new.duties.items():
        if name not in old.duties:
            yield Change("duty", name, "other", f"新增职责：{duty.title}")
        elif duty.title != old.duties[name].title:
            yield Change("duty", name, "other", f"职责“{old.duties[name].title}”改称“{duty.title}”")
    yield from (Change("duty", name, "other", f"取消职责：{duty.title}") for name, duty in old.duties.items()
                if name not in new.duties)  # fmt: skip


def _tracks(old: law.Procedure, new: law.Procedure) -> Iterator[Change]:
    for name, track in new.tracks.items():
        before = old.tracks.get(name)
        if before is None:
            yield Change(
                "track", name, "other", f"新增一线：{track.title}（{' → '.join(track.stages.values())}）", track.rules
            )
            continue
        for stage, title in track.stages.items():
            if stage not in before.stages:
                yield Change("track", name, "other", f"{track.title}：新增阶段“{title}”", track.rules)
            elif before.stages[stage] != title:
                yield Change("track", name, "other", f"{track.title}：阶段“{before.stages[stage]}”改称“{title}”")
        yield from (
            Change("track", name, "other", f"{track.title}：取消阶段“{title}”")
            for stage, title in before.stages.items() if stage not in track.stages
        )  # fmt: skip
    yield from (Change("track", name, "other", f"取消一线：{track.title}") for name, track in old.tracks.items()
                if name not in new.tracks)  # fmt: skip


def _gate(old: law.Procedure, new: law.Procedure, before: law.Gate, gate: law.Gate) -> Iterator[Change]:
    if before.strength != gate.strength:
        weight: Weight = "harder" if _RANK[gate.strength] > _RANK[before.strength] else "softer"
        say = f"“{gate.say}”由“{STRENGTHS[before.strength]}”改为“{STRENGTHS[gate.strength]}”"
        yield Change("gate", gate.id, weight, say, gate.rules)
    period = _period(getattr(before, "at_least", None), getattr(gate, "at_least", None), more_is_harder=True)
    ceiling = _period(getattr(before, "at_most", None), getattr(gate, "at_most", None), more_is_harder=False)
    for found in (period, ceiling):
        if found:
            yield Change("gate", gate.id, found[0], f"“{gate.say}”：{found[1]}", gate.rules)
    was, now = _users(old, gate.id), _users(new, gate.id)
    for title in now:
        if title not in was:
            yield Change("gate", gate.id, "harder", f"“{gate.say}”也用于：{title}", gate.rules)
    for title in was:
        if title not in now:
            yield Change("gate", gate.id, "softer", f"“{gate.say}”不再用于：{title}", gate.rules)
    added = [rule for rule in gate.rules if rule not in before.rules]
    if added:
        yield Change("gate", gate.id, "other", f"“{gate.say}”增加依据：{'、'.join(added)}", tuple(added))
    if before.say != gate.say:
        yield Change("gate", gate.id, "other", f"拒绝的话由“{before.say}”改为“{gate.say}”", gate.rules)
    same = {"strength", "at_least", "at_most", "rules", "say"}
    rest = [
        key for key in type(gate).model_fields if key not in same and getattr(before, key, None) != getattr(gate, key)
    ]
    if rest:
        names = "、".join(type(gate).model_fields[key].alias or key for key in rest)
        yield Change("gate", gate.id, "other", f"“{gate.say}”的内容有改动（{names}）", gate.rules)


def _period(before: object, after: object, *, more_is_harder: bool) -> tuple[Weight, str] | None:
    """A number or a period that changed, in words."""
    if before == after:
        return None
    words = f"由{_say(before)}改为{_say(after)}"
    one, other = _size(before), _size(after)
    if one is None or other is None or (one[1] != other[1] and one[0] and other[0]):
        return "other", words
    return ("harder" if (other[0] > one[0]) == more_is_harder else "softer"), words


def _size(value: object) -> tuple[int, str] | None:
    if isinstance(value, int):
        return value, ""
    try:
        found = calendar.period(str(value))
    except ValueError:
        return (0, "") if value in (None, "none") else None
    return found.length, found.unit


def _say(value: object) -> str:
    if value is None or value == "none":
        return "没有天数" if value == "none" else "没有"
    try:
        return calendar.period(str(value)).say
    except ValueError:
        return str(value)


def _action(old: law.Procedure, new: law.Procedure, before: law.Action, action: law.Action) -> Iterator[Change]:
    title = action.title
    if before.title != title:
        yield Change("action", action.id, "other", f"动作“{before.title}”改称“{title}”", action.rules)
    if _who(old, before) != _who(new, action):
        yield Change(
            "action", action.id, "other", f"“{title}”由{_who(old, before)}办改为由{_who(new, action)}办", action.rules
        )
    if (before.source, before.to, before.when) != (action.source, action.to, action.when):
        yield Change("action", action.id, "other", f"“{title}”在什么阶段办、办到什么阶段有改动", action.rules)
    yield from _inputs(title, action.id, before.fields, action.fields)
    papers = {paper.kind: paper for paper in before.materials}
    for paper in action.materials:
        name, was = new.materials[paper.kind].title, papers.pop(paper.kind, None)
        if was is None:
            say = f"“{title}”新增材料：{name}（{'必交' if paper.required else '可交'}）"
            yield Change("paper", action.id, "harder" if paper.required else "other", say, paper.rules)
        elif was.required != paper.required:
            weight: Weight = "harder" if paper.required else "softer"
            yield Change(
                "paper", action.id, weight, f"“{title}”的材料“{name}”改为{'必交' if paper.required else '可交'}"
            )
    for kind, paper in papers.items():
        yield Change(
            "paper",
            action.id,
            "softer" if paper.required else "other",
            f"“{title}”不再要材料：{old.materials[kind].title}",
        )


def _inputs(
    title: str, name: str, before: Iterable[law.FieldSpec], after: Iterable[law.FieldSpec]
) -> Iterator[Change]:  # fmt: skip
    known = {spec.id: spec for spec in before}
    for spec in after:
        was = known.pop(spec.id, None)
        if was is None:
            weight: Weight = "harder" if spec.required or spec.required_when else "other"
            yield Change(
                "input",
                name,
                weight,
                f"“{title}”新增填写项：{spec.title}{'（必填）' if spec.required else ''}",
                spec.rules,
            )
            continue
        if (was.required, was.required_when) != (spec.required, spec.required_when):
            weight = "harder" if spec.required and not was.required else "other"
            yield Change("input", name, weight, f"“{title}”的“{spec.title}”什么时候必填有改动", spec.rules)
        more = [words for choice, words in spec.choices.items() if choice not in was.choices]
        if more:
            yield Change("input", name, "other", f"“{title}”的“{spec.title}”新增选项：{'、'.join(more)}", spec.rules)
        yield from _inputs(f"{title}·{spec.title}", name, was.columns, spec.columns)
    yield from (Change("input", name, "softer" if spec.required else "other", f"“{title}”不再填写：{spec.title}", spec.rules)
                for spec in known.values())  # fmt: skip


def _clocks(old: law.Procedure, new: law.Procedure) -> Iterator[Change]:
    known = {clock.id: clock for clock in old.clocks}
    for clock in new.clocks:
        was = known.pop(clock.id, None)
        if was is None:
            yield Change("clock", clock.id, "harder", f"新增期限：{clock.title}（{clock.say}）", clock.rules)
            continue
        found = _period(was.length, clock.length, more_is_harder=False)
        if found:
            yield Change("clock", clock.id, found[0], f"期限“{clock.title}”：{found[1]}", clock.rules)
        if (was.starts, was.ends, was.stops, was.extends, was.rolls, was.if_) != (
            clock.starts, clock.ends, clock.stops, clock.extends, clock.rolls, clock.if_,
        ):  # fmt: skip
            yield Change("clock", clock.id, "other", f"期限“{clock.title}”的起止、停止或者延长有改动", clock.rules)
    yield from (
        Change("clock", clock.id, "softer", f"取消期限：{clock.title}", clock.rules) for clock in known.values()
    )
