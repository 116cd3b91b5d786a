"""Where a case lay and for how long, and what should have been done by now (久拖不决)."""

from __future__ import annotations

from datetime import UTC, date, datetime

from decisionflow.service import calendars
from decisionflow.service.reads import desks, stored
from decisionflow.store.engine import Store
from tests.service.stage import Office, office


def waiting(store: Store) -> Office:
    """Asked for on 1 March 2024, begun on the 11th, surveyed until 11 April, decided on the 24th."""
    work = office(store)
    work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3")
    work.now = datetime(2024, 3, 11, 1, tzinfo=UTC)
    work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    work.now = datetime(2024, 3, 12, 1, tzinfo=UTC)
    work.do("lead", "open_survey", ends_on="2024-04-11", papers=("photo",))
    work.now = datetime(2024, 4, 12, 1, tzinfo=UTC)
    work.do("lead", "close_survey")
    return work


def test_every_wait_is_told_with_its_days_and_who_ended_it(store: Store) -> None:
    work = waiting(store)
    with store.read() as connection:
        calendar = calendars.current(connection, work.authority.id, "CN")
        case = work.facts().case
        found = desks.spells(connection, work.authority, case, calendar, datetime(2024, 4, 24, 1, tzinfo=UTC))
    by_action = {one.action: one for one in found}
    first = by_action["begin"]
    assert (first.duty, first.begins, first.ends, first.days, first.workdays) == (
        "chief", date(2024, 3, 1), date(2024, 3, 11), 10, 6)  # fmt: skip
    assert first.taken == work.stage.actors["chief"].name
    assert (by_action["close_survey"].begins, by_action["close_survey"].ends) == (date(2024, 3, 12), date(2024, 4, 12))
    still = by_action["decide"]
    assert (still.ends, still.begins, still.days, still.taken) == (None, date(2024, 3, 11), 44, "")


def test_days_of_one_desk_are_counted_once_however_many_acts_waited(store: Store) -> None:
    work = waiting(store)
    now = datetime(2024, 4, 24, 1, tzinfo=UTC)
    with store.read() as connection:
        calendar = calendars.current(connection, work.authority.id, "CN")
        spells = desks.spells(connection, work.authority, work.facts().case, calendar, now)
    found = {one.duty: one for one in desks.desks(spells, calendar, now)}
    assert found["chief"].days == 54 and found["lead"].days == 44
    assert sum(one.days for one in spells if one.duty == "lead") > found["lead"].days
    assert [one.title for one in found["chief"].waiting] == ["决定砍伐"]


def test_a_case_past_its_deadline_is_listed_with_whose_turn_it_is_and_a_finished_one_is_not(store: Store) -> None:
    work = waiting(store)
    work.now = datetime(2024, 4, 24, 1, tzinfo=UTC)
    work.do("chief", "decide")

    def late(on: datetime) -> tuple[desks.Overdue, ...]:
        with store.read() as connection:
            official = calendars.current(connection, work.authority.id, work.authority.calendar)
            return desks.overdue(stored.cases(connection, work.authority), official, on)

    assert late(datetime(2024, 5, 10, 1, tzinfo=UTC)) == ()
    (one,) = late(datetime(2024, 5, 13, 1, tzinfo=UTC))
    assert (one.no, one.why, one.since, one.days, one.desks) == (
        work.no, "归档期限已逾期", date(2024, 5, 10), 3, ("养护单位",))  # fmt: skip
    work.do("lead", "finish")
    assert late(datetime(2024, 6, 10, 1, tzinfo=UTC)) == ()
