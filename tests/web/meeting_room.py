"""Matters submitted under the national procedure, and a meeting to discuss them, for the tests of agenda and record."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from decisionflow.core.facts import SHANGHAI
from decisionflow.service import replay, steps
from decisionflow.service.steps import Ask, Done
from decisionflow.store.engine import Store
from tests.web.desk import Desk, desk

NATIONAL = Path("cn-major-decision@2019.1")
KIND: dict[str, Any] = {
    "class": "public_service", "technical": "no", "stability_risk": "no", "vital_interest": "no", "specific_group": "no",
    "market_effect": "no", "public": "yes",
}  # fmt: skip
CALL = {
    "type": "standing", "no": "第31次", "planned_on": "2024-05-20", "starts": "09:00", "place": "区政府三楼会议室",
    "chair": "江亦川",
}  # fmt: skip
ROLL = [("江亦川", "chief", "present"), ("沈若谷", "deputy", "present"), ("何清越", "deputy", "present")]


def on(found: Desk, year: int, month: int, day: int, hour: int = 9) -> None:
    """Go to a day; sessions of earlier days are over."""
    found.work.now = datetime(year, month, day, hour, tzinfo=SHANGHAI)
    found.clients.clear()


def room(store: Store, tmp_path: Path, procedure: Path = NATIONAL, **people: Any) -> Desk:
    """A desk under the national procedure, nothing proposed yet."""
    return desk(store, tmp_path, procedure=procedure, **people)


def drafted(found: Desk, title: str = "既有住宅加装电梯工作实施方案") -> str:
    """A matter whose draft has gone through everything but submitting, by 6 May 2024; its number."""
    work = found.work
    work.no = ""
    on(found, 2024, 3, 4)
    work.do(
        "proposer", "propose", title=title, source="department", problem="上下楼困难", basis="居民多次反映",
        solution="政府补助", necessity="必要", feasibility="可行", judgement="普通事项", **KIND,
    )  # fmt: skip
    work.do("chief", "start", reason="群众呼声高", units=[{"unit": "承办单位", "leading": "yes"}])
    drafting = work.ask(
        "save_draft", change_kind="first", change_note="首次拟稿",
        bases=[{"title": "中华人民共和国民法典", "valid_from": "2021-01-01"}],
    )  # fmt: skip
    text = steps.DraftText(title, ("第一条　本方案适用于本区。", "第二条　每部电梯给予定额补助。"))
    work.submit("lead", Ask(drafting.action, drafting.key, work.no, drafting.raw, (work.paper("drafting_note"),), text))
    work.do("lead", "waive_departments", reason="只涉及本部门职责", judged_by="陈予安")
    work.do(
        "lead", "publish_notice", ends_on="2024-04-10", how_to_comment="网上、信函、电话均可",
        channels=[{"channel": "website", "address": "区政府网站"}],
    )  # fmt: skip
    on(found, 2024, 4, 12)
    work.do("lead", "close_notice")
    work.do("lead", "answer_opinions", received="0", points=[], summary="没有收到意见。", papers=("opinion_summary",))
    work.do("lead", "request_legal_review", wanted_by="2024-04-28", papers=("procedure_statement",))
    work.do("legal", "accept_packet")
    work.do("legal", "hear_advisers", adviser="姚明澈", capacity="adviser", opinion="可行", position="lawful")
    on(found, 2024, 4, 28)
    done = work.do(
        "legal", "conclude_legal_review", authority="ok", authority_reason="有权", procedure="ok", procedure_reason="已履行",
        content="ok", content_reason="合法", conclusion="lawful", reviewer="罗敬之", papers=("legal_opinion",),
    )  # fmt: skip
    assert isinstance(done, Done), done
    on(found, 2024, 5, 6)
    return str(work.no)


def submitted(found: Desk, title: str = "既有住宅加装电梯工作实施方案") -> str:
    """A matter submitted to a meeting on 6 May 2024; its number."""
    no = drafted(found, title)
    done = submit(found, no)
    assert isinstance(done, Done), done
    return no


def submit(found: Desk, no: str) -> Any:
    """Hand in what lies in the dossier."""
    work = found.work
    work.no = no
    held = work.facts().papers()
    kinds = ("drafting_note", "opinion_summary", "legal_opinion", "procedure_statement")
    ask = work.ask("submit_to_meeting", statement="材料真实、完整")
    return work.submit("lead", Ask(ask.action, ask.key, no, ask.raw, tuple(held[kind] for kind in kinds)))


def press(found: Desk, path: str, by: str = "office", files: Any = None, **values: Any) -> Any:
    """Press a button somewhere, signed in as somebody."""
    token = found.csrf(by, "/logout")
    body = {"key": f"k{len(found.clients)}-{path}-{sorted(values.items())!s}"[:190], **values, "csrf": token}
    return found.client(by).post(path, data=body, files=files)


def called(found: Desk, **given: str) -> str:
    """A meeting on 20 May 2024; its id."""
    answer = press(found, "/meetings", **{**CALL, **given})
    assert answer.status_code == 303, answer.text
    located = re.fullmatch(r"/meetings/([^/]+)/agenda", answer.headers["location"])
    assert located
    return located[1]


def listed(found: Desk, meeting: str, no: str, **given: str) -> Any:
    return press(found, f"/meetings/{meeting}/agenda/{no}/add", **given)


def begun(found: Desk, meeting: str, no: str, roll: Any = ROLL, **given: str) -> Any:
    """Begin with a matter on the day of the meeting."""
    rows = {f"roll.{n}.{key}": word for n, row in enumerate(roll)
            for key, word in zip(("name", "role", "presence"), row, strict=True)}  # fmt: skip
    said = {"chair": "江亦川", "chair_is": "chief", "attendees.0.name": "宋知远", "attendees.0.unit": "区司法局"}
    return press(found, f"/meetings/{meeting}/record/{no}/convene", **{**said, **rows, **given})


def says(found: Desk, meeting: str, no: str, who: str, position: str, words: str, **given: str) -> Any:
    by = given.pop("by", "office")
    body = {"who": who, "position": position, "words": words, **given}
    return press(found, f"/meetings/{meeting}/record/{no}/speech", by, **body)


def table(found: Desk, name: str) -> list[Any]:
    with found.site.store.read() as connection:
        return list(connection.execute(text(f"select * from {name}")))


def replays(found: Desk) -> bool:
    """Whether every row follows from the entries."""
    with found.site.store.read() as connection:
        return replay.compare(connection, found.site.store.blobs, found.work.authority.id) == ()
