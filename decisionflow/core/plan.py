"""What if? The way a case still has to go, with the earliest and the latest lawful day of each step.

The way follows from the procedure: the main line to a goal; for each step what its gates want other lines to have
reached; on each line the shortest way that leaves nothing out. Periods come from the gates that count days. A step
without a period takes no time: the law does not say how long a draft takes, so every day here is a bound, no forecast.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from heapq import heappop, heappush
from itertools import count

from decisionflow.core import calendar as days
from decisionflow.core import conditions, gates
from decisionflow.core import procedure as law
from decisionflow.core.facts import Facts, Fields, Party

UNASKED = 10  # what an act costs that the procedure asks nobody for, beside one that it does
ROUNDS = 8  # how often the gates of a step are looked at again after what they wanted was planned


@dataclass(frozen=True, slots=True)
class Wait:
    """A step lies these periods after another ('' is a fixed day), because a gate (or the order of stages) says so."""

    after: str
    periods: tuple[str, ...] = ()
    on: date | None = None
    gate: str = ""


@dataclass(slots=True)
class Stop:
    """An act still to be taken, what it waits for, and its bounds; `latest` is None without a wished day."""

    action: law.Action
    waits: list[Wait] = field(default_factory=list)
    earliest: date | None = None
    latest: date | None = None
    provisional: bool = False

    @property
    def floors(self) -> list[Wait]:
        """The waits that count days."""
        return [one for one in self.waits if one.periods]


def way(
    procedure: law.Procedure, facts: Facts, goal: str, also: Iterable[str] = (), matter: Fields | None = None
) -> list[Stop]:
    """The acts up to and with `goal`, in an order in which they can be taken; `also` are lines wanted beyond what must be."""
    walk = _Walk(procedure, facts, facts.matter if matter is None else matter)
    target = procedure.action(goal)
    if target is None:
        return []
    walk.also(also, target)
    walk.take(target)
    return walk.stops


def goals(procedure: law.Procedure) -> tuple[law.Action, ...]:
    """The acts on the main line that somebody plans for: decisions, and what brings the case to its goal."""
    main = next(iter(procedure.goal))
    ahead = (one for one in procedure.actions if one.track == main and one.binding and one.to and one.source)
    good = {stage for stage in procedure.tracks[main].stages if stage not in procedure.tracks[main].failed}
    return tuple(one for one in ahead if one.to in good and one.id != procedure.opening)


def forward(stops: list[Stop], start: date, calendar: days.Calendar) -> list[Stop]:
    """The same stops with the earliest day of each, nothing lying before `start`."""
    known: dict[str, date] = {}
    for stop in stops:
        day, unsure = start, False
        for wait in stop.waits:
            base = wait.on if wait.on is not None else known.get(wait.after, start)
            for words in wait.periods:
                count = days.add(calendar, base, days.period(words))
                base, unsure = count.ends_on, unsure or count.provisional
            day = max(day, base)
        stop.earliest, stop.provisional = day, stop.provisional or unsure
        known[stop.action.id] = day
    return stops


def backward(stops: list[Stop], wished: date, calendar: days.Calendar) -> list[Stop]:
    """The same stops with the latest day of each, if the last one is to be taken on the wished day."""
    latest = {stop.action.id: wished for stop in stops}
    for stop in reversed(stops):
        stop.latest = latest[stop.action.id]
        for wait in stop.waits:
            if not wait.after or wait.after not in latest:
                continue
            day = stop.latest
            for words in reversed(wait.periods):
                count = days.before(calendar, day, days.period(words))
                day, stop.provisional = count.ends_on, stop.provisional or count.provisional
            latest[wait.after] = min(latest[wait.after], day)
    return stops


class _Walk:
    """The case walked on in thought: where its lines stand, and what was planned so far."""

    def __init__(self, procedure: law.Procedure, facts: Facts, matter: Fields) -> None:
        self.law, self.facts, self.matter = procedure, facts, matter
        self.stages: dict[str, str] = {**procedure.initial(), **facts.stages}
        self.stops: list[Stop] = []
        self.last: dict[str, str] = {}  # the act planned last on each line
        self.done = {act.action for act in facts.acts if act.round == facts.rounds.get(act.track, 1)}
        self.open: set[str] = set()  # what is being planned, so that nothing waits for itself

    def also(self, lines: Iterable[str], target: law.Action) -> None:
        for name in lines:
            if name in self.law.tracks:
                self.reach(name, self.law.tracks[name].done)

    def take(self, action: law.Action) -> None:
        """Plan an act, after everything that it rests on."""
        if action.id in self.open or any(stop.action.id == action.id for stop in self.stops):
            return
        self.open.add(action.id)
        stop = Stop(action)
        if self.stages[action.track] not in action.source:
            self.reach(action.track, action.source, but=action.id)
        for track, stages in action.when.items():
            self.reach(track, stages)
        self.rest(action)
        stop.waits = list(self.waits(action))
        self.stops.append(stop)
        self.last[action.track] = action.id
        self.done.add(action.id)
        if action.to:
            self.stages[action.track] = action.to
        self.open.discard(action.id)

    def rest(self, action: law.Action) -> None:
        """Plan what the gates of an act want, until they want nothing more."""
        for _ in range(ROUNDS):
            before = len(self.stops)
            for gate in sorted(self.law.gates_of(action), key=self.place):
                if self.applies(gate):
                    self.want(gate, action)
            if len(self.stops) == before:
                return

    def place(self, gate: law.Gate) -> int:
        """Where the line that a gate wants stands in the procedure's own order."""
        return list(self.law.tracks).index(gate.track) if isinstance(gate, law.Reached) else len(self.law.tracks)

    def applies(self, gate: law.Gate) -> bool:
        """Whether a gate speaks of such a matter; what the form will say is not known."""
        asked = {key: words for key, words in gate.if_.items() if not key.startswith("field.")}
        if len(asked) != len(gate.if_):
            return False
        return conditions.holds(asked, matter=self.matter, fields={}, stages=self.stages)

    def want(self, gate: law.Gate, action: law.Action) -> None:
        if isinstance(gate, law.Reached) and gate.track != action.track:
            self.reach(gate.track, gate.stages)
        elif isinstance(gate, law.Done) and not self.done.intersection(gate.actions):
            chosen = next((one for name in gate.actions if (one := self.law.action(name))), None)
            if chosen is not None and (self.stages[chosen.track] in chosen.source or chosen.track != action.track):
                self.take(chosen)

    def reach(self, track: str, wanted: Iterable[str], but: str = "") -> None:
        """Plan the acts that bring a line to one of these stages."""
        stages = tuple(wanted)
        if self.stages.get(track) in stages:
            return
        for action in self.path(track, stages, but):
            if self.stages[track] in stages:
                return
            self.take(action)

    def path(self, track: str, wanted: tuple[str, ...], but: str) -> list[law.Action]:
        """The shortest way on a line, first without what leaves a step out or fails, then by any way."""
        spec = self.law.tracks[track]
        aside = set(spec.waived) | set(spec.failed)
        found = self.search(track, set(wanted) - aside, aside, but)
        return found or self.search(track, set(wanted), set(spec.failed) - set(wanted), but)

    def search(self, track: str, wanted: set[str], aside: set[str], but: str) -> list[law.Action]:
        """The cheapest way: as few acts as can be, and rather those that the procedure asks somebody for."""
        begins = self.stages[track]
        queue: list[tuple[int, int, str, list[law.Action]]] = [(0, 0, begins, [])]
        seen: set[str] = set()
        for turn in count(1):
            if not queue:
                return []
            cost, _, stage, so_far = heappop(queue)
            if stage in wanted:
                return so_far
            if stage in seen:
                continue
            seen.add(stage)
            for n, action in enumerate(self.law.actions):
                fits = action.track == track and stage in action.source and action.to and action.id != but
                if fits and action.to not in aside:
                    dear = 1 if action.todo else UNASKED
                    heappush(queue, (cost + dear, turn * len(self.law.actions) + n, action.to, [*so_far, action]))
        return []

    # what an act waits for

    def waits(self, action: law.Action) -> Iterator[Wait]:
        if before := self.last.get(action.track):
            yield Wait(before)
        if action.to in self.law.tracks[action.track].done:
            for stop in self.stops:
                if stop.action.track == action.track:
                    yield from self.given(stop.action)
        for track in (*action.when, *(g.track for g in self.law.gates_of(action) if isinstance(g, law.Reached))):
            if before := self.last.get(track):
                yield Wait(before)
        for gate in self.law.gates_of(action):
            if isinstance(gate, law.Lapsed) and gate.at_least != "none" and self.speaks(gate):
                yield from self.lapsed(gate, gate.since, gate.at_least)
            elif isinstance(gate, law.RowsLapsed) and gate.until == law.Ref():
                yield from self.lapsed(gate, law.Ref(action=gate.rows.action), gate.at_least)
            elif isinstance(gate, law.Done):
                yield from (Wait(name) for name in gate.actions if name in self.planned())

    def speaks(self, gate: law.Gate) -> bool:
        """Whether a gate about the time before this very act speaks of such a matter."""
        return gate.until == law.Ref() and self.applies(gate) if isinstance(gate, law.Lapsed) else self.applies(gate)

    def lapsed(self, gate: law.GateBase, since: law.Ref, length: str) -> Iterator[Wait]:
        """The period since an act that is planned, or since a day that is known."""
        ahead = [name for name in since.action if name in self.planned()]
        if ahead:
            own = self.promised(ahead[-1], since.field) if since.field else ()
            yield Wait(ahead[-1], (*own, length), gate=gate.id)
            return
        scene = gates.Scene(self.law, self.facts, self.law.actions[0], {}, date.min, Party("", ""), _NONE, None)
        day = gates.moment(since, scene) if since.action else None
        if day is not None:
            yield Wait("", (length,), day, gate.id)

    def promised(self, name: str, spec: str) -> tuple[str, ...]:
        """How far after an act a day must lie that its form names."""
        action = self.law.action(name)
        found = [gate.at_least for gate in self.floors(action, spec)] if action else []
        return tuple(found[:1])

    def floors(self, action: law.Action, spec: str) -> Iterator[law.Lapsed]:
        for gate in self.law.gates_of(action):
            own = isinstance(gate, law.Lapsed) and gate.since == law.Ref() and gate.until == law.Ref(field=spec)
            if own and isinstance(gate, law.Lapsed) and gate.at_least != "none":
                yield gate

    def given(self, action: law.Action) -> Iterator[Wait]:
        """The time that an act must leave to those who finish its line (7 working days to the reviewer)."""
        for gate in self.law.gates_of(action):
            if not isinstance(gate, law.Lapsed) or gate.strength == "may" or gate.at_least == "none":
                continue
            own = gate.since == law.Ref() and gate.until.field and not gate.until.action
            if own and self.applies(gate) and not self.counted_on(action, gate.until.field):
                yield Wait(action.id, (gate.at_least,), gate=gate.id)

    def counted_on(self, action: law.Action, spec: str) -> bool:
        """Whether a gate counts from or to that day itself."""
        refs = (ref for gate in self.law.gates if isinstance(gate, law.Lapsed) for ref in (gate.since, gate.until))
        return any(action.id in ref.action and ref.field == spec for ref in refs)

    def planned(self) -> set[str]:
        return {stop.action.id for stop in self.stops}


_NONE = days.Calendar("none")


def imagined(procedure: law.Procedure, matter: Fields) -> Facts:
    """A case that nobody has opened yet, with these facts of the matter."""
    stages = procedure.initial()
    none = dict.fromkeys(stages, "")
    return Facts("", "", "", procedure.digest, matter, stages, dict.fromkeys(stages, 1), none, {}, datetime.min)


def decision(procedure: law.Procedure) -> law.Action | None:
    """The act by which the body decides after its discussion; else the last act that somebody plans for."""
    found = goals(procedure)
    held = (one for one in found if any(isinstance(gate, law.WithMajority) for gate in procedure.gates_of(one)))
    return next(held, found[-1] if found else None)
