"""A case with a hearing announced under the national procedure, for the tests of the sign-up page and of the desk."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from decisionflow.core.facts import SHANGHAI
from decisionflow.service import replay
from decisionflow.store.engine import Store
from tests.web.desk import Desk, desk

NATIONAL = Path("cn-major-decision@2019.1")
SOURCE = "2024-04-02福利彩票双色球开奖号码"
NOTICE: dict[str, Any] = {
    "reason": "价格调整直接涉及切身利益", "held_on": "2024-04-26", "held_at": "上午九时，区政府一楼会议室", "total": "4",
    "seats": [{"side": "消费者", "count": "2", "how": "draw"}, {"side": "经营者", "count": "1", "how": "chosen"},
              {"side": "专家", "count": "1", "how": "invited"}],
    "conditions": "年满十八周岁的本区用户", "selection_method": "消费者抽取，经营者遴选，专家邀请", "draw_source": SOURCE,
    "signup_until": "2024-03-31", "channels": [{"channel": "website", "address": "区政府网站"}],
}  # fmt: skip
KIND: dict[str, Any] = {"class": "public_service"}
PERSON = {"side": "消费者", "name": "买买提·艾力", "contact": "13900000001", "unit": "", "words": "我家每月用水十吨。"}


def room(store: Store, tmp_path: Path, **notice: Any) -> Desk:
    """A hearing on 26 April, announced on 4 March, sign-up until the end of March."""
    made = desk(store, tmp_path, procedure=NATIONAL)
    work = made.work
    work.do(
        "proposer", "propose", title="自来水价格调整方案", source="department", problem="成本上升", basis="监审结论",
        solution="两步到位", necessity="必要", feasibility="可行", judgement="涉及每户居民", **KIND,
        technical="no", stability_risk="no", vital_interest="yes", specific_group="no", market_effect="no", public="yes",
    )  # fmt: skip
    work.do("chief", "start", reason="依法推进", units=[{"unit": "承办单位", "leading": "yes"}])
    work.do(
        "lead", "save_draft", change_kind="first", change_note="首次拟稿", papers=("drafting_note", "draft"),
        bases=[{"title": "中华人民共和国价格法", "valid_from": "1998-05-01"}],
    )  # fmt: skip
    if notice.get("announced") is not False:
        announce(made, **notice)
    return made


def announce(found: Desk, **notice: Any) -> Any:
    on(found, 2024, 3, 4)
    given = {name: value for name, value in {**NOTICE, **notice}.items() if value is not None}
    return found.work.do("lead", "announce_hearing", **given)


def on(found: Desk, year: int, month: int, day: int, hour: int = 9) -> None:
    """Go to a day; sessions of earlier days are over."""
    found.work.now = datetime(year, month, day, hour, tzinfo=SHANGHAI)
    found.clients.clear()


def page(found: Desk) -> str:
    return f"/public/h/{found.work.no}/signup"


def filled(found: Desk, **given: str) -> dict[str, str]:
    """The public form as somebody fills it in, with the key of a form just asked for."""
    key = re.search(r'name="key" value="([^"]+)"', found.get("", page(found)))
    assert key
    return {**PERSON, **given, "key": key[1]}


def send(found: Desk, values: dict[str, str]) -> Any:
    return found.client("").post(page(found), data={**values, "step": "send"})


def receipt(html: str) -> tuple[str, str]:
    numbers = re.findall(r'<dd class="num">([^<]+)</dd>', html)
    return numbers[0], numbers[1]


def sign_up(found: Desk, side: str, name: str, contact: str) -> tuple[str, str]:
    answer = send(found, filled(found, side=side, name=name, contact=contact))
    assert answer.status_code == 200, answer.text
    return receipt(answer.text)


def asked(found: Desk, number: str, code: str) -> str:
    answer = found.client("").post("/public/receipt", data={"receipt": number, "code": code})
    return str(answer.text)


def post(found: Desk, path: str, who: str = "lead", **values: str) -> Any:
    """Press a button on the desk."""
    token = found.csrf("lead", f"/cases/{found.work.no}/hearing") if who == "lead" else found.csrf(who, "/logout")
    return found.client(who).post(f"/cases/{found.work.no}/hearing/{path}", data={**values, "csrf": token})


def judge(found: Desk, n: int, state: str, reason: str = "") -> Any:
    return post(found, f"signups/{n}", state=state, reason=reason)


def rows(found: Desk, table: str) -> list[Any]:
    with found.site.store.read() as connection:
        return list(connection.execute(text(f"select * from {table} order by {'n' if table != 'hearing' else 'id'}")))


def replays(found: Desk) -> bool:
    """Whether every row follows from the entries."""
    with found.site.store.read() as connection:
        return replay.compare(connection, found.site.store.blobs, found.work.authority.id) == ()


def later(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()
