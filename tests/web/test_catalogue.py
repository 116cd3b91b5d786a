"""The catalogue, the precedents and what is overdue, as somebody inside sees them; people from outside see no lists."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from decisionflow.service import procedures, publications, steps
from decisionflow.store.engine import Store
from tests.core.play import WORKFLOWS
from tests.web.desk import Desk, desk
from tests.web.formreader import opened

BOOK = WORKFLOWS / "decision-catalogue" / "2019.1.yaml"
ITEM = {"title": "河湖岸线保护与利用规划", "unit": "县水务局", "class": "plan", "planned": "2025-01",
        "ordered": ["participation"]}  # fmt: skip
PUBLISHED = (
    ("office", "ask_consent", {"document_no": "县政〔2025〕1号"}),
    (
        "office",
        "record_consent",
        {"document_no": "县委〔2025〕2号", "consented_on": "2025-01-06", "papers": ("consent_document",)},
    ),
    ("office", "publish", {"document_no": "县政发〔2025〕3号", "channel": "网站", "papers": ("published_catalogue",)}),
)
QUESTION = WORKFLOWS / "scope-question" / "2019.1.yaml"


@pytest.fixture
def book(store: Store, tmp_path: Path) -> Desk:
    found = desk(store, tmp_path, procedure=BOOK)
    work = found.work
    work.now = datetime(2025, 1, 6, 1, tzinfo=UTC)
    work.do("office", "open_year", title="2025年度重大行政决策事项目录", year="2025")
    work.do("chief", "decide_to_compile", propose_until="2025-02-10")
    work.do("office", "draft_catalogue", items=[ITEM])
    return found


def test_the_year_s_items_are_shown_with_state_consent_and_delay(book: Desk) -> None:
    page = book.get("office", "/catalogue")
    assert "河湖岸线保护与利用规划" in page and "公众参与" in page and "尚未启动" in page
    assert "尚未公布，以下各项还不是正式目录" in page and "尚未登记" in page
    book.work.now = datetime(2025, 2, 10, 1, tzinfo=UTC)
    book.clients.clear()  # nobody stays signed in for a month
    assert "过了计划时间 10 日" in book.get("office", "/catalogue?year=2025")


def test_a_case_is_started_from_an_item_of_the_published_catalogue(book: Desk) -> None:
    work = book.work
    assert "/cases/new?item=" not in book.get("office", "/catalogue")  # a draft starts nothing
    book.get("office", "/cases/new?item=2025-1", 404)
    for who, action, given in PUBLISHED:
        done = work.do(who, action, **given)
        assert isinstance(done, steps.Done), done
    book.clients.clear()
    assert "/cases/new?item=2025-1" in book.get("office", "/catalogue?year=2025")
    book.get("office", "/cases/new?item=2025-9", 404)
    book.get("office", "/cases/new?item=x", 404)


def test_the_form_for_an_item_has_its_title_and_number(store: Store, tmp_path: Path) -> None:
    """Under the national procedure the opening form asks for the item; the link has answered that."""
    found = desk(store, tmp_path, procedure=WORKFLOWS / "cn-major-decision" / "2024.1.yaml")
    work = found.work
    other = found.site.store.write
    legal, chief, book = work.stage.actors["legal"], work.stage.actors["office"], procedures.find("decision-catalogue")
    work.now = datetime(2025, 1, 6, 1, tzinfo=UTC)
    proposal = other(
        lambda tx: publications.propose_procedure(tx, work.authority, book, "启用年度目录", legal, work.now)
    )
    other(lambda tx: publications.publish(tx, work.authority, proposal, chief, work.now))
    opening = steps.Ask("open_year", "year", "", {"title": "2025年度目录", "year": "2025"}, procedure=book.id)
    work.submit("office", opening)
    work.do("chief", "decide_to_compile", propose_until="2025-02-10")
    work.do("office", "draft_catalogue", items=[ITEM])
    for who, action, given in PUBLISHED:
        work.do(who, action, **given)
    sheet = opened(found, "proposer", "/cases/new?procedure=cn-major-decision&item=2025-1")
    assert (sheet.value("title"), sheet.value("catalogue_item")) == ("河湖岸线保护与利用规划", "2025-1")


def test_the_year_is_exported_for_a_spreadsheet(book: Desk) -> None:
    answer = book.client("office").get("/catalogue.csv?year=2025")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/csv")
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("序号,事项名称") and "河湖岸线保护与利用规划,县水务局" in lines[1]


def test_a_year_without_a_catalogue_is_not_found_and_a_bad_year_is_refused(book: Desk) -> None:
    book.get("office", "/catalogue?year=1999", 404)
    book.get("office", "/catalogue.csv?year=1999", 404)
    book.get("office", "/catalogue.csv", 422)
    book.get("office", "/catalogue?year=x", 422)


def test_administrators_have_no_lists(store: Store, tmp_path: Path) -> None:
    keeper = {"post": ["system_admin"], "unit": "信息中心", "name": "杜若", "title": "系统管理员"}
    found = desk(store, tmp_path, procedure=BOOK, keeper=keeper)
    assert found.work.stage.actors["keeper"].duties == ("system_admin",)
    for path in ("/catalogue", "/catalogue.csv?year=2025", "/precedents", "/overdue"):
        found.get("keeper", path, 404)


def test_somebody_who_may_opens_a_year_and_others_are_not_offered_it(store: Store, tmp_path: Path) -> None:
    found = desk(store, tmp_path, procedure=BOOK)
    assert "开展年度目录编制" in found.get("office", "/catalogue")
    assert "还没有公布过目录" in found.get("chief", "/catalogue")


def test_an_earlier_no_is_found_with_its_ground(store: Store, tmp_path: Path) -> None:
    found = desk(store, tmp_path, procedure=QUESTION)
    work = found.work
    work.do("lead", "ask", title="老旧小区停车位改造", **{"class": "construction"}, facts="六百户，八百万元")
    work.do("legal", "advise", opinion="not_major", reason="低于本地标准")
    work.do("chief", "judge_not_major", ground="small", in_catalogue="no", reason="影响限于三个小区")
    page = found.get("legal", "/precedents?q=停车位")
    assert "影响达不到重大的程度" in page and "不属于" in page and work.no in page
    assert "没有符合条件的先例" in found.get("legal", "/precedents?klass=plan")
    assert "提出一个问题" in found.get("lead", "/precedents")
    assert "提出一个问题" not in found.get("legal", "/precedents")


def test_what_is_overdue_names_whose_turn_it_is(store: Store, tmp_path: Path) -> None:
    found = desk(store, tmp_path)
    work = found.work
    work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3")
    work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    work.do("lead", "open_survey", ends_on="2024-04-10", papers=("photo",))
    work.now = datetime(2024, 4, 11, 1, tzinfo=UTC)
    work.do("lead", "close_survey")
    work.do("chief", "decide")
    assert "没有到期未办的事项" in found.get("lead", "/overdue")
    work.now = datetime(2024, 6, 3, 1, tzinfo=UTC)
    found.clients.clear()
    page = found.get("lead", "/overdue")
    assert work.no in page and "归档期限已逾期" in page and "养护单位" in page
    people = found.get("lead", f"/cases/{work.no}/people")
    assert "在谁手里停了多久" in people and "期限账" in people
