"""The pictures of the README: seeds a demo in a folder that is thrown away, and takes them with the tests' browser.

Run from the checkout: ``python -m docs.images.make``.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import uvicorn
from playwright.sync_api import Page

from decisionflow.core.facts import SHANGHAI
from decisionflow.service import demo
from decisionflow.service import site as sites
from decisionflow.settings import load
from decisionflow.store import schema
from decisionflow.store.blobs import Blobs
from decisionflow.store.engine import connect
from decisionflow.web import server
from decisionflow.web.app import create_app
from tests import services

HERE = Path(__file__).parent
DAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 17, 0, tzinfo=SHANGHAI)
SHOTS = [
    ("陈予安", "/inbox", "inbox", 1280, 620), ("罗敬之", "/cases/YH-2026-005", "case", 1280, 1000),
    ("", "/public/c/YH-2026-001", "notice", 1280, 900),
]  # fmt: skip


def main() -> None:
    """Take every picture."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load({"DECISIONFLOW_DEMO": "yes"}, data_dir=Path(folder))
        sites.prepare_folders(settings)
        schema.migrate(settings.database_url)
        store = connect(settings.database_url, Blobs(settings.blob_dir))
        demo.seed(store, settings, DAY, NOW)
        store.close()
        with sites.opened(settings, clock=lambda: NOW) as site, server.listening("127.0.0.1", 0) as sock:
            port = sock.getsockname()[1]
            site.settings = replace(settings, public_url=f"http://127.0.0.1:{port}")
            running = uvicorn.Server(uvicorn.Config(create_app(site), log_level="error"))
            thread = threading.Thread(target=running.run, kwargs={"sockets": [sock]})
            thread.start()
            while not running.started:
                time.sleep(0.05)
            take(f"http://127.0.0.1:{port}")
            running.should_exit = True
            thread.join()


def take(base: str) -> None:
    """The pictures, each as its person sees the page."""
    with services.chromium() as browser:
        for who, path, name, width, height in SHOTS:
            with browser.new_context(**services.CHINESE_USER) as context:
                page: Page = context.new_page()
                page.set_viewport_size({"width": width, "height": height})
                if who:
                    page.goto(f"{base}/as")
                    page.locator("tr, li").filter(has_text=who).last.get_by_role("button").click()
                page.goto(f"{base}{path}")
                page.screenshot(path=HERE / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
