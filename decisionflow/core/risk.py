"""Risk points by likelihood and impact (art. 23): their level, and the square of five by five on which they lie.

The Regulation asks whether a risk can be controlled and leaves the scale open; five steps each, multiplied, in three
levels, is product policy (DF-RISK) and shown as such. A point that was not measured has no level: never a low one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Level: TypeAlias = Literal["low", "medium", "high", ""]
STEPS = range(1, 6)
MEDIUM, HIGH = 5, 15  # the least product of each level
TITLES: dict[Level, str] = {"low": "低", "medium": "中", "high": "高", "": "没有评定"}
MARKS: dict[Level, str] = {"low": "○", "medium": "△", "high": "■", "": "？"}  # told apart without colour
_WORSE: tuple[Level, ...] = ("", "low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a point lies: likelihood and impact from 1 to 5, 0 when nobody said."""

    probability: int = 0
    impact: int = 0

    @property
    def score(self) -> int:
        return self.probability * self.impact

    @property
    def known(self) -> bool:
        return self.score > 0


@dataclass(frozen=True, slots=True)
class Risk:
    """A risk point by its number in the list: where it lies at first, and after the measures."""

    n: int
    point: str
    first: Place
    after: Place
    said_after: Level = ""
    measured: bool = False

    @property
    def level(self) -> Level:
        return level(self.first)

    @property
    def level_after(self) -> Level:
        """After the measures: by where it then lies, else as the assessor says in words."""
        return level(self.after) if self.after.known else self.said_after


def level(place: Place) -> Level:
    """Low, medium or high; '' when likelihood or impact is not said."""
    if not place.known:
        return ""
    return "high" if place.score >= HIGH else "medium" if place.score >= MEDIUM else "low"


def worst(levels: Iterable[Level]) -> Level:
    """The worst of some levels; '' when there are none, or when one is not known and no other is high."""
    found = list(levels)
    if "high" in found:
        return "high"
    return "" if not found or "" in found else max(found, key=_WORSE.index)


def read(rows: Iterable[Mapping[str, Any]]) -> tuple[Risk, ...]:
    """The rows of a risk report (columns `point`, `probability`, `impact`, `…_after`, `level_after`, `measure`) as points."""
    return tuple(
        Risk(
            n, str(row.get("point", "")), place(row, ""), place(row, "_after"), _level(row.get("level_after")),
            bool(row.get("measure")),
        )
        for n, row in enumerate(rows, 1)
    )  # fmt: skip


def place(row: Mapping[str, Any], suffix: str) -> Place:
    """Likelihood and impact as a row says them; 0 for what is missing or not a step."""
    return Place(_step(row.get(f"probability{suffix}")), _step(row.get(f"impact{suffix}")))


def _step(value: object) -> int:
    number = int(value) if isinstance(value, str) and value.isdigit() else value
    return number if isinstance(number, int) and number in STEPS else 0


def _level(value: object) -> Level:
    return next((one for one in _WORSE if one == value), "")


def hints(risks: Sequence[Risk]) -> list[str]:
    """What an assessor should look at again; none of it bars anything."""
    found = []
    unmeasured = [one.n for one in risks if not one.measured]
    if unmeasured:
        found.append(f"{_numbers(unmeasured)} 没有写明防范措施（第二十三条第二款要求提出防范措施和处置预案）")
    if unknown := [one.n for one in risks if not one.first.known]:
        found.append(f"{_numbers(unknown)} 没有评定概率或者影响，不画在图上")
    if lowered := [one.n for one in risks if one.level == "high" and one.level_after == "low" and not one.measured]:
        found.append(f"{_numbers(lowered)} 由高降为低，却没有措施，请说明理由")
    if len(risks) > 2 and all(one.level == "low" for one in risks):
        found.append("全部风险点都是低，请看看是不是漏掉了什么")
    return found


def _numbers(numbers: Iterable[int]) -> str:
    return "风险点 " + "、".join(map(str, numbers))


# ---- the picture ---------------------------------------------------------------------------------------------

CELL, LEFT, TOP, MOST = 60, 52, 24, 4  # MOST: numbers that fit into a cell


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the square, in pixels: its level, and the numbers that lie in it."""

    x: int
    y: int
    probability: int
    impact: int
    level: Level
    numbers: tuple[int, ...]
    says: str


@dataclass(frozen=True, slots=True)
class Arrow:
    """From where a point lay at first to where it lies after the measures."""

    n: int
    x1: int
    y1: int
    x2: int
    y2: int


@dataclass(frozen=True, slots=True)
class Square:
    """The drawing of five by five: what `templates/documents/risk.svg` needs, and nothing else."""

    cells: tuple[Cell, ...]
    arrows: tuple[Arrow, ...]
    rows: tuple[tuple[int, str], ...]  # y and word of each likelihood
    columns: tuple[tuple[int, str], ...]  # x and word of each impact
    width: int
    height: int
    described: str
    cell: int = CELL


def square(risks: Sequence[Risk], likelihoods: Mapping[str, str], impacts: Mapping[str, str]) -> Square:
    """The points on the square, likelihood upwards, impact to the right; arrows lead to where the measures bring them."""
    cells = tuple(_cell(risks, p, i) for p in reversed(STEPS) for i in STEPS)
    arrows = tuple(_arrow(one) for one in risks if one.first.known and one.after.known and one.first != one.after)
    side = 5 * CELL
    return Square(
        cells, arrows, tuple((_y(p) + CELL // 2 + 5, likelihoods.get(str(p), str(p))) for p in STEPS),
        tuple((_x(i) + CELL // 2, impacts.get(str(i), str(i))) for i in STEPS), LEFT + side + 8, TOP + side + 44,
        "；".join(_told(one) for one in risks) or "还没有风险点",
    )  # fmt: skip


def _cell(risks: Sequence[Risk], probability: int, impact: int) -> Cell:
    here = Place(probability, impact)
    numbers = tuple(one.n for one in risks if one.first == here)
    shown = "、".join(map(str, numbers[:MOST])) + ("…" if len(numbers) > MOST else "")
    return Cell(_x(impact), _y(probability), probability, impact, level(here), numbers, shown)


def _arrow(one: Risk) -> Arrow:
    """Drawn at the right of the cells, clear of their words, and apart for points that go the same way."""
    shift = CELL - 6 - (one.n - 1) % 3 * 5
    x1, y1 = _x(one.first.impact) + shift, _y(one.first.probability) + 36
    x2, y2 = _x(one.after.impact) + shift, _y(one.after.probability) + 50
    return Arrow(one.n, x1, y1, x2, y2)


def _told(one: Risk) -> str:
    words = f"{one.n} {one.point}：{TITLES[one.level]}"
    return words + (f"，措施后{TITLES[one.level_after]}" if one.level_after else "")


def _x(impact: int) -> int:
    return LEFT + (impact - 1) * CELL


def _y(probability: int) -> int:
    return TOP + (5 - probability) * CELL
