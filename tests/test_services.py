"""Every service of the tests really starts and really answers."""

import smtplib
from email.message import EmailMessage
from pathlib import Path

import psycopg
import pytest
import redis
from playwright.sync_api import Browser, Page
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from tests import browser_setup, services
from tests.services import Mailbox

PAGE = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>重大行政决策</title>
<h1>云河区人民政府</h1><p id="now"></p>
<script>document.querySelector("#now").textContent = new Date(0).toLocaleString()</script>"""


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def run(url: str, *statements: str) -> None:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def plain(url: str) -> str:
    """The address as psycopg itself reads it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
def template(postgres_admin_url: str):
    """A database with one table and one row in it."""
    url = services.create_database(postgres_admin_url, "服务模板")
    run(url, "CREATE TABLE matter (title text)", "INSERT INTO matter VALUES ('云河大桥')")
    yield "服务模板"
    services.drop_database(postgres_admin_url, "服务模板")


def test_a_database_is_made_from_a_template_with_its_rows(postgres_admin_url, template):
    url = services.create_database(postgres_admin_url, "service_copy", template=template)
    assert rows(url, "SELECT title FROM matter") == [("云河大桥",)]
    services.drop_database(postgres_admin_url, "service_copy")


def test_two_copies_of_one_template_do_not_see_each_other(postgres_admin_url, template):
    one, other = (services.create_database(postgres_admin_url, name, template=template) for name in ("one", "other"))
    run(one, "DELETE FROM matter")
    assert rows(other, "SELECT title FROM matter") == [("云河大桥",)]
    for name in ("one", "other"):
        services.drop_database(postgres_admin_url, name)


def test_a_database_is_dropped_even_while_somebody_is_connected(postgres_admin_url):
    url = services.create_database(postgres_admin_url, "busy")
    with psycopg.connect(plain(url)):
        services.drop_database(postgres_admin_url, "busy")
    assert rows(postgres_admin_url, "SELECT 1 FROM pg_database WHERE datname = 'busy'") == []


def test_postgres_is_recent_and_stores_unicode(postgres_admin_url):
    assert rows(postgres_admin_url, "SELECT current_setting('server_version_num')::int >= 160000") == [(True,)]
    assert rows(postgres_admin_url, "SELECT current_setting('server_encoding')") == [("UTF8",)]


@pytest.mark.services
@pytest.mark.postgres
def test_a_durable_postgres_of_ours_keeps_what_was_committed_when_it_crashes():
    with services.postgres_server(durable=True) as server:
        assert rows(server.url, "SHOW fsync") == [("on",)]
        run(server.url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (713)")
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(plain(server.url))
        server.start()
        assert rows(server.url, "SELECT n FROM kept") == [(713,)]


@pytest.mark.services
@pytest.mark.postgres
def test_a_postgres_of_ours_lets_no_other_user_of_the_machine_in():
    with services.postgres_server() as server:
        stranger = make_url(server.url).set(password="guess").render_as_string(hide_password=False)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(plain(stranger))


def test_two_connections_see_the_same_redis(redis_url):
    with redis.Redis.from_url(redis_url) as one, redis.Redis.from_url(redis_url, decode_responses=True) as other:
        one.set("case", "云河大桥")
        assert other.get("case") == "云河大桥"
        one.delete("case")


@pytest.mark.services
def test_a_redis_of_ours_throws_no_key_away_and_lets_no_other_user_of_the_machine_in():
    with services.redis_server() as server:
        with redis.Redis.from_url(server.url, decode_responses=True) as connection:
            assert connection.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        port = make_url(server.url).port
        with redis.Redis(port=port, retry=services.REDIS_ONCE) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()


@pytest.mark.services
def test_a_redis_of_ours_can_be_stopped_and_started_at_the_same_address():
    with services.redis_server() as server, redis.Redis.from_url(server.url) as connection:
        server.stop()
        with pytest.raises(redis.ConnectionError):
            connection.ping()
        server.start()
        assert connection.ping()


def test_a_mail_with_a_chinese_subject_arrives_over_smtp(mailbox: Mailbox):
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "df@yunhe.example", "li@yunhe.example", "征求意见期限将于三日后届满"
    mail.set_content("云河大桥：公开征求意见还有三日。")
    with smtplib.SMTP(mailbox.host, mailbox.port, timeout=10) as connection:
        connection.send_message(mail)
    [delivery] = mailbox.deliveries
    assert (delivery.sender, delivery.recipients) == ("df@yunhe.example", ["li@yunhe.example"])
    assert delivery.message["Subject"] == "征求意见期限将于三日后届满"
    assert delivery.message.get_content().strip() == "云河大桥：公开征求意见还有三日。"


def test_the_mailbox_of_the_next_test_is_empty(mailbox: Mailbox):
    assert mailbox.deliveries == []


def test_the_browser_shows_a_chinese_page_to_a_user_in_china(page: Page):
    page.set_content(PAGE)
    assert page.title() == "重大行政决策"
    assert page.get_by_role("heading").inner_text() == "云河区人民政府"
    assert page.locator("#now").inner_text() == "1970/1/1 08:00:00"


def test_the_browser_has_a_font_for_chinese(page: Page):
    """Without one every character is the same empty box, so two different ones would look alike."""
    page.set_content("<style>span { font-size: 80px }</style><span>决</span><br><span>策</span>")
    decide, policy_ = (span.screenshot() for span in page.locator("span").all())
    assert decide != policy_


def test_pages_of_two_tests_share_no_cookies(browser: Browser):
    contexts = [browser.new_context(**services.CHINESE_USER) for _ in range(2)]
    contexts[0].add_cookies([{"name": "who", "value": "li", "url": "http://127.0.0.1"}])
    assert contexts[1].cookies() == []
    for context in contexts:
        context.close()


def test_a_service_that_cannot_be_had_is_named_with_what_to_do(monkeypatch):
    monkeypatch.setenv("DECISIONFLOW_FORCE_WHEEL_SERVICES", "1")
    monkeypatch.delenv("DECISIONFLOW_TEST_REDIS_URL", raising=False)
    monkeypatch.setattr(services, "PACKAGED_REDIS", Path("/nowhere/redis-server"))
    with pytest.raises(services.ServiceMissing, match=r"apt install redis-server.*DECISIONFLOW_TEST_REDIS_URL"):
        services.redis().__enter__()


def test_a_browser_that_was_named_wrongly_is_said_to_be_wrong(monkeypatch):
    monkeypatch.setenv("DECISIONFLOW_BROWSER", "/nowhere/chromium")
    with pytest.raises(browser_setup.BrowserMissing, match="DECISIONFLOW_BROWSER is '/nowhere/chromium'"):
        browser_setup.find()
