"""Somebody wants to be told: by a feed, or by mail after confirming it; and leaves, and is forgotten."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from sqlalchemy import text

from decisionflow.service import loops, subscriptions
from decisionflow.service.addressees import Message
from decisionflow.store.engine import Store, Tx
from tests.services import Mailbox
from tests.web.square import Square, square

ATOM = "{http://www.w3.org/2005/Atom}"
LI = "li@example.cn"


@pytest.fixture
def found(store: Store, tmp_path: Path, mailbox: Mailbox) -> Square:
    made = square(store, tmp_path, mailbox)
    made.notice("既有住宅加装电梯方案", concerns=["residents"], area="全区", gist="老楼怎样装电梯")
    return made


def post(found: Square, path: str, **data: str) -> Any:
    return found.desk.client("").post(path, data=data)


def letters(found: Square, mailbox: Mailbox) -> list[tuple[str, str, str]]:
    """What has arrived since the last look: to whom, about what, in which words."""
    loops.once(found.desk.site, ["news", "mail"])
    loops.once(found.desk.site, ["tidy"])
    got = [
        (one.recipients[0], str(one.message["subject"]), one.message.get_body(("plain",)).get_content())  # type: ignore[union-attr]
        for one in mailbox.deliveries
    ]
    mailbox.deliveries.clear()
    return got


def link(words: str) -> str:
    at = re.search(r"http://testserver(/public/\S+)", words)
    assert at
    return at[1]


def subscribed(found: Square, mailbox: Mailbox, address: str = LI, **wanted: str) -> str:
    """A confirmed subscription; the link of its mail."""
    assert post(found, "/public/subscribe", address=address, **wanted).status_code == 200
    ((to, _, words),) = letters(found, mailbox)
    assert to == address
    assert post(found, link(words)).status_code == 200
    return link(words)


def next_morning(found: Square) -> None:
    """Ten in the morning of the next day, in Shanghai."""
    found.work.now = found.work.now.replace(hour=2, minute=0) + timedelta(days=1)


# ---- the feed


def entries(found: Square, query: str = "") -> list[Xml.Element]:
    answer = found.desk.client("").get(f"/public/feed.atom{query}")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("application/atom+xml")
    root = Xml.fromstring(answer.content)
    for name in ("id", "title", "updated"):
        assert root.findtext(f"{ATOM}{name}"), name
    return root.findall(f"{ATOM}entry")


def test_the_feed_tells_each_notice_once_under_an_id_that_stays(found: Square) -> None:
    (first,) = entries(found)
    assert first.findtext(f"{ATOM}title") == "征求意见：既有住宅加装电梯方案"
    assert (first.findtext(f"{ATOM}id") or "").startswith("urn:uuid:")
    assert "老楼怎样装电梯" in (first.findtext(f"{ATOM}summary") or "")
    found.work.now += timedelta(days=3)
    assert entries(found)[0].findtext(f"{ATOM}id") == first.findtext(f"{ATOM}id")


def test_a_filter_has_a_feed_of_its_own_and_so_has_a_case(found: Square) -> None:
    found.notice("停车收费管理办法", concerns=["travellers"])
    assert len(entries(found)) == 2 and len(entries(found, "?concerns=travellers")) == 1
    assert len(entries(found, "?no=YH-2024-001")) == 1 and entries(found, "?q=没有的事") == []
    assert found.desk.client("").get("/public/feed.atom?no=YH-2024-009").status_code == 404
    assert 'href="/public/feed.atom?concerns=travellers"' in found.get("/public/consultations?concerns=travellers")


def test_a_withdrawn_notice_leaves_the_feed(found: Square) -> None:
    found.work.do("lead", "recall_notice", reason="草案有误")
    assert entries(found) == []


# ---- by mail


def test_nothing_is_sent_before_the_address_is_confirmed(found: Square, mailbox: Mailbox) -> None:
    answer = post(found, "/public/subscribe", address=LI)
    assert "请到邮箱里确认" in answer.text
    ((to, subject, words),) = letters(found, mailbox)
    assert (to, subject) == (LI, "请确认订阅")
    found.notice("停车收费管理办法")
    next_morning(found)
    assert letters(found, mailbox) == []
    page = found.get(link(words))
    assert "确认订阅" in page and LI not in page  # a program that opens the link does not confirm it
    assert "订阅好了" in post(found, link(words)).text and "已经订阅" in found.get(link(words))
    assert "订阅好了" in post(found, link(words)).text  # twice is once


def test_each_morning_one_letter_with_all_that_is_new_and_none_without_news(found: Square, mailbox: Mailbox) -> None:
    subscribed(found, mailbox)
    next_morning(found)
    assert letters(found, mailbox) == []
    found.notice("停车收费管理办法", gist="停车怎么收费")
    found.notice("老年人助餐办法")
    assert letters(found, mailbox) == []
    next_morning(found)
    ((to, subject, words),) = letters(found, mailbox)
    assert (to, subject) == (LI, "2 件新的公告和采纳情况")
    assert "停车怎么收费" in words and words.index("老年人助餐") < words.index("停车收费")
    assert "既有住宅" not in words  # it was there before
    assert letters(found, mailbox) == []
    next_morning(found)
    assert letters(found, mailbox) == []


def test_only_what_was_asked_for_is_told(found: Square, mailbox: Mailbox) -> None:
    subscribed(found, mailbox, concerns="travellers")
    subscribed(found, mailbox, "wang@example.cn", no="YH-2024-001")
    found.notice("停车收费管理办法", concerns=["travellers"])
    next_morning(found)
    ((to, subject, _),) = letters(found, mailbox)
    assert (to, subject) == (LI, "征求意见：停车收费管理办法")


def test_whoever_leaves_is_forgotten(found: Square, mailbox: Mailbox) -> None:
    confirmed = subscribed(found, mailbox)
    found.notice("停车收费管理办法")
    next_morning(found)
    loops.once(found.desk.site, ["news", "mail"])
    (sent,) = mailbox.deliveries
    out = link(str(sent.message["list-unsubscribe"]))[:-1]
    assert sent.message["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert out in sent.message.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "退订并删除地址" in found.get(out) and found.count("subscription") == 1
    assert post(found, out, **{"List-Unsubscribe": "One-Click"}).status_code == 200
    assert found.count("subscription") == 0 and LI not in everything(found)
    assert post(found, out).status_code == 200  # a mail program may press twice
    assert found.desk.client("").get(confirmed).status_code == 404
    mailbox.deliveries.clear()
    found.notice("老年人助餐办法")
    next_morning(found)
    assert letters(found, mailbox) == []


def everything(found: Square) -> str:
    """Every value of every row outside the vault."""
    with found.desk.site.store.read() as connection:
        names = ("outbox", "notice", "heartbeat", "subscription", "trail_entry", "act_key", "lease")
        return " ".join(str(row) for name in names for row in connection.execute(text(f"select * from {name}")))


def test_an_address_that_is_not_confirmed_is_gone_after_two_days(found: Square, mailbox: Mailbox) -> None:
    post(found, "/public/subscribe", address=LI)
    ((_, _, words),) = letters(found, mailbox)
    found.work.now += timedelta(days=2, minutes=1)
    assert found.desk.client("").get(link(words)).status_code == 404
    assert post(found, link(words)).status_code == 404
    letters(found, mailbox)
    assert found.count("subscription") == 0 and LI not in everything(found)


def test_nobody_learns_whether_an_address_is_known_nor_fills_its_mailbox(found: Square, mailbox: Mailbox) -> None:
    subscribed(found, mailbox)
    first = post(found, "/public/subscribe", address=LI).text
    assert first == post(found, "/public/subscribe", address="new@example.cn").text
    for words in ("一", "二", "三", "四", "五", "六"):
        found.work.now += timedelta(minutes=1)
        found.desk.app.state.portal.subscribing.__init__(*found.desk.app.state.portal.subscribing.limits)
        post(found, "/public/subscribe", address="New@example.cn", q=words)
    assert len(letters(found, mailbox)) == subscriptions.AT_MOST


def test_asked_again_the_link_comes_again_but_once_a_day(found: Square, mailbox: Mailbox) -> None:
    post(found, "/public/subscribe", address=LI)
    post(found, "/public/subscribe", address=LI)
    assert len(letters(found, mailbox)) == 1
    next_morning(found)
    post(found, "/public/subscribe", address=LI)
    assert len(letters(found, mailbox)) == 1 and found.count("subscription") == 1


@pytest.mark.parametrize("address", ["", "li", "li@", "li@例子.cn", "a@b\nBcc: x@y.cn", "x" * 300 + "@example.cn"])
def test_what_is_no_address_is_refused_and_kept_on_the_page(found: Square, mailbox: Mailbox, address: str) -> None:
    answer = post(found, "/public/subscribe", address=address, concerns="residents")
    assert answer.status_code == 422 and "邮箱地址写法不对" in answer.text
    assert 'value="residents" selected' in answer.text and found.count("subscription") == 0


def test_no_case_and_no_link_is_invented(found: Square, mailbox: Mailbox) -> None:
    assert post(found, "/public/subscribe", address=LI, no="YH-2024-009").status_code == 404
    known = link_of(found, mailbox)
    other = known[:-1] + ("1" if known.endswith("0") else "0")
    for path in (other, known.replace("/public/subscription/", "/public/subscription/0"), known + "/leave"):
        answer = found.desk.client("").post(path)
        assert answer.status_code == (200 if path.endswith("/leave") else 404), path
    assert found.count("subscription") == 1  # the link that confirms does not end it


def link_of(found: Square, mailbox: Mailbox) -> str:
    post(found, "/public/subscribe", address=LI)
    ((_, _, words),) = letters(found, mailbox)
    return link(words)


def test_without_a_mail_server_only_the_feed_is_offered(store: Store, tmp_path: Path) -> None:
    made = square(store, tmp_path)
    html = made.get("/public/subscribe")
    assert "订阅源" in html and 'name="address"' not in html
    assert post(made, "/public/subscribe", address=LI).status_code == 503


def test_too_many_requests_are_put_off_with_what_was_typed(found: Square) -> None:
    answers = [post(found, "/public/subscribe", address=f"li{n}@example.cn") for n in range(6)]
    assert [one.status_code for one in answers] == [200] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) <= 60 and "li5@example.cn" in answers[-1].text


def test_no_log_names_an_address_even_when_the_server_refuses_it(
    found: Square, mailbox: Mailbox, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_such_user(_server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        return f"550 <{address}> no such user"

    monkeypatch.setattr(mailbox, "handle_RCPT", no_such_user, raising=False)
    caplog.set_level(logging.DEBUG)
    post(found, "/public/subscribe", address=LI)
    loops.once(found.desk.site, ["mail"])
    ours = "".join(one.getMessage() for one in caplog.records if one.name.startswith("decisionflow"))
    assert "no such user" in ours and LI not in ours
    loops.once(found.desk.site, ["tidy"])
    with found.desk.site.store.read() as connection:
        told = connection.execute(text("select * from outbox")).all()
    assert "no such user" in str(told) and LI not in str(told)


# ---- who left an address with an opinion


def test_one_letter_goes_to_an_address_left_with_an_opinion_and_is_forgotten(found: Square, mailbox: Mailbox) -> None:
    message = Message("您提的意见已有结果", ("回执 YH-2024-001-ABCD-0002",), "/public/receipt")

    def put(tx: Tx, address: str, dedup: str) -> None:
        for rows in subscriptions.letter(found.work.authority, address, message, dedup, found.work.now):
            tx.put(rows)

    def tell(address: str, dedup: str) -> None:
        found.desk.site.store.write(lambda tx: put(tx, address, dedup))

    tell(LI, "answer:1")
    tell(LI, "answer:1")
    tell("13800000000", "answer:2")
    ((to, subject, words),) = letters(found, mailbox)
    assert (to, subject) == (LI, "您提的意见已有结果") and "只写这一封信" in words
    assert found.count("subscription") == 0 and LI not in everything(found)
    tell(LI, "answer:1")
    assert letters(found, mailbox) == [] and LI not in everything(found)
