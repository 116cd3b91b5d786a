"""Assessing risks: a shared working sheet with its matrix, the report that it fills in, the body's finding, what is accepted."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from sqlalchemy import text

from decisionflow.service import steps
from decisionflow.store.engine import Store
from tests.web import risk_room as room
from tests.web.desk import Desk
from tests.web.formreader import opened, read
from tests.web.risk_room import ASSESSOR, on, page, post, report


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    made = room.drafted(store, tmp_path)
    made.work.do("lead", "start_risk", assessor_unit=ASSESSOR, commissioned="no")
    return made


def lines(found: Desk) -> list[Any]:
    with found.site.store.read() as connection:
        return list(connection.execute(text("select * from risk_line order by n")))


def changed(found: Desk, line: Any, who: str = "assessor", **values: str) -> Any:
    given = {name: getattr(line, name) for name in ("point", "source", "kind", "probability", "impact", "measure", "unit",
             "owner", "plan", "probability_after", "impact_after")}  # fmt: skip
    return post(found, f"risk/points/{line.id}", who, **{**given, "version": str(line.version), **values})


def filled(found: Desk) -> None:
    """Two points on the sheet, one of them measured."""
    for point in ("征收补偿争议", "施工扰民"):
        assert post(found, "risk/points", "assessor", point=point).status_code == 303
    first = lines(found)[0]
    assert changed(found, first, probability="4", impact="4", measure="先补偿后施工", unit="区住建局", owner="韩青",
                   plan="专班调处",
                   source="走访三十户", probability_after="2", impact_after="2", kind="stability").status_code == 303  # fmt: skip


def test_the_sheet_fills_in_the_report_with_its_levels(found: Desk) -> None:
    filled(found)
    html = found.get("assessor", page(found, "risk"))
    assert "<svg" in html and "■ 高（4×4=16）" in html and "○ 低（2×2=4）" in html
    assert "风险点 2 没有写明防范措施" in html and "没有评定" in html
    go = post(found, "risk/report", "assessor")
    assert go.status_code == 303 and "account=" in go.headers["location"]
    sheet = opened(found, "assessor", go.headers["location"])
    told = dict(sheet.pairs)
    assert (
        told["risks.0.point"] == "征收补偿争议"
        and told["risks.0.level_after"] == "low"
        and told["risks.1.point"] == "施工扰民"
    )
    sheet.put({"methods": ["visit"], "heard.0.unit": "区信访局", "heard.0.opinion": "注意补偿", "prevention": "先补偿",
               "response_plan": "专班", "conclusion": "controllable"})  # fmt: skip
    checked = sheet.press(found.client("assessor"), "check")
    assert checked.status_code == 200 and "有风险点没有写明防范措施" in checked.text, checked.text[:2000]
    form = read(checked.text)
    done = form.put({name: "yes" for name in form.names if name.startswith("act.confirm")}).press(
        found.client("assessor")
    )
    assert done.status_code == 303
    act = found.work.facts().acts[-1]
    assert [row["probability"] for row in act.fields["risks"] if "probability" in row] == ["4"] and room.replays(found)
    words = Document(io.BytesIO(found.site.store.blobs.get(act.papers[0].sha256)))
    assert words.tables[0].rows[1].cells[1].text == "征收补偿争议"


def test_a_report_without_any_measure_is_refused_with_its_article(found: Desk) -> None:
    held = report(found, prevention=None, risks=[{"point": "扰民", "probability": "2", "impact": "2"}])
    assert isinstance(held, steps.Held) and held.refused.rules == {"D713-41"}
    assert [one.code for one in held.refused.blocking] == ["risk_prevention_given"]
    assert all(one.say and one.cites for one in held.refused.blocking)


def test_a_colleague_of_the_lead_unit_may_and_what_both_save_is_not_lost(found: Desk) -> None:
    filled(found)
    old = lines(found)[1]
    assert changed(found, old, "lead", measure="夜间不施工").status_code == 303
    stale = changed(found, old, measure="错峰施工")
    assert stale.status_code == 412 and "刚刚改过" in stale.text and "错峰施工" in stale.text
    assert lines(found)[1].measure == "夜间不施工"


def test_the_wrong_post_reads_the_rounds_but_not_the_sheet(found: Desk) -> None:
    filled(found)
    html = found.get("chief", page(found, "risk"))
    assert "征收补偿争议" not in html and "工作底稿" not in html
    assert post(found, "risk/points", "chief", point="别的").status_code == 403 and len(lines(found)) == 2
    assert found.client("chief").get(page(found, f"risk/points/{lines(found)[0].id}")).status_code == 403
    assert "没有编号" in found.get("expert", page(found, "risk"), 404)


def test_a_stranger_gets_nowhere(found: Desk) -> None:
    assert found.client("").get(page(found, "risk")).status_code == 303
    assert found.client("").post(page(found, "risk/points"), data={"point": "甲"}).status_code in (303, 403)


def test_bad_input_comes_back_with_every_word(found: Desk) -> None:
    filled(found)
    bad = changed(found, lines(found)[0], probability="9", point="", plan="处置\u202e预案")
    assert bad.status_code == 422 and "概率只能是" in bad.text and "请写明风险点" in bad.text and "控制字符" in bad.text
    twice = post(found, "risk/points", "assessor", point="施工扰民")
    assert twice.status_code == 422 and "已有“施工扰民”" in twice.text and len(lines(found)) == 2


def test_common_points_are_proposed_once_and_may_be_struck_out(found: Desk) -> None:
    assert "列出这类事项常见的风险点" in found.get("assessor", page(found, "risk"))
    assert post(found, "risk/start", "assessor").status_code == 303
    many = lines(found)
    assert "征地拆迁补偿争议" in {one.point for one in many}
    assert post(found, "risk/start", "assessor").status_code == 422 and len(lines(found)) == len(many)
    assert post(found, f"risk/points/{many[0].id}", "assessor", do="drop").status_code == 303
    assert len(lines(found)) == len(many) - 1
    assert post(found, f"risk/points/{many[0].id}", "assessor", do="drop").status_code == 404


def test_what_cannot_be_controlled_is_assessed_again_and_both_rounds_stand_side_by_side(found: Desk) -> None:
    report(found, conclusion="uncontrollable")
    html = found.get("chief", page(found, "risk"))
    assert "决策机关还没有认定" in html and "认定风险不可控" in html
    found.work.do("chief", "find_uncontrollable", reason="措施不足", measures="缩小征收范围")
    found.work.do("lead", "reassess_risk", measures="征收减半")
    html = found.get("lead", page(found, "risk"))
    assert "决策机关认定：风险不可控" in html and "征收减半" in html and "抄入上一轮报告的风险点" in html
    assert post(found, "risk/start", "lead").status_code == 303
    copied = lines(found)[0]
    assert (copied.point, copied.source, copied.unit) == ("征收补偿争议", "走访三十户", "区住建局")
    report(found, risks=[{"point": "征收补偿争议", "probability": "2", "impact": "2", "measure": "减半"}])
    found.work.do("chief", "find_controllable", reason="可控")
    found.clients.clear()
    html = found.get("lead", page(found, "risk"))
    assert "各次评估对照" in html and re.search(r"■ 高（4×4=16） → △ 中（2×3=6）.*?○ 低（2×2=4）", html, re.S)


def test_an_earlier_assessment_is_referenced_and_not_repeated(store: Store, tmp_path: Path) -> None:
    found = room.drafted(store, tmp_path)
    found.work.do("lead", "link_assessment", title="环境影响评价报告书", assessor_unit="示例研究院", made_on="2024-01-10",
                  covers="噪声和扬尘可控", papers=("risk_report",))  # fmt: skip
    html = found.get("lead", page(found, "risk"))
    assert "引用已有评估" in html and "环境影响评价报告书" in html and "不作重复评估" in html


def test_a_remaining_risk_is_accepted_by_name_until_a_day_and_reminds(found: Desk) -> None:
    report(found)
    found.work.do("chief", "find_controllable", reason="可控")
    given = {"points": "补偿争议仍为中", "accepted_by": "江亦川", "reason": "收益大于风险"}
    with pytest.raises(Exception, match="until"):
        found.work.do("chief", "accept_risk", **given)
    assert isinstance(found.work.do("lead", "accept_risk", **given, until="2024-06-30"), steps.Held)
    assert isinstance(found.work.do("chief", "accept_risk", **given, until="2024-06-30"), steps.Done)
    html = found.get("chief", page(found, "risk"))
    assert "补偿争议仍为中" in html and "2024-06-30" in html and "正常" in html
    assert "重新评估或者重新接受剩余风险" in found.get("chief", f"/cases/{found.work.no}")
    on(found, 2024, 7, 3)
    assert "已过 3 日" in found.get("chief", page(found, "risk")) and room.replays(found)
