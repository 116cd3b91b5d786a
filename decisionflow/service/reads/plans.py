"""推算: from a wished day back to the latest start of each step, and from today on to the earliest lawful day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from decisionflow.core import calendar as days
from decisionflow.core import gates, plan
from decisionflow.core import procedure as law
from decisionflow.core.facts import Facts, Fields
from decisionflow.service.reads import refusals

STATES = {"late": "已经来不及", "tight": "没有余地", "free": "有余地", "": ""}


@dataclass(frozen=True, slots=True)
class Line:
    """A step ahead with its bounds: `slack` is how many days it may move, None without a wished day."""

    action: str
    title: str
    track: str
    who: str
    earliest: date
    latest: date | None
    floors: tuple[str, ...]
    slack: int | None
    provisional: bool

    @property
    def state(self) -> str:
        """late, tight, free, or '' without a wished day."""
        if self.slack is None:
            return ""
        return "late" if self.slack < 0 else "free" if self.slack else "tight"


@dataclass(frozen=True, slots=True)
class Plan:
    """The way to a goal: its lines, the earliest day of the goal, and the wished one."""

    goal: law.Action
    goals: tuple[law.Action, ...]
    also: tuple[tuple[str, str], ...]
    chosen: tuple[str, ...]
    lines: tuple[Line, ...]
    starts: date
    earliest: date
    wished: date | None
    provisional: bool

    @property
    def behind(self) -> int:
        """By how many days the wished day lies before the earliest one; 0 when it can be kept."""
        return max((self.earliest - self.wished).days, 0) if self.wished else 0


def of(
    procedure: law.Procedure, facts: Facts, calendar: days.Calendar, start: date, *, goal: str = "",
    wished: date | None = None, also: Iterable[str] = (),
) -> Plan | None:  # fmt: skip
    """The plan of a case; None when there is nothing ahead."""
    main = next(iter(procedure.goal))
    whole = [stop.action for stop in plan.way(procedure, facts, _last(procedure)) if stop.action.track == main]
    usual = plan.decision(procedure)
    chosen = next((one for one in whole if one.id == goal), None)
    chosen = chosen or next(
        (one for one in whole if usual is not None and one.id == usual.id), whole[-1] if whole else None
    )
    if chosen is None or procedure.is_ended(facts.stages):
        return None
    options = tuple(
        (name, track.title) for name, track in procedure.tracks.items() if _optional(procedure, name, facts, chosen)
    )
    wanted = tuple(name for name in also if name in dict(options))
    stops = plan.forward(plan.way(procedure, facts, chosen.id, wanted), start, calendar)
    if wished is not None:
        plan.backward(stops, wished, calendar)
    lines = tuple(_line(procedure, stop) for stop in stops)
    return Plan(chosen, tuple(whole), options, wanted, lines, start, lines[-1].earliest, wished,
                any(one.provisional for one in lines))  # fmt: skip


def imagined(
    procedure: law.Procedure, matter: Fields, calendar: days.Calendar, start: date, *, goal: str = "",
    wished: date | None = None, also: Iterable[str] = (),
) -> Plan | None:  # fmt: skip
    """The plan of a case that nobody has opened."""
    return of(procedure, plan.imagined(procedure, matter), calendar, start, goal=goal, wished=wished, also=also)


def _last(procedure: law.Procedure) -> str:
    """The act that brings the main line as far as the goal asks."""
    main, stages = next(iter(procedure.goal.items()))
    found = [one for one in plan.goals(procedure) if one.track == main and one.to in stages and one.todo]
    return (found or list(plan.goals(procedure)))[0].id if plan.goals(procedure) else ""


def _optional(procedure: law.Procedure, name: str, facts: Facts, goal: law.Action) -> bool:
    """Whether a line is one that may be taken before the goal though nothing demands it, and is not done."""
    track = procedure.tracks[name]
    reached = [gate for gate in procedure.gates if isinstance(gate, law.Reached) and gate.strength != "may"]
    demanded = any(gate.track == name and track.initial not in gate.stages for gate in reached)
    order = list(procedure.tracks[goal.track].stages)
    beside = track.under in order and order.index(track.under) < order.index(goal.dest(order[-1]))
    return beside and not demanded and facts.stages.get(name) not in track.done


def _line(procedure: law.Procedure, stop: plan.Stop) -> Line:
    action, earliest = stop.action, stop.earliest or date.min
    floors = tuple(dict.fromkeys(_floor(procedure, one) for one in stop.floors))
    slack = (stop.latest - earliest).days if stop.latest else None
    who = "、".join(procedure.duties[duty].title for duty in action.by)
    return Line(action.id, action.title, procedure.tracks[action.track].title, who, earliest, stop.latest, floors, slack,
                stop.provisional)  # fmt: skip


def _floor(procedure: law.Procedure, wait: plan.Wait) -> str:
    """``“发布公告”之后30日（第十五条第一款，一般）``."""
    gate, after = procedure.gate(wait.gate), procedure.action(wait.after)
    periods = "、再".join(days.period(words).say for words in wait.periods)
    since = f"“{after.title}”之后" if after else f"{wait.on} 之后"
    if gate is None:
        return f"{since}{periods}"
    cite = refusals.cite_words([gates.cite(procedure, gate.rules[0])], procedure)
    strength = {"must": "应当", "usually": "一般", "may": "提示"}[gate.strength]
    return f"{since}{periods}（{cite}，{strength}）"


def as_json(found: Plan) -> dict[str, Any]:
    """The plan as data."""
    return {
        "goal": found.goal.id, "title": found.goal.title, "starts_on": found.starts.isoformat(),
        "earliest_on": found.earliest.isoformat(), "wished_on": found.wished.isoformat() if found.wished else None,
        "behind_days": found.behind, "provisional": found.provisional, "steps": [_step(one) for one in found.lines],
    }  # fmt: skip


def _step(one: Line) -> dict[str, Any]:
    return {
        "action": one.action, "title": one.title, "track": one.track, "who": one.who, "earliest_on": one.earliest.isoformat(),
        "latest_on": one.latest.isoformat() if one.latest else None, "slack_days": one.slack, "floors": list(one.floors),
        "provisional": one.provisional,
    }  # fmt: skip


def flags(procedure: law.Procedure) -> Sequence[law.FieldSpec]:
    """The yes-or-no facts of a matter that change its way."""
    asked = {key.partition(".")[2] for gate in procedure.gates for key in gate.if_ if key.startswith("matter.")}
    return [spec for spec in procedure.matter if spec.type == "flag" and spec.id in asked]
