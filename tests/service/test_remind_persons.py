"""A rung of a clock is told to whom it concerns, once, in the words of that day; or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from decisionflow import paths
from decisionflow.core import clocks
from decisionflow.service import calendars, deadlines, loops, register, rehearsals
from decisionflow.service.addressees import Rolls
from decisionflow.store.engine import Store, Tx
from decisionflow.store.records import Rows
from tests.workers.yard import MORNING, RICHER, Yard, at_once, on_sqlite, yard

DAY = timedelta(days=1)


@pytest.fixture
def place(store: Store, tmp_path: Path) -> Yard:
    made = yard(store, tmp_path)
    made.decided()
    return made


def sweep(place: Yard) -> tuple[int, int, int]:
    done = loops.remind(place.site)
    loops.drain("relay", lambda: loops.relay(place.site))
    return done.told, done.cancelled, done.put_off


@on_sqlite
def test_each_rung_is_told_on_its_day_with_the_days_that_are_left(place: Yard) -> None:
    told = []
    for n in (10, 11, 12, 15, 16, 17, 18):
        place.at(MORNING + (n - 17) * DAY)
        if sweep(place)[0]:
            told.append((n, place.notices("lead", "reminder")[-1].title))

    assert told == [
        (11, "【将到期】还剩3个工作日：归档期限·解放路行道树砍伐"),
        (15, "【将到期】还剩1个工作日：归档期限·解放路行道树砍伐"),
        (16, "【将到期】今天到期：归档期限·解放路行道树砍伐"),
        (17, "【已逾期1个工作日】归档期限·解放路行道树砍伐"),
    ]
    assert len(place.notices(kind="reminder")) == 4  # nobody else


@on_sqlite
def test_a_notice_says_case_and_day_and_leads_there(place: Yard) -> None:
    place.at(MORNING)
    sweep(place)

    (found,) = place.notices("lead", "reminder")
    assert found.body == "YH-2024-001 解放路行道树砍伐\n归档期限，2024年4月16日（周二）到期"
    assert found.href == "/cases/YH-2024-001"


@on_sqlite
def test_a_case_that_is_not_public_is_called_by_its_number(store: Store, tmp_path: Path) -> None:
    place = yard(store, tmp_path)
    place.decided(public="no")
    place.at(MORNING)
    sweep(place)

    (found,) = place.notices("lead", "reminder")
    assert found.title == "【已逾期1个工作日】归档期限·YH-2024-001"
    assert "行道树" not in found.title + found.body


def test_after_a_standstill_only_the_newest_rung_speaks(place: Yard) -> None:
    place.at(MORNING + 5 * DAY)

    assert sweep(place) == (1, 3, 0)
    assert len(place.notices(kind="reminder")) == 1
    assert place.reminders() == {
        "3@2024-04-16": "cancelled", "1@2024-04-16": "cancelled", "0@2024-04-16": "cancelled", "-1@2024-04-16": "sent",
    }  # fmt: skip


@on_sqlite
def test_overdue_over_a_weekend_never_says_zero_days(store: Store, tmp_path: Path) -> None:
    place = yard(store, tmp_path)
    place.decided()
    place.at(MORNING)
    with store.read() as connection:
        rolls = Rolls(connection, place.work.now)
        facts = rolls.facts("yunhe", place.rows("select id from case_file")[0].id)
        authority = rolls.authority("yunhe")
        calendar, procedure = rolls.calendar(authority), rolls.procedure(authority, facts)
        (running,) = clocks.ledger(procedure, facts, calendar, date(2024, 4, 20))
        friday = replace(running, due_on=date(2024, 4, 19))
        said = deadlines.words(facts, friday, date(2024, 4, 20), calendar)

    assert said.title.startswith("【已逾期】")


def test_a_rung_swept_twice_and_by_two_at_once_is_one_notice(place: Yard) -> None:
    place.at(MORNING)

    done = at_once(*(lambda: loops.remind(place.site) for _ in range(4)))
    assert sum(one.told for one in done) == 1
    at_once(*(lambda: loops.relay(place.site) for _ in range(4)))
    sweep(place)

    assert len(place.notices(kind="reminder")) == 1
    assert place.outbox("notice") == ["sent"]


@on_sqlite
def test_a_finished_clock_is_not_reminded_of(place: Yard) -> None:
    place.work.do("lead", "finish", after=2 * DAY)
    place.at(MORNING)

    assert sweep(place) == (0, 4, 0)
    assert place.notices(kind="reminder") == []


@pytest.mark.parametrize("refreshed", [True, False])
def test_a_deadline_that_a_revised_notice_moves_is_reminded_of_on_its_new_days(place: Yard, refreshed: bool) -> None:
    """Two holidays are taken back, so filing is due on 12 April instead of 16 (T-09)."""
    source = (paths.CALENDARS / "CN-2024@1.yaml").read_text("utf-8")
    revised = source.replace("version: 1", "version: 2").replace("[2024-04-04, 2024-04-05, 2024-04-06]", "[2024-04-06]")
    authority, system = place.work.authority, rehearsals.system_actor("yunhe")
    place.store.write(
        lambda tx: calendars.publish(tx, authority, [("CN-2024@2.yaml", revised)], system, place.work.now)
    )
    if refreshed:
        assert place.store.write(lambda tx: calendars.refresh(tx, authority)) == 1
    told = []
    for n in range(8, 18):
        place.at(MORNING + (n - 17) * DAY)
        sweep(place)
        while sweep(place) != (0, 0, 0):
            pass
        told += [(n, row.title.partition("归档")[0]) for row in place.notices(kind="reminder")[len(told) :]]

    on_the_ninth = [(9, "【将到期】还剩3个工作日："), (11, "【将到期】还剩1个工作日：")]
    late = [(11, "【将到期】还剩1个工作日：")]  # nobody was asked before a rung of the old day came
    assert told == [
        *(on_the_ninth if refreshed else late),
        (12, "【将到期】今天到期："),
        (13, "【已逾期】"),
    ]
    assert set(place.reminders().values()) == {"sent", "cancelled"}


def test_a_case_that_moves_on_while_it_is_weighed_is_weighed_again(place: Yard) -> None:
    place.at(MORNING)
    with place.store.read() as connection:
        rolls = Rolls(connection, place.work.now)
        (newest,) = [one for one in deadlines.due(connection, place.work.now) if one.rung.startswith("-1")]
        verdict = deadlines.weigh(rolls, newest, mail=False)
    assert verdict.state == "sent"
    place.work.do("lead", "finish")

    assert place.store.write(lambda tx: deadlines.settle(tx, verdict)) is False
    assert sweep(place) == (0, 4, 0)


def test_one_poisoned_rung_waits_an_hour_and_the_others_go_out(place: Yard) -> None:
    place.decided(title="建设路改造")
    place.store.write(lambda tx: tx.execute(text("update case_file set facts = '{' where no = 'YH-2024-001'")))
    place.at(MORNING)

    done = loops.remind(place.site)

    assert (done.told, done.cancelled, done.put_off) == (1, 3, 4)
    assert all("JSONDecodeError" in fault for fault in done.faults)
    loops.relay(place.site)
    assert [one.title for one in place.notices(kind="reminder")] == ["【已逾期1个工作日】归档期限·建设路改造"]
    with place.store.read() as connection:
        troubled = deadlines.troubled(connection)
        assert deadlines.due(connection, place.work.now) == []
        assert len(deadlines.due(connection, place.work.now + timedelta(hours=1))) == 4
    assert {row["attempts"] for row in troubled} == {1}
    assert len(troubled) == 4


@on_sqlite
def test_nobody_in_office_is_seen_and_asked_again_tomorrow(place: Yard) -> None:
    lead, system = place.work.stage.actors["lead"], place.work.stage.actors["office"]
    place.at(MORNING - DAY)

    def leave(tx: Tx) -> None:
        register.Register(tx, place.work.authority, system, place.work.now).end(lead.appointment, date(2024, 4, 10))

    place.store.write(leave)
    done = loops.remind(place.site)
    assert done.put_off == 1
    assert "没有在任人员承担“养护单位”" in done.faults[0]

    def follow(tx: Tx) -> str:
        written = register.Register(tx, place.work.authority, system, place.work.now)
        person = written.person("李继任")
        written.appoint(person, lead.post, date(2024, 4, 16))
        return person

    heir = place.store.write(follow)
    place.at(MORNING)
    sweep(place)

    assert [row.person_id for row in place.notices(kind="reminder")] == [heir]


def test_a_failing_write_puts_off_only_the_rung_it_concerns(place: Yard) -> None:
    """Two cases in one batch; the notice of one cannot be written (its key is taken by a broken row)."""
    place.decided(title="建设路改造")
    place.at(MORNING)
    with place.store.read() as connection:
        rolls = Rolls(connection, place.work.now)
        verdicts = [deadlines.weigh(rolls, one, mail=False) for one in deadlines.due(connection, place.work.now)]
    bad = next(one for one in verdicts if one.state == "sent")
    broken = [dict(row) | {"kind": None} for row in bad.rows[0].rows]
    verdicts[verdicts.index(bad)] = replace(bad, rows=(Rows("outbox", broken, "insert"),))

    done = deadlines._settle(place.store, verdicts, place.work.now)

    assert (done.told, done.put_off) == (1, 1)
    assert len(done.faults) == 1


@on_sqlite
def test_a_stopped_clock_says_nothing_until_it_runs_again(store: Store, tmp_path: Path) -> None:
    place = yard(store, tmp_path, changes=RICHER)
    place.decided()
    place.at(MORNING - 7 * DAY)  # 10 April: six working days are spent
    place.work.do("lead", "hold")
    place.at(MORNING)
    assert sweep(place) == (0, 0, 4)
    place.at(MORNING + DAY / 2)
    assert sweep(place) == (0, 0, 0)
    assert place.notices(kind="reminder") == []
    assert place.rows("select 1 from reminder where last_error <> ''") == []

    place.at(MORNING + 5 * DAY)  # 22 April
    place.work.do("lead", "resume")
    assert sweep(place)[0] == 0
    place.at(MORNING + 6 * DAY)
    told = sweep(place)[0]

    assert told == 1
    assert place.notices("lead", "reminder")[-1].body.endswith("2024年4月26日（周五）到期")


@on_sqlite
def test_rungs_of_a_round_that_was_begun_again_are_not_told(store: Store, tmp_path: Path) -> None:
    place = yard(store, tmp_path, changes=RICHER)
    place.decided()
    place.work.do("chief", "again")
    place.work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    place.work.do("chief", "decide")
    place.at(MORNING)

    assert sweep(place) == (1, 7, 0)
    rounds = {(row.round, row.state) for row in place.rows("select round, state from reminder where state = 'sent'")}
    assert rounds == {(2, "sent")}
