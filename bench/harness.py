"""Contenders take turns, round after round; what is printed is the ratio to the baseline of the same round.

A group is a list of contenders; the first is the baseline. A contender is a name and a function that is
prepared once (`setup`) and then asked to work for about `seconds`, giving how many units it did. Rounds
are interleaved, because the machine's speed drifts; the median of the rounds is quoted with its range.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

Work = Callable[[float], int]


@dataclass
class Contender:
    """One way of doing the work. `work(seconds)` does units until the time is over and says how many."""

    name: str
    work: Work
    note: str = ""
    rates: list[float] = field(default_factory=list)


@dataclass
class Group:
    """Contenders on the same work; the first is the limit that the others are held against."""

    title: str
    unit: str
    contenders: list[Contender]
    bar: str = ""
    close: Callable[[], None] = lambda: None


def run(group: Group, rounds: int, seconds: float) -> None:
    """Let every contender work once a round, after one round that is not counted."""
    for number in range(rounds + 1):
        for contender in group.contenders:
            gc.collect()
            start = time.perf_counter()
            done = contender.work(seconds)
            rate = done / (time.perf_counter() - start)
            if number:
                contender.rates.append(rate)


def table(group: Group) -> str:
    """The group's result as a Markdown table."""
    base = group.contenders[0]
    lines = [f"### {group.title}", "", f"| | {group.unit}/s | ratio to the limit | range |", "|---|---|---|---|"]
    for one in group.contenders:
        ratios = sorted(rate / limit for rate, limit in zip(one.rates, base.rates, strict=True))
        name = f"{one.name} ({one.note})" if one.note else one.name
        lines.append(
            f"| {name} | {statistics.median(one.rates):,.0f} | {statistics.median(ratios):.2f} |"
            f" {ratios[0]:.2f}–{ratios[-1]:.2f} |"
        )
    return "\n".join([*lines, "", group.bar, ""])


def until(seconds: float, one: Callable[[], object]) -> int:
    """Do `one` again and again for about `seconds`; how often."""
    end, done = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        one()
        done += 1
    return done
