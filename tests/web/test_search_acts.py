"""I7: an inspector finds acts by a query, with a reason; keeps queries; takes the result away. Nobody else has the page."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import text

from decisionflow.service import evidence, rehearsals, sealing
from decisionflow.service import site as sites
from decisionflow.service.reads import search as reads
from decisionflow.service.register import Register
from decisionflow.store.engine import Store
from decisionflow.trail import selection, verify
from tests.service.stage import FELLING
from tests.web.desk import Desk, desk

REASON = "区纪委监委〔2024〕3号初核方案"


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    """Two cases: one begun, one a year older."""
    people = {"jiancha": {"post": ["inspector"], "unit": "区纪委监委", "title": "监察专员", "name": "梁见山"}}
    made = desk(store, tmp_path, **people)
    made.work.do("proposer", "ask", title="老旧小区加装电梯", protected="no", trees="3", phone="13800000000")
    made.work.no, made.work.now = "", made.work.now + timedelta(days=365)
    made.work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3", phone="13800000000")
    made.work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    made.clients.clear()
    return made


def search(found: Desk, q: str, who: str = "jiancha", **more: str) -> Any:
    data = {"csrf": found.csrf(who, "/logout"), "q": q, "reason": REASON, **more}
    return found.client(who).post("/trace/search", data=data)


def numbers(found: Desk, q: str) -> list[tuple[str, str]]:
    answer = search(found, q, **{"as": "json"})
    assert answer.status_code == 200, answer.text
    return [(one["case"], one["action"]) for one in answer.json()["hits"]]


def test_the_packages_of_a_selection_come_with_a_signed_list_and_verify(found: Desk, tmp_path: Path) -> None:
    early = search(found, "时间:2024..2026", **{"as": "packages"})
    assert early.status_code == 404 and "封存" in early.text  # nothing is sealed yet
    signer = found.site.signer(found.work.authority.id)
    sealing.seal_all(found.work.store, found.work.authority.id, signer, found.work.now)
    answer = search(found, "时间:2024..2026", **{"as": "packages"})
    assert answer.headers["content-type"] == "application/zip"
    members = verify.unpack(answer.content)
    assert sorted(members) == ["LIST.note", "README.txt", "YH-2024-001.zip", "YH-2025-001.zip"]
    trust = sites.trust(sites.trust_path(found.site.settings))
    report = selection.either(answer.content, trust)
    assert (report.verdict, [one.status for one in report.checks]) == ("passed", ["passed"] * 3), report.say
    assert selection.either(answer.content).exit == 6
    for name in ("YH-2024-001.zip", "LIST.note"):
        fewer = b"".join(verify.container({key: data for key, data in members.items() if key != name}))
        assert selection.either(fewer, trust).exit == 4
    other = b"".join(verify.container({**members, "YH-2025-001.zip": members["YH-2024-001.zip"]}))
    assert selection.either(other, trust).exit == 4


def test_too_many_cases_in_a_selection_are_refused_with_the_number(
    found: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "MOST", 1)
    answer = search(found, "时间:2024..2026", **{"as": "packages"})
    assert answer.status_code == 422 and "涉及 2 个事项" in answer.text


NEW, OLD = "解放路行道树砍伐", "老旧小区加装电梯"


def test_acts_are_found_by_person_line_article_and_word_newest_first(found: Desk) -> None:
    chief = found.work.stage.actors["chief"]
    assert numbers(found, f"人员:{chief.name}") == [(NEW, "begin")]
    assert numbers(found, "动作:begin") == [(NEW, "begin")] and numbers(found, "case:解放路 -动作:begin") == [
        (NEW, "ask")
    ]
    assert numbers(found, "时间:2024..2026") == [(NEW, "begin"), (NEW, "ask"), (OLD, "ask")]
    assert numbers(found, "电梯 时间:..2024-12") == [(OLD, "ask")]
    assert numbers(found, "状态:已办结 时间:2024..2026") == [] and numbers(found, "补录:是 时间:2024..2026") == []


def test_a_rule_finds_the_acts_that_rest_on_it_and_an_article_all_of_its_rules(found: Desk) -> None:
    hits = search(found, "时间:2024..2026", **{"as": "json"}).json()["hits"]
    (procedure,) = rehearsals.named(str(FELLING), Path("/"))
    begin = procedure.action("begin")
    assert begin is not None
    rule = begin.rules[0]
    number = procedure.rules[rule].article
    by_rule = numbers(found, f"规则:{rule} 时间:2024..2026")
    assert (NEW, "begin") in by_rule and len(by_rule) <= len(hits)
    assert set(by_rule) <= set(numbers(found, f"条:{number} 时间:2024..2026"))
    assert numbers(found, "规则:D713-99 时间:2024..2026") == []


def test_without_days_or_names_only_the_last_months_are_looked_at_and_the_page_says_so(found: Desk) -> None:
    assert numbers(found, "砍伐") == [(NEW, "begin"), (NEW, "ask")] and numbers(found, "电梯") == []
    assert "只看了" in search(found, "电梯").text and "只看了" not in search(found, "时间:2024 电梯").text


def test_a_unit_is_found_by_its_old_name_and_its_heirs_are_named(found: Desk) -> None:
    work = found.work
    chief = work.stage.actors["chief"]
    unit = chief.unit

    def deed(tx: Any) -> None:
        book = Register(tx, work.authority, chief, work.now)
        book.rename(unit, "新的市政府", work.now.date())
        book.unit("承接的机构", work.now.date(), succeeds=unit)

    old = chief.unit_name
    work.store.write(deed)
    assert (
        numbers(found, f'单位:"{old}" 动作:begin') == numbers(found, "单位:新的市政府 动作:begin") == [(NEW, "begin")]
    )
    page = search(found, f'单位:"{old}" 动作:begin').text
    assert "承接的机构" in page and old in page  # the record keeps the name of that time


def test_pages_follow_each_other_without_gap_or_repetition(found: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "PAGE", 1)
    first = search(found, "时间:2024..2026").text
    after = first.split('name="after" value="')[1].split('"')[0]
    second = search(found, "时间:2024..2026", after=after).text
    assert "决定受理" in first and "决定受理" not in second and NEW in second
    assert search(found, "时间:2024", after="x").status_code == 422


def test_the_table_leaves_as_csv_xlsx_and_json_with_nothing_a_spreadsheet_would_compute(found: Desk) -> None:
    work = found.work
    work.no = ""
    work.do("proposer", "ask", title="=1+1", protected="no", trees="3", phone="13800000000")
    found.clients.clear()
    table = search(found, "时间:2024..2026", **{"as": "csv"})
    assert table.headers["content-type"].startswith("text/csv") and "'=1+1" in table.text
    book = openpyxl.load_workbook(io.BytesIO(search(found, "时间:2024..2026", **{"as": "xlsx"}).content))
    cells = [[cell.value for cell in row] for row in book.worksheets[0].iter_rows()]
    assert cells[0][0] == "编号" and cells[1][1] == "'=1+1" and len(cells) == 5
    assert json.loads(search(found, "时间:2024..2026", **{"as": "json"}).text)["hits"][0]["case"] == "=1+1"


def test_each_search_is_recorded_with_query_and_reason_for_one_s_own_organ(found: Desk) -> None:
    search(found, "人员:沈若谷")
    with found.site.store.read() as connection:
        rows = connection.execute(text("select data from trail_entry where kind = 'inspection.looked'")).all()
    assert len(rows) == 1 and "沈若谷".encode() not in bytes(rows[0].data)
    page = found.get("jiancha", "/trace")
    assert "人员:沈若谷" in page and REASON in page


@pytest.mark.parametrize(("q", "says"), [("来源:x", "没有“来源:”这一项"), ("时间:2024-13", "2024-13"), ("“a", "引号")])
def test_a_query_that_cannot_be_read_is_refused_and_not_recorded(found: Desk, q: str, says: str) -> None:
    answer = search(found, q)
    assert answer.status_code == 422 and says in answer.text
    with found.site.store.read() as connection:
        assert not connection.execute(text("select 1 from trail_entry where kind = 'inspection.looked'")).first()


def test_without_a_reason_nothing_is_shown(found: Desk) -> None:
    answer = search(found, "砍伐", reason="")
    assert answer.status_code == 422 and "查询理由" in answer.text and NEW not in answer.text


def test_a_query_is_kept_under_a_name_used_again_and_forgotten(found: Desk) -> None:
    client, token = found.client("jiancha"), found.csrf("jiancha", "/trace/search")
    for q in ("人员:甲", "人员:沈若谷 时间:2026"):  # the same name again is the newer query
        data = {"csrf": token, "q": q, "name": "沈的全部"}
        assert client.post("/trace/search/kept", data=data, follow_redirects=False).status_code == 303
    assert "人员:沈若谷 时间:2026" in found.get("jiancha", "/trace/search?name=沈的全部")
    assert "人员:甲" not in found.get("jiancha", "/trace/search")
    client.post("/trace/search/kept", data={"csrf": token, "forget": "沈的全部"})
    assert "沈的全部" not in found.get("jiancha", "/trace/search")
    bad = client.post("/trace/search/kept", data={"csrf": token, "q": "人员:", "name": "坏的"})
    assert bad.status_code == 422 and "要写查什么" in bad.text


def test_for_others_there_is_no_such_page(found: Desk) -> None:
    for who in ("lead", "chief", "expert"):
        assert search(found, "砍伐", who).status_code == 404
        assert found.client(who).get("/trace/search").status_code == 404
    assert found.client("").get("/trace/search", follow_redirects=False).status_code == 303


def test_the_list_of_cases_speaks_the_same_language(found: Desk) -> None:
    def titles(q: str) -> set[str]:
        page = found.client("lead").get("/cases", params={"q": q})
        assert page.status_code == 200, page.text
        return {title for title in (NEW, OLD) if title in page.text}

    assert titles("时间:2024") == {OLD} and titles("-事项:电梯") == {NEW} and titles("状态:已办结") == set()
    assert titles("灯:红") == set() and titles("电梯") == {OLD}
    answer = found.client("lead").get("/cases", params={"q": "人员:甲"})
    assert answer.status_code == 422 and "人员" in answer.text
