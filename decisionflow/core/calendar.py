"""Statutory days: what a working day is, and where a period ends.

A working day is named as worked in the year's notice, or is Monday to Friday and not among its
holidays (LAW T-07). A year without a notice is *provisional*: we count Monday to Friday without the
fixed statutory days, and nothing may be opened on such a date (T-09b). Calendar-day periods never
need the table; only the rolled-over last day does.
"""

from __future__ import annotations

import hashlib
import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Literal, get_args

from decisionflow.core import source as files
from decisionflow.errors import BadInput, Problem

DAY = timedelta(days=1)
FORTNIGHT = 14 * DAY
Unit = Literal["day", "workday", "month", "year"]
Confirmed = Literal["source", "secondary", "memory", "derived"]

# Days fixed by the holiday measure itself (arts. 2, 3); the moon decides the others.
_FIXED = {(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)}
_NEW_DAYS = 2024  # 2 May is a statutory holiday since the 2025 calendar (T-08)
_WEEKDAYS = "一二三四五六日"
UNITS: Mapping[Unit, str] = {"day": "日", "workday": "个工作日", "month": "个月", "year": "年"}


class YearFile(files.Frozen):
    """One year's notice as it stands in `workflows/calendars`; one `over` another adds local holidays (T-09c)."""

    format: Literal["1"]
    calendar: str
    over: str = ""
    year: int
    version: int
    title: str
    number: str = ""
    issued: date | None = None
    confirmed: Confirmed
    confirmed_issue: Confirmed | None = None
    papers: tuple[str, ...] = ()
    holidays: dict[str, tuple[date, ...]]
    work: tuple[date, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Year:
    """The rest days and make-up days of one year by one version of its notice, or what a place adds `over` it."""

    calendar: str
    over: str
    year: int
    version: int
    title: str
    number: str
    issued: date | None
    off: Mapping[date, str]
    work: frozenset[date]
    digest: str


@dataclass(frozen=True)
class Calendar:
    """Official years under one name, the newest version of each; years without a notice are provisional."""

    name: str
    years: Mapping[int, Year] = field(default_factory=dict)
    versions: tuple[Year, ...] = ()

    def known(self, on: date) -> Calendar:
        """The calendar as it was known on a day: a later notice does not move what was already over (T-09)."""
        return assemble(self.name, self.versions, on)

    @property
    def index(self) -> str:
        """One line a year, oldest first: ``2024@1:<SHA-256 of its file>``. The text whose digest is the version."""
        return "".join(f"{year.year}@{year.version}:{year.digest}\n" for _, year in sorted(self.years.items()))

    @cached_property
    def version(self) -> str:
        """``CN#3f2a…``: the name and the first half of the index's SHA-256, stored with each counted date."""
        return f"{self.name}#{hashlib.sha256(self.index.encode()).hexdigest()[:32]}"

    def knows(self, day: date) -> bool:
        """Whether the day lies in a year with a notice."""
        return day.year in self.years

    def holiday(self, day: date) -> str:
        """The holiday's name, ``周末`` for a resting weekend, or '' for a working day."""
        year = self.years.get(day.year)
        if year is None:
            if (day.month, day.day) in _FIXED:
                return "法定节假日"
        elif day in year.work:
            return ""
        elif day in year.off:
            return year.off[day]
        return "周末" if day.weekday() >= 5 else ""

    def is_workday(self, day: date) -> bool:
        """True for a working day; a guess in a year the calendar does not know."""
        return not self.holiday(day)

    def is_makeup(self, day: date) -> bool:
        """A Saturday or Sunday that is worked (调休)."""
        return day.weekday() >= 5 and self.is_workday(day)


@dataclass(frozen=True, slots=True)
class Period:
    """A length of time in days, working days, months or years."""

    length: int
    unit: Unit

    def __str__(self) -> str:
        return f"{self.length} {self.unit}s"

    @property
    def say(self) -> str:
        """``30日``, ``7个工作日``, ``6个月`` or ``1年``."""
        return f"{self.length}{UNITS[self.unit]}"


@dataclass(frozen=True, slots=True)
class Count:
    """Where a period ends and how it was counted; the start day is never counted (T-01).

    `ends_on` is the raw last day, `rolls_to` the last day moved off a rest day (T-02, and T-10 for a
    period counted backwards: then it moves earlier). `provisional` says that `ends_on` rests on a
    year without a notice, `unknown_years` which; `rolls_provisional` says it of `rolls_to` alone.
    """

    starts_on: date
    period: Period
    ends_on: date
    rolls_to: date
    counted: tuple[date, ...]
    skipped: tuple[tuple[date, str], ...]
    provisional: bool
    rolls_provisional: bool
    unknown_years: tuple[int, ...]
    calendar: str


def period(text: str) -> Period:
    """``'30 days'``, ``'7 workdays'``, ``'6 months'`` or ``'1 year'`` as a Period. Raises ValueError for anything else."""
    found = re.fullmatch(r"([1-9][0-9]{0,3}) (day|workday|month|year)s?", text)
    if not found:
        raise ValueError("期限应写作“30 days”、“7 workdays”、“6 months”或“1 year”")
    unit = next(unit for unit in get_args(Unit) if unit == found[2])
    return Period(int(found[1]), unit)


def read_year(text: str, name: str) -> Year:
    """One year's file as a Year. Raises BadInput with every problem and its line."""
    source = files.read(text, name)
    parsed = files.parse(YearFile, source)
    off = {day: title for title, days in parsed.holidays.items() for day in days}
    problems = list(_wrong_days(source, parsed))
    if problems:
        raise BadInput(problems)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Year(
        parsed.calendar, parsed.over, parsed.year, parsed.version, parsed.title, parsed.number, parsed.issued, off,
        frozenset(parsed.work), digest,
    )  # fmt: skip


def _wrong_days(source: files.Source, parsed: YearFile) -> Iterator[Problem]:
    """Days outside of the year, named twice, worked and rested at once, and statutory days that are missing."""
    off = {day for days in parsed.holidays.values() for day in days}
    named: list[tuple[files.Path, date]] = [
        (("holidays", title), day) for title, days in parsed.holidays.items() for day in days
    ]
    named += [(("work",), day) for day in parsed.work]
    seen: set[date] = set()
    for place, day in named:
        if day.year != parsed.year:
            yield source.problem(place, f"{day} 不在{parsed.year}年内", "year")
        elif day in seen and place == ("work",) and day in off:
            yield source.problem(place, f"{day} 既放假又上班", "clash")
        elif day in seen:
            yield source.problem(place, f"{day} 写了两次", "doubled")
        seen.add(day)
    yield from (
        source.problem(("work",), f"{day} 不是周六或周日", "makeup")
        for day in parsed.work
        if day.weekday() < 5 and not parsed.over
    )
    if parsed.over:
        return
    yield from (source.problem(("holidays", title), f"“{title}”中间缺少 {day}（周{_WEEKDAYS[day.weekday()]}）", "missing")
                for title, days in parsed.holidays.items() for day in _gaps(days) if day not in off)  # fmt: skip
    for month, number in sorted(_FIXED):
        day = date(parsed.year, month, number)
        if day not in off and (parsed.year > _NEW_DAYS or (month, number) != (5, 2)):
            yield source.problem(("holidays",), f"缺少法定节假日 {day}", "missing")


def _gaps(days: Iterable[date]) -> Iterator[date]:
    """Mondays to Fridays inside one run of days off; New Year's days at the two ends of a year are two runs."""
    for day, following in pairwise(sorted(days)):
        if following - day < FORTNIGHT:
            yield from (one for n in range(1, (following - day).days) if (one := day + n * DAY).weekday() < 5)


def _over(base: Year, local: Year) -> Year:
    """A national year with what a place adds to it."""
    both = hashlib.sha256(f"{base.digest}{local.digest}".encode())
    return replace(
        base, calendar=local.calendar, version=local.version, title=f"{base.title}；{local.title}", digest=both.hexdigest(),
        off={**base.off, **local.off}, work=(base.work - local.off.keys()) | local.work,
    )  # fmt: skip


def assemble(name: str, years: Iterable[Year], known_on: date | None = None) -> Calendar:
    """The newest version of each year, local days laid over it; with `known_on`, what had been issued by that day."""
    versions = tuple(years)
    chosen: dict[bool, dict[int, Year]] = {False: {}, True: {}}
    for year in versions:
        late = known_on is not None and year.issued is not None and year.issued > known_on
        among = chosen[bool(year.over)]
        if not late and (year.year not in among or among[year.year].version < year.version):
            among[year.year] = year
    national = chosen[False]
    local = {key: _over(national[key], year) for key, year in chosen[True].items() if key in national}
    return Calendar(name, {**national, **local}, versions)


def add(calendar: Calendar, start: date, length: Period) -> Count:
    """The end of a period that starts on `start` (that day not counted)."""
    return _walk(calendar, start, length, DAY)


def before(calendar: Calendar, day: date, length: Period) -> Count:
    """The last day that lies at least a period before `day` (backward limit, T-10)."""
    return _walk(calendar, day, length, -DAY)


def has_passed(
    calendar: Calendar, start: date, until: date, length: Period, *, exclusive: bool = False
) -> tuple[bool, bool]:
    """Whether a whole period lies in (start, until], or strictly between them; and whether that is provisional."""
    if length.unit in ("month", "year"):
        last = until - DAY if exclusive else until
        return last >= add(calendar, start, length).ends_on, False
    given, unsure = elapsed(calendar, start, until, length.unit, exclusive=exclusive)
    return given >= length.length, unsure


def elapsed(calendar: Calendar, start: date, end: date, unit: Unit, *, exclusive: bool = False) -> tuple[int, bool]:
    """How many days of `unit` lie in (start, end], or strictly between them if `exclusive` (T-11).

    Returns the number and whether it is provisional. Negative spans count 0. Only days and working days can be counted.
    """
    last = end - DAY if exclusive else end
    if unit != "workday":
        return max((last - start).days, 0), False
    days = [start + DAY * n for n in range(1, max((last - start).days, 0) + 1)]
    return sum(calendar.is_workday(day) for day in days), any(not calendar.knows(day) for day in days)


def say_day(day: date) -> str:
    """``2026年12月2日（周三）``."""
    return f"{day.year}年{day.month}月{day.day}日（周{_WEEKDAYS[day.weekday()]}）"


def _walk(calendar: Calendar, start: date, length: Period, step: timedelta) -> Count:
    day = start
    counted: list[date] = []
    skipped: list[tuple[date, str]] = []
    if length.unit in ("month", "year"):
        day = _corresponding(start, length, 1 if step > timedelta() else -1)
    while length.unit in ("day", "workday") and len(counted) < length.length:
        day = _step(day, step)
        reason = calendar.holiday(day) if length.unit == "workday" else ""
        if reason:
            skipped.append((day, reason))
        else:
            counted.append(day)
    rolls = day
    while calendar.holiday(rolls):
        rolls = _step(rolls, step)
    unknown = {seen.year for seen in (*counted, *(d for d, _ in skipped)) if not calendar.knows(seen)}
    if length.unit != "workday":
        unknown = set()
    return Count(
        starts_on=start, period=length, ends_on=day, rolls_to=rolls, counted=tuple(counted), skipped=tuple(skipped),
        provisional=bool(unknown), rolls_provisional=bool(unknown) or not calendar.knows(rolls) or not calendar.knows(day),
        unknown_years=tuple(sorted(unknown)), calendar=calendar.version,
    )  # fmt: skip


def _corresponding(start: date, length: Period, sign: int) -> date:
    """The day of the same number some months on, or the last of that month (T-04)."""
    months = start.year * 12 + start.month - 1 + sign * length.length * (12 if length.unit == "year" else 1)
    year, month = divmod(months, 12)
    if not date.min.year <= year <= date.max.year:
        raise BadInput([Problem("start", "日期超出可计算的范围（0001年至9999年）", rule="range")])
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def _step(day: date, step: timedelta) -> date:
    try:
        return day + step
    except OverflowError as fault:
        raise BadInput([Problem("start", "日期超出可计算的范围（0001年至9999年）", rule="range")]) from fault
