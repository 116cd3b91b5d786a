"""Somebody enrols a second factor, signs in with a code, loses the phone, and nobody else gets in."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from decisionflow.service import factors
from decisionflow.store.engine import Store
from tests.web.desk import Desk, served
from tests.web.signing import PASSWORD, account, browser, enrolled, enter, half, lines, post, staffed


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return staffed(store, tmp_path)


def test_a_second_factor_is_enrolled_and_then_asked_for(found: Desk) -> None:
    client = browser(found)
    enter(client)
    secret, codes = enrolled(found, client)
    assert len(set(codes)) == factors.CODES
    fresh = browser(found)
    asked = enter(fresh, next="/cases")
    assert asked.status_code == 200 and "请填写验证码" in asked.text and "df" not in fresh.cookies
    found.work.now += timedelta(seconds=30)
    code = factors.code_at(secret, found.work.now)
    done = fresh.post("/login/code", data={"half": half(asked), "code": code})
    assert (done.status_code, done.headers["location"]) == (303, "/cases") and "df" in fresh.cookies
    kind, body = lines(found)[-1]
    assert (kind, body["method"]) == ("account.signed-in", "password+totp")


def test_a_code_is_used_once_and_counts_for_its_step_and_the_ones_beside_it(found: Desk) -> None:
    client = browser(found)
    enter(client)
    secret, _ = enrolled(found, client)
    box, own, now = found.site.lockbox(), account(found), found.work.now
    take = lambda code, at: found.site.store.write(lambda tx: factors.take(tx, box, own, code, at))  # noqa: E731
    assert take(factors.code_at(secret, now), now) == ""  # the one it was confirmed with
    late = now + timedelta(minutes=5)
    assert take(factors.code_at(secret, late - timedelta(seconds=60)), late) == ""
    assert take(factors.code_at(secret, late + timedelta(seconds=60)), late) == ""
    assert take(factors.code_at(secret, late - timedelta(seconds=30)), late) == "totp"
    assert take(factors.code_at(secret, late - timedelta(seconds=30)), late) == ""
    assert take(factors.code_at(secret, late + timedelta(seconds=30)), late) == "totp"
    assert take(factors.code_at(secret, late), late) == ""  # earlier than one that was taken


def test_a_factor_is_not_active_before_a_code_has_shown_that_it_arrived(found: Desk) -> None:
    client = browser(found)
    enter(client)
    post(client, "/account/factor", do="begin")
    refused = post(client, "/account/factor", do="confirm", code="000000x")
    assert refused.status_code == 422 and "验证码不对" in refused.text
    assert enter(browser(found)).status_code == 303


def test_the_qr_code_is_drawn_here_and_carries_no_style_or_script(found: Desk) -> None:
    client = browser(found)
    enter(client)
    post(client, "/account/factor", do="begin")
    page = client.get("/account/factor").text
    drawn = page[page.index("<title>用验证器") - 200 : page.index("<title>用验证器") + 20000].partition("</svg>")[0]
    assert "otpauth://totp/" in page and "<path" in drawn and "style=" not in drawn and "<script" not in drawn


def test_a_recovery_code_opens_once(found: Desk) -> None:
    client = browser(found)
    enter(client)
    _, codes = enrolled(found, client)
    first = browser(found, "203.0.113.9")
    done = first.post("/login/code", data={"half": half(enter(first)), "code": codes[3].upper()})
    assert done.status_code == 303 and lines(found)[-1][1]["method"] == "password+recovery"
    second = browser(found, "203.0.113.9")
    again = second.post("/login/code", data={"half": half(enter(second)), "code": codes[3]})
    assert again.status_code == 401 and "df" not in second.cookies


def test_wrong_codes_are_slowed_and_kept_in_the_record(found: Desk) -> None:
    client = browser(found)
    enter(client)
    enrolled(found, client)
    thief = browser(found, "198.51.100.1")
    carried = half(enter(thief))
    tried = [thief.post("/login/code", data={"half": carried, "code": f"{n:06}"}).status_code for n in range(11)]
    assert tried == [401] * 10 + [429]
    assert [body["why"] for kind, body in lines(found) if kind == "account.sign-in-failed"] == ["code"] * 10


def test_the_half_way_door_closes_after_five_minutes_and_cannot_be_forged(found: Desk) -> None:
    client = browser(found)
    enter(client)
    secret, _ = enrolled(found, client)
    carried = half(enter(browser(found)))
    found.work.now += timedelta(minutes=6)
    code = factors.code_at(secret, found.work.now)
    for given in (carried, "x" + carried, ""):
        assert browser(found).post("/login/code", data={"half": given, "code": code}).status_code == 401


def test_a_stolen_database_holds_no_usable_factor(found: Desk) -> None:
    client = browser(found)
    enter(client)
    secret, codes = enrolled(found, client)
    with found.site.store.read() as connection:
        rows = str(connection.execute(text("select * from second_factor")).all())
        rows += str(connection.execute(text("select * from recovery_code")).all())
        rows += str(connection.execute(text("select data from trail_entry")).all())
    assert secret not in rows and not any(code in rows or code.replace("-", "") in rows for code in codes)
    key = found.site.settings.key_dir / "accounts.key"
    assert key.stat().st_mode & 0o777 == 0o600


def test_removing_it_needs_a_fresh_proof(found: Desk) -> None:
    client = browser(found)
    enter(client)
    secret, _ = enrolled(found, client)
    found.work.now += timedelta(minutes=16)
    held = post(client, "/account/factor", do="remove")
    assert (held.status_code, held.headers["location"]) == (303, "/prove?next=/account/factor")
    proven = post(client, "/prove", proof=factors.code_at(secret, found.work.now), next="/account/factor")
    assert proven.headers["location"] == "/account/factor"
    assert post(client, "/account/factor", do="remove").headers["location"].startswith("/account?")
    assert enter(browser(found)).status_code == 303


@pytest.mark.browser
def test_in_a_browser_somebody_enrols_signs_out_and_signs_in_with_a_code(found: Desk, page: Page) -> None:
    with served(found) as base:
        page.goto(f"{base}/login")
        page.get_by_label("登录名").fill("chenyuan")
        page.get_by_label("密码").fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        page.goto(f"{base}/account")
        page.get_by_role("link", name="加第二因素").click()
        page.get_by_role("button", name="开始登记").click()
        page.get_by_text("不能扫描的").click()
        secret = page.locator("code.text-break").inner_text()
        page.get_by_label("验证码").fill(factors.code_at(secret, found.work.now))
        page.get_by_role("button", name="启用").click()
        expect(page.get_by_text("只显示这一次")).to_be_visible()
        page.goto(f"{base}/logout")
        page.get_by_role("button", name="退出登录").click()
        page.get_by_label("登录名").fill("chenyuan")
        page.get_by_label("密码").fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        found.work.now += timedelta(seconds=30)
        page.get_by_label("验证码").fill(factors.code_at(secret, found.work.now))
        page.get_by_role("button", name="登录").click()
        expect(page.get_by_role("link", name="退出")).to_be_visible()
