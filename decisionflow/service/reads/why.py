"""Can it go on? One answer behind the card of the page, the API's gates and `decisionflow why`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from decisionflow.core import calendar as days
from decisionflow.core import machine
from decisionflow.core import procedure as law
from decisionflow.core import step as core
from decisionflow.core.facts import Facts, legal_date
from decisionflow.core.gates import Finding
from decisionflow.errors import NotFound
from decisionflow.service import actors, steps
from decisionflow.service.actors import Actor, duty_for
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import findings, refusals


@dataclass(frozen=True, slots=True)
class Condition:
    """A gate that holds, in the words of its rule."""

    say: str
    cite_text: str


@dataclass(frozen=True, slots=True)
class Why:
    """What an action would come to now. `findings` and `card.findings` are the same reasons, raw and in words."""

    no: str
    title: str
    stage: str
    action: str
    action_title: str
    possible: bool
    headline: str
    findings: tuple[Finding, ...]
    hints: tuple[Finding, ...]
    card: refusals.Card
    conditions: tuple[Condition, ...]
    left: tuple[str, ...]


def why(
    connection: Connection, authority: Authority, no: str, action: str, now: datetime, actor: Actor | None = None
) -> Why:  # fmt: skip
    """The answer for an action, or without one for what the case is waiting for.

    Without an actor it is asked for whoever holds the duty. Raises NotFound for a case or action there is not.
    """
    standing = steps.load(connection, authority, no)
    chosen = core.find(standing.procedure, action.replace("-", "_")) if action else onward(standing)
    return of(connection, authority, standing, chosen, now, actor)


def of(
    connection: Connection, authority: Authority, standing: steps.Standing, action: law.Action, now: datetime,
    actor: Actor | None = None,
) -> Why:  # fmt: skip
    """The same for a case that is already at hand."""
    today = legal_date(now)
    everybody = actors.everybody(connection, authority.id, today)
    standing = steps.judged_by(connection, authority, standing, action.id, today)
    procedure, facts = standing.procedure, standing.facts
    asking = actor or holder(procedure, action, facts, everybody)
    outlook = steps.outlook(standing, asking, action.id, now)
    barred = tuple(finding for finding in outlook.findings if finding.blocking)
    reader = refusals.Lookout(procedure, facts, actor or _nobody(authority.id), everybody)
    card = refusals.card(action, outlook.findings, reader, form=False)
    main = next(iter(procedure.tracks))
    return Why(
        facts.no, facts.title, procedure.tracks[main].stages[facts.stages[main]], action.id, action.title, not barred,
        card.headline if barred else f"可以{action.title}", barred,
        tuple(finding for finding in outlook.findings if not finding.blocking), card,
        tuple(conditions(procedure, outlook.passed)), tuple(_left(one, today, standing.calendar) for one in barred),
    )  # fmt: skip


def onward(standing: steps.Standing) -> law.Action:
    """The action the case is waiting for on its main line. Raises NotFound when it is over."""
    procedure, facts = standing.procedure, standing.facts
    offered = machine.offered(procedure, facts.stages)
    main = next(iter(procedure.goal))
    waiting = [one for one in offered if one.todo and one.id != procedure.opening]
    ahead = [one for one in waiting if one.track == main and one.to and one.to != facts.stages[main]]
    if not (ahead or waiting):
        raise NotFound(f"{facts.no} waits for nothing", say=f"事项“{facts.no}”没有等待办理的环节")
    return (ahead or waiting)[0]


def holder(procedure: law.Procedure, action: law.Action, facts: Facts, everybody: tuple[Actor, ...]) -> Actor:
    """Somebody who may take the action, so that what is asked is the case and not the post."""
    found = next((one for one in everybody if duty_for(procedure, action, one, facts)), None)
    return found or _nobody("")


def _nobody(authority: str) -> Actor:
    return Actor(authority, "", "", "", "", "", "", "", ())


def conditions(procedure: law.Procedure, passed: tuple[str, ...]) -> Iterator[Condition]:
    """Gates that hold, in the words of their rules."""
    for name in passed:
        gate = procedure.gate(name)
        if gate is not None:
            rule = procedure.rules[gate.rules[0]]
            yield Condition(rule.title, law.say_cite(rule, procedure.sources[rule.source]))


def _left(finding: Finding, today: date, calendar: days.Calendar) -> str:
    """``还差7个工作日`` until the earliest day."""
    if finding.earliest_on is None or finding.earliest_on <= today:
        return ""
    return f"还差{days.elapsed(calendar, today, finding.earliest_on, 'workday')[0]}个工作日"


def as_json(answer: Why) -> dict[str, Any]:
    """The answer as data."""
    return {
        "case": answer.no, "title": answer.title, "stage": answer.stage, "action": answer.action,
        "action_title": answer.action_title, "possible": answer.possible, "headline": answer.headline,
        "findings": [findings.as_json(one) for one in answer.findings],
        "hints": [findings.as_json(one) for one in answer.hints],
        "conditions": [{"say": one.say, "cite": one.cite_text} for one in answer.conditions],
    }  # fmt: skip
