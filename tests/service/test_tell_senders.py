"""Whoever left a mail address with an opinion hears once what became of it, and that a notice was withdrawn or is back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from decisionflow import settings as configuration
from decisionflow.service import consultations, loops, rehearsals, senders
from decisionflow.service import site as sites
from decisionflow.service.consultations import Comment
from decisionflow.store.engine import Store
from tests.services import Mailbox
from tests.web.desk import Desk
from tests.web.test_sort_opinions import asked

CONTACTS = ("li@example.cn", "电话 13900000000", "", "wang@example.cn", "li@example.cn")


@pytest.fixture
def found(store: Store, tmp_path: Path, mailbox: Mailbox) -> Desk:
    made = asked(store, tmp_path)
    mail = configuration.Mail(host=mailbox.host, port=mailbox.port, sender="decisionflow@yunhe.example.cn")
    made.site = sites.Site(replace(made.site.settings, mail=mail), store, made.site.clock)
    return made


def say(found: Desk) -> list[str]:
    """An opinion for each contact; their receipts."""
    work, everybody = found.work, rehearsals.system_actor("yunhe", "公众")
    return [
        found.site.store.write(
            lambda tx, one=one: consultations.receive(
                tx, work.authority, work.no, Comment("请保留行道树。", contact=one), everybody, work.now
            )
        ).receipt
        for one in CONTACTS
    ]


def delivered(found: Desk, mailbox: Mailbox) -> list[tuple[str, str]]:
    """Relay and send all there is; to whom with which subject."""
    for _ in range(3):
        loops.once(found.site, ["relay", "mail"])
    mails = [(one.recipients[0], str(one.message["subject"])) for one in mailbox.deliveries]
    mailbox.deliveries.clear()
    return [one for one in mails if "您提" in one[1]]


def addresses(found: Desk) -> list[Any]:
    with found.site.store.read() as connection:
        return list(connection.execute(text("select address from subscription")))


def answered(found: Desk) -> None:
    work = found.work
    work.do("lead", "close", after=timedelta(days=31))
    points = [{"point": "保留行道树", "disposition": "adopted", "opinions": "2-6"}]
    work.do("lead", "answer", received="5", points=points, summary="采纳。", papers=("summary",))


def test_each_opinion_with_an_address_gets_one_letter_when_the_answers_are_published(
    found: Desk, mailbox: Mailbox
) -> None:
    receipts = say(found)
    answered(found)
    assert delivered(found, mailbox) == []
    found.work.do("lead", "publish", words="谢谢。")
    assert delivered(found, mailbox) == [
        ("li@example.cn", f"您提的意见已有结果（{receipts[0]}）"), ("wang@example.cn", f"您提的意见已有结果（{receipts[3]}）"),
        ("li@example.cn", f"您提的意见已有结果（{receipts[4]}）"),
    ]  # fmt: skip
    assert delivered(found, mailbox) == []


def test_the_letter_says_nothing_of_what_was_said_and_the_address_is_forgotten(found: Desk, mailbox: Mailbox) -> None:
    say(found)
    answered(found)
    found.work.do("lead", "publish", words="谢谢。")
    for _ in range(3):
        loops.once(found.site, ["relay", "mail"])
    letter = next(one for one in mailbox.deliveries if "您提" in str(one.message["subject"]))
    body = letter.message.get_body(("plain",)).get_content()
    assert f"/public/c/{found.work.no}" in body and "行道树" not in body and "保留" not in body
    loops.once(found.site, ["tidy"])
    assert addresses(found) == []


def test_who_spoke_hears_that_the_notice_is_withdrawn_and_that_it_is_back(found: Desk, mailbox: Mailbox) -> None:
    say(found)
    found.work.do("lead", "recall", reason="附件有误")
    assert {subject.partition("（")[0] for _, subject in delivered(found, mailbox)} == {"您提过意见的公告已经撤回"}
    found.work.do("lead", "notify", ends_on="2024-04-05")
    back = delivered(found, mailbox)
    assert len(back) == 3 and {subject.partition("（")[0] for _, subject in back} == {"您提过意见的公告重新发布了"}


def test_very_many_are_told_batch_by_batch(found: Desk, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senders, "BATCH", 2)
    say(found)
    answered(found)
    found.work.do("lead", "publish", words="谢谢。")
    assert len(delivered(found, mailbox)) == 3
    with found.site.store.read() as connection:
        rows = connection.execute(text("select count(*) from outbox where kind = 'senders'")).scalar_one()
    assert rows == 3


def test_without_a_mail_server_nobody_is_written_to(found: Desk) -> None:
    found.site = sites.Site(replace(found.site.settings, mail=configuration.Mail()), found.site.store, found.site.clock)
    say(found)
    answered(found)
    found.work.do("lead", "publish", words="谢谢。")
    loops.once(found.site, ["relay"])
    assert addresses(found) == []
