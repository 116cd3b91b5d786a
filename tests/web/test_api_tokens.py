"""A program comes with a token: within its scopes, through one post, until it is over."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import text
from starlette.testclient import TestClient

from decisionflow.service import accounts, tokens
from decisionflow.store.engine import Store
from decisionflow.web import doors
from decisionflow.web.api import routers
from tests.web.desk import Desk
from tests.web.signing import browser, enter, lines, person, post, staffed


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return staffed(store, tmp_path)


def made(found: Desk, *scopes: str, days: str = "30") -> str:
    client = browser(found)
    enter(client)
    answer = post(client, "/account/tokens", "/account", name="统计上报", scopes=list(scopes), days=days)
    shown = re.search(r">(dft_[^<]+)</code>", answer.text)
    assert shown, answer.text[:600]
    assert shown[1] not in client.get("/account").text
    return shown[1]


def call(found: Desk, token: str, path: str = "/api/v1/cases", method: str = "GET", **more: Any) -> Any:
    client = TestClient(found.app, base_url="http://testserver", follow_redirects=False)
    return client.request(method, path, headers={"authorization": f"Bearer {token}", **more.pop("headers", {})}, **more)


def test_a_token_reads_what_its_scope_and_its_post_allow(found: Desk) -> None:
    token = made(found, "case.read")
    assert call(found, token).status_code == 200
    who = call(found, token, "/api/v1/session").json()
    assert who["person"] == found.work.stage.actors["lead"].name
    with found.site.store.read() as connection:
        kept = str(connection.execute(text("select * from api_token")).all())
    assert token not in kept and token not in str(lines(found))


def test_a_missing_scope_is_named(found: Desk) -> None:
    token = made(found, "case.write")
    answer = call(found, token)
    assert answer.status_code == 403 and answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["type"], answer.json()["scope"]) == ("/problems/scope", "case.read")


def test_every_address_of_the_api_says_which_scope_it_asks() -> None:
    asked = {}
    for route in (route for router in routers() for route in router.routes if isinstance(route, APIRoute)):
        calls = [one.call for one in route.dependant.dependencies]
        if any(one in (doors.visit,) for one in calls):
            continue  # for everybody
        scopes = [one.scope for one in calls if isinstance(one, doors.Scoped)]
        assert scopes, route.path
        assert set(scopes) <= {"", *tokens.offered()}
        asked[route.path, tuple(route.methods)] = scopes[0]
    assert all(scope == "case.write" for (_, methods), scope in asked.items() if "POST" in methods)


def test_a_file_is_uploaded_without_the_token_of_a_page(found: Desk) -> None:
    token = made(found, "case.write")
    answer = call(found, token, "/api/v1/files", "POST", files={"file": ("a.txt", "现场记录".encode(), "text/plain")},
                  headers={"sec-fetch-site": "cross-site"})  # fmt: skip
    assert answer.status_code == 201, answer.text


def test_an_act_that_binds_is_not_for_programs(found: Desk) -> None:
    client = browser(found)
    found.site.store.write(
        lambda tx: accounts.create(tx, "shen", person(found, "proposer"), "correct horse battery", found.work.now)
    )
    enter(client, "shen")
    answer = post(client, "/account/tokens", "/account", name="申报系统", scopes=["case.write"], days="30")
    token = re.search(r">(dft_[^<]+)</code>", answer.text)
    assert token
    body = {"action": "ask", "fields": {"title": "砍树", "protected": False, "trees": 3}, "procedure": "tree-felling"}
    refused = call(found, token[1], "/api/v1/cases", "POST", json=body, headers={"idempotency-key": "k"})
    assert refused.status_code == 403 and "令牌" in refused.json()["detail"]
    with found.site.store.read() as connection:
        assert connection.execute(text("select count(*) from case_file")).scalar_one() == 0


def test_a_token_and_a_session_never_come_together(found: Desk) -> None:
    token = made(found, "case.read")
    client = browser(found)
    enter(client)
    answer = client.get("/api/v1/cases", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 422
    assert (
        browser(found).get("/cases", headers={"authorization": f"Bearer {token}"}).status_code == 303
    )  # pages take none


def test_a_token_is_over_when_revoked_expired_or_without_its_post_or_account(found: Desk) -> None:
    token = made(found, "case.read", days="30")
    assert call(found, token + "x").status_code == call(found, "dft_x").status_code == 401
    client = browser(found)
    enter(client)
    number = re.search(r'action="/account/tokens/([^"]+)"', client.get("/account").text)
    assert number
    assert post(client, f"/account/tokens/{number[1]}", "/account").status_code == 303
    assert call(found, token).status_code == 401
    second = made(found, "case.read", days="30")
    found.site.store.write(lambda tx: tx.execute(
        text("update appointment set valid_to = :day where person_id = :p").bindparams(
            day=date(2024, 2, 29), p=person(found, "lead"))))  # fmt: skip
    assert call(found, second).status_code == 401
    found.site.store.write(lambda tx: tx.execute(
        text("update appointment set valid_to = null where person_id = :p").bindparams(p=person(found, "lead"))))  # fmt: skip
    assert call(found, second).status_code == 200
    found.work.now += timedelta(days=31)
    assert call(found, second).status_code == 401


def test_somebody_elses_token_cannot_be_revoked_and_a_bad_one_is_not_made(found: Desk) -> None:
    token = made(found, "case.read")
    with found.site.store.read() as connection:
        number = connection.execute(text("select id from api_token")).scalar_one()
    assert post(found.client("chief"), f"/account/tokens/{number}", "/account").status_code == 404
    assert call(found, token).status_code == 200
    client = browser(found)
    enter(client)
    for wrong in ({"scopes": "all"}, {"days": "366"}, {"name": ""}):
        given = {"name": "统计上报", "scopes": "case.read", "days": "30", **wrong}
        assert post(client, "/account/tokens", "/account", **given).status_code == 422
