"""A technical case with a draft and a pool of experts, for the tests of the desk, of the link and of the pool."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text
from starlette.testclient import TestClient

from decisionflow.core.facts import SHANGHAI
from decisionflow.service import pool, replay, steps
from decisionflow.service.pool import Given
from decisionflow.service.reads import experts as reads
from decisionflow.store.engine import Store
from tests.web.desk import Desk, desk

NATIONAL = Path("cn-major-decision@2019.1")
SOURCE = "2024-04-02福利彩票双色球开奖号码"
SEED = "03 11 15 20 27 31+08"
PEOPLE = (
    Given("甲一", "结构工程、岩土", "示例大学", "教授"),
    Given("甲二", "结构工程", "示例设计院", "高级工程师"),
    Given("甲三", "结构工程", "示例研究院", "研究员"),
    Given("甲四", "结构工程", "承办单位", "总工"),
    Given("甲五", "结构工程", "示例学院", "讲师", former_units="承办单位"),
    Given("甲六", "结构工程", "示例咨询公司", "经理", partners="承办单位"),
    Given("甲七", "结构工程", "示例职业学院", "教授", relatives="陈予安的兄长，在承办单位"),
    Given("甲八", "结构工程", "示例二院", "教授", absent_until="2024-12-31"),
    Given("乙一", "经济", "示例财经大学", "教授"),
)
OPINION = {
    "necessity": "有必要，交通量已超设计能力。", "feasibility": "可行，资金已落实。", "soundness": "线形合理，排水须复核。",
    "dissent": "不赞成一次建成六车道。", "conclusion": "change", "independent": "yes",
}  # fmt: skip


def room(store: Store, tmp_path: Path, *people: Given) -> Desk:
    """A road that needs experts, drafted by 4 March, and nine people in the pool."""
    made = desk(store, tmp_path, procedure=NATIONAL)
    work = made.work
    enter(made, *(people or PEOPLE))
    begin(made, "跨区道路改建方案")
    on(made, 2024, 3, 20)
    assert work.no
    return made


def begin(found: Desk, title: str) -> None:
    """Open a case and draft it."""
    work = found.work
    work.no = ""
    work.do(
        "proposer", "propose", title=title, source="department", problem="拥堵", basis="规划", solution="改建",
        necessity="必要", feasibility="可行", judgement="专业性强", **{"class": "construction"}, technical="yes",
        stability_risk="no", vital_interest="no", specific_group="no", market_effect="no", public="yes",
    )  # fmt: skip
    work.do("chief", "start", reason="依法推进", units=[{"unit": "承办单位", "leading": "yes"}])
    redraft(found, "第一条　按六车道改建。")


def redraft(found: Desk, *paragraphs: str) -> None:
    """Save a version of the draft."""
    work = found.work
    first = work.facts().text is None
    ask = work.ask("save_draft", change_kind="first" if first else "wording", change_note="拟稿", bases=[
        {"title": "中华人民共和国公路法", "valid_from": "1998-01-01"}])  # fmt: skip
    papers = (work.paper("drafting_note", f"说明 {len(paragraphs)}"),)
    done = work.submit("lead", steps.Ask(ask.action, ask.key, ask.case, ask.raw, papers,
                                         steps.DraftText("改建方案", paragraphs)))  # fmt: skip
    assert isinstance(done, steps.Done), done


def enter(found: Desk, *people: Given) -> tuple[int, ...]:
    rows = [pool.Row(n, one) for n, one in enumerate(people)]
    actor = found.work.stage.actors["office"]
    return found.site.store.write(lambda tx: pool.enter(tx, found.work.authority, actor, rows, found.work.now))


def on(found: Desk, year: int, month: int, day: int, hour: int = 9) -> None:
    """Go to a day; sessions of earlier days are over."""
    found.work.now = datetime(year, month, day, hour, tzinfo=SHANGHAI)
    found.clients.clear()


def path(found: Desk) -> str:
    return f"/cases/{found.work.no}/experts"


def post(found: Desk, to: str, who: str = "lead", **values: Any) -> Any:
    """Press a button on the desk."""
    return found.client(who).post(f"{path(found)}/{to}", data={**values, "csrf": found.csrf(who, "/logout")})


def frozen(found: Desk, source: str = SOURCE, **seats: int) -> Any:
    wanted = seats or {"结构工程": 2}
    return post(found, "freeze", side=list(wanted), count=[str(n) for n in wanted.values()], source=source)


def drawn(found: Desk) -> dict[str, Any]:
    """Freeze and draw two of three structural engineers; the record."""
    assert frozen(found).status_code == 303
    on(found, 2024, 4, 3)
    assert post(found, "draw", seed=SEED).status_code == 303
    return dict(found.client("lead").get(f"{path(found)}/draws/1").json())


def invite(found: Desk, expert: str, until: str = "2024-04-20", reason: str = "") -> str:
    """Invite by number; the link's path, shown once."""
    answer = post(found, "invitations", expert=expert, until=until, reason=reason)
    return link(answer)


def link(answer: Any) -> str:
    shown = re.search(r"http://testserver(/e/[A-Za-z0-9_-]+)", answer.text)
    assert answer.status_code == 200 and shown, answer.text[:3000]
    return shown[1]


def guest(found: Desk) -> TestClient:
    """A browser of somebody without an account."""
    return TestClient(found.app, base_url="http://testserver", follow_redirects=False)


def come(found: Desk, to: str) -> TestClient:
    """Open a link for the first time."""
    client = guest(found)
    assert client.post(to).status_code == 303
    return client


def cleared(found: Desk, to: str, name: str) -> TestClient:
    """Declare no interest and open the papers."""
    client = come(found, to)
    assert client.post(f"{to}/declare", data={"interest": "no", "name": name}).status_code == 303
    assert client.post(f"{to}/papers").status_code == 303
    return client


def name(no: str) -> str:
    return PEOPLE[int(no) - 1].name


def select(found: Desk, **changes: Any) -> Any:
    """The act that selects, as its form starts when one comes from the desk."""
    with found.site.store.read() as connection:
        given = reads.starting(connection, found.site.store.blobs, found.work.authority, found.work.stage.actors["lead"],
                               found.work.no, found.work.now)  # fmt: skip
    return found.work.do("lead", "select_experts", **{**given, "form": "written", "differing_sought": "yes", **changes})


def rows(found: Desk, table: str) -> list[Any]:
    with found.site.store.read() as connection:
        return list(connection.execute(text(f"select * from {table} order by n")))


def replays(found: Desk) -> bool:
    """Whether every row follows from the entries."""
    with found.site.store.read() as connection:
        return replay.compare(connection, found.site.store.blobs, found.work.authority.id) == ()
