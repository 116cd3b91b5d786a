"""`violations`: the six problems planted in the demo's historic case are found with evidence, and nothing else in it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run

PLANTED = {
    "paper_notice_short": ("departed from thirty days without a reason", ["D713-25"]),
    "paper_no_adoption": ("no account of what was adopted", ["D713-56"]),
    "paper_expert_late": ("the expert's opinion entered after the meeting", ["D713-51"]),
    "paper_expert_tied": ("the expert works for the lead unit", ["D713-36"]),
    "paper_review_after": ("reviewed after the meeting", ["D713-45"]),
    "paper_chief_first": ("the chief spoke first", ["D713-53"]),
}


def test_the_planted_problems_are_found_with_evidence_and_nothing_else_is(run: Run, folder: Path) -> None:
    code, out, _ = run("violations", "--case", "YH-2026-009", "--json", "--dir", folder)
    found = json.loads(out)["findings"]
    assert code == 0 and sorted(one["check"] for one in found) == sorted(PLANTED)
    for one in found:
        assert one["rules"] == PLANTED[one["check"]][1] and one["cite"].startswith("《重大行政决策程序暂行条例》")
        assert one["evidence"] and all(each["case"] == "YH-2026-009" and each["entry"] for each in one["evidence"])


def test_elsewhere_the_demo_shows_only_clocks_that_ran_out_and_one_late_sitting(run: Run, folder: Path) -> None:
    found = json.loads(run("violations", "--json", "--dir", folder)[1])["findings"]
    others = [one for one in found if one["case"] != "YH-2026-009"]
    assert {one["check"] for one in others} == {"overdue", "bulk"} and len(found) - len(others) == len(PLANTED)
