"""The dossier: what lies there by step, what is missing, its table of contents, and the act of filing started from it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from docx import Document

from decisionflow.service import steps
from decisionflow.store.engine import Store
from tests.web import risk_room as room
from tests.web.desk import Desk
from tests.web.formreader import opened, read
from tests.web.risk_room import on, page, post


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return room.executing(store, tmp_path)


def words(data: bytes) -> str:
    made = Document(io.BytesIO(data))
    cells = [cell.text for table in made.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(one.text for one in made.paragraphs), *cells])


def test_everything_lies_there_by_step_with_its_maker_day_and_hash(found: Desk) -> None:
    html = found.get("archivist", page(found, "dossier"))
    assert "没有缺件" in html and "应归" in html and "案卷（预归档）" not in html
    paper = found.work.facts().papers()["legal_opinion"]
    assert paper.sha256[:8] in html and "司法局 罗敬之" in html and "2025-04-25" in html
    assert "决策草案第 1 版" in html and "不需要的记录" in html and "只涉及本部门职责" in html


def test_the_same_is_to_be_had_as_a_word_file(found: Desk) -> None:
    answer = found.client("archivist").get(page(found, "dossier.docx"))
    assert answer.status_code == 200 and "wordprocessingml" in answer.headers["content-type"]
    told = words(answer.content)
    assert "卷内目录" in told and "没有缺件" in told and "合法性审查意见" in told and found.work.no in told


def test_filing_starts_from_the_count_with_the_contents_attached(found: Desk) -> None:
    go = post(found, "dossier/file", "archivist")
    assert go.status_code == 303 and "account=" in go.headers["location"]
    sheet = opened(found, "archivist", go.headers["location"])
    told, facts = dict(sheet.pairs), found.work.facts()
    assert told["missing"] == "无" and int(told["items"]) == len([one for act in facts.acts for one in act.papers]) + 1
    checked = sheet.put({"retention": "permanent", "place": "机关档案室"}).press(found.client("archivist"), "check")
    assert checked.status_code == 200, checked.text[:1500]
    form = read(checked.text)
    done = form.put({name: "yes" for name in form.names if name.startswith("act.confirm")}).press(
        found.client("archivist")
    )
    assert done.status_code == 303
    act = found.work.facts().acts[-1]
    assert [one.kind for one in act.papers] == ["dossier_list"] and room.replays(found)
    html = found.get("archivist", page(found, "dossier"))
    assert "已归档" in html and "机关档案室" in html and "卷内目录" in html
    assert post(found, "dossier/file", "archivist").status_code == 404


def test_what_no_record_speaks_of_is_missing_by_name(store: Store, tmp_path: Path) -> None:
    made = room.drafted(store, tmp_path)
    html = made.get("lead", page(made, "dossier"))
    assert "案卷（预归档）" in html and "缺：" in html
    for line in ("征求部门意见", "风险评估", "合法性审查"):
        assert line in html.partition("缺：")[2].partition("</p>")[0]
    made.work.do("lead", "waive_departments", reason="只涉及本部门", judged_by="陈予安")
    made.clients.clear()
    html = made.get("lead", page(made, "dossier"))
    assert "征求部门意见" not in html.partition("缺：")[2].partition("</p>")[0]


def test_a_piece_whose_bytes_are_gone_is_named(found: Desk) -> None:
    paper = found.work.facts().papers()["minutes"]
    found.site.store.blobs.path(paper.sha256).unlink()
    html = found.get("archivist", page(found, "dossier"))
    assert "原件不在" in html and "案卷不完整" in html


def test_others_read_and_only_those_who_file_may_start_it(found: Desk) -> None:
    html = found.get("legal", page(found, "dossier"))
    assert "会议记录：minutes" in html and "去办理" not in html
    assert post(found, "dossier/file", "legal").status_code == 404
    assert "没有编号" in found.get("expert", page(found, "dossier"), 404)
    assert found.client("").get(page(found, "dossier")).status_code == 303
    assert found.client("").get(page(found, "dossier.docx")).status_code == 303
    assert found.client("archivist").post(page(found, "dossier/file"), data={}).status_code == 403


def test_what_is_added_later_stands_with_its_reason(found: Desk) -> None:
    found.work.do("archivist", "file_dossier", items="12", missing="无", retention="permanent")
    on(found, 2025, 7, 1)
    found.work.do("archivist", "supplement_dossier", items="现场照片", reason="后来找到")
    assert "后来找到" in found.get("archivist", page(found, "dossier"))


def test_handing_over_comes_after_filing_and_says_to_whom(found: Desk) -> None:
    given = {"receiver": "区档案馆", "handed_on": "2025-07-01", "items": "13", "received_by": "顾闻笛"}
    on(found, 2025, 7, 1)
    assert isinstance(found.work.do("archivist", "hand_over_dossier", **given), steps.Held)
    found.work.do("archivist", "file_dossier", items="12", missing="无", retention="permanent")
    found.clients.clear()
    assert "移交案卷" in found.get("archivist", page(found, "dossier"))
    assert isinstance(found.work.do("lead", "hand_over_dossier", **given), steps.Held)
    assert isinstance(found.work.do("archivist", "hand_over_dossier", **given), steps.Done)
    found.clients.clear()
    html = found.get("archivist", page(found, "dossier"))
    assert "接收单位：区档案馆" in html and room.replays(found)
