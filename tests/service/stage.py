"""A government with its people, set up in a store, for tests of deeds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from decisionflow.core.facts import Paper
from decisionflow.service import rehearsals, scripts, steps
from decisionflow.store.engine import Store

FELLING = Path(__file__).parent.parent / "procedures" / "tree-felling.yaml"
START = datetime(2024, 3, 1, 1, 0, tzinfo=UTC)  # 9:00 in Shanghai


@dataclass
class Office:
    """A government at work: acts are taken one working hour apart unless a time is given."""

    store: Store
    stage: rehearsals.Stage
    now: datetime = START
    no: str = ""
    keys: int = 0
    last: steps.Done | steps.Held | None = field(default=None)

    @property
    def authority(self) -> Any:
        return self.stage.authority

    def ask(self, action: str, **raw: Any) -> steps.Ask:
        self.keys += 1
        return steps.Ask(action=action, key=f"key-{self.keys}", case=self.no, raw=raw)

    def submit(self, who: str, ask: steps.Ask) -> steps.Done | steps.Held:
        actor = self.stage.actors[who]
        self.last = self.store.write(lambda tx: steps.take_step(tx, self.authority, actor, ask, self.now))
        if isinstance(self.last, steps.Done) and not self.no:
            self.no = self.last.no
        return self.last

    def do(
        self, who: str, action: str, *, papers: tuple[str, ...] = (), after: timedelta | None = None, **raw: Any
    ) -> Any:
        self.now += after if after is not None else timedelta(hours=1)
        ask = self.ask(action, **raw)
        given = tuple(self.paper(kind) for kind in papers)
        return self.submit(who, steps.Ask(ask.action, ask.key, ask.case, ask.raw, given))

    def paper(self, kind: str, text: str = "材料") -> Paper:
        stored = self.store.blobs.put(text.encode(), "text/plain; charset=utf-8")
        return Paper(kind, kind, stored.sha256, stored.size, stored.type, f"{kind}.txt")

    def facts(self) -> Any:
        with self.store.read() as connection:
            return steps.load(connection, self.authority, self.no).facts


def office(store: Store, procedure: Path = FELLING, **people: Any) -> Office:
    """An office under a procedure, with the standard cast; `lead` works in 承办单位."""
    script = scripts.Script.model_validate(
        {"rehearsal": "1", "procedure": str(procedure), "people": people,
         "acts": [{"at": "2024-03-01T09:00", "as": "lead", "do": "x"}]}
    )  # fmt: skip
    chosen = rehearsals.named(str(procedure), Path("/"))
    stage = rehearsals.prepare(store, script, "yunhe", START - timedelta(days=1), clock="system", chosen=chosen)
    return Office(store, stage)
