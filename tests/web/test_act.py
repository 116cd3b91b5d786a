"""Every action's form: fill in, check, done. The ladder of every screen, and what only forms must withstand."""

from __future__ import annotations

import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from decisionflow.core.facts import SHANGHAI
from decisionflow.service import procedures, sealing, shipped, steps
from decisionflow.store.engine import Store
from decisionflow.trail import merkle
from decisionflow.web import forms
from tests.web.desk import Desk, desk, served, sign_in
from tests.web.formreader import Sheet, opened, read

EVERY_FIELD = Path(__file__).parent.parent / "procedures" / "every-field.yaml"
PDF = b"%PDF-1.4\n1 0 obj"
PHOTO = ("现场.pdf", PDF, "application/pdf")


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    """A case under way in 承办单位, whose other clerk is the colleague."""
    made = desk(store, tmp_path, colleague={"post": "lead", "unit": "承办单位", "name": "赵越"})
    made.work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3")
    made.work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    return made


@pytest.fixture
def every(store: Store, tmp_path: Path) -> Desk:
    """A case under the procedure whose one form asks everything."""
    made = desk(
        store,
        tmp_path,
        procedure=EVERY_FIELD,
        double={"post": "lead", "unit": "财政局", "name": "沈砚", "title": "科员"},
    )
    made.work.do("lead", "ask", title="各类栏目")
    return made


def path(found: Desk, action: str) -> str:
    return f"/cases/{found.work.no}/do/{action}"


def survey(found: Desk, who: str = "lead", ends_on: str = "2024-04-30", **more: Any) -> Sheet:
    """The notice's form, filled in as it should be."""
    return opened(found, who, path(found, "open_survey")).fill(ends_on=ends_on, **more)


def paper(name: str = "photo", file: Any = PHOTO) -> list[tuple[str, Any]]:
    return [(f"paper.{name}", file)]


def acts(found: Desk) -> list[str]:
    return [act.action for act in found.work.facts().acts]


def rows_of(found: Desk, table: str) -> int:
    with found.work.store.read() as connection:
        return int(connection.execute(text(f"select count(*) from {table}")).scalar_one())


# ---- the ladder --------------------------------------------------------------------------------------------


def test_an_act_goes_from_form_to_check_to_done(found: Desk) -> None:
    client = found.client("lead")
    checked = survey(found).press(client, "check", files=paper())
    assert checked.status_code == 200
    assert "2024年4月30日（周二）" in checked.text and "现场.pdf" in checked.text
    assert acts(found) == ["ask", "begin"]  # checking is free

    done = read(checked.text).press(client)
    assert done.status_code == 303

    page = found.get("lead", done.headers["location"])
    act = found.work.facts().acts[-1]
    assert done.headers["location"] == f"/cases/{found.work.no}/done/{act.entry}"
    assert "已办理：发布公示" in page and act.entry in page and "已记录" in page
    assert (act.fields["ends_on"], [one.name for one in act.papers]) == ("2024-04-30", ["现场.pdf"])


def test_the_form_says_what_the_law_asks(found: Desk) -> None:
    html = found.get("lead", path(found, "open_survey"))

    assert "《重大行政决策程序暂行条例》第十五条第一款" in html
    assert "一般要求，可说明理由" in html
    assert "一般不早于 2024年3月31日（周日），更早的要写明理由" in html


def test_a_rule_that_nobody_checked_says_so(found: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with found.work.store.read() as connection:
        procedure = steps.load(connection, found.work.authority, found.work.no).procedure
    doubtful = procedure.rules["D713-24"].model_copy(update={"confirmed": "memory"})
    monkeypatch.setitem(procedure.rules, "D713-24", doubtful)

    assert "未核实" in found.get("lead", path(found, "open_survey"))


def test_a_refusal_shows_its_five_parts(found: Desk) -> None:
    answer = survey(found, ends_on="2024-03-10").press(found.client("lead"), "check", files=paper())

    assert answer.status_code == 409
    for part in (
        "不能发布公示：缺 1 项",
        "公示一般不少于30日",
        "第十五条第一款",
        "您（养护单位）",
        "2024年3月31日（周日）",
    ):
        assert part in answer.text
    assert 'href="#f-short_reason"' in answer.text
    assert re.search(r'id="refusal"[^>]*autofocus', answer.text)
    assert read(answer.text).value("ends_on") == "2024-03-10"  # and the form is still filled in
    assert "现场.pdf" in answer.text


def test_a_refused_act_that_is_submitted_all_the_same_is_409_and_leaves_no_act(found: Desk) -> None:
    client = found.client("lead")
    checked = read(survey(found).press(client, "check", files=paper()).text)

    answer = checked.put({"ends_on": "2024-03-10"}).press(client)

    assert answer.status_code == 409 and "不能发布公示" in answer.text
    assert acts(found) == ["ask", "begin"]


def test_a_departure_is_shown_before_it_is_recorded_and_that_it_will_be_public(found: Desk) -> None:
    sheet = survey(found, ends_on="2024-03-10", short_reason="汛期将至")

    checked = sheet.press(found.client("lead"), "check", files=paper())

    assert checked.status_code == 200
    assert "偏离一般要求，将记录在案并随本次办理公开" in checked.text and "理由：汛期将至" in checked.text
    read(checked.text).press(found.client("lead"))
    assert found.work.facts().acts[-1].deviations == ("notice_30_days",)


def test_what_bars_the_act_today_stands_on_top_of_its_form(found: Desk) -> None:
    html = found.get("chief", path(found, "decide"))

    assert "不能决定砍伐：缺 1 项" in html and "养护单位：承办单位" in html
    assert 'name="number"' in html  # it can be prepared


def test_an_act_whose_stage_is_not_here_has_no_form(found: Desk) -> None:
    html = found.get("lead", path(found, "finish"))

    assert "不能办结归档" in html and "须处于“已决定”" in html
    assert "<form" not in html


def test_a_colleague_of_the_same_duty_may(found: Desk) -> None:
    client = found.client("colleague")
    checked = read(survey(found, "colleague").press(client, "check", files=paper()).text)

    assert checked.press(client).status_code == 303


@pytest.mark.parametrize("method", ["get", "check", "confirm"])
def test_another_post_is_told_whose_act_it_is(found: Desk, method: str) -> None:
    client, there = found.client("legal"), path(found, "open_survey")
    if method == "get":
        answer = client.get(there)
    else:
        answer = client.post(
            there + ("/confirm" if method == "confirm" else ""), data={"csrf": "x", "ends_on": "2024-04-30"}
        )

    assert answer.status_code == 403
    assert "应由养护单位办理" in answer.text and "承办单位 业务科经办人 陈予安" in answer.text
    assert "<form" not in answer.text


@pytest.mark.parametrize("who", ["expert", ""])
def test_a_stranger_does_not_learn_that_the_case_exists(found: Desk, who: str) -> None:
    here, nowhere = (
        found.client(who).get(path(found, "open_survey")),
        found.client(who).get("/cases/YH-2024-999/do/open_survey"),
    )

    assert here.status_code == nowhere.status_code == (404 if who else 303)
    assert here.text.replace(found.work.no, "") == nowhere.text.replace("YH-2024-999", "")


def test_confirming_by_get_is_405(found: Desk) -> None:
    assert found.client("lead").get(path(found, "open_survey") + "/confirm").status_code == 405


def test_unknown_actions_and_the_opening_one_are_404(found: Desk) -> None:
    for action in ("nothing", "ask"):
        assert found.client("lead").get(path(found, action)).status_code == 404


def test_bad_input_keeps_the_words_and_leads_to_the_fields(found: Desk) -> None:
    sheet = survey(found, ends_on="", short_reason="汛期\n将至").put(
        {"surveyors.0.person": "", "surveyors.0.related": ""}
    )
    sheet.put({"surveyors.1.person": "陈予安", "surveyors.1.related": ""})

    answer = sheet.press(found.client("lead"), "check", files=paper())

    assert answer.status_code == 422
    assert '<a href="#f-ends_on">请填写“截止日期”</a>' in answer.text
    assert '<a href="#f-surveyors.0.related">踏勘人员第 1 行：请填写“与申请人有利害关系”</a>' in answer.text
    again = read(answer.text)
    assert {"f-ends_on", "f-surveyors.0.related"} <= again.ids
    assert again.value("short_reason") == "汛期\n将至" and again.value("surveyors.0.person") == "陈予安"
    assert "现场.pdf" in answer.text  # the upload is kept, too
    assert acts(found) == ["ask", "begin"]


def test_pressing_twice_is_once(found: Desk) -> None:
    client = found.client("lead")
    checked = read(survey(found).press(client, "check", files=paper()).text)

    first, second = checked.press(client), checked.press(client)

    assert first.headers["location"] == second.headers["location"]
    assert acts(found) == ["ask", "begin", "open_survey"]


def test_pressing_at_the_same_moment_is_once(found: Desk) -> None:
    client = found.client("lead")
    checked = read(survey(found).press(client, "check", files=paper()).text)

    with ThreadPoolExecutor(4) as pool:
        answers = [one.result() for one in [pool.submit(checked.press, client) for _ in range(4)]]

    assert {one.status_code for one in answers} == {303}
    assert len({one.headers["location"] for one in answers}) == 1
    assert acts(found) == ["ask", "begin", "open_survey"]


def test_the_same_page_with_other_words_is_not_the_same_act(found: Desk) -> None:
    client = found.client("lead")
    checked = read(survey(found).press(client, "check", files=paper()).text)
    checked.press(client)

    answer = checked.put({"ends_on": "2024-05-31"}).press(client)

    assert answer.status_code in (412, 422)
    assert acts(found) == ["ask", "begin", "open_survey"]


def test_a_key_used_for_another_content_is_422_and_gets_a_new_key(found: Desk) -> None:
    client = found.client("lead")
    there = path(found, "write_plan")
    checked = read(opened(found, "lead", there).fill(text__body="第一条").press(client, "check").text)
    checked.press(client)
    checked.put({"act.seen": found.work.facts().heads["main"], "text.body": "第二条"})

    answer = checked.press(client)

    assert answer.status_code == 422 and "已经提交过一次" in answer.text
    again = read(answer.text)
    assert again.value("key") != checked.value("key") and again.value("text.body") == "第二条"
    assert read(again.press(client, "check").text).press(client).status_code == 303


def test_a_stale_form_shows_both_sides_and_goes_on(found: Desk) -> None:
    client, there = found.client("lead"), path(found, "write_plan")
    sheet = opened(found, "lead", there).fill(text__body="第一条 我的写法")
    found.work.submit(
        "colleague", steps.Ask("write_plan", "other", found.work.no, text=steps.DraftText("方案", ("第一条 他的写法",)))
    )

    answer = sheet.press(client, "check")

    assert answer.status_code == 412
    assert "其间发生的" in answer.text and "赵越" in answer.text and "您填写的" in answer.text
    assert "他的写法" in answer.text and "我的写法" in answer.text
    assert found.work.facts().text.version == 1
    checked = read(answer.text).press(client, "check")
    assert checked.status_code == 200
    assert read(checked.text).press(client).status_code == 303
    assert found.work.facts().text.version == 2


def test_a_form_that_grew_stale_after_its_check_is_412_at_the_last_step(found: Desk) -> None:
    client = found.client("lead")
    checked = read(survey(found).press(client, "check", files=paper()).text)
    found.work.do("colleague", "open_survey", after=timedelta(0), ends_on="2024-05-31", papers=("photo",))

    answer = checked.press(client)

    assert answer.status_code == 412 and "您的内容没有提交" in answer.text
    assert "不能发布公示" in answer.text  # and now it is no longer possible at all
    assert acts(found) == ["ask", "begin", "open_survey"]


def test_without_scripts_every_button_is_a_submit_of_the_one_form(found: Desk) -> None:
    html = found.get("lead", path(found, "open_survey"))

    assert not re.search(r"<(button|input)[^>]*\bon[a-z]+=", html)
    assert 'enctype="multipart/form-data"' in html
    first = re.search(r"<button[^>]*>", html[html.index("<form") :])
    assert first and "name=" not in first[0]  # the Enter key deletes no row


# ---- lost forms ----------------------------------------------------------------------------------------------


def test_a_dead_session_loses_no_word(found: Desk) -> None:
    sheet = survey(found, short_reason="写了一个小时的理由")
    found.client("lead").cookies.clear()

    answer = sheet.press(found.client("lead"), "check")

    assert answer.status_code == 401 and "登录已失效" in answer.text
    found.clients.clear()
    again = read(answer.text).press(found.client("lead"), "edit")
    assert again.status_code == 403 and "页面已过期" in again.text  # the token is of the old session
    kept = read(again.text)
    assert kept.value("short_reason") == "写了一个小时的理由"
    assert kept.press(found.client("lead"), "check", files=paper()).status_code == 200


def test_a_form_without_the_token_does_nothing_and_keeps_the_words(found: Desk) -> None:
    client = found.client("lead")
    checked = read(survey(found).press(client, "check", files=paper()).text)

    answer = checked.put({"csrf": "x"}).press(client)

    assert answer.status_code == 403 and read(answer.text).value("ends_on") == "2024-04-30"
    assert acts(found) == ["ask", "begin"]


def test_a_fault_of_the_store_keeps_the_words(found: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    client = found.client("lead")
    checked = read(survey(found).press(client, "check", files=paper()).text)

    def away(*_: object) -> None:
        raise steps.entries.canonical.NotCanonical(steps.entries.canonical.verify.broken("size"))

    with monkeypatch.context() as patch:
        patch.setattr(steps, "take_step", away)
        answer = checked.press(client)

    assert answer.status_code == 422 and read(answer.text).value("ends_on") == "2024-04-30"


# ---- rows, papers, drafts --------------------------------------------------------------------------------------


def test_rows_grow_and_shrink_without_losing_a_word(found: Desk) -> None:
    client = found.client("lead")
    sheet = survey(found, short_reason="急")

    more = read(sheet.press(client, "add_row", files=paper()).text)
    assert {"surveyors.0.person", "surveyors.0.related"} <= more.names and "surveyors.1.person" in more.names
    assert (more.value("ends_on"), more.value("short_reason")) == ("2024-04-30", "急")

    more.put({"surveyors.0.person": "甲", "surveyors.1.person": "乙", "surveyors.1.related": "false"})
    less = read(more.press(client, "surveyors.0").text)
    assert less.value("surveyors.0.person") == "乙" and "surveyors.1.person" not in less.names
    assert less.value("surveyors.0.related") == "false"
    assert less.value("paper.photo")  # uploaded on the way


def test_rows_that_answer_to_an_earlier_act_are_there_already(store: Store, tmp_path: Path) -> None:
    made = desk(store, tmp_path, procedure=_major(tmp_path))
    made.work.do("proposer", "propose", **_matter())
    made.work.do("chief", "start", reason="需要", units=[{"unit": "承办单位", "leading": "yes"}])
    made.work.do("lead", "consult_departments", units=[{"unit": "财政局"}, {"unit": "司法局"}], reply_by="2024-03-20")

    sheet = opened(made, "lead", path(made, "settle_departments"))

    assert [sheet.value(f"outcomes.{n}.unit") for n in (0, 1)] == ["财政局", "司法局"]


def test_a_paper_of_the_dossier_may_be_used_again(found: Desk) -> None:
    found.work.do("lead", "open_survey", ends_on="2024-04-30", papers=("photo",))
    found.work.now += timedelta(days=61)
    found.clients.clear()
    found.work.do("lead", "close_survey")
    found.work.do("lead", "repeat_survey", reason="再来一次")
    first = next(act.papers[0] for act in found.work.facts().acts if act.papers)

    sheet = opened(found, "lead", path(found, "open_survey")).fill(ends_on="2024-07-30")
    assert sheet.value("paper.photo") == first.sha256
    checked = read(sheet.press(found.client("lead"), "check").text)
    assert checked.press(found.client("lead")).status_code == 303

    assert found.work.facts().acts[-1].papers[0].sha256 == first.sha256


def test_a_draft_is_written_compared_and_kept_as_it_was(found: Desk) -> None:
    client, there = found.client("lead"), path(found, "write_plan")
    first = opened(found, "lead", there).fill(text__title="砍伐方案", text__body="第一条 甲\n\n第二条 乙")
    read(first.press(client, "check").text).press(client)
    second = opened(found, "lead", there)
    assert second.value("text.body") == "第一条 甲\n第二条 乙"

    same = second.press(client, "check")
    assert "不产生新版本" in same.text
    changed = second.fill(text__body="第一条 甲\n第二条 丙\n第三条 丁").press(client, "check")

    assert "第二条 乙" in changed.text and "第二条 丙" in changed.text and "新增" in changed.text
    read(changed.text).press(client)
    assert found.work.facts().text.version == 2


def test_an_empty_draft_is_no_draft(found: Desk) -> None:
    answer = (
        opened(found, "lead", path(found, "write_plan")).fill(text__body=" \n ").press(found.client("lead"), "check")
    )

    assert answer.status_code == 422 and 'href="#f-text.body"' in answer.text


# ---- late entries ------------------------------------------------------------------------------------------------


def test_a_late_entry_needs_time_evidence_and_reason(found: Desk) -> None:
    client = found.client("lead")
    sheet = survey(found, late__at="2024-02-28T09:30")

    answer = sheet.press(client, "check", files=paper())

    assert answer.status_code == 422
    assert 'href="#f-late.evidence"' in answer.text and 'href="#f-late.reason"' in answer.text
    sheet.fill(late__evidence="邮戳2024年2月28日", late__reason="断网")
    checked = sheet.press(client, "check", files=paper())
    assert "补录：发生于 2024-02-28，登记于 2024-03-01" in checked.text
    read(checked.text).press(client)
    act = found.work.facts().acts[-1]
    assert act.late and act.at.astimezone(SHANGHAI).isoformat() == "2024-02-28T09:30:00+08:00"


@pytest.mark.parametrize(
    ("given", "say"), [("2024-03-09T09:00", "不能晚于现在"), ("昨天", "应写作"), ("2024-02-28", "几点几分")]
)
def test_a_late_entry_of_no_time_is_refused_at_its_field(found: Desk, given: str, say: str) -> None:
    answer = survey(found, late__at=given).press(found.client("lead"), "check", files=paper())

    assert answer.status_code == 422 and say in answer.text and 'href="#f-late.at"' in answer.text
    assert read(answer.text).value("late.at") == given


# ---- every type of field, without code for it -----------------------------------------------------------------------


def filled(every: Desk) -> Sheet:
    sheet = opened(every, "lead", path(every, "everything"))
    sheet.fill(
        words="文字", long="一行\n又一行", due="2024-03-31", at="2024-03-01T08:15", one="b", of_many="c3", several=["x", "z"],
        yes_no="false", because="缘故", count="12", cost="12,000.50", unit="财政局", person="陈予安", other="YH-2023-007",
        phone="13800000000", text__title="草案", text__body="第一条",
    )  # fmt: skip
    return sheet.put({
        "items.0.words": "列", "items.0.day": "2024-03-05", "items.0.at": "2024-03-05T10:00", "items.0.pick": "a",
        "items.0.picks": ["x", "y"], "items.0.sure": "true", "items.0.count": "3", "items.0.cost": "5", "items.0.unit": "财政局",
        "items.0.person": "何清越", "items.0.note": "长",
    })  # fmt: skip


PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg=="
)
FILES = [
    ("paper.photo", PHOTO),
    ("scan", ("扫描.png", PNG, "image/png")),
    ("items.0.scan", ("行.txt", "行附件".encode(), "text/plain")),
    ("text.file", ("草案.pdf", PDF + b"draft", "application/pdf")),
]


def test_every_type_of_field_is_shown_read_checked_and_kept(every: Desk) -> None:
    client = every.client("lead")

    checked = filled(every).press(client, "check", files=FILES)
    assert checked.status_code == 200, checked.text[-3000:]
    for words in (
        "又一行", "2024年3月31日（周日）", "2024-03-01 08:15", "乙项", "子项、寅项", "12,000.50 元", "财政局", "扫描.png",
        "13800000000", "陈予安（承办单位 业务科经办人）", "个人信息，不公开", "行.txt", "子、丑",
    ):  # fmt: skip
        assert words in checked.text, words

    done = read(checked.text).press(client)
    assert done.status_code == 303
    fields = every.work.facts().acts[-1].fields
    assert fields["at"] == "2024-03-01T00:15:00.000000Z"  # Shanghai's morning
    assert (fields["several"], fields["yes_no"], fields["count"], fields["cost"]) == (["x", "z"], False, 12, "12000.50")
    assert set(fields["phone"]) == {"commitment"}
    row = fields["items"][0]
    assert (row["sure"], row["picks"], row["scan"]["name"], row["person"]["name"]) == (
        True,
        ["x", "y"],
        "行.txt",
        "何清越",
    )
    assert "id" in fields["unit"] and "id" in row["person"]
    assert [one.kind for one in every.work.facts().acts[-1].papers] == ["photo", "draft"]
    found = every.get("lead", done.headers["location"])
    assert "13800000000" not in found


def test_what_is_required_only_then_says_when(every: Desk) -> None:
    html = every.get("lead", path(every, "everything"))
    assert "“是否”为“否”时必填" in html and "“单选”为“甲项”时必需" in html

    answer = filled(every).fill(because="").press(every.client("lead"), "check", files=FILES)

    assert answer.status_code == 422 and 'href="#f-because"' in answer.text


def test_everything_that_is_wrong_is_said_at_once(every: Desk) -> None:
    sheet = filled(every).fill(
        words="字" * 21, due="2024-02-30", at="2024-03-02T10:00", one="c", count="3.5", cost="1e5", yes_no="maybe"
    )
    sheet.put({"items.0.count": "NaN", "items.0.day": "昨天"})

    answer = sheet.press(every.client("lead"), "check", files=FILES)

    assert answer.status_code == 422
    for place in ("words", "due", "at", "one", "count", "cost", "yes_no", "items.0.count", "items.0.day"):
        assert f'href="#f-{place}"' in answer.text, place
        assert f'id="f-{place}"' in answer.text, place
    again = read(answer.text)
    assert (again.value("count"), again.value("cost"), again.value("items.0.count")) == ("3.5", "1e5", "NaN")


def test_one_of_two_people_of_a_name_can_be_meant(every: Desk) -> None:
    html = every.get("lead", path(every, "everything"))
    assert '<option value="沈砚（财政局 科员）">' in html and '<option value="陈予安">' in html

    sheet = filled(every).fill(person="沈砚（财政局 科员）")
    read(sheet.press(every.client("lead"), "check", files=FILES).text).press(every.client("lead"))

    meant = every.work.stage.actors["double"].person
    assert every.work.facts().acts[-1].fields["person"] == {"id": meant, "name": "沈砚"}


def test_a_name_outside_the_register_stays_a_name(every: Desk) -> None:
    sheet = filled(every).fill(person="欧阳娜娜", post="某乡 乡长")

    checked = sheet.press(every.client("lead"), "check", files=FILES)

    assert "欧阳娜娜（名册外，按所填文字记录）" in checked.text
    read(checked.text).press(every.client("lead"))
    assert every.work.facts().acts[-1].fields["person"] == {"name": "欧阳娜娜"}


def test_changing_an_answer_comes_back_to_the_same_form(every: Desk) -> None:
    client = every.client("lead")
    checked = read(filled(every).press(client, "check", files=FILES).text)

    again = checked.press(client, "edit")

    assert again.status_code == 200
    back = read(again.text)
    assert back.pairs and {name: back.value(name) for name in ("words", "several", "items.0.note", "text.body", "one")} == {
        "words": "文字", "several": "z", "items.0.note": "长", "text.body": "第一条", "one": "b"}  # fmt: skip
    assert back.value("key") == checked.value("key")
    assert read(back.press(client, "check").text).press(client).status_code == 303


# ---- hostile input -------------------------------------------------------------------------------------------------

HOSTILE = '<img src=x onerror="alert(1)">\'"{{7*7}}'


def test_markup_in_any_field_stays_words(every: Desk) -> None:
    client = every.client("lead")
    sheet = filled(every).fill(words=HOSTILE[:20], long=HOSTILE, unit=HOSTILE, person=HOSTILE, other=HOSTILE, because=HOSTILE,
                               phone=HOSTILE, text__title=HOSTILE, text__body=HOSTILE, hurry=HOSTILE)  # fmt: skip
    sheet.put({f"items.0.{name}": HOSTILE for name in ("words", "unit", "person", "note")} | {"pairs.0.name": HOSTILE})
    files = [("paper.photo", ("<img src=x onerror=alert(1)>.pdf", PDF, "application/pdf")), *FILES[1:]]

    checked = sheet.press(client, "check", files=files)
    done = read(checked.text).press(client)
    pages = [checked.text, every.get("lead", done.headers["location"]), every.get("lead", path(every, "everything"))]
    pages.append(sheet.fill(due="").press(client, "check", files=files).text)

    assert done.status_code == 303
    for html in pages:
        assert "<img" not in html and 'onerror="' not in html
    assert "&lt;img src=x" in checked.text and "{{7*7}}" in checked.text


@pytest.mark.parametrize(
    ("name", "given", "say"),
    [
        ("long", "字" * 60_001, "太长"),
        ("words", "\u202e反写", "控制字符"),
        ("words", "响\x07铃", "控制字符"),
        ("count", "9" * 17, "整数"),
        ("count", "1.0", "整数"),
        ("text.body", "第一条\x00", "控制字符"),
        ("text.title", "长" * 301, "太长"),
        ("late.reason", "\x1b[31m", "控制字符"),
        ("unknown", "x", "没有这一栏"),
        ("items", "x", "应当是若干行"),
        ("items.0.unknown", "x", "没有这一栏"),
        ("paper.opinion", "a" * 64, "没有这一栏"),
    ],
)
def test_what_no_field_takes_is_refused_at_its_place(every: Desk, name: str, given: str, say: str) -> None:
    sheet = filled(every).put({name: given})
    if name == "items":
        sheet.pairs = [pair for pair in sheet.pairs if not pair[0].startswith("items.")]

    files = [file for file in FILES if name != "items" or file[0] != "items.0.scan"]
    answer = sheet.press(every.client("lead"), "check", files=files)

    assert answer.status_code == 422 and say in answer.text
    assert len(every.work.facts().acts) == 1


@pytest.mark.parametrize(
    ("name", "content", "say"),
    [
        ("病毒.exe", b"MZ\x90\x00", "不能上传"),
        ("假.pdf", b"MZ\x90\x00", "内容与扩展名"),
        ("网页.txt", b"<html><script>alert(1)</script>", "内容与扩展名"),
        ("图.svg", b"<svg onload=alert(1)>", "不能上传"),
        ("空.pdf", b"", "空文件"),
        ("无扩展名", PDF, "不能上传"),
        ("宏.docx", b"PK\x03\x04 word/vbaProject.bin", "宏"),
    ],
)
def test_a_file_of_the_wrong_kind_is_refused_and_the_others_stay(
    every: Desk, name: str, content: bytes, say: str
) -> None:
    files = [("paper.photo", (name, content, "application/pdf")), *FILES[1:]]

    answer = filled(every).press(every.client("lead"), "check", files=files)

    assert answer.status_code == 422 and say in answer.text
    assert 'href="#f-paper.photo"' in answer.text and "扫描.png" in answer.text and "行.txt" in answer.text


def test_a_file_over_the_limit_is_refused_at_its_place(every: Desk) -> None:
    every.site.store.blobs.limit = 1000
    files = [("paper.photo", ("大.pdf", PDF + b"0" * 1000, "application/pdf")), *FILES[1:]]

    answer = filled(every).press(every.client("lead"), "check", files=files)

    assert answer.status_code == 422 and "文件太大" in answer.text and 'href="#f-paper.photo"' in answer.text


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.pdf", "C:\\temp\\..\\a.pdf", "a/b\u202efdp.pdf", "长" * 300 + ".pdf"]
)
def test_a_file_name_goes_nowhere(every: Desk, name: str) -> None:
    files = [("paper.photo", (name, PDF, "application/pdf")), *FILES[1:]]
    checked = filled(every).press(every.client("lead"), "check", files=files)
    read(checked.text).press(every.client("lead"))

    kept = every.work.facts().acts[-1].papers[0].name
    assert kept.endswith(".pdf") and len(kept) <= 120
    assert not set(kept) & set("/\\\u202e") and ".." not in kept


def test_sixty_files_are_too_many_for_one_place_each_and_more_are_no_form(every: Desk) -> None:
    many = [(f"place{n}", PHOTO) for n in range(60)]

    answer = filled(every).press(every.client("lead"), "check", files=many)
    flood = filled(every).press(every.client("lead"), "check", files=[*many, *many])

    assert answer.status_code == 422 and "这里不收文件" in answer.text
    assert flood.status_code == 400
    assert rows_of(every, "staged_file") == 0 and len(every.work.facts().acts) == 1


def test_a_hash_that_somebody_else_uploaded_is_refused(found: Desk) -> None:
    read(survey(found, "colleague").press(found.client("colleague"), "stage", files=paper()).text)
    with found.work.store.read() as connection:
        sha256 = connection.execute(text("select sha256 from staged_file")).scalar_one()

    answer = survey(found).put({"paper.photo": sha256}).press(found.client("lead"), "check")

    assert answer.status_code == 422 and "不是您上传的" in answer.text
    assert 'href="#f-paper.photo"' in answer.text


def test_an_upload_of_last_week_is_no_longer_believed(found: Desk) -> None:
    staged = read(survey(found).press(found.client("lead"), "stage", files=paper()).text)
    sha256 = staged.value("paper.photo")
    assert sha256
    found.work.now += timedelta(days=8)
    found.clients.clear()

    answer = survey(found, ends_on="2024-05-30").put({"paper.photo": sha256}).press(found.client("lead"), "check")

    assert answer.status_code == 422 and "已超过7天" in answer.text


def test_a_hash_of_another_case_is_refused_in_a_field_as_in_a_place(every: Desk) -> None:
    answer = (
        filled(every)
        .put({"scan": "a" * 64, "text.file": "b" * 64})
        .press(every.client("lead"), "check", files=FILES[:1])
    )

    assert answer.status_code == 422
    assert 'href="#f-scan"' in answer.text and 'href="#f-text.file"' in answer.text


def test_nothing_is_stored_by_half(every: Desk) -> None:
    before = {
        table: rows_of(every, table)
        for table in ("trail_entry", "act_key", "outbox", "vault_field", "blob", "case_act")
    }

    filled(every).fill(due="").press(every.client("lead"), "check", files=FILES)
    filled(every).press(every.client("lead"), "check", files=FILES)

    assert {table: rows_of(every, table) for table in before} == before


# ---- receipts ------------------------------------------------------------------------------------------------------


def test_a_sealed_act_gives_a_receipt_that_proves_itself(found: Desk) -> None:
    client = found.client("chief")
    sheet = opened(found, "chief", path(found, "refuse")).fill(reason="不符合条件")
    there = read(sheet.press(client, "check").text).press(client).headers["location"]
    assert client.get(there + "/receipt.json").status_code == 404
    sealing.seal_all(found.work.store, "yunhe", found.site.signer("yunhe"), found.work.now)

    html, body = found.get("chief", there), json.loads(found.get("chief", there + "/receipt.json"))

    assert "办理回执" in html and "存证点" in html and "receipt.json" in html
    data = base64.b64decode(body["bytes"])
    assert b"\xe4\xb8\x8d\xe7\xac\xa6\xe5\x90\x88" in data and body["entry"] in there
    proof = [bytes.fromhex(step) for step in body["proof"]]
    leaf, root = merkle.leaf_hash(merkle.leaf(data)), bytes.fromhex(body["root"])
    assert merkle.check_inclusion(body["position"], body["size"], leaf, proof, root)


def test_a_binding_act_that_waits_for_the_seal_says_so(found: Desk) -> None:
    client = found.client("chief")
    found.work.do("lead", "open_survey", ends_on="2024-04-30", papers=("photo",))
    found.work.now += timedelta(days=62)
    found.clients.clear()
    found.work.do("lead", "close_survey")
    client = found.client("chief")
    done = read(opened(found, "chief", path(found, "decide")).press(client, "check").text).press(client)

    html = found.get("chief", done.headers["location"])

    assert "已记录，待封存" in html and f'href="{done.headers["location"]}"' in html


def test_a_done_page_is_for_acts_of_the_case_and_for_those_who_may_see_it(found: Desk) -> None:
    entry = found.work.facts().acts[0].entry
    assert found.client("legal").get(f"/cases/{found.work.no}/done/{entry}").status_code == 200
    assert found.client("legal").get(f"/cases/{found.work.no}/done/{'0' * 36}").status_code == 404
    assert found.client("expert").get(f"/cases/{found.work.no}/done/{entry}").status_code == 404


# ---- the shipped procedures -------------------------------------------------------------------------------------------


def test_no_shipped_field_has_a_name_that_forms_use() -> None:
    for file in shipped.procedure_files():
        for action in procedures.read(file).actions:
            assert {spec.id for spec in action.fields}.isdisjoint(forms.RESERVED), action.id


def test_every_action_of_decree_713_has_a_form(store: Store, tmp_path: Path) -> None:
    made = desk(store, tmp_path, procedure=_major(tmp_path))
    made.work.do("proposer", "propose", **_matter())
    made.work.do("chief", "start", reason="需要", units=[{"unit": "承办单位", "leading": "yes"}])
    with store.read() as connection:
        procedure = steps.load(connection, made.work.authority, made.work.no).procedure
    seen = 0
    for action in procedure.actions:
        if action.id == procedure.opening:
            continue
        who = next(
            (one for one in made.work.stage.actors if set(action.by) & set(made.work.stage.actors[one].duties)), ""
        )
        answer = made.client(who).get(path(made, action.id))
        assert answer.status_code in (200, 403), action.id  # a duty of the case may have no holder yet
        seen += answer.status_code == 200
    assert seen > 80


def _major(tmp_path: Path) -> Path:
    """Decree 713 as it stood in the spring of 2024."""
    return next(file for file in shipped.procedure_files() if file.name == "2019.1.yaml")


def _matter() -> dict[str, Any]:
    judged = dict.fromkeys(("technical", "stability_risk", "vital_interest", "specific_group", "market_effect"), "no")
    reasons = dict.fromkeys(("problem", "basis", "solution", "necessity", "feasibility", "judgement"), "见说明")
    return {"title": "示例事项", "source": "department", "class": "plan", "public": "yes", **reasons, **judged}


# ---- in a browser ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("scripts", [True, False])
def test_an_official_takes_an_act_with_rows_and_an_upload(
    every: Desk, browser: Any, scripts: bool, tmp_path: Path
) -> None:
    (tmp_path / "现场.pdf").write_bytes(PDF)
    with served(every) as base, browser.new_context(java_script_enabled=scripts, locale="zh-CN") as context:
        page = context.new_page()
        faults: list[str] = []
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        sign_in(page, every, "lead", base)
        page.goto(base + path(every, "everything"))

        page.get_by_role("button", name="下一步：核对").click()
        expect(page.get_by_role("alert")).to_contain_text("请改正以下")
        page.get_by_role("link", name="请填写“文字”").click()
        page.keyboard.type("打字")
        page.locator("[name=due]").fill("2024-03-31")
        page.locator("[name='items.0.words']").fill("第一")
        page.locator("button[name=add_row][value=items]").click()
        expect(page.locator("[name='items.1.words']")).to_be_visible()
        page.locator("[name='items.1.words']").fill("第二")
        page.locator("button[name=remove_row][value='items.0']").click()
        expect(page.locator("[name='items.0.words']")).to_have_value("第二")
        page.locator("[name='text.body']").fill("第一条")
        page.set_input_files("[name='paper.photo'][type=file]", tmp_path / "现场.pdf")
        page.get_by_role("button", name="下一步：核对").click()

        expect(page.get_by_role("heading", level=1)).to_have_text("核对：填写各类栏目")
        expect(page.locator("main")).to_contain_text("现场.pdf")
        page.locator("button[formaction$='#f-words']").click()
        expect(page.locator("[name=words]")).to_have_value("打字")
        page.locator("[name=words]").press("Enter")  # the first button of the form takes no row away
        page.get_by_role("button", name="填写各类栏目").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("已办理：填写各类栏目")
        assert [fault for fault in faults if "422" not in fault] == []
    act = every.work.facts().acts[-1]
    assert (act.action, act.fields["items"]) == ("everything", [{"words": "第二"}])


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_refusal_takes_the_focus_and_leads_to_the_field(found: Desk, page: Page, tmp_path: Path) -> None:
    (tmp_path / "现场.pdf").write_bytes(PDF)
    with served(found) as base:
        sign_in(page, found, "lead", base)
        page.goto(base + path(found, "open_survey"))
        page.locator("[name=ends_on]").fill("2024-03-10")
        page.set_input_files("[name='paper.photo'][type=file]", tmp_path / "现场.pdf")
        page.get_by_role("button", name="下一步：核对").click()

        expect(page.locator("#refusal")).to_be_focused()
        page.get_by_role("link", name="说明理由").click()
        expect(page.locator("[name=short_reason]")).to_be_visible()
        page.locator("[name=short_reason]").fill("汛期将至")
        page.get_by_role("button", name="下一步：核对").click()
        expect(page.locator("main")).to_contain_text("偏离一般要求")
        page.get_by_role("button", name="发布公示").dblclick()
        expect(page.get_by_role("heading", level=1)).to_have_text("已办理：发布公示")
    assert acts(found) == ["ask", "begin", "open_survey"]
