"""An official reads what he did himself, by the record, and takes it away; nobody else reads it there, and no look is kept."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import text

from decisionflow.store.engine import Store
from tests.web.desk import Desk, desk
from tests.web.look_room import INSPECTOR, look, looks, words
from tests.web.test_look_back_person import fell


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    made = desk(store, tmp_path, jiancha=INSPECTOR)
    fell(made, "解放路行道树砍伐")
    made.clients.clear()
    return made


def table(data: bytes) -> list[tuple[object, ...]]:
    (sheet,) = openpyxl.load_workbook(io.BytesIO(data)).worksheets
    return list(sheet.iter_rows(values_only=True))


def test_one_reads_every_act_of_ones_own_with_the_post_then_and_leaves_no_look(found: Desk) -> None:
    html = found.get("chief", "/me/record")
    told = words(html)
    chief = found.work.stage.actors["chief"]
    assert "解放路行道树砍伐" in told and "决定受理" in told and f"{chief.unit_name} {chief.post_title}" in told
    assert '/cases/YH-2024-001"' in html and "/trace/" not in html
    assert looks(found) == [] and "/me/record" in found.get("chief", "/account")


def test_a_colleague_sees_only_his_own(found: Desk) -> None:
    told = words(found.get("office", "/me/record"))
    assert "决定受理" not in told and "没有记录" in told


def test_the_acts_of_a_year_are_taken_away_as_a_table(found: Desk) -> None:
    answer = found.client("chief").get("/me/record.xlsx?year=2024")
    head, *rows = table(answer.content)
    assert head[:4] == ("发生", "登记", "编号", "事项") and [row[7] for row in rows] == ["决定受理"]
    assert len(table(found.client("chief").get("/me/record.xlsx?year=2023").content)) == 1


def test_an_inspector_takes_the_same_only_within_a_look(found: Desk) -> None:
    person = found.work.stage.actors["chief"].person
    path = f"/trace/person/{person}"
    assert 'name="reason"' in found.get("jiancha", f"{path}/extract")
    look(found, path)
    (_, row) = table(found.client("jiancha").get(f"{path}/extract?year=2024").content)
    assert row[7] == "决定受理"
    assert found.client("office").get(f"{path}/extract").status_code == 404


def test_a_person_whose_post_ended_still_reads_what_he_did(found: Desk) -> None:
    chief = found.work.stage.actors["chief"]
    client = found.client("chief")
    with found.work.store.read() as connection:
        before = connection.execute(text("select count(*) from appointment where ended = :no"), {"no": False}).scalar()
    found.site.store.write(lambda tx: tx.execute(
        text("update appointment set valid_to = :d where id = :i"),
        {"d": (found.work.now - timedelta(days=1)).date().isoformat(), "i": chief.appointment}))  # fmt: skip
    assert before and client.get("/cases").status_code == 403
    assert "决定受理" in client.get("/me/record").text


def test_a_stranger_signs_in_first_and_a_bad_year_is_told(found: Desk) -> None:
    assert found.client("").get("/me/record").headers["location"].startswith("/login")
    assert found.client("chief").get("/me/record?year=去年").status_code == 422
