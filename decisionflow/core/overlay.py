"""A local or sector procedure as named changes to a superior one, flattened before anybody uses it.

An overlay (``format: 1``, `extends`, `changes`) adds and tightens; each change names what it does with
one word from a closed set. `flatten` carries the changes out on plain data, `compose` stacks several in
the order region, sector, and `weakened` compares what came out with what was there, without trusting
the changes: a lower norm never weakens or drops what a higher one demands. Only a special law or
administrative regulation replaces a rule (Decree 713 art. 3(2)), by `supersede`, and it is recorded.

It knows no places, no files and no cases.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from decisionflow.core import calendar
from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.core.soundness import Fault, beyond, broken, check
from decisionflow.core.source import Path
from decisionflow.errors import BadInput, Problem

Plain: TypeAlias = dict[str, Any]
Rules = Annotated[tuple[law.RuleId, ...], Field(min_length=1)]

# ---- the words of an overlay ---------------------------------------------------------------------


class AddDuty(files.Frozen):
    """A role that the superior procedure does not know."""

    do: Literal["add_duty"]
    id: law.Id
    duty: law.Duty


class AddMatter(files.Frozen):
    """An attribute of the matter, asked for by these actions."""

    do: Literal["add_matter"]
    field: law.FieldSpec
    on: law.Words


class AddTrack(files.Frozen):
    """A parallel line; with `goal`, the case is not finished before it stands there."""

    do: Literal["add_track"]
    id: law.Id
    track: law.Track
    goal: law.Words = ()


class AddStage(files.Frozen):
    """A stage behind another. To the superior norm a case in it still stands at `after`.

    `allows` names the actions that are possible there as they are at `after`.
    """

    do: Literal["add_stage"]
    track: str
    id: law.Id
    title: str
    after: str
    allows: law.Words = ()
    mark: Literal["", "done", "waived", "failed"] = ""


class AddAction(files.Frozen):
    """A new action, in the order of the file behind another or last."""

    do: Literal["add_action"]
    action: law.Action
    after: str = ""


class Retarget(files.Frozen):
    """Other stages before, after or beside an action, within what the superior norm allows."""

    do: Literal["retarget"]
    action: str
    source: law.Words = Field(default=(), alias="from")
    to: str = ""
    when: dict[str, law.Words] = {}


class AddGate(files.Frozen):
    """A new gate on these actions; on none when added actions name it themselves."""

    do: Literal["add_gate"]
    gate: law.Gate
    on: law.Words = ()


class AttachGate(files.Frozen):
    """A gate that exists, on more actions."""

    do: Literal["attach_gate"]
    gate: str
    on: law.Words


class TightenGate(files.Frozen):
    """A gate made harder, with the rule that demands it and the sentence that says so."""

    do: Literal["tighten_gate"]
    gate: str
    rules: Rules
    say: str
    strength: Literal["", "usually", "must"] = ""
    at_least: str = ""
    at_most: str = ""
    more_than: bool = False
    values: law.Words = Field(default=(), alias="in")
    deviate: str = ""
    approver: str = ""


class Upgrade(files.Frozen):
    """What may be left out may not where the condition holds: a gate on the actions that leave it out."""

    do: Literal["upgrade"]
    on: law.Words = Field(min_length=1)
    gate: law.Id
    if_: law.When = Field(alias="if", min_length=1)
    rules: Rules
    say: str
    remedy: tuple[str, ...] = ()


class AddField(files.Frozen):
    """One more input of an action."""

    do: Literal["add_field"]
    action: str
    field: law.FieldSpec


class RequireField(files.Frozen):
    """An input that was voluntary must be given, always or `when`."""

    do: Literal["require_field"]
    action: str
    field: str
    column: str = ""
    when: law.When = {}


class AddChoice(files.Frozen):
    """One more choice of an input (`action` or the matter); every condition treats it as `like`."""

    do: Literal["add_choice"]
    action: str = ""
    field: str
    column: str = ""
    id: law.Id
    title: str
    like: str


class AddPaper(files.Frozen):
    """A material on these actions; with `material`, of a new kind."""

    do: Literal["add_paper"]
    kind: law.Id
    material: law.MaterialKind | None = None
    on: law.Words
    required: bool = True
    if_: law.When = Field(default={}, alias="if")
    rules: tuple[law.RuleId, ...] = ()


class RequirePaper(files.Frozen):
    """A material that was voluntary or conditional must come along always."""

    do: Literal["require_paper"]
    action: str
    kind: str
    rules: tuple[law.RuleId, ...] = ()


class AddClock(files.Frozen):
    """A new ceiling."""

    do: Literal["add_clock"]
    clock: law.Clock


class TightenClock(files.Frozen):
    """A shorter ceiling."""

    do: Literal["tighten_clock"]
    clock: str
    length: law.Periods
    rules: Rules
    say: str


class Cite(files.Frozen):
    """A local article beside those of the superior norm."""

    do: Literal["cite"]
    gate: str = ""
    action: str = ""
    clock: str = ""
    rules: Rules


class Rename(files.Frozen):
    """The local name of something. `of` is the track of a stage or the action of a field."""

    do: Literal["rename"]
    what: Literal["action", "track", "stage", "material", "duty", "clock", "field"]
    id: str
    of: str = ""
    title: str


class Supersede(files.Frozen):
    """A special law or administrative regulation replaces a rule of the base: it goes, and it is recorded."""

    do: Literal["supersede"]
    gate: str = ""
    action: str = ""
    clock: str = ""
    by: law.RuleId
    because: str


class NoteConflict(files.Frozen):
    """A norm of lower rank is weaker than the superior one: recorded, shown and not applied."""

    do: Literal["note_conflict"]
    gate: str = ""
    action: str = ""
    clock: str = ""
    by: law.RuleId
    because: str


Change = Annotated[
    AddDuty | AddMatter | AddTrack | AddStage | AddAction | Retarget | AddGate | AttachGate | TightenGate | Upgrade
    | AddField | RequireField | AddChoice | AddPaper | RequirePaper | AddClock | TightenClock | Cite | Rename
    | Supersede | NoteConflict,
    Field(discriminator="do"),
]  # fmt: skip


class Overlay(files.Frozen):
    """An overlay file. `layer` is where it stands in the order of composition."""

    format: Literal["1"]
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,60}$")]
    version: Annotated[str, Field(pattern=r"^[0-9]{4}(\.[0-9]{1,3})?$")]
    title: str
    note: str = ""
    extends: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,60}@[0-9]{4}(\.[0-9]{1,3})?$")]
    layer: Literal["region", "sector"] = "region"
    in_force: law.InForce
    example: bool = False
    sources: dict[str, law.Instrument] = {}
    rules: tuple[law.Rule, ...] = ()
    changes: tuple[Change, ...] = Field(min_length=1)

    @property
    def name(self) -> str:
        """``henan@2022.1``."""
        return f"{self.id}@{self.version}"


# ---- from files to procedures --------------------------------------------------------------------


Find: TypeAlias = Callable[[str], files.Source]


def read(source: files.Source, registry: law.Registry, find: Find | None = None) -> law.Procedure:
    """A procedure file compiled, or an overlay on what `find` gives for its `extends`. Raises BadInput."""
    return compose(source, (), registry, find)


def compose(
    base: files.Source, overlays: Sequence[files.Source], registry: law.Registry, find: Find | None = None
) -> law.Procedure:
    """The base with its overlays, regions first, then sectors. Raises BadInput with every problem of a layer."""
    return _composed(base, overlays, registry, find)[0]


def lint(
    source: files.Source, registry: law.Registry, find: Find | None = None
) -> tuple[law.Procedure, tuple[Problem, ...]]:
    """What `read` gives, and what is unsound in it, each at its line in the file that it comes from."""
    procedure, places = _composed(source, (), registry, find)
    return procedure, tuple(places.problem(fault.path, fault.say, fault.rule) for fault in check(procedure))


def flatten(
    base: files.Source, overlay: files.Source, registry: law.Registry
) -> tuple[files.Source, tuple[Problem, ...]]:
    """The base's plain data with the overlay's changes carried out, and what could not be. The base must compile.

    The result knows from which file and line each part comes. It is not yet compared with the base.
    """
    try:
        parsed = files.parse(Overlay, overlay)
    except BadInput as fault:
        return base, fault.problems
    sheet = _Sheet(base, overlay, parsed, extended(registry, parsed))
    sheet.problems += [overlay.problem(fault.path, fault.say, fault.rule) for fault in _redefined(registry, parsed)]
    sheet.carry_out()
    return sheet.result, tuple(sheet.problems)


def extended(registry: law.Registry, overlay: Overlay) -> law.Registry:
    """The registry with the overlay's own instruments and rules. What exists is never replaced."""
    return law.Registry(
        sources={**overlay.sources, **registry.sources},
        rules={**{rule.id: rule for rule in overlay.rules}, **registry.rules},
    )


def _redefined(registry: law.Registry, overlay: Overlay) -> Iterator[Fault]:
    for key in overlay.sources:
        if key in registry.sources:
            yield Fault(("sources", key), "source-twice", f"法源 {key} 已在规则库中，不得另行定义")
    for n, rule in enumerate(overlay.rules):
        if rule.id in registry.rules:
            yield Fault(("rules", n, "id"), "rule-twice", f"规则 {rule.id} 已在规则库中，不得另行定义")
        if rule.source not in overlay.sources and rule.source not in registry.sources:
            yield Fault(("rules", n, "source"), "source-unknown", f"规则 {rule.id} 的法源 {rule.source} 没有定义")


def _chain(source: files.Source, find: Find | None) -> list[files.Source]:
    """A procedure file that stands alone, and the overlays that lead from it to the one given."""
    found = [source]
    while isinstance(found[0].data, dict) and "extends" in found[0].data:
        name = str(found[0].data["extends"])
        if find is None or len(found) > 8:
            raise BadInput([found[0].problem(("extends",), f"找不到上位程序 {name}", "extends")])
        found.insert(0, find(name))
    return found


def _composed(
    base: files.Source, overlays: Sequence[files.Source], registry: law.Registry, find: Find | None
) -> tuple[law.Procedure, files.Source]:
    places, *under = _chain(base, find)
    layers = [(files.parse(Overlay, overlay), overlay) for overlay in (*under, *overlays)]
    layers.sort(key=lambda layer: layer[0].layer == "sector")
    procedure = law.compiled(places, registry)
    names = {procedure.name}
    for parsed, overlay in layers:
        if parsed.extends not in names:
            say = f"“{parsed.extends}”不在所组合的程序之内（{'、'.join(sorted(names))}）"
            raise BadInput([overlay.problem(("extends",), say, "extends")])
        places, problems = flatten(places, overlay, registry)
        if problems:
            raise BadInput(problems)
        registry = extended(registry, parsed)
        result = law.compiled(places, registry)
        faults = broken(result) or weakened(procedure, result, result.conflicts[len(procedure.conflicts) :])
        if faults:
            raise BadInput([places.problem(fault.path, fault.say, fault.rule) for fault in faults])
        names = {parsed.name} if parsed.id == procedure.id else {*names, parsed.name}
        procedure = result
    return procedure, places


@dataclass(slots=True)
class _Layered(files.Source):
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
        if isinstance(source, _Layered):
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


# ---- carrying out --------------------------------------------------------------------------------

_NAMED = {"gate": "gates", "action": "actions", "clock": "clocks"}
_TITLED = {"track": "tracks", "material": "materials", "duty": "duties"}
_WORDS = {"action": "动作", "gate": "关卡", "clock": "时钟", "track": "轨道", "material": "材料", "duty": "职责"}
_RANKS = ("normative_document", "government_rule", "local_regulation", "administrative_regulation", "law")


class _Unknown(Exception):
    """A change names something that is not there; the problem is already noted."""


class _Sheet:
    """Plain data in the making: each change is carried out on what the earlier ones left."""

    def __init__(self, base: files.Source, overlay: files.Source, parsed: Overlay, registry: law.Registry) -> None:
        self.overlay = overlay
        self.parsed = parsed
        self.registry = registry
        self.problems: list[Problem] = []
        self.result = _Layered(overlay.name)
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
        stacked = not later and any(not name.startswith(f"{theirs.id}@") for name in theirs.built_from)
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
        cited = [self.rank(rule) for rule in _words(thing.get("rules", []))]
        if self.rank(change.by) < max([_RANKS.index("administrative_regulation"), *cited]):
            self.stop("by", f"{change.by} 不是法律、行政法规，或者位阶低于“{_called(thing)}”的依据，不能取代它，"
                            "只能补充、从严，或者登记为冲突", "supersede-rank")  # fmt: skip
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

    def rank(self, rule: str) -> int:
        """How high the instrument of a rule stands; papers of other kinds lowest."""
        if rule not in self.registry.rules:
            return -1
        rank = self.registry.sources[self.registry.rules[rule].source].rank
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


# ---- has anything been weakened? -----------------------------------------------------------------

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
            self.fault(("gates",), "weaker-gate", f"不得取消关卡：{gate.say}", gate.rules)
            return
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
            case (law.OtherPerson(), "actions") | (law.NotAmong(), "others"):
                return "" if set(before) <= set(after) else "回避的范围小了"
            case ((law.Lapsed() | law.RowsLapsed()), "at_least"):
                return _shorter(before, after)
            case law.Lapsed(), "exclusive":
                return "" if after else "计算方法放宽了"
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
        kept = ("binding", "public", "todo", "text", "consultation", "assigns", "resets_chosen")
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
        same = [one for one in self.base.actions if one.consultation and one.consultation == action.consultation]
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
            if rows and self.result.gate(condition.place[1]):
                self.fault(self.path_of(condition.place), "weaker-where", "不得改变哪些行算数")
            return
        if condition.space == "track":
            words |= {stage for stage, home in self.home.get(condition.name, {}).items() if home in words}
        if not words <= set(held):
            lost = "、".join(sorted(words - set(held)))
            self.fault(self.path_of(condition.place), "weaker-where", f"适用的情形变窄了，缺少：{lost}")
        known = {choice for _, spec, _ in self.inputs() if spec.id == condition.name for choice in spec.choices}
        if rows and (set(held) - words) & (known | {"yes", "no", "given", "none"}):
            self.fault(self.path_of(condition.place), "weaker-where", "不得改变哪些行算数")

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
    """Why the second period is not at least as long as the first; '' when it is."""
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
    if not spec.choices.keys() <= other.choices.keys():
        return "的选项不得删除"
    return "" if set(spec.rules) <= set(other.rules) else "的依据只能增加，不能替换"
