"""The yearly catalogue: each item with its age and state, the cases started from it, and what is late (P-29).

A catalogue is a case of the procedure `decision-catalogue`. Its items are those of the draft that was published,
with every published adjustment laid over them. A case belongs to an item when its `catalogue_item` names it.
"""

from __future__ import annotations

import calendar as months
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts, legal_date
from decisionflow.service.reads.stored import Stored

PROCEDURE = "decision-catalogue"
State = Literal["decided", "going", "not_started", "stopped", "removed"]
STATES: Mapping[State, str] = {
    "decided": "已作出决策", "going": "正在办理", "not_started": "尚未启动", "stopped": "已终止", "removed": "已撤销",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Started:
    """A case started from an item, and where it stands."""

    no: str
    title: str
    stage: str
    state: State
    opened_on: date


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a catalogue. `changed`: what an adjustment did to it, with its reason."""

    no: str
    title: str
    unit: str
    class_title: str
    ordered: tuple[str, ...]
    planned: str
    listed_on: date | None
    changed: str
    reason: str
    removed: bool = False
    cases: tuple[Started, ...] = ()
    age: int = 0
    late: int = 0

    @property
    def state(self) -> State:
        """Where the item stands: the furthest of its cases."""
        if self.removed:
            return "removed"
        found = {case.state for case in self.cases}
        return next((state for state in ("decided", "going", "stopped") if state in found), "not_started")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A year's catalogue. Without `published_on` it is still a draft, and its items are only proposed."""

    no: str
    title: str
    year: int
    stage: str
    published_on: date | None
    consent: str
    adjusted: int
    items: tuple[Item, ...]

    def count(self, state: State) -> int:
        """How many items stand there."""
        return sum(item.state == state for item in self.items)

    @property
    def late(self) -> int:
        """How many items are past the month they were planned for."""
        return sum(bool(item.late) for item in self.items)


def catalogues(cases: Iterable[Stored], now: datetime) -> tuple[Catalogue, ...]:
    """Every catalogue of a government, the newest year first, its items with those of the cases that name them."""
    books: list[Stored] = []
    started: dict[str, list[Started]] = {}
    for one in cases:
        if is_catalogue(one.procedure):
            books.append(one)
        elif item := str(one.facts.matter.get("catalogue_item", "")).strip():
            started.setdefault(item, []).append(_started(one.procedure, one.facts))
    found = (_catalogue(one.procedure, one.facts, started, legal_date(now)) for one in books)
    return tuple(sorted(found, key=lambda one: (-one.year, one.no)))


def item(cases: Iterable[Stored], now: datetime, key: str) -> Item | None:
    """The item of a published catalogue that ``2026-9`` names: the ninth of that year; None when there is none."""
    year, _, no = key.partition("-")
    books = [book for book in catalogues(cases, now) if book.published_on and str(book.year) == year]
    return next((one for book in books for one in book.items if one.no == no and not one.removed), None)


def is_catalogue(procedure: law.Procedure) -> bool:
    """Whether a procedure is that of the yearly catalogue, or laid over it."""
    return PROCEDURE in (procedure.id, *(one.partition("@")[0] for one in procedure.built_from))


def _started(procedure: law.Procedure, facts: Facts) -> Started:
    track = next(iter(procedure.goal))
    stage = facts.stages[track]
    reached = any(act.track == track and act.after in ("decided", *procedure.goal[track]) for act in facts.acts)
    state: State = "decided" if reached else "stopped" if stage in procedure.tracks[track].failed else "going"
    return Started(facts.no, facts.title, procedure.tracks[track].stages[stage], state, legal_date(facts.opened))


def _catalogue(
    procedure: law.Procedure, facts: Facts, started: Mapping[str, list[Started]], today: date
) -> Catalogue:  # fmt: skip
    published = facts.last(["publish"])
    consent = facts.last(["record_consent"])
    year = int(str(facts.matter.get("year") or 0))
    titles = _class_titles(procedure)
    items = list(_items(facts, published.on if published else None, titles))
    adjusted = 0
    for changes, on in _adjustments(facts):
        adjusted += len(changes)
        items = list(_adjusted(items, changes, on, titles))
    track = next(iter(procedure.goal))
    return Catalogue(
        facts.no, facts.title, year, procedure.tracks[track].stages[facts.stages[track]], published.on if published else None,
        str(consent.fields.get("document_no", "")) if consent else "", adjusted,
        tuple(_with_cases(item, started, year, today) for item in items),
    )  # fmt: skip


def _class_titles(procedure: law.Procedure) -> Mapping[str, Any]:
    action = procedure.action("draft_catalogue")
    spec = action.field("items") if action else None
    return {column.id: column.choices for column in spec.columns} if spec else {}


def _rows(act: Act | None, field: str) -> Iterable[Mapping[str, Any]]:
    rows = act.fields.get(field) if act else None
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _items(facts: Facts, on: date | None, titles: Mapping[str, Any]) -> Iterator[Item]:
    for n, row in enumerate(_rows(facts.last(["draft_catalogue"]), "items"), 1):
        ordered = row.get("ordered") or ()
        yield Item(
            str(row.get("no") or n), str(row["title"]), str(row.get("unit", "")),
            titles.get("class", {}).get(row.get("class"), ""),
            tuple(titles.get("ordered", {}).get(one, one) for one in ordered), str(row.get("planned", "")), on, "", "",
        )  # fmt: skip


def _adjustments(facts: Facts) -> Iterator[tuple[list[Mapping[str, Any]], date]]:
    """The changes of each adjustment that was published, with the day."""
    proposed: Act | None = None
    for act in facts.acts:
        if act.action == "propose_adjustment":
            proposed = act
        elif act.action == "publish_adjustment":
            yield list(_rows(proposed, "changes")), act.on


KINDS = {"add": "增列", "remove": "撤销", "change": "变更", "postpone": "延期"}


def _adjusted(
    items: list[Item], changes: Iterable[Mapping[str, Any]], on: date, titles: Mapping[str, Any]
) -> Iterator[Item]:  # fmt: skip
    """The items with the changes laid over them; what is changed but not there is added."""
    by_title = {str(one["title"]): one for one in changes}
    for item in items:
        one = by_title.pop(item.title, None)
        if one is None:
            yield item
            continue
        yield replace(
            item, changed=f"{on} {KINDS.get(str(one['kind']), '')}", reason=str(one.get("reason", "")),
            removed=one["kind"] == "remove", unit=str(one.get("unit") or item.unit),
            planned=str(one.get("planned") or item.planned),
            class_title=titles.get("class", {}).get(one.get("class"), item.class_title),
        )  # fmt: skip
    for n, (title, one) in enumerate(by_title.items(), len(items) + 1):
        klass = titles.get("class", {}).get(one.get("class"), "")
        yield Item(str(n), title, str(one.get("unit", "")), klass, (), str(one.get("planned", "")), on, f"{on} 增列",
                   str(one.get("reason", "")), one["kind"] == "remove")  # fmt: skip


def _with_cases(item: Item, started: Mapping[str, list[Started]], year: int, today: date) -> Item:
    found = started.get(item.title, [])
    if item.no and not found:
        found = [*started.get(f"{year}-{item.no}", []), *started.get(f"{year}年第{item.no}项", [])]
    whole = replace(item, cases=tuple(found), age=(today - item.listed_on).days if item.listed_on else 0)
    until = _until(item.planned)
    late = (today - until).days if until and until < today and whole.state in ("going", "not_started") else 0
    return replace(whole, late=late)


def _until(planned: str) -> date | None:
    """The last day of a year or month as catalogues write it: 2021, 2021-12, 2021年12月, 2021-12-05."""
    numbers = [
        int(part)
        for part in planned.replace("年", "-").replace("月", "-").replace("日", "").split("-")
        if part.isdigit()
    ]
    try:
        if len(numbers) == 1 and numbers[0] > 1900:
            return date(numbers[0], 12, 31)
        if len(numbers) == 2:
            return date(numbers[0], numbers[1], months.monthrange(numbers[0], numbers[1])[1])
        return date(*numbers[:3]) if len(numbers) == 3 else None
    except (ValueError, months.IllegalMonthError):
        return None
