"""The demo: thirteen cases through the same step, the same every time, and nothing that the entries do not bear out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from decisionflow.service import authorities, demo, replay, steps
from decisionflow.service.reads import catalogue, precedents, stored
from decisionflow.settings import Settings, load
from decisionflow.store.engine import Store

DAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def settings(folder: Path) -> Settings:
    return load({"DECISIONFLOW_DEMO": "yes"}, data_dir=folder)


@pytest.fixture
def seeded(store: Store, tmp_path: Path) -> demo.Summary:
    return demo.seed(store, settings(tmp_path / "site"), DAY, NOW)


def standing(store: Store, summary: demo.Summary, no: str) -> Any:
    with store.read() as connection:
        return steps.load(connection, authorities.get(connection, summary.authority), no)


@pytest.mark.slow
def test_thirteen_cases_stand_where_they_should(store: Store, seeded: demo.Summary) -> None:
    assert seeded.numbers == tuple(f"YH-2026-{n:03}" for n in range(1, 14))
    stages = {no: standing(store, seeded, no).facts.stages for no in seeded.numbers}
    assert stages["YH-2026-001"]["participation"] == "collecting" or "participation" in stages["YH-2026-001"]
    for no in ("YH-2026-003", "YH-2026-009", "YH-2026-012", "YH-2026-013"):
        found = standing(store, seeded, no)
        assert found.procedure.is_ended(found.facts.stages), no
    assert seeded.refused >= 1 and seeded.opinions >= 37


@pytest.mark.slow
def test_nothing_in_the_demo_is_not_borne_out_by_entries(store: Store, seeded: demo.Summary) -> None:
    with store.read() as connection:
        assert replay.compare(connection, store.blobs, seeded.authority) == ()
        people = connection.execute(text("select name from person")).scalars().all()
    assert {"龙䶮", "马㛃", "周𬱖", "买买提·艾力"} <= set(people)
    assert len(people) != len(set(people))  # two of one name are two


@pytest.mark.slow
def test_the_year_s_catalogue_links_its_cases_and_knows_what_was_adjusted_and_what_is_late(
    store: Store, seeded: demo.Summary
) -> None:
    with store.read() as connection:
        cases = tuple(stored.cases(connection, authorities.get(connection, seeded.authority)))
    (year,) = catalogue.catalogues(cases, NOW)
    assert (year.no, year.year, year.consent, year.adjusted) == ("YH-2026-011", 2026, "示例云委〔2026〕11号", 2)
    assert [[case.no for case in one.cases] for one in year.items] == [
        *([f"YH-2026-{n:03}"] for n in range(1, 9)), [], []
    ]  # fmt: skip
    assert [(one.title, one.late) for one in year.items if one.late] == [("城区公共停车设施专项规划", 20)]
    assert [one.title for one in year.items if one.changed and one.reason] == ["城镇基准地价更新", "老年人助餐补贴办法"]


@pytest.mark.slow
def test_a_yes_and_a_no_on_what_is_major_are_there_with_their_reasons(store: Store, seeded: demo.Summary) -> None:
    with store.read() as connection:
        cases = tuple(stored.cases(connection, authorities.get(connection, seeded.authority)))
    found = {one.no: one for one in precedents.precedents(cases)}
    yes, no = found["YH-2026-012"], found["YH-2026-013"]
    assert yes.major and not no.major and no.ground == "影响达不到重大的程度"
    assert yes.reason and no.reason


@pytest.mark.parametrize("today", ["2026-11-23", "2026-12-31", "2027-06-01", "2026-05-06"])
def test_the_demo_never_stands_where_a_year_has_no_calendar(today: str) -> None:
    day = demo.standing_day(date.fromisoformat(today))
    assert day <= min(date.fromisoformat(today), date(2026, 12, 17))
