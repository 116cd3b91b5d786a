"""/api/v1: the same step and the same refusals as every other door."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from decisionflow.store.engine import Store
from tests.web.desk import Desk, desk


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    made = desk(store, tmp_path)
    made.work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3")
    return made


def token(found: Desk, who: str) -> str:
    return str(found.client(who).get("/api/v1/session").json()["csrf"])


def act(found: Desk, who: str, action: str, key: str = "k1", etag: str = "", **fields: Any) -> Any:
    stages = found.client(who).get(f"/api/v1/cases/{found.work.no}").json().get("stages", [{"etag": "x"}])
    headers = {"idempotency-key": key, "x-csrf-token": token(found, who), "if-match": f'"{etag or stages[0]["etag"]}"'}
    body = {"action": action, "fields": fields}
    return found.client(who).post(f"/api/v1/cases/{found.work.no}/actions", json=body, headers=headers)


UNITS = [{"unit": "承办单位", "leading": "yes"}]


def entries(found: Desk) -> int:
    with found.site.store.read() as connection:
        return int(connection.execute(text("select count(*) from trail_entry where chain_kind = 'case'")).scalar_one())


def test_an_act_is_taken_and_the_case_moves(found: Desk) -> None:
    answer = act(found, "chief", "begin", units=UNITS)
    assert answer.status_code == 201 and len(answer.json()["sha256"]) == 64
    body = found.client("lead").get(f"/api/v1/cases/{found.work.no}").json()
    assert body["stages"][0]["stage"] == "working"
    titles = [
        one["title"] for one in found.client("lead").get(f"/api/v1/cases/{found.work.no}/timeline").json()["items"]
    ]
    assert titles[-1] == "决定受理"


def test_a_case_is_opened_and_listed(found: Desk) -> None:
    headers = {"idempotency-key": "new-1", "x-csrf-token": token(found, "proposer")}
    body = {
        "action": "ask",
        "fields": {"title": "人民路行道树砍伐", "protected": "no", "trees": "2"},
        "procedure": "tree-felling",
    }
    answer = found.client("proposer").post("/api/v1/cases", json=body, headers=headers)
    assert answer.status_code == 201
    items = found.client("chief").get("/api/v1/cases").json()["items"]
    assert {one["title"] for one in items} == {"人民路行道树砍伐", "解放路行道树砍伐"}


def test_a_refusal_is_a_problem_with_findings(found: Desk) -> None:
    act(found, "chief", "begin", units=UNITS)
    before = entries(found)
    answer = act(found, "chief", "decide", key="k2")
    assert answer.status_code == 409 and answer.headers["content-type"].startswith("application/problem+json")
    (blocker,) = answer.json()["blockers"]
    assert blocker["rule"] == "D713-45" and blocker["cites"][0]["article"] == "25"
    assert entries(found) == before


def test_the_same_key_twice_is_one_act(found: Desk) -> None:
    first = act(found, "chief", "begin", etag="", units=UNITS)
    again = act(found, "chief", "begin", units=UNITS)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["idempotent-replayed"] == "true" and first.json()["entry"] == again.json()["entry"]
    assert act(found, "chief", "refuse", reason="不同的请求").status_code == 422


def test_a_stale_page_is_told_so(found: Desk) -> None:
    etag = found.client("chief").get(f"/api/v1/cases/{found.work.no}").json()["stages"][0]["etag"]
    act(found, "chief", "begin", units=UNITS)
    assert act(found, "chief", "refuse", key="k3", etag=etag, reason="理由").status_code == 412


@pytest.mark.parametrize(
    ("drop", "status"), [("idempotency-key", 422), ("if-match", 428), ("x-csrf-token", 403), ("origin", 403)]
)
def test_what_a_write_must_carry(found: Desk, drop: str, status: int) -> None:
    etag = found.client("chief").get(f"/api/v1/cases/{found.work.no}").json()["stages"][0]["etag"]
    headers = {"idempotency-key": "k", "x-csrf-token": token(found, "chief"), "if-match": etag}
    headers = {**headers, "origin": "https://evil.example"} if drop == "origin" else headers
    headers = {name: value for name, value in headers.items() if name != drop or drop == "origin"}
    before = entries(found)
    url = f"/api/v1/cases/{found.work.no}/actions"
    answer = found.client("chief").post(url, json={"action": "begin", "fields": {"units": UNITS}}, headers=headers)
    assert answer.status_code == status and entries(found) == before


@pytest.mark.parametrize(
    "body",
    [{"action": "begin", "fields": {"units": []}}, {"action": "begin", "fields": {"wings": "2"}}, {"action": "begin", "more": 1},
     {"fields": {}}, {"action": "begin", "fields": {"units": UNITS}, "occurred_at": "2024-03-01T09:00:00"},
     {"action": "begin", "fields": {"units": UNITS}, "materials": [{"kind": "photo", "sha256": "0" * 64}]},
     {"action": "begin", "fields": {"units": 2.5}}, {"action": "fly", "fields": {}}],
)  # fmt: skip
def test_bad_input_names_the_field_and_stores_nothing(found: Desk, body: dict[str, Any]) -> None:
    etag = found.client("chief").get(f"/api/v1/cases/{found.work.no}").json()["stages"][0]["etag"]
    headers = {"idempotency-key": "k", "x-csrf-token": token(found, "chief"), "if-match": etag}
    before = entries(found)
    answer = found.client("chief").post(f"/api/v1/cases/{found.work.no}/actions", json=body, headers=headers)
    assert answer.status_code == (404 if body.get("action") == "fly" else 422) and entries(found) == before


def test_the_wrong_post_is_told_whose_duty_it_is(found: Desk) -> None:
    answer = act(found, "lead", "begin", units=UNITS)
    assert answer.status_code == 403 and answer.json()["blockers"][0]["code"] == "duty"


def test_strangers_learn_nothing(found: Desk) -> None:
    no = found.work.no
    for path in ("/cases", f"/cases/{no}", f"/cases/{no}/timeline", f"/cases/{no}/actions", "/procedures", "/session"):
        assert found.client("").get(f"/api/v1{path}").status_code == 401, path
    assert found.client("expert").get(f"/api/v1/cases/{no}").status_code == 404


def test_a_file_is_kept_for_an_act_and_then_brought_along(found: Desk) -> None:
    act(found, "chief", "begin", units=UNITS)
    headers = {"x-csrf-token": token(found, "lead")}
    kept = found.client("lead").post(
        "/api/v1/files", files={"file": ("现场.txt", "照片说明".encode())}, headers=headers
    )
    assert kept.status_code == 201
    stages = found.client("lead").get(f"/api/v1/cases/{found.work.no}").json()["stages"]
    etag = next(one["etag"] for one in stages if one["track"] == "survey")
    body = {"action": "open_survey", "fields": {"ends_on": "2024-04-05"},
            "materials": [{"kind": "photo", "sha256": kept.json()["sha256"]}]}  # fmt: skip
    headers |= {"idempotency-key": "s1", "if-match": etag}
    answer = found.client("lead").post(f"/api/v1/cases/{found.work.no}/actions", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    items = found.client("lead").get(f"/api/v1/cases/{found.work.no}/materials").json()["items"]
    assert any(one["status"] == "done" for one in items)


def test_deadlines_and_rules_are_answered(found: Desk) -> None:
    get = found.client("lead").get
    found_day = get("/api/v1/deadline?start=2026-02-10&length=7&unit=workday").json()
    assert found_day["ends_on"] == "2026-02-26"
    assert get("/api/v1/deadline?start=2026-02-10&length=0&unit=week").status_code == 422
    assert get("/api/v1/rules/D713-45").json()["strength"] == "must"
    assert get("/api/v1/rules/NONE-1").status_code == 404
    assert get("/api/v1/procedures").json()["items"][0]["id"] == "tree-felling"


def test_actions_list_what_this_post_may_do_with_its_fields(found: Desk) -> None:
    items = found.client("chief").get(f"/api/v1/cases/{found.work.no}/actions").json()["items"]
    assert {one["action"] for one in items} == {"begin", "refuse"}
    assert items[0]["fields"][0]["id"] == "units"
