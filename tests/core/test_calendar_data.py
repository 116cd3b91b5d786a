"""The year files under `workflows/calendars`, checked on their own and against two other data sets.

Read here with nothing but a YAML parser: what is tested is the data, not our reader of it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import chinese_calendar
import holidays
import pytest
import yaml

CALENDARS = Path(__file__).parents[2] / "workflows" / "calendars"
FIRST, LAST = 2007, 2026

REQUIRED = {"format", "calendar", "year", "version", "title", "issued", "confirmed", "papers", "holidays", "work"}
OPTIONAL = {"number", "confirmed_issue", "note"}

# Days on which the `holidays` package says otherwise, with the reason. None in 2007-2026 with 0.109;
# the one difference known between the two packages, 2005-12-31, lies before our first file.
HOLIDAYS_DIFFERS: dict[date, str] = {}

# What each later notice made of days that an earlier one had already settled: the working days it
# added (+) and took away (-). 2022@2 only names a Saturday.
CHANGES = {
    "CN-2007@2": "+12-29 -12-31",
    "CN-2011@2": "+12-31",
    "CN-2015@2": "-09-03 -09-04 +09-06",
    "CN-2018@2": "+12-29 -12-31",
    "CN-2019@2": "+04-28 -05-02 -05-03 +05-05",
    "CN-2020@2": "-01-31 -02-01",
    "CN-2022@2": "",
}

FILES: dict[str, dict[str, Any]] = {
    path.stem: yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    for path in sorted(CALENDARS.glob("*.yaml"))
}


def versions(year: int) -> list[dict[str, Any]]:
    """The files of a year in the order of their version numbers."""
    return sorted((file for file in FILES.values() if file["year"] == str(year)), key=lambda file: int(file["version"]))


def off(file: dict[str, Any]) -> list[date]:
    """Every day off, as often as it is listed."""
    return [date.fromisoformat(day) for days in file["holidays"].values() for day in days]


def work(file: dict[str, Any]) -> list[date]:
    """The Saturdays and Sundays that are worked."""
    return [date.fromisoformat(day) for day in file["work"]]


def workdays(file: dict[str, Any]) -> set[date]:
    """The working days of the file's year, by the rule that the files are written for."""
    free, worked = set(off(file)), set(work(file))
    return {day for day in days_of(int(file["year"])) if day in worked or (day.weekday() < 5 and day not in free)}


def days_of(year: int) -> Iterator[date]:
    """1 January to 31 December."""
    day = date(year, 1, 1)
    while day.year == year:
        yield day
        day += timedelta(days=1)


each_file = pytest.mark.parametrize("name", FILES)
each_year = pytest.mark.parametrize("year", range(FIRST, LAST + 1))


def test_every_year_has_files_and_the_unpublished_one_has_none() -> None:
    assert {int(file["year"]) for file in FILES.values()} == set(range(FIRST, LAST + 1))


@each_file
def test_name_says_calendar_year_and_version(name: str) -> None:
    file = FILES[name]
    assert name == f"{file['calendar']}-{file['year']}@{file['version']}"


@each_file
def test_keys_are_the_agreed_ones_and_stand_once(name: str) -> None:
    keys = re.findall(r"^( *\S+):(?: |$)", (CALENDARS / f"{name}.yaml").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(keys) == len(set(keys))
    assert FILES[name].keys() >= REQUIRED
    assert FILES[name].keys() <= REQUIRED | OPTIONAL


@each_file
def test_notice_is_named_dated_and_addressed(name: str) -> None:
    file = FILES[name]
    assert file["format"] == "1"
    assert re.fullmatch(r"国务院(办公厅)?关于.+的通知", file["title"])
    assert re.fullmatch(r"国(办)?发明电〔20\d\d〕\d+号", file["number"])
    assert file["confirmed"] in {"source", "secondary"}
    assert file["papers"]
    assert all(re.fullmatch(r"https?://www\.gov\.cn/zhengce/zhengceku/.+\.htm", paper) for paper in file["papers"])
    assert len(file["papers"]) == int(file["version"])  # each version adds the notice that made it


@each_file
def test_every_date_lies_in_the_year_of_its_file(name: str) -> None:
    file = FILES[name]
    assert {day.year for day in off(file) + work(file)} == {int(file["year"])}


@each_file
def test_makeup_days_are_saturdays_or_sundays(name: str) -> None:
    assert {day for day in work(FILES[name]) if day.weekday() < 5} == set()


@each_file
def test_no_day_is_listed_twice_or_is_both_off_and_worked(name: str) -> None:
    days = off(FILES[name]) + work(FILES[name])
    assert len(days) == len(set(days))


@each_file
def test_lists_run_in_the_order_of_the_calendar(name: str) -> None:
    file = FILES[name]
    assert work(file) == sorted(work(file))
    assert all(days == sorted(days) and days for days in file["holidays"].values())


@each_year
def test_versions_count_from_one_and_their_dates_do_not_go_backwards(year: int) -> None:
    files = versions(year)
    assert [int(file["version"]) for file in files] == list(range(1, len(files) + 1))
    issued = [date.fromisoformat(file["issued"]) for file in files]
    assert issued == sorted(issued)
    assert issued[0] < date(year, 1, 1)


@each_year
def test_later_versions_keep_the_earlier_notices(year: int) -> None:
    files = versions(year)
    for earlier, later in itertools.pairwise(files):
        assert later["papers"][:-1] == earlier["papers"]
        assert later["title"] != earlier["title"]


def test_only_these_years_were_changed_by_a_second_notice() -> None:
    assert {name for name, file in FILES.items() if file["version"] != "1"} == CHANGES.keys()


@pytest.mark.parametrize(("name", "change"), CHANGES.items())
def test_second_notice_changed_exactly_these_days(name: str, change: str) -> None:
    before, after = (workdays(file) for file in versions(int(FILES[name]["year"])))
    found = sorted([(day, "+") for day in after - before] + [(day, "-") for day in before - after])
    assert " ".join(f"{sign}{day:%m-%d}" for day, sign in found) == change
    assert all(day > date.fromisoformat(FILES[name]["issued"]) for day, _ in found)  # never backdated


@each_year
def test_newest_version_agrees_with_chinesecalendar_on_every_day(year: int) -> None:
    assert workdays(versions(year)[-1]) == {day for day in days_of(year) if chinese_calendar.is_workday(day)}


@each_year
def test_newest_version_agrees_with_holidays_on_every_day(year: int) -> None:
    official = holidays.country_holidays("CN", years=[year, year + 1])
    theirs = {day for day in days_of(year) if official.is_working_day(day)}
    assert workdays(versions(year)[-1]) ^ theirs == {day for day in HOLIDAYS_DIFFERS if day.year == year}


def test_makeup_days_of_2026() -> None:
    made_up = " ".join(f"{day:%m-%d}" for day in work(FILES["CN-2026@1"]))
    assert made_up == "01-04 02-14 02-28 05-09 09-20 10-10"


def test_28_april_2019_is_worked_by_the_second_notice_only() -> None:  # T-09
    sunday = date(2019, 4, 28)
    assert sunday not in work(FILES["CN-2019@1"])
    assert sunday in work(FILES["CN-2019@2"])
    assert FILES["CN-2019@1"]["holidays"]["劳动节"] == ["2019-05-01"]
    assert FILES["CN-2019@2"]["issued"] == "2019-03-22"


def test_1_february_2020_was_worked_until_the_extension() -> None:  # T-09
    saturday = date(2020, 2, 1)
    assert saturday in workdays(FILES["CN-2020@1"])
    assert saturday not in workdays(FILES["CN-2020@2"])
    assert FILES["CN-2020@2"]["issued"] == "2020-01-27"


def test_days_of_a_new_year_notice_stand_in_the_year_they_fall_in() -> None:  # T-07
    assert date(2018, 12, 29) not in workdays(FILES["CN-2018@1"])
    assert date(2018, 12, 29) in workdays(FILES["CN-2018@2"])
    assert FILES["CN-2018@2"]["number"] == FILES["CN-2019@1"]["number"]
