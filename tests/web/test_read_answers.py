"""What became of it: answers published together on the notice's page, each sender told by the receipt."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from decisionflow.service import consultations, rehearsals, sealing, steps
from decisionflow.service import site as sites
from decisionflow.service.consultations import Comment, Receipt
from decisionflow.store.engine import Store
from decisionflow.trail import verify as proof
from tests.web.desk import Desk
from tests.web.test_sort_opinions import asked, close

WORDS = ("请保留行道树，我的电话是13912345678。", "请增设公交站。", "王某某家门口那棵也要留。")


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Desk:
    return asked(store, tmp_path)


def sent(found: Desk, words: str) -> Receipt:
    everybody = rehearsals.system_actor(found.work.authority.id, "公众")
    work = found.work
    return found.site.store.write(
        lambda tx: consultations.receive(tx, work.authority, work.no, Comment(words), everybody, work.now)
    )


def answered(found: Desk, *, publish: bool = True) -> None:
    """The draft is changed where the first point asked for it, the answer signed and, if so wanted, published."""
    work = found.work
    close(found)
    draft = steps.DraftText("解放路改造方案", ("第一条 拓宽车道。", "第二条 保留东侧行道树，砍伐西侧行道树。"))
    work.submit("lead", steps.Ask("write", "w2", work.no, text=draft))
    points = [
        {
            "point": "保留行道树",
            "disposition": "partly",
            "reason": "东侧保留，西侧压占管线",
            "article": "p2",
            "opinions": "2,4",
        },
        {"point": "增设公交站", "disposition": "not_adopted", "reason": "两百米内已有站点", "opinions": "3"},
    ]
    work.do("lead", "answer", received="3", points=points, summary="部分采纳。", papers=("summary",))
    if publish:
        work.do("lead", "publish", words="感谢各位。")
    found.clients.clear()


def looked_up(found: Desk, receipt: Receipt) -> Any:
    return found.client("").post("/public/receipt", data={"receipt": receipt.receipt, "code": receipt.code})


def test_nothing_is_shown_before_the_answers_are_published_together(found: Desk) -> None:
    receipt = sent(found, WORDS[0])
    for words in WORDS[1:]:
        sent(found, words)
    answered(found, publish=False)
    assert "采纳情况" not in found.get("", f"/public/c/{found.work.no}")
    found.get("", f"/public/c/{found.work.no}/opinions", 404)
    assert "研究中" in looked_up(found, receipt).text and "压占管线" not in looked_up(found, receipt).text
    found.work.do("lead", "publish", words="感谢各位。")
    assert "东侧保留，西侧压占管线" in found.get("", f"/public/c/{found.work.no}")


def test_the_notice_shows_points_with_counts_reasons_and_the_sentence_that_changed(found: Desk) -> None:
    for words in WORDS:
        sent(found, words)
    answered(found)
    html = found.get("", f"/public/c/{found.work.no}")
    assert "共收到 3 条意见（网上 3 条），归为 2 个要点：部分采纳 1 个，不采纳 1 个" in html
    assert "<del>第二条 砍伐行道树。</del>" in html and "<ins>第二条 保留东侧行道树，砍伐西侧行道树。</ins>" in html
    assert "第2段" in html and "两百米内已有站点" in html


def test_a_point_that_was_not_adopted_claims_no_change(found: Desk) -> None:
    sent(found, WORDS[0])
    sent(found, WORDS[1])
    close(found)
    changed = ("第一条 拓宽车道。", "第二条 保留东侧行道树。")
    found.work.submit("lead", steps.Ask("write", "w2", found.work.no, text=steps.DraftText("解放路改造方案", changed)))
    refused = {
        "point": "一棵也不许动",
        "disposition": "not_adopted",
        "reason": "压占管线",
        "article": "p2",
        "opinions": "2-3",
    }
    found.work.do("lead", "answer", received="2", points=[refused], summary="不采纳。", papers=("summary",))
    found.work.do("lead", "publish", words="感谢各位。")
    html = found.get("", f"/public/c/{found.work.no}")
    assert "压占管线" in html and "第2段" in html and "<ins>" not in html


def test_the_sender_sees_the_point_the_reason_and_what_changed(found: Desk) -> None:
    receipts = [sent(found, words) for words in WORDS]
    answered(found)
    html = looked_up(found, receipts[0]).text
    assert "并入要点 1：保留行道树" in html and "东侧保留，西侧压占管线" in html and "<ins>第二条 保留东侧" in html
    other = looked_up(found, receipts[1]).text
    assert "并入要点 2：增设公交站" in other and "压占管线" not in other


def test_the_sender_is_told_what_is_kept_who_reads_it_and_how_long(found: Desk) -> None:
    html = looked_up(found, sent(found, WORDS[0])).text
    assert "我们保存了您的什么" in html and "没有姓名；没有联系方式。不保存网络地址" in html and "保管期限" in html


def test_everybody_reads_what_was_said_with_personal_data_covered(found: Desk) -> None:
    receipts = [sent(found, words) for words in WORDS]
    token = {"csrf": found.csrf("lead", f"/cases/{found.work.no}/points")}
    found.client("lead").post(f"/cases/{found.work.no}/opinions/4",
                              data={**token, "words": "王某某家门口", "ground": "privacy", "reason": "他人住址"})  # fmt: skip
    answered(found)
    html = found.get("", f"/public/c/{found.work.no}/opinions")
    assert "139****5678" in html and "13912345678" not in html
    assert "〔此处隐去：个人隐私或者个人信息〕那棵也要留。" in html and "王某某" not in html
    only = found.get("", f"/public/c/{found.work.no}/opinions?point=2")
    assert "请增设公交站" in only and "行道树，我的电话" not in only
    found.get("", f"/public/c/{found.work.no}/opinions?point=9", 404)
    mine = looked_up(found, receipts[2]).text
    assert "公开时隐去了“王某某家门口”" in mine and "他人住址" in mine


def test_what_is_withheld_later_is_gone_at_once_from_every_copy(found: Desk) -> None:
    for words in WORDS:
        sent(found, words)
    answered(found)
    path = f"/public/c/{found.work.no}/opinions"
    first = found.client("").get(path)
    assert "王某某家门口" in first.text and first.headers["cache-control"].startswith("public")
    assert found.client("").get(path, headers={"if-none-match": first.headers["etag"]}).status_code == 304
    token = {"csrf": found.csrf("lead", f"/cases/{found.work.no}/opinions/4")}
    left_out = {**token, "words": "王某某家门口", "ground": "privacy", "reason": "他人住址"}
    done = found.client("lead").post(f"/cases/{found.work.no}/opinions/4", data=left_out)
    assert done.status_code == 303 and "王某某家门口" not in found.get("", path)


def test_programs_read_the_answers_too(found: Desk) -> None:
    for words in WORDS:
        sent(found, words)
    path = f"/public/c/{found.work.no}.json"
    assert found.client("").get(path).json()["answers"] is None
    answered(found)
    told = found.client("").get(path).json()["answers"]
    assert told["opinions"] == 3 and told["channels"] == [{"title": "网上", "opinions": 3}]
    first, second = told["points"]
    assert (first["opinions"], first["disposition"], first["article"]) == ("2,4", "部分采纳", "第2段")
    assert first["before"] == "第二条 砍伐行道树。" and first["after"].startswith("第二条 保留东侧")
    assert (second["point"], second["count"], second["reason"]) == ("增设公交站", 1, "两百米内已有站点")


def test_a_long_list_is_read_page_by_page(found: Desk) -> None:
    for n in range(60):
        sent(found, f"第{n}条意见")
    work = found.work
    close(found)
    work.do("lead", "answer", received="60", points=[{"point": "都采纳", "disposition": "adopted", "opinions": "2-61"}],
            summary="综述", papers=("summary",))  # fmt: skip
    work.do("lead", "publish", words="谢谢。")
    first = found.get("", f"/public/c/{work.no}/opinions?point=1")
    assert "第49条意见" in first and "第50条意见" not in first and "下一页" in first
    assert "第59条意见" in found.get("", f"/public/c/{work.no}/opinions?point=1&after=51")


def test_without_opinions_the_result_is_published_all_the_same(found: Desk) -> None:
    work = found.work
    close(found)
    held = work.do("chief", "decide")
    assert [one.code for one in held.refused.blocking] == ["answered", "published"]
    work.do("lead", "answer", received="0", summary="没有收到意见。", papers=("summary",))
    held = work.do("chief", "decide", after=timedelta(days=1))
    assert [one.code for one in held.refused.blocking] == ["published"]
    work.do("lead", "publish", words="征求意见期间没有收到意见。")
    assert "征求意见期间没有收到意见" in found.get("", f"/public/c/{work.no}")
    assert type(work.do("chief", "decide")).__name__ == "Done"


def slip(found: Desk, receipt: Receipt, code: str = "") -> Any:
    return found.client("").post(
        "/public/receipt/slip", data={"receipt": receipt.receipt, "code": code or receipt.code}
    )


def test_the_sender_takes_away_a_proof_that_anybody_can_check(found: Desk) -> None:
    receipt = sent(found, WORDS[0])
    assert slip(found, receipt).status_code == 404  # not sealed yet: come again
    sealing.seal_all(found.site.store, "yunhe", found.site.signer("yunhe"), found.work.now)
    assert "下载我的存证" in looked_up(found, receipt).text
    data = slip(found, receipt).content
    report = proof.verify(data, sites.trust(sites.trust_path(found.site.settings)))
    assert report.verdict == proof.PASSED, report.say
    assert report.entries == 1 and any("附有原文" in check.say for check in report.checks)
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        assert WORDS[0] in package.read("openings.json").decode()


def test_a_forged_slip_does_not_pass_and_a_guessed_code_gets_none(found: Desk) -> None:
    receipt = sent(found, WORDS[0])
    sealing.seal_all(found.site.store, "yunhe", found.site.signer("yunhe"), found.work.now)
    data = slip(found, receipt).content
    trust = sites.trust(sites.trust_path(found.site.settings))
    forged = data.replace("保留".encode(), "砍掉".encode())
    assert forged != data and proof.verify(forged, trust).verdict == proof.FAILED
    again = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(again, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace("保留".encode(), "砍掉".encode()))
    assert proof.verify(again.getvalue(), trust).verdict != proof.PASSED  # packed anew by another program: no verdict
    assert slip(found, receipt, "AAAA-AAAA-AAAA").status_code == 404
    assert slip(found, receipt, "AAAA-AAAA-AAAA").headers["content-type"].startswith("text/html")
