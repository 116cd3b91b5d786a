"""Deleting every projection and replaying the entries reproduces every page byte for byte, on both databases."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from decisionflow.service import accounts, rehearsals, replay, scripts, sealing
from decisionflow.service import site as sites
from decisionflow.settings import load
from decisionflow.store.engine import Store
from decisionflow.web import portal
from decisionflow.web.app import create_app

SCRIPT = Path(__file__).parents[1] / "rehearsals" / "full-length.yaml"
TABS = ("", "/checklist", "/timeline?order=old", "/drafts", "/opinions", "/people", "/proof", "/risk", "/departments",
        "/execution", "/dossier")  # fmt: skip


@pytest.mark.slow
def test_every_page_is_the_same_after_a_replay(store: Store, tmp_path: Path) -> None:
    script = scripts.read(SCRIPT.read_text("utf-8"), str(SCRIPT))
    stages: list[rehearsals.Stage] = []
    reading = script
    chosen = rehearsals.named(script.script.procedure, SCRIPT.parent)
    first = rehearsals.check(reading, chosen, rehearsals.ANCHOR)
    stages.append(rehearsals.prepare(store, script.script, "yunhe", first[0].at, clock="simulated", chosen=chosen))
    report = rehearsals.play(store, script, "yunhe", stage=stages[0])
    assert report.failed == []
    settings = load({"DECISIONFLOW_PUBLIC_URL": "http://testserver"}, data_dir=tmp_path / "site")
    sites.prepare_folders(settings)
    sites.create_keys(settings, "yunhe", stages[0].authority.origin)
    end = report.acts[-1].at
    site = sites.Site(settings, store, lambda: end)
    sealing.seal_all(store, "yunhe", site.signer("yunhe"), end)
    app = create_app(site)
    client = TestClient(app, base_url="http://testserver", follow_redirects=False)
    actor = stages[0].actors["lead"]
    client.cookies.set("df", store.write(
        lambda tx: accounts.open_session(tx, "test", actor.person, "yunhe", "test", end)
    ))  # fmt: skip

    def pages() -> dict[str, str]:
        app.state.portal = portal.Portal()  # no copy stands in for a page
        own = [f"/cases/{report.no}{tab}" for tab in TABS]
        public = ["/public/consultations?tab=answered", f"/public/c/{report.no}", f"/public/case/{report.no}"]
        found = {path: client.get(path) for path in ["/inbox", "/cases?state=all", "/procedures", *own, *public]}
        assert {path: answer.status_code for path, answer in found.items() if answer.status_code != 200} == {}
        return {path: re.sub(r'name="key" value="[^"]+"', "", answer.text) for path, answer in found.items()}

    before = pages()
    assert store.write(lambda tx: replay.rebuild(tx, "yunhe")) > 100
    assert pages() == before
    with store.read() as connection:
        assert replay.compare(connection, store.blobs, "yunhe") == ()
