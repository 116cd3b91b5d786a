"""Statutory days: the vectors of the law files, years without a notice, and what must hold for any period."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisionflow.core import calendar as days
from decisionflow.core.calendar import Period, period
from decisionflow.errors import BadInput
from tests.core.play import WORKFLOWS, official

CN = official()


def d(text: str) -> date:
    return date.fromisoformat(text)


# ---- vectors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "length", "ends_on", "rolls_to"),
    [
        ("2024-09-27", "7 workdays", "2024-10-12", "2024-10-12"),  # 29 September and 12 October are worked
        ("2025-01-23", "7 workdays", "2025-02-08", "2025-02-08"),  # 26 January and 8 February are worked
        ("2016-05-16", "7 workdays", "2016-05-25", "2016-05-25"),  # plain weeks
        ("2024-09-01", "30 days", "2024-10-01", "2024-10-08"),  # National Day
        ("2025-01-01", "30 days", "2025-01-31", "2025-02-05"),  # Spring Festival
        ("2023-03-06", "30 days", "2023-04-05", "2023-04-06"),  # Qingming; a real notice closed on the 5th
        ("2026-11-02", "30 days", "2026-12-02", "2026-12-02"),
        ("2026-11-23", "7 workdays", "2026-12-02", "2026-12-02"),
        ("2026-02-10", "7 workdays", "2026-02-26", "2026-02-26"),  # over the Spring Festival; the 14th is worked
    ],
)
def test_a_period_ends_where_the_law_files_say(start: str, length: str, ends_on: str, rolls_to: str) -> None:
    count = days.add(CN, d(start), period(length))

    assert (count.ends_on, count.rolls_to) == (d(ends_on), d(rolls_to))
    assert not count.provisional
    assert d(start) not in count.counted  # T-01
    assert count.counted[-1] == count.ends_on


@pytest.mark.parametrize(
    ("start", "end", "elapsed"),
    [
        ("2024-11-14", "2025-01-13", 60),
        ("2026-01-12", "2026-01-31", 19),
        ("2022-11-18", "2022-11-24", 6),
        ("2023-03-06", "2023-04-05", 30),
        ("2026-11-02", "2026-11-23", 21),
        ("2024-03-01", "2024-03-01", 0),
        ("2024-03-02", "2024-03-01", 0),
    ],
)
def test_days_between_two_dates_leave_the_first_day_out(start: str, end: str, elapsed: int) -> None:
    assert days.elapsed(CN, d(start), d(end), "day") == (elapsed, False)


def test_on_23_november_nine_days_of_a_notice_until_2_december_are_left() -> None:
    assert days.elapsed(CN, d("2026-11-23"), d("2026-12-02"), "day") == (9, False)


def test_the_notice_of_22_march_2019_moved_a_deadline_that_had_been_computed() -> None:  # T-09
    three = period("3 workdays")

    before = days.add(CN.known(d("2019-03-21")), d("2019-04-26"), three)
    after = days.add(CN.known(d("2019-03-22")), d("2019-04-26"), three)

    assert (before.ends_on, after.ends_on) == (d("2019-05-02"), d("2019-04-30"))
    assert before.calendar != after.calendar
    assert days.add(CN, d("2019-04-26"), three).ends_on == d("2019-04-30")


@pytest.mark.parametrize(
    ("year", "version", "issued"),
    [(2019, 1, "2018-12-06"), (2019, 2, "2019-03-22"), (2020, 1, "2019-11-21"), (2020, 2, "2020-01-27")],
)
def test_of_each_year_the_version_counts_that_had_been_issued(year: int, version: int, issued: str) -> None:
    assert CN.known(d(issued)).years[year].version == version
    older = CN.known(d(issued) - timedelta(days=1)).years.get(year)
    assert (older.version if older else 0) == version - 1


def test_seven_workdays_given_to_the_reviewer_lie_between_packet_and_meeting() -> None:  # T-11
    received = d("2024-09-27")

    assert days.elapsed(CN, received, d("2024-10-14"), "workday", exclusive=True) == (7, False)
    assert days.elapsed(CN, received, d("2024-10-12"), "workday", exclusive=True) == (6, False)
    assert days.elapsed(CN, received, d("2024-10-12"), "workday") == (7, False)


def test_papers_seven_days_before_a_hearing_move_to_an_earlier_working_day() -> None:  # T-10
    count = days.before(CN, d("2025-05-08"), period("7 days"))

    assert (count.ends_on, count.rolls_to) == (d("2025-05-01"), d("2025-04-30"))


def test_make_up_days_of_2026() -> None:
    day, found = d("2026-01-01"), []
    while day.year == 2026:
        if CN.is_makeup(day):
            found.append(f"{day:%m-%d}")
        day += days.DAY
    assert found == ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]


@pytest.mark.parametrize(
    ("day", "say"),
    [
        ("2024-10-01", "国庆节"),
        ("2024-09-29", ""),  # Sunday, worked
        ("2024-09-28", "周末"),
        ("2024-09-27", ""),
        ("2027-01-01", "法定节假日"),
        ("2027-05-02", "法定节假日"),  # a statutory day since the text of 2024 (T-08)
        ("2027-01-02", "周末"),
        ("2027-01-04", ""),
    ],
)
def test_a_rest_day_is_called_by_its_name(day: str, say: str) -> None:
    found = CN.holiday(d(day))
    assert say in found if say else found == ""
    assert CN.is_workday(d(day)) is (not say)


# ---- years without a notice --------------------------------------------------------------------------------


def test_working_days_that_reach_a_year_without_a_notice_are_provisional() -> None:  # T-09b
    count = days.add(CN, d("2026-12-25"), period("7 workdays"))

    assert count.provisional
    assert count.rolls_provisional
    assert count.unknown_years == (2027,)


def test_working_days_that_end_before_that_year_are_not() -> None:
    count = days.add(CN, d("2026-12-21"), period("7 workdays"))

    assert (count.ends_on, count.provisional, count.unknown_years) == (d("2026-12-30"), False, ())


def test_calendar_days_are_never_provisional_but_the_rolled_day_is() -> None:  # PRACTICE §1.12
    count = days.add(CN, d("2026-12-10"), period("30 days"))

    assert (count.ends_on, count.provisional, count.unknown_years) == (d("2027-01-09"), False, ())
    assert count.rolls_provisional
    assert days.elapsed(CN, d("2026-12-10"), d("2027-01-09"), "day") == (30, False)


def test_elapsed_working_days_say_when_they_rest_on_an_unknown_year() -> None:
    assert days.elapsed(CN, d("2026-12-30"), d("2027-01-04"), "workday")[1]
    assert not days.elapsed(CN, d("2026-12-28"), d("2026-12-31"), "workday")[1]


def test_counting_past_the_last_day_there_is_answers_with_a_sentence() -> None:
    with pytest.raises(BadInput, match="超出可计算的范围"):
        days.add(CN, d("9999-12-25"), period("30 days"))
    with pytest.raises(BadInput, match="超出可计算的范围"):
        days.before(CN, d("0001-01-05"), period("30 days"))


@pytest.mark.parametrize(
    "text",
    ["", "0 days", "-3 days", "7", "7 weeks", "07 days", "7  days", "7 days ", "7.5 days", "10000 days", "７ days"],
)
def test_a_period_is_written_one_way(text: str) -> None:
    with pytest.raises(ValueError, match="30 days"):
        period(text)


def test_a_period_says_itself() -> None:
    assert (period("30 days").say, period("7 workdays").say, str(period("1 day"))) == ("30日", "7个工作日", "1 days")


# ---- reading a year's file ---------------------------------------------------------------------------------

YEAR = """\
format: 1
calendar: CN
year: 2031
version: 1
title: 国务院办公厅关于2031年部分节假日安排的通知
issued: 2030-11-10
confirmed: source
holidays:
  元旦: [2031-01-01]
  劳动节、国庆节: [2031-05-01, 2031-05-02, 2031-10-01, 2031-10-02, 2031-10-03]
work: [2031-01-04]
"""


def test_a_year_is_what_its_file_says() -> None:
    year = days.read_year(YEAR, "CN-2031@1.yaml")
    calendar = days.assemble("CN", [year])

    assert calendar.holiday(d("2031-01-01")) == "元旦"
    assert calendar.is_makeup(d("2031-01-04"))
    assert calendar.index == f"2031@1:{year.digest}\n"
    assert calendar.version.startswith("CN#") and len(calendar.version) == 35


@pytest.mark.parametrize(
    ("old", "new", "rule", "line"),
    [
        ("元旦: [2031-01-01]", "元旦: [2031-01-01, 2030-12-31]", "year", 9),
        ("元旦: [2031-01-01]", "元旦: [2031-01-02]", "missing", 9),
        ("元旦: [2031-01-01]", "元旦: [2031-01-01, 2031-01-01]", "doubled", 9),
        ("work: [2031-01-04]", "work: [2032-01-03]", "year", 11),
        ("work: [2031-01-04]", "work: [2031-01-06]", "makeup", 11),  # a Monday
        ("work: [2031-01-04]", "work: [2031-01-04]\n  # again\nholidays: {}", "duplicate-key", 13),
        ("元旦: [2031-01-01]", "元旦: [2031-01-01, 2031-01-02, 2031-01-03, 2031-01-04]", "clash", 11),
        ("元旦: [2031-01-01]", "元旦: [2031-01-01, 2031-01-03]", "missing", 9),
        ("year: 2031", "year: MMXXXI", "format", 3),
        ("calendar: CN\n", "", "format", 1),
        ("confirmed: source", "confirmed: surely", "format", 7),
        ("version: 1", "version: 1\nextra: 1", "format", 5),
    ],
)
def test_a_wrong_year_file_is_refused_at_its_line(old: str, new: str, rule: str, line: int) -> None:
    with pytest.raises(BadInput) as caught:
        days.read_year(YEAR.replace(old, new), "x.yaml")

    assert [(problem.rule, problem.line) for problem in caught.value.problems] == [(rule, line)]


def test_every_fault_of_a_year_file_is_said_at_once() -> None:
    wrong = YEAR.replace("[2031-01-01]", "[2031-01-01, 2030-12-31]").replace("[2031-01-04]", "[2031-01-06, 2031-01-01]")

    with pytest.raises(BadInput) as caught:
        days.read_year(wrong, "x.yaml")

    assert sorted(problem.rule for problem in caught.value.problems) == ["clash", "makeup", "makeup", "year"]


def test_the_version_of_a_calendar_changes_with_any_of_its_years() -> None:
    one = days.read_year(YEAR, "x.yaml")
    other = days.read_year(YEAR.replace("元旦: [2031-01-01]", "元旦: [2031-01-01, 2031-01-02]"), "x.yaml")

    assert days.assemble("CN", [one]).version != days.assemble("CN", [other]).version
    assert days.assemble("CN", [one]).version == days.assemble("CN", [one]).version


# ---- what holds for any period -----------------------------------------------------------------------------

DATES = st.dates(d("2007-02-01"), d("2026-06-30"))
UNITS = st.sampled_from(["day", "workday"])
PERIODS = st.builds(Period, st.integers(1, 90), UNITS)


@given(DATES, PERIODS)
def test_what_is_added_has_elapsed(start: date, length: Period) -> None:
    end = days.add(CN, start, length)

    assert days.elapsed(CN, start, end.ends_on, length.unit)[0] == length.length
    assert days.elapsed(CN, start, end.ends_on - days.DAY, length.unit)[0] == length.length - 1  # and not a day earlier
    assert len(end.counted) == length.length
    assert {*end.counted, *(day for day, _ in end.skipped)} == set(_between(start, end.ends_on))


@given(DATES, PERIODS)
def test_counting_back_mirrors_counting_on(start: date, length: Period) -> None:
    end = days.add(CN, start, length).ends_on
    back = days.before(CN, end, length).ends_on

    assert back == start or (length.unit == "workday" and not CN.is_workday(start) and back < start)
    assert days.add(CN, back, length).ends_on == end


@given(DATES, st.integers(0, 60), UNITS)
def test_exclusive_leaves_the_last_day_out(start: date, span: int, unit: days.Unit) -> None:
    end = start + timedelta(days=span)
    inclusive, without = (days.elapsed(CN, start, end, unit, exclusive=out)[0] for out in (False, True))

    counts = span > 0 and (unit == "day" or CN.is_workday(end))
    assert inclusive - without == int(counts)


@given(DATES, PERIODS, PERIODS)
def test_a_longer_period_never_ends_earlier(start: date, one: Period, other: Period) -> None:
    longer = Period(one.length + other.length, one.unit)

    assert days.add(CN, start, longer).ends_on > days.add(CN, start, one).ends_on
    assert days.add(CN, start + days.DAY, one).ends_on >= days.add(CN, start, one).ends_on


@given(DATES, PERIODS)
def test_rolling_over_gives_the_first_working_day_not_earlier(start: date, length: Period) -> None:
    count = days.add(CN, start, length)

    assert CN.is_workday(count.rolls_to)
    assert count.rolls_to >= count.ends_on
    assert not any(CN.is_workday(day) for day in _between(count.ends_on - days.DAY, count.rolls_to - days.DAY))


def _between(start: date, end: date) -> Iterable[date]:
    """The days after `start` up to `end`."""
    return (start + days.DAY * n for n in range(1, (end - start).days + 1))


@lru_cache(maxsize=1)
def _texts() -> tuple[str, ...]:
    return tuple(path.read_text("utf-8") for path in sorted((WORKFLOWS / "calendars").glob("*.yaml")))


def test_the_order_in_which_years_are_read_does_not_matter() -> None:
    years = [days.read_year(text, "x.yaml") for text in _texts()]

    assert days.assemble("CN", reversed(years)).version == days.assemble("CN", years).version == CN.version


# ---- months, years, and days that a place adds ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "length", "ends"),
    [
        ("2024-01-31", "1 month", "2024-02-29"),
        ("2023-01-31", "1 month", "2023-02-28"),
        ("2024-03-15", "6 months", "2024-09-15"),
        ("2020-02-29", "1 year", "2021-02-28"),
        ("2019-05-06", "5 years", "2024-05-06"),
    ],
)
def test_months_and_years_end_on_the_corresponding_day_or_the_last(start: str, length: str, ends: str) -> None:
    count = days.add(CN, d(start), period(length))
    assert count.ends_on == d(ends) and not count.provisional
    assert days.has_passed(CN, d(start), d(ends), period(length)) == (True, False)
    assert days.has_passed(CN, d(start), d(ends) - days.DAY, period(length)) == (False, False)


LOCAL = """\
format: 1
calendar: CN-NX
over: CN
year: 2031
version: 1
title: 自治区关于2031年民族节日放假的通知（虚构）
issued: 2030-12-20
confirmed: memory
holidays:
  开斋节: [2031-01-24]
work: [2031-01-25]
"""


def test_a_place_adds_days_of_its_own_to_the_national_calendar() -> None:
    national, local = days.read_year(YEAR, "CN-2031@1.yaml"), days.read_year(LOCAL, "CN-NX-2031@1.yaml")
    plain, mine = days.assemble("CN", [national]), days.assemble("CN-NX", [national, local])

    assert plain.is_workday(d("2031-01-24")) and not plain.is_workday(d("2031-01-25"))
    assert mine.holiday(d("2031-01-24")) == "开斋节" and mine.is_workday(d("2031-01-25"))
    assert mine.holiday(d("2031-01-01")) == "元旦"
    assert mine.version != plain.version
    assert days.assemble("CN-NX", [national, local], d("2030-12-01")).is_workday(d("2031-01-24"))  # not known yet
    assert days.assemble("CN-NX", [local]).years == {}  # nothing to lay it over
