"""Procedures, rules and single entries: what the engine runs on, readable by everybody who works with it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection, text

from decisionflow.core import procedure as law
from decisionflow.errors import NotFound
from decisionflow.service import laws, permissions, procedures, publications, sealing, steps
from decisionflow.service.reads import diagram, form, lookup, refusals, stored
from decisionflow.trail import canonical
from decisionflow.web import doors

router = APIRouter(include_in_schema=False)
_ENTRY = text("""
    select e.*, l.position from trail_entry e
    left join trail_leaf l on l.authority_id = e.authority_id and l.entry_id = e.entry_id
    where e.authority_id = :a and e.entry_id = :e
""")
_CASE = text("select no from case_file where authority_id = :a and id = :c")


@router.get("/procedures")
def procedure_list(visit: doors.StaffVisit) -> HTMLResponse:
    with visit.site.store.read() as connection:
        found = procedures.published(connection, visit.authority.id)
        waiting = len(publications.proposals(connection, visit.authority))
    may_publish = permissions.may_publish_rules(visit.actor)
    return visit.page("procedures", found=found, may_publish=may_publish, waiting=waiting)


@router.get("/procedures/{name}/{version}")
def procedure(visit: doors.StaffVisit, name: str, version: str) -> HTMLResponse:
    with visit.site.store.read() as connection:
        rows = [row for row in procedures.published(connection, visit.authority.id)
                if (row["id"], row["version"]) == (name, version)]  # fmt: skip
        if not rows:
            raise NotFound(f"no procedure {name}@{version}", say="本机关没有发布过这个程序版本")
        one = procedures.by_digest(connection, visit.authority.id, rows[-1]["digest"])
    gates = {action.id: [_gate(one, gate) for gate in one.gates_of(action)] for action in one.actions}
    return visit.page("procedure", one=one, map=diagram.drawing(one), gates=gates, cite=lambda rule: cite(one, rule))


def _gate(one: law.Procedure, gate: law.Gate) -> dict[str, Any]:
    return {"say": gate.say, "strength": gate.strength, "rule": gate.rules[0], "cite": cite(one, gate.rules[0])}


def cite(one: law.Procedure, name: str) -> str:
    """Where the law says a rule; 未核实 when nobody has compared it with the source."""
    rule = one.rules[name]
    mark = "〔未核实〕" if refusals.is_unchecked(one.sources[rule.source], rule.confirmed) else ""
    return law.say_cite(rule, one.sources[rule.source]) + mark


@router.get("/rules/{rule}")
def rule_page(visit: doors.StaffVisit, rule: str) -> HTMLResponse:
    """A rule in our words and, where it was loaded, the law's; how far it is confirmed, where it acts, what it stopped."""
    blobs = visit.site.store.blobs
    with visit.site.store.read() as connection:
        rows = procedures.published(connection, visit.authority.id)
        known = [procedures.by_digest(connection, visit.authority.id, row["digest"]) for row in rows]
        holding = [one for one in known if rule in one.rules]
        if not holding:
            raise NotFound(f"no rule {rule!r}", say="已发布的程序里没有这条规则")
        newest = holding[-1]
        official = [(one, laws.article(blobs, one, newest.rules[rule].article))
                    for one in laws.texts(connection, visit.authority, newest.rules[rule].source)]  # fmt: skip
        refused = _stopped(visit, connection, rule, known)
    acts = [{"procedure": one, "gates": [gate for gate in one.gates if rule in gate.rules],
             "actions": [action for action in one.actions if rule in action.rules],
             "clocks": [clock for clock in one.clocks if rule in clock.rules]} for one in holding]  # fmt: skip
    found = newest.rules[rule]
    return visit.page("rule", rule=found, source=newest.sources[found.source], cite=cite(newest, rule), acts=acts,
                      official=official, refused=refused)  # fmt: skip


def _stopped(
    visit: doors.Staff, connection: Connection, rule: str, known: list[law.Procedure]
) -> list[dict[str, Any]]:  # fmt: skip
    """The submitted acts that a rule refused, in cases that this person may see; the newest first."""
    mine = {one.facts.no: one.facts.title for one in stored.visible(connection, visit.authority, visit.actor)}
    titles = {action.id: action.title for one in known for action in one.actions}
    found = [one for _, one in lookup.stopped(connection, visit.authority, [rule]) if one.no in mine]
    return [{"no": one.no, "title": mine[one.no], "action": titles.get(one.action, one.action), "on": one.on}
            for one in reversed(found)]  # fmt: skip


@router.get("/entries/{entry}")
def entry_page(visit: doors.StaffVisit, entry: str) -> HTMLResponse:
    """One entry of a case that this person may see: its bytes as they are kept, its hash and its place in the log."""
    with visit.site.store.read() as connection:
        row = connection.execute(_ENTRY, {"a": visit.authority.id, "e": entry}).first()
        if row is None or row.chain_kind != "case":
            raise NotFound(f"no entry {entry!r}", say="没有这条记录")
        no = connection.execute(_CASE, {"a": visit.authority.id, "c": row.chain_id}).scalar_one()
        standing = steps.visible(connection, visit.authority, visit.actor, no)
        seal = sealing.latest(connection, visit.authority.id)
        receipt = sealing.receipt(connection, visit.authority.id, entry) if sealing.is_sealed(
            connection, visit.authority.id, entry) else None  # fmt: skip
    identity = form.identity(standing.procedure, standing.facts, standing.head.sha256)
    good = canonical.digest(row.data) == row.sha256
    return visit.page(
        "entry", identity=identity, row=row, words=row.data.decode(), good=good, seal=seal, receipt=receipt
    )
