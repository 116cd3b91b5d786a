"""A procedure as BPMN 2.0: valid by the schema of the standard, whole, drawn without overlaps, and always the same."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache, lru_cache
from importlib.util import find_spec
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser, BpmnValidator

from decisionflow.core import procedure as law
from decisionflow.service import procedures, shipped
from decisionflow.service.reads import bpmn

FROZEN = Path(__file__).parents[1] / "frozen" / "cn-major-decision-2024.1.bpmn"
MAJOR = "cn-major-decision@2024.1"
NODES = ("startEvent", "endEvent", "exclusiveGateway", "userTask", "boundaryEvent")
Rect = tuple[int, int, int, int]


@lru_cache(maxsize=1)
def all_shipped() -> dict[str, law.Procedure]:
    return {one.name: one for one in map(procedures.read, shipped.procedure_files())}


@lru_cache(maxsize=1)
def schema() -> etree.XMLSchema:
    """The schema of the standard, from a package that carries it."""
    found = find_spec("SpiffWorkflow")
    assert found and found.submodule_search_locations
    return etree.XMLSchema(file=Path(found.submodule_search_locations[0], "bpmn", "parser", "schema", "BPMN20.xsd"))


@cache
def root_of(name: str) -> etree._Element:
    return etree.fromstring(bpmn.xml(all_shipped()[name]))


def found(root: etree._Element, path: str) -> list[etree._Element]:
    return root.xpath(path, namespaces=bpmn.NAMESPACES)


def nodes(root: etree._Element) -> list[etree._Element]:
    return found(root, "|".join(f".//bpmn:{tag}" for tag in NODES))


def note(element: etree._Element) -> str:
    return element.findtext("bpmn:documentation", "", bpmn.NAMESPACES)


def bounds(root: etree._Element) -> dict[str, Rect]:
    """Left, top, right and bottom of every shape, by the id of what it shows."""
    shown = {}
    for shape in found(root, ".//bpmndi:BPMNShape"):
        box = shape.find("dc:Bounds", bpmn.NAMESPACES)
        x, y, wide, high = (int(box.get(key)) for key in ("x", "y", "width", "height"))
        shown[shape.get("bpmnElement")] = (x, y, x + wide, y + high)
    return shown


def paths(root: etree._Element) -> dict[str, list[tuple[int, int]]]:
    return {
        edge.get("bpmnElement"): [
            (int(p.get("x")), int(p.get("y"))) for p in edge.findall("di:waypoint", bpmn.NAMESPACES)
        ]
        for edge in found(root, ".//bpmndi:BPMNEdge")
    }


def meet(one: Rect, other: Rect) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def inside(one: Rect, other: Rect) -> bool:
    return other[0] < one[0] and other[1] < one[1] and one[2] < other[2] and one[3] < other[3]


def on_border(point: tuple[int, int], box: Rect) -> bool:
    x, y = point
    upright = x in (box[0], box[2]) and box[1] <= y <= box[3]
    return upright or (y in (box[1], box[3]) and box[0] <= x <= box[2])


@pytest.mark.parametrize("name", sorted(all_shipped()))
def test_every_shipped_procedure_exports_valid_bpmn(name: str) -> None:
    schema().assertValid(root_of(name))


@pytest.mark.parametrize("name", sorted(all_shipped()))
def test_every_stage_and_every_action_appears_once_for_each_place_it_has(name: str) -> None:
    procedure, root = all_shipped()[name], root_of(name)
    pools = found(root, ".//bpmn:participant")
    assert [pool.get("name") for pool in pools] == [track.title for track in procedure.tracks.values()]
    for (track, spec), pool in zip(procedure.tracks.items(), pools, strict=True):
        [process] = found(root, f"./bpmn:process[@id='{pool.get('processRef')}']")
        actions = [action for action in procedure.actions if action.track == track]
        left = {source for action in actions for source in action.source}
        gateways = Counter(one.get("name") for one in found(process, "./bpmn:exclusiveGateway"))
        assert gateways == Counter(title for stage, title in spec.stages.items() if stage in left)
        ends = Counter(one.get("name") for one in found(process, "./bpmn:endEvent[not(starts-with(@id, 'lamp.'))]"))
        assert ends == Counter(title for stage, title in spec.stages.items() if stage not in left)
        tasks = Counter(one.get("name") for one in found(process, "./bpmn:userTask"))
        assert tasks == Counter(action.title for action in actions for _ in action.source)
        assert process.get("isExecutable") == "false"
        assert procedure.digest in note(process)


@pytest.mark.parametrize("name", sorted(all_shipped()))
def test_the_flows_lead_where_the_actions_lead(name: str) -> None:
    procedure, root = all_shipped()[name], root_of(name)
    titles = {node.get("id"): node.get("name") for node in nodes(root)}
    flows = {(flow.get("sourceRef"), flow.get("targetRef")) for flow in found(root, ".//bpmn:sequenceFlow")}
    told = Counter(
        (titles[into[0]], titles[task], titles[out[1]])
        for task in titles if task.startswith("task.")
        for into in flows if into[1] == task for out in flows if out[0] == task
    )  # fmt: skip
    stages = {track: spec.stages for track, spec in procedure.tracks.items()}
    assert told == Counter(
        (stages[action.track][source], action.title, stages[action.track][action.dest(source)])
        for action in procedure.actions for source in action.source
    )  # fmt: skip
    begun = Counter(titles[target] for source, target in flows if source.startswith("start."))
    assert begun == Counter(spec.stages[spec.initial] for spec in procedure.tracks.values())


@pytest.mark.parametrize("name", sorted(all_shipped()))
def test_every_node_names_the_flows_that_end_and_begin_at_it(name: str) -> None:
    root = root_of(name)
    flows = found(root, ".//bpmn:sequenceFlow")
    for node in nodes(root):
        for side, key in (("incoming", "targetRef"), ("outgoing", "sourceRef")):
            listed = sorted(one.text for one in found(node, f"./bpmn:{side}"))
            assert listed == sorted(flow.get("id") for flow in flows if flow.get(key) == node.get("id"))


@pytest.mark.parametrize("name", sorted(all_shipped()))
def test_names_are_unique_and_plain(name: str) -> None:
    ids = [element.get("id") for element in root_of(name).iter() if element.get("id")]
    assert [one for one, times in Counter(ids).items() if times > 1] == []
    assert [one for one in ids if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]*", one)] == []


def test_a_stage_with_a_chinese_name_gets_a_plain_one_of_its_own() -> None:
    first, second = bpmn._id("stage", "main", "起草"), bpmn._id("stage", "main", "审查")
    assert first != second and first.isascii() and second.isascii()
    assert bpmn._id("a_b", "c") != bpmn._id("a", "b_c")


@pytest.mark.parametrize("name", sorted(all_shipped()))
def test_everything_is_drawn_once_and_nothing_lies_over_another(name: str) -> None:
    root = root_of(name)
    shapes = Counter(one.get("bpmnElement") for one in found(root, ".//bpmndi:BPMNShape"))
    pools = {one.get("id"): one.get("processRef") for one in found(root, ".//bpmn:participant")}
    assert shapes == Counter([*pools, *(node.get("id") for node in nodes(root))])
    edges = Counter(one.get("bpmnElement") for one in found(root, ".//bpmndi:BPMNEdge"))
    assert edges == Counter(one.get("id") for one in found(root, ".//bpmn:sequenceFlow"))
    boxes = bounds(root)
    hosts = {(one.get("attachedToRef"), one.get("id")) for one in found(root, ".//bpmn:boundaryEvent")}
    over = [
        pair for pair in combinations((one for one in boxes if one not in pools), 2)
        if meet(boxes[pair[0]], boxes[pair[1]]) and pair not in hosts
    ]  # fmt: skip
    assert over == []
    assert [pair for pair in combinations(pools, 2) if meet(boxes[pair[0]], boxes[pair[1]])] == []
    for pool, process in pools.items():
        held = nodes(found(root, f"./bpmn:process[@id='{process}']")[0])
        assert [node.get("id") for node in held if not inside(boxes[node.get("id")], boxes[pool])] == []


@pytest.mark.parametrize("name", sorted(all_shipped()))
def test_a_line_begins_and_ends_at_its_shapes_and_crosses_no_other(name: str) -> None:
    root = root_of(name)
    boxes, drawn = bounds(root), paths(root)
    for process in found(root, "./bpmn:process"):
        held = [one.get("id") for one in nodes(process)]
        for flow in found(process, "./bpmn:sequenceFlow"):
            source, target, points = flow.get("sourceRef"), flow.get("targetRef"), drawn[flow.get("id")]
            assert on_border(points[0], boxes[source]) and on_border(points[-1], boxes[target]), flow.get("id")
            crossed = [
                one for (x, y), (u, v) in pairwise(points) for one in held
                if meet((min(x, u), min(y, v), max(x, u), max(y, v)), boxes[one])
            ]  # fmt: skip
            assert crossed == [], flow.get("id")
            assert all(x == u or y == v for (x, y), (u, v) in pairwise(points))


def test_a_task_says_who_does_it_and_which_gates_and_articles_hold() -> None:
    procedure, root = all_shipped()[MAJOR], root_of(MAJOR)
    action = procedure.action("submit_to_meeting")
    assert action
    [task] = found(root, ".//bpmn:userTask[@id='task.submit_to_meeting.drafting']")
    assert f"由谁办：{procedure.duties['lead'].title}" in note(task)
    gates = list(procedure.gates_of(action))
    assert gates
    assert [gate.say for gate in gates if gate.say not in note(task)] == []
    assert [rule for rule in action.rules if rule not in note(task)] == []
    assert "《重大行政决策程序暂行条例》第" in note(task)


def test_a_step_that_waits_for_another_line_says_so_on_its_way_in() -> None:
    [only] = found(root_of(MAJOR), ".//bpmn:sequenceFlow[@id='in.request_legal_review.idle']/bpmn:conditionExpression")
    title = all_shipped()[MAJOR].tracks["main"].stages["drafting"]
    assert only.text.startswith("办理“送请合法性审查”，且") and f"“{title}”" in only.text


@pytest.mark.parametrize("name", sorted(all_shipped()))
def test_a_clock_is_a_timer_that_interrupts_nothing(name: str) -> None:
    procedure, root = all_shipped()[name], root_of(name)
    timers = {one.get("id"): one for one in found(root, ".//bpmn:boundaryEvent")}
    assert sorted(timers) == sorted(f"clock.{clock.id}" for clock in procedure.clocks)
    for clock in procedure.clocks:
        timer = timers[f"clock.{clock.id}"]
        last = procedure.action(clock.ends[0])
        assert last
        assert timer.get("cancelActivity") == "false"
        assert timer.get("attachedToRef") == f"task.{last.id}.{last.source[0]}"
        assert clock.title in timer.get("name") and clock.say in note(timer)
        length = timer.findtext("bpmn:timerEventDefinition/bpmn:timeDuration", None, bpmn.NAMESPACES)
        assert length == (f"P{clock.length.split()[0]}D" if clock.length else None)
        day = timer.findtext("bpmn:timerEventDefinition/bpmn:timeDate", "", bpmn.NAMESPACES)
        assert bool(day) == (clock.length is None)
        [out] = found(timer, "./bpmn:outgoing")
        assert out.text == f"late.{clock.id}"


def test_working_days_are_said_in_words_because_the_standard_cannot_count_them() -> None:
    working, plain = "clock.publish_due", "clock.file_30"
    timers = {one.get("id"): one for one in found(root_of("example-city@2024.1"), ".//bpmn:boundaryEvent")}
    assert timers[working].get("name") == "公布决策（20个工作日）" and "ISO 8601 不能表示工作日" in note(
        timers[working]
    )
    assert timers[plain].get("name") == "归档和移交（30日）" and "ISO 8601" not in note(timers[plain])


def test_a_clock_that_no_task_ends_is_left_out() -> None:
    procedure = all_shipped()[MAJOR]
    lost = procedure.clocks[0].model_copy(update={"ends": ("nothing",)})
    bare = procedure.model_copy(update={"clocks": (lost,)})
    assert found(etree.fromstring(bpmn.xml(bare)), ".//bpmn:boundaryEvent") == []


def test_a_stage_that_nothing_leads_to_is_drawn_all_the_same() -> None:
    procedure = all_shipped()["cn-record-only@2010"]
    track = procedure.tracks["main"]
    more = track.model_copy(update={"stages": {**track.stages, "孤立": "孤立的阶段"}})
    root = etree.fromstring(bpmn.xml(procedure.model_copy(update={"tracks": {"main": more}})))
    schema().assertValid(root)
    assert len(found(root, ".//bpmn:endEvent[@name='孤立的阶段']")) == 1
    assert not any(meet(one, other) for one, other in combinations(list(bounds(root).values())[1:], 2))


def test_the_same_procedure_gives_the_same_bytes() -> None:
    procedure = all_shipped()[MAJOR]
    data = bpmn.xml(procedure)
    assert data == bpmn.xml(law.load(procedure.canonical))
    assert data.startswith(b"<?xml") and data.endswith(b">\n") and b"\r" not in data


def test_the_bytes_are_those_of_the_frozen_file() -> None:
    again = f"run: decisionflow procedures bpmn {MAJOR} > tests/frozen/{FROZEN.name}"
    assert bpmn.xml(all_shipped()[MAJOR]) == FROZEN.read_bytes(), again


def test_an_engine_that_knows_nothing_of_us_reads_every_line() -> None:
    """The engine refuses what is not meant to run, so that mark is changed for it; it reads and does not run."""
    parser = BpmnParser(validator=BpmnValidator())
    parser.add_bpmn_str(bpmn.xml(all_shipped()[MAJOR]).replace(b'isExecutable="false"', b'isExecutable="true"'))
    procedure = all_shipped()[MAJOR]
    assert len(parser.collaborations["collaboration"]) == len(procedure.tracks)
    titles = Counter[str]()
    for process in parser.collaborations["collaboration"]:
        spec = parser.get_spec(process)
        titles.update(one.bpmn_name for one in spec.task_specs.values() if type(one).__name__ == "UserTask")
    reached = Counter(action.title for action in procedure.actions for _ in action.source)
    assert titles == reached
