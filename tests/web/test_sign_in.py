"""Somebody of the staff signs in with name and password; guessing is slowed, and says nothing about who exists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from decisionflow.service import accounts
from decisionflow.store.engine import Store
from tests.web.desk import Desk, desk

PASSWORD = "correct horse battery"


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    made = desk(store, tmp_path)
    person = made.work.stage.actors["lead"].person
    made.site.store.write(lambda tx: accounts.create(tx, "chenyuan", person, PASSWORD, made.work.now))
    return made


def enter(found: Desk, login: str = "chenyuan", password: str = PASSWORD, source: str = "", **more: str) -> Any:
    client = TestClient(
        found.app, base_url="http://testserver", follow_redirects=False, client=(source or "203.0.113.7", 5000)
    )
    return client.post("/login", data={"login": login, "password": password, **more})


def test_name_and_password_open_the_page_that_was_asked_for(found: Desk) -> None:
    answer = enter(found, next="/cases")
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases") and "df" in answer.cookies


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(found: Desk) -> None:
    wrong, unknown = enter(found, password="wrong horse battery"), enter(found, login="nobody")
    assert wrong.status_code == unknown.status_code == 401
    assert "登录名或密码不对" in wrong.text and wrong.text.replace("chenyuan", "nobody") == unknown.text


def test_nobody_is_led_to_another_site(found: Desk) -> None:
    for place in ("https://evil.example", "//evil.example", "/\\evil.example"):
        assert enter(found, next=place).headers["location"].startswith("/inbox")


def test_guesses_at_one_name_are_slowed_and_lock_nobody_out(found: Desk) -> None:
    answers = [enter(found, password=f"guess number {n}") for n in range(11)]
    assert [one.status_code for one in answers] == [401] * 10 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60 and "请一分钟后再试" in answers[-1].text
    assert enter(found).status_code == 429  # from there not even with the right one
    assert enter(found, source="203.0.113.8").status_code == 303  # the owner, from elsewhere
    assert enter(found, login="somebody").status_code == 401  # another name, from there


def test_guesses_at_many_names_from_one_source_are_slowed(found: Desk) -> None:
    answers = [enter(found, login=f"name{n}").status_code for n in range(31)]
    assert answers == [401] * 30 + [429]
