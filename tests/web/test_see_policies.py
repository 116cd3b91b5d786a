"""Who has which right today: keepers of the system and inspectors see it; the separation of keepers is checked by person."""

from __future__ import annotations

from pathlib import Path

import pytest

from decisionflow.service.register import Register
from decisionflow.store.engine import Store
from tests.web.desk import Desk
from tests.web.signing import staffed


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return staffed(store, tmp_path)


def test_a_keeper_sees_each_right_with_the_persons_of_today(found: Desk) -> None:
    page = found.client("security").get("/policies")
    assert page.status_code == 200 and "没有兼任" in page.text
    for words in ("建立、停用账号", "安全管理员", "倒查、检索、程序问题清单", "case.write"):
        assert words in page.text
    assert "/policies" in found.client("security").get("/account").text


@pytest.mark.parametrize("who", ["lead", "chief"])
def test_whoever_keeps_nothing_has_no_such_page(found: Desk, who: str) -> None:
    assert found.client(who).get("/policies").status_code == 404
    assert "/policies" not in found.client(who).get("/account").text


def test_a_stranger_is_sent_to_sign_in(found: Desk) -> None:
    assert found.client("").get("/policies").headers["location"].startswith("/login")


def test_a_person_who_keeps_and_acts_is_named(found: Desk) -> None:
    """The register refuses it; an import of an older register, or a hand in the database, may still bring it."""
    keeper, lead = (found.work.stage.actors[who] for who in ("auditor", "lead"))
    day = found.work.now.date()
    found.site.store.write(
        lambda tx: Register(tx, found.work.authority, keeper, found.work.now).appoint(
            keeper.person, lead.post, day, document="示例"
        )
    )
    page = found.client("security").get("/policies").text
    assert "没有兼任" not in page and "审计员：一个人不能兼任两员" in page
