"""The list of powers as of any day, the history of an item, and what it tells a legal reviewer: a hint, never a finding."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from decisionflow.service import powers
from decisionflow.store.engine import Store
from tests.web.look_room import words
from tests.web.square import Square, square


def row(line: int, title: str, since: date, basis: str = "条例第十条", **more: object) -> powers.Row:
    values = {
        "unit": "承办单位",
        "code": "330001",
        "kind": "行政给付",
        "document": "示例编〔2024〕1号",
        "until": None,
        **more,
    }
    return powers.Row(line=line, title=title, since=since, basis=basis, **values)  # type: ignore[arg-type]


def take(found: Square, *rows: powers.Row) -> None:
    work = found.work
    work.store.write(
        lambda tx: powers.take_in(tx, work.authority, work.stage.actors["office"], rows, work.now, "powers.csv")
    )


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Square:
    """An item listed in January, adjusted in March."""
    made = square(store, tmp_path)
    take(made, row(2, "停车收费管理", date(2024, 1, 1)), row(3, "道路占用许可", date(2024, 1, 1), code="330002"))
    take(made, row(2, "停车收费管理", date(2024, 3, 1), "条例第十一条"))
    return made


def test_the_list_is_shown_as_it_stood_on_a_day(found: Square) -> None:
    then = words(found.desk.get("lead", "/powers?on=2024-02-01&q=停车"))
    now = words(found.desk.get("lead", "/powers?on=2024-03-02&q=停车"))
    assert "条例第十条" in then and "条例第十一条" not in then
    assert "条例第十一条" in now and "道路占用许可" not in now
    assert "没有符合的事项" in words(found.desk.get("lead", "/powers?on=2023-12-31"))


def test_an_item_tells_each_adjustment_with_its_document(found: Square) -> None:
    with found.work.store.read() as connection:
        power = connection.execute(text("select id from power where code = '330001' order by valid_from")).scalar()
    told = words(found.desk.get("lead", f"/powers/{power}"))
    assert "条例第十一条" in told and "条例第十条" in told and "2024-02-29" in told
    assert found.desk.client("lead").get("/powers/none").status_code == 404


def test_a_day_that_is_none_is_told_and_a_stranger_signs_in(found: Square) -> None:
    answer = found.desk.client("lead").get("/powers?on=去年")
    assert answer.status_code == 422 and "不是日期" in answer.text
    assert found.desk.client("").get("/powers").headers["location"].startswith("/login")


def test_the_reviewer_sees_what_the_list_of_that_day_says(found: Square) -> None:
    found.matter("停车收费管理办法", power_list="listed", power_list_item="停车收费管理")
    work = found.work
    with work.store.read() as connection:
        told = powers.evidence(connection, work.authority, work.facts())
    assert [one.basis for one in told.near] == ["条例第十一条"] and (told.declared, told.total) == ("listed", 2)
    found.matter("社区养老设施布局")
    with work.store.read() as connection:
        told = powers.evidence(connection, work.authority, work.facts())
    assert told.near == () and told.total == 2
