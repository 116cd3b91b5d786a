"""I5: an inspector sees what may have gone wrong, with its evidence; the look itself is recorded, and nobody is judged."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from decisionflow.service import register, steps
from decisionflow.store.engine import Store
from tests.web.look_room import INSPECTOR
from tests.web.square import Square, square


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Square:
    """Two notices: one of twenty days with its reason, one of full length."""
    made = square(store, tmp_path, jiancha=INSPECTOR)
    made.notice("既有住宅加装电梯方案", days=20, short_reason="汛期将至，须在汛前完成")
    made.notice("停车收费管理办法")
    made.desk.clients.clear()
    return made


def listed(found: Square, who: str = "supervisor", **asked: str) -> Any:
    token = found.desk.csrf(who, "/violations") if who == "supervisor" else found.desk.csrf(who, "/logout")
    return found.desk.client(who).post("/violations", data={"csrf": token, "reason": "区纪委〔2024〕3号", **asked})


def test_a_reason_for_departing_is_listed_with_the_act_that_gave_it(found: Square) -> None:
    html = listed(found).text
    assert "偏离，有理由" in html and "汛期将至，须在汛前完成" in html and "第十五条第一款" in html
    assert 'href="/entries/' in html and "既有住宅加装电梯方案" in html and "停车收费管理办法" not in html
    assert "由人核实；不说谁有责任" in html and "未检查" not in html


def test_a_correction_after_which_a_later_act_would_not_have_passed_is_listed(found: Square) -> None:
    work = found.work
    work.no, opened = "YH-2024-002", work.now
    work.do("lead", "close_notice", after=timedelta(days=32))
    assert work.facts().stages["participation"] == "collected"
    notice = next(act for act in work.facts().acts if act.action == "publish_notice")
    ask = steps.Ask(
        "publish_notice", "corrects", work.no, {"ends_on": "2024-05-31"}, reason="公告上的截止日抄错，原件写的是五月"
    )
    actor = work.stage.actors["lead"]
    done = work.store.write(lambda tx: steps.correct(tx, work.authority, actor, ask, notice.entry, work.now))
    assert isinstance(done, steps.Done) and work.now > opened
    found.desk.clients.clear()
    html = listed(found, level="breach").text
    assert "更正以后不再符合要求" in html and "公告写明的截止日还没有过完" in html and "停车收费管理办法" in html


def test_the_list_is_filtered_and_exported(found: Square) -> None:
    assert "汛期将至" not in listed(found, level="breach").text
    assert "没有符合条件的线索" in listed(found, check="overdue").text
    table = listed(found, **{"as": "csv"})
    assert table.headers["content-type"].startswith("text/csv") and "汛期将至" in table.text


def test_a_look_needs_a_reason_and_is_kept_sealed(found: Square) -> None:
    refused = listed(found, reason="看")
    assert refused.status_code == 422 and "请写明查询理由" in refused.text
    listed(found)
    with found.work.store.read() as connection:
        rows = connection.execute(text("select data from trail_entry where kind = 'inspection.looked'")).all()
    assert len(rows) == 1 and "区纪委" not in bytes(rows[0].data).decode()


@pytest.mark.parametrize("who", ["lead", "legal", "chief"])
def test_nobody_else_sees_it(found: Square, who: str) -> None:
    assert found.desk.client(who).get("/violations").status_code == 404
    assert listed(found, who).status_code == 404


def test_a_clock_that_ran_out_is_listed_until_it_is_answered_and_after(found: Square) -> None:
    work = found.work
    work.no = "YH-2024-001"
    work.do("lead", "consult_departments", units=[{"unit": "财政局"}], reply_by="2024-03-08")
    work.now += timedelta(days=20)
    found.desk.clients.clear()
    assert "还没有办结" in listed(found, check="overdue").text


# ---- what the organ makes of it


def assess(found: Square, who: str = "supervisor", **given: str) -> Any:
    token = found.desk.csrf(who, "/logout")
    return found.desk.client(who).post("/violations/assess", data={"csrf": token, **given})


def first(html: str) -> dict[str, str]:
    return {name: re.search(rf'name="{name}" value="([^"]*)"', html)[1] for name in ("about", "seen")}  # type: ignore[index]


WHY = "调阅公告原件，第三页写明汛期的情况"


def test_a_finding_is_judged_with_a_reason_and_filtered_by_it(found: Square) -> None:
    shown = first(listed(found).text)
    done = assess(found, **shown, verdict="dismissed", why=WHY)
    assert done.status_code == 303 and done.headers["location"].startswith("/violations#f-")
    html = found.desk.get("supervisor", "/violations")
    assert WHY in html and "排除" in html
    assert WHY not in found.desk.get("supervisor", "/violations?state=open")
    assert WHY in found.desk.get("supervisor", "/violations?state=dismissed")
    table = found.desk.client("supervisor").get("/violations?as=csv").text
    assert "排除" in table and WHY in table
    found.desk.client("supervisor").get("/violations?as=json").json()
    assert found.desk.client("supervisor").get("/violations?as=xlsx").content[:2] == b"PK"


def test_the_judgment_is_sealed_and_another_organ_sees_nothing_of_it(found: Square) -> None:
    assess(found, **first(listed(found).text), verdict="confirmed", why=WHY)
    with found.work.store.read() as connection:
        (row,) = connection.execute(text("select data from trail_entry where kind = 'finding.assessed'")).all()
    assert not {WHY, "confirmed"} & set(bytes(row.data).decode().split('"'))
    html = listed(found, "jiancha").text
    assert "汛期将至" in html and WHY not in html


def test_a_judgment_twice_is_one_and_a_changed_mind_stands_beside(found: Square) -> None:
    shown = first(listed(found).text)
    assess(found, **shown, verdict="dismissed", why=WHY)
    assert assess(found, **shown, verdict="dismissed", why=WHY).status_code == 303
    stale = assess(found, **shown, verdict="confirmed", why="另有材料，情况与所述一致")
    assert stale.status_code == 409 and "已经由同事核实过" in stale.text and "另有材料" in stale.text
    again = first(found.desk.get("supervisor", "/violations"))
    assert (
        again["seen"] and assess(found, **again, verdict="confirmed", why="另有材料，情况与所述一致").status_code == 303
    )
    with found.work.store.read() as connection:
        count = connection.execute(text("select count(*) from trail_entry where kind = 'finding.assessed'")).scalar()
    assert count == 2 and "属实" in found.desk.get("supervisor", "/violations?state=confirmed")


@pytest.mark.parametrize(
    ("change", "say"),
    [({"why": "看"}, "请写明理由"), ({"verdict": "guilty"}, "请选择属实或者排除"), ({"about": "x" * 32}, "不在清单里")],
)
def test_a_judgment_without_what_it_needs_is_refused(found: Square, change: dict[str, str], say: str) -> None:
    shown = first(listed(found).text)
    answer = assess(found, **{**shown, "verdict": "confirmed", "why": WHY, **change})
    assert answer.status_code == 422 and say in answer.text
    with found.work.store.read() as connection:
        assert not connection.execute(text("select 1 from trail_entry where kind = 'finding.assessed'")).first()


def test_without_a_look_under_way_nothing_is_judged(found: Square) -> None:
    shown = first(listed(found).text)
    found.work.now += timedelta(minutes=31)
    found.desk.clients.clear()
    assert 'name="reason"' in assess(found, **shown, verdict="confirmed", why=WHY).text
    for who in ("lead", "legal"):
        assert assess(found, who, **shown, verdict="confirmed", why=WHY).status_code == 404


def test_the_picture_has_its_numbers_and_what_is_dismissed_leaves_it(found: Square) -> None:
    html = listed(found).text
    assert "热力图" in html and 'href="/violations?rule=D713-25' in html
    assess(found, **first(html), verdict="dismissed", why=WHY)
    assert "热力图" not in found.desk.get("supervisor", "/violations")


def test_late_clocks_are_added_up_by_unit_and_late_entries_listed(found: Square) -> None:
    work = found.work
    work.no = "YH-2024-001"
    work.do("lead", "consult_departments", units=[{"unit": "财政局"}], reply_by="2024-03-08")
    work.now += timedelta(days=20)
    found.desk.clients.clear()
    html = listed(found).text
    assert 'id="delays"' in html and "个工作日" in html


def correct_register(found: Square, **changed: object) -> None:
    """What the register believes of the lead clerk's post, changed after he acted."""
    lead = found.work.stage.actors["lead"]
    work = found.work

    def deed(tx: Any) -> None:
        keeper = register.Register(tx, work.authority, work.stage.actors["office"], work.now)
        keeper.end(lead.appointment, changed["until"], "示例任〔2024〕9号")  # type: ignore[arg-type]
        if changed.get("again"):
            keeper.appoint(lead.person, lead.post, changed["again"], document="示例任〔2024〕10号")  # type: ignore[arg-type]

    work.store.write(deed)
    found.desk.clients.clear()


def test_an_act_of_somebody_whose_post_had_ended_as_is_believed_now_is_listed(found: Square) -> None:
    assert "任职后来有出入" not in listed(found).text
    correct_register(found, until=date(2024, 2, 28))
    html = listed(found, check="authority_later_disputed").text
    assert (
        "任职后来有出入" in html
        and "登记册现在的记载里，那天不在这个岗位" in html
        and "可能违法" not in html.split("<tbody>")[-1]
    )


def test_an_appointment_recorded_afterwards_does_not_legitimise_what_was_done_before(found: Square) -> None:
    correct_register(found, until=date(2024, 2, 28), again=date(2024, 3, 1))
    assert "任职是办理以后才登记的" in listed(found, check="authority_later_disputed").text
