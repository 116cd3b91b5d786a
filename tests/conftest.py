"""The fixtures every test may ask for. Services: one server of each kind per run, started when the first test asks."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

import pytest
from playwright.sync_api import Browser, Page

from tests import services

Running = TypeVar("Running")

MARKERS = {
    "postgres_admin_url": ("services", "postgres"),
    "redis_url": ("services",),
    "browser": ("browser",),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that asks for a server carries the server's marker, so that nobody has to remember it."""
    for item in items:
        for fixture in MARKERS.keys() & set(getattr(item, "fixturenames", ())):
            for marker in MARKERS[fixture]:
                item.add_marker(marker)


def bring(service: AbstractContextManager[Running]) -> Iterator[Running]:
    """Run the service; if it cannot be had, the test fails with the one sentence that says what to do."""
    try:
        with service as running:
            yield running
    except services.ServiceMissing as missing:
        pytest.fail(str(missing), pytrace=False)


@pytest.fixture(scope="session")
def postgres_admin_url() -> Iterator[str]:
    """A superuser's address on a throw-away PostgreSQL; make databases in it with services.create_database."""
    yield from bring(services.postgres())


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The address of a throw-away Redis."""
    yield from bring(services.redis())


@pytest.fixture(scope="session")
def smtp_server() -> Iterator[services.Mailbox]:
    yield from bring(services.smtp())


@pytest.fixture
def mailbox(smtp_server: services.Mailbox) -> services.Mailbox:
    """The mail server, emptied."""
    smtp_server.deliveries.clear()
    return smtp_server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium; most tests want `page`."""
    yield from bring(services.chromium())


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page of a user in China: no cookies of another test, zh-CN, Asia/Shanghai."""
    with browser.new_context(**services.CHINESE_USER) as context:
        yield context.new_page()
