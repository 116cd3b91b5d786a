"""Where a case can go: sets of joint stages as decision diagrams, one level a track.

A procedure of fifteen tracks has more joint stages than can be listed. A set of them is kept as a
shared decision diagram instead: one level a track, one child a stage, equal parts stored once. The
diagram knows stages, `when` and the *must* gates that name a track; papers, dates and fields it takes
as given, so a case may stand still longer than the walk says, but never go further.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from decisionflow.core import procedure as law
from decisionflow.errors import BadInput, Problem

MOST = 100_000


@dataclass(frozen=True)
class Joint:
    """A set of joint stages of a procedure."""

    law: law.Procedure
    diagram: Diagram
    node: int

    @property
    def count(self) -> int:
        """How many joint stages there are."""
        return self.diagram.count(self.node, {})

    def __contains__(self, stages: Mapping[str, str]) -> bool:
        node = self.node
        for name, track in self.law.tracks.items():
            node = self.diagram.nodes[node][list(track.stages).index(stages[name])] if node else 0
        return bool(node)

    def example(self) -> dict[str, str]:
        """The first of them in the order of the file. The set must not be empty."""
        found, node = {}, self.node
        for name, track in self.law.tracks.items():
            children = self.diagram.nodes[node]
            n = next(n for n, child in enumerate(children) if child)
            found[name], node = list(track.stages)[n], children[n]
        return found

    def say(self) -> str:
        """The example in words."""
        tracks = self.law.tracks
        return "；".join(f"{tracks[name].title}“{tracks[name].stages[at]}”" for name, at in self.example().items())


# What an act does to one track: pairs of stage before and stage after. A track not named stays.
@dataclass(frozen=True, slots=True)
class Event:
    """What one action does to the joint stage: the moves it allows, between its first and its last track."""

    key: int
    last: int
    moves: Mapping[int, tuple[tuple[int, int], ...]]


class Walk:
    """The acts of a procedure as moves on a diagram. A track is a level, a stage a number."""

    def __init__(self, procedure: law.Procedure, diagram: Diagram) -> None:
        self.law = procedure
        self.diagram = diagram
        self.tracks = list(procedure.tracks)
        self.stages = [list(track.stages) for track in procedure.tracks.values()]
        self.events = [tuple(self.acts(action)) for action in procedure.actions]
        self.start = self.product({name: (track.initial,) for name, track in procedure.tracks.items()})

    def product(self, wanted: Mapping[str, Iterable[str]]) -> int:
        """All joint stages with the named tracks at one of their stages."""
        node = 1
        for name, stages in zip(reversed(self.tracks), reversed(self.stages), strict=True):
            among = set(wanted.get(name, stages))
            node = self.diagram.node(tuple(node if stage in among else 0 for stage in stages))
        return node

    def allowed(self, action: law.Action) -> dict[str, set[str]]:
        """Where the tracks must stand: own track, `when`, and the gates on a track that nothing gets around."""
        wanted: list[tuple[str, Iterable[str]]] = [(action.track, action.source), *action.when.items()]
        for gate in self.law.gates_of(action):
            if isinstance(gate, law.Reached) and gate.strength == "must":
                wanted += _barred(gate, self.law.tracks[gate.track])
        found: dict[str, set[str]] = {}
        for name, stages in wanted:
            found[name] = found[name] & set(stages) if name in found else set(stages)
        return found

    def enabled(self, action: law.Action) -> int:
        """The joint stages in which an action is offered and no track bars it."""
        return self.product(self.allowed(action))

    def acts(self, action: law.Action) -> Iterator[Event]:
        """An action as moves: one for each way of choosing the tracks to restart (none, each one, all)."""
        allowed = self.allowed(action)
        return (self.event(action, allowed, resets) for resets in _resets(action))

    def event(self, action: law.Action, allowed: Mapping[str, set[str]], resets: frozenset[str]) -> Event:
        moves: dict[int, tuple[tuple[int, int], ...]] = {}
        for level, (name, stages) in enumerate(zip(self.tracks, self.stages, strict=True)):
            if name not in allowed and name not in resets:
                continue
            here = [n for n, stage in enumerate(stages) if stage in allowed.get(name, stages)]
            if name == action.track:
                moves[level] = tuple((n, stages.index(action.dest(stages[n]))) for n in here)
            else:
                moves[level] = tuple((n, 0 if name in resets else n) for n in here)
        return Event(self.diagram.fresh(), max(moves), moves)

    def forward(self, start: int) -> int:
        """Everything that can be reached from a set."""
        return self.diagram.closure(start, list(chain.from_iterable(self.events)))

    def backward(self, goal: int, within: int) -> int:
        """Everything in a set from which another can be reached."""
        events = [
            Event(-event.key, event.last, {n: tuple((to, at) for at, to in pairs) for n, pairs in event.moves.items()})
            for event in chain.from_iterable(self.events)
        ]
        return self.diagram.closure(goal, events, within)


def _barred(gate: law.Reached, track: law.Track) -> Iterator[tuple[str, Iterable[str]]]:
    """Where a gate lets its track stand, if that hangs on nothing but that very track."""
    spared: Iterable[str] = ()
    if gate.if_:
        if set(gate.if_) != {f"track.{gate.track}"}:
            return
        spared = track.stages.keys() - set(gate.if_[f"track.{gate.track}"])
    yield gate.track, {*gate.stages, *spared}


def _resets(action: law.Action) -> Iterator[frozenset[str]]:
    fixed = frozenset(action.resets)
    spec = action.field(action.resets_chosen) if action.resets_chosen else None
    choices = tuple(spec.choices) if spec else ()
    yield from dict.fromkeys([fixed, *(fixed | {choice} for choice in choices), fixed | set(choices)])


class Diagram:
    """Sets of tuples of small numbers. A set is a number; equal sets have equal numbers.

    Node 0 is the empty set, node 1 the set of the empty tuple. Any other node is a tuple of nodes: the
    n-th is the set of the rests of all tuples that begin with n. More than `MOST` nodes raise BadInput: the
    largest shipped procedure needs a twentieth of that, and lines that wait for each other crosswise need 2 to the n.
    """

    def __init__(self) -> None:
        self.nodes: list[tuple[int, ...]] = [(), ()]
        self.known: dict[tuple[int, ...], int] = {}
        self.unions: dict[tuple[int, int], int] = {}
        self.meets: dict[tuple[int, int], int] = {}
        self.rests: dict[tuple[int, int], int] = {}
        self.images: dict[tuple[int, int], int] = {}
        self.events = 0

    def node(self, children: tuple[int, ...]) -> int:
        if not any(children):
            return 0
        if children not in self.known:
            if len(self.nodes) >= MOST:
                say = f"各线的阶段组合太多，检查不完（超过{MOST}个节点）：把互相等待的线写得近一些，或者合并"
                raise BadInput([Problem("tracks", say, rule="too-many")])
            self.known[children] = len(self.nodes)
            self.nodes.append(children)
        return self.known[children]

    def fresh(self) -> int:
        """A number for one more event."""
        self.events += 1
        return self.events

    def union(self, one: int, other: int) -> int:
        if one == other or not other:
            return one
        if not one:
            return other
        key = (one, other) if one < other else (other, one)
        if key not in self.unions:
            self.unions[key] = self.node(tuple(map(self.union, self.nodes[one], self.nodes[other])))
        return self.unions[key]

    def meet(self, one: int, other: int) -> int:
        if one == other or not one or not other:
            return one and other
        key = (one, other) if one < other else (other, one)
        if key not in self.meets:
            self.meets[key] = self.node(tuple(map(self.meet, self.nodes[one], self.nodes[other])))
        return self.meets[key]

    def minus(self, one: int, other: int) -> int:
        if one == other or not one or not other:
            return 0 if one == other else one
        key = (one, other)
        if key not in self.rests:
            self.rests[key] = self.node(tuple(map(self.minus, self.nodes[one], self.nodes[other])))
        return self.rests[key]

    def image(self, node: int, event: Event, level: int = 0) -> int:
        """Where an event leads from a set."""
        if not node or level > event.last:
            return node
        key = (node, event.key)
        if key not in self.images:
            children = self.nodes[node]
            after = [0] * len(children)
            for at, to in event.moves.get(level, [(n, n) for n in range(len(children))]):
                after[to] = self.union(after[to], self.image(children[at], event, level + 1))
            self.images[key] = self.node(tuple(after))
        return self.images[key]

    def closure(self, start: int, events: Sequence[Event], within: int | None = None) -> int:
        """A set with all that the events lead to from it, again and again."""
        seen, before = start, -1
        while seen != before:
            before = seen
            for event in events:
                new = self.image(seen, event)
                seen = self.union(seen, new if within is None else self.meet(new, within))
        return seen

    def count(self, node: int, memo: dict[int, int]) -> int:
        if node < 2:
            return node
        if node not in memo:
            memo[node] = sum(self.count(child, memo) for child in self.nodes[node])
        return memo[node]

    def lifted(self, node: int, homes: Sequence[Sequence[int]], rest: Sequence[int]) -> int:
        """All longer tuples whose numbers count as those of a tuple of the set; the rest is free."""
        tail = 1
        for size in reversed(rest):
            tail = self.node((tail,) * size)
        memo = {0: 0, 1: tail}

        def lift(one: int, level: int) -> int:
            if one not in memo:
                memo[one] = self.node(tuple(lift(self.nodes[one][n], level + 1) for n in homes[level]))
            return memo[one]

        return lift(node, 0)

    def levels(self, node: int, depth: int) -> list[set[int]]:
        """The numbers that occur at each level."""
        found: list[set[int]] = []
        layer = {node} - {0}
        for _ in range(depth):
            found.append({n for one in layer for n, child in enumerate(self.nodes[one]) if child})
            layer = {child for one in layer for child in self.nodes[one]} - {0}
        return found
