"""A local or sector procedure as named changes to a superior one, flattened before anybody uses it.

An overlay (``format: 1``, `extends`, `changes`) adds and tightens; each change names what it does with
one word from a closed set (`core.changes`). `flatten` carries the changes out on plain data, `compose`
stacks several in the order region, sector, and `weakened` compares what came out with what was there,
without trusting the changes. It knows no places, no files and no cases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.core.carrying import Sheet
from decisionflow.core.changes import Overlay
from decisionflow.core.soundness import Fault, broken, check
from decisionflow.core.weakening import weakened
from decisionflow.errors import BadInput, Problem

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
    """What `read` gives, and what is unsound in it, each at its line in the file that it comes from.

    Raises BadInput for what `read` refuses, told together with what is unsound, so that one reading is enough.
    """
    refused: list[Problem] = []
    procedure, places = _composed(source, (), registry, find, refused)
    unsound = tuple(places.problem(fault.path, fault.say, fault.rule) for fault in check(procedure))
    if refused:
        raise BadInput([*refused, *unsound])
    return procedure, unsound


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
    sheet = Sheet(base, overlay, parsed, extended(registry, parsed))
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


def chain(source: files.Source, find: Find | None) -> list[files.Source]:
    """A procedure file that stands alone, and the overlays that lead from it to the one given. Raises BadInput."""
    found = [source]
    while isinstance(found[0].data, dict) and "extends" in found[0].data:
        name = str(found[0].data["extends"])
        if name in [_name(one) for one in found]:
            circle = " → ".join([*(_name(one) for one in reversed(found)), name])
            say = f"上位程序绕成了圈：{circle}，须有一个以自成一体的程序为上位"
            raise BadInput([found[0].problem(("extends",), say, "extends-cycle")])
        if find is None or len(found) > 8:
            raise BadInput([found[0].problem(("extends",), f"找不到上位程序 {name}", "extends")])
        found.insert(0, find(name))
    return found


def _name(source: files.Source) -> str:
    data = source.data if isinstance(source.data, dict) else {}
    return f"{data.get('id', '')}@{data.get('version', '')}"


def _composed(
    base: files.Source,
    overlays: Sequence[files.Source],
    registry: law.Registry,
    find: Find | None,
    passed: list[Problem] | None = None,
) -> tuple[law.Procedure, files.Source]:
    """What comes out, and where its parts stand. Problems that can be read past go to `passed`, if that is given."""
    places, *under = chain(base, find)
    layers = [(files.parse(Overlay, overlay), overlay) for overlay in (*under, *overlays)]
    layers.sort(key=lambda layer: layer[0].layer == "sector")
    procedure, registry = _compiled(places, registry, passed)
    names = {procedure.name}
    for parsed, overlay in layers:
        if parsed.extends not in names:
            say = f"“{parsed.extends}”不在所组合的程序之内（{'、'.join(sorted(names))}）"
            raise BadInput([*(passed or ()), overlay.problem(("extends",), say, "extends")])
        places, problems = flatten(places, overlay, registry)
        if problems:
            raise BadInput([*(passed or ()), *problems])
        result, registry = _compiled(places, extended(registry, parsed), passed)
        gone = broken(result)
        faults = gone or weakened(procedure, result, result.conflicts[len(procedure.conflicts) :])
        problems = tuple(places.problem(fault.path, fault.say, fault.rule) for fault in faults)
        if problems and (gone or passed is None):
            raise BadInput([*(passed or ()), *problems])
        if passed is not None:
            passed += problems
        names = {parsed.name} if parsed.id == procedure.id else {*names, parsed.name}
        procedure = result
    return procedure, places


def _compiled(
    places: files.Source, registry: law.Registry, passed: list[Problem] | None
) -> tuple[law.Procedure, law.Registry]:
    """The procedure, and the registry with stand-ins for the rules that it does not know, if they can be read past."""
    try:
        return law.compiled(places, registry), registry
    except BadInput as fault:
        if passed is None or any(problem.rule != "rule-unknown" for problem in fault.problems):
            raise BadInput([*(passed or ()), *fault.problems]) from fault
        passed += fault.problems
    unknown = law.cited_rules(files.parse(law.Procedure, places)).keys() - registry.rules.keys()
    registry = law.Registry(
        sources={**registry.sources, "": law.Instrument(title="", rank="product")},
        rules={**registry.rules, **{name: _stand_in(name) for name in unknown}},
    )
    return law.compiled(places, registry), registry


def _stand_in(name: str) -> law.Rule:
    """A rule that nobody knows, as strong as anybody may take it to be."""
    return law.Rule(id=name, source="", kind="gate", strength="must", confirmed="source", title=name, say=name)
