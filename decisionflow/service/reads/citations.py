"""Citations against the calendar: was what was cited in force on the day, and is it still?

An act cites the rules of its procedure and, in a draft, the texts that the drafter listed. A text cited before
it took effect, or after it had ended, is found; so is an instrument of the registry that cites another too early.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts
from decisionflow.core.gates import as_day
from decisionflow.service.reads.stored import Stored

Fault = Literal["not-yet", "ended", "later-text"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A citation that does not fit its day: where, of what, and why."""

    where: str
    what: str
    on: date
    fault: Fault
    say: str


@dataclass(frozen=True, slots=True)
class Affected:
    """A case that rests on an instrument: by its procedure, or by the list of bases of its draft."""

    no: str
    title: str
    stage: str
    ended: bool
    how: str


def of_registry(registry: law.Registry) -> Iterator[Finding]:
    """Instruments that cite another before it took effect."""
    for instrument in registry.sources.values():
        for name in instrument.cites:
            other = registry.sources[name]
            if instrument.issued and other.effective and instrument.issued < other.effective:
                say = f"《{instrument.title}》（{instrument.issued}）引用的《{other.title}》自{other.effective}起施行，"
                yield Finding(instrument.title, other.title, instrument.issued, "not-yet", f"{say}当时尚未生效")


def of_case(procedure: law.Procedure, facts: Facts) -> Iterator[Finding]:
    """Every citation of a case that does not fit the day of its act; the same one is told once."""
    told: set[tuple[str, str]] = set()
    for act in facts.acts:
        for found in (*_rules(procedure, act), *_bases(act)):
            if (found.what, found.fault) not in told:
                told.add((found.what, found.fault))
                yield found


def _rules(procedure: law.Procedure, act: Act) -> Iterator[Finding]:
    action = procedure.action(act.action)
    if action is None:
        return
    for name in dict.fromkeys((*action.rules, *(rule for gate in procedure.gates_of(action) for rule in gate.rules))):
        instrument = procedure.sources[procedure.rules[name].source]
        found = _misfit(instrument.effective, instrument.expires, act.on)
        if found is None and instrument.effective is None and instrument.issued and instrument.issued > act.on:
            say = f"{act.title}（{act.on}）引用的《{instrument.title}》是{instrument.issued}的文本，当时的条号可能不同"
            yield Finding(act.title, instrument.title, act.on, "later-text", say)
        elif found is not None:
            yield Finding(
                act.title,
                instrument.title,
                act.on,
                found[0],
                f"{act.title}（{act.on}）引用的《{instrument.title}》{found[1]}",
            )


def _bases(act: Act) -> Iterator[Finding]:
    for value in act.fields.values():
        for row in value if isinstance(value, list) else ():
            if isinstance(row, Mapping) and "title" in row and ("valid_from" in row or "valid_to" in row):
                found = _misfit(as_day(row.get("valid_from")), as_day(row.get("valid_to")), act.on)
                if found is not None:
                    title = str(row["title"])
                    yield Finding(
                        act.title, title, act.on, found[0], f"{act.title}（{act.on}）所列依据“{title}”{found[1]}"
                    )


def _misfit(begins: date | None, ends: date | None, on: date) -> tuple[Fault, str] | None:
    if begins is not None and begins > on:
        return "not-yet", f"自{begins}起施行，当时尚未生效"
    if ends is not None and ends < on:
        return "ended", f"已于{ends}失效"
    return None


def affected(cases: Iterable[Stored], name: str) -> Iterator[Affected]:
    """The open cases and the issued decisions that rest on an instrument (its key or title): who must look again
    when it is changed or repealed."""
    for one in cases:
        procedure, facts = one.procedure, one.facts
        how = list(_rests(procedure, facts, name))
        if how:
            track = next(iter(procedure.goal))
            stage = procedure.tracks[track].stages.get(facts.stages[track], "")
            yield Affected(facts.no, facts.title, stage, one.ended, "；".join(how))


def _rests(procedure: law.Procedure, facts: Facts, name: str) -> Iterator[str]:
    for key, instrument in procedure.sources.items():
        if name in (key, instrument.title):
            yield f"所用程序 {procedure.name} 以它为依据"
    for title in dict.fromkeys(_listed(facts)):
        if name in title or title in name:
            yield f"草案的依据清单列有“{title}”"


def _listed(facts: Facts) -> Iterable[str]:
    for act in facts.acts:
        for value in act.fields.values():
            for row in value if isinstance(value, list) else ():
                if isinstance(row, Mapping) and isinstance(row.get("title"), str) and _is_base(row):
                    yield str(row["title"])


def _is_base(row: Mapping[str, Any]) -> bool:
    return bool({"valid_from", "valid_to", "number"} & row.keys()) or set(row) == {"title"}


def ended_bases(cases: Iterable[Stored], on: date) -> Iterator[tuple[str, Finding]]:
    """Bases of open cases and issued decisions that have ended by a day, with the case number."""
    for facts in (one.facts for one in cases):
        seen: set[str] = set()
        for act in reversed(facts.acts):
            for value in act.fields.values():
                for row in value if isinstance(value, list) else ():
                    if not isinstance(row, Mapping) or "title" not in row:
                        continue
                    title, until = str(row["title"]), as_day(row.get("valid_to"))
                    if until is not None and until < on and title not in seen:
                        seen.add(title)
                        yield facts.no, Finding(act.title, title, on, "ended", f"依据“{title}”已于{until}失效")
