"""What happened in a case, entry by entry, in words: who, in which post then, what, when it happened and was entered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from decisionflow.core import procedure as law
from decisionflow.core.facts import Facts, Paper, Party, instant, party_of, stamp
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import refusals, wording
from decisionflow.trail import canonical


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the case. `at` is when it happened by its evidence, `recorded` when it was entered."""

    n: int
    entry: str
    kind: str
    action: str
    title: str
    track: str
    stage: str
    party: Party
    at: datetime
    recorded: datetime
    late: bool
    reason: str
    evidence: str
    cite: str
    answers: tuple[tuple[str, str], ...]
    deviations: tuple[str, ...]
    papers: tuple[Paper, ...]
    sha256: str
    corrected_by: str
    corrects: str


KINDS = {"case.opened": "事项登记", "case.renamed": "变更名称", "entry.corrected": "更正", "case.moved": "转换程序版本"}
_ENTRIES = text("""
    select entry_id, kind, sha256, data from trail_entry
    where authority_id = :a and chain_kind = 'case' and chain_id = :c order by chain_seq
""")


def events(connection: Connection, authority: Authority, procedure: law.Procedure, facts: Facts) -> tuple[Event, ...]:
    """Every entry of the case, oldest first."""
    fixed = {act.entry: act.corrected_by for act in facts.acts if act.corrected_by}
    rows = connection.execute(_ENTRIES, {"a": authority.id, "c": facts.case})
    return tuple(_event(procedure, row, canonical.decode(row.data), fixed) for row in rows)


def _event(procedure: law.Procedure, row: Any, record: dict[str, Any], fixed: dict[str, str]) -> Event:
    body, times = record["body"], record["times"]
    action = procedure.action(body.get("action", ""))
    track = procedure.tracks.get(body.get("track", ""))
    moved = track and body.get("after") and body.get("after") != body.get("before")
    return Event(
        record["chain"]["seq"], row.entry_id, row.kind, body.get("action", ""),
        KINDS.get(row.kind, "") if row.kind == "case.opened" else str(body.get("title", KINDS.get(row.kind, row.kind))),
        track.title if track else "", track.stages.get(body["after"], "") if track and moved else "",
        party_of(record["actor"]), instant(times["happened_at"]), instant(times["recorded_at"]), bool(times.get("late")),
        str(times.get("reason", body.get("reason", ""))), str(times.get("evidence", "")), _cite(procedure, action),
        tuple(_answers(procedure, action, body)), tuple(_deviations(procedure, body)),
        tuple(Paper(**paper) for paper in body.get("papers", ())), row.sha256, fixed.get(row.entry_id, ""),
        str(body.get("of", "")),
    )  # fmt: skip


def _cite(procedure: law.Procedure, action: law.Action | None) -> str:
    if action is None:
        return ""
    rule = procedure.rules[action.rules[0]]
    mark = "〔未核实〕" if refusals.is_unchecked(procedure.sources[rule.source], rule.confirmed) else ""
    return law.say_cite(rule, procedure.sources[rule.source]) + mark


def _answers(procedure: law.Procedure, action: law.Action | None, body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for spec in action.fields if action else ():
        if (said := wording.words(spec, body.get("fields", {}).get(spec.id))) != "":
            yield spec.title, said


def _deviations(procedure: law.Procedure, body: dict[str, Any]) -> Iterator[str]:
    for name in body.get("deviations", ()):
        gate = procedure.gate(name)
        yield gate.say if gate else name


def as_json(event: Event) -> dict[str, Any]:
    """An entry as data."""
    return {
        "n": event.n, "entry": event.entry, "kind": event.kind, "action": event.action, "title": event.title,
        "who": {"name": event.party.name, "post": event.party.post_title, "unit": event.party.unit_name},
        "occurred_at": stamp(event.at), "recorded_at": stamp(event.recorded), "backfilled": event.late,
        "reason": event.reason, "evidence": event.evidence, "cite": event.cite, "stage": event.stage,
        "fields": dict(event.answers), "deviations": list(event.deviations),
        "papers": [{"kind": one.kind, "title": one.title, "sha256": one.sha256, "size": one.size} for one in event.papers],
        "sha256": event.sha256, "corrected_by": event.corrected_by, "corrects": event.corrects,
    }  # fmt: skip
