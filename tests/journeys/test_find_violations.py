"""The finder sees entries only: a seeded corpus of records on paper, some with faults planted, others with their near misses.

What was planted is known to the corpus and to nobody else; recall and precision are counted and printed.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from decisionflow import paths
from decisionflow.core.facts import legal_date
from decisionflow.service import steps
from decisionflow.service.reads import stored, violations
from decisionflow.store.engine import Store
from tests.service.stage import Office, office

CASES = 40
FAULTS = ("paper_notice_short", "paper_no_adoption", "paper_expert_late", "paper_expert_tied", "paper_review_after",
          "paper_chief_first")  # fmt: skip
TEN = timedelta(hours=2)


@dataclass(frozen=True)
class Planted:
    """A case of the corpus and what was planted in it."""

    no: str
    faults: frozenset[str]


def entered(work: Office, fields: dict[str, Any], happened: datetime | None = None) -> None:
    work.now += timedelta(minutes=7)
    ask = work.ask("record_fact", source="第1盒", certainty="paper", **fields)
    late = steps.Ask(ask.action, ask.key, ask.case, ask.raw, happened=happened, evidence="落款", reason="事后移交")
    done = work.submit("archivist", late if happened else ask)
    assert isinstance(done, steps.Done), done


def plant(work: Office, draw: Random, n: int, decided: date | None = None) -> Planted:
    """One decision on paper: each of the six is planted, or its near miss is, or the papers say nothing of it."""
    chosen = {fault: draw.choice(("planted", "near", "silent")) for fault in FAULTS}
    work.no, work.now = "", work.now + timedelta(hours=1)
    decided = decided or legal_date(work.now) - timedelta(days=draw.randrange(10, 60))
    said = {"title": f"历史决策第{n}号", "decided_on": decided.isoformat(), "body": "示例区政府", "holding": "第1盒",
            "lead_unit": f"示例局{n % 4}", "reason": "补登"}  # fmt: skip
    assert isinstance(work.submit("archivist", work.ask("record_matter", **said)), steps.Done)
    for fault in draw.sample(FAULTS, len(FAULTS)):
        if chosen[fault] != "silent":
            fact, happened = told(fault, planted=chosen[fault] == "planted", decided=decided, draw=draw)
            entered(work, fact, happened)
    return Planted(work.no, frozenset(fault for fault, how in chosen.items() if how == "planted"))


def told(fault: str, *, planted: bool, decided: date, draw: Random) -> tuple[dict[str, Any], datetime | None]:
    """What an archivist writes down of one step, and when it is claimed to have happened if it is entered late."""
    match fault:
        case "paper_notice_short":
            length = draw.randrange(3, 29)
            how = draw.choice(({"short_reason": "汛期将至"}, {"length": 30}))
            since = decided - timedelta(days=80)
            until = since + timedelta(days=length if planted else how.get("length", length))  # type: ignore[arg-type]
            reason = {} if planted else {key: value for key, value in how.items() if key == "short_reason"}
            return {"what": "公告", "kind": "notice", "happened_on": since.isoformat(), "ends_on": until.isoformat(),
                    **reason}, None  # fmt: skip
        case "paper_no_adoption":
            return {"what": "采纳情况", "kind": "adoption", "found": "none" if planted else "yes"}, None
        case "paper_expert_late":
            dated = decided - timedelta(days=draw.randrange(1, 6))
            happened = datetime.combine(dated, datetime.min.time(), UTC) + TEN
            fact = {"what": "专家意见", "kind": "expert", "happened_on": dated.isoformat()}
            return fact, happened if planted else None
        case "paper_expert_tied":
            person = {"name": "鲁望川", "post": "教授", "deed": "论证", "confidence": "certain"}
            return {
                "what": "专家",
                "kind": "expert",
                "persons": [{**person, **({"ties": "顾问"} if planted else {})}],
            }, None
        case "paper_review_after":
            dated = decided + timedelta(days=draw.randrange(1, 9) if planted else -draw.randrange(0, 9))
            return {"what": "审查意见", "kind": "review", "happened_on": dated.isoformat()}, None
    order = [("yes", 1), ("no", 2)] if planted else [("no", 1), ("yes", 2)]
    persons = [{"name": f"某{chief}", "post": "领导", "deed": "发言", "confidence": "certain", "turn": str(turn), "chief": chief}
               for chief, turn in order]  # fmt: skip
    return {"what": "会议", "kind": "meeting", "persons": persons}, None


def found(work: Office) -> set[tuple[str, str]]:
    with work.store.read() as connection:
        cases = stored.cases(connection, work.authority)
        listing = violations.listing(connection, work.store.blobs, work.authority, cases, violations.Wanted(), work.now)
    assert listing.unchecked == () and all(one.evidence for one in listing.findings)
    return {(one.no, one.check) for one in listing.findings}


@pytest.mark.parametrize("seed", [713, 20190901])
def test_a_seeded_corpus_is_found_whole_and_nothing_else_is(
    store: Store, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    work, draw = office(store, paths.WORKFLOWS / "cn-record-only" / "2010.yaml"), Random(seed)
    corpus = [plant(work, draw, n) for n in range(CASES)]
    wanted, got = {(one.no, fault) for one in corpus for fault in one.faults}, found(work)
    recall, precision = len(wanted & got) / len(wanted), len(wanted & got) / len(got)
    with capsys.disabled():
        sys.stdout.write(
            f"seed {seed}: {len(wanted)} planted, {len(got)} found, recall {recall:.3f}, precision {precision:.3f}\n"
        )
    assert len(wanted) > CASES and (sorted(wanted - got), sorted(got - wanted)) == ([], [])


def test_a_decision_from_before_the_rules_is_not_judged_by_them(store: Store) -> None:
    """The interim rules took effect on 2019-09-01 (art. 44); a record of an older decision shows nothing against them."""
    work, draw = office(store, paths.WORKFLOWS / "cn-record-only" / "2010.yaml"), Random(1)
    older = [plant(work, draw, n, date(2019, 8, 31)) for n in range(8)]
    assert any(one.faults for one in older) and found(work) == set()
    newer = plant(work, Random(2), 9, date(2019, 9, 1))
    assert newer.faults and found(work) == {(newer.no, fault) for fault in newer.faults}
