"""What a decision on paper shows, as far as whoever entered it wrote down in fields: compared with the law of its day.

A record of such a decision has no gates and is not judged by later law (P-02): a rule that was not in force on the day of
the decision is not asked for. What is found is a hint with its entries; how certain the entry is stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Literal

from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts, legal_date

OPENING, FACT, DECIDED = "record_matter", "record_fact", "decided_on"
Test = Literal["short_without_reason", "not_found", "entered_after", "tied", "dated_after", "chief_not_last"]


def in_force(procedure: law.Procedure, rules: tuple[str, ...], on: date) -> bool:
    """Whether every rule's source had taken effect on a day and had not expired."""
    sources = [procedure.sources[procedure.rules[rule].source] for rule in rules]
    return all((one.effective or on) <= on and (one.expires is None or on < one.expires) for one in sources)


def decided_on(facts: Facts) -> date | None:
    """The day that the papers give for the decision; None when there is none."""
    opening = next((act for act in facts.acts if act.action == OPENING), None)
    return day(opening.fields.get(DECIDED)) if opening else None


def shown(facts: Facts, kind: str, test: Test, days: int, decided: date) -> Iterator[tuple[Act, str]]:
    """The entries of a kind that fail a test, with what shows it."""
    for act in facts.acts:
        if act.action == FACT and act.fields.get("kind") == kind:
            found = _TESTS[test](act, act.fields, days, decided)
            if found:
                yield act, found


def day(value: Any) -> date | None:
    """A day as a field holds it."""
    return value if isinstance(value, date) else date.fromisoformat(str(value)) if value else None


def _short(_: Act, fields: Mapping[str, Any], days: int, decided: date) -> str:
    since, until = day(fields.get("happened_on")), day(fields.get("ends_on"))
    if since is None or until is None or fields.get("short_reason") or (until - since).days >= days:
        return ""
    return f"{since} 公告，{until} 截止，{(until - since).days} 日"


def _missing(_: Act, fields: Mapping[str, Any], days: int, decided: date) -> str:
    return f"清点：{fields.get('source', '')}" if fields.get("found") == "none" else ""


def _entered(act: Act, fields: Mapping[str, Any], days: int, decided: date) -> str:
    dated, entered = day(fields.get("happened_on")), legal_date(act.recorded)
    if not act.late or dated is None or dated > decided or entered <= decided:
        return ""
    return f"落款 {dated}，决定 {decided}，登记 {entered}，相隔 {(entered - decided).days} 日"


def _tied(_: Act, fields: Mapping[str, Any], days: int, decided: date) -> str:
    return "；".join(f"{_name(one)}：{one['ties']}" for one in _persons(fields) if one.get("ties"))


def _after(_: Act, fields: Mapping[str, Any], days: int, decided: date) -> str:
    dated = day(fields.get("happened_on"))
    return f"审查意见 {dated}，决定 {decided}" if dated is not None and dated > decided else ""


def _chief(_: Act, fields: Mapping[str, Any], days: int, decided: date) -> str:
    turns = [(int(one["turn"]), one) for one in _persons(fields) if one.get("turn")]
    last = max((n for n, _ in turns), default=0)
    chiefs = [(n, one) for n, one in turns if one.get("chief") == "yes" and n < last]
    return "；".join(f"{_name(one)}第 {n} 个发言，共 {last} 人" for n, one in chiefs)


def _persons(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in fields.get("persons") or () if isinstance(one, dict)]


def _name(row: Mapping[str, Any]) -> str:
    value = row.get("name", "")
    return str(value.get("name", "")) if isinstance(value, dict) else str(value)


_TESTS = {"short_without_reason": _short, "not_found": _missing, "entered_after": _entered, "tied": _tied,
          "dated_after": _after, "chief_not_last": _chief}  # fmt: skip
