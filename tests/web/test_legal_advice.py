"""S17: advisers and government lawyers are asked and answer, with licence and interest; each is weighed with a reason."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from decisionflow.service import steps
from decisionflow.store.engine import Store
from tests.web import review_room as room
from tests.web.desk import Desk
from tests.web.formreader import read
from tests.web.test_review_desk import plain, toward


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return room.accepted(room.room(store, tmp_path))


def page(found: Desk) -> str:
    return f"/cases/{found.work.no}/legal-advice"


def advised(found: Desk, **more: Any) -> Any:
    return room.act(found, "legal", "hear_advisers", **room.ADVICE | more)


def test_a_question_and_its_answer_go_from_the_page_to_the_act(found: Desk) -> None:
    sheet = read(found.get("legal", page(found)))
    checked = sheet.put({**room.ADVICE, "interest": "false"}).press(found.client("legal"))
    assert checked.status_code == 200 and "第三条能不能设定罚款？" in checked.text, checked.text
    confirm = read(checked.text)
    done = confirm.put({name: "yes" for name in confirm.names if name.startswith("act.confirm")}).press(
        found.client("legal")
    )
    assert done.status_code == 303, done.text
    words = plain(found.get("legal", page(found)))
    assert "姚明澈（法律顾问）" in words and "14101202010000001" in words and "第3段" in words and "待研究" in words
    assert found.work.facts().acts[-1].fields["interest"] is False and room.replays(found)


def test_each_is_weighed_with_its_reason_and_until_then_the_opinion_has_a_hint(found: Desk) -> None:
    advised(found)
    html = found.get("legal", page(found))
    sheet = toward(found, html, "weigh_advice")
    assert sheet.value("adviser") == "姚明澈"
    heads = {
        f"{head}{rest}": value
        for head in ("authority", "procedure", "content")
        for rest, value in (("", "ok"), ("_reason", "符合"))
    }
    given = {**heads, "conclusion": "lawful", "papers": ("legal_opinion",)}
    hinted = room.act(found, "legal", "conclude_legal_review", **given)
    assert isinstance(hinted, steps.Done) and "advice_weighed" in {one.code for one in hinted.hints}


def test_weighing_without_a_reason_is_sent_back(found: Desk) -> None:
    advised(found)
    with pytest.raises(Exception, match="reason"):
        room.act(found, "legal", "weigh_advice", adviser="姚明澈", adopted="not_adopted")
    done = room.act(
        found, "legal", "weigh_advice", adviser="姚明澈", adopted="not_adopted", reason="另有地方性法规依据"
    )
    assert isinstance(done, steps.Done)
    words = plain(found.get("legal", page(found)))
    assert "不采纳 另有地方性法规依据" in words and "待研究" not in words
    assert "不采纳：另有地方性法规依据" in plain(found.get("legal", room.page(found)))


def test_an_adviser_with_an_interest_is_refused_and_somebody_else_asked(found: Desk) -> None:
    held = advised(found, interest="yes")
    assert isinstance(held, steps.Held) and held.refused.rules == {"DF-DUTIES"}
    assert "请另请他人" in held.refused.blocking[0].say and held.refused.blocking[0].who == "legal"
    assert "还没有委托" in found.get("legal", page(found))


def test_nationally_an_unlawful_view_is_weighed_and_does_not_bar(found: Desk) -> None:
    advised(found, position="unlawful", adopted="not_adopted", adopted_reason="另有依据")
    words = plain(found.get("legal", page(found)))
    assert "全国层面由审查部门权衡" in words
    heads = {
        f"{head}{rest}": value
        for head in ("authority", "procedure", "content")
        for rest, value in (("", "ok"), ("_reason", "符合"))
    }
    done = room.act(found, "legal", "conclude_legal_review", **heads, conclusion="lawful", papers=("legal_opinion",))
    assert isinstance(done, steps.Done)


BARRED = """
format: 1
id: small-city
version: "2019.1"
title: 示例市
example: yes
extends: cn-major-decision@2019.1
in_force: {from: 2019-09-01}
changes:
  - do: add_gate
    on: submit_to_meeting
    gate: {id: advisers_not_against, check: rows_are, rows: {action: hear_advisers}, column: position,
           in: [lawful, change, none], strength: must, rules: [OV-13], say: 法律顾问认为不合法的不得提交讨论}
"""


def test_a_place_may_bar_what_advisers_hold_unlawful_and_the_page_says_so(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overlay = tmp_path / "small-city.yaml"
    overlay.write_text(BARRED, "utf-8")
    monkeypatch.setattr(room, "NATIONAL", overlay)
    made = room.accepted(room.room(store, tmp_path))
    assert "法律顾问认为不合法的不得提交讨论" in made.get("legal", page(made))


def test_colleagues_read_it_without_forms_and_strangers_do_not(found: Desk) -> None:
    advised(found)
    html = found.get("lead", page(found))
    assert "姚明澈" in html and not re.search(r"/do/(hear_advisers|weigh_advice)", html)
    assert found.client("expert").get(page(found)).status_code == 404
    assert found.client("").get(page(found)).status_code == 303
    wrong = room.act(found, "lead", "weigh_advice", adviser="姚明澈", adopted="adopted", reason="同意")
    assert isinstance(wrong, steps.Held) and wrong.refused.wrong_duty
