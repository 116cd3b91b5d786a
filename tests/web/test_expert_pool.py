"""The expert pool (art. 21): the office enters, changes, notes and lets go; lead units look; nobody else."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import text

from decisionflow.core.facts import SHANGHAI
from decisionflow.errors import BadInput
from decisionflow.service import pool
from decisionflow.store.engine import Store
from tests.web import panel_room as room
from tests.web.desk import Desk

NEW = {
    "name": "丙一",
    "title": "教授",
    "specialities": "给排水、环保",
    "unit": "示例环境学院",
    "relatives": "丙二，区水务局",
}
NOW = datetime(2024, 3, 20, 9, tzinfo=SHANGHAI)


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return room.room(store, tmp_path)


def post(found: Desk, to: str = "", who: str = "office", **values: str) -> Any:
    return found.client(who).post(f"/experts{to}", data={**values, "csrf": found.csrf(who, "/logout")})


def test_an_expert_is_entered_and_found_by_field_and_by_words(found: Desk) -> None:
    assert post(found, **NEW).status_code == 303
    assert "丙一" in found.get("lead", "/experts?field=环保") and "甲一" not in found.get("lead", "/experts?field=环保")
    assert "丙一" in found.get("supervisor", "/experts?q=示例环境") and "丙一" not in found.get(
        "office", "/experts?q=经济"
    )
    assert "没有符合条件的专家" in found.get("office", "/experts?q=天文")
    assert "丙二，区水务局" in found.get("office", "/experts/10") and room.replays(found)


def test_relatives_and_notes_lie_in_the_vault_and_not_in_the_entry(found: Desk) -> None:
    post(found, **NEW)
    post(found, "/10/notes", on="2024-03-01", note="评审迟到两次，已提醒")
    with found.site.store.read() as connection:
        entries = connection.execute(text("select data from trail_entry where kind like 'expert.%'")).scalars().all()
    said = b"".join(bytes(one) for one in entries).decode()
    assert "丙一" in said and "区水务局" not in said and "迟到" not in said
    assert "评审迟到两次" in found.get("lead", "/experts/10") and room.replays(found)


def test_what_is_missing_or_wrong_is_told_at_its_field_with_everything_typed_kept(found: Desk) -> None:
    bare = post(found, name="丁一", specialities="", unit="", joined="2030-01-01")
    assert bare.status_code == 422 and "请填写专业领域" in bare.text and "请填写工作单位" in bare.text
    assert "入库日期不能晚于今天" in bare.text and 'value="丁一"' in bare.text
    long = post(found, **NEW | {"specialities": "很" * 41})
    assert long.status_code == 422 and "最多40字" in long.text


def test_the_same_person_twice_is_entered_once(found: Desk) -> None:
    assert post(found, **NEW).status_code == 303
    again = post(found, **NEW)
    assert again.status_code == 422 and "已在专家库里" in again.text
    assert [row.name for row in room.rows(found, "expert")].count("丙一") == 1


def test_a_change_an_absence_and_a_return_are_entries_and_the_row_follows(found: Desk) -> None:
    held = {"name": "甲一", "specialities": "桥梁", "unit": "示例大学"}
    assert post(found, "/1", **held, absent_until="2024-06-30").status_code == 303
    html = found.get("lead", "/experts/1")
    assert "桥梁" in html and "不能参加" in html
    assert post(found, "/1", **held).status_code == 303
    assert "不能参加" not in found.get("lead", "/experts?q=甲一") and room.replays(found)


def test_who_leaves_stays_readable_with_the_reason_and_is_changed_no_more(found: Desk) -> None:
    early = post(found, "/1/leave", left_on="2024-12-01", reason="聘期届满")
    assert early.status_code == 422 and "不能晚于今天" in early.text and "聘期届满" in early.text
    assert post(found, "/1/leave", left_on="2024-03-19", reason="聘期届满").status_code == 303
    assert "聘期届满" in found.get("lead", "/experts/1")
    late = post(found, "/1", name="甲一", specialities="桥梁", unit="示例大学")
    assert late.status_code == 409 and "已经退出专家库" in late.text and room.replays(found)


@pytest.mark.parametrize("who", ["lead", "supervisor"])
def test_who_only_looks_changes_nothing(found: Desk, who: str) -> None:
    assert "登记入库" not in found.get(who, "/experts") and "登记退出" not in found.get(who, "/experts/1")
    for to in ("", "/1", "/1/notes", "/1/leave"):
        assert (
            post(
                found, to, who, **NEW, on="2024-03-01", note="记录一条", left_on="2024-03-01", reason="期满退出"
            ).status_code
            == 403
        )
    assert len(room.rows(found, "expert")) == 9


@pytest.mark.parametrize("who", ["expert", "consulted", "legal"])
def test_other_posts_do_not_see_the_pool(found: Desk, who: str) -> None:
    assert "专家库由政府办公室管理" in found.get(who, "/experts", 403)
    found.get(who, "/experts/1", 403)
    assert '"/experts"' not in found.get(who, "/procedures")


def test_strangers_sign_in_first_and_a_number_that_is_not_there_is_told(found: Desk) -> None:
    assert found.client("").get("/experts").headers["location"].startswith("/login")
    assert "没有 99 号" in found.get("office", "/experts/99", 404)
    assert post(found, "/99/notes", on="2024-03-01", note="记录一条").status_code == 404


def test_an_expert_with_an_account_is_the_same_person(found: Desk) -> None:
    (n,) = room.enter(found, pool.Given("龙䶮", "结构工程", "专家库"))
    with found.site.store.read() as connection:
        assert pool.one(connection, "yunhe", n).person == found.work.stage.actors["expert"].person


# ---- from a file


def test_a_sheet_is_read_by_its_headings_and_each_wrong_row_is_told(tmp_path: Path) -> None:
    good = (
        "专家库名单,,\n姓名,专业领域,工作单位,职称,入库日期\n丁一,桥梁、隧道,示例大学,教授,2024/01/05\n"
        "丁二,,示例大学,,\n丁一,桥梁,示例大学,,\n"
    )
    rows, problems = pool.read("pool.csv", good.encode("gb18030"), (), NOW)
    assert [(row.line, row.given.name) for row in rows] == [(3, "丁一"), (4, "丁二"), (5, "丁一")]
    assert rows[0].given.joined == "2024-01-05"
    assert [(one.line, one.place) for one in problems] == [(4, "specialities"), (5, "name")]
    with pytest.raises(BadInput, match="表头"):
        pool.read("pool.csv", "甲,乙\n1,2\n".encode(), (), NOW)


def test_a_workbook_is_read_too(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["姓名", "专业", "单位", "亲属关系"])  # type: ignore[union-attr]
    book.active.append(["丁三", "经济", "示例财经大学", ""])  # type: ignore[union-attr]
    book.save(tmp_path / "pool.xlsx")
    rows, problems = pool.read("pool.xlsx", (tmp_path / "pool.xlsx").read_bytes(), (), NOW)
    assert problems == () and rows[0].given.specialities == "经济"
