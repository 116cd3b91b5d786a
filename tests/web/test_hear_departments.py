"""Hearing departments: who was asked, who replied and how, what was missed, and the two ways on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from decisionflow.service import relay, steps
from decisionflow.store.engine import Store
from tests.web import risk_room as room
from tests.web.desk import Desk
from tests.web.formreader import opened, read
from tests.web.risk_room import on, page

UNITS = ("区财政局", "区自然资源局", "区交通运输局")


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    made = room.drafted(store, tmp_path)
    made.work.do("lead", "consult_departments", units=[{"unit": name, "reason": "职责相关"} for name in UNITS],
                 reply_by="2024-03-08", question="补偿资金")  # fmt: skip
    return made


def reply(found: Desk, unit: str, stance: str, **more: Any) -> Any:
    on = {} if stance == "overdue" else {"replied_on": "2024-03-01"}
    return found.work.do("lead", "record_department_reply", unit=unit, stance=stance, **on, **more)


def test_no_opinion_and_no_reply_are_never_one(found: Desk) -> None:
    reply(found, "区财政局", "no_opinion")
    html = found.get("lead", page(found, "departments"))
    assert "无意见 <strong" in html and "等待回复 <strong" in html and "还剩 7 日" in html and "逾期未复，" not in html
    on(found, 2024, 3, 11)
    html = found.get("lead", page(found, "departments"))
    assert html.count("逾期未复，已过 3 日") == 2 and "等待回复" not in html
    assert '无意见 <strong class="num">1</strong>，逾期未复 <strong class="num">2</strong>' in html
    reply(found, "区交通运输局", "overdue")
    found.clients.clear()
    html = found.get("lead", page(found, "departments"))
    assert html.count("逾期未复，已过 3 日") == 2 and "登记过催复：2024-03-11" in html


def test_a_reply_after_the_day_counts_and_is_marked(found: Desk) -> None:
    on(found, 2024, 3, 12)
    found.work.do("lead", "record_department_reply", unit="区财政局", stance="agree", replied_on="2024-03-12")
    html = found.get("lead", page(found, "departments"))
    assert "晚 4 日" in html and "同意" in html and html.count("逾期未复，已过") == 2


def test_agreement_is_confirmed_with_each_units_outcome_filled_in(found: Desk) -> None:
    reply(found, "区财政局", "agree")
    reply(found, "区自然资源局", "amend", words="补充用地手续", adoption="adopted")
    on(found, 2024, 3, 11)
    sheet = opened(found, "lead", page(found, "do/settle_departments?desk=yes"))
    told = dict(sheet.pairs)
    assert [told[f"outcomes.{n}.agreed"] for n in (0, 1)] == ["true", "true"] and "outcomes.2.agreed" not in told
    assert "逾期未复" in told["outcomes.2.note"]
    sheet.put({"outcomes.2.agreed": "true", "outcomes.2.note": "三次催复，视为不影响"})
    checked = sheet.press(found.client("lead"), "check")
    assert checked.status_code == 200, checked.text[:1500]
    assert read(checked.text).press(found.client("lead")).status_code == 303
    assert found.work.facts().stages["departments"] == "agreed" and room.replays(found)


def test_a_dispute_is_started_in_its_four_parts_from_the_replies(found: Desk) -> None:
    reply(found, "区财政局", "disagree", words="资金没有来源", adoption="not_adopted", adoption_reason="列入明年预算")
    reply(found, "区自然资源局", "agree")
    html = found.get("lead", page(found, "departments"))
    assert "不能取得一致的，要作出争议说明" in html
    sheet = opened(found, "lead", page(found, "do/file_dispute?desk=yes"))
    told = dict(sheet.pairs)
    assert (
        told["views.0.unit"] == "区财政局"
        and told["views.0.view"] == "不同意：资金没有来源"
        and "views.1.unit" not in told
    )
    assert (
        "与区财政局" in told["disputed_points"]
        and "不采纳" in told["lead_view"]
        and told["lead_reasons"] == "列入明年预算"
    )
    held = found.work.do("lead", "settle_departments", outcomes=[{"unit": "区财政局", "agreed": "no"}])
    assert isinstance(held, steps.Held) and held.refused.rules == {"D713-20"}
    assert all(one.say and one.cites for one in held.refused.blocking)


def test_a_row_leads_to_its_reply_with_what_is_there(found: Desk) -> None:
    reply(found, "区财政局", "amend", words="分两年安排")
    told = dict(opened(found, "lead", page(found, "do/record_department_reply?desk=yes&row=区财政局")).pairs)
    assert (told["unit"], told["stance"], told["words"]) == ("区财政局", "amend", "分两年安排")
    html = found.get("lead", page(found, "departments"))
    assert "区财政局的意见还没有写明怎样处理" in html and "登记采纳情况" in html


def test_a_letter_that_looks_like_a_formality_is_hinted_at(store: Store, tmp_path: Path) -> None:
    made = room.drafted(store, tmp_path)
    names = [*(f"第{n}单位" for n in range(15)), "司法局"]
    made.work.do("lead", "consult_departments", units=[{"unit": name} for name in names], reply_by="2024-03-04")
    html = made.get("lead", page(made, "departments"))
    assert "只留了 1 个工作日回复" in html and "征求了 16 个单位" in html
    assert "征求意见不能代替合法性审查（第二十五条第一款）" in html
    for name in names[:3]:
        reply(made, name, "no_opinion")
    made.clients.clear()
    assert "回复的全部是“无意见”" in made.get("lead", page(made, "departments"))


def test_what_reached_a_unit_in_the_system_shows_as_opened_only_once_it_was(found: Desk) -> None:
    html = found.get("lead", page(found, "departments"))
    assert "没有系统内的记录" in html
    relay.sweep(found.site.store, found.work.now, 0.0, mail=False)
    assert "已通知，没有打开" in found.get("lead", page(found, "departments"))
    client = found.client("consulted")
    with found.site.store.read() as connection:
        ids = list(connection.execute(text("select id from notice")).scalars())
    client.post("/inbox/read", data={"csrf": found.csrf("consulted", "/logout"), "notice": ids})
    html = found.get("lead", page(found, "departments"))
    assert "已打开" in html


def test_others_read_without_buttons_and_strangers_do_not(found: Desk) -> None:
    html = found.get("chief", page(found, "departments"))
    assert "区财政局" in html and "再次征求意见" not in html and "登记回复" not in html
    assert "没有编号" in found.get("expert", page(found, "departments"), 404)
    assert found.client("").get(page(found, "departments")).status_code == 303


def test_before_anybody_is_asked_the_desk_says_what_comes_first(store: Store, tmp_path: Path) -> None:
    made = room.drafted(store, tmp_path)
    html = made.get("lead", page(made, "departments"))
    assert "还没有征求有关单位的意见" in html and f"{page(made, 'do/consult_departments')}" in html
