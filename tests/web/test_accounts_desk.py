"""The security administrator keeps accounts, some of it only with a second person; the audit administrator reads the record."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from decisionflow.service import accounts
from decisionflow.store.engine import Store
from tests.web.desk import Desk
from tests.web.signing import PASSWORD, account, browser, enrolled, enter, lines, person, post, staffed

WHY = "本人来电说明情况，已核对身份"


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return staffed(store, tmp_path)


def deed(found: Desk, do: str, who: str = "security", reason: str = WHY) -> object:
    return post(found.client(who), f"/accounts/{account(found)}", "/accounts", do=do, reason=reason)


def secret(answer: object) -> str:
    shown = re.search(r"只显示这一次：</strong> <code>([^<]+)</code>", answer.text)  # type: ignore[attr-defined]
    assert shown
    return shown[1]


def kinds(found: Desk) -> list[str]:
    return [kind for kind, _ in lines(found)]


def test_an_account_begins_with_a_password_that_opens_only_the_door_to_ones_own(found: Desk) -> None:
    made = post(found.client("security"), "/accounts", person=person(found, "legal"), login="luo")
    once = secret(made)
    client = browser(found)
    assert enter(client, "luo", once).status_code == 303
    assert client.get("/cases").headers["location"] == "/account/password"
    assert client.get("/api/v1/session").status_code == 403
    weak = post(client, "/account/password", old=once, password="luo1234luo12", again="luo1234luo12")
    assert weak.status_code == 422 and "登录名" in weak.text
    own = "four plain words here"
    assert post(client, "/account/password", old=once, password=own, again=own).status_code == 303
    assert client.get("/cases").status_code == 200
    assert enter(browser(found), "luo", once).status_code == 401
    assert once not in str(lines(found)) and own not in str(lines(found))
    assert {"account.created", "account.password-changed"} <= set(kinds(found))


def test_a_one_time_password_does_not_wait_for_ever(found: Desk) -> None:
    once = secret(deed(found, "reset"))
    found.work.now += accounts.ONE_TIME + timedelta(minutes=1)
    answer = enter(browser(found), password=once)
    assert answer.status_code == 403 and "已经过期" in answer.text


def test_a_reset_ends_the_old_password_and_every_session(found: Desk) -> None:
    client = browser(found)
    enter(client)
    once = secret(deed(found, "reset"))
    assert client.get("/cases").headers["location"].startswith("/login")
    assert enter(browser(found)).status_code == 401
    assert enter(browser(found), password=once).status_code == 303


def test_a_disabled_account_is_dead_at_once_and_takes_two_to_open_again(found: Desk) -> None:
    client = browser(found)
    enter(client)
    assert deed(found, "disable").status_code == 303
    assert client.get("/cases").headers["location"].startswith("/login")
    assert enter(browser(found)).status_code == 401
    assert deed(found, "enable").status_code == 303
    page = found.client("security").get("/accounts").text
    request = re.search(r'action="/accounts/requests/([^"]+)"', page)
    assert request and ">确认</button>" not in page
    own = post(found.client("security"), f"/accounts/requests/{request[1]}", "/accounts", do="agree")
    assert own.status_code == 403 and "不能自己确认" in own.text
    assert enter(browser(found)).status_code == 401
    done = post(found.client("auditor"), f"/accounts/requests/{request[1]}", "/accounts", do="agree")
    assert done.status_code == 303
    assert enter(browser(found)).status_code == 303
    again = post(found.client("security2"), f"/accounts/requests/{request[1]}", "/accounts", do="agree")
    assert again.status_code == 409


def test_a_second_factor_is_taken_away_by_two_persons(found: Desk) -> None:
    client = browser(found)
    enter(client)
    enrolled(found, client)
    deed(found, "drop-factor")
    request = re.search(r'action="/accounts/requests/([^"]+)"', found.get("security2", "/accounts"))
    assert request and "请填写验证码" in enter(browser(found)).text
    post(found.client("security2"), f"/accounts/requests/{request[1]}", "/accounts", do="agree")
    assert enter(browser(found)).status_code == 303
    assert client.get("/cases").headers["location"].startswith("/login")
    assert kinds(found).count("account.factor-dropped") == 1


def test_what_was_proposed_lapses_after_a_week(found: Desk) -> None:
    deed(found, "disable")
    deed(found, "enable")
    request = re.search(r'action="/accounts/requests/([^"]+)"', found.get("auditor", "/accounts"))
    assert request
    found.work.now += timedelta(days=8)
    found.clients.clear()
    late = post(found.client("auditor"), f"/accounts/requests/{request[1]}", "/account", do="agree")
    assert late.status_code == 409


def test_a_deed_needs_a_reason_and_nobody_resets_their_own(found: Desk) -> None:
    assert deed(found, "disable", reason=" ").status_code == 422
    store, now = found.site.store, found.work.now
    store.write(lambda tx: accounts.create(tx, "sec", person(found, "security"), PASSWORD, now))
    own = post(found.client("security"), f"/accounts/{account(found, 'security')}", "/accounts", do="reset", reason=WHY)
    assert own.status_code == 403


def test_nobody_else_keeps_accounts_or_reads_the_record(found: Desk) -> None:
    for who in ("lead", "chief", "sysadmin"):
        assert found.client(who).get("/accounts").status_code == 404, who
        assert found.client(who).get("/audit").status_code == 404, who
        answer = post(found.client(who), "/accounts", "/account", person=person(found, "legal"), login="x")
        assert answer.status_code in (403, 404)
    assert found.client("security").get("/audit").status_code == 404
    refused = post(found.client("auditor"), "/accounts", "/account", person=person(found, "legal"), login="x")
    assert refused.status_code == 403
    assert not [kind for kind in kinds(found) if kind == "account.created"]


def test_a_login_or_a_person_is_taken_once(found: Desk) -> None:
    taken = post(found.client("security"), "/accounts", person=person(found, "legal"), login="chenyuan")
    assert taken.status_code == 422 and "已被使用" in taken.text
    twice = post(found.client("security"), "/accounts", person=person(found, "lead"), login="other")
    assert twice.status_code == 422 and "已经有账号" in twice.text
    nobody = post(found.client("security"), "/accounts", person="x", login="other")
    assert nobody.status_code == 422


def test_the_record_shows_sign_ins_and_misses_and_no_case(found: Desk) -> None:
    enter(browser(found), password="not this one here")
    enter(browser(found), "nobody-of-that-name")
    enter(browser(found))
    page = found.get("auditor", "/audit")
    assert "登录失败" in page and "chenyuan" in page and "nobody-of-that-name" not in page
    only = found.get("auditor", "/audit?kind=account&who=chenyuan")
    assert "登录失败" not in only.split("<main")[1].split("</form>")[1]
    table = found.client("auditor").get("/audit.csv")
    assert table.status_code == 200 and "登录失败" in table.text
    assert "没有符合的记录" in found.get("auditor", "/audit?since=2020-01-01&until=2020-01-02")


def test_one_ends_ones_own_other_sessions(found: Desk) -> None:
    first, second = browser(found), browser(found)
    enter(first)
    enter(second)
    found.work.now += timedelta(seconds=5)
    page = second.get("/account").text
    other = re.search(r'name="session" value="([0-9a-f]{16})"', page)
    assert other and post(second, "/account/sessions", "/account", session=other[1]).status_code == 303
    assert first.get("/cases").status_code == 303 and second.get("/cases").status_code == 200
