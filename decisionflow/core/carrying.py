"""Carrying the changes of an overlay out on plain data, part by part, remembering where each came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal, TypeAlias

from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.core.changes import (
    AddAction,
    AddChoice,
    AddClock,
    AddDuty,
    AddField,
    AddGate,
    AddMatter,
    AddPaper,
    AddStage,
    AddTrack,
    AttachGate,
    Cite,
    NoteConflict,
    Overlay,
    Rename,
    RequireField,
    RequirePaper,
    Retarget,
    Supersede,
    TightenClock,
    TightenGate,
    Upgrade,
)
from decisionflow.core.source import Path
from decisionflow.errors import Problem

Plain: TypeAlias = dict[str, Any]


@dataclass(slots=True)
class Layered(files.Source):
    """Plain data put together from several files, with the place that each part came from.

    The key is a container's identity, or that and a key for a single value put in later; the container
    is kept alive, so that no identity is used twice.
    """

    origins: dict[tuple[int, str | int | None], tuple[files.Source, Path, object]] = field(default_factory=dict)

    def origin(self, path: Path) -> tuple[files.Source, Path]:
        """The file and the place in it where a path of the flattened data was written."""
        here: Any = self.data
        source, place, _ = self.origins[id(here), None]
        for part in path:
            try:
                child = here[part]
            except (KeyError, IndexError, TypeError):
                child = None
            known = self.origins.get((id(here), part)) or self.origins.get((id(child), None))
            source, place = known[:2] if known else (source, (*place, part))
            here = child
        return source, place

    def line(self, path: Path) -> int:
        source, place = self.origin(path)
        return source.line(place)

    def problem(self, path: Path, say: str, rule: str = "") -> Problem:
        source, place = self.origin(path)
        return source.problem(place, say, rule)

    def adopt(self, data: Any, source: files.Source, path: Path) -> Any:
        """A copy of plain data of a file, its places remembered."""
        if isinstance(source, Layered):
            origin: tuple[files.Source, Path] = source.origin(path)
        else:
            origin = (source, path)
        if isinstance(data, dict):
            made: Any = {key: self.adopt(child, source, (*path, key)) for key, child in data.items()}
        elif isinstance(data, list):
            made = [self.adopt(child, source, (*path, n)) for n, child in enumerate(data)]
        else:
            return data
        self.origins[id(made), None] = (*origin, made)
        return made


_NAMED = {"gate": "gates", "action": "actions", "clock": "clocks"}
_TITLED = {"track": "tracks", "material": "materials", "duty": "duties"}
_WORDS = {"action": "动作", "gate": "关卡", "clock": "时钟", "track": "轨道", "material": "材料", "duty": "职责"}
_RANKS = ("normative_document", "government_rule", "local_regulation", "administrative_regulation", "law")


class _Unknown(Exception):
    """A change names something that is not there; the problem is already noted."""


class Sheet:
    """Plain data in the making: each change is carried out on what the earlier ones left."""

    def __init__(self, base: files.Source, overlay: files.Source, parsed: Overlay, registry: law.Registry) -> None:
        self.overlay = overlay
        self.parsed = parsed
        self.registry = registry
        self.problems: list[Problem] = []
        self.result = Layered(overlay.name)
        self.data: Plain = self.result.adopt(base.data, base, ())
        self.result.data = self.data
        self.at: Path = ()
        self.raw: Plain = {}

    def carry_out(self) -> None:
        self.head()
        raw: Any = self.overlay.data
        for n, change in enumerate(self.parsed.changes):
            self.at = ("changes", n)
            self.raw = raw["changes"][n]
            try:
                getattr(self, f"do_{change.do}")(change)
            except _Unknown:
                continue

    def head(self) -> None:
        """Name, dates and origin of what comes out. A later version of the same procedure goes on where it ended."""
        mine, data = self.parsed, self.data
        theirs = files.parse(law.Procedure, self.result)
        later = mine.id == theirs.id
        stacked = not later and mine.extends != theirs.name
        first = theirs.built_from or (f"{theirs.name}#{law.compiled(self.result, self.registry).digest}",)
        text = json.dumps(self.overlay.data, ensure_ascii=False, separators=(",", ":"))
        data["built_from"] = [*first, f"{mine.name}#{hashlib.sha256(text.encode()).hexdigest()}"]
        start = max(mine.in_force.from_, theirs.in_force.from_)
        ends = [end for end in (mine.in_force.to, None if later else theirs.in_force.to) if end]
        early = not stacked and mine.in_force.from_ < theirs.in_force.from_
        if early or (ends and min(ends) < start):
            say = f"适用日期不在“{theirs.title}”的适用期（自{theirs.in_force.from_}起）之内"
            self.problems.append(self.overlay.problem(("in_force",), say, "in-force"))
        period = {"from": start.isoformat(), **({"to": min(ends).isoformat()} if ends else {})}
        self.put(data, "in_force", period, ("in_force",))
        self.put(data, "id", f"{theirs.id}-{mine.id}" if stacked else mine.id, ("id",))
        self.put(
            data, "version", max(theirs.version, mine.version, key=_number) if stacked else mine.version, ("version",)
        )
        self.put(data, "title", f"{theirs.title}·{mine.title}" if stacked else mine.title, ("title",))
        data["note"] = "\n".join(filter(None, (theirs.note, mine.note)))
        if mine.example or theirs.example:
            data["example"] = "yes"

    # finding and putting

    def put(self, container: Plain, key: str, value: Any, path: Path) -> None:
        """A value into plain data, remembered as written at a place of the overlay."""
        container[key] = value
        self.result.origins[id(container), key] = (self.overlay, path, container)

    def new(self, key: str) -> Any:
        """A copy of what the change in hand gives under a key."""
        return self.result.adopt(self.raw[key], self.overlay, (*self.at, key))

    def stop(self, key: str, say: str, rule: str) -> None:
        self.problems.append(self.overlay.problem((*self.at, key), say, rule))
        raise _Unknown

    def one(self, kind: str, name: str, key: str) -> Plain:
        """The action, gate, clock, track, material or duty of that name."""
        if kind in _NAMED:
            found = next((one for one in self.data.get(_NAMED[kind], []) if one["id"] == name), None)
        else:
            found = self.data.get(_TITLED[kind], {}).get(name)
        if found is None:
            self.stop(key, f"上位程序没有{_WORDS[kind]}“{name}”", "target")
        return found  # type: ignore[return-value]

    def thing(self, change: Supersede | NoteConflict | Cite) -> tuple[Literal["gate", "action", "clock"], Plain]:
        """The one thing that a change names by its kind."""
        named = [(kind, name) for kind in _NAMED if (name := getattr(change, kind))]
        if len(named) != 1:
            self.stop("do", "须写明一个关卡、动作或者时钟，只写一个", "target")
        kind, name = named[0]
        return kind, self.one(kind, name, kind)  # type: ignore[return-value]

    def free(self, kind: str, name: str, key: str) -> None:
        among = (
            [one["id"] for one in self.data.get(_NAMED[kind], [])]
            if kind in _NAMED
            else self.data.get(_TITLED[kind], {})
        )
        if name in among:
            self.stop(key, f"{_WORDS[kind]}“{name}”已经有了", "target")

    def input(self, action: str, field: str, column: str, key: str = "field") -> Plain:
        """An input of an action or of the matter (no action), or a column of it."""
        specs = self.one("action", action, "action").get("fields", []) if action else self.data.get("matter", [])
        found = next((spec for spec in specs if spec["id"] == field), None)
        if found is not None and column:
            found = next((spec for spec in found.get("columns", []) if spec["id"] == column), None)
        if found is None:
            self.stop("column" if column else key, f"没有填写项“{column or field}”", "target")
        return found  # type: ignore[return-value]

    def cite(self, thing: Plain, rules: Iterable[str]) -> None:
        """Citations are added, never replaced."""
        before = _words(thing.get("rules", []))
        self.put(thing, "rules", [*before, *(rule for rule in rules if rule not in before)], (*self.at, "rules"))

    # what is added

    def do_add_duty(self, change: AddDuty) -> None:
        self.free("duty", change.id, "id")
        self.data["duties"][change.id] = self.new("duty")

    def do_add_matter(self, change: AddMatter) -> None:
        matter = self.data.setdefault("matter", [])
        if any(spec["id"] == change.field.id for spec in matter):
            self.stop("field", f"事项已经有属性“{change.field.id}”", "target")
        matter.append(self.new("field"))
        for name in change.on:
            action = self.one("action", name, "on")
            self.append_field(action, change.field.id, self.new("field"))
            action["sets"] = [*_words(action.get("sets", [])), change.field.id]

    def do_add_track(self, change: AddTrack) -> None:
        self.free("track", change.id, "id")
        self.data["tracks"][change.id] = self.new("track")
        if change.goal:
            self.put(self.data["goal"], change.id, list(change.goal), (*self.at, "goal"))

    def do_add_stage(self, change: AddStage) -> None:
        track = self.one("track", change.track, "track")
        stages: Plain = track["stages"]
        if change.after not in stages:
            self.stop("after", f"轨道“{track['title']}”没有阶段“{change.after}”", "target")
        if change.id in stages:
            self.stop("id", f"轨道“{track['title']}”已经有阶段“{change.id}”", "target")
        before = dict(stages)
        stages.clear()
        for stage, title in before.items():
            stages[stage] = title
            if stage == change.after:
                self.put(stages, change.id, change.title, (*self.at, "title"))
        if change.mark:
            track[change.mark] = [*_words(track.get(change.mark, [])), change.id]
        for name in change.allows:
            self.allow(self.one("action", name, "allows"), change)
        for condition in conditions(self.data):
            if condition.space == "track" and condition.name == change.track and change.after in condition.words:
                condition.add(change.id)

    def allow(self, action: Plain, change: AddStage) -> None:
        when: Plain = action.setdefault("when", {})
        holder, key = (action, "from") if action["track"] == change.track else (when, change.track)
        words = _words(holder.get(key, []))
        if change.after not in words:
            self.stop("allows", f"动作“{action['title']}”在“{change.after}”阶段本来就不能办理", "target")
        self.put(holder, key, [*words, change.id], (*self.at, "allows"))

    def do_add_action(self, change: AddAction) -> None:
        self.free("action", change.action.id, "action")
        actions: list[Plain] = self.data["actions"]
        place = actions.index(self.one("action", change.after, "after")) + 1 if change.after else len(actions)
        actions.insert(place, self.new("action"))

    def do_retarget(self, change: Retarget) -> None:
        action = self.one("action", change.action, "action")
        if change.source:
            self.put(action, "from", list(change.source), (*self.at, "from"))
        if change.to:
            self.put(action, "to", change.to, (*self.at, "to"))
        for track, stages in change.when.items():
            self.put(action.setdefault("when", {}), track, list(stages), (*self.at, "when", track))

    def do_add_gate(self, change: AddGate) -> None:
        self.free("gate", change.gate.id, "gate")
        self.data.setdefault("gates", []).append(self.new("gate"))
        self.attach(change.gate.id, change.on)

    def do_attach_gate(self, change: AttachGate) -> None:
        self.one("gate", change.gate, "gate")
        self.attach(change.gate, change.on)

    def attach(self, gate: str, names: Iterable[str], key: str = "on") -> None:
        for name in names:
            action = self.one("action", name, key)
            if gate in action.get("gates", []):
                self.stop(key, f"动作“{action['title']}”已经有关卡“{gate}”", "target")
            action["gates"] = [*action.get("gates", []), gate]

    def do_add_field(self, change: AddField) -> None:
        self.append_field(self.one("action", change.action, "action"), change.field.id, self.new("field"))

    def append_field(self, action: Plain, name: str, spec: Plain) -> None:
        specs = action.setdefault("fields", [])
        if any(one["id"] == name for one in specs):
            self.stop("field", f"动作“{action['title']}”已经有填写项“{name}”", "target")
        specs.append(spec)

    def do_add_choice(self, change: AddChoice) -> None:
        spec = self.input(change.action, change.field, change.column)
        choices: Plain = spec.get("choices", {})
        if change.like not in choices:
            self.stop("like", f"“{spec['title']}”没有选项“{change.like}”", "target")
        if change.id in choices:
            self.stop("id", f"“{spec['title']}”已经有选项“{change.id}”", "target")
        self.put(choices, change.id, change.title, (*self.at, "title"))
        for condition in conditions(self.data):
            if condition.sees(change.action, change.column or change.field) and change.like in condition.words:
                condition.add(change.id)

    def do_add_paper(self, change: AddPaper) -> None:
        if change.material is not None:
            self.free("material", change.kind, "kind")
            self.data.setdefault("materials", {})[change.kind] = self.new("material")
        self.one("material", change.kind, "kind")
        for name in change.on:
            action = self.one("action", name, "on")
            papers = action.setdefault("materials", [])
            if any(paper["kind"] == change.kind for paper in papers):
                self.stop("on", f"动作“{action['title']}”已经有材料“{change.kind}”", "target")
            raw = {key: value for key, value in self.raw.items() if key in ("kind", "required", "if", "rules")}
            papers.append(self.result.adopt(raw, self.overlay, self.at))

    def do_add_clock(self, change: AddClock) -> None:
        self.free("clock", change.clock.id, "clock")
        self.data.setdefault("clocks", []).append(self.new("clock"))

    # what is tightened

    def do_tighten_gate(self, change: TightenGate) -> None:
        gate = self.one("gate", change.gate, "gate")
        self.cite(gate, change.rules)
        self.put(gate, "say", change.say, (*self.at, "say"))
        for key in ("strength", "at_least", "at_most", "more_than", "in", "deviate", "approver"):
            if key in self.raw:
                self.put(gate, key, self.raw[key], (*self.at, key))
        if change.strength == "must":
            gate.pop("deviate", None)
            gate.pop("approver", None)

    def do_upgrade(self, change: Upgrade) -> None:
        self.free("gate", change.gate, "gate")
        key = next((key for key, words in change.if_.items() if "none" not in words), "")
        if not key:
            self.stop("if", "条件里至少要有一项是已经填写的（不能只有 none）", "condition")
        words, (space, _, name) = change.if_[key], key.partition(".")
        gate: Plain = {"id": change.gate, "strength": "must", "say": change.say, "rules": list(change.rules)}
        if space == "track":
            others = [stage for stage in self.one("track", name, "if")["stages"] if stage not in words]
            gate |= {"check": "reached", "track": name, "in": others}
        else:
            spec = self.input(change.on[0] if space == "field" else "", name, "", "if")
            among = ["yes", "no"] if spec["type"] == "flag" else list(spec.get("choices", ("given", "none")))
            gate |= {"check": "is", "of": {space: name}, "in": [word for word in among if word not in words]}
        gate["if"] = {key: list(words) for key, words in change.if_.items()}
        gate["remedy"] = list(change.remedy)
        for part in (key for key in gate if key in self.raw):
            self.result.origins[id(gate), part] = (self.overlay, (*self.at, part), gate)
        self.result.origins[id(gate), None] = (self.overlay, self.at, gate)
        self.data.setdefault("gates", []).append(gate)
        self.attach(change.gate, change.on)

    def do_require_field(self, change: RequireField) -> None:
        spec = self.input(change.action, change.field, change.column)
        if change.when:
            spec["required_when"] = self.new("when")
        else:
            self.put(spec, "required", "yes", self.at)

    def do_require_paper(self, change: RequirePaper) -> None:
        action = self.one("action", change.action, "action")
        paper = next((one for one in action.get("materials", []) if one["kind"] == change.kind), None)
        if paper is None:
            self.stop("kind", f"动作“{action['title']}”没有材料“{change.kind}”", "target")
            return
        self.put(paper, "required", "yes", self.at)
        paper.pop("if", None)
        self.cite(paper, change.rules)

    def do_tighten_clock(self, change: TightenClock) -> None:
        clock = self.one("clock", change.clock, "clock")
        self.cite(clock, change.rules)
        self.put(clock, "length", change.length, (*self.at, "length"))
        self.put(clock, "say", change.say, (*self.at, "say"))

    # what is named, recorded or replaced

    def do_cite(self, change: Cite) -> None:
        self.cite(self.thing(change)[1], change.rules)

    def do_rename(self, change: Rename) -> None:
        if change.what == "stage":
            stages = self.one("track", change.of, "of")["stages"]
            if change.id not in stages:
                self.stop("id", f"轨道“{change.of}”没有阶段“{change.id}”", "target")
            self.put(stages, change.id, change.title, (*self.at, "title"))
        elif change.what == "field":
            self.put(self.input(change.of, change.id, "", "id"), "title", change.title, (*self.at, "title"))
        else:
            self.put(self.one(change.what, change.id, "id"), "title", change.title, (*self.at, "title"))

    def do_note_conflict(self, change: NoteConflict) -> None:
        kind, thing = self.thing(change)
        self.record(kind, thing, change, "superior")

    def do_supersede(self, change: Supersede) -> None:
        kind, thing = self.thing(change)
        cited = {self.rank(rule) for rule in _words(thing.get("rules", []))}
        need = "normative_document" if cited == {"product"} else "administrative_regulation"
        if _height(self.rank(change.by)) < max(_height(need), *map(_height, cited)):
            say = f"{change.by} 的位阶不足以取代“{_called(thing)}”"
            self.stop(
                "by", f"{say}：须是法律、行政法规且不低于它的依据；否则只能从严，或者登记为冲突", "supersede-rank"
            )
        self.record(kind, thing, change, "special")
        self.data[_NAMED[kind]].remove(thing)
        if kind == "gate":
            for action in self.data["actions"]:
                if thing["id"] in action.get("gates", []):
                    action["gates"] = [gate for gate in action["gates"] if gate != thing["id"]]
        if kind == "action":
            self.sweep(thing)

    def sweep(self, action: Plain) -> None:
        """The gates and kinds of material that only a replaced action used go with it."""
        gates = set(chain.from_iterable(other.get("gates", []) for other in self.data["actions"]))
        papers = {paper["kind"] for other in self.data["actions"] for paper in other.get("materials", [])}
        dropped = set(action.get("gates", [])) - gates
        self.data["gates"] = [gate for gate in self.data.get("gates", []) if gate["id"] not in dropped]
        for paper in action.get("materials", []):
            if paper["kind"] not in papers:
                self.data["materials"].pop(paper["kind"], None)

    def record(
        self, kind: str, thing: Plain, change: Supersede | NoteConflict, applied: Literal["special", "superior"]
    ) -> None:
        known = {"what": kind, "id": thing["id"], "title": _called(thing), "rules": _words(thing.get("rules", [])),
                 "by": change.by, "applied": applied, "because": change.because}  # fmt: skip
        self.result.origins[id(known), None] = (self.overlay, self.at, known)
        self.data.setdefault("conflicts", []).append(known)

    def rank(self, rule: str) -> str:
        """The rank of the instrument that a rule comes from; '' for a rule that nobody knows."""
        known = self.registry.rules.get(rule)
        return self.registry.sources[known.source].rank if known and known.source in self.registry.sources else ""


def _height(rank: str) -> int:
    """How high a rank stands among norms; -1 for what is none."""
    return _RANKS.index(rank) if rank in _RANKS else -1


def _words(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _called(thing: Plain) -> str:
    return str(thing.get("say") or thing.get("title") or thing["id"])


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


# ---- conditions in plain data --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Condition:
    """A list of words that decides whether something applies, and what the words are values of.

    `space` is matter, track or field; `actions` are those whose input `name` it looks at (in a table:
    whose column). `place` names it by ids, so that two procedures can be compared.
    """

    place: tuple[str, ...]
    space: str
    name: str
    actions: frozenset[str]
    holder: Plain
    key: str

    @property
    def words(self) -> list[str]:
        return _words(self.holder[self.key])

    def add(self, word: str) -> None:
        self.holder[self.key] = [*self.words, word]

    def sees(self, action: str, name: str) -> bool:
        """Whether it looks at an input of an action, or of the matter (no action)."""
        if not action:
            return self.space == "matter" and self.name == name
        return self.space == "field" and self.name == name and action in self.actions


def conditions(data: Plain) -> Iterator[Condition]:
    """Every condition of a procedure's plain data: `if`, `required_when`, and which rows count."""
    for gate in data.get("gates", []):
        users = frozenset(action["id"] for action in data["actions"] if gate["id"] in action.get("gates", []))
        yield from _of_when(gate, "if", ("gate", gate["id"]), users)
        yield from _of_rows(gate, users)
    for action in data["actions"]:
        mine = frozenset({action["id"]})
        yield from _of_when(action, "todo_if", ("action", action["id"]), mine)
        for paper in action.get("materials", []):
            yield from _of_when(paper, "if", ("paper", action["id"], paper["kind"]), mine)
        yield from _of_fields(action.get("fields", []), ("field", action["id"]), mine)
    yield from _of_fields(data.get("matter", []), ("matter",), frozenset())


def _of_when(holder: Plain, key: str, place: tuple[str, ...], actions: frozenset[str]) -> Iterator[Condition]:
    when: Plain = holder.get(key, {})
    for name in when:
        space, _, rest = name.partition(".")
        yield Condition((*place, key, name), space, rest, actions, when, name)


def _of_fields(specs: list[Plain], place: tuple[str, ...], actions: frozenset[str]) -> Iterator[Condition]:
    for spec in specs:
        here = (*place, spec["id"])
        yield from _of_when(spec, "required_when", here, actions)
        yield from _of_fields(spec.get("columns", []), here, actions)


def _of_rows(gate: Plain, users: frozenset[str]) -> Iterator[Condition]:
    """Which rows a gate looks at, and which positions it counts on a side."""
    if "rows" not in gate:
        return
    actions = frozenset(_words(gate["rows"].get("action", []))) or users
    where: Plain = gate.get("where", {})
    for column in where:
        yield Condition(("gate", gate["id"], "where", column), "field", column, actions, where, column)
    for side in ("agree", "against") if "position" in gate else ():
        yield Condition(("gate", gate["id"], side), "field", gate["position"], actions, gate, side)
