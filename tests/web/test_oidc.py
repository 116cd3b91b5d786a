"""Somebody signs in through the identity provider: the whole way over real HTTP, and everything that must not be believed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from oidc_provider_mock import run_server_in_thread
from sqlalchemy import text, update
from starlette.testclient import TestClient

from decisionflow.service import oidc
from decisionflow.settings import Oidc
from decisionflow.store.engine import Store
from decisionflow.store.tables.infrastructure import Session
from tests.services import free_port
from tests.web.desk import Desk
from tests.web.signing import browser, enter, lines, person, post, staffed

# The provider of the test runs in this process and is older than the library that it uses.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def found(store: Store, tmp_path: Path, issuer: str) -> Desk:
    """A desk with a provider; its clock is the wall's, since the provider's is."""
    made = staffed(store, tmp_path)
    made.work.now = datetime.now(UTC)
    made.site.settings = replace(made.site.settings, oidc=Oidc(issuer, "decisionflow", "secret", "政务统一认证"))
    return made


def linked(found: Desk, subject: str, who: str = "lead") -> None:
    data = {"subject": subject, "person": person(found, who)}
    assert post(found.client("security"), "/accounts/subjects", "/accounts", **data).status_code == 303


def away(client: TestClient, path: str = "/login/oidc?next=/cases") -> str:
    answer = client.get(path)
    assert answer.status_code == 303, answer.text[:500]
    return str(answer.headers["location"])


def answered(address: str, subject: str) -> str:
    """What a person does at the provider; the address it sends the browser back to."""
    back = httpx2.post(address, data={"sub": subject}, follow_redirects=False)
    assert back.status_code == 302, back.text[:500]
    found = urlsplit(back.headers["location"])
    return f"{found.path}?{found.query}"


def test_the_whole_way_in(found: Desk) -> None:
    linked(found, "chen@gov")
    client = browser(found)
    page = client.get("/login").text
    assert "用政务统一认证登录" in page and '<details class="my-3"><summary>用本地账号登录' in page
    address = away(client)
    asked = parse_qs(urlsplit(address).query)
    assert asked["code_challenge_method"] == ["S256"] and asked["response_type"] == ["code"] and asked["nonce"]
    done = client.get(answered(address, "chen@gov"))
    assert (done.status_code, done.headers["location"]) == (303, "/cases")
    assert client.get("/cases").status_code == 200
    kind, body = lines(found)[-1]
    assert (kind, body["method"]) == ("account.signed-in", "oidc")


def test_an_unknown_subject_gets_a_page_and_nothing_is_created(found: Desk) -> None:
    client = browser(found)
    answer = client.get(answered(away(client), "nobody@gov"))
    assert answer.status_code == 403 and "还没有关联" in answer.text and "nobody@gov" in answer.text
    assert "df" not in client.cookies
    with found.site.store.read() as connection:
        assert connection.execute(text("select count(*) from oidc_subject")).scalar_one() == 0


def test_a_person_links_themselves_by_a_code_that_works_once(found: Desk) -> None:
    client = browser(found)
    page = client.get(answered(away(client), "own@gov")).text
    code = re.search(r"<dd>([0-9a-f]{4}(?:-[0-9a-f]{4}){3})</dd>", page)
    assert code
    own = browser(found)
    enter(own)
    assert post(own, "/account/link", "/account", link=code[1]).status_code == 422  # talked into it, in another browser
    enter(client)
    assert post(client, "/account/link", "/account", link=code[1]).status_code == 303
    assert client.get(answered(away(client), "own@gov")).headers["location"] == "/cases"
    assert post(client, "/account/link", "/account", link=code[1]).status_code == 422


def test_a_subject_belongs_to_one_person_and_can_be_taken_back(found: Desk) -> None:
    linked(found, "chen@gov")
    other = {"subject": "chen@gov", "person": person(found, "legal")}
    assert post(found.client("security"), "/accounts/subjects", "/accounts", **other).status_code == 409
    client = browser(found)
    client.get(answered(away(client), "chen@gov"))
    issuer = found.site.settings.oidc.issuer
    gone = {"subject": "chen@gov", "issuer": issuer, "do": "unlink"}
    assert post(found.client("security"), "/accounts/subjects", "/accounts", **gone).status_code == 303
    assert client.get("/cases").headers["location"].startswith("/login")
    assert client.get(answered(away(client), "chen@gov")).status_code == 403


def test_a_state_of_another_browser_used_twice_or_too_late_is_refused(found: Desk) -> None:
    linked(found, "chen@gov")
    thief, client = browser(found), browser(found)
    stolen = answered(away(client), "chen@gov")
    away(thief)
    assert thief.get(stolen).status_code == 400 and "df" not in thief.cookies
    assert client.get(stolen).status_code == 303
    assert client.get(stolen).status_code == 400
    late = answered(away(client), "chen@gov")
    found.work.now += timedelta(minutes=11)
    assert client.get(late).status_code == 400
    assert client.get("/login/oidc/back?state=x&code=y").status_code == 400


def test_a_provider_that_is_down_gets_a_clear_page_and_the_way_round(found: Desk) -> None:
    down = f"http://127.0.0.1:{free_port()}"
    found.site.settings = replace(found.site.settings, oidc=Oidc(down, "decisionflow", "", "政务统一认证"))
    answer = browser(found).get("/login/oidc")
    assert answer.status_code == 503 and "本地账号" in answer.text
    assert enter(browser(found)).status_code == 303


def test_without_a_provider_there_is_no_such_page(found: Desk) -> None:
    found.site.settings = replace(found.site.settings, oidc=Oidc())
    assert browser(found).get("/login/oidc").status_code == 404
    assert browser(found).get("/login/oidc/back").status_code == 404


def test_proving_again_is_for_the_same_person(found: Desk) -> None:
    linked(found, "chen@gov")
    linked(found, "luo@gov", "legal")
    client = browser(found)
    client.get(answered(away(client), "chen@gov"))
    long_ago = found.work.now - timedelta(minutes=16)
    found.site.store.write(lambda tx: tx.execute(update(Session).values(proven_at=long_ago)))  # type: ignore[arg-type]
    assert "/prove/oidc" in client.get("/prove").text
    address = away(client, "/prove/oidc?next=/cases")
    asked = parse_qs(urlsplit(address).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    assert client.get(answered(address, "luo@gov")).status_code == 400
    assert "/prove/oidc" in client.get("/prove").text
    done = client.get(answered(away(client, "/prove/oidc?next=/cases"), "chen@gov"))
    assert done.headers["location"] == "/cases" and "刚刚验证过" in client.get("/prove").text


def test_a_proof_that_the_provider_did_not_ask_for_just_now_is_none(found: Desk) -> None:
    linked(found, "chen@gov")
    client = browser(found)
    client.get(answered(away(client), "chen@gov"))
    found.work.now += timedelta(minutes=16)
    address = away(client, "/prove/oidc?next=/cases")
    found.work.now += timedelta(minutes=1)
    old = client.get(answered(address, "chen@gov"))
    assert old.status_code == 400 and "没有重新验证" in old.text


# ---- the ID token


KEY = RSAKey.generate_key(2048, parameters={"kid": "k"})
PROVIDER = oidc.Provider("https://id.example", "https://id.example/a", "https://id.example/t", "https://id.example/k")
SETTINGS = Oidc("https://id.example", "decisionflow")
FLOW = oidc.Flow("the-nonce", "verifier", "/inbox", "")
NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
GOOD = {"iss": "https://id.example", "aud": "decisionflow", "sub": "chen", "nonce": "the-nonce", "acr": "2",
        "iat": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + 300}  # fmt: skip


def believed(claims: dict[str, Any], key: Any = KEY, alg: str = "RS256") -> oidc.Subject:
    words = jwt.encode({"alg": alg, "kid": "k"}, claims, key, algorithms=[alg])
    keys = KeySet([KEY]).as_dict(private=False)
    return oidc.checked(SETTINGS, PROVIDER, FLOW, words, keys, NOW)


def test_a_good_id_token_is_believed() -> None:
    assert believed(GOOD) == oidc.Subject("https://id.example", "chen", "2", 0)
    assert believed({**GOOD, "aud": ["decisionflow", "other"], "azp": "decisionflow"}).subject == "chen"


@pytest.mark.parametrize("wrong", [
    {"nonce": "another"}, {"nonce": None}, {"iss": "https://evil.example"}, {"aud": "other"}, {"aud": ["decisionflow", "other"]},
    {"azp": "other"}, {"exp": int(NOW.timestamp()) - 61}, {"exp": None}, {"iat": int(NOW.timestamp()) + 3600}, {"sub": ""},
    {"sub": None},
], ids=str)  # fmt: skip
def test_an_id_token_that_says_anything_else_is_not(wrong: dict[str, Any]) -> None:
    claims = {key: value for key, value in {**GOOD, **wrong}.items() if value is not None}
    with pytest.raises(oidc.NotBelieved) as refused:
        believed(claims)
    assert "nonce" not in refused.value.say and "统一身份认证" in refused.value.say


def test_a_signature_of_somebody_else_or_of_nobody_is_not_believed() -> None:
    with pytest.raises(oidc.NotBelieved):
        believed(GOOD, RSAKey.generate_key(2048, parameters={"kid": "k"}))
    with pytest.raises(oidc.NotBelieved):  # signed with a secret, as if our algorithm could be chosen for us
        believed(GOOD, OctKey.import_key("0123456789abcdef0123456789abcdef"), "HS256")
