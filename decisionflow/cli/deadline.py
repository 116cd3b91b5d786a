"""`decisionflow deadline`: where a statutory period ends, counted line by line."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import typer

from decisionflow.cli.app import both, leave, print_json, print_out
from decisionflow.core import calendar as days
from decisionflow.errors import EXIT_CANNOT_DECIDE, BadInput, NotFound, Problem
from decisionflow.service import shipped

KINDS = {"min": "最短期（锁）", "max": "最长期（钟）", "before": "提前期（倒算）"}


def deadline(
    start: Annotated[str, typer.Argument(help=both("起算日，如 2026-02-10（当日不计）", "start day, not counted"))],
    length: Annotated[int, typer.Option("--length", help=both("期限长度", "length"))],
    unit: Annotated[str, typer.Option("--unit", help="day | workday | month | year")] = "day",
    kind: Annotated[str, typer.Option("--kind", help="min | max | before")] = "min",
    calendar: Annotated[str, typer.Option("--calendar", help=both("日历名称", "calendar name"))] = "CN",
    known_on: Annotated[
        str, typer.Option("--known-on", help=both("按某日当时已知的放假安排计算", "as known on a day"))
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="JSON")] = False,
) -> None:
    """Count a period; exit 6 when it rests on a year without an official calendar."""
    count = counted(start, length, unit, kind, calendar, known_on)
    if as_json:
        print_json(document(count, kind))
    else:
        for line in lines(count, kind):
            print_out(line)
    leave(EXIT_CANNOT_DECIDE if count.provisional else 0)


def counted(start: str, length: int, unit: str, kind: str, name: str, known_on: str) -> days.Count:
    """The count that the options ask for. Raises BadInput with every option that is wrong."""
    problems: list[Problem] = []
    first, known = _day(start, "start", problems), _day(known_on, "known_on", problems) if known_on else None
    if unit not in days.UNITS:
        problems.append(Problem("unit", f"应当是 {'、'.join(days.UNITS)} 之一", rule="choice"))
    if kind not in KINDS:
        problems.append(Problem("kind", "应当是 min、max 或 before", rule="choice"))
    if not 0 < length <= 9999:
        problems.append(Problem("length", "应当是 1 到 9999 的整数", rule="range"))
    if problems or first is None:
        raise BadInput(problems)
    official = shipped.calendar(name, known)
    if not official.years:
        raise NotFound(f"no calendar {name}", say=f"没有名为 {name} 的工作日历")
    walk = days.before if kind == "before" else days.add
    return walk(official, first, days.period(f"{length} {unit}s"))


def _day(text: str, place: str, problems: list[Problem]) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        problems.append(Problem(place, f"“{text}”不是日期，应写作 2026-02-10", rule="date"))
        return None


def document(count: days.Count, kind: str) -> dict[str, Any]:
    """The count as JSON: the raw last day and the day it rolls to (DESIGN §10)."""
    return {
        "kind": kind, "unit": count.period.unit, "length": count.period.length, "starts_on": str(count.starts_on),
        "ends_on": str(count.ends_on), "rolls_to": str(count.rolls_to), "provisional": count.provisional,
        "rolls_provisional": count.rolls_provisional, "unknown_years": list(count.unknown_years),
        "calendar": count.calendar, "counted": [str(day) for day in count.counted],
        "skipped": [{"day": str(day), "why": why} for day, why in count.skipped],
    }  # fmt: skip


def lines(count: days.Count, kind: str) -> list[str]:
    """The count in words, as an official would check it by hand."""
    mark = f"  暂估：{'、'.join(map(str, count.unknown_years))}年放假安排未录入" if count.provisional else ""
    end = "最迟" if kind == "before" else "截止"
    found = [
        f"{end} {days.say_day(count.ends_on)}24:00   {count.period.say}，{KINDS[kind]}   日历 {count.calendar}{mark}"
    ]
    if count.rolls_to != count.ends_on:
        why = "前一工作日" if kind == "before" else "节假日后第一个工作日"
        unsure = "（暂估）" if count.rolls_provisional else ""
        found.append(f"  末日为休息日，顺延口径：{days.say_day(count.rolls_to)}（{why}）{unsure}")
    official = shipped.calendar(count.calendar.partition("#")[0])
    if count.period.unit == "workday":
        shown = [
            f"{day:%m-%d}" + (f"（{_week(day)}，调休上班）" if official.is_makeup(day) else "") for day in count.counted
        ]
        found.append("  计入 " + " ".join(shown))
    found.append(f"  不计 {count.starts_on:%m-%d}（起始日）" + "".join(f" {span}" for span in _spans(count)))
    return found


def _week(day: date) -> str:
    return "周" + "一二三四五六日"[day.weekday()]


def _spans(count: days.Count) -> list[str]:
    """Skipped days joined into runs, each with its reason."""
    spans: list[list[Any]] = []
    for day, why in sorted(count.skipped):
        if spans and spans[-1][2] == why and day - spans[-1][1] == days.DAY:
            spans[-1][1] = day
        else:
            spans.append([day, day, why])
    return [f"{a:%m-%d}（{why}）" if a == b else f"{a:%m-%d}…{b:%m-%d}（{why}）" for a, b, why in spans]
