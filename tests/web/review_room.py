"""A case sent for legal review under the national procedure, for the tests of the desk, of advisers and of the chain."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from decisionflow.core.facts import SHANGHAI
from decisionflow.service import replay, steps
from decisionflow.store.engine import Store
from tests.web.desk import Desk, desk

NATIONAL = Path("cn-major-decision@2019.1")
DRAFT = (
    "第一条　本方案适用于本区四层以上未设电梯的既有住宅。",
    "第二条　对注册地在本区的电梯企业给予奖补。",
    "第三条　未按期完成的，处五千元罚款。",
    "第四条　自印发之日起施行。",
)
BASES = [{"title": "中华人民共和国民法典", "valid_from": "2021-01-01"}]
MATTER: dict[str, Any] = {
    "class": "public_service", "technical": "no", "stability_risk": "no", "vital_interest": "no", "specific_group": "no",
    "market_effect": "yes", "public": "yes",
}  # fmt: skip
ADVICE = {"adviser": "姚明澈", "capacity": "adviser", "licence": "14101202010000001", "interest": "no",
          "question": "第三条能不能设定罚款？", "paragraphs": "第3段", "opinion": "第三条设定罚款没有上位法依据，应当删去。",
          "position": "change"}  # fmt: skip


def room(store: Store, tmp_path: Path, *, sent: bool = True, market: bool = True, **people: Any) -> Desk:
    """A case whose public was heard; with `sent`, sent for review on 17 April 2024 and wanted by the 29th.

    Without `market` it touches no business, and needs no fair competition review.
    """
    reviewers = {"second": {"post": "legal", "unit": "合法性审查部门", "name": "顾清"}}
    made = desk(store, tmp_path, procedure=NATIONAL, **{**reviewers, **people})
    work = made.work
    work.do(
        "proposer", "propose", title="既有住宅加装电梯工作实施方案", source="department", problem="上下楼困难", basis="居民反映",
        solution="政府补助、业主出资", necessity="必要", feasibility="可行", judgement="逐项判断",
        **MATTER | {"market_effect": "yes" if market else "no"},
    )  # fmt: skip
    work.do("chief", "start", reason="群众呼声高", units=[{"unit": "承办单位", "leading": "yes"}])
    draft(made, "first", DRAFT)
    work.do("lead", "waive_departments", reason="只涉及本部门职责", judged_by="陈予安")
    work.do(
        "lead", "publish_notice", ends_on="2024-04-01", how_to_comment="网上、信函均可",
        channels=[{"channel": "website", "address": "区政府网站"}],
    )  # fmt: skip
    on(made, 2024, 4, 2)
    work.do("lead", "close_notice")
    work.do("lead", "answer_opinions", received="0", summary="没有收到意见。", papers=("opinion_summary",))
    on(made, 2024, 4, 17)
    if sent:
        send(made)
    return made


def draft(found: Desk, kind: str, paragraphs: tuple[str, ...]) -> Any:
    """A version of the draft by the lead unit."""
    work = found.work
    work.now += timedelta(minutes=1)
    text_ = steps.DraftText("既有住宅加装电梯工作实施方案", paragraphs)
    work.keys += 1
    raw = {"change_kind": kind, "change_note": "见对照", "bases": BASES}
    papers = (work.paper("drafting_note", f"说明{work.keys}"),)
    return work.submit("lead", steps.Ask("save_draft", f"key-{work.keys}", work.no, raw, papers, text_))


def send(found: Desk, **more: Any) -> Any:
    given = {"wanted_by": "2024-04-29", "papers": ("procedure_statement",), **more}
    return found.work.do("lead", "request_legal_review", **given)


def decided(found: Desk, action: str, **given: Any) -> Any:
    """Submitted on 8 May, discussed on the 15th, and decided with this act."""
    on(found, 2024, 5, 8)
    given_on = {"changes_made": "罚款已经删去", "papers": ("procedure_statement",)}
    assert isinstance(act(found, "lead", "submit_to_meeting", **given_on), steps.Done)
    meeting = {"meeting_type": "standing", "meeting_no": "第31次"}
    act(found, "office", "schedule", planned_on="2024-05-15", **meeting)
    on(found, 2024, 5, 15)
    roll = [
        {"name": "江亦川", "role": "chief", "presence": "present"},
        {"name": "沈若谷", "role": "deputy", "presence": "present"},
    ]
    act(found, "office", "convene", chair="江亦川", chair_is="chief", roll=roll, **meeting)
    for speaker, role in (("沈若谷", "member"), ("江亦川", "chief")):
        act(found, "office", "record_statement", speaker=speaker, role=role, position="agree", words="同意")
    return act(found, "chief", action, papers=("minutes",), **given)


def accepted(found: Desk) -> Desk:
    act(found, "legal", "accept_packet")
    return found


def act(found: Desk, who: str, action: str, **raw: Any) -> Any:
    """An act a minute later, so that everybody stays signed in."""
    return found.work.do(who, action, after=timedelta(minutes=1), **raw)


def on(found: Desk, year: int, month: int, day: int, hour: int = 9) -> None:
    """Go to a day; sessions of earlier days are over."""
    found.work.now = datetime.combine(date(year, month, day), time(hour), SHANGHAI)
    found.clients.clear()


def page(found: Desk, rest: str = "") -> str:
    return f"/cases/{found.work.no}/legal-review{rest}"


def post(found: Desk, rest: str, who: str = "legal", **values: Any) -> Any:
    """Press a button on the desk."""
    token = found.csrf(who, page(found)) if who in ("legal", "second") else found.csrf(who, "/logout")
    return found.client(who).post(page(found, rest), data={**values, "csrf": token})


def started(found: Desk) -> str:
    """A sheet for the text as it stands; its id."""
    assert post(found, "/start").status_code == 303
    return str(rows(found, "review_sheet")[-1].id)


def save(found: Desk, who: str = "legal", *, do: str = "save", version: str = "", **values: str) -> Any:
    """Save the newest sheet with everything that was on it, and these values beside; ``__`` stands for a dot."""
    sheet = rows(found, "review_sheet")[-1]
    given = {name.replace("__", "."): value for name, value in values.items()}
    return post(found, f"/sheet/{sheet.id}", who, do=do, version=version or str(sheet.version), **given)


TICKED = {
    "mark__line.departments": "na", "mark__line.participation": "ok", "mark__line.hearing": "na", "mark__line.expert": "na",
    "mark__line.risk": "na", "mark__line.fair": "problem", "remark__line.fair": "送审前补做",
}  # fmt: skip
WEIGHED = {
    "authority": "ok", "authority_reason": "依地方组织法", "procedure": "doubt", "content": "problem",
    "conclusion": "lawful_after_changes",
    "changes": "删去第三条，第二条改为同等对待。", "mark__point.no_new_power": "problem",
}  # fmt: skip


def rows(found: Desk, table: str) -> list[Any]:
    with found.site.store.read() as connection:
        return list(connection.execute(text(f"select * from {table} order by id")))


def replays(found: Desk) -> bool:
    """Whether every row follows from the entries."""
    with found.site.store.read() as connection:
        return replay.compare(connection, found.site.store.blobs, found.work.authority.id) == ()


def key(html: str) -> str:
    found = re.search(r'name="key" value="([^"]+)"', html)
    assert found
    return found[1]
