"""After an act, those whose to-do it made are told, each once; nobody else is."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from decisionflow.service import loops, outbox, register, relay
from decisionflow.service.addressees import Rolls
from decisionflow.store.engine import Store, Tx
from tests.workers.yard import RICHER, Yard, at_once, on_sqlite, yard

TITLE = "解放路行道树砍伐"


@pytest.fixture
def place(store: Store, tmp_path: Path) -> Yard:
    return yard(store, tmp_path)


def ask(place: Yard, **raw: str) -> None:
    place.work.do("proposer", "ask", **({"title": TITLE, "protected": "no", "trees": "3", "phone": "1"} | raw))


def sweep(place: Yard) -> int:
    return loops.drain("relay", lambda: loops.relay(place.site))


@on_sqlite
def test_each_act_is_told_to_those_it_gives_something_to_do(place: Yard) -> None:
    ask(place)
    sweep(place)
    assert [row.title for row in place.notices()] == [f"【新待办】决定是否受理：{TITLE}"]
    assert [row.title for row in place.notices("chief")] == [f"【新待办】决定是否受理：{TITLE}"]

    place.work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    sweep(place)
    (told,) = place.notices("lead")
    assert told.body == f"YH-2024-001 {TITLE}\n要做的事：提交砍伐方案、发布砍伐公示"
    assert told.href == "/cases/YH-2024-001"

    place.work.do("lead", "open_survey", ends_on="2024-03-31", papers=("photo",))
    sweep(place)
    assert len(place.notices()) == 2  # the next thing is the actor's own, and they know

    place.work.do("lead", "close_survey", after=timedelta(days=31))
    sweep(place)  # what the chief had on the list, but could not do, is possible now
    assert place.notices("chief")[-1].title == f"【新待办】决定砍伐：{TITLE}"

    place.work.do("chief", "decide")
    sweep(place)
    assert place.notices("lead")[-1].body.endswith("要做的事：办结归档\n4月16日前办结")
    assert len(place.notices()) == 4


@on_sqlite
def test_colleagues_of_the_unit_are_told_and_units_outside_the_case_are_not(store: Store, tmp_path: Path) -> None:
    place = yard(store, tmp_path)

    def enrol(tx: Tx) -> tuple[str, str]:
        people = place.work.stage.actors
        written = register.Register(tx, place.work.authority, people["office"], place.work.now)
        beside, elsewhere = written.person("同事甲"), written.person("外单位乙")
        written.appoint(beside, written.post(people["lead"].unit, "经办", ["lead"], date(2024, 1, 1)), date(2024, 1, 1))
        other = written.post(people["consulted"].unit, "经办", ["lead"], date(2024, 1, 1))
        written.appoint(elsewhere, other, date(2024, 1, 1))
        return beside, elsewhere

    beside, elsewhere = store.write(enrol)
    ask(place)
    place.work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    sweep(place)

    told = {row.person_id for row in place.notices()}
    assert beside in told
    assert place.person("lead") in told
    assert elsewhere not in told


@on_sqlite
def test_what_was_done_meanwhile_is_not_announced(place: Yard) -> None:
    """The relay comes late: the chief has long decided; only what is still to do is told."""
    ask(place)
    place.work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    place.work.do("lead", "open_survey", ends_on="2024-03-31", papers=("photo",))
    sweep(place)

    assert [row.title for row in place.notices("chief")] == []
    assert [row.body.split("要做的事：")[1] for row in place.notices("lead")] == ["提交砍伐方案"]


@on_sqlite
def test_a_case_that_is_not_public_is_called_by_its_number(place: Yard) -> None:
    ask(place, public="no")
    sweep(place)

    (told,) = place.notices("chief")
    assert told.title == "【新待办】决定是否受理：YH-2024-001"
    assert TITLE not in told.body


@on_sqlite
def test_a_long_title_is_cut_at_thirty_characters(place: Yard) -> None:
    ask(place, title="关于" + "很长的" * 20 + "方案")
    sweep(place)

    (told,) = place.notices("chief")
    assert len(told.title) == 30
    assert told.title.endswith("…")


def test_relays_at_once_and_again_tell_once(place: Yard) -> None:
    place.sending_to(None).reachable("chief")
    ask(place)

    done = at_once(*(lambda: loops.relay(place.site) for _ in range(4)))
    sweep(place)

    assert sum(one.settled for one in done) == 1
    assert len(place.notices("chief")) == 1
    assert place.outbox("mail") == ["ready"]


def test_mail_is_only_written_for_those_with_an_address_and_waits_for_the_morning(place: Yard) -> None:
    place.sending_to(None).reachable("chief")
    place.work.now += timedelta(hours=14)  # 23:00 in Shanghai
    ask(place)
    sweep(place)
    place.work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    sweep(place)

    (mail,) = place.rows("select next_at, recipient from outbox where channel = 'mail'")
    assert mail.recipient == place.person("chief")
    assert str(mail.next_at).startswith("2024-03-01 23:00")  # 7:00 on 2 March in Shanghai
    assert len(place.notices("lead")) == 1


@on_sqlite
def test_without_a_mail_server_no_mail_is_written(place: Yard) -> None:
    place.reachable("chief")
    ask(place)
    sweep(place)

    assert place.outbox("mail") == []
    assert len(place.notices("chief")) == 1


def test_a_row_that_cannot_be_relayed_is_put_off_and_in_the_end_given_up(place: Yard) -> None:
    ask(place)
    place.store.write(
        lambda tx: tx.execute(text("update outbox set payload = '{\"entry\": \"none\"}' where kind = 'step'"))
    )
    place.work.no = ""
    ask(place, title="建设路改造")

    done = relay.sweep(place.store, place.work.now, 0.5, mail=False)
    assert (done.settled, done.failed) == (1, 1)
    assert [row.title for row in place.notices("chief")] == ["【新待办】决定是否受理：建设路改造"]

    with place.store.read() as connection:
        assert outbox.backlog(connection, place.work.now).waiting == 1
    for _ in range(outbox.ATTEMPTS):
        place.pass_(timedelta(hours=6))
        relay.sweep(place.store, place.work.now, 0.5, mail=False)
    with place.store.read() as connection:
        left, (dead,) = outbox.backlog(connection, place.work.now), outbox.dead(connection)
    assert (left.ready, left.waiting, left.dead) == (0, 0, 1)
    assert (dead.attempts, dead.error) == (12, "NotFound: no act none")


def test_the_case_before_and_after_an_act_is_folded_from_its_entries(place: Yard) -> None:
    ask(place)
    done = place.work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    place.work.do("lead", "open_survey", ends_on="2024-03-31", papers=("photo",))
    with place.store.read() as connection:
        before, after = relay.history(connection, "yunhe", done.entry)
        now = Rolls(connection, place.work.now).facts("yunhe", after.case)

    assert before is not None
    assert (before.stages["main"], after.stages["main"]) == ("asked", "working")
    assert (after.stages["survey"], now.stages["survey"]) == ("idle", "open")


@on_sqlite
def test_people_from_outside_learn_of_no_case_that_does_not_name_them(store: Store, tmp_path: Path) -> None:
    place = yard(store, tmp_path, changes=RICHER)
    ask(place)
    place.work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    sweep(place)

    assert len(place.notices("lead")) == 1
    assert place.notices("expert") == []
