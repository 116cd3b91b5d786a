"""Every route × role × case × relation against one declarative table, ``authority.yaml``; what it finds must be nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from decisionflow import paths
from decisionflow.service import actors, permissions
from tests.web import authority
from tests.web.authority import Answer, Role, World

pytestmark = pytest.mark.slow
RULES = authority.table()


class Asked:
    """What each role got, asked once: every role on its own copy of the demo."""

    def __init__(self, seeded: Path, folder: Path) -> None:
        self.seeded, self.folder, self.cases = seeded, folder, dict[str, Mapping[str, Any]]()
        self.got = dict[str, tuple[Role, list[Answer], list[str]]]()

    def duties(self, no: str) -> Mapping[str, Any]:
        if not self.cases:
            with authority.opened(self.seeded, self.folder / "facts") as world:
                self.cases = {one: facts["duties"] for one, facts in world.facts.items()}
        return self.cases.get(no, {})

    def of(self, name: str) -> tuple[Role, list[Answer], list[str]]:
        if name not in self.got:
            with authority.opened(self.seeded, self.folder / name) as world:
                role = as_role(world, name)
                answers = authority.everything(world, RULES, role)
                self.got[name] = role, answers, authority.faults(world, RULES, role, answers)
        return self.got[name]


def as_role(world: World, name: str) -> Role:
    person, title = RULES.roles[name]
    return world.role(name, person, title) if person else Role(name, frozenset())


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority.seed(tmp_path_factory.mktemp("authority") / "demo")


@pytest.fixture(scope="module")
def asked(seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    return Asked(seeded, tmp_path_factory.mktemp("roles"))


def test_every_route_has_its_rule_and_every_rule_its_route() -> None:
    assert authority.routes() ^ set(RULES.routes) == set()
    assert set(RULES.routes.values()) == set(RULES.rules)


@pytest.mark.parametrize("name", RULES.roles)
def test_a_role_comes_in_where_the_table_says_and_nowhere_else(asked: Asked, name: str) -> None:
    _, answers, faults = asked.of(name)
    assert len(answers) > len(RULES.routes) and faults == []


def test_what_is_there_for_one_is_there_for_everybody_who_may(asked: Asked) -> None:
    """A thing that is missing is missing for all whom the table lets in; else "not there" would hide a refusal."""
    seen: dict[tuple[str, str], dict[str, set[str]]] = {}
    for name in RULES.roles:
        role, answers, _ = asked.of(name)
        for one in answers:
            if may(asked, role, one):
                kind = "missing" if one.status == authority.MISSING else "there"
                seen.setdefault((one.route, one.no), {}).setdefault(kind, set()).add(name)
    torn = {place: found for place, found in seen.items() if len(found) > 1}
    never = {route for route, _ in seen} - {route for (route, _), found in seen.items() if "there" in found}
    assert torn == {}
    assert never == set(RULES.unseen), sorted(never ^ set(RULES.unseen))


def test_what_the_demo_has_none_of_is_taken_by_a_test_of_its_own() -> None:
    for route, (file, words) in RULES.unseen.items():
        assert words in (paths.PACKAGE.parent / file).read_text("utf-8"), route


MUTATIONS: list[tuple[str, Callable[[pytest.MonkeyPatch], None], str, str]] = [
    (
        "everybody may see every case",
        lambda patch: patch.setattr(permissions, "may_see", yes),
        "system_admin",
        "/cases",
    ),
    ("every unit holds every duty", lambda patch: patch.setattr(actors, "_holds", yes), "other_lead", "/hearing"),
    ("everybody may inspect", lambda patch: patch.setattr(permissions, "may_inspect", yes), "lead", "/trace"),
]


def yes(*_: object) -> bool:
    return True


@pytest.mark.parametrize(("say", "mutate", "name", "only"), MUTATIONS, ids=[one[0] for one in MUTATIONS])
def test_a_hole_in_the_permission_functions_is_found(
    seeded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    say: str, mutate: Callable[[pytest.MonkeyPatch], None], name: str, only: str,
) -> None:  # fmt: skip
    with authority.opened(seeded, tmp_path / "whole") as world:
        role = as_role(world, name)
        assert authority.faults(world, RULES, role, authority.everything(world, RULES, role, only)) == []
    mutate(monkeypatch)
    with authority.opened(seeded, tmp_path / "holed") as world:
        found = authority.faults(world, RULES, role, authority.everything(world, RULES, role, only))
        assert found and all("lets" in one for one in found), say


def may(asked: Asked, role: Role, one: Answer) -> bool:
    return RULES.expects(one.route, role, one.no, asked.duties(one.no))
