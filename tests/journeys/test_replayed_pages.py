"""Deleting every projection and replaying the entries reproduces every page byte for byte, on both databases."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from decisionflow.service import accounts, inspections, rehearsals, replay, scripts, sealing
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

    inspector = TestClient(app, base_url="http://testserver", follow_redirects=False)
    looker = stages[0].actors["supervisor"]
    inspector.cookies.set("df", store.write(
        lambda tx: accounts.open_session(tx, "test", looker.person, "yunhe", "test", end)
    ))  # fmt: skip
    backwards = [f"/trace/person/{stages[0].actors[who].person}" for who in ("lead", "chief", "expert")]
    backwards += [f"/trace/case/{report.no}{page}" for page in ("", "/chain", "/at?at=2024-06-01&also=2024-09-01")]
    backwards.append(f"/trace/case/{report.no}/as-of?person={stages[0].actors['chief'].person}")
    for what, about in [*(("person", path.rsplit("/", 1)[1]) for path in backwards[:3]), ("case", report.no)]:
        store.write(lambda tx, what=what, about=about: inspections.open_look(
            tx, stages[0].authority, looker, what, about, "区督查室〔2024〕1号", end
        ))  # fmt: skip

    def pages() -> dict[str, str]:
        app.state.portal = portal.Portal()  # no copy stands in for a page
        own = [f"/cases/{report.no}{tab}" for tab in TABS]
        public = ["/public/consultations?tab=answered", f"/public/c/{report.no}", f"/public/case/{report.no}"]
        found = {path: client.get(path) for path in ["/inbox", "/cases?state=all", "/procedures", *own, *public]}
        found |= {path: inspector.get(path) for path in backwards}
        assert "查询理由：区督查室" in found[backwards[0]].text
        assert {path: answer.status_code for path, answer in found.items() if answer.status_code != 200} == {}
        return {path: re.sub(r'name="key" value="[^"]+"', "", answer.text) for path, answer in found.items()}

    before = pages()
    assert store.write(lambda tx: replay.rebuild(tx, "yunhe")) > 100
    assert pages() == before
    with store.read() as connection:
        assert replay.compare(connection, store.blobs, "yunhe") == ()
