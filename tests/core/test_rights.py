"""Rights of the site as data: who carries which, that the three keepers stay apart, and that a wrong file is refused."""

from __future__ import annotations

import pytest

from decisionflow import paths
from decisionflow.core import rights
from decisionflow.core import source as files
from decisionflow.errors import BadInput
from decisionflow.service import permissions

SHIPPED = (paths.WORKFLOWS / "rights.yaml").read_text("utf-8")
KNOWN = {"chief", "deputy", "supervisor", "office", "secretary", "lead", "legal"}


def read(text: str) -> rights.Rights:
    return rights.read(files.read(text, "rights.yaml"), KNOWN)


def test_a_right_is_given_to_the_duties_it_names_and_to_nobody_else() -> None:
    found = read(SHIPPED)
    assert found.gives("inspect", ["lead", "inspector"]) and not found.gives("inspect", ["lead", "office"])
    assert found.gives("list", ["lead"]) and not found.gives("list", ["audit_admin"]) and not found.gives("list", [])


def test_no_keeper_of_the_system_has_a_right_of_another_or_of_those_who_act() -> None:
    """TRUST AZ-05: system, security and audit administrators keep each other in check; one right needs two of them."""
    found = read(SHIPPED)
    carried = {one: {right.id for right in found.rights if found.gives(right.id, [one])} for one in found.keepers}
    assert carried == {
        "system_admin": {"keep_register"},
        "security_admin": {"keep_accounts", "confirm_accounts"},
        "audit_admin": {"confirm_accounts", "audit"},
    }


@pytest.mark.parametrize(
    ("duties", "mixed"),
    [
        (["system_admin"], False),
        (["system_admin", "audit_admin"], True),
        (["security_admin", "lead"], True),
        (["lead", "office"], False),
    ],
)
def test_one_person_keeps_the_system_in_one_way_and_does_nothing_else(duties: list[str], mixed: bool) -> None:
    assert read(SHIPPED).mixed(duties) is mixed


@pytest.mark.parametrize(
    ("old", "new", "say"),
    [
        ("duties: [supervisor, inspector], why", "duties: [king], why", "没有职责 king"),
        ("id: read_pool", "id: keep_pool", "keep_pool 写了两次"),
        ("逾期一览, except: keepers", "逾期一览, duties: []", "要么列出职责"),
        ("逾期一览, except: keepers", "逾期一览, except: keepers, duties: [lead]", "要么列出职责"),
        ("duties: [audit_admin]", "duties: [audit_admin, lead]", "不能同时给三员和办理事项的人"),
        ("audit_admin: 审计管理员, ", "", "三员 audit_admin 没有名称"),
        ("id: case.read", "id: audit", "audit 写了两次"),
    ],
)
def test_a_file_that_gives_too_much_is_refused_with_its_place(old: str, new: str, say: str) -> None:
    assert old in SHIPPED
    with pytest.raises(BadInput) as fault:
        read(SHIPPED.replace(old, new, 1))
    assert any(say in str(problem) for problem in fault.value.problems)


def test_every_right_of_the_file_is_asked_for_by_the_program_and_the_other_way_round() -> None:
    source = (paths.PACKAGE / "service" / "permissions.py").read_text("utf-8")
    assert all(f'has(actor, "{right.id}")' in source for right in permissions.rights().rights)
    assert source.count("has(actor, ") >= len(permissions.rights().rights)
