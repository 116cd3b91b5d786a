"""Every rule of the registry acts somewhere, or it is said why not; and what is said to act does."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest

from decisionflow.core import fields, step
from decisionflow.core import procedure as law
from decisionflow.core.trial import Do, at_ten, opened
from decisionflow.errors import BadInput
from decisionflow.service import procedures, shipped
from decisionflow.service.reads import coverage

HOUSE = Path(__file__).parents[2]


@lru_cache(maxsize=1)
def all_shipped() -> dict[str, law.Procedure]:
    return {one.name: one for one in map(procedures.read, shipped.procedure_files())}


@lru_cache(maxsize=1)
def lines() -> dict[str, coverage.Line]:
    return coverage.coverage(all_shipped().values(), shipped.registry(), coverage.known_elsewhere())


def test_every_rule_acts_somewhere_or_it_is_said_why_not() -> None:
    assert [name for name, line in lines().items() if line.state == "missing"] == []


def test_what_a_procedure_does_is_not_said_a_second_time() -> None:
    twice = [one.rule for one in coverage.known_elsewhere() if lines()[one.rule].places]
    assert twice == []
    assert {one.rule for one in coverage.known_elsewhere()} <= set(shipped.registry().rules)


def test_the_page_of_the_reference_is_the_one_that_the_files_give() -> None:
    said = (HOUSE / "docs" / "reference" / "rules.md").read_text("utf-8").splitlines()
    assert said == list(coverage.markdown(lines())), "run: decisionflow procedures coverage > docs/reference/rules.md"


def test_nothing_from_memory_is_enforced_except_in_an_example() -> None:
    for name, line in lines().items():
        if line.state == "enforced" and line.rule.confirmed == "memory" and line.instrument.rank != "product":
            gates = [p for p in line.places if p.kind == "gate" and p.strength != "may"]
            for place in gates:
                gate = next(g for g in all_shipped()[place.procedure].gates if g.say == place.say)
                rules = all_shipped()[place.procedure].rules
                sure = any(rules[rule].confirmed != "memory" for rule in gate.rules)
                assert sure or all_shipped()[place.procedure].example, (name, place)


@pytest.mark.parametrize("name", sorted(all_shipped()))
def test_an_input_that_a_rule_demands_is_missed_when_it_is_absent(name: str) -> None:
    procedure = all_shipped()[name]
    for action in procedure.actions:
        demanded = [spec for spec in action.fields if spec.required and spec.rules]
        if not demanded:
            continue
        with pytest.raises(BadInput) as caught:
            fields.read(action.fields, {}, now=at_ten("2025-03-03"))
        missed = {(problem.place, problem.rule) for problem in caught.value.problems}
        assert {(spec.id, spec.rules[0]) for spec in demanded} <= missed, action.id


@pytest.mark.parametrize("name", sorted(all_shipped()))
def test_a_paper_that_a_rule_demands_is_missed_when_it_is_absent(name: str) -> None:
    procedure = all_shipped()[name]
    facts = opened(procedure, Do(procedure.opening, "2025-03-03", "x", {"title": "某事"}))
    for action in procedure.actions:
        wanted = {f"material.{paper.kind}" for paper in action.materials if paper.required and not paper.if_}
        there = {action.track: action.source[0], **{track: stages[0] for track, stages in action.when.items()}}
        here = replace(facts, stages={**facts.stages, **there})
        command = step.Command(
            action.id, Do(action.id, "2025-03-03", action.by[0]).party, at_ten("2025-03-03").date(), {}, (), None
        )
        outcome = step.decide(procedure, command, here, shipped.calendar())
        if wanted:
            assert isinstance(outcome, step.Refused)
            assert wanted <= {finding.code for finding in outcome.blocking}, action.id


def test_a_coverage_file_that_says_nothing_or_twice_is_refused_with_its_lines() -> None:
    with pytest.raises(BadInput) as caught:
        coverage.read("format: 1\nelsewhere:\n  - {rule: T-01, where: explained}\n", "c.yaml")
    assert "why" in caught.value.problems[0].say
    with pytest.raises(BadInput) as caught:
        coverage.read("format: 1\nelsewhere:\n" + "  - {rule: T-01, where: explained, why: 甲}\n" * 2, "c.yaml")
    assert [(one.rule, one.line) for one in caught.value.problems] == [("rule-twice", 4)]
