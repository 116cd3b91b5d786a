"""Public pages are copies: cheap in a burst, the same for everybody, and never older than what they are about."""

from __future__ import annotations

import gzip
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from decisionflow.store.engine import Store
from decisionflow.web.server import listening
from tests.web.square import Square, square


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Square:
    made = square(store, tmp_path)
    made.notice("既有住宅加装电梯方案", concerns=["residents"])
    return made


PAGES = (
    "/public/consultations", "/public/c/YH-2024-001", "/public/c/YH-2024-001.json", "/public/case/YH-2024-001",
    "/public/feed.atom", "/public/catalogue",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_a_reader_who_has_the_page_is_told_that_it_has_not_changed(found: Square, path: str) -> None:
    client = found.desk.client("")
    first = client.get(path)
    tag = first.headers["etag"]
    assert first.status_code == 200 and first.headers["cache-control"].startswith("public, max-age=")
    assert first.headers["vary"] == "Cookie, Accept-Encoding"
    again = client.get(path, headers={"if-none-match": tag})
    assert again.status_code == 304 and again.content == b"" and again.headers["etag"] == tag
    assert client.get(path, headers={"if-none-match": 'W/"other"'}).status_code == 200


def test_a_burst_of_readers_costs_one_look_at_the_head_each(found: Square) -> None:
    client = found.desk.client("")
    client.get("/public/c/YH-2024-001")
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(found.work.store.engine, "before_cursor_execute", note)
    for _ in range(50):
        assert client.get("/public/c/YH-2024-001").status_code == 200
    event.remove(found.work.store.engine, "before_cursor_execute", note)
    asked = [one for one in seen if one.split()[0].upper() not in ("BEGIN", "ROLLBACK")]
    assert len(asked) == 50 and all("c.seq" in one for one in asked)


def test_a_signed_in_person_gets_the_same_copy_as_everybody(found: Square) -> None:
    everybody, lead = found.get("/public/c/YH-2024-001"), found.desk.get("lead", "/public/c/YH-2024-001")
    assert everybody == lead and "陈予安" not in lead


def test_large_letters_have_copies_of_their_own_and_strange_cookies_none(found: Square) -> None:
    def seen(mode: str) -> str:
        client = TestClient(found.desk.app, base_url="http://testserver", cookies={"mode": mode})
        return client.get("/public/consultations").text

    assert 'data-mode="elder"' in seen("elder") and 'data-mode=""' in seen("") and 'data-mode=""' in seen("x<y")
    assert 'data-mode="contrast"' in seen("contrast") and 'data-mode="elder"' in seen("elder")


def test_the_switch_for_large_letters_works_without_scripts_and_comes_back(found: Square) -> None:
    client = TestClient(found.desk.app, base_url="http://testserver", follow_redirects=False)
    assert 'href="/display?mode=elder"' in client.get("/public/consultations").text
    here = "http://testserver/public/c/YH-2024-001"
    answer = client.get("/display?mode=elder", headers={"referer": here})
    assert answer.headers["location"] == "/public/c/YH-2024-001"
    assert 'data-mode="elder"' in client.get("/public/c/YH-2024-001").text


def test_a_new_opinion_is_counted_within_a_minute(found: Square) -> None:
    assert "已收到 0 条" not in found.get("/public/consultations") and "0 条意见" in found.get("/public/consultations")
    found.say("YH-2024-001", "建议增设坡道。")
    assert "0 条意见" in found.get("/public/consultations")
    found.work.now += timedelta(seconds=61)
    assert "1 条意见" in found.get("/public/consultations")


def test_a_withdrawn_notice_shows_no_open_form_at_the_next_look(found: Square) -> None:
    assert "我要提意见" in found.get("/public/c/YH-2024-001")
    found.work.do("lead", "recall_notice", reason="草案有误", after=timedelta(seconds=1))
    html = found.get("/public/c/YH-2024-001")
    assert "我要提意见" not in html and "已撤回" in html and "草案有误" in html
    assert "我要提意见" not in found.get("/public/consultations?tab=ended")


def test_a_notice_that_ended_at_midnight_says_so_at_once(found: Square) -> None:
    work = found.work
    midnight = work.now.replace(hour=16, minute=0, second=0) + timedelta(days=31)  # 24:00 in Shanghai
    work.now = midnight - timedelta(seconds=2)
    answer = found.desk.client("").get("/public/c/YH-2024-001")
    assert "今天 24 时截止" in answer.text and answer.headers["cache-control"] == "public, max-age=2"
    work.now = midnight
    assert "期限已到" in found.get("/public/c/YH-2024-001")


def test_what_is_not_there_is_not_kept(found: Square) -> None:
    path = "/public/c/YH-2024-002"
    assert found.desk.client("").get(path).headers["cache-control"] == "no-store"
    found.notice("停车收费管理办法")
    assert "停车收费" in found.get(path)


def test_forms_and_receipts_are_never_kept(found: Square) -> None:
    client = found.desk.client("")
    for path in ("/public/c/YH-2024-001/comment", "/public/receipt", "/public/subscribe"):
        assert client.get(path).headers["cache-control"] == "no-store", path
    assert found.send("YH-2024-001", found.form("YH-2024-001")).headers["cache-control"] == "no-store"


def test_a_page_travels_zipped_to_whoever_can_open_it(found: Square) -> None:
    client = found.desk.client("")
    with client.stream("GET", "/public/c/YH-2024-001", headers={"accept-encoding": "gzip"}) as zipped:
        raw = b"".join(zipped.iter_raw())
    plain = client.get("/public/c/YH-2024-001", headers={"accept-encoding": "identity"})
    assert zipped.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert gzip.decompress(raw) == plain.content and len(raw) < len(plain.content) / 2


def test_no_answer_waits_for_another_to_fill_a_packet() -> None:
    with listening("127.0.0.1", 0) as sock:
        assert sock.proto == socket.IPPROTO_TCP  # asyncio sets TCP_NODELAY by it
