"""The fixtures every test may ask for. Services: one server of each kind per run, started when the first test asks."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import create_engine, make_url, text

from decisionflow.store import schema
from decisionflow.store.blobs import Blobs
from decisionflow.store.engine import Store, connect
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


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database at the newest schema, to be copied."""
    path = tmp_path_factory.mktemp("schema") / "template.db"
    schema.migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_admin_url: str) -> str:
    """The name of an empty PostgreSQL database at the newest schema, owned by the owner role."""
    name = f"df_template_{os.getpid()}"
    make_roles(postgres_admin_url)
    schema.migrate(services.create_database(postgres_admin_url, name))
    return name


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.services, pytest.mark.postgres])])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store on each database; on PostgreSQL through the app role, as in production."""
    blobs = Blobs(tmp_path / "blobs")
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "test.db")
        found = connect(f"sqlite:///{tmp_path / 'test.db'}", blobs)
        yield found
        found.close()
        return
    admin, template = request.getfixturevalue("postgres_admin_url"), request.getfixturevalue("postgres_template")
    name = f"df_{uuid.uuid4().hex[:12]}"
    url = services.create_database(admin, name, template=template)
    found = connect(as_app(url), blobs, pool=8)
    yield found
    found.close()
    services.drop_database(admin, name)


def make_roles(admin_url: str) -> None:
    """The app role of production: it may not own, create or write trail tables."""
    engine = create_engine(admin_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        known = connection.execute(text("select 1 from pg_roles where rolname = 'decisionflow_app'")).first()
        if known is None:
            connection.execute(text("create role decisionflow_app login password 'app'"))
    engine.dispose()


def as_app(url: str) -> str:
    """The same database as the app role."""
    return make_url(url).set(username="decisionflow_app", password="app").render_as_string(hide_password=False)
