"""Sorting opinions into points: alike ones proposed, points made and studied, the answer signed with all of it."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from sqlalchemy import text

from decisionflow.errors import BadInput
from decisionflow.service import consultations, rehearsals, replay, steps
from decisionflow.service.consultations import Comment
from decisionflow.store.engine import Store
from tests.web.desk import Desk, desk
from tests.web.formreader import opened, read

ASKING = Path(__file__).parent.parent / "procedures" / "asking-the-public.yaml"
CAMPAIGN = "强烈要求保留解放路两侧的行道树，不要砍伐。"
SAID = (
    CAMPAIGN, CAMPAIGN, "强烈要求保留解放路两侧行道树，不要砍伐！", "请增设公交站。", "请增设公交站台。", "施工时间请避开夜间。",
)  # fmt: skip


def asked(store: Store, tmp_path: Path) -> Desk:
    """A case whose notice has been out for some days; nobody has said anything yet."""
    made = desk(store, tmp_path, procedure=ASKING)
    work = made.work
    work.do("proposer", "ask", title="解放路改造", public="yes")
    work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    draft = steps.DraftText("解放路改造方案", ("第一条 拓宽车道。", "第二条 砍伐行道树。"))
    work.submit("lead", steps.Ask("write", "w1", work.no, text=draft))
    work.do("lead", "notify", ends_on="2024-03-31")
    return made


def say(found: Desk, *said: str, **more: str) -> None:
    everybody = rehearsals.system_actor(found.work.authority.id, "公众")
    for words in said:
        found.site.store.write(
            lambda tx, words=words: consultations.receive(
                tx, found.work.authority, found.work.no, Comment(words, **more), everybody, found.work.now
            )
        )


def close(found: Desk) -> None:
    found.work.do("lead", "close", after=timedelta(days=31))
    found.clients.clear()


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    made = asked(store, tmp_path)
    say(made, *SAID)
    close(made)
    return made


def page(found: Desk, rest: str = "") -> str:
    return f"/cases/{found.work.no}/points{rest}"


def post(found: Desk, path: str, who: str = "lead", **values: Any) -> Any:
    return found.client(who).post(path, data={"csrf": found.csrf("lead", page(found)), **values})


def compared(found: Desk) -> None:
    assert post(found, page(found, "/compare")).status_code == 303


def placed(found: Desk, words: str, *bunches: int) -> str:
    """Put bunches into a new point; its id."""
    answer = post(found, page(found, "/place"), bunch=[str(one) for one in bunches], words_of_point=words)
    assert answer.status_code == 303, answer.text
    return str(rows(found, "select id from opinion_point order by n desc")[0].id)


def studied(found: Desk, point: str, **values: str) -> Any:
    html = found.get("lead", page(found, f"/{point}"))
    version = re.search(r'name="version" value="(\d+)"', html)
    shown = rows(found, f"select point from opinion_point where id = '{point}'")[0].point
    assert version
    given = {"point": shown, "disposition": "adopted", "reason": "", "article": "", "remark": "", "version": version[1]}
    return post(found, page(found, f"/{point}"), **{**given, **values})


def rows(found: Desk, sql: str) -> list[Any]:
    with found.site.store.read() as connection:
        return list(connection.execute(text(sql)))


def three_points(found: Desk) -> list[str]:
    compared(found)
    return [placed(found, "保留行道树", 2), placed(found, "增设公交站", 5), placed(found, "避开夜间施工", 7)]


def signed(found: Desk) -> Any:
    """Go on from the desk to the act's form and hand it in; the answer of the check page and of the act."""
    go = post(found, f"/cases/{found.work.no}/answer")
    assert go.status_code == 303, go.text
    client = found.client("lead")
    checked = opened(found, "lead", go.headers["location"]).fill(summary="多数采纳。").press(client, "check")
    return read(checked.text).press(client) if checked.status_code == 200 else checked


def test_alike_opinions_are_proposed_together_and_a_campaign_counts_its_wordings(found: Desk) -> None:
    html = found.get("lead", page(found))
    assert "还没有比对过" in html and html.count('name="bunch"') == 6
    compared(found)
    html = found.get("lead", page(found))
    assert html.count('name="bunch"') == 3 and "2 种文字" in html
    assert re.search(r'条数">3<br>', html) and rows(found, "select 1 from placement") == []


def test_points_are_made_studied_and_signed_with_the_numbers_of_their_opinions(found: Desk) -> None:
    trees, buses, nights = three_points(found)
    assert "全部意见都已经归入要点" in found.get("lead", page(found))
    studied(found, trees, disposition="partly", reason="两侧保留一侧", article="p2")
    studied(found, buses)
    studied(found, nights)
    answer = signed(found)
    assert answer.status_code == 303, answer.text[:3000]
    act = found.work.facts().acts[-1]
    points = act.fields["points"]
    assert [row["opinions"] for row in points] == ["2-4", "5-6", "7"]
    assert [row["count"] for row in points] == [3, 2, 1] and points[0]["distinct"] == 2
    assert (act.fields["unsettled"], act.fields["received"]) == (0, 6)
    paper = found.site.store.blobs.get(act.papers[0].sha256)
    account = Document(io.BytesIO(paper))
    assert "共收到意见 6 条（网上6条）" in "\n".join(one.text for one in account.paragraphs)
    assert account.tables[0].rows[1].cells[5].text == "第2段"
    with found.site.store.read() as connection:
        assert replay.compare(connection, found.site.store.blobs, found.work.authority.id) == ()


def test_an_opinion_in_no_point_holds_the_answer_with_the_number(found: Desk) -> None:
    compared(found)
    studied(found, placed(found, "保留行道树", 2))
    answer = signed(found)
    assert answer.status_code == 409
    for part in ("还有意见没有归入任何要点", "实为3", "DF-OPINION", "承办单位", "本产品规则"):
        assert part in answer.text, part
    assert found.work.facts().stages["participation"] == "collected"


def test_it_may_be_signed_all_the_same_with_a_reason_that_is_kept(found: Desk) -> None:
    compared(found)
    point = {"point": "保留行道树", "disposition": "adopted", "opinions": "2-4"}
    refused = found.work.do("lead", "answer", received="6", points=[point], summary="综述", papers=("summary",))
    assert [one.code for one in refused.refused.blocking] == ["settled"]
    found.work.do("lead", "answer", received="6", points=[point], summary="综述", papers=("summary",),
                  unreasoned_reason="其余意见转有关部门")  # fmt: skip
    act = found.work.facts().acts[-1]
    assert act.fields["unsettled"] == 3 and act.deviations == ("settled",)


@pytest.mark.parametrize(
    ("row", "say"),
    [({"opinions": "2-9"}, "有 2 个编号（如 9）不是本次收到的意见"), ({"opinions": "二到四"}, "看不懂"),
     ({"opinions": "2-4", "count": "1"}, "包括的意见却有 3 条")],
)  # fmt: skip
def test_wrong_numbers_are_refused_by_row(found: Desk, row: dict[str, str], say: str) -> None:
    given = {"point": "保留行道树", "disposition": "adopted", **row}
    with pytest.raises(BadInput) as fault:
        found.work.do("lead", "answer", received="6", points=[given], summary="综述", papers=("summary",))
    assert say in fault.value.problems[0].say and fault.value.problems[0].place.startswith("points[0].")


def test_the_number_of_what_is_left_out_is_never_typed(found: Desk) -> None:
    with pytest.raises(BadInput, match="unsettled"):
        found.work.do("lead", "answer", received="6", unsettled="0", summary="综述", papers=("summary",))
    assert "没有归入要点的意见" not in found.get("lead", f"/cases/{found.work.no}/do/answer")


def test_what_came_late_need_not_be_sorted(store: Store, tmp_path: Path) -> None:
    found = asked(store, tmp_path)
    found.work.now += timedelta(days=32)
    say(found, "来晚了。")
    found.work.do("lead", "close")
    found.work.do("lead", "answer", received="1", summary="只有一条逾期意见", papers=("summary",))
    assert found.work.facts().acts[-1].fields["unsettled"] == 0


def test_no_opinion_at_all_still_gets_an_account_and_an_answer(store: Store, tmp_path: Path) -> None:
    found = asked(store, tmp_path)
    close(found)
    assert "没有意见，也要公布结果" in found.get("lead", page(found))
    answer = signed(found)
    assert answer.status_code == 303, answer.text[:2000]
    paper = found.site.store.blobs.get(found.work.facts().acts[-1].papers[0].sha256)
    assert any("没有收到意见" in one.text for one in Document(io.BytesIO(paper)).paragraphs)


def test_an_opinion_may_lie_in_several_points_and_be_taken_out_again(found: Desk) -> None:
    trees, *_ = three_points(found)
    nights = rows(found, "select id from opinion_point order by n desc")[0].id
    with_numbers = post(found, page(found, f"/{trees}"), do="merge", into=nights)
    assert with_numbers.status_code == 303 and len(rows(found, "select 1 from opinion_point")) == 2
    html = found.get("lead", page(found, f"/{nights}"))
    assert "包括的意见（4 条，3 种文字）" in html
    post(found, page(found, f"/{nights}"), do="take_out", seq=["2", "3"])
    assert "包括的意见（2 条" in found.get("lead", page(found, f"/{nights}"))
    post(found, page(found, f"/{nights}"), do="drop")
    assert len(rows(found, "select 1 from opinion_point")) == 1 and len(rows(found, "select 1 from placement")) == 2


@pytest.mark.parametrize(
    ("values", "say"),
    [({}, "请先勾选"), ({"bunch": ["2"]}, "请选择一个要点"), ({"bunch": ["99"], "words_of_point": "新"}, "请先勾选"),
     ({"bunch": ["2"], "words_of_point": "要点\x07"}, "控制字符"), ({"bunch": ["x"], "words_of_point": "新"}, "请先勾选")],
)  # fmt: skip
def test_bad_input_at_the_desk_says_what_to_do_and_stores_nothing(found: Desk, values: Any, say: str) -> None:
    answer = post(found, page(found, "/place"), **values)
    assert answer.status_code == 422 and say in answer.text
    assert rows(found, "select 1 from opinion_point") == [] and rows(found, "select 1 from placement") == []


def test_a_point_of_the_same_words_is_not_made_twice(found: Desk) -> None:
    placed(found, "保留行道树", 2)
    answer = post(found, page(found, "/place"), bunch=["3"], words_of_point="保留 行道树。")
    assert answer.status_code == 422 and "已有" in answer.text
    assert len(rows(found, "select 1 from opinion_point")) == 1


def test_of_two_colleagues_the_second_sees_that_the_first_was_faster(found: Desk) -> None:
    trees = placed(found, "保留行道树", 2)
    stale = {"point": "保留", "disposition": "adopted", "reason": "", "article": "", "remark": "", "version": "1"}
    assert post(found, page(found, f"/{trees}"), **stale).status_code == 303
    answer = post(found, page(found, f"/{trees}"), **{**stale, "reason": "我写的理由"})
    assert answer.status_code == 412 and "刚刚改过这个要点" in answer.text and "我写的理由" in answer.text
    assert rows(found, "select reason from opinion_point")[0].reason == ""


def test_points_without_a_disposition_are_named_before_signing(found: Desk) -> None:
    three_points(found)
    answer = post(found, f"/cases/{found.work.no}/answer")
    assert answer.status_code == 409 and "还有 3 个要点没有写明怎样处理" in answer.text


def test_before_the_consultation_ends_one_may_sort_but_not_sign(store: Store, tmp_path: Path) -> None:
    found = asked(store, tmp_path)
    say(found, *SAID)
    found.clients.clear()
    html = found.get("lead", page(found))
    assert "征求意见结束以后才能签署" in html
    placed(found, "保留行道树", 2)
    assert len(rows(found, "select 1 from placement")) == 1


@pytest.mark.parametrize("who", ["chief", "proposer", "supervisor"])
def test_the_wrong_post_may_neither_look_nor_sort(found: Desk, who: str) -> None:
    found.get(who, page(found), 403)
    token = found.csrf(who, "/as") if 'name="csrf"' in found.client(who).get("/as").text else ""
    answer = found.client(who).post(page(found, "/place"), data={"csrf": token, "bunch": "2", "words_of_point": "新"})
    assert answer.status_code == 403 and rows(found, "select 1 from opinion_point") == []


def test_a_stranger_gets_nowhere(found: Desk) -> None:
    assert found.client("").get(page(found)).status_code == 303
    assert found.client("").post(page(found, "/place"), data={"bunch": "2"}).status_code in (303, 403)


def test_the_list_can_be_filtered_paged_and_exported_without_formulas(found: Desk) -> None:
    work = found.work
    html = found.get("lead", f"/cases/{work.no}/opinions?words=公交")
    assert "符合条件的" in html and "请增设公交站台。" in html and "夜间" not in html
    three_points(found)
    answer = found.client("lead").get(f"/cases/{work.no}/opinions.csv")
    table = answer.content.decode("utf-8-sig").splitlines()
    assert len(table) == 7 and table[0].startswith("编号,回执号") and table[1].endswith("保留行道树")
    assert found.client("chief").get(f"/cases/{work.no}/opinions.csv").status_code == 403


def test_staff_read_by_its_number_which_paragraph_an_opinion_is_about(store: Store, tmp_path: Path) -> None:
    made = asked(store, tmp_path)
    say(made, "请保留。", paragraph="p2")
    html = made.get("lead", f"/cases/{made.work.no}/opinions")
    assert "针对第2段" in html and "针对p2" not in html
    assert ",第2段," in made.get("lead", f"/cases/{made.work.no}/opinions.csv")


def test_a_formula_in_an_opinion_is_text_in_the_table(store: Store, tmp_path: Path) -> None:
    found = asked(store, tmp_path)
    say(found, '=HYPERLINK("http://x","领奖")', "+1", "@SUM(A1)", "-2", "\u4e2d𠮷👍")
    lines = found.client("lead").get(f"/cases/{found.work.no}/opinions.csv").content.decode("utf-8-sig").splitlines()
    assert [line.split(",")[7][:2] for line in lines[1:4]] == ["\"'", "'+", "'@"] and "𠮷👍" in lines[5]


def test_words_left_out_in_public_are_named_with_their_reason_and_can_be_shown_again(found: Desk) -> None:
    at = f"/cases/{found.work.no}/opinions/2"
    token = {"csrf": found.csrf("lead", page(found))}
    bad = found.client("lead").post(at, data={**token, "words": "没有的字", "ground": "privacy", "reason": "涉及他人"})
    assert bad.status_code == 422 and "不在意见原文里" in bad.text
    done = found.client("lead").post(
        at, data={**token, "words": "解放路两侧", "ground": "privacy", "reason": "涉及他人住址"}
    )
    assert done.status_code == 303
    html = found.get("lead", at)
    assert "强烈要求保留〔此处隐去：个人隐私或者个人信息〕的行道树" in html and "涉及他人住址" in html
    again = found.client("lead").post(at, data={**token, "words": "解放路", "ground": "privacy", "reason": "再来"})
    assert again.status_code == 409 and "已经隐去" in again.text
    with found.site.store.read() as connection:
        assert replay.compare(connection, found.site.store.blobs, found.work.authority.id) == ()
    entry = rows(found, "select entry_id from withheld")[0].entry_id
    found.client("lead").post(at, data={**token, "of": entry, "reason": "核实后不涉及"})
    assert "此处隐去" not in found.get("lead", at).split("隐去一部分")[0]
    with found.site.store.read() as connection:
        assert replay.compare(connection, found.site.store.blobs, found.work.authority.id) == ()
    assert (
        found.client("supervisor").post(at, data={"words": "树", "ground": "privacy", "reason": "x"}).status_code == 403
    )


def test_a_notice_begun_again_keeps_what_was_said_before_in_sight(store: Store, tmp_path: Path) -> None:
    found = asked(store, tmp_path)
    say(found, *SAID)
    found.work.do("lead", "recall", reason="附件有误")
    found.work.do("lead", "notify", ends_on="2024-04-05")
    say(found, "还是请保留。")
    found.clients.clear()
    html = found.get("lead", page(found))
    assert "撤回的公告此前收到过 6 条意见" in html and html.count('name="bunch"') == 1
    assert "请增设公交站。" in found.get("lead", f"/cases/{found.work.no}/opinions")
