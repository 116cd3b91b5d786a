"""P6: one page for a decision from the catalogue to the evaluation, and the catalogue that leads to it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from decisionflow import paths
from decisionflow.core import procedure as law
from decisionflow.service import procedures, rehearsals, shipped
from decisionflow.service.reads import public_case
from decisionflow.store.engine import Store
from tests.web.square import Square, square

CATALOGUE = paths.WORKFLOWS / "decision-catalogue" / "2019.1.yaml"


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Square:
    made = square(store, tmp_path)
    made.notice("既有住宅加装电梯方案")
    return made


def way(html: str) -> dict[str, str]:
    """The milestones and how far each is."""
    items = re.findall(r"<li><div class=\"border-top[^>]*>(.*?)</div></li>", html, re.DOTALL)
    return {text[0]: text[-1] for one in items if (text := re.sub(r"<[^>]+>", "\n", one).strip().split("\n"))}


def test_the_way_is_shown_from_the_draft_to_the_evaluation(found: Square) -> None:
    seen = way(found.get("/public/case/YH-2024-001"))
    expected = "草案拟订 公众参与 听证会 专家论证 风险评估 合法性审查 已决定 已公布 执行 决策后评估 已办结"
    assert list(seen) == expected.split()
    assert seen["草案拟订"] == "正在进行" and seen["公众参与"] == "正在进行" and seen["已决定"] == "还没有开始"


def test_not_begun_not_needed_and_not_public_are_told_apart(found: Square) -> None:
    found.work.do("lead", "waive_experts", reason="不涉及专业问题", judged_by="陈予安")
    html = found.get("/public/case/YH-2024-001")
    seen = way(html)
    assert seen["专家论证"] == "不需要" and seen["风险评估"] == "还没有开始"
    assert "征求部门意见" not in seen and "按规定不对社会公开办理过程" in html and "征求部门意见、公平竞争审查" in html


def test_public_papers_stand_under_their_part_of_the_way(found: Square) -> None:
    html = found.get("/public/case/YH-2024-001")
    part = html[html.index('id="participation"') :]
    assert "发布公开征求意见公告" in part and "/public/files/YH-2024-001/" in part
    assert 'href="#participation">公众参与</a>' in html and 'href="/public/c/YH-2024-001"' in html


def test_a_matter_that_was_given_up_says_that_nothing_more_will_come(found: Square) -> None:
    found.work.do("lead", "recall_notice", reason="草案有误")
    found.work.do("chief", "withdraw", reason="情况变化")
    seen = way(found.get("/public/case/YH-2024-001"))
    assert seen["已决定"] == "已撤回" and seen["执行"] == "事项已终止，不再进行"


@pytest.mark.parametrize("path", shipped.procedure_files(), ids=lambda path: f"{path.parent.name}@{path.stem}")
def test_every_procedure_has_a_way_and_every_public_line_a_place_on_it(path: Path) -> None:
    procedure: law.Procedure = procedures.read(path)
    main = next(iter(procedure.goal))
    stretches = public_case.stretches(procedure, main)
    ends = {stretch[-1] for stretch in stretches}
    assert set(procedure.goal[main]) & {stage for stretch in stretches for stage in stretch}
    assert {one.under for one in procedure.tracks.values() if one.public and one.under} <= ends


def test_what_is_not_public_has_no_page(store: Store, tmp_path: Path) -> None:
    made = square(store, tmp_path)
    made.matter("不公开的事项", public="no")
    hidden, nothing = made.get("/public/case/YH-2024-001", 404), made.get("/public/case/YH-2024-009", 404)
    assert hidden.replace("YH-2024-001", "N") == nothing.replace("YH-2024-009", "N") and "不公开的事项" not in hidden


# ---- the catalogue


def publish_catalogue(found: Square, *items: str) -> None:
    """A year's catalogue, agreed to by the party committee and published."""
    work = found.work
    system = rehearsals.system_actor(work.authority.id)
    work.store.write(lambda tx: procedures.publish(tx, work.authority, procedures.read(CATALOGUE), system, work.now))
    work.no = ""
    ask = work.ask("open_year", title="2024年度重大行政决策事项目录", year="2024")
    work.now += timedelta(hours=1)
    work.submit("office", replace(ask, procedure="decision-catalogue"))
    work.do("chief", "decide_to_compile", propose_until="2024-03-20")
    rows = [{"no": str(n), "title": title, "unit": "承办单位", "class": "public_service", "ordered": ["participation"],
             "planned": "2024-12"} for n, title in enumerate(items, 1)]  # fmt: skip
    work.do("office", "draft_catalogue", papers=("draft_catalogue",), items=rows)
    work.do("office", "ask_consent", document_no="政请1号")
    work.do("office", "record_consent", papers=("consent_document",), document_no="委复1号", consented_on="2024-03-01")
    work.do("office", "publish", papers=("published_catalogue",), document_no="政办1号", channel="区政府网站")


def test_a_matter_and_its_place_in_the_catalogue_lead_to_each_other(found: Square) -> None:
    publish_catalogue(found, "停车收费管理办法", "不公开的事项")
    found.notice("停车收费管理办法", judged={"catalogue_item": "停车收费管理办法"})
    no = found.work.no
    found.matter("不公开的事项", public="no", catalogue_item="不公开的事项")
    html = found.get("/public/catalogue/2024")
    assert f'<a href="/public/case/{no}">停车收费管理办法</a>' in html and "正在办理" in html
    assert "还没有公开信息" in html and html.count("/public/case/") == 1
    assert found.get("/public/catalogue") == html
    life = found.get(f"/public/case/{no}")
    assert way(life)["列入年度目录"] == "2024年度" and '/public/catalogue/2024"' in life


def test_before_a_catalogue_is_published_there_is_none(found: Square) -> None:
    assert "还没有公布过目录" in found.get("/public/catalogue")
    found.get("/public/catalogue/2024", 404)
    found.work.now += timedelta(days=1)
    assert found.desk.client("").get("/public/catalogue/last").status_code == 422
