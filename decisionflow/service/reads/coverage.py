"""Where each rule of the registry acts: a table from procedures, and from a short file for what is not in them.

A rule is *enforced* where a gate bars an act, or an input or paper must be given; *timed* where a clock counts
for it; *hinted* where a gate only says so; *recorded* where an act or an optional input is for it. What no
procedure cites stands in ``workflows/coverage.yaml`` with the place where it acts, or the reason why it does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import model_validator

from decisionflow import paths
from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.errors import BadInput

State = Literal["enforced", "timed", "hinted", "recorded", "engine", "view", "explained", "missing"]
STATES: Mapping[State, str] = {
    "enforced": "执行", "timed": "计时", "hinted": "提示", "recorded": "登记", "engine": "程序保证", "view": "可查",
    "explained": "不执行，有说明", "missing": "没有着落",
}  # fmt: skip
STRENGTHS: Mapping[law.Strength, str] = {"must": "应当", "usually": "一般", "may": "可以"}
MARKS = {"source": "已核对", "secondary": "二手资料，未核实", "memory": "凭记忆，未核实", "derived": "本产品的理解"}


class Elsewhere(files.Frozen):
    """A rule that no procedure file cites."""

    rule: law.RuleId
    where: Literal["engine", "view", "explained"]
    what: str = ""
    at: str = ""
    why: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Elsewhere:
        if bool(self.why) != (self.where == "explained") or bool(self.what and self.at) == (self.where == "explained"):
            raise ValueError("explained 须写 why；engine、view 须写 what 和 at")
        return self


class ElsewhereFile(files.Frozen):
    """``workflows/coverage.yaml``."""

    format: Literal["1"]
    elsewhere: tuple[Elsewhere, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """One place in a procedure where a rule acts."""

    procedure: str
    kind: Literal["gate", "input", "paper", "clock", "action", "optional", "conflict"]
    strength: law.Strength | None
    say: str
    where: str


@dataclass(slots=True)
class Line:
    """A rule with its instrument, its state and its places."""

    rule: law.Rule
    instrument: law.Instrument
    places: list[Place] = field(default_factory=list)
    elsewhere: Elsewhere | None = None

    @property
    def state(self) -> State:
        """The strongest of what its places do."""
        kinds = {(place.kind, place.strength) for place in self.places}
        if {("gate", "must"), ("gate", "usually"), ("input", None), ("paper", None)} & kinds:
            return "enforced"
        if ("clock", None) in kinds:
            return "timed"
        if ("gate", "may") in kinds:
            return "hinted"
        if kinds:
            return "recorded"
        return self.elsewhere.where if self.elsewhere else "missing"

    @property
    def mark(self) -> str:
        """How sure we are, in words."""
        return MARKS[self.rule.confirmed]


def known_elsewhere() -> tuple[Elsewhere, ...]:
    """The rules that act outside of procedure files. Raises BadInput."""
    path = paths.WORKFLOWS / "coverage.yaml"
    return read(path.read_text("utf-8"), str(path))


def read(text: str, name: str) -> tuple[Elsewhere, ...]:
    """A coverage file. Raises BadInput for what is wrong or said twice."""
    source = files.read(text, name)
    found = files.parse(ElsewhereFile, source).elsewhere
    twice = [
        source.problem(("elsewhere", n, "rule"), f"规则 {one.rule} 写了两次", "rule-twice")
        for n, one in enumerate(found) if one.rule in {earlier.rule for earlier in found[:n]}
    ]  # fmt: skip
    if twice:
        raise BadInput(twice)
    return found


def coverage(
    procedures: Iterable[law.Procedure], registry: law.Registry, elsewhere: Iterable[Elsewhere]
) -> dict[str, Line]:  # fmt: skip
    """Every rule of the registry, and of overlays of their own, with what it does, by id."""
    chosen = list(procedures)
    rules = {rule.id: (rule, registry.sources[rule.source]) for rule in registry.rules.values()}
    for one in chosen:
        rules |= {rule.id: (rule, one.sources[rule.source]) for rule in one.rules.values() if rule.id not in rules}
    lines = {name: Line(rule, instrument) for name, (rule, instrument) in rules.items()}
    for procedure in chosen:
        for rule, place in places(procedure):
            lines[rule].places.append(place)
    for other in elsewhere:
        if other.rule in lines:
            lines[other.rule].elsewhere = other
    return lines


def places(procedure: law.Procedure) -> Iterator[tuple[str, Place]]:
    """Every rule that a procedure cites with the place where it does."""
    name = procedure.name
    used = {gate: action.title for action in reversed(procedure.actions) for gate in action.gates}
    for gate in procedure.gates:
        yield from _each(gate.rules, Place(name, "gate", gate.strength, gate.say, used.get(gate.id, "")))
    for action in procedure.actions:
        yield from _each(action.rules, Place(name, "action", None, action.title, action.title))
        yield from _inputs(name, action.title, action.fields)
        for paper in action.materials:
            title = procedure.materials[paper.kind].title
            kind: Literal["paper", "optional"] = "paper" if paper.required else "optional"
            rules = paper.rules or procedure.materials[paper.kind].rules
            yield from _each(rules, Place(name, kind, None, title, action.title))
    for clock in procedure.clocks:
        yield from _each(clock.rules, Place(name, "clock", None, clock.say, clock.title))
    for spec in procedure.matter:
        yield from _each(spec.rules, Place(name, "optional", None, spec.title, "事项"))
    for conflict in procedure.conflicts:
        yield from _each((conflict.by,), Place(name, "conflict", None, f"{conflict.title}：{conflict.because}", "冲突"))
    for track in procedure.tracks.values():
        yield from _each(track.rules, Place(name, "action", None, track.title, track.title))


def _inputs(name: str, where: str, specs: Sequence[law.FieldSpec]) -> Iterator[tuple[str, Place]]:
    for spec in specs:
        kind: Literal["input", "optional"] = "input" if spec.required or spec.required_when else "optional"
        yield from _each(spec.rules, Place(name, kind, None, spec.title, where))
        yield from _inputs(name, where, spec.columns)


def _each(rules: Iterable[str], place: Place) -> Iterator[tuple[str, Place]]:
    return ((rule, place) for rule in rules)


# ---- as a page of the reference ------------------------------------------------------------------------------

_KINDS = {
    "gate": "关卡",
    "input": "必填",
    "paper": "必交",
    "clock": "期限",
    "action": "动作",
    "optional": "可填",
    "conflict": "冲突",
}


def markdown(lines: Mapping[str, Line]) -> Iterator[str]:
    """The reference page: a table a rule family, one line a rule."""
    yield "# Rules and where they act"
    yield ""
    yield (
        "Generated by `decisionflow procedures coverage` from `workflows/`; do not edit. States: "
        + "、".join(f"{word} (`{state}`)" for state, word in STATES.items() if state != "missing")
        + "."
    )
    yield "Marks say how sure we are of a rule; what is not 已核对 is shown as 未核实 wherever it is cited."
    counts: dict[str, int] = {}
    for line in lines.values():
        counts[line.state] = counts.get(line.state, 0) + 1
    yield ""
    yield "；".join(f"{word} {counts[state]}" for state, word in STATES.items() if state in counts)
    family = ""
    for name, line in lines.items():
        if name.partition("-")[0] != family:
            family = name.partition("-")[0]
            yield from (
                "",
                f"## {family}",
                "",
                "| rule | says | strength | mark | state | where |",
                "|---|---|---|---|---|---|",
            )
        cite = law.say_cite(line.rule, line.instrument)
        yield (f"| {name} | **{line.rule.title}** {cite} | {STRENGTHS[line.rule.strength]} | {line.mark} | "
               f"{STATES[line.state]} | {'<br>'.join(_where(line))} |")  # fmt: skip


def _where(line: Line) -> Iterator[str]:
    if not line.places and line.elsewhere:
        one = line.elsewhere
        yield one.why or f"{one.what}（`{one.at}`）"
    told: dict[tuple[str, str], list[str]] = {}
    for place in line.places:
        told.setdefault((place.kind, place.say), []).append(place.procedure)
    strong = [key for key in told if key[0] in ("gate", "clock", "input", "paper")] or list(told)
    for kind, say in strong[:4]:
        names = list(dict.fromkeys(told[kind, say]))
        yield f"{_KINDS[kind]}：{say}（{'、'.join(names[:2])}{'等' if len(names) > 2 else ''}）"
    if len(strong) > 4:
        yield f"另有 {len(strong) - 4} 处"
