"""A government that asks its public under the national procedure: what every test of the public pages starts from."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from decisionflow import paths
from decisionflow.core.facts import legal_date
from decisionflow.service import consultations, rehearsals, steps
from decisionflow.service.consultations import Comment
from decisionflow.service.receipts import Receipt
from decisionflow.store.engine import Store
from tests.services import Mailbox
from tests.web.desk import Desk, desk

NATIONAL = paths.WORKFLOWS / "cn-major-decision" / "2019.1.yaml"
JUDGED = {
    "source": "department", "judgement": "逐项说明", "problem": "写明", "basis": "写明", "solution": "写明",
    "necessity": "写明", "feasibility": "写明", "class": "public_service", "technical": "no", "stability_risk": "no",
    "vital_interest": "no", "specific_group": "no", "market_effect": "no",
}  # fmt: skip
NOTICE = {
    "how_to_comment": "网上填写；信函寄区政府一楼；电话 12345",
    "channels": [{"channel": "website", "address": "区政府网站"}],
}


@dataclass
class Square:
    """The desk, and what citizens do before it."""

    desk: Desk

    @property
    def work(self) -> Any:
        return self.desk.work

    def matter(self, title: str, **judged: str) -> str:
        """A matter that was started and has a draft; its number."""
        work = self.work
        work.no = ""
        work.do("proposer", "propose", title=title, **{**JUDGED, "public": "yes", **judged})
        work.do("chief", "start", reason="群众呼声高", units=[{"unit": "承办单位", "leading": "yes"}])
        text = steps.DraftText(f"{title}（草案）", ("第一条 为了方便居民。", "第二条 自印发之日起施行。"))
        bases = [{"title": "物权相关法律", "valid_from": "2021-01-01"}]
        ask = work.ask("save_draft", change_kind="first", change_note="一稿", bases=bases)
        work.now += timedelta(hours=1)
        work.submit("lead", replace(ask, text=text, papers=(work.paper("drafting_note"),)))
        return str(work.no)

    def notice(self, title: str, days: int = 31, judged: dict[str, str] | None = None, **fields: Any) -> str:
        """A matter on which the public is asked from today on; its number."""
        no = self.matter(title, **(judged or {}))
        ends_on = (legal_date(self.work.now) + timedelta(days=days)).isoformat()
        self.work.do("lead", "publish_notice", papers=("drafting_note",), ends_on=ends_on, **{**NOTICE, **fields})
        return no

    def get(self, path: str, status: int = 200) -> str:
        return self.desk.get("", path, status)

    def say(self, no: str, *said: str, **more: str) -> list[Receipt]:
        """Citizens send these words, one form each."""
        everybody, work = rehearsals.system_actor(self.work.authority.id, "公众"), self.work
        return [
            work.store.write(
                lambda tx, words=words: consultations.receive(tx, work.authority, no, Comment(words, **more), everybody, work.now)
            )
            for words in said
        ]  # fmt: skip

    def form(self, no: str, words: str = "建议增设坡道。", **more: str) -> dict[str, str]:
        """The fields of a form as the page gives them, filled in."""
        key = re.search(r'name="key" value="([^"]+)"', self.get(f"/public/c/{no}/comment"))
        assert key
        return {"key": key[1], "words": words, "stance": "", "name": "", "contact": "", "paragraph": "", **more}

    def send(self, no: str, form: dict[str, str], **headers: str) -> Any:
        return self.desk.client("").post(f"/public/c/{no}/comment", data={**form, "step": "send"}, headers=headers)

    def count(self, table: str) -> int:
        with self.desk.site.store.read() as connection:
            return int(connection.exec_driver_sql(f"select count(*) from {table}").scalar_one())


def square(store: Store, tmp_path: Path, mailbox: Mailbox | None = None, **people: Any) -> Square:
    """An empty square; with a mail server when one is given."""
    made = desk(store, tmp_path, procedure=NATIONAL, **people)
    if mailbox:
        mail = replace(made.site.settings.mail, host=mailbox.host, port=mailbox.port, sender="df@yunhe.example.cn")
        made.site.settings = replace(made.site.settings, mail=mail)
    return Square(made)
