"""What needs no database: deciding, canonical bytes, proving, verifying."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from transitions import Machine

from bench.harness import Contender, Group, until
from decisionflow.core import step
from decisionflow.core.calendar import Calendar
from decisionflow.core.facts import Facts, Party
from decisionflow.service import procedures, shipped
from decisionflow.trail import canonical, merkle

NATIONAL = Path(__file__).parent.parent / "workflows" / "cn-major-decision" / "2019.1.yaml"
PARTY = Party("p", "陈予安", "post", "经办人", "unit", "区住建局", "lead")


def decide_group() -> Group:
    """`decide` on the national procedure, beside a bare trigger of the state machine."""
    procedure, calendar = procedures.read(NATIONAL), shipped.calendar()
    facts = _facts(procedure, {"main": "drafting"})
    note = step.Command("report_risk", PARTY, date(2024, 3, 1), {})
    bar = step.Command("submit_to_meeting", PARTY, date(2024, 3, 1), {})
    machine = Machine(
        model=None, states=["a", "b"], initial="a", auto_transitions=False, transitions=[["go", "a", "b"]]
    )

    class Cursor:
        state = "a"

    def fire() -> None:
        cursor = Cursor()
        machine.events["go"].trigger(cursor)

    return Group(
        "Deciding in memory", "decisions",
        [Contender("a bare trigger of the state machine", lambda s: until(s, fire)),
         Contender("decide: refused at the stage", lambda s: until(s, _decider(procedure, note, facts, calendar))),
         Contender("decide: submission to the meeting, every gate judged",
                   lambda s: until(s, _decider(procedure, bar, facts, calendar)))],
        "Bar: a refusal or a step without gates costs at most a few triggers; judging 20 gates with sentences costs more.",
    )  # fmt: skip


def _decider(procedure: Any, command: step.Command, facts: Facts, calendar: Calendar) -> Callable[[], object]:
    return lambda: step.decide(procedure, command, facts, calendar)


def _facts(procedure: Any, at: dict[str, str]) -> Facts:
    stages = procedure.initial() | at
    return Facts(
        case="c", no="YH-2024-001", title="标题", procedure=procedure.digest, matter={"technical": True, "market_effect": True},
        stages=stages, rounds=dict.fromkeys(stages, 1), heads=dict.fromkeys(stages, "e"),
        duties={"lead": ({"id": "unit", "name": "区住建局"},)}, opened=datetime(2024, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def trail_group() -> Group:
    """Canonical bytes, chain and verification, beside raw SHA-256 of the same bytes."""
    records = [_record(n) for n in range(200)]
    data = [canonical.encode(record) for record in records]
    cycle = {"n": 0}

    def turn(one: Callable[[int], object]) -> Callable[[], object]:
        def go() -> object:
            cycle["n"] = (cycle["n"] + 1) % len(data)
            return one(cycle["n"])

        return go

    raw = turn(lambda n: hashlib.sha256(data[n]).hexdigest())
    write = turn(lambda n: canonical.digest(canonical.encode(records[n])))
    check = turn(lambda n: merkle.leaf_hash(merkle.leaf(data[n])))
    read = turn(lambda n: (canonical.decode(data[n]), merkle.leaf(data[n])))
    return Group(
        f"The trail, entries of about {len(data[0])} bytes", "entries",
        [Contender("raw SHA-256 of the bytes", lambda s: until(s, raw)),
         Contender("canonical bytes and hash", lambda s: until(s, write)),
         Contender("verify stored bytes: both hashes and the leaf", lambda s: until(s, check)),
         Contender("verify and read: canonical form checked too", lambda s: until(s, read))],
        "Bar: canonicalise and hash 0.35 realistic, 0.45 goal. SM3 alone runs at a quarter of SHA-256.",
    )  # fmt: skip


def _record(n: int) -> dict[str, Any]:
    return {
        "v": 1, "kind": "step.taken", "id": f"018df7bd-6100-7722-8da8-{n:012d}", "authority": "yunhe",
        "chain": {"kind": "case", "id": "c", "seq": n + 1, "prev": "0" * 64},
        "actor": {"kind": "person", "person": "p", "name": "陈予安", "post": "x", "post_title": "经办人", "unit": "u",
                  "unit_name": "云河区住房和城乡建设局", "duty": "lead", "appointment": "a"},
        "times": {"recorded_at": "2024-03-01T01:00:00.000000Z", "happened_at": "2024-03-01T01:00:00.000000Z", "clock": "system"},
        "body": {"action": "publish_notice", "title": "发布公开征求意见公告", "track": "participation", "round": 1,
                 "before": "idle", "after": "collecting", "fields": {"reason": "为保障公众参与，依照条例第十五条发布公告。" * 6},
                 "papers": [{"kind": "draft", "title": "草案", "sha256": "0" * 64, "size": 12,
                             "type": "application/pdf", "name": "草案.pdf"}]},
        "software": "decisionflow 0.1.0",
    }  # fmt: skip
