"""Before an act that binds, the person shows again who they are; what was typed stays."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from decisionflow.service import accounts, factors
from decisionflow.store.engine import Store
from decisionflow.trail import canonical
from tests.web.desk import Desk
from tests.web.signing import PASSWORD, browser, csrf, enrolled, enter, lines, person, post, staffed

TITLE = "解放路行道树砍伐"
LATER = timedelta(minutes=16)


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    made = staffed(store, tmp_path)
    now = made.work.now
    made.site.store.write(lambda tx: accounts.create(tx, "shen", person(made, "proposer"), PASSWORD, now))
    return made


def hidden(page: str) -> dict[str, str]:
    main = page[page.index("<main") :]
    pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', main)
    return {name: unescape(value) for name, value in pairs}


def begun(found: Desk) -> TestClient:
    client = browser(found)
    assert enter(client, "shen").status_code == 303
    return client


def looked_over(client: TestClient) -> dict[str, str]:
    """The opening form filled in and checked; what the page of the check carries on."""
    form = hidden(client.get("/cases/new").text)
    checked = client.post("/cases/new", data={**form, "title": TITLE, "protected": "false", "trees": "3"})
    assert checked.status_code == 200, checked.text[-800:]
    return {**hidden(checked.text), "asks": "yes" if 'name="act.proof"' in checked.text else ""}


def confirm(client: TestClient, form: dict[str, str], **more: str) -> Any:
    return client.post("/cases/new/confirm", data={**{k: v for k, v in form.items() if k != "asks"}, **more})


def test_soon_after_signing_in_nothing_is_asked(found: Desk) -> None:
    client = begun(found)
    form = looked_over(client)
    assert not form["asks"] and confirm(client, form).status_code == 303


def test_later_the_password_is_asked_in_the_same_form_and_nothing_typed_is_lost(found: Desk) -> None:
    client = begun(found)
    found.work.now += LATER
    form = looked_over(client)
    assert form["asks"]
    for wrong in ("", "not this one here"):
        refused = confirm(client, form, **{"act.proof": wrong})
        assert refused.status_code == 401 and TITLE in refused.text and "act.proof" in refused.text
        form = {**hidden(refused.text), "asks": "yes"}
    assert confirm(client, form, **{"act.proof": PASSWORD}).status_code == 303
    assert not looked_over(client)["asks"]  # good for a while again


def test_with_a_second_factor_the_code_is_asked(found: Desk) -> None:
    client = begun(found)
    secret, _ = enrolled(found, client)
    found.work.now += LATER
    form = looked_over(client)
    assert confirm(client, form, **{"act.proof": PASSWORD}).status_code == 401
    assert confirm(client, form, **{"act.proof": factors.code_at(secret, found.work.now)}).status_code == 303


def test_the_server_asks_and_not_only_the_page(found: Desk) -> None:
    client = begun(found)
    form = looked_over(client)
    found.work.now += LATER
    assert confirm(client, form).status_code == 401
    with found.site.store.read() as connection:
        assert connection.execute(text("select count(*) from case_file")).scalar_one() == 0
    token = client.get("/api/v1/session").json()["csrf"]
    body = {"action": "ask", "fields": {"title": TITLE, "protected": False, "trees": 3}, "procedure": "tree-felling"}
    headers = {"x-csrf-token": token, "idempotency-key": "k1"}
    answer = client.post("/api/v1/cases", json=body, headers=headers)
    assert answer.status_code == 401 and answer.json()["type"] == "/problems/proof-needed", answer.text
    assert post(client, "/prove", proof=PASSWORD).status_code == 303
    assert client.post("/api/v1/cases", json=body, headers=headers).status_code == 201


def test_the_proof_never_travels_on_a_page(found: Desk) -> None:
    client = begun(found)
    found.work.now += LATER
    form = looked_over(client)
    client.cookies.clear()
    lost = confirm(client, form, **{"act.proof": PASSWORD})
    assert lost.status_code == 401 and TITLE in lost.text and PASSWORD not in lost.text


def test_guesses_at_the_proof_are_slowed_for_this_session_only(found: Desk) -> None:
    client = begun(found)
    found.work.now += LATER
    form = looked_over(client)
    for _ in range(10):
        confirm(client, form, **{"act.proof": "a guess of mine"})
    slowed = confirm(client, form, **{"act.proof": PASSWORD})
    assert slowed.status_code == 401 and "尝试太频繁" in slowed.text
    assert enter(browser(found, "203.0.113.50"), "shen").status_code == 303
    assert [body["method"] for kind, body in lines(found) if kind == "account.sign-in-failed"] == ["prove"] * 10


def test_the_entry_says_how_the_person_was_known(found: Desk) -> None:
    client = begun(found)
    assert confirm(client, looked_over(client)).status_code == 303
    with found.site.store.read() as connection:
        rows = connection.execute(text("select data from trail_entry where chain_kind = 'case'")).scalars()
        auth = [canonical.decode(data)["actor"].get("auth") for data in rows][-1]
    assert (auth["method"], auth["level"]) == ("password", "1")


def test_it_can_be_turned_off(found: Desk) -> None:
    found.site.settings = replace(found.site.settings, reauth_minutes=0)
    client = begun(found)
    found.work.now += LATER
    form = looked_over(client)
    assert not form["asks"] and confirm(client, form).status_code == 303


def test_nobody_is_led_to_another_site_after_a_proof(found: Desk) -> None:
    client = begun(found)
    token = csrf(client, "/prove?next=https://evil.example") if not_yet(found) else ""
    answer = client.post("/prove", data={"csrf": token, "proof": PASSWORD, "next": "//evil.example"})
    assert answer.headers["location"] == "/inbox"


def not_yet(found: Desk) -> bool:
    found.work.now += LATER
    return True
