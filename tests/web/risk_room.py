"""A case under the national procedure with a draft, for the tests of its desks: risks, departments, execution, dossier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from decisionflow.service import steps
from decisionflow.store.engine import Store
from tests.web.desk import Desk, desk
from tests.web.hearing_room import NATIONAL, on, replays

__all__ = ["ASSESSOR", "drafted", "executing", "issued", "on", "page", "post", "replays", "report"]
NEWER = Path("cn-major-decision@2024.1")
ASSESSOR = "区委政法委"
PEOPLE: dict[str, Any] = {
    "assessor": {"unit": ASSESSOR, "name": "秦若谷", "title": "评估科科长"},
    "consulted": {"unit": "区财政局", "name": "吴越", "title": "预算科科长"},
    "executor": {"unit": "区住建局", "name": "韩青", "title": "项目科科长"},
}


def drafted(store: Store, tmp_path: Path, **people: Any) -> Desk:
    """A case whose draft is there: a road, with risks to be assessed."""
    made = desk(store, tmp_path, procedure=NATIONAL, **{**PEOPLE, **people})
    work = made.work
    work.do(
        "proposer", "propose", title="解放路改造方案", source="department", problem="道路破损", basis="群众反映",
        solution="改造", necessity="必要", feasibility="可行", judgement="沿线有征收", **{"class": "construction"},
        technical="no", stability_risk="yes", vital_interest="no", specific_group="no", market_effect="no", public="yes",
    )  # fmt: skip
    work.do("chief", "start", reason="依法推进", units=[{"unit": "承办单位", "leading": "yes"}])
    work.do(
        "lead", "save_draft", change_kind="first", change_note="首次拟稿", papers=("drafting_note", "draft"),
        bases=[{"title": "中华人民共和国城乡规划法", "valid_from": "2008-01-01"}],
    )  # fmt: skip
    return made


def page(found: Desk, rest: str) -> str:
    return f"/cases/{found.work.no}/{rest}"


def post(found: Desk, path: str, who: str, **values: Any) -> Any:
    """Press a button on a desk."""
    token = found.csrf(who, "/logout")
    return found.client(who).post(page(found, path), data={**values, "csrf": token})


def report(found: Desk, **changes: Any) -> Any:
    """The risk report as the assessor hands it in by hand."""
    given: dict[str, Any] = {
        "methods": ["visit", "joint"], "heard": [{"unit": "区信访局", "opinion": "注意征收补偿"}],
        "risks": [{"point": "征收补偿争议", "probability": "4", "impact": "4", "measure": "先补偿后施工", "unit": "区住建局",
                   "plan": "专班调处", "probability_after": "2", "impact_after": "3", "source": "走访三十户"}],
        "prevention": "先补偿后施工", "response_plan": "专班调处", "conclusion": "controllable", **changes,
    }  # fmt: skip
    return found.work.do("assessor", "report_risk", papers=("risk_report",), **given)


def issued(store: Store, tmp_path: Path, *, assessed: bool = False, **people: Any) -> Desk:
    """A decision that was published on 16 May 2025; with `assessed`, its risks were assessed on the way."""
    made = desk(store, tmp_path, procedure=NEWER, **{**PEOPLE, **people})
    work = made.work

    def do(day: tuple[int, int, int], who: str, action: str, **given: Any) -> None:
        on(made, *day)
        found = work.do(who, action, **given)
        assert isinstance(found, steps.Done), (action, found)

    risky = "yes" if assessed else "no"
    do((2025, 3, 3), "proposer", "propose", title="既有住宅加装电梯工作实施方案", source="department", problem="上下楼困难",
       basis="群众反映", solution="补助", necessity="必要", feasibility="可行", judgement="逐项判断", technical="no",
       stability_risk=risky, vital_interest="no", specific_group="no", market_effect="no", public="yes",
       **{"class": "public_service"})  # fmt: skip
    do((2025, 3, 5), "chief", "start", reason="条件具备", units=[{"unit": "承办单位", "leading": "yes"}])
    on(made, 2025, 3, 10)
    draft = steps.DraftText("实施方案", ("第一条 适用于四层以上住宅。", "第二条 定额补助。"))
    raw = {
        "change_kind": "first",
        "change_note": "首次拟稿",
        "bases": [{"title": "中华人民共和国民法典", "valid_from": "2021-01-01"}],
    }
    papers = (work.paper("drafting_note"),)
    assert isinstance(work.submit("lead", steps.Ask("save_draft", "draft", work.no, raw, papers, draft)), steps.Done)
    do((2025, 3, 11), "lead", "waive_departments", reason="只涉及本部门职责", judged_by="陈予安")
    do((2025, 3, 12), "lead", "publish_notice", ends_on="2025-04-11", how_to_comment="网上",
       channels=[{"channel": "website", "address": "区政府网站"}])  # fmt: skip
    if assessed:
        do((2025, 3, 13), "lead", "start_risk", assessor_unit=ASSESSOR, commissioned="yes")
        on(made, 2025, 3, 20)
        assert isinstance(report(made), steps.Done)
        do((2025, 3, 21), "chief", "find_controllable", reason="可控")
    do((2025, 4, 14), "lead", "close_notice")
    do((2025, 4, 16), "lead", "answer_opinions", received="0", summary="没有意见。", papers=("opinion_summary",))
    do((2025, 4, 17), "lead", "request_legal_review", wanted_by="2025-04-29", papers=("procedure_statement",))
    do((2025, 4, 18), "legal", "accept_packet")
    do((2025, 4, 21), "legal", "hear_advisers", adviser="姚明澈", capacity="adviser", opinion="均可", position="lawful",
       adopted="adopted")  # fmt: skip
    do((2025, 4, 25), "legal", "conclude_legal_review", authority="ok", authority_reason="法定职权", procedure="ok",
       procedure_reason="已经履行", content="ok", content_reason="没有抵触", conclusion="lawful", reviewer="罗敬之",
       papers=("legal_opinion",))  # fmt: skip
    do((2025, 4, 28), "lead", "submit_to_meeting", statement="材料真实、完整")
    do((2025, 4, 29), "office", "schedule", meeting_type="standing", meeting_no="第31次", planned_on="2025-05-08")
    roll = [("江亦川", "chief"), ("沈若谷", "deputy"), ("何清越", "deputy")]
    do((2025, 5, 8), "office", "convene", meeting_type="standing", meeting_no="第31次", chair="江亦川", chair_is="chief",
       roll=[{"name": name, "role": role, "presence": "present"} for name, role in roll])  # fmt: skip
    said = [
        ("陈予安", "reporter", "none"),
        ("沈若谷", "member", "agree"),
        ("何清越", "member", "agree"),
        ("江亦川", "chief", "agree"),
    ]
    for speaker, role, position in said:
        found = work.do("office", "record_statement", speaker=speaker, role=role, position=position, words="意见。")
        assert isinstance(found, steps.Done), found
    assert isinstance(work.do("chief", "decide_approve", decision="通过该方案", papers=("minutes",)), steps.Done)
    do(
        (2025, 5, 9),
        "office",
        "report_to_party",
        form="request",
        document_no="示例政请〔2025〕9号",
        sent_on="2025-05-09",
    )
    do((2025, 5, 14), "office", "party_agrees", reply="agreed", replied_on="2025-05-13")
    do((2025, 5, 16), "office", "publish", document_no="示例政发〔2025〕9号", signed_by="江亦川", papers=("decision_document",),
       channels=[{"channel": "gazette", "address": "第5期"}, {"channel": "website", "address": "区政府网站"},
                 {"channel": "newspaper", "address": "云河日报"}])  # fmt: skip
    return made


def executing(store: Store, tmp_path: Path, **more: Any) -> Desk:
    """The same decision being carried out by 区住建局 since 19 May 2025."""
    made = issued(store, tmp_path, **more)
    on(made, 2025, 5, 19)
    given = [
        {"unit": "区住建局", "leading": "yes", "task": "完成三十部", "due_on": "2025-09-30"},
        {"unit": "区财政局", "task": "拨付补助", "due_on": "2025-08-06"},
    ]
    found = made.work.do("chief", "appoint_executor", units=given, goals="三十部")
    assert isinstance(found, steps.Done), found
    return made
