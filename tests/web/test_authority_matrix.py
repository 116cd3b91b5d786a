"""Who may come in where: every route of the site stands in this table, and strangers are kept where it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from decisionflow.store.engine import Store
from decisionflow.web.api import routers as api_routers
from decisionflow.web.pages import routers as page_routers
from tests.web.desk import Desk, desk

PUBLIC, STAFF, INSPECTOR = "public", "staff", "inspector"
MATRIX = {
    PUBLIC: """
        GET / | GET /login | POST /login | POST /logout | GET /post | POST /post | GET /display | GET /as | POST /as/{person}
        GET /livez | GET /public/consultations | GET /public/c/{no}.json | GET /public/c/{no} | GET /public/c/{no}/comment
        GET /public/c/{no}/opinions | POST /public/c/{no}/comment | GET /public/receipt | POST /public/receipt
        POST /public/receipt/slip | GET /public/case/{no} | GET /public/verify
        GET /public/feed.atom | GET /public/subscribe | POST /public/subscribe | GET /public/subscription/{name}/{token}
        POST /public/subscription/{name}/{token} | GET /public/subscription/{name}/{token}/leave
        POST /public/subscription/{name}/{token}/leave | GET /public/catalogue | GET /public/catalogue/{year}
        POST /public/verify | GET /public/checkpoint | GET /public/files/{no}/{sha256} | GET /api/v1/log/checkpoint
        GET /e/{token} | POST /e/{token} | POST /e/{token}/declare | POST /e/{token}/papers | POST /e/{token}/save
        POST /e/{token}/opinion | POST /e/{token}/correct | GET /e/{token}/files/{sha256}
        GET /public/h/{no} | GET /public/h/{no}/signup | POST /public/h/{no}/signup | GET /public/h/{no}/draws/{n}
        GET /api/v1/log/proof/{position} | GET /api/v1/log/consistency | GET /api/v1/public/consultations
        POST /login/code | GET /login/oidc | GET /login/oidc/back
    """,
    STAFF: """
        GET /logout | GET /inbox | POST /inbox/read | GET /cases | GET /cases.csv | GET /cases/{no} | GET /cases/{no}/checklist
        GET /cases/{no}/timeline | GET /cases/{no}/drafts | GET /cases/{no}/opinions | GET /cases/{no}/opinions/new
        POST /cases/{no}/opinions/new | GET /cases/{no}/opinions.csv | GET /cases/{no}/opinions/{seq}
        POST /cases/{no}/opinions/{seq} | GET /cases/{no}/points | POST /cases/{no}/points/compare
        POST /cases/{no}/points/place | GET /cases/{no}/points/{point} | POST /cases/{no}/points/{point}
        POST /cases/{no}/answer | GET /cases/{no}/people
        GET /cases/{no}/hearing | POST /cases/{no}/hearing/signups | POST /cases/{no}/hearing/signups/{n}
        POST /cases/{no}/hearing/freeze | POST /cases/{no}/hearing/void | POST /cases/{no}/hearing/draw
        POST /cases/{no}/hearing/{role}
        GET /cases/{no}/risk | POST /cases/{no}/risk/points | POST /cases/{no}/risk/start | POST /cases/{no}/risk/report
        GET /cases/{no}/risk/points/{line} | POST /cases/{no}/risk/points/{line} | GET /cases/{no}/departments
        GET /cases/{no}/execution | GET /cases/{no}/dossier | GET /cases/{no}/dossier.docx | POST /cases/{no}/dossier/file
        GET /cases/{no}/legal-review | POST /cases/{no}/legal-review/start | POST /cases/{no}/legal-review/sheet/{sheet}
        GET /cases/{no}/legal-review/opinion | GET /cases/{no}/legal-advice
        GET /cases/{no}/packet | POST /cases/{no}/packet/schedule | GET /cases/{no}/brief | GET /meetings | POST /meetings
        GET /meetings/{meeting}/agenda | POST /meetings/{meeting}/agenda/{no}/{deed} | POST /meetings/{meeting}/change
        POST /meetings/{meeting}/cancel | POST /meetings/{meeting}/lock | POST /meetings/{meeting}/deliver
        POST /meetings/{meeting}/file | POST /meetings/{meeting}/minutes | GET /meetings/{meeting}/minutes.docx
        GET /meetings/{meeting}/papers/{no} | GET /meetings/{meeting}/record | POST /meetings/{meeting}/late
        POST /meetings/{meeting}/record/{no}/{role}
        GET /cases/{no}/experts | POST /cases/{no}/experts/freeze | POST /cases/{no}/experts/void
        POST /cases/{no}/experts/draw | GET /cases/{no}/experts/draws/{n} | POST /cases/{no}/experts/invitations
        POST /cases/{no}/experts/invitations/{n}/link | POST /cases/{no}/experts/invitations/{n}/end
        POST /cases/{no}/experts/select | GET /experts | POST /experts | GET /experts/{n} | POST /experts/{n}
        POST /experts/{n}/notes | POST /experts/{n}/leave
        GET /cases/{no}/proof | GET /cases/{no}/package | GET /files/{no}/{sha256} | GET /procedures
        GET /procedures/{name}/{version} | GET /rules/{rule} | GET /entries/{entry} | GET /verify | POST /verify
        GET /cases/{no}/statement | GET /cases/{no}/evidence
        GET /cases/{no}/health | GET /cases/{no}/plan | GET /plan
        GET /catalogue | GET /catalogue.csv | GET /precedents | GET /overdue
        GET /register | GET /register/{deed} | POST /register/{deed} | GET /register/handovers/{handover}
        POST /register/handovers/{handover}
        GET /proposals | POST /proposals | GET /proposals/{proposal} | POST /proposals/{proposal}
        GET /api/v1/session | GET /api/v1/cases | POST /api/v1/cases | GET /api/v1/cases/{no}
        GET /api/v1/cases/{no}/gates/{action} | GET /api/v1/cases/{no}/actions | POST /api/v1/cases/{no}/actions
        GET /api/v1/cases/{no}/timeline | GET /api/v1/cases/{no}/materials | POST /api/v1/files | GET /api/v1/procedures
        GET /api/v1/rules/{rule} | GET /api/v1/deadline
        GET /prove | POST /prove | GET /prove/oidc | GET /account | GET /account/password | POST /account/password
        GET /account/factor | POST /account/factor | POST /account/sessions | POST /account/tokens
        POST /account/tokens/{token} | POST /account/link | GET /accounts | POST /accounts | POST /accounts/subjects
        POST /accounts/requests/{request} | POST /accounts/{account} | GET /audit | GET /audit.csv
        GET /policies | GET /me/record | GET /me/record.xlsx | GET /corrections | GET /supervision | GET /supervision.{kind}
        GET /powers | GET /powers/{power}
    """,
    INSPECTOR: """
        GET /trace | GET /trace/person/{person} | POST /trace/person/{person} | GET /trace/case/{no} | POST /trace/case/{no}
        GET /violations | POST /violations | GET /trace/search | POST /trace/search | POST /trace/search/kept
        POST /violations/assess | GET /trace/person/{person}/extract
        GET /trace/case/{no}/chain | POST /trace/case/{no}/chain | GET /trace/case/{no}/as-of | POST /trace/case/{no}/as-of
        GET /trace/case/{no}/at | POST /trace/case/{no}/at
    """,
}


def table() -> dict[str, str]:
    return {
        route.strip(): who for who, lines in MATRIX.items() for line in lines.splitlines() for route in line.split("|")
        if route.strip()
    }  # fmt: skip


def routes(found: Desk) -> set[str]:
    """Every route of the site with its method; the forms of acts are held by their own tests."""
    made = {"GET /livez"} | {
        f"{method} {route.path}" for router in (*page_routers(demo=True), *api_routers())
        for route in router.routes if isinstance(route, APIRoute) for method in route.methods - {"HEAD"}
    }  # fmt: skip
    assert found.client("").get("/livez").status_code == 200
    return {route for route in made if "/do/" not in route and "/done/" not in route and "/cases/new" not in route}


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    made = desk(store, tmp_path, demo=True)
    made.work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3")
    return made


def filled(found: Desk, route: str) -> tuple[str, str]:
    method, path = route.split(" ", 1)
    values = {"no": found.work.no, "sha256": "0" * 64, "name": "tree-felling", "version": "2024.1", "rule": "D713-45",
              "entry": "x", "action": "begin", "position": "0", "person": "x", "proposal": "x", "seq": "2", "point": "x",
              "line": "x", "n": "1", "role": "list", "token": "x", "year": "2024", "deed": "unit", "handover": "x", "sheet": "x",
              "meeting": "m-x", "power": "x", "kind": "csv", "account": "x", "request": "x"}  # fmt: skip
    return method, path.format(**values)


def test_every_route_is_in_the_matrix(found: Desk) -> None:
    assert sorted(routes(found) ^ set(table())) == []


def test_a_stranger_gets_into_nothing_but_the_public_pages(found: Desk) -> None:
    for route, who in table().items():
        method, path = filled(found, route)
        answer = found.client("").request(method, path)
        if who != PUBLIC:
            assert answer.status_code in ((401, 422) if path.startswith("/api/") else (303,)), (
                route,
                answer.status_code,
            )
            if answer.status_code == 303:
                assert answer.headers["location"].startswith("/login")


def test_staff_get_no_page_of_inspectors(found: Desk) -> None:
    for route, who in table().items():
        if who == INSPECTOR:
            method, path = filled(found, route)
            assert found.client("lead").request(method, path).status_code == 404, route


def test_somebody_from_outside_sees_no_case_that_does_not_name_them(found: Desk) -> None:
    for route in table():
        if "{no}" in route and route.startswith("GET") and not route.startswith(("GET /public", "GET /api/v1/public")):
            method, path = filled(found, route)
            assert found.client("expert").request(method, path).status_code == 404, route
