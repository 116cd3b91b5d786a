"""Mail leaves once, or once more after a crash and then recognisably; what cannot arrive is seen."""

from __future__ import annotations

from datetime import timedelta
from email.headerregistry import AddressHeader
from pathlib import Path

import pytest
from sqlalchemy import text

from decisionflow.errors import BadInput
from decisionflow.service import contacts, delivery, loops, outbox
from decisionflow.store.engine import Store
from decisionflow.trail import checkpoint
from tests.services import Mailbox
from tests.workers.yard import Yard, at_once, on_sqlite, surly, yard


@pytest.fixture
def place(store: Store, tmp_path: Path, mailbox: Mailbox) -> Yard:
    made = yard(store, tmp_path, mailbox)
    made.reachable("lead", "chief")
    return made


def send(place: Yard) -> delivery.Delivered:
    return loops.mail(place.site, "tester")


@on_sqlite
def test_a_mail_says_it_in_three_lines_in_chinese_with_the_logs_short_code(place: Yard, mailbox: Mailbox) -> None:
    place.decided(title="道路 <b>改造</b> & “绿化”")
    loops.once(place.site)

    mails = {one.recipients[0]: one.message for one in mailbox.deliveries}
    assert set(mails) == {"lead@yunhe.example.cn", "chief@yunhe.example.cn"} - {"chief@yunhe.example.cn"}
    found = mails["lead@yunhe.example.cn"]
    assert found["subject"] == "【新待办】办结归档：道路 <b>改造</b> & “绿化”"
    assert isinstance(found["to"], AddressHeader)
    assert found["to"].addresses[0].display_name == "陈予安"
    assert found["from"].addresses[0].addr_spec == "decisionflow@yunhe.example.cn"
    assert found["auto-submitted"] == "auto-generated"
    plain, html = (found.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "YH-2024-001 道路 <b>改造</b> & “绿化”" in plain
    assert "4月16日前办结" in plain
    assert "http://127.0.0.1:8080/cases/YH-2024-001" in plain
    assert "<b>" not in html
    assert "道路 &lt;b&gt;改造&lt;/b&gt; &amp; “绿化”" in html


@on_sqlite
def test_the_footer_carries_the_newest_checkpoint(place: Yard, mailbox: Mailbox) -> None:
    loops.once(place.site, ["seal"])
    place.post("lead")
    send(place)

    (row,) = place.rows("select size, root from trail_checkpoint order by size desc limit 1")
    code = checkpoint.short_code(place.work.authority.origin, row.size, bytes.fromhex(row.root))
    (sent,) = mailbox.deliveries
    assert f"存证点 {code}" in sent.message.get_body(("plain",)).get_content()
    assert code in sent.message.get_body(("html",)).get_content()


def test_a_due_rung_becomes_one_notice_and_one_mail_whoever_sweeps(place: Yard, mailbox: Mailbox) -> None:
    place.decided()
    loops.once(place.site)
    mailbox.deliveries.clear()
    place.pass_(timedelta(days=16))

    at_once(*(lambda: loops.once(place.site, ["remind", "relay", "mail"]) for _ in range(3)))
    loops.once(place.site)

    assert len(place.notices("lead", "reminder")) == 1
    assert [one.message["subject"] for one in mailbox.deliveries] == ["【已逾期1个工作日】归档期限·解放路行道树砍伐"]
    assert place.outbox("mail") == ["sent"] * len(place.outbox("mail"))


def test_a_server_that_is_away_ends_the_round_and_mail_comes_when_it_is_back(place: Yard, mailbox: Mailbox) -> None:
    place.post("lead", 3)
    place.sending_to(None)

    done = send(place)
    assert (done.sent, done.put_off, done.dead) == (0, 1, 0)  # one was tried, two were spared
    assert "ConnectionRefusedError" in done.away
    assert place.outbox() == ["ready"] * 3

    place.pass_(timedelta(minutes=1))
    place.sending_to(mailbox)
    assert send(place).sent == 3
    assert place.outbox() == ["sent"] * 3
    assert len({one.message["message-id"] for one in mailbox.deliveries}) == 3


@on_sqlite
def test_a_server_that_closes_the_line_ends_the_round_too(place: Yard) -> None:
    place.post("lead", 3)
    with surly(rcpt={"lead": "421 closing down"}) as box:
        place.sending_to(box)
        done = send(place)

    assert (done.put_off, done.dead, done.away) == (1, 0, "421 closing down")


@on_sqlite
def test_a_wrong_password_is_the_servers_matter_and_kills_no_mail(place: Yard) -> None:
    place.post("lead")
    mail = place.site.settings.mail
    with surly() as box, delivery.Post(type(mail)(box.host, box.port, "user", "wrong")) as post:
        message = delivery.compose(place.store, mail, claimed(place), "http://x", place.work.now)
        assert message is not None
        with pytest.raises(delivery.Away):
            post.send(message)


def test_what_the_server_refuses_for_good_is_dead_at_once_and_visible(place: Yard) -> None:
    with surly(rcpt={"chief": "550 no such user here", "lead": "450 try again later"}) as box:
        place.sending_to(box)
        place.post("chief")
        place.post("lead")
        done = send(place)

    assert (done.sent, done.put_off, done.dead, done.away) == (0, 1, 1, "")
    with place.store.read() as connection:
        (dead,), left = outbox.dead(connection), outbox.backlog(connection, place.work.now)
    assert (dead.recipient, dead.title, dead.attempts) == (place.person("chief"), "【新待办】第1件", 1)
    assert dead.error == "550 no such user here"
    assert (left.dead, left.waiting, left.oldest_dead) == (1, 1, place.work.now)


@on_sqlite
def test_after_twelve_attempts_it_is_dead(place: Yard) -> None:
    place.post("lead")
    with surly(data="451 local error") as box:
        place.sending_to(box)
        rounds = 0
        while place.outbox() == ["ready"]:
            rounds += 1
            send(place)
            place.pass_(timedelta(hours=13))

    assert (rounds, place.outbox()) == (12, ["dead"])


def test_past_its_time_it_is_not_sent(place: Yard, mailbox: Mailbox) -> None:
    place.post("lead", expires_at=place.work.now + timedelta(hours=1))
    place.pass_(timedelta(hours=2))

    assert send(place).total == 0
    assert loops.tidy(place.site) == (0, 1)
    assert place.outbox() == ["dead"]
    assert mailbox.deliveries == []


def claimed(place: Yard) -> outbox.Item:
    found = place.store.write(lambda tx: outbox.claim(tx, "first", place.work.now, ("mail",)))
    assert found is not None
    return found


def test_a_crash_between_sending_and_marking_costs_one_more_mail_of_the_same_name(
    place: Yard, mailbox: Mailbox
) -> None:
    place.post("lead")
    first = claimed(place)
    with delivery.Post(place.site.settings.mail) as post:
        message = delivery.compose(place.store, place.site.settings.mail, first, "http://x", place.work.now)
        assert message is not None
        post.send(message)  # and here the power fails

    place.pass_(outbox.LEASE - timedelta(seconds=1))
    assert loops.tidy(place.site) == (0, 0)
    assert send(place).total == 0
    place.pass_(timedelta(seconds=1))
    assert loops.tidy(place.site) == (1, 0)
    assert send(place).sent == 1
    assert send(place).total == 0

    assert len(mailbox.deliveries) == 2
    assert len({one.message["message-id"] for one in mailbox.deliveries}) == 1


def test_a_courier_who_comes_back_late_changes_nothing(place: Yard) -> None:
    place.post("lead")
    late = claimed(place)
    place.pass_(outbox.LEASE)
    loops.tidy(place.site)
    second = claimed(place)

    assert second.fence == late.fence + 1
    assert place.store.write(lambda tx: outbox.sent(tx, late)) is False
    assert place.store.write(lambda tx: outbox.fail(tx, late, "late", place.work.now, 0.5)) == ""
    assert place.outbox() == ["leased"]
    assert place.store.write(lambda tx: outbox.sent(tx, second)) is True
    assert place.outbox() == ["sent"]


@on_sqlite
def test_a_row_that_always_kills_its_courier_is_given_up(place: Yard) -> None:
    place.post("lead")
    for _ in range(outbox.ATTEMPTS):
        claimed(place)
        place.pass_(outbox.LEASE)
        loops.tidy(place.site)

    assert place.outbox() == ["dead"]


def test_couriers_at_once_share_the_work(place: Yard, mailbox: Mailbox) -> None:
    place.post("lead", 40)

    done = at_once(*(lambda: send(place) for _ in range(4)))

    assert sum(one.sent for one in done) == 40
    assert len({one.message["message-id"] for one in mailbox.deliveries}) == len(mailbox.deliveries) == 40


@on_sqlite
def test_who_has_no_address_any_more_is_not_written_to(place: Yard, mailbox: Mailbox) -> None:
    place.post("lead")
    place.store.write(lambda tx: contacts.set_mail(tx, place.person("lead"), ""))

    assert send(place).cancelled == 1
    assert place.outbox() == ["cancelled"]
    assert mailbox.deliveries == []


@on_sqlite
def test_a_mail_that_cannot_be_written_does_not_stop_the_others(place: Yard, mailbox: Mailbox) -> None:
    place.post("lead", 2)
    place.store.write(lambda tx: tx.execute(text("update outbox set kind = 'nosuch' where dedup_key = 'test:1'")))

    done = send(place)

    assert (done.sent, done.put_off) == (1, 1)
    assert "TemplateNotFound" in done.faults[0]
    assert len(mailbox.deliveries) == 1


@pytest.mark.parametrize("address", ["li", "a@b c", "a,b@c", "x@y\nBcc: z@y", "甲@yunhe", "@x", "a@", "<a@b>"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(BadInput):
        contacts.set_mail(None, "p", address)  # type: ignore[arg-type]


def test_pauses_grow_to_six_hours_and_nights_are_quiet() -> None:
    from datetime import UTC, datetime  # noqa: PLC0415

    assert [outbox.pause(n, 1.0) for n in (1, 2, 9, 10, 12)] == [
        timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=256), timedelta(hours=6), timedelta(hours=6),
    ]  # fmt: skip
    assert outbox.pause(12, 0.0) == timedelta(0)
    for hour, same in ((6, False), (7, True), (21, True), (22, False), (23, False), (0, False)):
        at = datetime(2024, 4, 10, (hour - 8) % 24, 30, tzinfo=UTC)
        awake = outbox.awake(at)
        assert (awake == at) is same, hour
        assert same or (awake.hour, awake.minute) == (7, 0)
        assert timedelta(0) <= awake - at < timedelta(hours=9, minutes=30)
