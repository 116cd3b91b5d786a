"""A site with its people, and a browserless client for each of them: what every screen's test starts from."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import Page
from starlette.testclient import TestClient

from decisionflow.service import accounts
from decisionflow.service import site as sites
from decisionflow.settings import load
from decisionflow.store.engine import Store
from decisionflow.web.app import create_app
from tests.service.stage import FELLING, Office, office
from tests.services import free_port


@dataclass
class Desk:
    """An office behind its web site. `client(who)` is signed in as somebody of the cast; '' is the public."""

    work: Office
    site: sites.Site
    app: Any
    clients: dict[str, TestClient] = field(default_factory=dict)

    def client(self, who: str = "") -> TestClient:
        if who not in self.clients:
            found = TestClient(self.app, base_url="http://testserver", follow_redirects=False)
            if who:
                actor = self.work.stage.actors[who]
                token = self.site.store.write(
                    lambda tx: accounts.open_session(tx, "test", actor.person, actor.authority, "test", self.work.now)
                )
                found.cookies.set("df", token)
            self.clients[who] = found
        return self.clients[who]

    def get(self, who: str, path: str, status: int = 200) -> str:
        answer = self.client(who).get(path)
        assert answer.status_code == status, (answer.status_code, path, answer.text[:500])
        return answer.text

    def csrf(self, who: str, path: str) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.get(who, path))
        assert found, f"no token on {path}"
        return found[1]


def desk(store: Store, tmp_path: Path, *, demo: bool = False, procedure: Path = FELLING, **people: Any) -> Desk:
    """A desk under a procedure, tree felling unless another is named; its clock is the office's."""
    work = office(store, procedure, **people)
    settings = load(
        {"DECISIONFLOW_DEMO": "yes" if demo else "no", "DECISIONFLOW_PUBLIC_URL": "http://testserver"},
        data_dir=tmp_path / "site",
    )
    sites.prepare_folders(settings)
    sites.create_keys(settings, "yunhe", work.authority.origin)
    site = sites.Site(settings, store, lambda: work.now)
    return Desk(work, site, create_app(site))


@contextmanager
def signed(found: Desk, who: str) -> Iterator[TestClient]:
    """A client signed in as somebody, for a block of requests."""
    yield found.client(who)


# ---- in a browser


@contextmanager
def served(found: Desk) -> Iterator[str]:
    """The desk's site on a free port."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(found.app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def sign_in(page: Page, found: Desk, who: str, base: str) -> None:
    """The browser's page signed in as somebody of the cast."""
    page.context.add_cookies([{"name": "df", "value": found.client(who).cookies["df"], "url": base}])
