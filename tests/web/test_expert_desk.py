"""S12: the lead unit chooses experts: candidates with reasons, a frozen list, a draw, invitations, and who follows whom."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import text

from decisionflow.core import draw as draws
from decisionflow.service import evidence, sealing, steps
from decisionflow.service import site as sites
from decisionflow.service.pool import Given
from decisionflow.store.engine import Store
from decisionflow.trail import verify
from tests.web import panel_room as room
from tests.web.desk import Desk
from tests.web.formreader import read


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return room.room(store, tmp_path)


def invited(found: Desk) -> tuple[list[str], list[str], list[str]]:
    """Drawn and invited: the numbers drawn, those in reserve, and the links."""
    record = room.drawn(found)
    numbers, spare = record["drawn"]["结构工程"], record["reserve"]["结构工程"]
    return numbers, spare, [room.invite(found, no) for no in numbers]


def test_each_candidate_comes_with_what_speaks_against(found: Desk) -> None:
    html = found.get("lead", f"{room.path(found)}?side=结构工程&count=2&source={room.SOURCE}")
    for say in (
        "与承办单位是同一单位",
        "曾在承办单位工作",
        "与承办单位有合作",
        "申报的亲属关系涉及承办单位",
        "不能参加，到 2024-12-31",
    ):
        assert say in html, say
    assert "冻结名单（3 人）" in html and "乙一" not in html and "兄长" not in html


def test_a_frozen_list_says_who_was_left_out_and_why_and_names_nobody_in_the_record(found: Desk) -> None:
    assert room.frozen(found).status_code == 303
    record = found.client("lead").get(f"{room.path(found)}/draws/1").json()
    assert [one["no"] for one in record["candidates"]] == ["1", "2", "3"] and "甲一" not in json.dumps(record)
    html = found.get("supervisor", room.path(found))
    assert "没有列入的专家" in html and "甲六（示例咨询公司）" in html and "与承办单位有合作" in html
    with found.site.store.read() as connection:
        data = connection.execute(text("select data from trail_entry where kind = 'lot.frozen'")).scalar_one()
    left = {one["no"]: one["why"] for one in json.loads(bytes(data))["body"]["left_out"]}
    assert (
        sorted(left) == ["4", "5", "6", "7", "8"]
        and left["6"] == ["与承办单位有合作（承接其项目）"]
        and room.replays(found)
    )


def test_too_few_for_the_seats_is_refused_with_the_article_and_the_ways_out(found: Desk) -> None:
    few = room.frozen(found, 结构工程=4)
    assert few.status_code == 422 and "可以抽的只有 3 名" in few.text and "上级专家库" in few.text
    assert room.rows(found, "lot") == [] and room.rows(found, "invitation") == []


@pytest.mark.parametrize(
    ("side", "count", "source", "say"),
    [([""], [""], room.SOURCE, "请填写至少一个专业领域"), (["结构工程"], ["零"], room.SOURCE, "1到50之间的整数"),
     (["结构工程", "结构工程"], ["1", "1"], room.SOURCE, "写了两次"), (["结构工程"], ["2"], "", "请写明种子的来源")],
)  # fmt: skip
def test_conditions_that_are_none_are_told(
    found: Desk, side: list[str], count: list[str], source: str, say: str
) -> None:
    bad = room.post(found, "freeze", side=side, count=count, source=source)
    assert bad.status_code == 422 and say in bad.text and room.rows(found, "lot") == []


def test_a_draw_is_what_the_command_line_verifies_and_is_not_done_twice(found: Desk) -> None:
    record = room.drawn(found)
    done = draws.read(json.dumps(record), "draw.json")
    assert (
        draws.faults(done) == () and len(record["drawn"]["结构工程"]) == 2 and len(record["reserve"]["结构工程"]) == 1
    )
    assert room.post(found, "draw", seed="别的").status_code == 409
    assert room.frozen(found).status_code == 409 and len(room.rows(found, "lot")) == 1 and room.replays(found)


def test_after_freezing_the_conditions_change_only_by_voiding_with_a_reason_and_a_new_seed(found: Desk) -> None:
    room.drawn(found)
    assert "看候选人" not in found.get("lead", room.path(found))
    short = room.post(found, "void", again="再来", next="")
    assert short.status_code == 422 and "至少8字" in short.text and "新的种子从哪里来" in short.text
    assert room.post(found, "void", again="漏掉了一位有交通专长的专家", next="2024-04-05体彩排列五").status_code == 303
    assert room.frozen(found, source="", 结构工程=2).status_code == 303
    assert found.client("lead").get(f"{room.path(found)}/draws/2").json()["source"] == "2024-04-05体彩排列五"
    assert room.post(found, "draw", seed="1 2 3 4 5").status_code == 303
    html = found.get("lead", room.path(found))
    assert "已经重新抽取 1 次" in html and "漏掉了一位有交通专长的专家" in html and room.replays(found)


def test_a_link_is_shown_once_and_only_its_hash_is_kept(found: Desk) -> None:
    numbers, _, links = invited(found)
    assert links[0] not in found.get("lead", room.path(found))
    (first, _) = room.rows(found, "expert_link")
    assert links[0].removeprefix("/e/") not in str(first) and len(links[0].removeprefix("/e/")) >= 32
    assert [row.how for row in room.rows(found, "invitation")] == ["draw", "draw"]
    twice = room.post(found, "invitations", expert=numbers[0], until="2024-04-20")
    assert twice.status_code == 409 and len(room.rows(found, "invitation")) == 2


def test_while_somebody_drawn_is_invited_nothing_is_drawn_again(found: Desk) -> None:
    invited(found)
    held = room.post(found, "void", again="想换一批专家重新来过", next="2024-04-05体彩排列五")
    assert held.status_code == 409 and "已经按这次抽取发出了邀请" in held.text


def test_whoever_recuses_is_followed_by_the_reserve_and_the_count_stays_right(found: Desk) -> None:
    numbers, spare, links = invited(found)
    out = room.come(found, links[0]).post(f"{links[0]}/declare", data={
        "interest": "yes", "words": "本院承接过前期设计", "name": room.name(numbers[0])})  # fmt: skip
    assert out.status_code == 303
    html = found.get("lead", room.path(found))
    assert (
        "本院承接过前期设计" in html
        and f"邀请{room.name(spare[0])}" in html
        and '需要 <strong class="num">2</strong>' in html
    )
    third = room.invite(found, spare[0])
    assert [row.how for row in room.rows(found, "invitation")] == ["draw", "draw", "reserve"]
    for to, no in ((links[1], numbers[1]), (third, spare[0])):
        room.cleared(found, to, room.name(no))
    assert isinstance(room.select(found), steps.Done)
    said = found.work.facts().acts[-1].fields
    assert (said["undrawn"], said["draws"]) == (0, 1) and room.replays(found)
    assert [(row["chosen"], row["interest"]) for row in said["experts"]] == [
        (False, True),
        (True, False),
        (True, False),
    ]
    assert {one["name"] for one in found.work.facts().duties["expert"]} == {room.name(numbers[1]), room.name(spare[0])}


def test_a_list_at_odds_with_the_draw_needs_its_reason(found: Desk) -> None:
    numbers, _, links = invited(found)
    for to, no in zip(links, numbers, strict=True):
        room.cleared(found, to, room.name(no))
    stranger = [
        {"name": "甲四", "unit": "承办单位", "field": "结构工程", "declared": "yes", "interest": "no", "chosen": "yes"}
    ]
    held = room.select(found, experts=stranger)
    assert isinstance(held, steps.Held) and [one.code for one in held.refused.blocking] == ["experts_as_drawn"]
    (finding,) = held.refused.blocking
    assert finding.rule == "DF-DRAW" and "实为3" in finding.detail
    assert isinstance(room.select(found, experts=stranger, unlike_draw="两人出国，候补用完，另选一人"), steps.Done)


def test_a_targeted_invitation_needs_its_reason_and_is_marked_as_no_draw(found: Desk) -> None:
    bare = room.post(found, "invitations", expert="9", until="2024-04-20")
    assert bare.status_code == 422 and "请写明理由" in bare.text and 'value="9"' in bare.text
    to = room.invite(found, "9", reason="库中仅一名经济专家，此前持不同意见")
    room.cleared(found, to, "乙一")
    found.clients.clear()
    assert "定向邀请（非抽取）" in found.get("lead", room.path(found))
    assert isinstance(room.select(found), steps.Done)
    said = found.work.facts().acts[-1].fields
    assert said["method"] == "pick" and "非抽取" in said["experts"][0]["note"] and "非抽取" in said["method_note"]


def test_who_is_away_or_has_left_cannot_be_invited_and_a_day_gone_by_is_none(found: Desk) -> None:
    away = room.post(found, "invitations", expert="8", until="2024-04-20", reason="只有他熟悉这一段路")
    assert away.status_code == 422 and "甲八不能参加" in away.text
    past = room.post(found, "invitations", expert="1", until="2024-03-01", reason="只有他熟悉这一段路")
    assert past.status_code == 422 and "截止日期不能早于今天" in past.text
    assert room.post(found, "invitations", expert="99", until="2024-04-20").status_code == 404
    assert room.rows(found, "invitation") == []


def test_an_invitation_that_is_ended_takes_its_link_along_and_the_reserve_follows(found: Desk) -> None:
    _, spare, links = invited(found)
    bare = room.post(found, "invitations/1/end", reason="忙")
    assert bare.status_code == 422 and "至少8字" in bare.text
    assert room.post(found, "invitations/1/end", reason="来电表示出国，不能参加").status_code == 303
    assert room.guest(found).get(links[0]).status_code == 404
    assert f"邀请{room.name(spare[0])}" in found.get("lead", room.path(found)) and room.replays(found)
    assert room.post(found, "invitations/1/end", reason="来电表示出国，不能参加").status_code == 409
    assert room.post(found, "invitations/9/end", reason="来电表示出国，不能参加").status_code == 404


def test_a_new_link_ends_the_old_one(found: Desk) -> None:
    _, _, links = invited(found)
    fresh = room.link(room.post(found, "invitations/1/link", until="2024-04-30"))
    assert room.guest(found).get(links[0]).status_code == 404 and room.guest(found).get(fresh).status_code == 200
    assert str(room.rows(found, "invitation")[0].until) == "2024-04-30" and room.replays(found)


def test_how_busy_somebody_is_and_how_they_spoke_is_counted_from_the_cases(found: Desk) -> None:
    to = room.invite(found, "9", reason="库中仅一名经济专家，此前持不同意见")
    client = room.cleared(found, to, "乙一")
    room.select(found)
    found.clients.clear()
    assert "1 件" in found.get("office", "/experts?q=乙一")
    signed = client.post(
        f"{to}/opinion", data={**room.OPINION, "conclusion": "disagree", "step": "send", "name": "乙一"}
    )
    assert signed.status_code == 303
    found.clients.clear()
    room.begin(found, "另一条道路的方案")
    found.clients.clear()
    html = found.get("lead", f"{room.path(found)}?side=经济&count=1&source=x")
    assert "在办 0 件" in html and "不同意 1" in html


def test_the_act_starts_filled_in_and_takes_the_record_along(found: Desk) -> None:
    numbers, _, links = invited(found)
    for to, no in zip(links, numbers, strict=True):
        room.cleared(found, to, room.name(no))
    go = room.post(found, "select")
    assert go.status_code == 303 and "account=" in go.headers["location"]
    sheet = read(found.get("lead", go.headers["location"]))
    names = [value for name, value in sheet.pairs if re.fullmatch(r"experts\.\d+\.name", name)]
    assert names == [room.name(no) for no in numbers]
    checked = sheet.put({"form": "written", "differing_sought": "true"}).press(found.client("lead"), "check")
    assert checked.status_code == 200 and "专家抽取记录" in checked.text, checked.text
    done = read(checked.text).press(found.client("lead"))
    assert done.status_code == 303
    facts = found.work.facts()
    assert json.loads(found.site.store.blobs.get(facts.papers()["expert_selection"].sha256))["seed"] == room.SEED


def test_before_the_draft_and_after_the_report_nobody_is_chosen(found: Desk) -> None:
    found.work.do("chief", "withdraw", reason="另有安排，不再推进", told="已告知")
    found.clients.clear()
    html = found.get("lead", room.path(found))
    assert "现在不在选取专家的环节" in html and "看候选人" not in html
    assert room.frozen(found).status_code == 409


def test_others_look_or_see_nothing(found: Desk) -> None:
    invited(found)
    html = found.get("supervisor", room.path(found))
    assert "已邀请" in html and "作废这一次" not in html and "结束邀请，由候补递补" not in html
    assert "只有承办单位和监督岗位可以看" in found.get("legal", room.path(found), 403)
    assert "没有编号" in found.get("expert", room.path(found), 404)
    for to in ("freeze", "void", "draw", "invitations", "invitations/1/link", "invitations/1/end"):
        answer = room.post(found, to, "supervisor", side=["结构工程"], count=["1"], source=room.SOURCE, again="重新抽取一次吧",
                           next="2024-05-05", seed="1", expert="3", until="2024-04-20", reason="没有理由的理由")  # fmt: skip
        assert answer.status_code == 403, to
    assert [row.state for row in room.rows(found, "invitation")] == ["invited", "invited"]


def test_a_form_of_another_session_is_refused(found: Desk) -> None:
    answer = found.client("lead").post(f"{room.path(found)}/draw", data={"seed": room.SEED, "csrf": "x"})
    assert answer.status_code == 403


def test_the_package_carries_the_panel_and_the_public_one_does_not(found: Desk) -> None:
    numbers, _, links = invited(found)
    room.come(found, links[0]).post(f"{links[0]}/declare", data={
        "interest": "yes", "words": "本院承接过前期设计", "name": room.name(numbers[0])})  # fmt: skip
    work, store = found.work, found.site.store
    sealing.seal_all(store, "yunhe", found.site.signer("yunhe"), work.now)
    trust, whole = sites.trust(sites.trust_path(found.site.settings)), {}
    with store.read() as connection:
        for view in ("full", "internal", "public"):
            data = evidence.package(
                connection, store.blobs, found.site.signer("yunhe"), work.authority, work.no, view, work.now
            )
            report = verify.verify(data, trust)
            assert report.verdict == verify.PASSED, (view, report.say)
            whole[view] = contents(data)
    said = "本院承接过前期设计"
    assert said in whole["full"] and said not in whole["internal"] and "panel.declared" in whole["internal"]
    assert "panel." not in whole["public"] and "甲一" not in whole["public"]


def contents(package: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(package)) as opened:
        return "".join(
            opened.read(name).decode("utf-8", "replace") for name in opened.namelist() if not name.endswith(".py")
        )


def test_somebody_with_two_fields_stands_on_the_list_once(store: Store, tmp_path: Path) -> None:
    found = room.room(store, tmp_path, Given("甲一", "结构工程、岩土", "示例大学"), Given("甲二", "岩土", "示例设计院"))
    assert room.frozen(found, 结构工程=1, 岩土=1).status_code == 303
    record = found.client("lead").get(f"{room.path(found)}/draws/1").json()
    assert [(one["no"], one["side"]) for one in record["candidates"]] == [("1", "结构工程"), ("2", "岩土")]
