"""Somebody of the staff signs in with name and password; guessing is slowed, and says nothing about who exists."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from decisionflow.service import accounts
from decisionflow.store.engine import Store
from tests.web.desk import Desk, desk
from tests.web.signing import browser, post

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


def test_whoever_guesses_at_the_chief_shuts_out_themselves_and_never_the_chief(found: Desk) -> None:
    """Behind one address of the office sits everybody: the chief's own browser is a source of its own."""
    found.site.settings = replace(found.site.settings, signin_profile="mlps3")
    chief = browser(found)
    assert login(chief).status_code == 303
    thief = browser(found)
    tried = [login(thief, password=f"guess number {n}").status_code for n in range(6)]
    assert tried == [401] * 5 + [429]
    assert login(browser(found)).status_code == 429  # a browser that is not known, from that address
    assert login(chief).status_code == 303
    found.work.now += timedelta(minutes=16)
    assert login(browser(found)).status_code == 303  # and never for good


def test_a_mark_of_a_known_browser_cannot_be_made_up_or_lent_to_another_name(found: Desk) -> None:
    found.site.settings = replace(found.site.settings, signin_profile="mlps3")
    client = browser(found)
    login(client)
    mark = client.cookies["df-known"]
    for carried in ("x" + mark, "made up"):
        thief = browser(found, "198.51.100.3")
        thief.cookies.set("df-known", carried)
        tried = [login(thief, password=f"guess number {n}").status_code for n in range(6)]
        assert tried[-1] == 429
        found.work.now += timedelta(minutes=16)
    assert PASSWORD not in mark and "chenyuan" not in mark


def test_an_unknown_name_is_slowed_just_like_a_known_one(found: Desk) -> None:
    found.site.settings = replace(found.site.settings, signin_profile="mlps3")
    known = [login(browser(found, "198.51.100.4"), password=f"guess number {n}") for n in range(6)]
    unknown = [login(browser(found, "198.51.100.5"), "nobody", f"guess number {n}") for n in range(6)]
    assert [one.status_code for one in known] == [one.status_code for one in unknown]
    assert known[-1].text.replace("chenyuan", "nobody") == unknown[-1].text


def test_under_the_stricter_profile_a_password_ages_and_everybody_needs_a_second_factor(found: Desk) -> None:
    found.site.settings = replace(found.site.settings, signin_profile="mlps3")
    client = browser(found)
    login(client)
    assert client.get("/cases").headers["location"] == "/account/factor"
    found.work.now += timedelta(days=91)
    login(client)
    assert client.get("/cases").headers["location"] == "/account/password"
    plain = post(client, "/account/password", old=PASSWORD, password="four plain words", again="four plain words")
    assert plain.status_code == 422 and "至少3类" in plain.text
    mixed = "Four Plain Words 4"
    assert post(client, "/account/password", old=PASSWORD, password=mixed, again=mixed).status_code == 303


@pytest.mark.parametrize(
    "weak", ["short", "password1234", "111111111111", "abcabcabcabc", "chenyuan123", "p" * 201], ids=str
)
def test_a_weak_password_is_not_taken(found: Desk, weak: str) -> None:
    client = browser(found)
    login(client)
    refused = post(client, "/account/password", old=PASSWORD, password=weak, again=weak)
    assert refused.status_code == 422 and login(browser(found, "198.51.100.6")).status_code == 303


def test_a_changed_password_ends_every_other_session(found: Desk) -> None:
    first, second = browser(found), browser(found)
    login(first)
    login(second)
    new = "four plain words here"
    wrong = post(second, "/account/password", old="not this one here", password=new, again=new)
    assert wrong.status_code == 422 and "现在的密码不对" in wrong.text
    assert post(second, "/account/password", old=PASSWORD, password=new, again=new).status_code == 303
    assert first.get("/cases").status_code == 303 and second.get("/cases").status_code == 200


def test_a_session_is_new_at_sign_in_and_dead_after_signing_out(found: Desk) -> None:
    client = browser(found)
    client.cookies.set("df", "planted-by-somebody")
    answer = login(client)
    token = answer.cookies["df"]
    assert token != "planted-by-somebody" and len(token) >= 43
    login(client)
    old = browser(found)
    old.cookies.set("df", token)
    assert old.get("/cases").headers["location"].startswith("/login")  # the earlier one ended with the new one


def test_a_session_ends_when_idle_and_after_its_hours(found: Desk) -> None:
    client = browser(found)
    login(client)
    found.work.now += timedelta(minutes=31)
    assert client.get("/cases").headers["location"].startswith("/login")
    login(client)
    for _ in range(16):
        found.work.now += timedelta(minutes=29)
        assert client.get("/cases").status_code == 200
    found.work.now += timedelta(minutes=29)
    assert client.get("/cases").headers["location"].startswith("/login")


def test_the_cookie_is_for_no_script_and_with_https_for_this_host_only(found: Desk) -> None:
    plain = login(browser(found)).headers["set-cookie"].lower()
    assert "httponly" in plain and "samesite=lax" in plain and "path=/" in plain
    found.site.settings = replace(found.site.settings, public_url="https://testserver")
    secure = login(browser(found)).headers["set-cookie"]
    assert secure.startswith("__Host-df=") and "; secure" in secure.lower() and "domain" not in secure.lower()


def login(client: TestClient, name: str = "chenyuan", password: str = PASSWORD) -> Any:
    return client.post("/login", data={"login": name, "password": password})
