"""Whoever has a package and a browser can read it; the page says what the entries say, and no more."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zipfile
from pathlib import Path

import pytest

from decisionflow.service import evidence, sealing
from decisionflow.service import site as sites
from decisionflow.settings import load
from decisionflow.store.engine import Store
from decisionflow.store.signer import FileSigner
from decisionflow.trail import canonical
from tests.service.stage import Office, office


@pytest.fixture
def signed(store: Store, tmp_path: Path) -> tuple[Office, FileSigner]:
    work = office(store)
    settings = load({}, data_dir=tmp_path / "site")
    sites.prepare_folders(settings)
    sites.create_keys(settings, "yunhe", work.authority.origin)
    work.do("proposer", "ask", title="解放路<b>行道树</b>砍伐", protected="no", trees="3", phone="13800000000")
    work.do("chief", "begin", units=[{"unit": "承办单位", "leading": "yes"}])
    work.do("lead", "open_survey", ends_on="2024-03-31", papers=("photo",))
    signer = FileSigner(*sites.key_paths(settings, "yunhe"))
    sealing.seal_all(store, "yunhe", signer, work.now)
    return work, signer


def members(signed: tuple[Office, FileSigner], view: evidence.View = "full") -> dict[str, bytes]:
    work, signer = signed
    with work.store.read() as connection:
        data = evidence.package(connection, work.store.blobs, signer, work.authority, work.no, view, work.now)
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        return {name: found.read(name) for name in found.namelist()}


def test_every_entry_of_the_package_is_on_the_page_with_who_in_which_post_and_where_its_bytes_lie(
    signed: tuple[Office, FileSigner],
) -> None:
    found = members(signed)
    page = found["read.html"].decode()
    records = {name: canonical.decode(data) for name, data in found.items() if name.startswith("entries/")}
    assert len(records) > 5
    for name, record in records.items():
        assert f'href="{name}"' in page and f'id="e-{record["id"]}"' in page
        assert record["actor"]["name"] in page and record["actor"].get("post_title", "") in page
    assert "承办单位" in page and "3" in page and "不是证据" in page


def test_every_file_is_linked_to_the_member_that_holds_it(signed: tuple[Office, FileSigner]) -> None:
    found = members(signed)
    linked = set(re.findall(r'href="(blobs/[0-9a-f]{64})"', found["read.html"].decode()))
    assert linked and linked == {name for name in found if name.startswith("blobs/")}


def test_what_a_view_keeps_closed_is_not_on_its_page(signed: tuple[Office, FileSigner]) -> None:
    assert "13800000000" in members(signed)["read.html"].decode()
    closed = members(signed, "internal")["read.html"].decode()
    assert "13800000000" not in closed and "本包没有打开" in closed
    public = members(signed, "public")
    page, whole = public["read.html"].decode(), members(signed)["read.html"].decode()
    assert "13800000000" not in page
    assert page.count("<article") == sum(name.startswith("entries/") for name in public) < whole.count("<article")


def test_the_page_runs_no_script_asks_no_network_and_shows_typed_marks_as_text(
    signed: tuple[Office, FileSigner],
) -> None:
    page = members(signed)["read.html"].decode()
    assert "<script" not in page and not re.search(r'(?:href|src)="(?:https?:)?//', page) and "<b>" not in page
    style = re.search(r"<style>(.*?)</style>", page, re.S)
    assert style is not None
    allowed = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{allowed}'" in page


def test_the_same_package_has_the_same_page(signed: tuple[Office, FileSigner]) -> None:
    assert members(signed)["read.html"] == members(signed)["read.html"]
