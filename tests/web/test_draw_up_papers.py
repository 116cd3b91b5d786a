"""The statement that the procedure was followed, and the list of evidence: from the trail, and nothing but the trail."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from docx import Document

from decisionflow.store.engine import Store
from tests.web.square import Square, square


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Square:
    made = square(store, tmp_path)
    made.notice("既有住宅加装电梯方案", days=20, short_reason="汛期将至，须在汛前完成")
    made.work.do("lead", "waive_departments", reason="只涉及本部门职责", judged_by="陈予安")
    made.desk.clients.clear()
    return made


def paper(found: Square, which: str, who: str = "lead") -> Any:
    answer = found.desk.client(who).get(f"/cases/{found.work.no}/{which}")
    assert answer.status_code == 200 and "attachment" in answer.headers["content-disposition"]
    return Document(io.BytesIO(answer.content))


def words(made: Any) -> str:
    return "\n".join(one.text for one in made.paragraphs)


def test_the_statement_says_what_was_done_what_not_and_what_was_departed_from(found: Square) -> None:
    said = words(paper(found, "statement"))
    for part in (
        "关于“既有住宅加装电梯方案”履行法定程序的说明", "发布公开征求意见公告", "2024年3月1日", "已记明不需要",
        "只涉及本部门职责", "现在的状态：未送审", "偏离一般要求的情形和理由", "汛期将至，须在汛前完成", "第十五条第一款",
        "没有。",
    ):  # fmt: skip
        assert part in said, part


def test_a_line_that_nothing_demands_and_nobody_began_is_not_spoken_of(found: Square) -> None:
    assert "专家论证" not in words(paper(found, "statement"))


def test_the_list_of_evidence_numbers_every_paper_once_with_its_digest(found: Square) -> None:
    (table,) = paper(found, "evidence").tables
    rows = [[cell.text for cell in row.cells] for row in table.rows[1:]]
    assert [row[0] for row in rows] == [str(n + 1) for n in range(len(rows))] and len({row[6] for row in rows}) == len(
        rows
    )
    assert any("决策草案第 1 版" in row[1] for row in rows) and all(len(row[6]) == 16 for row in rows)
    text = found.work.facts().text.sha256
    assert text[:16] in {row[6] for row in rows}


def test_personal_words_stand_in_neither(found: Square) -> None:
    found.say(found.work.no, "我叫王某某，电话13912345678。", name="王某某", contact="13912345678")
    said = words(paper(found, "statement")) + words(paper(found, "evidence"))
    assert "王某某" not in said and "13912345678" not in said


def test_people_outside_get_neither(found: Square) -> None:
    for which in ("statement", "evidence"):
        assert found.desk.client("").get(f"/cases/{found.work.no}/{which}").status_code == 303
        assert found.desk.client("expert").get(f"/cases/{found.work.no}/{which}").status_code == 404
