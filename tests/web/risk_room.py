"""A case under the national procedure with a draft, for the tests of its desks: risks, departments, execution, dossier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from decisionflow.store.engine import Store
from tests.web.desk import Desk, desk
from tests.web.hearing_room import NATIONAL, on, replays

__all__ = ["ASSESSOR", "drafted", "on", "page", "post", "replays", "report"]
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
