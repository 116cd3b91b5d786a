"""A catalogue comes in from a file, is read with its cases and ages, and what was judged before is found."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pytest

from decisionflow.core import procedure as law
from decisionflow.errors import BadInput
from decisionflow.service import catalogues, procedures, rehearsals, steps
from decisionflow.service.reads import catalogue, precedents, stored
from decisionflow.store.engine import Store
from tests.core.play import WORKFLOWS
from tests.service.stage import Office, office

REAL = Path(__file__).parent / "data" / "catalogue-columns.csv"
BOOK = WORKFLOWS / "decision-catalogue" / "2019.1.yaml"
QUESTION = WORKFLOWS / "scope-question" / "2019.1.yaml"


@pytest.fixture(scope="module")
def procedure() -> law.Procedure:
    return procedures.read(BOOK)


def cells(*rows: tuple[str, ...]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


# ---- files -------------------------------------------------------------------------------------------------


def test_the_columns_of_real_catalogues_are_read_for_one_government_and_year(procedure: law.Procedure) -> None:
    report = catalogues.read(REAL.name, REAL.read_bytes(), procedure, of="济南市市中区人民政府", year=2021)
    assert not report.problems and report.others == 6
    assert [row.values["title"] for row in report.rows] == ["新型综合垃圾处理中心", "兴隆公园", "2021年老旧小区改造"]
    first = report.rows[0]
    assert (first.line, first.values["unit"], first.values["class"], first.values["planned"]) == (
        2, "区城管局", "construction", "2021-12")  # fmt: skip
    (plan,) = catalogues.read(REAL.name, REAL.read_bytes(), procedure, of="南通市海门区人民政府", year=2025).rows
    assert plan.values["ordered"] == ["participation", "expert", "risk", "legal", "collective"]


def test_a_row_that_is_wrong_is_told_with_its_line_and_column(procedure: law.Procedure) -> None:
    """The price hearing of Luntai stands under a class that is none; Huimin names no unit."""
    hearing = catalogues.read(REAL.name, REAL.read_bytes(), procedure, of="轮台县人民政府")
    assert not hearing.rows and [(one.line, one.place) for one in hearing.problems] == [(10, "class")]
    unit = catalogues.read(REAL.name, REAL.read_bytes(), procedure, of="惠民县人民政府")
    assert [(one.line, one.place, one.say) for one in unit.problems] == [(7, "lead_unit", "缺少承办单位")]


def test_chinese_headings_in_a_workbook_and_in_gb18030_are_read_too(procedure: law.Procedure) -> None:
    rows = (
        ("2025年度重大行政决策事项目录", "", "", "", ""),
        ("序号", "决策事项名称", "承办单位", "类别", "履行程序"),
        ("1", "河湖岸线保护与利用规划", "县水务局", "重要规划", "公众参与、合法性审查"),
        ("", "", "", "", ""),
        ("2", "供水价格调整", "县发改委", "其他", ""),
    )
    for name, data in (
        ("a.xlsx", cells(*rows)),
        ("a.csv", "\n".join(",".join(row) for row in rows).encode("gb18030")),
    ):
        report = catalogues.read(name, data, procedure)
        assert not report.problems
        assert [(row.line, row.values["class"]) for row in report.rows] == [(3, "plan"), (5, "other")]
        assert report.rows[0].values["ordered"] == ["participation", "legal"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.xlsx", b"no workbook"),
        ("a.csv", b"\xff\xfe\xfa\xff\x80"),
        ("a.csv", "甲,乙\n1,2\n".encode()),
        ("a.csv", b""),
        ("a.csv", b'title\n"open'),
    ],
)
def test_what_is_no_table_is_refused(procedure: law.Procedure, name: str, data: bytes) -> None:
    with pytest.raises(BadInput):
        catalogues.read(name, data, procedure)


def test_rows_of_others_only_are_no_catalogue(procedure: law.Procedure) -> None:
    report = catalogues.read(REAL.name, REAL.read_bytes(), procedure, of="别的区人民政府")
    assert not report.rows and report.others == 9 and report.problems[0].place == "rows"


# ---- reading it back ---------------------------------------------------------------------------------------


def published(store: Store) -> Office:
    """A catalogue of 2021 with three items of a real one, published, with one added in the year."""
    work = office(store, BOOK)
    report = catalogues.read(
        REAL.name, REAL.read_bytes(), work.stage.procedures[0], of="济南市市中区人民政府", year=2021
    )
    work.now = datetime(2021, 1, 6, 1, tzinfo=UTC)
    work.do("office", "open_year", title="2021年度重大行政决策事项目录", year="2021")
    work.do("chief", "decide_to_compile", propose_until="2021-01-31")
    assert isinstance(work.do("office", "draft_catalogue", items=list(catalogues.items(report))), steps.Done)
    work.do("office", "ask_consent", document_no="市中政〔2021〕1号")
    work.do(
        "office",
        "record_consent",
        document_no="区委〔2021〕2号",
        consented_on="2021-01-06",
        papers=("consent_document",),
    )
    work.now = datetime(2021, 2, 1, 1, tzinfo=UTC)
    work.do("office", "publish", document_no="市中政发〔2021〕3号", channel="网站", papers=("published_catalogue",))
    work.do("office", "propose_adjustment", changes=[
        {"kind": "add", "title": "供水价格调整", "unit": "区发改局", "planned": "2022", "reason": "监审完成"},
        {"kind": "remove", "title": "兴隆公园", "reason": "上级统一实施"},
    ])  # fmt: skip
    work.do("office", "ask_adjustment_consent", document_no="市中政〔2021〕7号")
    work.do("office", "agree_adjustment", document_no="区委〔2021〕9号", papers=("adjustment_consent",))
    return work


def test_items_carry_their_adjustment_only_once_it_is_published(store: Store) -> None:
    work = published(store)
    with store.read() as connection:
        (before,) = catalogue.catalogues(stored.cases(connection, work.authority), work.now)
    assert (before.year, before.published_on, before.consent, before.adjusted) == (
        2021, date(2021, 2, 1), "区委〔2021〕2号", 0)  # fmt: skip
    assert [one.title for one in before.items] == ["新型综合垃圾处理中心", "兴隆公园", "2021年老旧小区改造"]
    work.do(
        "office",
        "publish_adjustment",
        document_no="市中政发〔2021〕9号",
        channel="网站",
        papers=("published_adjustment",),
    )
    with store.read() as connection:
        (after,) = catalogue.catalogues(stored.cases(connection, work.authority), work.now)
    assert after.adjusted == 2
    assert [(one.title, one.state) for one in after.items] == [
        ("新型综合垃圾处理中心", "not_started"), ("兴隆公园", "removed"), ("2021年老旧小区改造", "not_started"),
        ("供水价格调整", "not_started")]  # fmt: skip
    assert after.items[1].reason == "上级统一实施" and after.items[3].changed == "2021-02-01 增列"


def test_an_item_past_its_month_is_late_until_its_case_is_decided(store: Store) -> None:
    work = published(store)
    system = rehearsals.system_actor(work.authority.id)
    major = procedures.find("cn-major-decision@2019.1")
    store.write(lambda tx: procedures.publish(tx, work.authority, major, system, work.now))
    later = datetime(2022, 1, 10, 1, tzinfo=UTC)
    with store.read() as connection:
        (found,) = catalogue.catalogues(stored.cases(connection, work.authority), later)
    waste = found.items[0]
    assert (waste.late, waste.age, waste.state) == (10, 343, "not_started")
    propose = major.action("propose")
    assert propose is not None
    raw = {
        spec.id: next(iter(spec.choices), "no" if spec.type == "flag" else "说明情况")
        for spec in propose.fields
        if spec.required
    }
    raw |= {"title": "新型综合垃圾处理中心", "class": "construction", "catalogue_item": "新型综合垃圾处理中心"}
    papers = tuple(work.paper(one.kind) for one in propose.materials)
    work.no = ""
    ask = steps.Ask("propose", "k", raw=raw, procedure="cn-major-decision", papers=papers)
    registrar = work.stage.actors["office"]
    done = store.write(lambda tx: steps.take_step(tx, work.authority, registrar, ask, work.now))
    assert isinstance(done, steps.Done), done
    with store.read() as connection:
        (found,) = catalogue.catalogues(stored.cases(connection, work.authority), later)
    waste = found.items[0]
    assert (waste.state, [case.no for case in waste.cases], waste.late) == ("going", [done.no], 10)


# ---- precedents --------------------------------------------------------------------------------------------


def test_a_recorded_no_is_found_by_words_and_class(store: Store) -> None:
    work = office(store, QUESTION)
    work.do("lead", "ask", title="老旧小区停车位改造", **{"class": "construction"}, facts="六百户，八百万元")
    work.do("legal", "advise", opinion="not_major", reason="低于本地标准")
    work.do("chief", "judge_not_major", ground="small", in_catalogue="no", reason="影响限于三个小区")
    legal = work.stage.actors["legal"]
    with store.read() as connection:
        seen = stored.visible(connection, work.authority, legal)
        assert stored.visible(connection, work.authority, work.stage.actors["expert"]) == ()

    def ask(**given: str) -> list[str]:
        return [one.no for one in precedents.precedents(seen, **given)]

    (found,) = precedents.precedents(seen)
    assert (found.major, found.ground, found.reason) == (False, "影响达不到重大的程度", "影响限于三个小区")
    assert ask(words="停车位") == ask(words="三个小区") == ask(klass="construction") == [work.no]
    assert ask(words="公园") == ask(klass="plan") == []
