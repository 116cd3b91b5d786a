"""What the public door must bear: floods, bombs, forgeries and guesses. Each has an answer; no word is lost in silence."""

from __future__ import annotations

import gzip
import io
import re
import threading
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from decisionflow.core import similar
from decisionflow.service.sheets import plain
from decisionflow.store.engine import Store
from decisionflow.web.brakes import KEPT, Brake, Limit, source
from decisionflow.web.pages.cases import table
from tests.web.square import Square, square

NO = "YH-2024-001"
COMMENT = f"/public/c/{NO}/comment"


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Square:
    made = square(store, tmp_path)
    made.notice("既有住宅加装电梯方案", days=31)
    return made


def from_(found: Square, address: str) -> TestClient:
    """A client at an address."""
    return TestClient(found.desk.app, base_url="http://testserver", client=(address, 40000), follow_redirects=False)


def sent(client: TestClient, words: str, key: str) -> Any:
    return client.post(COMMENT, data={"words": words, "key": key.rjust(20, "k"), "step": "send"})


def received(found: Square, answer: Any) -> str:
    """The words that a receipt leads to."""
    number, code = re.findall(r'<dd class="num">([^<]+)</dd>', answer.text)[:2]
    looked = found.desk.client("").post("/public/receipt", data={"receipt": number, "code": code})
    assert looked.status_code == 200
    return str(looked.text)


# ---- floods


def test_a_flood_from_one_source_is_slowed_and_every_word_stays_with_its_writer(found: Square) -> None:
    flood = from_(found, "203.0.113.7")
    answers = [sent(flood, f"第{n}条意见", f"flood-{n}") for n in range(100)]
    took = [one.status_code for one in answers].count(200)
    assert took == 30 and found.count("opinion") == 30
    refused = answers[-1]
    assert refused.status_code == 429 and 0 < int(refused.headers["retry-after"]) <= 60
    assert "第99条意见" in refused.text and "还没有提交" in refused.text and "信函、电话" in refused.text
    assert refused.headers["cache-control"] == "no-store"
    assert sent(from_(found, "203.0.113.8"), "别处的一条意见", "other").status_code == 200


def test_a_thousand_sources_in_a_minute_are_all_heard(found: Square) -> None:
    answers = [sent(from_(found, f"198.51.{n // 250}.{n % 250}"), f"意见{n}", f"many-{n}") for n in range(200)]
    assert {one.status_code for one in answers} == {200} and found.count("opinion") == 200


def test_a_pasted_campaign_is_counted_each_and_told_as_one(found: Square) -> None:
    for n in range(40):
        assert (
            sent(from_(found, f"198.51.100.{n}"), "坚决反对取消23路公交车，老人看病不方便！", f"paste-{n}").status_code
            == 200
        )
    assert found.count("opinion") == 40
    html = (
        from_(found, "203.0.113.9").post(COMMENT, data=found.form(NO, "坚决反对取消２３路公交车,老人看病不方便")).text
    )
    assert "已经收到 40 条相近的意见" in html


def test_two_presses_at_once_are_one_opinion(found: Square) -> None:
    answers: list[Any] = []

    def press_once() -> None:
        answers.append(sent(from_(found, "203.0.113.5"), "一条", "twice"))

    press = [threading.Thread(target=press_once) for _ in range(6)]
    for one in press:
        one.start()
    for one in press:
        one.join()
    assert {one.status_code for one in answers} == {200} and found.count("opinion") == 1
    assert len({re.findall(r'<dd class="num">([^<]+)</dd>', one.text)[0] for one in answers}) == 1


# ---- words


@pytest.mark.parametrize("length", [5001, 100_000])
def test_too_long_words_are_refused_with_their_length_and_kept(found: Square, length: int) -> None:
    words = "长" * length
    answer = sent(from_(found, "203.0.113.7"), words, "long")
    assert answer.status_code == 422 and f"意见太长：{length}字，最多5000字" in answer.text and words in answer.text
    assert found.count("opinion") == 0


@pytest.mark.parametrize(
    "words",
    [
        "👍🏽 支持 👨‍👩‍👧‍👦 加装电梯 🛗",
        "住户䶮、𠮷、㛃，𪚥路（生僻字）",
        "全角ＡＢＣ与１２３",
        "第一行\n\n第三行",
        "café naïve — “引号”…",
        "العربية مرحبا",
    ],
)
def test_emoji_and_rare_characters_come_back_as_they_were(found: Square, words: str) -> None:
    answer = sent(from_(found, "203.0.113.7"), words, "rare")
    assert answer.status_code == 200 and words in answer.text and words in received(found, answer)


@pytest.mark.parametrize(
    "words",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{ 7*7 }} {% raw %}",
        "</textarea><b>粗",
        "javascript:alert(1)",
        "<!--",
    ],
)
def test_markup_is_shown_as_text_everywhere(found: Square, words: str) -> None:
    client = from_(found, "203.0.113.7")
    pages = [
        client.post(COMMENT, data={"words": words, "key": "m" * 20, "step": step}).text for step in ("edit", "", "send")
    ]
    pages.append(received(found, sent(client, words, "again")))
    seq = 2
    pages += [found.desk.get("lead", f"/cases/{NO}/opinions"), found.desk.get("lead", f"/cases/{NO}/opinions/{seq}")]
    for html in pages:
        assert ("<" not in words and '"' not in words) or words not in html
        assert "{" not in words or words in html
        assert 'href="javascript' not in html


@pytest.mark.parametrize("bad", ["坏\x00字", "坏\x1b[31m字", "坏\u202e字", "坏\u2066字", "坏\x07字"])
def test_control_characters_are_refused_by_name(found: Square, bad: str) -> None:
    answer = sent(from_(found, "203.0.113.7"), bad, "control")
    assert answer.status_code == 422 and "不允许的控制字符 U+" in answer.text and found.count("opinion") == 0


def test_broken_bytes_are_no_failure_of_ours(found: Square) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = from_(found, "203.0.113.7").post(
        COMMENT, content=b"words=%ff%fe%80&key=kkkkkkkkkkkkkkkkkkkk&step=send", headers=kind
    )
    assert answer.status_code in (200, 400, 422)


# ---- bombs


def test_a_form_of_too_many_fields_is_refused(found: Square) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    body = urlencode([(f"f{n}", "x") for n in range(4000)])
    answer = from_(found, "203.0.113.7").post(COMMENT, content=body, headers=kind)
    assert answer.status_code == 400 and found.count("opinion") == 0


def test_a_body_beyond_any_words_is_cut_off_whatever_it_declares(found: Square) -> None:
    client = from_(found, "203.0.113.7")
    kind = {"content-type": "application/x-www-form-urlencoded"}
    big = b"words=" + b"a" * (4 * 1024 * 1024)
    assert client.post(COMMENT, content=big, headers=kind).status_code == 413
    pieces = (big[n : n + 65536] for n in range(0, len(big), 65536))
    assert client.post(COMMENT, content=pieces, headers=kind).status_code == 413
    assert client.post(COMMENT, content=b"x", headers={**kind, "content-length": "-1"}).status_code in (400, 413)


def blobs(found: Square) -> list[str]:
    """Every file that the house keeps."""
    return sorted(path.name for path in found.work.store.blobs.folder.rglob("*") if path.is_file())


def test_attachments_are_not_taken_and_bombs_among_them_lie_nowhere(found: Square) -> None:
    before = blobs(found)
    bomb = gzip.compress(b"0" * 50_000_000)
    form = {**found.form(NO), "step": "send"}
    answer = from_(found, "203.0.113.7").post(COMMENT, data=form, files={"photo": ("a.jpg", bomb)})
    assert answer.status_code == 200 and "建议增设坡道。" in answer.text
    assert blobs(found) == before


def test_a_zip_bomb_is_no_package(found: Square) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("manifest.json", b"0" * 100_000_000)
    answer = from_(found, "203.0.113.7").post("/public/verify", files={"package": ("a.zip", packed.getvalue())})
    assert answer.status_code == 200 and "df-verdict-pass" not in answer.text


# ---- forgeries and guesses


def test_a_forged_receipt_opens_nothing_and_looks_like_an_unknown_one(found: Square) -> None:
    client = from_(found, "203.0.113.7")
    number, code = re.findall(r'<dd class="num">([^<]+)</dd>', sent(client, "真的意见", "forged").text)[:2]
    forged = [
        (number, "2222-2222-2222"),
        (number[:-4] + "0099", code),
        ("", ""),
        ("' or 1=1 --", code),
        (number, code[:-1]),
    ]
    texts = set()
    for one, two in forged:
        answer = client.post("/public/receipt", data={"receipt": one, "code": two})
        assert answer.status_code == 404 and "真的意见" not in answer.text
        texts.add(re.sub(r'value="[^"]*"', "", answer.text))
    assert len(texts) == 1


def test_guessing_receipts_is_slowed(found: Square) -> None:
    client = from_(found, "203.0.113.7")
    answers = [client.post("/public/receipt", data={"receipt": f"{NO}-AAAA-0002", "code": str(n)}) for n in range(40)]
    assert [one.status_code for one in answers] == [404] * 20 + [429] * 20
    assert int(answers[-1].headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"origin": "https://evil.example"}, 403), ({"sec-fetch-site": "cross-site"}, 403), ({"origin": "null"}, 403),
     ({"origin": "http://testserver", "sec-fetch-site": "same-origin"}, 200)],
)  # fmt: skip
def test_a_foreign_page_sends_nothing_in_the_name_of_its_readers(
    found: Square, headers: dict[str, str], status: int
) -> None:
    assert found.send(NO, found.form(NO), **headers).status_code == status
    assert found.count("opinion") == (status == 200)


# ---- the hour


def test_the_last_second_is_in_time_and_the_first_after_it_is_late_and_kept(found: Square) -> None:
    work = found.work
    midnight = work.now.replace(hour=16, minute=0, second=0, microsecond=0) + timedelta(days=31)
    work.now = midnight - timedelta(seconds=1)
    assert "已注明逾期" not in sent(from_(found, "203.0.113.7"), "最后一秒", "in-time").text
    work.now = midnight + timedelta(seconds=1)
    assert "已注明逾期" in sent(from_(found, "203.0.113.7"), "过了一秒", "too-late").text
    with found.desk.site.store.read() as connection:
        late = connection.exec_driver_sql("select late from opinion order by seq").scalars().all()
    assert [bool(one) for one in late] == [False, True]


def test_before_it_is_published_nothing_is_taken_and_from_that_moment_on_everything(
    store: Store, tmp_path: Path
) -> None:
    made = square(store, tmp_path)
    no = made.matter("停车收费管理办法")
    form = {"words": "早到的意见", "key": "e" * 20, "step": "send"}
    assert made.desk.client("").post(f"/public/c/{no}/comment", data=form).status_code == 404
    work = made.work
    work.do("lead", "publish_notice", papers=("drafting_note",), ends_on="2024-04-15", how_to_comment="信函",
            channels=[{"channel": "board", "address": "公告栏"}])  # fmt: skip
    assert "已注明逾期" not in made.desk.client("").post(f"/public/c/{no}/comment", data=form).text
    assert made.count("opinion") == 1


# ---- what leaves the house


FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://evil")')


@pytest.mark.parametrize("cell", FORMULAS)
def test_no_cell_of_a_table_is_computed(cell: str) -> None:
    assert plain(cell)[0] not in "=+-@\t\r"
    assert b"\n=" not in table(["a"], [[cell]]) and cell.strip()[1:].encode() in table(["a"], [[cell]]).replace(
        b'""', b'"'
    )


def test_formulas_in_opinions_are_words_in_the_export(found: Square) -> None:
    found.say(NO, '=HYPERLINK("http://evil")', "+1 支持", "@all 反对")
    text = found.desk.get("lead", f"/cases/{NO}/opinions.csv")
    assert not re.search(r'(^|,|\n)"?[=+@]', text) and "HYPERLINK" in text and "支持" in text


# ---- what is remembered of a source


def test_a_brake_forgets_within_the_hour_and_knows_no_address() -> None:
    now = [0.0]
    brake = Brake(Limit(2, 60), Limit(3, KEPT), clock=lambda: now[0])
    assert [brake.hit("203.0.113.7") for _ in range(3)] == [0, 0, 60]
    assert "203.0.113.7" not in repr(vars(brake)) and brake.hit("203.0.113.8") == 0
    now[0] = 61
    assert brake.hit("203.0.113.7") == 0 and brake.hit("203.0.113.7") == KEPT - 61
    now[0] = KEPT + 1
    assert brake.forget() == 1
    now[0] = KEPT + 62
    assert brake.forget() == 0
    assert Brake(Limit(1, 60))._name("203.0.113.7") != Brake(Limit(1, 60))._name("203.0.113.7")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("203.0.113.7", "203.0.113.8", False), ("2001:db8:1:2::7", "2001:db8:1:2:ffff::1", True),
     ("2001:db8:1:2::7", "2001:db8:1:3::7", False), ("::ffff:203.0.113.7", "203.0.113.7", True), ("testclient", "?", False)],
)  # fmt: skip
def test_a_household_is_one_source(one: str, other: str, same: bool) -> None:
    assert (source(one) == source(other)) is same


def test_likeness_folds_what_copying_changes() -> None:
    assert similar.plain("反对取消２３路公交车！") == similar.plain("反对取消23路 公交车")
