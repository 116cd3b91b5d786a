"""Two persons publish on the page: one hands in, another sees what moves, and publishes; nobody else has the page."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from decisionflow.service import procedures, publications, replay
from decisionflow.store.engine import Store
from tests.core.play import WORKFLOWS
from tests.web.desk import Desk, desk

NOTICE = (WORKFLOWS / "calendars" / "CN-2024@1.yaml").read_text("utf-8")
SECOND = (
    NOTICE.replace("version: 1", "version: 2")
    .replace("2024-05-11", "2024-05-18")
    .replace("[2024-05-01,", "[2024-04-30, 2024-05-01,")
)


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    """A decided case with ten working days to file it, over Labour Day."""
    made = desk(store, tmp_path)
    work = made.work
    work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3")
    work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    work.do("lead", "open_survey", ends_on="2024-04-10", papers=("photo",))
    work.now = datetime(2024, 4, 11, 1, tzinfo=UTC)
    work.do("lead", "close_survey")
    work.now = datetime(2024, 4, 24, 1, tzinfo=UTC)
    work.do("chief", "decide")
    return made


def hand_in(
    found: Desk, who: str = "legal", text: str = SECOND, reason: str = "国办更正放假安排", status: int = 303
) -> str:
    token = found.csrf(who, "/proposals")
    answer = found.client(who).post(
        "/proposals", data={"csrf": token, "reason": reason}, files={"file": ("CN-2024@2.yaml", text.encode())}
    )
    assert answer.status_code == status, answer.text[:400]
    return answer.headers.get("location", answer.text)


def settle(found: Desk, who: str, href: str, **data: str) -> int:
    token = found.csrf(who, href)
    return found.client(who).post(href, data={"csrf": token, **data}).status_code


def test_a_notice_is_handed_in_seen_and_published_by_another(found: Desk) -> None:
    href = hand_in(found)
    page = found.get("office", href)
    assert re.search(r"归档期限.*2024-05-10.*2024-05-13", page, re.DOTALL) and found.work.no in page
    assert "须由另一人核对后发布" in found.get("legal", href)
    assert settle(found, "legal", href, do="publish") == 403
    assert settle(found, "office", href, do="publish") == 303
    assert "已发布" in found.get("office", href) and "2024-05-13" in found.get("lead", f"/cases/{found.work.no}")
    with found.site.store.read() as connection:
        assert replay.compare(connection, found.site.store.blobs, "yunhe") == ()


def test_twice_is_once_and_a_settled_one_cannot_be_settled_again(found: Desk) -> None:
    href = hand_in(found)
    assert found.client("legal").post(
        "/proposals", data={"csrf": found.csrf("legal", "/proposals"), "reason": "国办更正放假安排"},
        files={"file": ("CN-2024@2.yaml", SECOND.encode())},
    ).status_code == 409  # fmt: skip
    token = found.csrf("office", href)
    assert settle(found, "office", href, do="withdraw", reason="通知作废") == 303
    again = found.client("office").post(href, data={"csrf": token, "do": "publish"})
    assert again.status_code == 409
    assert "2024-05-10" in found.get("lead", f"/cases/{found.work.no}")


@pytest.mark.parametrize(
    ("given", "say"),
    [
        ({"text": ""}, "文件"),
        ({"text": "calendar: CN\n"}, "缺少"),
        ({"text": NOTICE}, "已经发布过"),
        ({"reason": "短"}, "请写明理由"),
    ],
)
def test_a_bad_notice_or_no_reason_is_told_on_the_page_and_nothing_is_kept(
    found: Desk, given: dict[str, str], say: str
) -> None:
    token = found.csrf("legal", "/proposals")
    answer = found.client("legal").post(
        "/proposals", data={"csrf": token, "reason": given.get("reason", "国办更正放假安排")},
        files={"file": ("a.yaml", given.get("text", SECOND).encode())},
    )  # fmt: skip
    assert answer.status_code in (409, 422) and say in answer.text
    with found.site.store.read() as connection:
        assert publications.proposals(connection, found.work.authority) == ()


def test_a_withdrawal_wants_a_reason_and_a_post_wants_its_token(found: Desk) -> None:
    href = hand_in(found)
    assert settle(found, "office", href, do="withdraw") == 422
    assert settle(found, "office", href, do="something") == 422
    assert found.client("office").post(href, data={"do": "publish"}).status_code == 403


def test_others_have_no_such_page(found: Desk) -> None:
    href = hand_in(found)
    for who in ("lead", "chief", "proposer"):
        found.get(who, "/proposals", 404)
        found.get(who, href, 404)
        token = found.csrf(who, f"/cases/{found.work.no}/do/finish") if who == "lead" else ""
        assert found.client(who).post(href, data={"csrf": token, "do": "publish"}).status_code in (403, 404)
        assert "提出和发布" not in found.get(who, "/procedures")
    assert "1 项等待发布" in found.get("office", "/procedures")
    found.get("office", "/proposals/nothing", 404)


def test_a_proposed_procedure_shows_how_it_differs_from_the_last(found: Desk, tmp_path: Path) -> None:
    work = found.work
    path = tmp_path / "tree-felling.yaml"
    text = (WORKFLOWS.parent / "tests" / "procedures" / "tree-felling.yaml").read_text("utf-8")
    path.write_text(text.replace("2024.1", "2024.2").replace("length: 10 workdays", "length: 5 workdays"), "utf-8")
    stricter = procedures.read(path)
    legal = work.stage.actors["legal"]
    proposal = found.site.store.write(
        lambda tx: publications.propose_procedure(tx, work.authority, stricter, "归档期限从严", legal, work.now)
    )
    page = found.get("office", f"/proposals/{proposal}")
    assert "与 tree-felling@2024.1 相比" in page and "由10个工作日改为5个工作日" in page and "从严" in page
