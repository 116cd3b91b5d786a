"""Art. 15(1): a notice is published where the public sees it, and what each channel showed is kept with hash and day."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from decisionflow.store.engine import Store
from tests.web.square import Square, square

NO = "YH-2024-001"
CHANNELS = [
    {"channel": "website", "address": "区政府网站民意征集栏"}, {"channel": "board", "address": "十二个社区公告栏"},
]  # fmt: skip


@pytest.fixture
def found(store: Store, tmp_path: Path) -> Square:
    made = square(store, tmp_path)
    made.notice("既有住宅加装电梯方案", channels=CHANNELS)
    return made


def snapshot(found: Square, words: str = "网页") -> dict[str, Any]:
    stored = found.work.store.blobs.put(words.encode(), "text/html")
    return {"sha256": stored.sha256, "size": stored.size, "type": stored.type, "name": "notice.html"}


def keep(found: Square, channel: str, address: str, words: str = "网页") -> str:
    file = snapshot(found, words)
    taken_on = found.work.now.date().isoformat()
    found.work.do("lead", "keep_snapshot", channel=channel, address=address, taken_on=taken_on, snapshot=file)
    return str(file["sha256"])


def hints(found: Square) -> list[str]:
    done = found.work.do("lead", "close_notice", after=timedelta(days=33))
    return [one.say for one in done.hints if "快照" in one.say]


def test_each_channel_shows_the_hash_and_day_of_what_was_kept(found: Square) -> None:
    assert found.get(f"/public/c/{NO}").count("没有登记") == 2
    kept = keep(found, "website", "区政府网站民意征集栏")
    html = found.get(f"/public/c/{NO}")
    assert kept[:8] in html and "2024-03-01" in html and html.count("没有登记") == 1
    assert "登记公告快照" not in html  # it stands beside its channel, not as a story of its own
    body = found.desk.client("").get(f"/public/c/{NO}.json").json()
    assert [(one["title"], one["copies"]) for one in body["channels"]] == [
        ("政府网站", [{"sha256": kept, "taken_on": "2024-03-01"}]), ("公告栏", []),
    ]  # fmt: skip


def test_a_copy_of_another_place_stands_on_a_line_of_its_own(found: Square) -> None:
    kept = keep(found, "newspaper", "云河日报三版")
    html = found.get(f"/public/c/{NO}")
    assert "云河日报三版" in html and kept[:8] in html and html.count("没有登记") == 2


def test_closing_hints_at_a_channel_of_which_nothing_was_kept(found: Square) -> None:
    keep(found, "website", "区政府网站")
    assert hints(found) == ["公告公布的渠道，有的没有留存快照"]


def test_closing_is_silent_when_something_was_kept_of_every_channel(found: Square) -> None:
    keep(found, "website", "区政府网站")
    keep(found, "board", "公告栏")
    assert hints(found) == []


def test_a_copy_that_came_with_the_notice_counts(store: Store, tmp_path: Path) -> None:
    made = square(store, tmp_path)
    file = snapshot(made)
    made.notice("停车收费管理办法", channels=[{**CHANNELS[0], "snapshot": file}])
    assert file["sha256"][:8] in made.get(f"/public/c/{NO}") and hints(made) == []
