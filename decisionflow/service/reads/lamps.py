"""Lamps and locks as people read them: computed when looked at, never stored (LAW §0.3, SCREENS 1.4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from decisionflow.core import calendar as days
from decisionflow.core import clocks
from decisionflow.core.gates import Finding

ORDER = {"red": 0, "yellow": 1, "green": 2, "lock": 3, "stopped": 4, "none": 5}


@dataclass(frozen=True, slots=True)
class Light:
    """A lamp: its kind, what it says, and whether its date rests on a year without a calendar."""

    kind: str
    text: str
    due_on: date | None = None
    provisional: bool = False

    @property
    def order(self) -> tuple[int, date]:
        """How urgent, for sorting."""
        return ORDER[self.kind], self.due_on or date.max


NONE = Light("none", "无期限")


def of_clock(running: clocks.Running, on: date, calendar: days.Calendar) -> Light:
    """The lamp of a clock on a day, in the standard words."""
    kind, left = clocks.lamp(running, on, calendar), clocks.left(running, on, calendar)
    unit = "日" if running.unit == "day" else "个工作日"
    if kind == "none":
        return Light("none", f"已办结（{running.done_on}）", running.due_on)
    if kind == "stopped":
        return Light("stopped", f"已停钟：{running.pauses[-1].say}")
    late = f"已逾期 {-left} {unit}" if left else "已逾期"
    text = late if kind == "red" else f"还剩 {left} {unit}" if left else "今天到期"
    if running.provisional:
        text += "（暂估：放假安排未录入）"
    return Light(kind, text, running.due_on, running.provisional)


def of_lock(finding: Finding) -> Light | None:
    """The lock that a floor puts on an act: the earliest day, never red."""
    if finding.earliest_on is None:
        return None
    mark = "（暂估）" if finding.provisional else ""
    return Light("lock", f"最早 {finding.earliest_on:%m-%d} 可办{mark}", finding.earliest_on, finding.provisional)


def worst(lights: list[Light]) -> Light:
    """The most urgent of several lamps."""
    return min(lights, key=lambda light: light.order, default=NONE)
