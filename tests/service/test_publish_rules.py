"""Rules are published by two people; a year's notice moves exactly the deadlines it says beforehand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from decisionflow.core import calendar as days
from decisionflow.errors import BadInput, Forbidden, NotFound, Settled
from decisionflow.service import calendars, procedures, publications, rehearsals, replay, scripts, shipped
from decisionflow.service.actors import Actor
from decisionflow.store.engine import Store
from tests.service.stage import Office, office

HOUSE = Path(__file__).parents[2]
SECOND = (HOUSE / "workflows" / "calendars" / "CN-2019@2.yaml").read_text("utf-8")


def before_the_change(store: Store) -> Office:
    """A government in April 2019 that knows only the first notice of the year."""
    since = datetime(2019, 4, 20, 1, tzinfo=UTC)
    script = scripts.Script.model_validate(
        {"rehearsal": "1", "procedure": str(HOUSE / "tests" / "procedures" / "every-field.yaml"),
         "acts": [{"at": "2019-04-22T09:00", "as": "lead", "do": "x"}]}
    )  # fmt: skip
    chosen = (procedures.read(HOUSE / "workflows" / "superior-draft-reply" / "2019.1.yaml"),)
    authority = store.write(
        lambda tx: rehearsals.found_authority(
            tx, script.authority, "yunhe", since, clock="system", procedure=chosen[0].id
        )
    )
    system = rehearsals.system_actor(authority.id)
    known = [
        (path.name, path.read_text("utf-8")) for path in shipped.calendar_files() if path.name != "CN-2019@2.yaml"
    ]  # fmt: skip
    store.write(lambda tx: calendars.publish(tx, authority, known, system, since))
    people = rehearsals.cast(script.people, chosen)
    actors = store.write(lambda tx: rehearsals.enrol(tx, authority, people, system, since))
    with store.read() as connection:
        calendar = calendars.current(connection, authority.id, "CN")
    return Office(store, rehearsals.Stage(authority, actors, calendar, chosen), now=since)


def test_the_labour_day_notice_of_2019_moves_what_the_law_s_vectors_say(store: Store) -> None:
    """Three working days from Friday 26 April: 2 May by the first notice, 30 April by the second (T-09)."""
    found = before_the_change(store)
    three = days.period("3 workdays")
    with store.read() as connection:
        was = calendars.current(connection, found.authority.id, "CN")
    assert days.add(was, date(2019, 4, 26), three).ends_on == date(2019, 5, 2)

    legal, office_ = found.stage.actors["legal"], found.stage.actors["office"]
    proposal = store.write(
        lambda tx: publications.propose_calendar(
            tx, found.authority, SECOND, "CN-2019@2.yaml", "国办调整劳动节放假", legal, found.now
        )
    )
    store.write(lambda tx: publications.publish(tx, found.authority, proposal, office_, found.now))
    with store.read() as connection:
        now = calendars.current(connection, found.authority.id, "CN")
    assert days.add(now, date(2019, 4, 26), three).ends_on == date(2019, 4, 30)
    assert days.add(now.known(date(2019, 3, 1)), date(2019, 4, 26), three).ends_on == date(2019, 5, 2)
    assert days.add(now, date(2019, 6, 3), three).ends_on == days.add(was, date(2019, 6, 3), three).ends_on


def working(store: Store) -> Office:
    """An office with a running clock of ten working days since 20 December 2024, and no calendar beyond 2024."""
    return office(store)


def test_a_notice_moves_exactly_the_running_deadlines_it_names_before(store: Store) -> None:
    found = working(store)
    found.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3")
    found.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    found.do("lead", "open_survey", ends_on="2024-04-10", papers=("photo",))
    found.now = datetime(2024, 4, 11, 1, tzinfo=UTC)
    found.do("lead", "close_survey")
    found.now = datetime(2024, 4, 24, 1, tzinfo=UTC)
    found.do("chief", "decide")

    def due() -> date:
        with store.read() as connection:
            (row,) = connection.exec_driver_sql("select due_on from deadline").all()
        return row.due_on if isinstance(row.due_on, date) else date.fromisoformat(row.due_on)

    assert due() == date(2024, 5, 10)  # ten working days after 24 April, over Labour Day
    third = (HOUSE / "workflows" / "calendars" / "CN-2024@1.yaml").read_text("utf-8")
    later = (
        third.replace("version: 1", "version: 2")
        .replace("2024-05-11", "2024-05-18")
        .replace("[2024-05-01,", "[2024-04-30, 2024-05-01,")
    )
    with store.read() as connection:
        moved = publications.moved(connection, found.authority, later, "CN-2024@2.yaml", found.now)
    assert [(one.no, one.clock, one.before, one.after) for one in moved] == [
        (found.no, "归档期限", date(2024, 5, 10), date(2024, 5, 13))]  # fmt: skip
    legal, chief = found.stage.actors["legal"], found.stage.actors["office"]
    proposal = store.write(
        lambda tx: publications.propose_calendar(
            tx, found.authority, later, "CN-2024@2.yaml", "更正放假安排", legal, found.now
        )
    )
    assert due() == date(2024, 5, 10)
    store.write(lambda tx: publications.publish(tx, found.authority, proposal, chief, found.now))
    assert due() == date(2024, 5, 13)
    with store.read() as connection:
        assert replay.compare(connection, store.blobs, found.authority.id) == ()


def test_one_person_cannot_publish_alone_and_a_stranger_not_at_all(store: Store) -> None:
    found = office(store)
    one = procedures.find("information-request")
    legal, lead = found.stage.actors["legal"], found.stage.actors["lead"]

    def propose(actor: Actor, reason: str = "启用依申请公开程序") -> str:
        return store.write(
            lambda tx: publications.propose_procedure(tx, found.authority, one, reason, actor, found.now)
        )

    with pytest.raises(Forbidden):
        propose(lead)
    with pytest.raises(BadInput):
        propose(legal, "短")
    proposal = propose(legal)
    with pytest.raises(Settled):
        propose(legal)
    with pytest.raises(Forbidden, match="proposer"):
        store.write(lambda tx: publications.publish(tx, found.authority, proposal, legal, found.now))
    with pytest.raises(NotFound):
        store.write(lambda tx: publications.publish(tx, found.authority, "nothing", legal, found.now))
    with store.read() as connection:
        assert not procedures.exists(connection, found.authority.id, one.digest)
    other = found.stage.actors["office"]
    store.write(lambda tx: publications.publish(tx, found.authority, proposal, other, found.now + timedelta(hours=1)))
    with pytest.raises(Settled):
        store.write(lambda tx: publications.publish(tx, found.authority, proposal, other, found.now))
    with store.read() as connection:
        assert procedures.exists(connection, found.authority.id, one.digest)
        assert publications.proposals(connection, found.authority) == ()
        (settled,) = publications.proposals(connection, found.authority, only_open=False)
        assert (settled.state, settled.settled_by) == ("published", other.name)
        assert replay.compare(connection, store.blobs, found.authority.id) == ()


def test_a_proposal_can_be_taken_back_with_a_reason(store: Store) -> None:
    found = office(store)
    one, legal = procedures.find("information-request"), found.stage.actors["legal"]
    proposal = store.write(
        lambda tx: publications.propose_procedure(tx, found.authority, one, "启用公开程序", legal, found.now)
    )
    store.write(lambda tx: publications.withdraw(tx, found.authority, proposal, "版本有误", legal, found.now))
    with store.read() as connection:
        assert publications.get(connection, found.authority, proposal[:30]).state == "withdrawn"
        assert replay.compare(connection, store.blobs, found.authority.id) == ()


def test_a_notice_that_is_not_newer_is_refused_with_the_number_it_should_have(store: Store) -> None:
    found = office(store)
    legal = found.stage.actors["legal"]
    wrong = SECOND.replace("2019-05-04]", "2019-05-04]  # 重发")

    def propose(text: str) -> str:
        return store.write(
            lambda tx: publications.propose_calendar(
                tx, found.authority, text, "CN-2019@2.yaml", "调整放假", legal, found.now
            )
        )

    with pytest.raises(BadInput, match="version: 3"):
        propose(wrong)
    with pytest.raises(Settled):
        propose(SECOND)
