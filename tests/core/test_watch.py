"""What may have gone wrong although every step was let through: each check finds its case, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from decisionflow.core import source as files
from decisionflow.core import watch
from decisionflow.core.facts import Act, Facts, Party, Text, legal_date
from decisionflow.core.watch import Finding, History
from decisionflow.errors import BadInput
from decisionflow.service import procedures, shipped
from decisionflow.service.reads.violations import shipped_watches

NATIONAL = procedures.find("cn-major-decision@2019.1")
PAPERS = procedures.find("cn-record-only@2010")
START = datetime(2024, 3, 1, 1, 0, tzinfo=UTC)
TABLES = sorted((Path(__file__).parents[1] / "procedures").glob("*.yaml"))
LONG = "拟订的依据充分，权限明确，与上位法规定一致，没有发现抵触之处。"


def act(
    n: int, name: str, *, hours: float = 0, happened: datetime | None = None, unit: str = "承办单位", **fields: Any
) -> Act:
    action = NATIONAL.action(name)
    assert action is not None
    recorded = START + timedelta(hours=hours or n)
    at = happened or recorded
    before = action.source[0] if action.source else "x"
    return Act(
        n, f"e{n}", name, action.title, action.track, 1, before, action.to or before, legal_date(at), at, recorded,
        happened is not None, Party("p1", "陈予安", unit_name=unit), fields, text=fields.pop("text", None),
        deviations=tuple(fields.pop("deviations", ())),
    )  # fmt: skip


def case(no: str, *acts: Act, title: str = "", opened: datetime = START) -> History:
    stages = NATIONAL.initial()
    facts = Facts(no, no, title or no, NATIONAL.digest, {}, stages, dict.fromkeys(stages, 1), dict.fromkeys(stages, ""), {},
                  opened, acts)  # fmt: skip
    return History(NATIONAL, facts)


def found(check: str, *histories: History, size: dict[str, int] | None = None) -> Sequence[Finding]:
    one = next(one for one in shipped_watches().watches if one.id == check)
    return list(watch.across(one, histories, size or {}, NATIONAL))


def alone(history: History, check: str) -> list[Finding]:
    every = watch.in_case(history, shipped.calendar(), date(2024, 6, 3))
    return [one for one in every if one.check == check]


def review(no: str, **fields: Any) -> History:
    return case(no, act(1, "conclude_legal_review", authority_reason="有权", procedure_reason="已履行", **fields))


def test_reviews_in_the_same_words_are_found_across_cases() -> None:
    twins = found(
        "review_same_words",
        review("A", content_reason=LONG),
        review("B", content_reason=LONG.replace("充分", "很充分")),
    )
    assert [(one.no, [each.no for each in one.evidence]) for one in twins] == [("B", ["B", "A"])]
    assert twins[0].level == "sign" and twins[0].rules == ("D713-49",) and "第二十七条" in twins[0].cite
    assert not found("review_same_words", review("A", content_reason=LONG), review("B", content_reason="符合规定"))


def test_a_long_draft_reviewed_in_minutes_is_found() -> None:
    text = Text(1, "d" * 64, 1, "草案")

    def reviewed(hours: float) -> History:
        return case("A", act(1, "accept_packet"), act(2, "conclude_legal_review", hours=1 + hours, text=text))

    (quick,) = found("review_too_quick", reviewed(0.1), size={"d" * 64: 9000})
    assert "9000 字" in quick.say and "6 分钟" in quick.say and len(quick.evidence) == 2
    assert not found("review_too_quick", reviewed(8), size={"d" * 64: 9000})
    assert not found("review_too_quick", reviewed(0.1))  # the draft cannot be read: nothing is said


def test_an_expert_left_out_after_speaking_is_found() -> None:
    def chosen(n: int, *names: str) -> Act:
        return act(n, "select_experts", experts=[{"name": {"name": name}, "chosen": True} for name in names])

    spoke = act(2, "file_expert_opinion", expert={"name": "龙䶮"}, conclusion="disagree")
    (left,) = found("expert_left_out", case("A", chosen(1, "龙䶮", "马㛃"), spoke, chosen(3, "马㛃", "袁屿")))
    assert "龙䶮" in left.say and [one.entry for one in left.evidence] == ["e3", "e2"]
    assert not found("expert_left_out", case("A", chosen(1, "龙䶮"), spoke, chosen(3, "龙䶮", "袁屿")))


@pytest.mark.parametrize(("draws", "hits"), [(4, 1), (3, 0), (0, 0)])
def test_experts_drawn_a_fourth_time_are_found(draws: int, hits: int) -> None:
    assert len(found("drawn_again", case("A", act(1, "select_experts", draws=draws)))) == hits
    assert not found("drawn_again", case("B", act(1, "select_experts")))  # no draw in this house


@pytest.mark.parametrize(("levels", "cases", "hits"), [(["low"], 5, 1), (["low"], 4, 0), (["low", "high"], 5, 0)])
def test_risks_that_are_always_low_are_found(levels: list[str], cases: int, hits: int) -> None:
    risks = [{"point": "风险", "level_after": one} for one in levels]
    histories = [case(str(n), act(1, "report_risk", unit="平安评估公司", risks=risks)) for n in range(cases)]
    assert len(found("risk_always_low", *histories)) == hits


@pytest.mark.parametrize(("short", "full", "hits"), [(3, 1, 1), (2, 0, 0), (3, 4, 0)])
def test_a_unit_that_shortens_as_a_habit_is_found(short: int, full: int, hits: int) -> None:
    histories = [case(f"S{n}", act(1, "publish_notice", deviations=["period_30_days"])) for n in range(short)]
    histories += [case(f"F{n}", act(1, "publish_notice")) for n in range(full)]
    assert len(found("notice_often_short", *histories)) == hits


def test_a_matter_left_out_and_one_of_nearly_the_same_name_are_put_side_by_side() -> None:
    out = case("A", act(1, "exclude"), title="幸福里小区停车位改造一期工程")
    again = case("B", act(1, "propose"), title="幸福里小区停车位改造二期工程", opened=START + timedelta(days=60))
    (alike,) = found("left_out_and_alike", out, again)
    assert alike.no == "A" and "二期" in alike.say
    later = replace(again.facts, opened=START + timedelta(days=400))
    assert not found("left_out_and_alike", out, replace(again, facts=later))


def test_a_review_that_claims_to_lie_before_its_packet_is_found() -> None:
    sent, early = act(1, "accept_packet", hours=72), START + timedelta(hours=1)
    (turned,) = alone(case("A", sent, act(2, "conclude_legal_review", hours=80, happened=early)), "inverted")
    assert (
        turned.level == "breach"
        and [one.entry for one in turned.evidence] == ["e2", "e1"]
        and "早于它的前提" in turned.say
    )
    on_time = START + timedelta(hours=74)
    assert not alone(case("A", sent, act(2, "conclude_legal_review", hours=80, happened=on_time)), "inverted")


def test_a_paper_entered_after_the_decision_is_found() -> None:
    decided = act(1, "decide_approve", hours=48)
    late = act(2, "file_expert_opinion", hours=300, happened=START + timedelta(hours=2))
    (crossed,) = alone(case("A", decided, late), "crossed")
    assert crossed.level == "sign" and "决定通过" in crossed.say and crossed.evidence[1].entry == "e1"
    assert not alone(case("A", act(1, "decide_approve", hours=48), act(2, "interpret", hours=300)), "crossed")


def test_many_days_entered_in_one_sitting_are_found() -> None:
    def sat(count: int) -> History:
        days = (START - timedelta(days=n + 1) for n in range(count))
        return case(
            "A", *(act(n + 1, "record_statement", hours=1 + n / 10, happened=day) for n, day in enumerate(days))
        )

    (bulk,) = alone(sat(5), "bulk")
    assert "补录了 5 件" in bulk.say and len(bulk.evidence) == 5
    assert not alone(sat(4), "bulk")


# ---- the file, and the table of failures


def file(tmp_path: Path, change: dict[str, Any]) -> files.Source:
    whole = yaml.safe_load((Path(shipped.paths.WORKFLOWS) / "watches.yaml").read_text("utf-8"))
    text = yaml.safe_dump({**whole, **change}, allow_unicode=True, sort_keys=False)
    return files.read(text, "watches.yaml")


@pytest.mark.parametrize(
    ("change", "say"),
    [({"failures": [{"id": "F-06", "title": "x", "gates": ["no_such_gate"]}]}, "没有关卡“no_such_gate”"),
     ({"failures": [{"id": "F-06", "title": "x", "checks": ["no_such_check"]}]}, "没有检查“no_such_check”"),
     ({"failures": [{"id": "F-06", "title": "x"}]}, "没有写明靠什么"),
     ({"watches": [{"id": "a", "watch": "often", "title": "x", "gates": ["nope"], "cases": 3, "share": "1/2",
                    "rules": ["D713-25"], "say": "x"}]}, "没有关卡“nope”"),
     ({"watches": [{"id": "a", "watch": "same_words", "title": "x", "action": "conclude_legal_review", "fields": ["nope"],
                    "rules": ["D713-49"], "say": "x"}]}, "没有填写项“nope”"),
     ({"watches": [{"id": "a", "watch": "alike", "title": "x", "actions": ["nope"], "days": 3, "rules": ["X-1"],
                    "say": "x"}]}, "没有动作“nope”")],
)  # fmt: skip
def test_a_watch_that_leads_nowhere_is_refused_at_its_line(tmp_path: Path, change: dict[str, Any], say: str) -> None:
    with pytest.raises(BadInput) as refused:
        watch.read(file(tmp_path, {"failures": [], **change}), NATIONAL, PAPERS)
    assert any(say in one.say for one in refused.value.problems) and all(one.line for one in refused.value.problems)


def test_every_failure_of_the_list_is_there_and_named_once() -> None:
    assert [one.id for one in shipped_watches().failures] == [f"F-{n:02}" for n in range(1, 35)]


def test_every_gate_against_a_failure_is_seen_to_stop_somebody() -> None:
    tried = set()
    for path in TABLES:
        for row in yaml.safe_load(path.read_text("utf-8")).get("rows", []):
            if row.get("gate") and row["then"] != "taken":
                tried.add(row["gate"])
    named = {gate for one in shipped_watches().failures for gate in one.gates}
    assert named - tried == set()
