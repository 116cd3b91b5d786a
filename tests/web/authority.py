"""The authority matrix as a world to run it in: the demo's people, its cases in their states, every route of the site.

The expected answers stand in ``authority.yaml`` and know nothing of the product's permission functions. An answer is
*out* when it is 401, 403, 404 or the way to the sign-in page, else *in*: a form that comes back with its faults, or a
refusal by a gate, has let its sender in.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
import yaml
from fastapi.routing import APIRoute
from sqlalchemy import text
from starlette.testclient import TestClient

from decisionflow.service import accounts
from decisionflow.service import site as sites
from decisionflow.settings import Settings, load
from decisionflow.web.api import routers as api_routers
from decisionflow.web.app import create_app
from decisionflow.web.pages import routers as page_routers

DAY, NOW = date(2026, 11, 23), datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
FILE = Path(__file__).with_name("authority.yaml")
SEE_OTHER, UNKNOWN, FORBIDDEN, MISSING, UNAVAILABLE = 303, 401, 403, 404, 503
OUT = frozenset({UNKNOWN, FORBIDDEN, MISSING})
APP = frozenset({"GET /livez"})  # answered by the app itself
SESSION = frozenset(
    {"POST /as/{person}", "POST /login", "POST /logout", "POST /post"}
)  # these leave somebody else signed in


def settings(folder: Path) -> Settings:
    return load({"DECISIONFLOW_DEMO": "yes", "DECISIONFLOW_PUBLIC_URL": "http://testserver"}, data_dir=folder)


def seed(folder: Path) -> Path:
    """The demo of one day, on SQLite: what permissions are asked about does not depend on the database."""
    command = [
        sys.executable,
        "-m",
        "decisionflow",
        "demo",
        "--no-serve",
        "--dir",
        str(folder),
        "--today",
        DAY.isoformat(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def routes() -> set[str]:
    """Every route of the site with its method, the demo's own included."""
    return APP | {
        f"{method} {route.path}" for router in (*page_routers(demo=True), *api_routers())
        for route in router.routes if isinstance(route, APIRoute) for method in route.methods - {"HEAD"}
    }  # fmt: skip


@dataclass(frozen=True)
class Role:
    """Somebody of the demo in one post: `outside` are those who are only called into single cases."""

    id: str
    duties: frozenset[str]
    unit: str = ""
    post: str = ""
    person: str = ""
    name: str = ""
    appointment: str = ""


@dataclass
class World:
    """A demo behind its site, with one client."""

    site: sites.Site
    app: Any
    clients: dict[str, TestClient] = field(default_factory=dict)

    @cached_property
    def facts(self) -> Mapping[str, Mapping[str, Any]]:
        """What each case says, by its number."""
        return {row.no: orjson.loads(row.facts) for row in self.all("select no, facts from case_file")}

    def all(self, query: str, **values: Any) -> list[Any]:
        with self.site.store.read() as connection:
            return list(connection.execute(text(query), values))

    def one(self, query: str, missing: str = "x", **values: Any) -> str:
        found = self.all(query, **values)
        return str(found[0][0]) if found else missing

    def role(self, name: str, person: str, title: str) -> Role:
        query = """select n.id, n.name, a.id, p.id, u.id, p.duties from appointment a join person n on n.id = a.person_id
                   join post p on p.id = a.post_id join unit u on u.id = p.unit_id
                   where n.name = :n and p.title = :t and a.ended = :no"""
        (row,) = self.all(query, n=person, t=title, no=False)
        return Role(name, frozenset(orjson.loads(row[5])), row[4], row[3], row[0], row[1], row[2])

    def client(self, role: Role) -> TestClient:
        """A client signed in as somebody; nobody for the role of the public."""
        found = TestClient(
            self.app, base_url="http://testserver", follow_redirects=False, raise_server_exceptions=False
        )
        if role.person:
            write = self.site.store.write
            token = write(lambda tx: accounts.open_session(tx, "test", role.person, "yunhe", "test", NOW))
            write(lambda tx: accounts.choose_post(tx, accounts.digest(token), role.appointment))
            found.cookies.set("df", token)
        return found


@contextmanager
def opened(seeded: Path, folder: Path) -> Iterator[World]:
    """A world on its own copy, so that what one role changes no other sees."""
    shutil.copytree(seeded, folder)
    with sites.opened(settings(folder), clock=lambda: NOW) as site:
        yield World(site, create_app(site))


# ---- what is expected


@dataclass(frozen=True)
class Table:
    """``authority.yaml``: persons by role, cases by state, rules by name, the rule of each route."""

    roles: Mapping[str, tuple[str, str]]
    cases: Mapping[str, Mapping[str, str]]
    acts: Mapping[str, Mapping[str, Any]]
    inside: Mapping[str, Sequence[str]]
    rules: Mapping[str, Mapping[str, Any]]
    routes: Mapping[str, str]
    unseen: Mapping[str, tuple[str, str]]

    def rule(self, route: str, no: str) -> Mapping[str, Any]:
        found = self.rules[self.routes[route]]
        return self.acts[self.cases[no]["action"]] if found.get("act") else found

    def expects(self, route: str, role: Role, no: str, duties: Mapping[str, Any]) -> bool:
        """Whether a role is let in by the rule of a route, in a case that has given out these duties."""
        rule = self.rule(route, no)
        if rule.get("everybody"):
            return True
        inside = self.inside[self.cases[no]["procedure"]] if rule.get("inside") and no else ()
        carried = {*rule.get("duties", ()), *rule.get("also", ()), *inside} & role.duties
        held = {one for one in rule.get("holding", ()) if one in role.duties and _names(duties.get(one, ()), role)}
        return bool(role.person) and bool(rule.get("signed_in") or carried or held)


def table() -> Table:
    found = yaml.safe_load(FILE.read_text("utf-8"))
    lines = [(route, rule) for rule, routes in found["routes"].items() for route in routes]
    assert len(lines) == len(dict(lines)), "a route stands in the table twice"
    roles = {name: (person, title) for name, (person, title) in found["roles"].items()}
    unseen = {route: (file, words) for file, lines in found["unseen"].items() for route, words in lines.items()}
    return Table(roles, found["cases"], found["acts"], found["inside"], found["rules"], dict(lines), unseen)


def _names(held: Iterable[Mapping[str, Any]], role: Role) -> bool:
    """Whether what a case names is this role: its unit, post or person."""
    return any(
        one["id"] in (role.unit, role.post, role.person) if one.get("id") else one.get("name") == role.name
        for one in held
    )


# ---- what happens


@dataclass(frozen=True)
class Answer:
    """What one role got: the route, the case it was asked for ('' for none), the status, whether it let in."""

    route: str
    no: str
    status: int
    out: bool


def everything(world: World, rules: Table, role: Role, only: str = "") -> list[Answer]:
    """Every route, in every case where it is about one; last what ends the session. `only` narrows to a part of the path."""
    client, found = world.client(role), []
    for route in sorted(filter(lambda one: only in one, routes()), key=lambda one: (one[:4] != "GET ", one)):
        for no in rules.cases if of_a_case(route) else ("",):
            mine = world.client(role) if route in SESSION else client
            answer = ask(world, rules, mine, role, route, no)
            found.append(Answer(route, no, answer.status_code, is_out(answer)))
    return found


def faults(world: World, rules: Table, role: Role, answers: Iterable[Answer]) -> list[str]:
    """Where somebody came in who should not, or was turned away who should not; a thing may still be missing (404)."""
    found = []
    for one in answers:
        let = rules.expects(one.route, role, one.no, world.facts[one.no]["duties"] if one.no else {})
        if one.status >= 500 and one.status != UNAVAILABLE:
            found.append(f"{one.route} {one.no} fails with {one.status}")
        elif let and one.out and one.status not in (MISSING, rules.rule(one.route, one.no).get("without")):
            found.append(f"{one.route} {one.no} turns {role.id} away with {one.status}")
        elif not let and not one.out:
            found.append(f"{one.route} {one.no} lets {role.id} in with {one.status}")
    return found


def ask(world: World, rules: Table, client: TestClient, role: Role, route: str, no: str) -> Any:
    """What the site answers to somebody in a post: the form is empty, so nothing is done but what an empty one does."""
    method, path = fill(world, rules, route, no)
    data = {}
    if method == "POST" and role.person:
        query = "select csrf from session where token_hash = :t"
        data["csrf"] = world.one(query, t=accounts.digest(str(client.cookies["df"])))
    headers = {"origin": "http://testserver"} if method != "GET" else {}
    return client.request(method, path, data=data or None, headers=headers)


def is_out(answer: Any) -> bool:
    """Whether somebody was turned away: told so, told nothing is there, or sent to sign in."""
    sent = str(answer.headers.get("location", "")) if answer.status_code == SEE_OTHER else ""
    return answer.status_code in OUT or sent.startswith("/login?")


def of_a_case(route: str) -> bool:
    return ("{no}" in route and "/meetings/" not in route) or "{entry}" in route


def fill(world: World, rules: Table, route: str, no: str) -> tuple[str, str]:
    """Method and path, with ids that exist where the demo has one and ``x`` where not."""
    method, path = route.split(" ", 1)
    values = {**ids(world), **(ids_of_case(world, rules, no) if no else {})}
    if path.startswith("/register/{deed}"):
        values["deed"] = "unit"
    return method, path.format(**{name: values.get(name, "x") for name in re.findall(r"\{(\w+)\}", path)})


def ids(world: World) -> Mapping[str, str]:
    return {
        "person": world.one("select id from person where name = '沈若谷'"),
        "name": "yunhe-example", "version": "2024.1", "rule": "D713-45", "position": "0", "year": "2026", "n": "1",
        "meeting": world.one("select id from meeting where items like '%YH-2026-002%'"), "no": "YH-2026-002",
        "deed": "add", "kind": "csv", "power": world.one("select id from power order by id"),
    }  # fmt: skip


def ids_of_case(world: World, rules: Table, no: str) -> Mapping[str, str]:
    facts = world.facts[no]
    papers = [paper["sha256"] for act in facts["acts"] for paper in act["papers"]]
    sent = """select o.seq from opinion o join consultation c on c.id = o.consultation_id where c.case_id = :c
              order by o.seq limit 1"""
    return {
        "no": no,
        "action": rules.cases[no]["action"],
        "sha256": papers[0] if papers else "0" * 64,
        "entry": world.one("select entry_id from case_act where case_id = :c order by seq desc", c=facts["case"]),
        "seq": world.one(sent, c=facts["case"], missing="1"),
    }
