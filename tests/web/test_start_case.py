"""S05 启动: the opening action's form, and the choice among procedures."""

from __future__ import annotations

from pathlib import Path

import pytest

from decisionflow.service import procedures, rehearsals
from decisionflow.store.engine import Store
from tests.web.desk import Desk, desk
from tests.web.formreader import Sheet, opened, read

EVERY_FIELD = Path(__file__).parent.parent / "procedures" / "every-field.yaml"


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return desk(store, tmp_path)


def asked(found: Desk, **more: str) -> Sheet:
    answers = {"title": "解放路行道树砍伐", "protected": "false", "trees": "3", **more}
    return opened(found, "proposer", "/cases/new").fill(**answers)


def test_a_case_is_opened_by_form_check_and_done(found: Desk) -> None:
    client = found.client("proposer")
    checked = asked(found, phone="13800000000").press(client, "check")
    assert checked.status_code == 200 and "解放路行道树砍伐" in checked.text

    done = read(checked.text).press(client)

    assert done.status_code == 303 and done.headers["location"].startswith("/cases/YH-2024-001/done/")
    html = found.get("proposer", done.headers["location"])
    assert "已办理：提出砍伐申请" in html and "YH-2024-001" in html
    assert "决定是否受理" in html and "江亦川" in html  # what comes next, and with whom


def test_pressing_twice_opens_one_case(found: Desk) -> None:
    client = found.client("proposer")
    checked = read(asked(found).press(client, "check").text)

    first, second = checked.press(client), checked.press(client)

    assert first.headers["location"] == second.headers["location"]
    assert found.client("proposer").get("/cases/YH-2024-002/do/begin").status_code == 404


def test_everything_that_is_missing_is_said_at_once(found: Desk) -> None:
    answer = asked(found, title="", protected="", trees="三棵").press(found.client("proposer"), "check")

    assert answer.status_code == 422
    for place in ("title", "trees"):
        assert f'href="#f-{place}"' in answer.text
    assert read(answer.text).value("trees") == "三棵"


def test_a_title_of_control_characters_is_no_fault_of_ours(found: Desk) -> None:
    answer = asked(found, title="\x07铃").press(found.client("proposer"), "check")

    assert answer.status_code == 422 and 'href="#f-title"' in answer.text


def test_a_post_without_the_duty_is_told_whose_act_it_is(found: Desk) -> None:
    answer = found.client("legal").get("/cases/new")

    assert answer.status_code == 403 and "应由申请单位办理" in answer.text and "<form" not in answer.text


def test_nobody_signed_in_is_sent_to_sign_in(found: Desk) -> None:
    assert found.client("").get("/cases/new").status_code == 303


def test_confirming_by_get_is_405(found: Desk) -> None:
    assert found.client("proposer").get("/cases/new/confirm").status_code == 405


def test_among_several_procedures_one_is_chosen(found: Desk) -> None:
    system = rehearsals.system_actor("yunhe")
    other = procedures.read(EVERY_FIELD)
    found.site.store.write(lambda tx: procedures.publish(tx, found.work.authority, other, system, found.work.now))

    html = found.get("lead", "/cases/new")
    assert "行道树砍伐审批" in html and "各类栏目" in html and "/cases/new?procedure=every-field" in html

    sheet = opened(found, "lead", "/cases/new?procedure=every-field").fill(title="各类")
    done = read(sheet.press(found.client("lead"), "check").text).press(found.client("lead"))
    assert done.status_code == 303
    assert "every-field@2024.1" in found.get("lead", done.headers["location"])


def test_a_procedure_that_is_not_published_is_404(found: Desk) -> None:
    assert found.client("proposer").get("/cases/new?procedure=no-such").status_code == 404


def test_a_case_that_was_proposed_on_paper_is_entered_late(found: Desk) -> None:
    sheet = asked(found, late__at="2024-02-20T10:00", late__evidence="收文登记本第12号", late__reason="系统启用前提出")
    checked = sheet.press(found.client("proposer"), "check")

    assert "补录：发生于 2024-02-20，登记于 2024-03-01，晚 10 日" in checked.text
    assert read(checked.text).press(found.client("proposer")).status_code == 303
