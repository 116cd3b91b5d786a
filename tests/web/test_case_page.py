"""S04 事项详情: the page says where the case stands, whether it can go on, and what vouches for it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from decisionflow.service import consultations, rehearsals, sealing
from decisionflow.service.reads import why as reasons
from decisionflow.store.engine import Store
from tests.web.desk import Desk, desk


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    """A felling case in its survey, with one opinion from the public."""
    made = desk(store, tmp_path)
    work = made.work
    work.do("proposer", "ask", title="解放路行道树砍伐", protected="no", trees="3", phone="13800000000")
    work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    work.do("lead", "open_survey", ends_on="2024-03-31", papers=("photo",))
    public = rehearsals.system_actor("yunhe", "公众")
    comment = consultations.Comment("树还活着，请保留。", "oppose", name="买买提·艾力", contact="13900000000")
    store.write(lambda tx: consultations.receive(tx, work.authority, work.no, comment, public, work.now))
    return made


TABS = ("", "/checklist", "/timeline", "/drafts", "/opinions", "/people", "/proof")


def test_the_page_draws_the_map_with_a_table_twin(found: Desk) -> None:
    html = found.get("lead", f"/cases/{found.work.no}")
    assert '<svg class="df-svg"' in html and "用表格看" in html
    assert 'class="is-now"' in html and "踏勘" in html


def test_the_card_shows_its_five_parts(found: Desk) -> None:
    html = found.get("lead", f"/cases/{found.work.no}")
    for part in ("不能", "尚未完成踏勘与公示", "依据", "第二十五条", "谁去办", "最早何时"):
        assert part in html


def test_page_api_and_command_line_say_the_same_from_one_object(found: Desk) -> None:
    work = found.work
    with found.site.store.read() as connection:
        answer = reasons.why(connection, work.authority, work.no, "", work.now)
    api = found.client("lead").get(f"/api/v1/cases/{work.no}/gates/{answer.action}")

    assert api.status_code == 200
    assert api.json() == json.loads(json.dumps(reasons.as_json(answer)))
    html = found.get("lead", f"/cases/{work.no}")
    assert answer.headline in html
    for finding in answer.findings:
        assert finding.say in html and finding.rule in html


def test_every_tab_opens_for_those_who_may_see_the_case(found: Desk) -> None:
    for who in ("lead", "chief", "legal"):
        for tab in TABS:
            found.get(who, f"/cases/{found.work.no}{tab}")


def test_a_case_is_not_there_for_strangers_and_unknown_numbers_look_the_same(found: Desk) -> None:
    for tab in TABS:
        assert found.client("").get(f"/cases/{found.work.no}{tab}").status_code == 303
        found.get("expert", f"/cases/{found.work.no}{tab}", 404)
    known = found.get("expert", f"/cases/{found.work.no}", 404).replace(found.work.no, "N")
    assert known == found.get("expert", "/cases/YH-2024-999", 404).replace("YH-2024-999", "N")


def test_the_words_of_the_public_are_for_those_who_handle_them(found: Desk) -> None:
    assert "树还活着" in found.get("lead", f"/cases/{found.work.no}/opinions")
    html = found.get("proposer", f"/cases/{found.work.no}/opinions")
    assert "树还活着" not in html and "只有承办" in html


def test_personal_values_never_stand_on_the_timeline(found: Desk) -> None:
    html = found.get("lead", f"/cases/{found.work.no}/timeline")
    assert "13800000000" not in html and "个人信息，已另行保存" in html


def test_the_timeline_can_be_turned_and_narrowed(found: Desk) -> None:
    old = found.get("lead", f"/cases/{found.work.no}/timeline?order=old")
    new = found.get("lead", f"/cases/{found.work.no}/timeline")
    assert old.index("提出砍伐申请") < old.index("决定受理")
    assert new.index("提出砍伐申请") > new.index("决定受理")
    assert "提出砍伐申请</strong>" not in found.get("lead", f"/cases/{found.work.no}/timeline?track=踏勘")


def test_an_entry_shows_its_bytes_and_whether_they_are_whole(found: Desk) -> None:
    entry = found.work.facts().acts[0].entry
    html = found.get("lead", f"/entries/{entry}")
    assert "内容与摘要一致" in html and "step.taken" in html
    found.get("expert", f"/entries/{entry}", 404)
    found.get("lead", "/entries/none", 404)


def test_the_package_leaves_in_the_view_that_one_may_have(found: Desk) -> None:
    work = found.work
    sealing.seal_all(found.site.store, "yunhe", found.site.signer("yunhe"), work.now)
    answer = found.client("proposer").get(f"/cases/{work.no}/package?view=internal")
    assert answer.status_code == 200 and answer.content[:2] == b"PK"
    assert "attachment" in answer.headers["content-disposition"]
    found.get("proposer", f"/cases/{work.no}/package?view=full", 404)
    assert found.client("lead").get(f"/cases/{work.no}/package?view=full").status_code == 200
    found.get("lead", f"/cases/{work.no}/package?view=all", 422)


def test_a_version_there_is_not_is_bad_input(found: Desk) -> None:
    assert "还没有草案文本" in found.get("lead", f"/cases/{found.work.no}/drafts")


def test_procedures_and_rules_are_open_to_staff(found: Desk) -> None:
    assert "行道树砍伐审批" in found.get("lead", "/procedures")
    assert "第二十五条" in found.get("lead", "/procedures/tree-felling/2024.1")
    html = found.get("lead", "/rules/D713-45")
    assert "D713-45" in html and "尚未完成踏勘与公示" in html
    found.get("lead", "/rules/D713-9999", 404)
    found.get("lead", "/procedures/none/1999", 404)
    assert found.client("").get("/procedures").status_code == 303


def test_a_clock_that_runs_is_on_the_page(found: Desk) -> None:
    work = found.work
    work.do("lead", "close_survey", after=timedelta(days=31))
    work.do("chief", "decide")
    html = found.get("lead", f"/cases/{work.no}")
    assert "正在走的期限" in html and "df-lamp" in html
