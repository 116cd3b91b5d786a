"""From a name to a package that verifies offline, in a browser, in under two minutes: the inspector of the demo."""

from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web import authority
from tests.web.desk import served

NAME, REASON = "龙䶮", "区纪委监委〔2026〕3号初核方案"
TWO_MINUTES = 120.0


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority.seed(tmp_path_factory.mktemp("demo") / "demo")


def give_reason(page: Page) -> None:
    page.get_by_label("查询理由").fill(REASON)
    page.locator("main form button").first.click()


def test_an_inspector_goes_from_a_name_to_a_package_verified_offline(
    seeded: Path, tmp_path: Path, browser: Browser
) -> None:
    with authority.opened(seeded, tmp_path / "site") as world, served(world) as base:
        role = world.role("inspector", "梁见山", "监察专员")
        with browser.new_context(java_script_enabled=False, locale="zh-CN", accept_downloads=True) as context:
            page = context.new_page()
            context.add_cookies([{"name": "df", "value": world.client(role).cookies["df"], "url": base}])
            began = time.monotonic()
            page.goto(f"{base}/trace")
            page.get_by_label("姓名、事项编号或名称").fill(NAME)
            page.get_by_role("button", name="查找").click()
            page.locator("#people a").first.click()
            give_reason(page)
            expect(page.locator("main")).to_contain_text(NAME)
            page.locator("#deeds a[href^='/trace/case/']").first.click()
            give_reason(page)
            with page.expect_download() as taken:
                page.get_by_role("link", name="下载证据包").click()
            package = tmp_path / "package.zip"
            taken.value.save_as(package)
            page.goto(f"{base}/trace")
            expect(page.locator("main")).to_contain_text(REASON)  # the look itself is on record, for one's own unit
            with zipfile.ZipFile(package) as opened:
                opened.extractall(tmp_path / "read")
            command = [sys.executable, "-I", str(tmp_path / "read" / "verify.py"), str(package), "--keys",
                       str(world.site.settings.data_dir / "keys" / "trust.json")]  # fmt: skip
            verdict = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": "/nowhere"})
            taken_in = time.monotonic() - began
            context.set_offline(True)
            page.goto((tmp_path / "read" / "read.html").as_uri())
            expect(page.locator("body")).to_contain_text(NAME)
    assert verdict.returncode == 0 and verdict.stdout.startswith("通过"), verdict.stdout + verdict.stderr
    assert taken_in < TWO_MINUTES
