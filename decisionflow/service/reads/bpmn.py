"""A procedure as BPMN 2.0 with its diagram, for any viewer or modeller: a pool for each line, a gateway for each stage.

What BPMN has no word for stands in Chinese beside it: gates and duties are documentation of a task, conditions are
natural-language expressions, and a clock is a timer that interrupts nothing and only lights a lamp. The result is for
reading, not for running (`isExecutable` is false); the procedure file remains what the engine runs.

Identifiers and positions follow from the data alone, so that the same procedure gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET  # writes only, reads nothing from outside

from decisionflow.core import calendar
from decisionflow.core import procedure as law
from decisionflow.core.difference import STRENGTHS
from decisionflow.service.reads import refusals

NAMESPACES = {
    "bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "di": "http://www.omg.org/spec/DD/20100524/DI",
}
for _prefix, _uri in NAMESPACES.items():
    ET.register_namespace(_prefix, _uri)

EVENT, GATEWAY, WIDE, HIGH = 36, 50, 160, 80
ROW, GUTTER, SPREAD, CHANNEL = 120, 80, 150, 15  # SPREAD: from one timer of a task to the next
EDGE, HEAD = 20, 30  # HEAD: the strip of a pool where its name stands
_ISO: Mapping[calendar.Unit, str] = {"day": "D", "workday": "D", "month": "M", "year": "Y"}
_FILLED = {"yes": "是", "no": "否", "given": "已填", "none": "未填"}

Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the diagram, in pixels."""

    x: int
    y: int
    wide: int
    high: int

    @property
    def right(self) -> int:
        return self.x + self.wide

    @property
    def bottom(self) -> int:
        return self.y + self.high

    @property
    def centre(self) -> Point:
        return self.x + self.wide // 2, self.y + self.high // 2


@dataclass(frozen=True, slots=True)
class Node:
    """A flow node with its place. `timer` is the element and the words of a timer, `host` the task it is attached to."""

    id: str
    tag: str
    name: str
    notes: tuple[str, ...]
    box: Box
    timer: tuple[str, str] | None = None
    host: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """A sequence flow with its way across the diagram; `only` is the condition on it, in words."""

    id: str
    source: str
    target: str
    path: tuple[Point, ...]
    only: str = ""


@dataclass(frozen=True, slots=True)
class Pool:
    """A line of the procedure, drawn."""

    name: str
    title: str
    process: str
    notes: tuple[str, ...]
    nodes: tuple[Node, ...]
    flows: tuple[Flow, ...]
    box: Box


@dataclass(frozen=True, slots=True)
class _Step:
    """An action from one of its stages, with the clocks that show at it."""

    action: law.Action
    source: str
    clocks: tuple[law.Clock, ...]

    @property
    def id(self) -> str:
        return _id("task", self.action.id, self.source)

    @property
    def dest(self) -> str:
        return self.action.dest(self.source)

    @property
    def high(self) -> int:
        return ROW * 2 if self.clocks else ROW

    @property
    def wide(self) -> int:
        return max(WIDE, SPREAD * len(self.clocks))


@dataclass(frozen=True, slots=True)
class _Column:
    """Where the stages of one depth begin, and the tasks that lead away from them."""

    stages: int
    tasks: int


def xml(procedure: law.Procedure) -> bytes:
    """A sound procedure as BPMN 2.0, UTF-8 with a declaration and one newline at the end. Raises KeyError for an
    unsound one whose actions name a stage, a line or a duty that is not there."""
    drawn = pools(procedure)
    root = ET.Element(_tag("definitions"), {
        "id": "definitions", "name": procedure.title, "targetNamespace": f"urn:decisionflow:procedure:{procedure.id}",
        "exporter": "decisionflow",
    })  # fmt: skip
    together = _child(root, "collaboration", id="collaboration", name=f"{procedure.title}（{procedure.name}）")
    _note(together, _about(procedure))
    for pool in drawn:
        _child(together, "participant", id=_id("pool", pool.name), name=pool.title, processRef=pool.process)
    for pool in drawn:
        _process(root, pool)
    _diagram(root, drawn)
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written + b"\n"


def pools(procedure: law.Procedure) -> tuple[Pool, ...]:
    """The lines of a procedure one below the other, all as wide as the widest."""
    found: list[Pool] = []
    top = EDGE
    for name in procedure.tracks:
        found.append(_pool(procedure, name, top))
        top = found[-1].box.bottom + EDGE
    wide = max(pool.box.wide for pool in found)
    return tuple(
        Pool(
            one.name, one.title, one.process, one.notes, one.nodes, one.flows, Box(EDGE, one.box.y, wide, one.box.high)
        )
        for one in found
    )


# ---- a line: its steps, where they stand, and the ways between them ------------------------------------------


def _pool(procedure: law.Procedure, name: str, top: int) -> Pool:
    track, steps = procedure.tracks[name], _steps(procedure, name)
    depths = _depths(track, steps)
    columns = _columns(steps, depths)
    tops, bottom = _tops(track, steps, depths, top + EDGE)
    stages = {
        stage: _stage(
            procedure, name, stage, columns[depths[stage]], tops[stage], any(s.source == stage for s in steps)
        )
        for stage in track.stages
    }
    initial = stages[track.initial]
    start = Box(columns[0].stages - GUTTER - EVENT, initial.box.centre[1] - EVENT // 2, EVENT, EVENT)
    nodes = [Node(_id("start", name), "startEvent", "开始", (), start), *stages.values()]
    flows = [
        Flow(_id("begin", name), nodes[0].id, initial.id, _path((start.right, start.centre[1]), _left(initial.box)))
    ]
    far = [step.dest for step in steps if not _is_near(step, depths)]
    channels = {dest: bottom + CHANNEL * n for n, dest in enumerate(dict.fromkeys(far))}
    for step in steps:
        column, after = columns[depths[step.source]], columns[depths[step.source] + 1]
        task = Box(column.tasks, tops[step.id] + (ROW - HIGH) // 2, step.wide, HIGH)
        nodes.append(Node(step.id, "userTask", step.action.title, _task_notes(procedure, step.action), task))
        into, out = _id("in", step.action.id, step.source), _id("out", step.action.id, step.source)
        source, dest = stages[step.source], stages[step.dest]
        enter = task.centre[1] - HIGH // 4 if source is dest else task.centre[1]
        flows.append(Flow(into, source.id, step.id, _in(source.box, task, enter), _only(procedure, step.action)))
        if source is dest:
            way = _back(task, source.box)
        elif _is_near(step, depths):
            way = _on(task, dest.box, after)
        else:
            way = _far(task, dest.box, after, columns[depths[step.dest]], channels[step.dest])
        flows.append(Flow(out, step.id, dest.id, way))
        for n, clock in enumerate(step.clocks):
            timer, lamp = _timer(procedure, clock, step.id, task, n)
            nodes += [timer, lamp]
            down = (timer.box.centre[0], timer.box.bottom), (lamp.box.centre[0], lamp.box.y)
            flows.append(Flow(_id("late", clock.id), timer.id, lamp.id, down))
    right = max([*(node.box.right for node in nodes), *(x for flow in flows for x, _ in flow.path)]) + EDGE
    box = Box(EDGE, top, right - EDGE, bottom + CHANNEL * len(channels) + EDGE - top)
    process = f"process.{procedure.id}.{_id(name)}"
    return Pool(name, track.title, process, _track_notes(procedure, name), tuple(nodes), tuple(flows), box)


def _steps(procedure: law.Procedure, track: str) -> list[_Step]:
    clocks: dict[str, list[law.Clock]] = {}
    for clock in procedure.clocks:
        last = next((action for name in clock.ends if (action := procedure.action(name))), None)
        if last and (clock.length or clock.until):
            clocks.setdefault(last.id, []).append(clock)
    return [
        _Step(action, source, tuple(clocks.get(action.id, ())) if n == 0 else ())
        for action in procedure.actions if action.track == track for n, source in enumerate(action.source)
    ]  # fmt: skip


def _depths(track: law.Track, steps: Sequence[_Step]) -> dict[str, int]:
    """How many steps each stage is away from the first; what cannot be reached stands behind all others."""
    depths, queue = {track.initial: 0}, [track.initial]
    for stage in queue:
        for step in steps:
            if step.source == stage and step.dest not in depths:
                depths[step.dest] = depths[stage] + 1
                queue.append(step.dest)
    behind = max(depths.values()) + 1
    return {stage: depths.get(stage, behind) for stage in track.stages}


def _is_near(step: _Step, depths: Mapping[str, int]) -> bool:
    """Whether a step stays, or leads into the next column; all other ways run below the rows."""
    return step.dest == step.source or depths[step.dest] == depths[step.source] + 1


def _columns(steps: Sequence[_Step], depths: Mapping[str, int]) -> list[_Column]:
    """The columns from left to right; the last one is empty, and bounds the ways out of the one before."""
    found, x = [], EDGE + HEAD + EDGE + EVENT + GUTTER
    for depth in range(max(depths.values()) + 2):
        tasks = x + GATEWAY + GUTTER
        found.append(_Column(x, tasks))
        x = tasks + max([step.wide for step in steps if depths[step.source] == depth], default=WIDE) + GUTTER
    return found


def _tops(
    track: law.Track, steps: Sequence[_Step], depths: Mapping[str, int], top: int
) -> tuple[dict[str, int], int]:  # fmt: skip
    """The middle of each stage beside its tasks, the top of each task's row, and the bottom of the lowest row."""
    found, bottoms = dict[str, int](), [top + ROW]
    for depth in range(max(depths.values()) + 1):
        y = top
        for stage in (one for one in track.stages if depths[one] == depth):
            begun = y
            for step in (one for one in steps if one.source == stage):
                found[step.id] = y
                y += step.high
            y = max(y, begun + ROW)
            found[stage] = (begun + y) // 2
        bottoms.append(y)
    return found, max(bottoms)


def _stage(procedure: law.Procedure, track: str, stage: str, column: _Column, middle: int, leads_on: bool) -> Node:
    size = GATEWAY if leads_on else EVENT
    box = Box(column.stages + (GATEWAY - size) // 2, middle - size // 2, size, size)
    tag = "exclusiveGateway" if leads_on else "endEvent"
    title = procedure.tracks[track].stages[stage]
    return Node(_id("stage", track, stage), tag, title, _stage_notes(procedure, track, stage), box)


def _timer(procedure: law.Procedure, clock: law.Clock, host: str, task: Box, n: int) -> tuple[Node, Node]:
    """A clock as a timer on the lower edge of a task, and the lamp that it lights."""
    x = task.x + EDGE + n * SPREAD
    if clock.length:
        length = calendar.period(clock.length)
        say, timer = length.say, ("timeDuration", f"P{length.length}{_ISO[length.unit]}")
    else:
        say, timer = "至所填之日", ("timeDate", _until(procedure, clock))
    notes = tuple(_clock_notes(procedure, clock))
    at, lit = Box(x, task.bottom - EVENT // 2, EVENT, EVENT), Box(x, task.bottom + 62, EVENT, EVENT)
    return (
        Node(_id("clock", clock.id), "boundaryEvent", f"{clock.title}（{say}）", notes, at, timer, host),
        Node(_id("lamp", clock.id), "endEvent", "亮灯", (f"期限“{clock.title}”到期，亮灯提醒；不改变阶段。",), lit),
    )


def _left(box: Box) -> Point:
    return box.x, box.centre[1]


def _path(*points: Point) -> tuple[Point, ...]:
    """The points of a way without those that lie on the straight line between their neighbours."""
    kept = [
        point for before, point, after in zip(points, points[1:], points[2:], strict=False)
        if len({before[0], point[0], after[0]}) > 1 and len({before[1], point[1], after[1]}) > 1
    ]  # fmt: skip
    return points[0], *kept, points[-1]


def _in(stage: Box, task: Box, y: int) -> tuple[Point, ...]:
    lane = stage.right + 30
    return _path((stage.right, stage.centre[1]), (lane, stage.centre[1]), (lane, y), (task.x, y))


def _back(task: Box, stage: Box) -> tuple[Point, ...]:
    lane, y, above = stage.right + 55, task.centre[1] + HIGH // 4, stage.y - 20
    return _path((task.x, y), (lane, y), (lane, above), (stage.centre[0], above), (stage.centre[0], stage.y))


def _on(task: Box, stage: Box, after: _Column) -> tuple[Point, ...]:
    lane, y = after.stages - 50, task.centre[1]
    return _path((task.right, y), (lane, y), (lane, stage.centre[1]), _left(stage))


def _far(task: Box, stage: Box, after: _Column, column: _Column, channel: int) -> tuple[Point, ...]:
    down, up, y = after.stages - 35, column.stages - 20, task.centre[1]
    return _path((task.right, y), (down, y), (down, channel), (up, channel), (up, stage.centre[1]), _left(stage))


# ---- in words ------------------------------------------------------------------------------------------------


def _about(procedure: law.Procedure) -> tuple[str, ...]:
    begin, end = procedure.in_force.from_, procedure.in_force.to
    return (
        f"程序：{procedure.title}（{procedure.name}）",
        f"程序摘要：{procedure.digest}",
        f"适用：{begin}起" + (f"至{end}" if end else ""),
        *([procedure.note] if procedure.note else []),
        "由程序文件导出，供查看，不供执行；以程序文件为准。每条线一个泳池，线与线之间的先后写在任务的办理条件和关卡里。",
    )


def _track_notes(procedure: law.Procedure, name: str) -> tuple[str, ...]:
    track = procedure.tracks[name]
    main = next(iter(procedure.goal))
    under = procedure.tracks[main].stages.get(track.under, "")
    return (
        f"程序摘要：{procedure.digest}",
        *([f"与“{under}”阶段并行"] if under else []),
        *_based(procedure, track.rules),
    )


def _stage_notes(procedure: law.Procedure, track: str, stage: str) -> tuple[str, ...]:
    here = procedure.tracks[track]
    told = [
        (stage in here.done, "本线完成"), (stage in here.waived, "本线不适用"), (stage in here.failed, "本线未通过"),
        (stage in procedure.goal.get(track, ()), "程序的目标"), (stage in procedure.ends.get(track, ()), "事项到此结束"),
    ]  # fmt: skip
    return tuple(say for holds, say in told if holds)


def _task_notes(procedure: law.Procedure, action: law.Action) -> tuple[str, ...]:
    gates = (
        f"关卡（{STRENGTHS[gate.strength]}）：{gate.say}〔{_cited(procedure, gate.rules)}〕"
        for gate in procedure.gates_of(action)
    )
    who = "、".join(procedure.duties[duty].title for duty in action.by)
    when = _standing(procedure, action)
    return (
        f"由谁办：{who}",
        *([f"办理条件：{when}"] if when else []),
        *([] if action.to else ["办理后停留在原阶段"]),
        *gates,
        *_based(procedure, action.rules),
    )


def _only(procedure: law.Procedure, action: law.Action) -> str:
    return "，且".join(filter(None, (f"办理“{action.title}”", _standing(procedure, action))))


def _standing(procedure: law.Procedure, action: law.Action) -> str:
    """Where other lines must stand for an action to be offered."""
    return "，且".join(
        f"“{procedure.tracks[track].title}”处于{_quoted(procedure.tracks[track].stages[stage] for stage in stages)}"
        for track, stages in action.when.items()
    )


def _clock_notes(procedure: law.Procedure, clock: law.Clock) -> Iterator[str]:
    yield f"期限：{clock.say}"
    yield f"自办理下列之一起算：{_titles(procedure, clock.starts)}"
    if clock.length:
        length = calendar.period(clock.length)
        yield f"长短：{length.say}"
        if length.unit == "workday":
            yield f"按工作日计算：ISO 8601 不能表示工作日，计时写作 P{length.length}D，实际是{length.say}"
    if clock.until:
        yield f"到期：{_until(procedure, clock)}"
    if clock.rolls:
        yield "末日是休息日的，顺延到休息日之后的第一个工作日"
    yield f"办理下列之一即告办结：{_titles(procedure, clock.ends)}"
    for stop in clock.stops:
        yield f"停钟：{stop.say}（自{_titles(procedure, stop.since)}起，至{_titles(procedure, stop.until)}止）"
    if clock.extends:
        yield f"可以延长：{_titles(procedure, clock.extends)}"
    if clock.if_:
        yield f"只用于：{'，且'.join(_matter(procedure, key, values) for key, values in clock.if_.items())}"
    yield f"由谁负责：{procedure.duties[clock.duty].title}"
    yield from _based(procedure, clock.rules)


def _until(procedure: law.Procedure, clock: law.Clock) -> str:
    """The moment that a clock without a length runs to: a field of the matter, or of what started it."""
    ref = clock.until or law.Ref()
    if ref.matter:
        return f"事项所填的“{_spec_title(procedure.matter, ref.matter)}”"
    names = ref.action or clock.starts
    specs = [spec for name in names if (action := procedure.action(name)) for spec in action.fields]
    return f"{_titles(procedure, names)}" + (f"所填的“{_spec_title(specs, ref.field)}”" if ref.field else "之日")


def _matter(procedure: law.Procedure, key: str, values: tuple[str, ...]) -> str:
    """``“适用程序”为“普通程序”``."""
    name = key.partition(".")[2]
    choices = next((spec.choices for spec in procedure.matter if spec.id == name), {})
    words = _quoted(choices.get(value) or _FILLED.get(value, value) for value in values)
    return f"“{_spec_title(procedure.matter, name)}”为{words}"


def _spec_title(specs: Iterable[law.FieldSpec], name: str) -> str:
    return next((spec.title for spec in specs if spec.id == name), name)


def _titles(procedure: law.Procedure, names: Iterable[str]) -> str:
    return _quoted(action.title for name in names if (action := procedure.action(name)))


def _quoted(words: Iterable[str]) -> str:
    return "、".join(f"“{word}”" for word in words)


def _based(procedure: law.Procedure, rules: Sequence[str]) -> tuple[str, ...]:
    return (f"依据：{_cited(procedure, rules)}",) if rules else ()


def _cited(procedure: law.Procedure, rules: Sequence[str]) -> str:
    """Where the law says these rules; 未核实 where nobody has compared one with its source."""
    found = ((rule, procedure.sources[rule.source]) for rule in map(procedure.rules.__getitem__, rules))
    return "；".join(
        f"{rule.id} {law.say_cite(rule, source)}"
        + ("（未核实）" if refusals.is_unchecked(source, rule.confirmed) else "")
        for rule, source in found
    )


# ---- as XML --------------------------------------------------------------------------------------------------


def _id(*parts: str) -> str:
    """Parts as one XML name, the same for the same parts only: what is no ASCII letter, digit or ``_`` as its code."""
    return ".".join(re.sub(r"[^A-Za-z0-9_]", lambda found: f"-{ord(found[0]):x}-", part) for part in parts)


def _tag(name: str, prefix: str = "bpmn") -> str:
    return f"{{{NAMESPACES[prefix]}}}{name}"


def _child(parent: ET.Element, tag: str, prefix: str = "bpmn", /, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, _tag(tag, prefix), attributes)


def _note(parent: ET.Element, lines: Sequence[str]) -> None:
    if lines:
        _child(parent, "documentation").text = "\n".join(lines)


def _process(root: ET.Element, pool: Pool) -> None:
    process = _child(root, "process", id=pool.process, name=pool.title, isExecutable="false")
    _note(process, pool.notes)
    for node in pool.nodes:
        attached = {"attachedToRef": node.host, "cancelActivity": "false"} if node.host else {}
        shown = _child(process, node.tag, id=node.id, name=node.name, **attached)
        _note(shown, node.notes)
        for flow in pool.flows:
            if flow.target == node.id:
                _child(shown, "incoming").text = flow.id
        for flow in pool.flows:
            if flow.source == node.id:
                _child(shown, "outgoing").text = flow.id
        if node.timer:
            timer = _child(shown, "timerEventDefinition", id=f"timer.{node.id}")
            _child(timer, node.timer[0]).text = node.timer[1]
    for flow in pool.flows:
        line = _child(process, "sequenceFlow", id=flow.id, sourceRef=flow.source, targetRef=flow.target)
        if flow.only:
            _child(line, "conditionExpression").text = flow.only


def _diagram(root: ET.Element, drawn: Sequence[Pool]) -> None:
    diagram = _child(root, "BPMNDiagram", "bpmndi", id="diagram")
    plane = _child(diagram, "BPMNPlane", "bpmndi", id="plane", bpmnElement="collaboration")
    for pool in drawn:
        _shape(plane, _id("pool", pool.name), pool.box, isHorizontal="true")
        for node in pool.nodes:
            marked = {"isMarkerVisible": "true"} if node.tag == "exclusiveGateway" else {}
            shape = _shape(plane, node.id, node.box, **marked)
            if node.host:
                beside = Box(node.box.right + 4, node.box.y + EVENT // 2 + 4, SPREAD - EVENT - 8, 40)
                _bounds(_child(shape, "BPMNLabel", "bpmndi"), beside)
        for flow in pool.flows:
            edge = _child(plane, "BPMNEdge", "bpmndi", id=f"edge.{flow.id}", bpmnElement=flow.id)
            for x, y in flow.path:
                _child(edge, "waypoint", "di", x=str(x), y=str(y))


def _shape(plane: ET.Element, name: str, box: Box, **attributes: str) -> ET.Element:
    shape = _child(plane, "BPMNShape", "bpmndi", id=f"shape.{name}", bpmnElement=name, **attributes)
    _bounds(shape, box)
    return shape


def _bounds(parent: ET.Element, box: Box) -> None:
    _child(parent, "Bounds", "dc", x=str(box.x), y=str(box.y), width=str(box.wide), height=str(box.high))
