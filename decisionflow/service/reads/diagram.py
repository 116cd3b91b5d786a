"""The procedure map: a main line with its parallel lines, as SVG from the server, as text, and as a table twin.

Positions follow from the data alone, so that the same case gives the same bytes. Side lines stand in the
column of the main stage they run beside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from decisionflow import render
from decisionflow.core import procedure as law
from decisionflow.core.facts import Facts

State = Literal["done", "now", "blocked", "skipped", "future"]
WORDS: dict[State, str] = {
    "done": "已完成",
    "now": "正在办",
    "blocked": "未通过",
    "skipped": "不适用",
    "future": "未开始",
}
PASSED_OVER = "没有经过"
MARKS: dict[State, str] = {"done": "✔", "now": "▶", "blocked": "✘", "skipped": "–", "future": "○"}
WIDE, HIGH, GAP, ROW, EDGE = 146, 50, 30, 72, 8  # nine characters fit into a box
MOST = 4  # side lines beside each other


@dataclass(frozen=True, slots=True)
class Node:
    """A stage of the main line, or a whole side line. `column` counts main stages from 0, `row` side lines from 1;
    the first side line of a row hangs on what stands above it, the others on their neighbour."""

    id: str
    title: str
    sub: str
    state: State
    column: int
    row: int
    under: str = ""
    first: bool = False


def nodes(procedure: law.Procedure, facts: Facts | None = None) -> tuple[Node, ...]:
    """What the map shows: the main line in order, and each side line beside it."""
    main = next(iter(procedure.goal))
    line = _spine(procedure, main, facts)
    columns = {stage: n for n, stage in enumerate(line)}
    found = []
    for n, stage in enumerate(line):
        state = _stage_state(procedure, main, stage, line, facts)
        sub = PASSED_OVER if state == "skipped" else ""
        found.append(Node(stage, procedure.tracks[main].stages[stage], sub, state, n, 0))
    sides = {name: columns.get(track.under, len(line) - 1) for name, track in procedure.tracks.items() if name != main}
    seen: dict[int, int] = {}
    for name, first in sides.items():
        track, n = procedure.tracks[name], seen.get(first, 0)
        seen[first] = n + 1
        wide = min([one - first for one in sides.values() if one > first] + [MOST])
        stage = facts.stages[name] if facts else track.initial
        sub = track.stages[stage] if facts else f"{len(track.stages)} 个环节"
        state = _track_state(track, stage) if facts else "future"
        found.append(Node(name, track.title, sub, state, first + n % wide, n // wide + 1, line[first], n % wide == 0))
    return tuple(found)


def _spine(procedure: law.Procedure, main: str, facts: Facts | None) -> list[str]:
    """The stages on the way to the goal, and the one where the case stands if it left that way.

    A case that came to one of several ends shows that one: it is major, or it is not.
    """
    track = procedure.tracks[main]
    off = {*track.failed, *(stage for stage in procedure.ends.get(main, ()) if stage not in procedure.goal[main])}
    visited = _visited(main, facts)
    here = facts.stages[main] if facts else ""
    if here in procedure.goal[main]:
        off |= {*procedure.goal[main]} - visited
    side = {stage for stage in track.stages if stage not in off and _is_detour(procedure, main, stage)}
    return [
        stage
        for stage in track.stages
        if stage == here or (stage not in off and (stage not in side or stage in visited))
    ]


def _visited(main: str, facts: Facts | None) -> set[str]:
    acts = facts.acts if facts else ()
    return {stage for act in acts if act.track == main for stage in (act.before, act.after)}


def _is_detour(procedure: law.Procedure, main: str, stage: str) -> bool:
    """A stage one can only leave to where one came from: suspended, shelved."""
    track = list(procedure.tracks[main].stages)
    at = track.index(stage)
    out = {action.to for action in procedure.actions if action.track == main and stage in action.source and action.to}
    ahead = [one for one in out if one in track and track.index(one) > at and one not in procedure.tracks[main].failed]
    return stage not in procedure.goal[main] and not ahead and at > 0


def _stage_state(procedure: law.Procedure, main: str, stage: str, line: list[str], facts: Facts | None) -> State:
    if facts is None:
        return "future"
    here = facts.stages[main]
    if stage == here:
        track = procedure.tracks[main]
        return "blocked" if stage in track.failed else "done" if stage in procedure.goal[main] else "now"
    if line.index(stage) > line.index(here) and here not in procedure.ends.get(main, ()):
        return "future"
    return "done" if stage in _visited(main, facts) else "skipped"


def _track_state(track: law.Track, stage: str) -> State:
    if stage in track.waived:
        return "skipped"
    if stage in track.failed:
        return "blocked"
    if stage in track.done:
        return "done"
    return "future" if stage == track.initial else "now"


@dataclass(frozen=True, slots=True)
class Box:
    """A node with its place on the drawing, in pixels, and its words cut to fit."""

    node: Node
    x: int
    y: int
    title: str
    sub: str
    edge: str


@dataclass(frozen=True, slots=True)
class Map:
    """The drawing: what `templates/documents/map.svg` needs, and nothing else."""

    title: str
    described: str
    width: int
    height: int
    wide: int
    high: int
    boxes: tuple[Box, ...]


def drawing(procedure: law.Procedure, facts: Facts | None = None) -> Map:
    """The map of a case, or of a procedure that nothing has happened in yet."""
    shown = nodes(procedure, facts)
    told = [f"{node.title}：{node.sub or WORDS[node.state]}" for node in shown if node.state != "future"]
    return Map(
        procedure.title, "；".join(told) or "各环节均未开始", max(node.column for node in shown) * (WIDE + GAP) + WIDE + 2 * EDGE,
        max(node.row for node in shown) * ROW + HIGH + 2 * EDGE, WIDE, HIGH, tuple(map(_box, shown)),
    )  # fmt: skip


def svg(procedure: law.Procedure, facts: Facts | None = None) -> str:
    """The map as one ``<svg>`` element with a title and a description."""
    return render.document("map.svg", map=drawing(procedure, facts))


def _box(node: Node) -> Box:
    x, y = EDGE + node.column * (WIDE + GAP), EDGE + node.row * ROW
    edge = ""
    if node.first:
        edge = f"M{x + 14} {y - ROW + HIGH}V{y}"
    elif node.column:
        edge = f"M{x - GAP} {y + HIGH // 2}H{x}"
    return Box(node, x, y, _cut(node.title, 9), f"{MARKS[node.state]} {_cut(node.sub or WORDS[node.state], 10)}", edge)


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"


def text(procedure: law.Procedure, facts: Facts | None = None) -> Iterator[str]:
    """The map for a terminal: one line a stage, side lines indented below theirs."""
    shown = nodes(procedure, facts)
    for node in shown:
        if node.row:
            continue
        yield f"{_word(node)} {node.title}"
        for side in shown:
            if side.under == node.id:
                yield f"    {_word(side)} {side.title}" + (f"：{side.sub}" if side.sub else "")


def _word(node: Node) -> str:
    return f"[{WORDS[node.state]}]"
