"""I3, I4, the time machine: a decision looked at backwards: who answers, what was known when, how it stood at an instant."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page

from decisionflow.core.facts import stamp
from decisionflow.service import steps
from decisionflow.service.reads import answers, moment
from decisionflow.store.engine import Store
from tests.web import meeting_room as room
from tests.web.desk import Desk, served, sign_in
from tests.web.formreader import read
from tests.web.look_room import INSPECTOR, REASON, look, looks, rows, words

PAGES = ("chain", "as-of", "at")


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    """A matter decided on 20 May 2024 against one member; one member and the chief got the papers, the member opened them."""
    made = room.room(store, tmp_path, jiancha=INSPECTOR)
    no = room.submitted(made)
    meeting = room.called(made)
    assert room.listed(made, meeting, no).status_code == 303
    room.on(made, 2024, 5, 8)
    persons = [made.work.stage.actors[who].person for who in ("member", "chief")]
    for one in persons:
        assert room.press(made, f"/meetings/{meeting}/deliver", person=one).status_code == 303
    room.on(made, 2024, 5, 9)
    made.get("member", f"/meetings/{meeting}/papers/{no}")
    room.press(made, f"/meetings/{meeting}/lock")
    room.on(made, 2024, 5, 20)
    made.work.no = no
    assert room.begun(made, meeting, no).status_code == 303
    for who, position, said in (("member|沈若谷", "agree", "同意。"), ("member|何清越", "disagree", "资金没有落实，不同意。"),
                                ("chief|江亦川", "agree", "原则同意，抓紧实施。")):  # fmt: skip
        assert room.says(made, meeting, no, who, position, said).status_code == 303
    check = room.press(made, f"/meetings/{meeting}/record/{no}/decide", "chief", outcome="decide_approve", decision="通过",
                       why="多数同意")  # fmt: skip
    form = read(check.text)
    assert made.client("chief").post(form.action, data=dict(form.pairs)).status_code == 303
    return made


def path(found: Desk, page: str) -> str:
    return f"/trace/case/{found.work.no}/{page}"


def person(found: Desk, who: str) -> str:
    return str(found.work.stage.actors[who].person)


# ---- the chain -----------------------------------------------------------------------------------------------


def test_the_chain_is_drawn_and_told_as_a_table_with_dissent(found: Desk) -> None:
    html = look(found, path(found, "chain"))
    told = rows(html, "list")
    order = [
        next(n for n, row in enumerate(told) if row.startswith(lane))
        for lane in ("起草", "审核", "审查", "会签", "讨论", "决定")
    ]
    assert order == sorted(order)
    (against,) = [row for row in told if "不同意见 →" in row]
    assert "何清越" in against and "江亦川 决定通过" in against
    assert any("罗敬之" in row and "依据其意见 → 陈予安 提请集体讨论" in row for row in told)
    assert 'stroke-dasharray="6 4"' in html and "<desc" in html and "不由本系统认定" in html


def test_the_sorts_of_article_38_only_filter(found: Desk) -> None:
    look(found, path(found, "chain"))
    chief = rows(found.get("jiancha", path(found, "chain") + "?kind=chief"), "list")
    assert chief and all("江亦川" in row or "空缺" in row for row in chief)
    assert all("江亦川" not in row for row in rows(found.get("jiancha", path(found, "chain") + "?kind=direct"), "list"))
    found.get("jiancha", path(found, "chain") + "?kind=guilty", 422)


def test_what_the_law_asks_for_and_the_record_lacks_is_an_empty_place(found: Desk) -> None:
    facts, procedure = found.work.facts(), room_procedure(found)
    whole = answers.chain(procedure, facts)
    assert [one for one in whole.nodes if one.state == "missing"] == []
    kept = tuple(
        act for act in facts.acts if act.track != "legal" and "何清越" not in str(act.fields.get("speaker", ""))
    )
    bare = answers.chain(procedure, replace(facts, acts=kept, stages={**facts.stages, "legal": "idle"}))
    missing = [(one.lane, one.name, one.title) for one in bare.nodes if one.state == "missing"]
    assert any(lane == "review" and "合法性审查" in title for lane, _, title in missing), missing
    assert any(name == "何清越" and "没有发言记录" in title for _, name, title in missing), missing
    assert any("空缺" in box.lines[0] for box in answers.drawing(bare, facts.title).boxes)


def room_procedure(found: Desk):  # type: ignore[no-untyped-def]
    with found.site.store.read() as connection:
        return steps.load(connection, found.work.authority, found.work.no).procedure


# ---- what was known when -----------------------------------------------------------------------------------


def known(found: Desk, who: str, at: str, **more: str) -> str:
    given = "&".join(f"{name}={value}" for name, value in more.items())
    return found.get("jiancha", f"{path(found, 'as-of')}?person={person(found, who)}&at={at}&{given}")


def test_papers_are_told_by_delivery_and_opening_for_each_person(found: Desk) -> None:
    assert "请选择一个人和一个时刻" in look(found, path(found, "as-of"))
    member = rows(known(found, "member", "2024-05-10T09:00"), "s1")
    (draft,) = [row for row in member if row.startswith("决策草案")]
    assert "第 1 版 2024-05-08" in draft and "2024-05-09" in draft and "会议材料送达" in draft
    chief = rows(known(found, "chief", "2024-05-10T09:00"), "s1")
    (opinion,) = [row for row in chief if row.startswith("合法性审查意见")]
    assert "会议材料送达" in opinion and "没有记录" in opinion and "没有打开的记录" in opinion
    deputy = rows(known(found, "deputy", "2024-05-10T09:00"), "s1")
    assert all("未送达" in row and "没有送达本人的记录" in row for row in deputy) and len(deputy) == len(member)


def test_an_instant_before_the_delivery_and_before_the_case_says_so(found: Desk) -> None:
    look(found, path(found, "as-of"))
    before = rows(known(found, "member", "2024-05-07T09:00"), "s1")
    assert before and all("未送达" in row for row in before)
    assert "该时刻之前本事项尚未启动" in known(found, "member", "2023-05-07T09:00")


def test_a_draft_that_changed_after_its_delivery_is_told_as_such(found: Desk) -> None:
    work = found.work
    no = room.submitted(found, "第二件事项")
    meeting = room.called(found, no="第32次")
    room.listed(found, meeting, no)
    assert room.press(found, f"/meetings/{meeting}/deliver", person=person(found, "member")).status_code == 303
    room.on(found, 2024, 5, 7)
    work.no = no
    work.do("office", "return_submission", reason="须补充资金来源")
    ask = work.ask(
        "save_draft", change_kind="wording", change_note="文字", bases=[{"title": "民法典", "valid_from": "2021-01-01"}]
    )
    done = work.submit("lead", steps.Ask(ask.action, ask.key, no, ask.raw, (work.paper("drafting_note"),),
                                         steps.DraftText("方案", ("第一条　资金由区级财政安排。",))))  # fmt: skip
    assert isinstance(done, steps.Done), done
    look(found, path(found, "as-of"))
    before = [row for row in rows(known(found, "member", "2024-05-06T23:00"), "s1") if row.startswith("决策草案")]
    after = [row for row in rows(known(found, "member", "2024-05-08T09:00"), "s1") if row.startswith("决策草案")]
    assert "换版" not in before[0] and "换版 送达的是第 1 版，那一刻已经换到第 2 版" in after[0]


def test_two_persons_and_two_instants_are_set_side_by_side(found: Desk) -> None:
    look(found, path(found, "as-of"))
    persons = known(found, "member", "2024-05-10T09:00", other=person(found, "deputy"))
    assert "两边不同" in persons and len(rows(persons, "s1")) == len(rows(persons, "s2"))
    instants = known(found, "member", "2024-05-07T09:00", also="2024-05-10T09:00")
    assert re.search(r"两边有 [1-9]\d* 件材料不同", instants)
    same = known(found, "member", "2024-05-10T09:00", also="2024-05-10T10:00")
    assert "两边有 0 件材料不同" in same


def test_the_page_says_what_it_cannot_show(found: Desk) -> None:
    html = look(found, path(found, "as-of"))
    assert "是否阅读、是否理解" in html and "本页能证明" in html


def test_a_later_entry_counts_only_by_its_claimed_time(found: Desk) -> None:
    work = found.work
    work.no = ""
    room.on(found, 2024, 3, 4)
    work.do(
        "proposer", "propose", title="第二件事项", source="department", problem="困难", basis="反映", solution="补助",
        necessity="必要", feasibility="可行", judgement="普通事项", **room.KIND,
    )  # fmt: skip
    work.do("chief", "start", reason="群众呼声高", units=[{"unit": "承办单位", "leading": "yes"}])
    room.on(found, 2024, 5, 6)
    heard = {"form": "symposium", "reason": "居民要求", "held_on": "2024-04-08", "place": "社区", "who": "居民代表",
             "opinions": "3", "summary": "支持"}  # fmt: skip
    done = work.submit("lead", steps.Ask(
        "record_participation", "late-1", work.no, heard, (work.paper("participation_record"),),
        happened=work.now - timedelta(days=27), evidence="签到表", reason="当时没有登记"))  # fmt: skip
    assert isinstance(done, steps.Done), done
    look(found, path(found, "as-of"))
    then = [row for row in rows(known(found, "lead", "2024-04-10T09:00"), "s1") if "当时系统内不存在" in row]
    assert len(then) == 1 and "补录于 2024-05-06" in then[0] and "称发生于 2024-04-09" in then[0]
    claimed = rows(known(found, "lead", "2024-04-10T09:00", basis="claimed"), "s1")
    assert not any("不存在" in row for row in claimed) and any("这一版补录于 2024-05-06" in row for row in claimed)
    at = f"{path(found, 'at')}?at=2024-04-10T09:00"
    steps_then = [rows(found.get("jiancha", f"{at}&basis={by}"), "then") for by in ("recorded", "claimed")]
    counts = [int(re.search(r"(\d+) 步", " ".join(told))[1]) for told in steps_then]  # type: ignore[index]
    assert counts[1] == counts[0] + 1


# ---- the time machine ----------------------------------------------------------------------------------------


def test_a_case_is_shown_as_it_stood_and_beside_another_instant(found: Desk) -> None:
    look(found, path(found, "at"))
    html = found.get("jiancha", path(found, "at") + "?at=2024-04-15T09:00&also=2024-05-21T09:00")
    told = {row.split(" ")[1]: row for row in rows(html, "then")}
    assert "草案拟订" in told["主线"] and "已决定" in told["主线"] and "有变化" in told["主线"]
    assert "有变化" not in told["草案"]
    assert re.search(r"[1-9]\d* 处不同", html)
    early = found.get("jiancha", path(found, "at") + "?at=2024-01-01")
    assert "尚未启动" in early and "后一条记录" in early and "前一条记录" not in early


def test_every_instant_recorded_folds_to_what_the_step_saw(found: Desk) -> None:
    """Refolding up to the last entry gives the case itself; up to each act, the stages that its entry says."""
    case = found.work.facts()
    with found.site.store.read() as connection:
        entries = moment.records(connection, found.work.authority, case.case)
        for by in ("recorded", "claimed"):
            last = moment.folded(connection, found.work.authority, entries, found.work.now, by)  # type: ignore[arg-type]
            assert last is not None and last.stages == case.stages and len(last.acts) == len(case.acts)
        for record in entries:
            if record["kind"] == "step.taken":
                at = moment.time_of(record, "recorded")
                seen = moment.folded(connection, found.work.authority, entries, at, "recorded")
                assert seen is not None and stamp(at) == record["times"]["recorded_at"]
                newest = [one for one in entries if moment.time_of(one, "recorded") <= at][-1]
                assert dict(seen.stages) == newest["body"]["stages"]


@pytest.mark.parametrize("bad", ["at=gestern", "at=1066-10-14", "basis=felt", "at=2024-05-20&also=nie"])
def test_an_instant_that_is_none_is_told_in_words(found: Desk, bad: str) -> None:
    look(found, path(found, "at"))
    answer = found.client("jiancha").get(f"{path(found, 'at')}?{bad}")
    assert (answer.status_code == 422 and "应" in answer.text) or "不在可以查的范围" in answer.text


def test_somebody_who_is_not_in_the_case_cannot_be_asked_about_there(found: Desk) -> None:
    look(found, path(found, "as-of"))
    found.get("jiancha", path(found, "as-of") + f"?person={person(found, 'evaluator')}", 422)


# ---- who may -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_each_page_asks_for_a_reason_and_one_opens_them_all(found: Desk, page: str) -> None:
    assert "查询理由或者文号" in found.get("jiancha", path(found, page))
    assert "查询理由或者文号" in look(found, path(found, page), "", status=422)
    look(found, path(found, page))
    for other in PAGES:
        assert REASON in words(found.get("jiancha", path(found, other)))
    assert len(looks(found)) == 1


def test_only_an_inspector_is_led_there_from_the_case(found: Desk) -> None:
    link = f'href="/trace/case/{found.work.no}"'
    assert link in found.get("jiancha", f"/cases/{found.work.no}")
    assert link not in found.get("lead", f"/cases/{found.work.no}")


def test_giving_the_reason_keeps_what_was_asked(found: Desk) -> None:
    career = look(found, f"/trace/person/{person(found, 'member')}")
    link = re.search(rf'href="({path(found, "as-of")}[^"]+)"', career)
    assert link and "at=2024-05-20" in link[1]
    asked = found.get("jiancha", link[1].replace("&amp;", "&"))
    action = re.search(rf'action="({path(found, "as-of")}[^"]+)"', asked)
    assert action
    shown = look(found, action[1].replace("&amp;", "&"))
    assert "何清越，2024-05-20" in shown and 'value="2024-05-20T' in shown


@pytest.mark.parametrize("page", PAGES)
def test_the_wrong_post_finds_no_such_page(found: Desk, page: str) -> None:
    look(found, path(found, page))
    for who in ("lead", "legal", "expert"):
        found.get(who, path(found, page), 404)
        look(found, path(found, page), who=who, status=404)
    assert found.client("").get(path(found, page)).status_code == 303
    found.get("jiancha", f"/trace/case/YH-2024-999/{page}", 404)
    assert len(looks(found)) == 1


def test_from_a_name_to_the_chain_in_a_browser(found: Desk, page: Page) -> None:
    """A name, a reason, the acts; the case of an act, a reason, its chain."""
    with served(found) as base:
        sign_in(page, found, "jiancha", base)
        page.goto(f"{base}/trace")
        page.get_by_label("姓名、事项编号或名称").fill("何清越")
        page.get_by_role("button", name="查找").click()
        page.get_by_role("link", name="倒查", exact=True).last.click()
        page.get_by_label("查询理由或者文号").fill(REASON)
        page.get_by_role("button", name="查询").click()
        page.get_by_label("只看").select_option("dissent")
        page.get_by_role("button", name="筛选").click()
        assert "不同意见" in page.locator("#deeds tbody").inner_text()
        page.get_by_role("link", name="既有住宅加装电梯工作实施方案").first.click()
        page.get_by_label("查询理由或者文号").fill(REASON)
        page.get_by_role("button", name="查询").click()
        page.get_by_role("link", name="责任链").click()
        assert page.locator("svg[role=img]").first.is_visible()
        assert "何清越" in page.locator("#list").inner_text()
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
