"""倒查: what a person did in which post, knowing what, against whose advice; and who answers for a case.

Everything is read from what was recorded then. What was in the dossier at an instant can be shown; whether
somebody read and understood it cannot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, text

from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts, instant
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import refusals, wording
from decisionflow.trail import canonical


@dataclass(frozen=True, slots=True)
class Held:
    """An appointment: which post of which unit, from when to when, by which document."""

    unit: str
    post: str
    since: date
    until: date | None
    acting: bool
    document: str
    unit_id: str = ""


@dataclass(frozen=True, slots=True)
class Deed:
    """An act as it stands in judgement: who in which post, what, on which basis, knowing what, against whose advice."""

    no: str
    case: str
    entry: str
    at: datetime
    recorded: datetime
    late: bool
    name: str
    post: str
    duty: str
    title: str
    stage: str
    cite: str
    said: tuple[tuple[str, str], ...]
    deviations: tuple[str, ...]
    version: int
    papers: tuple[str, ...]
    against: tuple[str, ...]


_HELD = text("""
    select u.id as unit_id, u.name as unit, p.title, a.valid_from, a.valid_to, a.acting, a.document from appointment a
    join post p on p.authority_id = a.authority_id and p.id = a.post_id
    join unit u on u.authority_id = p.authority_id and u.id = p.unit_id
    where a.authority_id = :a and a.person_id = :p order by a.valid_from, a.id
""")
_REFUSED = text("""
    select data from trail_entry
    where authority_id = :a and chain_kind = 'security' and kind = 'step.refused' order by recorded_at
""")


def held(connection: Connection, authority: Authority, person: str) -> tuple[Held, ...]:
    """Every post a person held or holds, oldest first."""
    rows = connection.execute(_HELD, {"a": authority.id, "p": person})
    return tuple(
        Held(row.unit, row.title, _day(row.valid_from), _day(row.valid_to) if row.valid_to else None,
             bool(row.acting), row.document, row.unit_id)
        for row in rows
    )  # fmt: skip


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def deeds_of_case(procedure: law.Procedure, facts: Facts) -> dict[str, tuple[Deed, ...]]:
    """Every act of a case by its line, oldest first."""
    found: dict[str, list[Deed]] = {}
    for act in facts.acts:
        found.setdefault(procedure.tracks[act.track].title, []).append(deed(procedure, facts, act))
    return {title: tuple(some) for title, some in found.items()}


def deed(procedure: law.Procedure, facts: Facts, act: Act) -> Deed:
    """One act, with what lay in the dossier when it was recorded and what had been said against it."""
    before = [one for one in facts.acts if one.n < act.n]
    action = procedure.action(act.action)
    track = procedure.tracks[act.track]
    text_then = next((one.text for one in reversed([*before, act]) if one.text), None)
    return Deed(
        facts.no, facts.title, act.entry, act.at, act.recorded, act.late, act.party.name,
        f"{act.party.unit_name} {act.party.post_title}".strip(),
        procedure.duties[act.party.duty].title if act.party.duty in procedure.duties else "", act.title,
        track.stages.get(act.after, "") if act.after != act.before else "", cite(procedure, action), tuple(_said(action, act)),
        tuple(gate.say if (gate := procedure.gate(name)) else name for name in act.deviations),
        text_then.version if text_then else 0,
        tuple(dict.fromkeys(paper.title or procedure.materials[paper.kind].title for one in before for paper in one.papers)),
        tuple(_against(procedure, before)) if _decides(procedure, action) else (),
    )  # fmt: skip


def cite(procedure: law.Procedure, action: law.Action | None) -> str:
    """The article that an action stands on, marked where nobody compared it with the official text."""
    if action is None:
        return ""
    rule = procedure.rules[action.rules[0]]
    mark = "〔未核实〕" if refusals.is_unchecked(procedure.sources[rule.source], rule.confirmed) else ""
    return law.say_cite(rule, procedure.sources[rule.source]) + mark


def _said(action: law.Action | None, act: Act) -> Iterator[tuple[str, str]]:
    for spec in action.fields if action else ():
        if (said := wording.words(spec, act.fields.get(spec.id))) != "":
            yield spec.title, said


def _decides(procedure: law.Procedure, action: law.Action | None) -> bool:
    """Whether an action is answerable for the case as a whole: binding, on the main line."""
    return action is not None and action.binding and action.track == next(iter(procedure.goal))


def _against(procedure: law.Procedure, before: list[Act]) -> Iterator[str]:
    """Advice against, as it stood: lines that had failed, and those who had spoken against."""
    for act in before:
        track = procedure.tracks[act.track]
        if act.after in track.failed:
            yield f"{act.on}　{act.party.unit_name} {act.party.name}：{act.title}（{track.stages[act.after]}）"
    for gate in procedure.gates:
        if not isinstance(gate, law.WithMajority):
            continue
        for act in before:
            if act.action in gate.rows.action and str(act.fields.get(gate.position)) in gate.against:
                who = _name(act.fields[gate.by]) if gate.by in act.fields else act.party.name
                yield f"{act.on}　{who}：{act.title}，不同意"
        return


def _name(value: Any) -> str:
    return str(value["name"]) if isinstance(value, dict) else str(value)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A submitted act that was refused: by whom, when, and why."""

    at: datetime
    who: str
    action: str
    says: tuple[str, ...]


def attempts(connection: Connection, authority: Authority, procedure: law.Procedure, no: str) -> tuple[Attempt, ...]:
    """The refused attempts in a case, from the security line."""
    found = []
    for row in connection.execute(_REFUSED, {"a": authority.id}):
        record = canonical.decode(row.data)
        body, actor = record["body"], record["actor"]
        if body.get("case") != no:
            continue
        action = procedure.action(body["action"])
        who = f"{actor.get('unit_name', '')} {actor.get('post_title', '')} {actor.get('name', '')}".strip()
        found.append(Attempt(instant(record["times"]["recorded_at"]), who, action.title if action else body["action"],
                             tuple(f"{one['say']}（{one['rule']}）" for one in body["findings"])))  # fmt: skip
    return tuple(found)
