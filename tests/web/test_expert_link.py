"""S13: an expert without an account comes by a link: the interest, then the papers, then the opinion, and what became of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from decisionflow.service import steps
from decisionflow.store.engine import Store
from tests.web import panel_room as room
from tests.web.desk import Desk

DRAFT = "按六车道改建"


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return room.room(store, tmp_path)


@pytest.fixture
def to(found: Desk) -> str:
    """The path of a link for the only economist."""
    return room.invite(found, "9", reason="库中仅一名经济专家，此前持不同意见")


def declare(client: TestClient, to: str, interest: str = "no", name: str = "乙一", words: str = "") -> Any:
    return client.post(f"{to}/declare", data={"interest": interest, "name": name, "words": words})


def send(client: TestClient, to: str, step: str = "send", **changes: str) -> Any:
    return client.post(f"{to}/opinion", data={**room.OPINION, "name": "乙一", "step": step, **changes})


def signed(found: Desk, to: str) -> TestClient:
    """Declared, opened, selected, signed."""
    client = room.cleared(found, to, "乙一")
    assert isinstance(room.select(found), steps.Done)
    assert send(client, to).status_code == 303
    return client


def kinds(found: Desk) -> list[str]:
    with found.site.store.read() as connection:
        return list(
            connection.execute(
                text("select kind from trail_entry where kind like 'panel.%' order by chain_seq")
            ).scalars()
        )


# ---- the link


def test_looking_at_a_link_binds_nothing_and_opening_it_binds_the_browser(found: Desk, to: str) -> None:
    looked = room.guest(found).get(to)
    assert (
        looked.status_code == 200 and "跨区道路" not in looked.text and room.rows(found, "expert_link")[0].bound == ""
    )
    mine = room.come(found, to)
    assert "第一步：声明有没有利害关系" in mine.get(to).text
    other = room.guest(found)
    for answer in (other.get(to), other.post(to), declare(other, to), send(other, to)):
        assert answer.status_code == 403 and "已经在另一台设备" in answer.text
    assert declare(mine, to).status_code == 303


def test_the_cookie_is_no_secret_of_the_database_and_leaves_the_link_alone(found: Desk, to: str) -> None:
    answer = room.guest(found).post(to)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "Path=/e/" in cookie and "samesite=lax" in cookie.lower()
    secret = cookie.partition("=")[2].partition(";")[0]
    (row,) = room.rows(found, "expert_link")
    assert row.bound and secret not in str(row) and to.removeprefix("/e/") not in str(row)


def test_a_link_that_nobody_made_leads_nowhere(found: Desk) -> None:
    for path in ("/e/x", "/e/" + "a" * 32, "/e/x/files/" + "0" * 64):
        assert "没有这个链接" in found.get("", path, 404)
    assert found.client("").post("/e/x").status_code == 404 and declare(room.guest(found), "/e/x").status_code == 404


def test_the_link_ends_with_its_last_day_and_more_time_goes_on_where_it_was(found: Desk, to: str) -> None:
    client = room.cleared(found, to, "乙一")
    room.on(found, 2024, 4, 10)
    client.post(f"{to}/save", data=room.OPINION)
    room.on(found, 2024, 4, 20, 23)
    assert client.get(to).status_code == 200
    room.on(found, 2024, 4, 21)
    assert (
        client.get(to).status_code == 410 and "已经过期" in client.get(to).text and send(client, to).status_code == 410
    )
    assert room.post(found, "invitations/1/link", until="2024-05-10", do="extend").status_code == 303
    assert "资金已落实" in client.get(to).text and room.replays(found)


def test_a_new_link_opens_elsewhere_and_shows_nobody_what_was_being_written(found: Desk, to: str) -> None:
    client = room.cleared(found, to, "乙一")
    client.post(f"{to}/save", data=room.OPINION)
    fresh = room.link(room.post(found, "invitations/1/link", until="2024-05-10"))
    assert client.get(to).status_code == 404
    page = room.come(found, fresh).get(fresh).text
    assert "第三步" in page and "资金已落实" not in page


def test_a_request_from_another_site_is_refused(found: Desk, to: str) -> None:
    client = room.come(found, to)
    answer = client.post(
        f"{to}/declare", data={"interest": "no", "name": "乙一"}, headers={"origin": "https://else.example"}
    )
    assert answer.status_code == 403 and room.rows(found, "invitation")[0].state == "invited"


# ---- first the interest


def test_no_paper_opens_before_the_declaration(found: Desk, to: str) -> None:
    client = room.come(found, to)
    assert DRAFT not in client.get(to).text
    early = client.post(f"{to}/papers")
    assert early.status_code == 409 and "先作利害关系声明" in early.text and DRAFT not in early.text
    paper = found.work.facts().papers()["drafting_note"].sha256
    assert client.get(f"{to}/files/{paper}").status_code == 404
    assert send(client, to).status_code == 409 and client.post(f"{to}/save", data=room.OPINION).status_code == 409
    assert declare(client, to).status_code == 303
    assert (
        DRAFT not in client.get(to).text and client.get(f"{to}/files/{paper}").status_code == 404
    )  # declared, not opened
    assert client.post(f"{to}/papers").status_code == 303
    assert DRAFT in client.get(to).text and client.get(f"{to}/files/{paper}").status_code == 200


@pytest.mark.parametrize(
    ("given", "say"),
    [({"interest": "", "name": "乙一"}, "请选择有没有利害关系"), ({"interest": "no", "name": ""}, "请写上您的姓名"),
     ({"interest": "no", "name": "甲一"}, "署名与受邀人不一致"), ({"interest": "yes", "name": "乙一"}, "请写明是什么利害关系"),
     ({"interest": "yes", "name": "乙一", "words": "很" * 1001}, "最多1000字")],
)  # fmt: skip
def test_a_declaration_that_is_none_is_told_and_nothing_is_kept(
    found: Desk, to: str, given: dict[str, str], say: str
) -> None:
    client = room.come(found, to)
    bad = client.post(f"{to}/declare", data=given)
    assert bad.status_code == 422 and say in bad.text and kinds(found) == ["panel.opened", "panel.invited"]


def test_a_declaration_is_made_once(found: Desk, to: str) -> None:
    client = room.come(found, to)
    assert declare(client, to).status_code == 303
    assert declare(client, to, "yes", words="其实有").status_code == 409
    assert kinds(found).count("panel.declared") == 1 and room.rows(found, "invitation")[0].state == "clear"


def test_whoever_has_an_interest_sees_nothing_more_and_the_words_lie_in_the_vault(found: Desk, to: str) -> None:
    client = room.come(found, to)
    assert declare(client, to, "yes", words="配偶在中标单位任职").status_code == 303
    gone = client.get(to)
    assert gone.status_code == 410 and "按规定回避" in gone.text and DRAFT not in gone.text
    assert client.post(f"{to}/papers").status_code == 410 and send(client, to).status_code == 410
    with found.site.store.read() as connection:
        data = connection.execute(text("select data from trail_entry where kind = 'panel.declared'")).scalar_one()
    assert "配偶" not in bytes(data).decode() and "配偶在中标单位任职" in found.get("lead", room.path(found))
    inbox = found.get("lead", "/inbox?box=notices")
    assert "乙一申报利害关系，已回避" in inbox and "配偶" not in inbox
    assert room.replays(found)


# ---- then the papers


def test_each_version_that_is_opened_is_recorded_once(found: Desk, to: str) -> None:
    client = room.cleared(found, to, "乙一")
    client.post(f"{to}/papers")
    assert kinds(found).count("panel.read") == 1
    room.redraft(found, "第一条　按四车道改建。")
    page = client.get(to).text
    assert "打开第 2 版草案和材料" in page and "四车道" not in page
    stale = send(client, to)
    assert stale.status_code == 422 and "请先打开这一版的材料" in stale.text and "资金已落实" in stale.text
    assert client.post(f"{to}/papers").status_code == 303 and "四车道" in client.get(to).text
    opened = json.loads(room.rows(found, "invitation")[0].opened)
    assert [one["version"] for one in opened] == [1, 2] and room.replays(found)
    found.clients.clear()
    assert "已打开草案第 1、2 版" in found.get("lead", room.path(found))


def test_only_papers_of_the_draft_open(found: Desk, to: str) -> None:
    client = room.cleared(found, to, "乙一")
    room.select(found)
    other = found.work.paper("expert_opinion", "别人的意见").sha256
    assert client.get(f"{to}/files/{other}").status_code == 404


# ---- the opinion


def test_what_is_being_written_is_seen_by_nobody_else(found: Desk, to: str) -> None:
    client = room.cleared(found, to, "乙一")
    kept = client.post(f"{to}/save", data=room.OPINION, headers={"hx-request": "true"})
    assert kept.status_code == 200 and kept.text.startswith("已保存 ") and "<" not in kept.text
    assert "排水须复核" in client.get(to).text
    for who in ("lead", "supervisor"):
        assert "排水须复核" not in found.get(who, room.path(found))
        assert "排水须复核" not in found.get(who, f"/cases/{found.work.no}/timeline")
    with found.site.store.read() as connection:
        entries = connection.execute(text("select data from trail_entry")).scalars().all()
    assert "排水须复核" not in b"".join(bytes(one) for one in entries).decode()


def test_the_opinion_is_looked_over_signed_and_stands_in_the_case_as_the_experts_act(found: Desk, to: str) -> None:
    client = room.cleared(found, to, "乙一")
    room.select(found)
    check = send(client, to, step="check", name="")
    assert check.status_code == 200 and "核对" in check.text and "排水须复核" in check.text
    again = send(client, to, step="edit")
    assert again.status_code == 200 and "排水须复核" in again.text
    assert send(client, to).status_code == 303
    act = found.work.facts().acts[-1]
    expert = room.rows(found, "expert")[8]
    assert (act.action, act.party.person, act.party.name, act.party.duty) == (
        "file_expert_opinion", expert.person_id, "乙一", "expert")  # fmt: skip
    assert act.fields["dissent"] == room.OPINION["dissent"] and act.fields["signed"] is True and act.text.version == 1
    assert act.papers[0].kind == "expert_opinion" and act.papers[0].name == "论证意见-乙一.docx"
    page = client.get(to).text
    assert "已经署名提交" in page and "承办单位还没有研究完" in page
    assert client.get(f"{to}/files/{act.papers[0].sha256}").status_code == 200
    assert room.rows(found, "invitation")[0].state == "filed" and room.replays(found)
    with found.site.store.read() as connection:
        assert connection.execute(text("select count(*) from draft")).scalar_one() == 0


@pytest.mark.parametrize(
    ("changes", "say"),
    [({"necessity": ""}, "请填写必要性的论证意见"), ({"conclusion": "maybe"}, "请选择总体意见"),
     ({"independent": ""}, "请确认独立论证"), ({"name": "甲一"}, "署名与受邀人不一致"), ({"name": ""}, "请写上您的姓名"),
     ({"soundness": "字" * 10_001}, "最多10000字"), ({"soundness": "x\u202ey"}, "控制字符")],
)  # fmt: skip
def test_what_is_missing_is_told_with_everything_typed_kept(
    found: Desk, to: str, changes: dict[str, str], say: str
) -> None:
    client = room.cleared(found, to, "乙一")
    room.select(found)
    bad = send(client, to, **changes)
    assert bad.status_code == 422 and say in bad.text and "资金已落实" in bad.text
    assert found.work.facts().last(("file_expert_opinion",)) is None


def test_before_the_list_is_signed_the_opinion_is_refused_with_its_card_and_not_lost(found: Desk, to: str) -> None:
    client = room.cleared(found, to, "乙一")
    held = send(client, to)
    assert held.status_code == 409 and 'id="refusal"' in held.text and "谁去办" in held.text and "最早何时" in held.text
    assert (
        "资金已落实" in held.text and "/cases/" not in held.text and room.rows(found, "invitation")[0].state == "clear"
    )
    room.select(found)
    assert send(client, to).status_code == 303


def test_pressed_twice_it_is_one_opinion(found: Desk, to: str) -> None:
    client = signed(found, to)
    assert send(client, to).status_code == 303 and send(client, to, necessity="另一句").status_code == 303
    assert sum(act.action == "file_expert_opinion" for act in found.work.facts().acts) == 1
    assert kinds(found).count("panel.filed") == 1


def test_after_signing_only_a_correction_is_possible_and_the_old_words_stay(found: Desk, to: str) -> None:
    client = signed(found, to)
    assert client.post(f"{to}/save", data=room.OPINION).status_code == 409
    body = {**room.OPINION, "name": "乙一", "key": "correct-1", "feasibility": "可行，分两年安排资金。"}
    bare = client.post(f"{to}/correct", data=body)
    assert bare.status_code == 422 and "请写明为什么更正" in bare.text
    same = client.post(f"{to}/correct", data={**body, **room.OPINION, "reason": "没有理由"})
    assert same.status_code == 422 and "内容没有改动" in same.text
    assert client.post(f"{to}/correct", data={**body, "reason": "原写漏了年度"}).status_code == 303
    page = client.get(to).text
    assert "分两年安排资金" in page and "已更正" in page and room.replays(found)
    with found.site.store.read() as connection:
        old = connection.execute(
            text("select data from trail_entry where kind = 'step.taken' order by chain_seq desc")
        ).scalars()
        assert any("可行，资金已落实" in bytes(one).decode() for one in old)


def test_a_signed_opinion_stays_readable_after_the_last_day_and_says_what_became_of_it(found: Desk, to: str) -> None:
    client = signed(found, to)
    found.work.do("lead", "report_experts", papers=("expert_summary",), dissent="一次建成六车道的意见分歧，改为分期", points=[
        {"point": "排水须复核", "expert": "乙一", "disposition": "adopted", "reason": "已委托复核"},
        {"point": "别人的意见", "expert": "甲一", "disposition": "not_adopted", "reason": "已另行说明"}])  # fmt: skip
    room.on(found, 2024, 6, 3)
    page = client.get(to).text
    assert "排水须复核" in page and "已委托复核" in page and "采纳" in page and "改为分期" in page
    assert "别人的意见" not in page and "追加更正" in page


def test_a_newer_draft_is_told_to_who_spoke_on_an_older_one(found: Desk, to: str) -> None:
    client = signed(found, to)
    room.redraft(found, "第一条　按四车道改建。")
    page = client.get(to).text
    assert "您评的是第 1 版，草案现在是第 2 版" in page and "四车道" not in page


def test_when_the_case_is_over_nobody_writes_any_more(found: Desk, to: str) -> None:
    client = room.cleared(found, to, "乙一")
    found.work.do("chief", "withdraw", reason="另有安排，不再推进", told="已告知")
    assert client.get(to).status_code == 410 and "不再接受论证意见" in client.get(to).text
