"""What an answer to the public's opinions says of each of them: which point it lies in, and whether any was left out.

The rows of an answer (`point`, `disposition`) name the opinions they take in by number, as ``2-5,9``: the number at
the end of the receipt. How many those are, and how many lie nowhere, is counted here and never typed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, text

from decisionflow.core import procedure as law
from decisionflow.core import spans
from decisionflow.core.facts import Facts, Value, legal_date
from decisionflow.errors import BadInput, Problem
from decisionflow.service import consultations
from decisionflow.service.authorities import Authority
from decisionflow.store.tables.participation import Opinion

_RECEIVED = Opinion.__table__.c.received_at.type  # type: ignore[attr-defined]
_LATE = Opinion.__table__.c.late.type  # type: ignore[attr-defined]
_NUMBERS = text("""
    select seq, late, received_at from opinion where authority_id = :a and consultation_id = :c order by seq
""").columns(received_at=_RECEIVED, late=_LATE)


def rows_of(action: law.Action) -> law.FieldSpec | None:
    """The rows of an action that answers opinions; None for any other action."""
    return next((spec for spec in action.fields if {"point", "disposition"} <= {c.id for c in spec.columns}), None)


def settled(
    connection: Connection, authority: Authority, facts: Facts, action: law.Action, values: dict[str, Value]
) -> dict[str, Value]:  # fmt: skip
    """The values of an answer with everything counted; those of any other act unchanged. Raises BadInput."""
    spec = rows_of(action)
    wanted = [one.id for one in action.fields if one.computed == "unsettled"]
    if spec is None or not any(column.id == "opinions" for column in spec.columns):
        return values
    numbers = _numbers(connection, authority, facts)
    rows, problems = _counted(spec, values.get(spec.id), spans.of(numbers))
    if problems:
        raise BadInput(problems)
    taken = spans.together(members(row) for row in rows)
    left = sum(1 for number, in_time in numbers.items() if in_time and not spans.holds(taken, number))
    counted: dict[str, Value] = {**values, spec.id: rows} if rows else dict(values)
    return counted | dict.fromkeys(wanted, left)


def members(row: object) -> spans.Spans:
    """The numbers of the opinions that a row of an answer takes in."""
    words = row.get("opinions") if isinstance(row, Mapping) else None
    return numbered(words) if isinstance(words, str) else ()


@lru_cache(maxsize=2048)
def numbered(words: str) -> spans.Spans:
    """The numbers as a row has them; a long answer is asked for them again and again."""
    return spans.read(words)


def _numbers(connection: Connection, authority: Authority, facts: Facts) -> dict[int, bool]:
    """The number of each opinion of the case's newest consultation, and whether it came in time."""
    row = consultations.of_case(connection, authority.id, facts.case)
    if row is None or row["state"] == "withdrawn":
        return {}
    found = connection.execute(_NUMBERS, {"a": authority.id, "c": row["id"]})
    return {one.seq: not is_late(one.late, one.received_at, row["ends_on"]) for one in found}


def is_late(late: bool, received_at: Any, ends_on: date) -> bool:
    """Whether an opinion came after the last day as it stands now: an extension takes in what came before it."""
    return bool(late) and legal_date(received_at) > ends_on


def _counted(spec: law.FieldSpec, given: Value | None, known: spans.Spans) -> tuple[list[Value], list[Problem]]:
    rows: list[Value] = []
    problems: list[Problem] = []
    for n, row in enumerate(given if isinstance(given, list) else []):
        words = row.get("opinions") if isinstance(row, dict) else None
        if not isinstance(row, dict) or not isinstance(words, str):
            rows.append(row)
            continue
        found = list(_faults(words, row.get("count"), known))
        problems += [Problem(f"{spec.id}[{n}].{place}", say, rule="DF-OPINION") for place, say in found]
        if not found:
            mine = spans.read(words)
            rows.append({"count": spans.count(mine), **row, "opinions": spans.write(mine)})
    return rows, problems


def _faults(words: str, stated: object, known: spans.Spans) -> Iterator[tuple[str, str]]:
    """What is wrong with a row, by its column. It may count more than it names: those heard in other ways."""
    try:
        strangers = [
            number for first, last in spans.read(words) for number in (first, last) if not spans.holds(known, number)
        ]
        more = spans.count(spans.together([spans.read(words), known])) - spans.count(known)
    except ValueError as fault:
        yield "opinions", str(fault)
        return
    if more:
        named = f"（如 {strangers[0]}）" if strangers else ""
        yield "opinions", f"有 {more} 个编号{named}不是本次收到的意见；编号是回执号末尾的数字"
    if isinstance(stated, int) and stated < (least := spans.count(spans.read(words))):
        yield "count", f"条数填了 {stated}，包括的意见却有 {least} 条；条数可以不填，按编号计算"
