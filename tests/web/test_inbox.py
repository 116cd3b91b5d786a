"""S02 工作台: what I must do, most urgent first."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from decisionflow.store.engine import Store
from tests.web.desk import Desk, desk


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    made = desk(store, tmp_path)
    made.work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3")
    return made


def test_inbox_asks_the_chief_to_decide_whether_to_begin(found: Desk) -> None:
    html = found.get("chief", "/inbox")

    assert "决定是否受理" in html
    assert f"/cases/{found.work.no}/do/begin" in html


def test_inbox_of_another_post_does_not_show_it(found: Desk) -> None:
    assert "决定是否受理" not in found.get("legal", "/inbox")


def test_inbox_sends_a_stranger_to_the_sign_in_page(found: Desk) -> None:
    answer = found.client("").get("/inbox")

    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/inbox")


def test_a_clock_lights_the_inbox_red_after_its_day(found: Desk) -> None:
    work = found.work
    work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    work.do("lead", "open_survey", ends_on="2024-03-31", papers=("photo",))
    work.do("lead", "close_survey", after=timedelta(days=31))
    work.do("chief", "decide")
    assert "还剩 10 个工作日" in found.get("lead", "/inbox")

    work.now += timedelta(days=20)
    found.clients.clear()

    assert "已逾期 3 个工作日" in found.get("lead", "/inbox?light=red")


def test_get_is_refused_where_only_a_form_may_go(found: Desk) -> None:
    assert found.client("lead").get("/inbox/read").status_code == 405


def test_a_form_without_the_sessions_token_is_refused(found: Desk) -> None:
    assert found.client("lead").post("/inbox/read", data={"csrf": "x"}).status_code == 403


def test_a_form_from_another_site_is_refused(found: Desk) -> None:
    answer = found.client("lead").post("/login", data={"login": "x"}, headers={"origin": "http://evil.example"})

    assert answer.status_code == 403


def test_every_answer_carries_the_headers(found: Desk) -> None:
    for path in ("/inbox", "/nowhere", "/static/df.css", "/login"):
        headers = found.client("lead").get(path).headers
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
