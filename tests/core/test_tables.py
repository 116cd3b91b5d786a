"""Tables for jurists: every row comes out as it says, every gate has a row on both sides of its limit."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import pytest

from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.core import tables
from decisionflow.errors import BadInput
from decisionflow.service import procedures, shipped

FOLDER = Path(__file__).parents[1] / "procedures"


@lru_cache(maxsize=1)
def tried() -> dict[str, procedures.Tried]:
    """Every table by the name of its file: a procedure may have several."""
    found = ((path.stem, procedures.try_table(path)) for path in sorted(FOLDER.glob("*.yaml")))
    return {stem: one for stem, one in found if one is not None}


@lru_cache(maxsize=1)
def all_shipped() -> dict[str, law.Procedure]:
    return {one.name: one for one in map(procedures.read, shipped.procedure_files())}


NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml") if re.search(r"^table: 1$", path.read_text("utf-8"), re.M))


def of(stem: str) -> procedures.Tried:
    return tried()[stem]


def all_of(stem: str) -> list[procedures.Tried]:
    """Every table of the procedure that this table is about."""
    return [one for one in tried().values() if one.procedure.name == of(stem).procedure.name]


def base_of(procedure: law.Procedure) -> law.Procedure | None:
    """What an overlay was built on; None for a file that stands alone."""
    return all_shipped()[procedure.built_from[-2].partition("#")[0]] if procedure.built_from else None


def own_gates(procedure: law.Procedure) -> list[law.Gate]:
    """The gates that a procedure has of its own: all of them, or what an overlay adds and changes."""
    base = base_of(procedure)
    return [gate for gate in procedure.gates if base is None or _demands(base.gate(gate.id)) != _demands(gate)]


def _demands(gate: law.Gate | None) -> object:
    """What a gate asks for; an article cited besides changes nothing."""
    return gate.model_copy(update={"rules": ()}) if gate else None


@pytest.mark.parametrize("stem", NAMES)
def test_every_row_comes_out_as_it_says(stem: str) -> None:
    bad = [(v.row.rule, v.row.when, str(v.row.then), v.said) for v in of(stem).verdicts if not v.met]
    assert bad == []


@pytest.mark.parametrize("stem", NAMES)
def test_every_gate_that_bars_has_a_row_on_both_sides(stem: str) -> None:
    one = of(stem)
    barring = {gate.id for gate in own_gates(one.procedure) if gate.strength != "may"}
    assert barring - {code for each in all_of(stem) for verdict in each.verdicts for code in verdict.codes} == set()
    taken = {
        each.reading.table.acts[v.row.act].do
        for each in all_of(stem)
        for v in each.verdicts
        if v.row.act and not v.codes
    }
    done = {act.do for each in all_of(stem) for act in each.reading.table.acts.values()}
    for gate in barring:
        users = {action.id for action in one.procedure.actions if gate in action.gates}
        assert users & (taken | done), gate


@pytest.mark.parametrize("stem", NAMES)
def test_every_gate_that_hints_has_a_row_with_its_hint_and_one_without(stem: str) -> None:
    one = of(stem)
    verdicts = [verdict for each in all_of(stem) for verdict in each.verdicts]
    hinting = {
        gate.id
        for gate in own_gates(one.procedure)
        if gate.strength == "may" and getattr(gate, "at_least", "") != "none"  # no limit: it never hints
    }
    assert hinting - {code for verdict in verdicts for code in verdict.hinted} == set()
    for gate in hinting:
        users = {action.id for action in one.procedure.actions if gate in action.gates}
        done = {act.do for each in all_of(stem) for act in each.reading.table.acts.values()}
        assert users & done, gate
        assert any(verdict.said != "" and gate not in verdict.hinted for verdict in verdicts), gate


@pytest.mark.parametrize("stem", NAMES)
def test_a_row_that_is_refused_hangs_on_its_gate(stem: str) -> None:
    """With the gate taken away the row comes out otherwise: no row is refused by accident."""
    one = of(stem)
    rows = [v for v in one.verdicts if v.row.gate and one.procedure.gate(v.row.gate)]
    for verdict in rows:
        weak = tables.without(one.procedure, verdict.row.gate)
        again = tables.Runner(one.reading, weak, shipped.calendar()).verdict(verdict.n, verdict.row)
        assert verdict.row.gate not in (*again.codes, *again.hinted), verdict.row.when
        assert again.said != verdict.said or verdict.row.gate in verdict.hinted


@pytest.mark.parametrize("stem", NAMES)
def test_every_clock_of_its_own_has_a_row(stem: str) -> None:
    one = of(stem)
    base = base_of(one.procedure)
    known = base.clocks if base else ()
    own = {clock.id for clock in one.procedure.clocks if clock not in known}
    assert own - {verdict.row.clock for each in all_of(stem) for verdict in each.verdicts} == set()


def test_every_shipped_procedure_has_its_table() -> None:
    without = {"cn-record-only@2010"}  # it has no gates
    assert set(all_shipped()) - {one.procedure.name for one in tried().values()} == without


def test_a_table_with_names_that_lead_nowhere_is_refused_whole() -> None:
    text = """
table: 1
procedure: normative-document@2022.1
acts: {a: {do: propose, on: 2023-01-03, by: drafter}}
before: {x: [b]}
rows:
  - {rule: NRM-01, when: 甲, after: [y], act: a, then: taken}
  - {rule: NRM-01, when: 乙, act: c, then: taken}
  - {rule: NRM-01, when: 丙, clock: review_ceiling, then: {due: 2023-01-09}}
"""
    with pytest.raises(BadInput) as caught:
        tables.read(files.read(text, "t.yaml"))
    assert [(one.place, one.rule) for one in caught.value.problems] == [
        ("before.x[0]", "act"), ("rows[0].after[0]", "act"), ("rows[1].act", "act"), ("rows[2]", "row")]  # fmt: skip


def test_a_row_that_comes_out_otherwise_is_said_with_what_came() -> None:
    one = of("normative-document")
    row = one.reading.table.rows[0].model_copy(update={"then": "taken"})
    verdict = tables.Runner(one.reading, one.procedure, shipped.calendar()).verdict(0, row)
    assert not verdict.met and "NRM-03" in verdict.said
