"""I3 责任链: who did what in a case, lane by lane, as a drawing and as a table; places that ought to be filled and are not.

Roles and facts only. An empty place says that the record holds nothing there, and by which rule something should: whether
that is anybody's fault is for a person to find.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from decisionflow import paths, render
from decisionflow.core import answerable, career, conditions
from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.core.facts import Act, Facts
from decisionflow.service import procedures
from decisionflow.service.reads import trace, wording

UNKNOWN_POST = "当时岗位未登记"


@dataclass(frozen=True, slots=True)
class Node:
    """A place of the chain. `state` is done, dissent or missing; `times` how often the same person did the same.

    `day` is what a paper says of the day, where nobody acted here.
    """

    id: str
    lane: str
    name: str
    post: str
    title: str
    at: datetime | None
    entry: str
    category: str
    duty: str
    state: str
    stance: str
    late: bool
    times: int
    cite: str
    day: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """From one place to another: handed on, relied on, against, or what came next."""

    source: str
    target: str
    kind: str


WORDS = {"handed": "提交给", "relied": "依据其意见", "against": "不同意见", "next": "随后"}


@dataclass(frozen=True, slots=True)
class Chain:
    """The chain of a case as far as it is shown."""

    lanes: tuple[tuple[str, str], ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    categories: tuple[tuple[str, str], ...]

    def by_id(self) -> Mapping[str, Node]:
        return {node.id: node for node in self.nodes}


@lru_cache(maxsize=1)
def shipped() -> answerable.Answerable:
    """The lanes and categories that come with the product. Raises BadInput."""
    return read(paths.WORKFLOWS / "answerable.yaml")


def read(path: Path) -> answerable.Answerable:
    """A file of lanes. Raises BadInput, NotFound."""
    source = files.read(path.read_text("utf-8"), str(path))
    name = str(source.data.get("procedure", "")) if isinstance(source.data, dict) else ""
    return answerable.read(source, procedures.find(name))


def chain(procedure: law.Procedure, facts: Facts, category: str = "") -> Chain:
    """The chain of a case; of one sort of persons, with the empty places left in."""
    rules = shipped()
    places = [*_done(procedure, facts, rules), *_missing(procedure, facts, rules)]
    shown = tuple(one for one in places if category in ("", one.category) or one.state == "missing")
    titles = {lane.id: lane.title for lane in rules.lanes}
    ordered = tuple(sorted(shown, key=lambda one: (rules.order.index(one.lane), one.state == "missing", one.id)))
    lanes = tuple((lane, titles[lane]) for lane in _shown(procedure, rules, ordered))
    categories = tuple((one.id, one.title) for one in rules.categories)
    return Chain(lanes, ordered, tuple(_edges(procedure, facts, ordered)), categories)


def _decides(procedure: law.Procedure) -> bool:
    """Whether anything is decided under a procedure: a paper case only writes down what was."""
    return any(action.meeting == "decide" for action in procedure.actions)


def _shown(procedure: law.Procedure, rules: answerable.Answerable, nodes: Sequence[Node]) -> list[str]:
    """The lanes that are shown: all that the procedure can fill, or only those that hold something."""
    held = {node.lane for node in nodes}
    every = {rules.lane(procedure, action) for action in procedure.actions} if _decides(procedure) else held
    return [lane for lane in rules.order if lane in held | every]


def _done(procedure: law.Procedure, facts: Facts, rules: answerable.Answerable) -> Iterator[Node]:
    """Acts that bind, or in which somebody took a side; every act where nothing is decided here (paper cases).

    What one person did several times is one place.
    """
    every = not _decides(procedure)
    found: dict[tuple[str, str, str, str], Node] = {}
    for act in facts.acts:
        action = procedure.action(act.action)
        side = career.side_field(action)
        if action is None or not (every or action.binding or side or action.text == "new"):
            continue
        name, post = _who(action, act)
        stance = wording.words(side, act.fields.get(side.id)) if side else ""
        against = career.is_against(procedure, action, act.fields)
        key = (act.action, name, act.party.person, stance)
        before = found.get(key)
        duty, title = _duty(procedure, action, act, own=name == act.party.name)
        found[key] = Node(
            f"{act.n:05}", rules.lane(procedure, action), name, post, act.title, act.at, act.entry, rules.category(duty), title,
            "dissent" if against else "done", stance, act.late, (before.times if before else 0) + 1,
            trace.cite(procedure, action),
        )  # fmt: skip
    yield from found.values()
    if every:
        yield from (one for act in facts.acts for one in _on_paper(procedure, act, rules))


def _on_paper(procedure: law.Procedure, act: Act, rules: answerable.Answerable) -> Iterator[Node]:
    """Persons of whom a paper says what they did: as it says it, with how sure the register is that it is them."""
    action = procedure.action(act.action)
    for spec in action.fields if action else ():
        columns = {column.id: column for column in spec.columns}
        if not {"name", "deed"} <= columns.keys():
            continue
        for n, row in enumerate(wording.rows(act, spec.id)):
            said = {name: wording.words(column, row.get(name)) for name, column in columns.items()}
            name = wording_name(row.get("name")) or said["name"]
            sure = said.get("confidence", "")
            note = f"（是否同一人：{sure}）" if sure and row.get("confidence") != "certain" else ""
            against = row.get("position") in career.AGAINST
            day = str(act.fields.get("happened_on", ""))
            yield Node(
                f"{act.n:05}-{n:03}", rules.lane(procedure, action), name, said.get("post", ""),
                said["deed"] + note, None, act.entry, "", "",
                "dissent" if against else "done", said.get("position", ""), act.late, 1, trace.cite(procedure, action),
                f"材料载 {day}" if day else "",
            )  # fmt: skip


def _duty(procedure: law.Procedure, action: law.Action, act: Act, *, own: bool) -> tuple[str, str]:
    """The duty through which somebody stands in an act: for whom it only names, the role that it says they had."""
    role = action.field("role") if action.meeting else None
    said = str(act.fields.get("role", "")) if role else ""
    if role is not None and said:
        return said, role.choices.get(said, said)
    if not own:
        return "", ""
    known = procedure.duties.get(act.party.duty)
    return act.party.duty, known.title if known else ""


def _who(action: law.Action, act: Act) -> tuple[str, str]:
    """Whose place an act is: of the speaker or expert whom it names, else of whoever acted, in the post of that day."""
    named = act.fields.get(career.speaker_field(action))
    name = wording_name(named)
    if name and name != act.party.name:
        return name, f"由{act.party.name}登记"
    return act.party.name, f"{act.party.unit_name} {act.party.post_title}".strip() or UNKNOWN_POST


def wording_name(value: Any) -> str:
    """The name in a person field."""
    return str(value.get("name", "")) if isinstance(value, Mapping) else ""


def _missing(procedure: law.Procedure, facts: Facts, rules: answerable.Answerable) -> Iterator[Node]:
    """What the act that decides asks for by a "must", and the record does not hold; members present who said nothing."""
    decided = [act for act in facts.acts if (action := procedure.action(act.action)) and action.meeting == "decide"]
    wanted = procedure.action(decided[-1].action) if decided else None
    submits = [action for action in procedure.actions if action.meeting in ("submit", "convene")]
    names = dict.fromkeys(name for action in [*submits, *([wanted] if wanted else [])] for name in action.gates)
    for n, name in enumerate(names):
        gate = procedure.gate(name)
        if not decided or gate is None or gate.strength != "must" or _is_met(procedure, facts, gate):
            continue
        lane = _lane_of(procedure, gate, rules)
        yield _empty(f"m{n:04}", lane, gate.say, _cite_gate(procedure, gate))
    yield from _silent(procedure, facts, rules)


def _is_met(procedure: law.Procedure, facts: Facts, gate: law.Gate) -> bool:
    """Whether a gate about other lines holds on the record as it stands; gates of other kinds are not looked at here."""
    if not conditions.holds(gate.if_, matter=facts.matter, fields={}, stages=facts.stages):
        return True
    if isinstance(gate, law.Reached):
        track = procedure.tracks.get(gate.track)
        passed = {stage for act in facts.acts if act.track == gate.track for stage in (act.before, act.after)}
        return track is None or bool({facts.stages.get(gate.track, ""), *passed} & set(gate.stages))
    if isinstance(gate, law.Done):
        return any(act.action in gate.actions for act in facts.acts)
    return True


def _lane_of(procedure: law.Procedure, gate: law.Gate, rules: answerable.Answerable) -> str:
    actions = gate.actions if isinstance(gate, law.Done) else ()
    track = gate.track if isinstance(gate, law.Reached) else ""
    found = next((one for one in procedure.actions if one.id in actions or (track and one.track == track)), None)
    return rules.lane(procedure, found)


def _silent(procedure: law.Procedure, facts: Facts, rules: answerable.Answerable) -> Iterator[Node]:
    roles = {action.id: action for action in procedure.actions if action.meeting in ("convene", "speech")}
    convened = next(
        (act for act in reversed(facts.acts) if act.action in roles and roles[act.action].meeting == "convene"), None
    )
    if convened is None or not any(
        (action := procedure.action(act.action)) and action.meeting == "decide" for act in facts.acts
    ):
        return
    spoke = [act.fields.get("speaker") for act in facts.acts if act.action in roles and act.n > convened.n]
    for n, row in enumerate(wording.rows(convened, "roll")):
        if row.get("presence") == "present" and not any(conditions.same(one, row.get("name")) for one in spoke):
            name = wording_name(row.get("name"))
            yield _empty(
                f"s{n:04}",
                rules.lane(procedure, procedure.action(convened.action)),
                f"{name}：到会，没有发言记录",
                "",
                name,
            )


def _empty(id: str, lane: str, title: str, cite: str, name: str = "空缺") -> Node:
    return Node(id, lane, name, "", title, None, "", "", "", "missing", "", False, 1, cite)


def _cite_gate(procedure: law.Procedure, gate: law.Gate) -> str:
    rule = procedure.rules[gate.rules[0]]
    return law.say_cite(rule, procedure.sources[rule.source])


def _edges(procedure: law.Procedure, facts: Facts, nodes: Sequence[Node]) -> Iterator[Edge]:
    """Reviews to what was submitted, what was submitted to the meeting, dissent to the decision, the decision onwards."""
    acts = {act.entry: act for act in facts.acts}
    roles: dict[str, list[Node]] = {}
    for node in nodes:
        act = acts.get(node.entry)
        action = procedure.action(act.action) if act else None
        if act is None or action is None:
            continue
        roles.setdefault(action.meeting or ("draft" if action.text == "new" else ""), []).append(node)
        if act.after in procedure.tracks[act.track].done and act.track not in procedure.goal:
            roles.setdefault("concluded", []).append(node)
    said = roles.get("convene", []) or roles.get("speech", [])
    for submit in roles.get("submit", [])[-1:]:
        yield from (Edge(one.id, submit.id, "handed") for one in roles.get("draft", [])[-1:])
        yield from (Edge(one.id, submit.id, "relied") for one in roles.get("concluded", []) if one.id < submit.id)
        yield from (Edge(submit.id, one.id, "handed") for one in said[:1])
    for last in roles.get("decide", [])[-1:]:
        spoken = [one for one in roles.get("speech", []) if one.state != "dissent"]
        yield from (Edge(one.id, last.id, "next") for one in spoken[-1:])
        yield from (Edge(one.id, last.id, "against") for one in nodes if one.state == "dissent" and one.id != last.id)
        after = [one for one in nodes if one.lane == "execution" and one.state != "missing" and one.id > last.id]
        yield from (Edge(last.id, one.id, "next") for one in after[:1])


# ---- the drawing -------------------------------------------------------------------------------------------

WIDE, HIGH, GAP, ROW, EDGE, HEAD = 142, 70, 26, 86, 8, 34


@dataclass(frozen=True, slots=True)
class Box:
    """A place on the drawing, in pixels, its words cut to fit."""

    node: Node
    x: int
    y: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """An edge on the drawing."""

    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """What ``templates/documents/lanes.svg`` needs, and nothing else."""

    title: str
    described: str
    width: int
    height: int
    wide: int
    high: int
    heads: tuple[tuple[int, str], ...]
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def drawing(found: Chain, title: str) -> Drawing:
    """The chain as boxes in columns; the same chain gives the same bytes."""
    columns = {lane: n for n, (lane, _) in enumerate(found.lanes)}
    rows: dict[str, int] = {}
    boxes: dict[str, Box] = {}
    for node in found.nodes:
        n = rows.get(node.lane, 0)
        rows[node.lane] = n + 1
        boxes[node.id] = Box(node, EDGE + columns[node.lane] * (WIDE + GAP), HEAD + EDGE + n * ROW, _lines(node))
    lines = tuple(_line(boxes[one.source], boxes[one.target], one.kind) for one in found.edges)
    told = [f"{dict(found.lanes)[node.lane]}：{node.name} {node.title}" for node in found.nodes]
    return Drawing(
        title, "；".join(told) or "还没有记录", len(columns) * (WIDE + GAP) - GAP + 2 * EDGE,
        HEAD + 2 * EDGE + max([*rows.values(), 1]) * ROW, WIDE, HIGH,
        tuple((EDGE + n * (WIDE + GAP), name) for n, (_, name) in enumerate(found.lanes)), tuple(boxes.values()), lines,
    )  # fmt: skip


def _lines(node: Node) -> tuple[str, ...]:
    if node.state == "missing":
        return ("空缺", node.title[:10], _cut(node.title[10:], 10))
    what = node.title + (f" ×{node.times}" if node.times > 1 else "")
    stance = WORDS["against"] if node.state == "dissent" else node.stance
    first = _cut(node.name, 5) + (f" {_cut(stance, 4)}" if stance else "")
    last = (node.day or render.moment(node.at)) + (" 补录" if node.late else "")
    return first, _cut(what, 10), _cut(node.post, 10), last


def _line(source: Box, target: Box, kind: str) -> Line:
    same = source.x == target.x
    x1, x2 = source.x + WIDE, target.x + WIDE if same else target.x
    if target.x < source.x:
        x1, x2 = source.x, target.x + WIDE
    y1, y2 = source.y + HIGH // 2, target.y + HIGH // 2
    middle = x1 + 12 if same or target.x > source.x else x1 - 12
    return Line(f"M{x1} {y1}H{middle}V{y2 - 6}H{x2}", kind)


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"


def as_json(found: Chain) -> dict[str, Any]:
    """The chain as data."""
    return {
        "lanes": [{"id": name, "title": title} for name, title in found.lanes],
        "nodes": [
            {"id": one.id, "lane": one.lane, "name": one.name, "post": one.post, "title": one.title,
             "at": one.at.isoformat() if one.at else "", "entry": one.entry, "category": one.category, "state": one.state,
             "stance": one.stance, "backfilled": one.late, "times": one.times, "cite": one.cite}
            for one in found.nodes
        ],
        "edges": [{"from": one.source, "to": one.target, "kind": one.kind} for one in found.edges],
    }  # fmt: skip
