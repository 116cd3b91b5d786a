"""Where findings lie: rules against units as a picture with numbers, how long units were late, and what was entered late."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from decisionflow.core import calendar as days
from decisionflow.core import clocks
from decisionflow.core.facts import Facts, legal_date
from decisionflow.core.watch import Finding, History

UNITS, SHORT = 10, 7  # columns of the picture; characters of a unit's name at its head
LEFT, TOP, WIDE, HIGH = 250, 40, 92, 34


@dataclass(frozen=True, slots=True)
class Cell:
    """How many findings a rule has in a unit; `x`, `y` in picture units, `shade` from 0 to 1."""

    rule: str
    unit: str
    count: int
    x: int
    y: int
    shade: float


@dataclass(frozen=True, slots=True)
class Heat:
    """The picture: rules by the number of findings, units likewise, the busiest only; `rest` are units left out."""

    rules: tuple[tuple[str, str], ...]
    units: tuple[str, ...]
    cells: tuple[Cell, ...]
    rest: int

    @property
    def width(self) -> int:
        return LEFT + WIDE * len(self.units)

    @property
    def height(self) -> int:
        return TOP + HIGH * len(self.rules)

    @property
    def heads(self) -> tuple[tuple[int, str], ...]:
        """Each unit's name, shortened, and where it stands."""
        return tuple((LEFT + WIDE * n + WIDE // 2, _short(unit)) for n, unit in enumerate(self.units))

    @property
    def sides(self) -> tuple[tuple[int, str, str], ...]:
        """Each rule with its article, and where it stands."""
        return tuple(
            (TOP + HIGH * n + HIGH // 2 + 5, rule, cite.partition("》")[2] or cite)
            for n, (rule, cite) in enumerate(self.rules)
        )

    @property
    def columns(self) -> list[dict[str, str]]:
        """The heads of the table."""
        return [{"title": "规则", "class": ""}, *({"title": unit, "class": "df-n"} for unit in self.units)]

    def rows(self) -> list[tuple[str, str, list[Cell | None]]]:
        """The table that says the same."""
        at = {(one.rule, one.unit): one for one in self.cells}
        return [(rule, cite, [at.get((rule, unit)) for unit in self.units]) for rule, cite in self.rules]


def heat(findings: Sequence[Finding]) -> Heat:
    """The picture of findings, each under the first rule that it names."""
    counts = Counter((one.rules[0], one.unit) for one in findings if one.rules and one.unit)
    cites = {one.rules[0]: one.cite for one in findings if one.rules}
    units, rules = Counter[str](), Counter[str]()
    for (rule, unit), n in counts.items():
        units[unit] += n
        rules[rule] += n
    columns = [unit for unit, _ in sorted(units.items(), key=lambda item: (-item[1], item[0]))]
    lines = [rule for rule, _ in sorted(rules.items(), key=lambda item: (-item[1], item[0]))]
    most = max(counts.values(), default=1)
    cells = tuple(
        Cell(rule, unit, counts[rule, unit], LEFT + WIDE * x, TOP + HIGH * y, round(0.12 + 0.4 * counts[rule, unit] / most, 2))
        for y, rule in enumerate(lines) for x, unit in enumerate(columns[:UNITS]) if counts[rule, unit]
    )  # fmt: skip
    shown = tuple((rule, cites[rule]) for rule in lines)
    return Heat(shown, tuple(columns[:UNITS]), cells, max(len(columns) - UNITS, 0))


@dataclass(frozen=True, slots=True)
class Delay:
    """How far a unit let clocks run out: how many, workdays together, and the longest with its case."""

    unit: str
    clocks: int
    workdays: int
    longest: int
    no: str
    title: str


def delays(histories: Iterable[History], calendar: days.Calendar, today: date) -> tuple[Delay, ...]:
    """The delay of each unit, the longest first; days are workdays after the day on which something was due."""
    found: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for one in histories:
        acts = {act.entry: act for act in one.facts.acts}
        for each in clocks.ledger(one.procedure, one.facts, calendar, today):
            end = each.done_on or today
            if each.due_on is not None and not each.provisional and end > each.due_on:
                length, _ = days.elapsed(calendar, each.due_on, end, "workday")
                unit = _holder(one.facts, each.duty) or acts[each.started_by].party.unit_name
                found[unit].append((length, one.facts.no, each.title))
    made = [Delay(unit, len(some), sum(n for n, _, _ in some), *max(some)) for unit, some in found.items()]
    return tuple(sorted(made, key=lambda one: (-one.workdays, one.unit)))


@dataclass(frozen=True, slots=True)
class Late:
    """An act entered after it happened, by its own account: when it claims to be, when it was recorded, days between."""

    no: str
    case: str
    entry: str
    title: str
    who: str
    claimed: date
    recorded: date
    gap: int


def late(histories: Iterable[History]) -> tuple[Late, ...]:
    """Every act entered late, the longest gap first."""
    found = [
        Late(one.facts.no, one.facts.title, act.entry, act.title, f"{act.party.unit_name} {act.party.name}".strip(), act.on,
             legal_date(act.recorded), (legal_date(act.recorded) - act.on).days)
        for one in histories for act in one.facts.acts if act.late
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: (-one.gap, one.no, one.entry)))


def _holder(facts: Facts, duty: str) -> str:
    held = facts.duties.get(duty, ())
    return str(held[0].get("name", "")) if held else ""


def _short(name: str) -> str:
    return name if len(name) <= SHORT else name[: SHORT - 1] + "…"
