"""倒查: an inspector looks backwards with a reason, and the look is itself recorded; nobody else has such a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from decisionflow.service import sealing
from decisionflow.service.register import Register
from decisionflow.store.engine import Store
from decisionflow.trail import canonical
from tests.web.desk import Desk, desk

REASON = "区纪委监委〔2024〕3号初核方案"


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    people = {"jiancha": {"post": ["inspector"], "unit": "区纪委监委", "title": "监察专员", "name": "梁见山"}}
    made = desk(store, tmp_path, **people)
    made.work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3", phone="13800000000")
    made.work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    made.work.do("chief", "decide")  # refused: no survey
    return made


def look(found: Desk, path: str, reason: str = REASON, who: str = "jiancha") -> Any:
    return found.client(who).post(path, data={"csrf": found.csrf(who, "/logout"), "reason": reason})


def looks(found: Desk) -> list[dict[str, Any]]:
    query = text("select data from trail_entry where kind = 'inspection.looked' order by entry_id")
    with found.site.store.read() as connection:
        return [canonical.decode(row.data) for row in connection.execute(query)]


def test_a_person_is_shown_with_posts_acts_and_what_lay_in_the_dossier(found: Desk) -> None:
    chief = found.work.stage.actors["chief"]
    assert chief.name in found.get("jiancha", f"/trace?q={chief.name}")
    answer = look(found, f"/trace/person/{chief.person}")
    assert answer.status_code == 200
    for words in (chief.post_title, "决定受理", "当时知道什么", "解放路行道树砍伐"):
        assert words in answer.text


def test_somebody_is_found_by_the_sound_of_a_name_with_rare_characters(found: Desk) -> None:
    made, work = "龙䶮", found.work
    work.store.write(lambda tx: Register(tx, work.authority, work.stage.actors["chief"], work.now).person(made))
    for typed in ("龙䶮", "longyan", "Lóng Yǎn", "ly"):
        assert made in found.get("jiancha", f"/trace?q={typed}"), typed
    assert made not in found.get("jiancha", "/trace?q=longya1") and made not in found.get("jiancha", "/trace?q=an")


def test_a_case_is_shown_with_its_refused_attempts(found: Desk) -> None:
    answer = look(found, f"/trace/case/{found.work.no}")
    assert answer.status_code == 200 and "被拒绝的办理" in answer.text and "尚未完成踏勘与公示" in answer.text


def test_each_look_is_recorded_with_its_reason_as_a_commitment(found: Desk) -> None:
    look(found, f"/trace/case/{found.work.no}")
    (record,) = looks(found)
    assert record["chain"]["kind"] == "security" and record["chain"]["id"].startswith("inspection-")
    assert set(record["body"]["reason"]) == {"commitment"}
    assert REASON in found.get("jiancha", "/trace")


def test_without_a_reason_nothing_is_shown_and_nothing_recorded(found: Desk) -> None:
    for reason in ("", "查", "好" * 501, "坏\x00字字字"):
        answer = look(found, f"/trace/case/{found.work.no}", reason)
        assert answer.status_code == 422 and "被拒绝的办理" not in answer.text
    assert looks(found) == []


def test_for_others_there_is_no_such_page(found: Desk) -> None:
    chief = found.work.stage.actors["chief"]
    for path in ("/trace", f"/trace/person/{chief.person}", f"/trace/case/{found.work.no}"):
        found.get("lead", path, 404)
        assert found.client("").get(path).status_code == 303
    assert look(found, f"/trace/case/{found.work.no}", who="lead").status_code == 404
    assert looks(found) == []


def test_a_look_without_the_sessions_token_is_refused(found: Desk) -> None:
    answer = found.client("jiancha").post(f"/trace/case/{found.work.no}", data={"csrf": "x", "reason": REASON})
    assert answer.status_code == 403 and looks(found) == []


def test_unknown_persons_and_cases_are_not_found(found: Desk) -> None:
    found.get("jiancha", "/trace/person/none", 404)
    found.get("jiancha", "/trace/case/YH-2024-999", 404)
    assert "没有姓名含" in found.get("jiancha", "/trace?q=无此人")


def test_all_that_is_stored_can_be_verified_from_the_page(found: Desk) -> None:
    sealing.seal_all(found.site.store, "yunhe", found.site.signer("yunhe"), found.work.now)
    form = {"csrf": found.csrf("lead", "/logout"), "what": "all"}
    assert "df-verdict-pass" in found.client("lead").post("/verify", data=form).text
    assert found.client("lead").post("/verify", data={"csrf": form["csrf"]}).status_code == 422
    assert found.client("").get("/verify").status_code == 303
