"""Decision tables for jurists: a situation in, a verdict out, in plain data.

    table: 1
    procedure: normative-document@2022.1
    acts:                                  # every act once, under a name
      notice: {do: publish_notice, on: 2023-03-01, by: drafter, with: {ends_on: 2023-03-31}}
    before:                                # what had been done, each history may go on from another
      heard: [opened, notice, closed]
    rows:
      - {rule: NRM-06, when: 审核机构只有四个工作日, after: heard, act: request, with: {wanted_by: 2023-04-10},
         gate: review_time, then: {refused: [NRM-06]}}
      - {rule: NRM-06, when: 审核机构有五个工作日, after: heard, act: request, then: taken}
      - {rule: INF-05, when: 收到申请, after: [received], clock: answer_due, on: 2024-03-04, then: {due: 2024-04-01}}

A table may go on from the acts and histories of another (`uses`, a file beside it), some days later
(`shift`: 1456 days are four years on the same weekdays).

`then` is ``taken``, ``{hints: [rules]}`` (at least these; ``[]``: none at all), ``{refused: [rules]}`` (exactly
these bar it), ``{invalid: [fields]}``, or for a clock ``{due: day}`` or ``{state: stopped}``. In `with` a
value ``~`` takes a field away, and ``text:一稿`` is the digest of that text. No database: a table is played by `core.trial`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BeforeValidator, Field

from decisionflow.core import calendar as days
from decisionflow.core import clocks, trial
from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.core.facts import Facts
from decisionflow.core.step import Refused
from decisionflow.core.trial import Do
from decisionflow.errors import BadInput, DecisionflowError, Problem

Plain: TypeAlias = dict[str, Any]


class Act(files.Frozen):
    """An act under a name."""

    do: str
    on: date
    by: str
    with_: Plain = Field(default={}, alias="with")
    papers: law.Words = ()
    text: str = ""
    person: str = ""
    entered: str = ""
    evidence: str = ""


class Varied(files.Frozen):
    """An act of the list, with something else in it this time."""

    act: str
    on: date | None = None
    by: str = ""
    with_: Plain = Field(default={}, alias="with")
    papers: law.Words | None = None
    text: str | None = None
    person: str = ""
    entered: str = ""
    evidence: str = ""


def _as_varied(value: object) -> object:
    return {"act": value} if isinstance(value, str) else value


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


Steps = Annotated[tuple[Annotated[Varied, BeforeValidator(_as_varied)], ...], BeforeValidator(_as_list)]


class Then(files.Frozen):
    """What is to come of it: exactly one."""

    refused: law.Words | None = None
    hints: law.Words | None = None
    invalid: law.Words | None = None
    due: date | None = None
    state: Literal["running", "stopped", "done"] | None = None

    def __str__(self) -> str:
        found = self.model_dump(exclude_none=True)
        return "；".join(f"{key} {', '.join(map(str, v)) if isinstance(v, tuple) else v}" for key, v in found.items())


class Row(Varied):
    """One line of the table."""

    rule: law.RuleId
    when: str
    after: Steps = ()
    act: str = ""
    gate: str = ""
    clock: str = ""
    then: Literal["taken"] | Then


class Table(files.Frozen):
    """A table file."""

    table: Literal["1"]
    procedure: str
    note: str = ""
    uses: str = ""
    shift: int = 0
    acts: dict[str, Act] = {}
    before: dict[str, Steps] = {}
    rows: tuple[Row, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a row. `said` is in the words of `then`; `codes` are the gates that barred it, `hinted` hinted."""

    n: int
    row: Row
    met: bool
    said: str
    codes: tuple[str, ...] = ()
    hinted: tuple[str, ...] = ()


@dataclass(slots=True)
class Reading:
    """A table with the places of its parts."""

    table: Table
    source: files.Source


def read(source: files.Source, used: Table | None = None) -> Reading:
    """A table file, joined to the one it `uses`. Raises BadInput with every name that leads nowhere."""
    table = files.parse(Table, source)
    if used is not None:
        moved = {name: _moved(act, table.shift) for name, act in used.acts.items()}
        before = {name: tuple(_moved(step, table.shift) for step in steps) for name, steps in used.before.items()}
        table = table.model_copy(update={"acts": {**moved, **table.acts}, "before": {**before, **table.before}})
    problems: list[Problem] = []

    def known(steps: Iterable[Varied], *path: str | int) -> None:
        for n, one in enumerate(steps):
            if one.act not in table.acts and one.act not in table.before:
                problems.append(source.problem((*path, n), f"acts、before 里都没有“{one.act}”", "act"))

    for name, steps in table.before.items():
        known(steps, "before", name)
    for n, row in enumerate(table.rows):
        known(row.after, "rows", n, "after")
        if bool(row.act) == bool(row.clock):
            problems.append(source.problem(("rows", n), "每行写明一个动作（act）或者一个时钟（clock）", "row"))
        elif row.act and row.act not in table.acts:
            problems.append(source.problem(("rows", n, "act"), f"acts 里没有“{row.act}”", "act"))
        elif row.clock and row.on is None:
            problems.append(source.problem(("rows", n), "看时钟的行须写明哪一天（on）", "row"))
    if problems:
        raise BadInput(problems)
    return Reading(table, source)


def run(reading: Reading, procedure: law.Procedure, calendar: days.Calendar) -> tuple[Verdict, ...]:
    """The verdict of every row. Raises BadInput when a history that rows stand on cannot be played."""
    return tuple(Runner(reading, procedure, calendar).verdicts())


@dataclass(slots=True)
class Runner:
    """A table played under a procedure; histories that rows share are played once."""

    reading: Reading
    procedure: law.Procedure
    calendar: days.Calendar
    known: dict[tuple[str, ...], Facts] = field(default_factory=dict)

    def verdicts(self) -> Iterator[Verdict]:
        """Row by row."""
        for n, row in enumerate(self.reading.table.rows):
            yield self.verdict(n, row)

    def verdict(self, n: int, row: Row) -> Verdict:
        """What comes of one row."""
        facts = self.history(row.after, ("rows", n, "after"))
        if row.clock:
            return self.timed(n, row, facts)
        act = _done(self.reading.table.acts[row.act], row)
        try:
            facts = facts or trial.opened(self.procedure, act)
            outcome = trial.attempt(self.procedure, self.calendar, facts, act)
        except BadInput as fault:
            places = tuple(sorted({problem.place for problem in fault.problems}))
            wanted = row.then.invalid if isinstance(row.then, Then) else None
            return Verdict(n, row, wanted is not None and set(wanted) == set(places), str(Then(invalid=places)))
        if isinstance(outcome, Refused):
            rules = tuple(dict.fromkeys(finding.rule for finding in outcome.blocking))
            codes = tuple(finding.code for finding in outcome.blocking)
            wanted = row.then.refused if isinstance(row.then, Then) else None
            met = wanted is not None and set(wanted) == set(rules) and (not row.gate or row.gate in codes)
            return Verdict(
                n, row, met, str(Then(refused=rules)) + f"（{'；'.join(f.say for f in outcome.blocking)}）", codes
            )
        hints = tuple(dict.fromkeys(finding.rule for finding in outcome.hints))
        hinted = tuple(finding.code for finding in outcome.hints)
        if row.then == "taken":
            return Verdict(n, row, True, "taken", hinted=hinted)
        wanted = row.then.hints
        met = wanted is not None and (set(wanted) <= set(hints) if wanted else not hints)
        met = met and (not row.gate or row.gate in hinted)
        return Verdict(n, row, met, str(Then(hints=hints)), hinted=hinted)

    def timed(self, n: int, row: Row, facts: Facts | None) -> Verdict:
        """What a clock shows on a day."""
        ledger = clocks.ledger(self.procedure, facts, self.calendar, row.on) if facts and row.on else ()
        found = next((one for one in ledger if one.clock == row.clock), None)
        if found is None or not isinstance(row.then, Then):
            return Verdict(n, row, False, "没有起算")
        told = Then(due=found.due_on) if row.then.due else Then(state=found.state)
        return Verdict(n, row, told == row.then, str(Then(due=found.due_on, state=found.state)))

    def history(self, steps: Iterable[Varied], place: files.Path) -> Facts | None:
        """The facts after the named steps; None when there are none."""
        key: tuple[str, ...] = ()
        facts: Facts | None = None
        for act in self.spread(steps):
            key = (*key, repr(act))
            if key not in self.known:
                try:
                    self.known[key] = trial.play(self.procedure, self.calendar, [act], facts)
                except (trial.Refusal, DecisionflowError) as fault:
                    said = "；".join(map(str, fault.problems)) if isinstance(fault, BadInput) else str(fault)
                    raise BadInput(
                        [self.reading.source.problem(place, f"前面的步骤走不通：{said}", "history")]
                    ) from fault
            facts = self.known[key]
        return facts

    def spread(self, steps: Iterable[Varied]) -> Iterator[Do]:
        """Named histories written out."""
        table = self.reading.table
        for one in steps:
            if one.act in table.before:
                yield from self.spread(table.before[one.act])
            else:
                yield _done(table.acts[one.act], one)


A = TypeVar("A", Act, Varied)


def _moved(act: A, by: int) -> A:
    """The same act some days later, dates among its fields included."""

    def move(value: Any) -> Any:
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            return (date.fromisoformat(value) + timedelta(days=by)).isoformat()
        if isinstance(value, dict):
            return {key: move(item) for key, item in value.items()}
        return [move(item) for item in value] if isinstance(value, list) else value

    changes = {"with_": move(act.with_), "entered": move(act.entered)}
    if isinstance(act.on, date):
        changes["on"] = act.on + timedelta(days=by)
    return act.model_copy(update=changes)


def _done(act: Act, varied: Varied) -> Do:
    """An act with its variations."""
    given = {key: _meant(value) for key, value in {**act.with_, **varied.with_}.items() if value != "~"}
    base = Do(act.do, act.on.isoformat(), act.by, given, act.papers, act.text, act.person, act.entered, act.evidence)
    changes: Mapping[str, Any] = {
        "on": varied.on.isoformat() if varied.on else None, "by": varied.by or None, "papers": varied.papers,
        "text": varied.text, "person": varied.person or None, "entered": varied.entered or None,
        "evidence": varied.evidence or None,
    }  # fmt: skip
    return replace(base, **{key: value for key, value in changes.items() if value is not None})


def _meant(value: Any) -> Any:
    return trial.digest(value.removeprefix("text:")) if isinstance(value, str) and value.startswith("text:") else value


def without(procedure: law.Procedure, gate: str) -> law.Procedure:
    """The same procedure with one gate taken off every action: what a row that hangs on it must notice."""
    actions = tuple(
        action.model_copy(update={"gates": tuple(name for name in action.gates if name != gate)})
        for action in procedure.actions
    )
    bare = law.Procedure.model_construct(**{**dict(procedure), "actions": actions})
    return law.load(bare.canonical)
