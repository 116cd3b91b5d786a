"""A desk with administrators and accounts, and a browser that signs in by the page: for the tests of signing in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sqlalchemy import text
from starlette.testclient import TestClient

from decisionflow.service import accounts, factors
from decisionflow.store.engine import Store
from decisionflow.trail import canonical
from tests.web.desk import Desk, desk

PASSWORD = "correct horse battery"
KEEPERS = {
    "security": {"post": "security_admin", "unit": "系统管理", "name": "安全员甲"},
    "security2": {"post": "security_admin", "unit": "系统管理", "name": "安全员乙"},
    "auditor": {"post": "audit_admin", "unit": "系统管理", "name": "审计员"},
    "sysadmin": {"post": "system_admin", "unit": "系统管理", "name": "系统员"},
}


def staffed(store: Store, tmp_path: Path) -> Desk:
    """A desk on which the lead has a local account, `chenyuan`."""
    made = desk(store, tmp_path, **KEEPERS)
    made.site.store.write(lambda tx: accounts.create(tx, "chenyuan", person(made, "lead"), PASSWORD, made.work.now))
    return made


def person(found: Desk, who: str) -> str:
    return str(found.work.stage.actors[who].person)


def account(found: Desk, who: str = "lead") -> str:
    with found.site.store.read() as connection:
        own = accounts.of_person(connection, person(found, who))
    assert own
    return str(own["id"])


def browser(found: Desk, source: str = "203.0.113.7") -> TestClient:
    return TestClient(found.app, base_url="http://testserver", follow_redirects=False, client=(source, 5000))


def enter(client: TestClient, login: str = "chenyuan", password: str = PASSWORD, **more: str) -> Any:
    return client.post("/login", data={"login": login, "password": password, **more})


def csrf(client: TestClient, path: str) -> str:
    answer = client.get(path)
    found = re.search(r'name="csrf" value="([^"]+)"', answer.text)
    assert found, (path, answer.status_code, answer.headers.get("location"))
    return found[1]


def post(client: TestClient, path: str, page: str = "", **data: Any) -> Any:
    """A form of a page, posted with its token."""
    return client.post(path, data={"csrf": csrf(client, page or path), **data})


def enrolled(found: Desk, client: TestClient) -> tuple[str, list[str]]:
    """Enrol a second factor by the page: the secret, and the recovery codes."""
    assert post(client, "/account/factor", do="begin").status_code == 303
    shown = re.search(r'<code class="text-break">([A-Z2-7]+)</code>', client.get("/account/factor").text)
    assert shown
    done = post(client, "/account/factor", do="confirm", code=factors.code_at(shown[1], found.work.now))
    assert done.status_code == 200
    return shown[1], re.findall(r"<code>([0-9a-f-]{19})</code>", done.text)


def half(answer: Any) -> str:
    """What the page of the second step carries on."""
    found = re.search(r'name="half" value="([^"]+)"', answer.text)
    assert found, answer.text[:400]
    return found[1]


def lines(found: Desk) -> list[tuple[str, dict[str, Any]]]:
    """Kinds and bodies of the security chain, oldest first."""
    with found.site.store.read() as connection:
        rows = connection.execute(text(
            "select kind, data from trail_entry where chain_kind = 'security' and chain_id = 'yunhe' order by chain_seq"
        ))  # fmt: skip
        return [(row.kind, canonical.decode(row.data)["body"]) for row in rows]
