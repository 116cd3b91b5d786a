"""A site with its people, and a browserless client for each of them: what every screen's test starts from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from decisionflow.service import accounts
from decisionflow.service import site as sites
from decisionflow.settings import load
from decisionflow.store.engine import Store
from decisionflow.web.app import create_app
from tests.service.stage import FELLING, Office, office


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
