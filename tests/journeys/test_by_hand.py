"""The whole decision by hand: every act of the full-length history is filled in on the pages, each user in turn,
with scripts off, from proposal to archive; then the package leaves and verifies."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from decisionflow.core import procedure as law
from decisionflow.service import accounts, rehearsals, scripts, sealing, shipped, steps
from decisionflow.service import site as sites
from decisionflow.settings import load
from decisionflow.store.engine import Store
from decisionflow.trail import verify
from decisionflow.web.app import create_app
from tests.web.formreader import Sheet, read

SCRIPT = Path(__file__).parents[1] / "rehearsals" / "full-length.yaml"


class Hand:
    """Somebody at the keyboard: signs in as each actor, opens the act's form, fills it in, checks it, confirms it."""

    def __init__(self, store: Store, tmp_path: Path) -> None:
        self.reading = scripts.read(SCRIPT.read_text("utf-8"), str(SCRIPT))
        self.script = self.reading.script
        rules = rehearsals.named(self.script.procedure, SCRIPT.parent)
        self.moments = rehearsals.check(self.reading, rules, rehearsals.ANCHOR)
        self.now = self.moments[0].at
        self.stage = rehearsals.prepare(
            store, self.script, "yunhe", self.now - timedelta(days=1), clock="simulated", chosen=rules
        )
        settings = load({"DECISIONFLOW_PUBLIC_URL": "http://testserver"}, data_dir=tmp_path / "site")
        sites.prepare_folders(settings)
        sites.create_keys(settings, "yunhe", self.stage.authority.origin)
        self.site = sites.Site(settings, store, lambda: self.now)
        self.app, self.store, self.no = create_app(self.site), store, ""

    def client(self, who: str = "") -> TestClient:
        client = TestClient(self.app, base_url="http://testserver", follow_redirects=False)
        if who:
            actor = self.stage.actors[who]
            token = self.store.write(
                lambda tx: accounts.open_session(tx, "test", actor.person, "yunhe", "test", self.now)
            )
            client.cookies.set("df", token)
            client.post("/post", data={"csrf": _csrf(client), "appointment": actor.appointment})
        return client

    def standing(self) -> steps.Standing:
        with self.store.read() as connection:
            return steps.load(connection, self.stage.authority, self.no)

    def act(self, n: int) -> str:
        """One act by its pages; 'taken', or 'refused' when the pages say so."""
        act = self.script.acts[n]
        client = self.client(act.as_)
        path = f"/cases/{self.no}/do/{act.do}" if self.no else "/cases/new"
        page = client.get(path)
        sheet = read(page.text)
        if not sheet.buttons or "check" not in [one.get("value") for one in sheet.buttons]:
            return "refused" if 'id="refusal"' in page.text else f"no form: {page.status_code}"
        values, files = self.filled(n, act, sheet)
        checked = sheet.put(values).press(client, "check", files=files)
        if checked.status_code != 200:
            said = re.findall(r"df-say[^>]*>(.*?)</", checked.text)
            return (
                f"refused {said}" if checked.status_code == 409 else f"{checked.status_code}: {_errors(checked.text)}"
            )
        confirm = read(checked.text)
        done = confirm.put({name: "yes" for name in confirm.names if name.startswith("act.confirm")}).press(client)
        if done.status_code != 303:
            return "refused" if done.status_code == 409 else f"{done.status_code}: {_errors(done.text)}"
        self.no = self.no or done.headers["location"].split("/")[2]
        return "taken"

    def filled(self, n: int, act: scripts.Scripted, sheet: Sheet) -> tuple[dict[str, Any], list[Any]]:
        procedure = self.standing().procedure if self.no else self.procedure()
        action = procedure.action(act.do)
        assert action is not None
        given = {**(self.script.matter if n == 0 else {}), **act.with_}
        raw = scripts.dates(given, rehearsals.ANCHOR, shipped.calendar())
        values = self.on_the_wire(action.fields, raw)
        rows = tuple(f"{spec.id}." for spec in action.fields if spec.type == "rows" and spec.id in raw)
        sheet.pairs = [(name, value) for name, value in sheet.pairs if not (rows and name.startswith(rows))]
        if act.draft:
            values |= {"text.title": str(self.script.matter["title"]), "text.body": "\n".join(act.draft)}
        if act.happened:
            at = scripts.when(act.happened, rehearsals.ANCHOR, shipped.calendar())
            values |= {
                "late.at": f"{at:%Y-%m-%dT%H:%M}",
                "late.evidence": act.evidence,
                "late.reason": act.reason,
            }
        kinds = act.papers if isinstance(act.papers, dict) else dict.fromkeys(act.papers, "")
        files = [(f"paper.{kind}", (f"{kind}.txt", f"演练材料：{kind} {n}\n".encode(), "text/plain")) for kind in kinds]
        return values, files

    def procedure(self) -> law.Procedure:
        return self.stage.procedures[-1] if len(self.stage.procedures) == 1 else next(
            one for one in self.stage.procedures
            if one.in_force.from_ <= self.now.date() and (one.in_force.to is None or self.now.date() <= one.in_force.to)
        )  # fmt: skip

    def on_the_wire(self, specs: tuple[law.FieldSpec, ...], raw: dict[str, Any], prefix: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {}
        for spec in specs:
            if spec.id not in raw:
                continue
            value, name = raw[spec.id], f"{prefix}{spec.id}"
            if spec.type == "rows":
                for i, row in enumerate(value):
                    found |= self.on_the_wire(spec.columns, row, f"{name}.{i}.")
            elif spec.type == "flag":
                found[name] = "true" if value in ("yes", True, "true") else "false"
            elif spec.type == "choices":
                found[name] = list(value)
            elif spec.type in ("reference", "text") and re.fullmatch(r"v\d+", str(value)):
                known = {f"v{act.text.version}": act.text.sha256 for act in self.standing().facts.acts if act.text}
                found[name] = known[value]
            else:
                found[name] = str(value)
        return found

    def say(self, n: int, m: int) -> None:
        """An opinion of the public, by the public form or, when it came on paper, by no page of this release."""
        one = self.script.acts[n].comments[m]
        if one.channel != "web":
            public = rehearsals.system_actor("yunhe", "公众")
            said = one.model_dump(include={"words", "stance", "paragraph", "name", "contact", "channel"})
            comment = rehearsals.consultations.Comment(**said)
            self.store.write(lambda tx: rehearsals.consultations.receive(
                tx, self.stage.authority, self.no, comment, public, self.now, evidence=one.evidence, reason=one.reason,
                happened=scripts.when(one.happened, rehearsals.ANCHOR, shipped.calendar()) if one.happened else None,
            ))  # fmt: skip
            return
        client = self.client()
        key = re.search(r'name="key" value="([^"]+)"', client.get(f"/public/c/{self.no}/comment").text)
        assert key
        given = {"key": key[1], "words": one.words, "stance": one.stance, "name": one.name, "contact": one.contact,
                 "paragraph": one.paragraph, "step": "send"}  # fmt: skip
        assert "意见已收到" in client.post(f"/public/c/{self.no}/comment", data=given).text


def _csrf(client: TestClient) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/post").text + client.get("/logout").text)
    return found[1] if found else ""


def _errors(html: str) -> str:
    return " | ".join(re.sub(r"<[^>]+>", "", one) for one in re.findall(r'<li><a href="#f-[^"]*">.*?</li>', html))


@pytest.mark.slow
def test_the_whole_decision_is_done_by_hand_from_proposal_to_archive(store: Store, tmp_path: Path) -> None:
    hand = Hand(store, tmp_path)
    wrong = []
    for moment in hand.moments:
        hand.now = moment.at
        if moment.remark >= 0:
            hand.say(moment.act, moment.remark)
            continue
        act = hand.script.acts[moment.act]
        wanted = "refused" if isinstance(act.expect, scripts.Expected) and act.expect.refused else "taken"
        outcome = hand.act(moment.act)
        if outcome.split(" ")[0] != wanted:
            wrong.append((moment.act + 1, act.do, outcome))
            break
    assert wrong == []
    facts = hand.standing()
    assert facts.procedure.is_ended(facts.facts.stages)
    sealing.seal_all(store, "yunhe", hand.site.signer("yunhe"), hand.now)
    data = hand.client("lead").get(f"/cases/{hand.no}/package?view=full").content
    report = verify.verify(data, sites.trust(sites.trust_path(hand.site.settings)))
    assert report.verdict == verify.PASSED and report.say.startswith("通过（演示时钟）")
