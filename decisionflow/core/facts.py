"""The frozen picture of a case that gates look at, folded from its entries alone.

`fold` is the one way a case changes: the step uses it to write the row, `replay` uses it to prove the
row. Times: `at` is when an act happened (claimed), `recorded` when we wrote it, `on` the legal date:
the claimed day when evidence proves it, else the day of recording (PRACTICE §2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")

Value: TypeAlias = "str | int | bool | list[Value] | dict[str, Value]"
Fields: TypeAlias = Mapping[str, Value]
Record: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Party:
    """Who acted, in which post of which unit, for which duty. Names stand as they were that day."""

    person: str
    name: str
    post: str = ""
    post_title: str = ""
    unit: str = ""
    unit_name: str = ""
    duty: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """One file of the dossier, named by its content."""

    kind: str
    title: str
    sha256: str
    size: int
    type: str
    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """A version of the draft: one digest over its paragraphs and its original file, which also names its blob."""

    version: int
    sha256: str
    size: int
    title: str


@dataclass(frozen=True, slots=True)
class Act:
    """One act of the case, as its entry says it."""

    n: int
    entry: str
    action: str
    title: str
    track: str
    round: int
    before: str
    after: str
    on: date
    at: datetime
    recorded: datetime
    late: bool
    party: Party
    fields: Fields
    papers: tuple[Paper, ...] = ()
    text: Text | None = None
    deviations: tuple[str, ...] = ()
    corrected_by: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """A case as its entries make it."""

    case: str
    no: str
    title: str
    procedure: str
    matter: Fields
    stages: Mapping[str, str]
    rounds: Mapping[str, int]
    heads: Mapping[str, str]
    duties: Mapping[str, tuple[Mapping[str, str], ...]]
    opened: datetime
    acts: tuple[Act, ...] = ()
    text: Text | None = None
    seq: int = 0

    def current(self, actions: Iterable[str]) -> tuple[Act, ...]:
        """The acts of these actions since the last reset of their tracks, oldest first."""
        wanted = set(actions)
        return tuple(act for act in self.acts if act.action in wanted and act.round == self.rounds[act.track])

    def last(self, actions: Iterable[str]) -> Act | None:
        """The newest of `current`."""
        found = self.current(actions)
        return found[-1] if found else None

    def papers(self) -> Mapping[str, Paper]:
        """The newest paper of each kind in the dossier."""
        return {paper.kind: paper for act in self.acts for paper in act.papers}


def legal_date(at: datetime) -> date:
    """The day of an instant in Shanghai: the day that counts in law."""
    return at.astimezone(SHANGHAI).date()


def instant(text: str) -> datetime:
    """An entry's ``…Z`` time as an aware datetime."""
    return datetime.fromisoformat(text).astimezone(UTC)


def stamp(at: datetime) -> str:
    """An aware datetime as entries write it: ``2024-03-01T01:00:00.000000Z``."""
    if at.tzinfo is None:
        raise ValueError("a naive datetime has no place in an entry")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def opened(record: Record) -> Facts:
    """The case that a `case.opened` record begins: every track at its first stage, round 1."""
    body = record["body"]
    return Facts(
        case=record["chain"]["id"], no=body["no"], title=body["title"], procedure=body["procedure"]["digest"],
        matter={}, stages=body["stages"], rounds=dict.fromkeys(body["stages"], 1),
        heads=dict.fromkeys(body["stages"], str(record["id"])), duties={},
        opened=instant(record["times"]["recorded_at"]), seq=record["chain"]["seq"],
    )  # fmt: skip


def fold(facts: Facts | None, record: Record) -> Facts:
    """The case after one more entry of its chain. Kinds that say nothing about the procedure only count."""
    kind = record["kind"]
    if facts is None:
        return opened(record)
    seen = replace(facts, seq=record["chain"]["seq"])
    if kind == "step.taken":
        return _taken(seen, record)
    if kind == "entry.corrected":
        return _corrected(seen, record)
    if kind == "case.moved":
        return _moved(seen, record)
    if kind == "case.renamed":
        return replace(seen, title=record["body"]["title"])
    return seen


def _taken(facts: Facts, record: Record) -> Facts:
    body = record["body"]
    act = act_of(record)
    restarted = {track: facts.rounds[track] + 1 for track in body.get("resets", ())}
    moved = {act.track, *restarted}
    new = {track: act.entry for track in body["stages"] if track not in facts.heads}
    return replace(
        facts,
        title=body.get("renames", facts.title),
        procedure=body.get("procedure", {}).get("digest", facts.procedure),
        matter={**facts.matter, **body.get("matter", {})},
        stages=body["stages"],
        rounds={**dict.fromkeys(new, 1), **facts.rounds, **restarted},
        heads={**{track: act.entry if track in moved else head for track, head in facts.heads.items()}, **new},
        duties={**facts.duties, **{duty: tuple(held) for duty, held in body.get("assigns", {}).items()}},
        acts=(*facts.acts, act),
        text=act.text if body.get("new_text") else facts.text,
    )


def _moved(facts: Facts, record: Record) -> Facts:
    """The case under another version: its stages there, and every line shown anew."""
    body = record["body"]
    stages = body["stages"]
    return replace(
        facts, procedure=body["procedure"]["digest"], stages=stages,
        rounds={track: facts.rounds.get(track, 1) for track in {**facts.rounds, **stages}},
        heads={track: str(record["id"]) for track in {**facts.heads, **stages}},
    )  # fmt: skip


def act_of(record: Record) -> Act:
    """The act that a `step.taken` record tells of."""
    body, times, actor = record["body"], record["times"], record["actor"]
    at, recorded = instant(times["happened_at"]), instant(times["recorded_at"])
    text = body.get("text")
    return Act(
        n=record["chain"]["seq"], entry=record["id"], action=body["action"], title=body["title"], track=body["track"],
        round=body["round"], before=body["before"], after=body["after"],
        on=legal_date(at if times.get("evidence") or not times.get("late") else recorded),
        at=at, recorded=recorded, late=bool(times.get("late")), party=party_of(actor), fields=body.get("fields", {}),
        papers=tuple(Paper(**paper) for paper in body.get("papers", ())),
        text=Text(**text) if text else None, deviations=tuple(body.get("deviations", ())),
    )  # fmt: skip


def party_of(actor: Record) -> Party:
    """The person acting, as the entry names them."""
    return Party(**{name: actor.get(name, "") for name in Party.__dataclass_fields__})


def _corrected(facts: Facts, record: Record) -> Facts:
    body = record["body"]
    acts = tuple(
        replace(act, fields={**act.fields, **body["fields"]}, corrected_by=record["id"])
        if act.entry == body["of"]
        else act
        for act in facts.acts
    )
    return replace(facts, acts=acts, matter={**facts.matter, **body.get("matter", {})})


def freeze(facts: Facts) -> dict[str, Any]:
    """Facts as JSON-ready data for the row."""
    return {
        "case": facts.case, "no": facts.no, "title": facts.title, "procedure": facts.procedure,
        "matter": dict(facts.matter), "stages": dict(facts.stages), "rounds": dict(facts.rounds),
        "heads": dict(facts.heads), "duties": {duty: list(held) for duty, held in facts.duties.items()},
        "opened": stamp(facts.opened), "acts": [_freeze_act(act) for act in facts.acts],
        "text": asdict(facts.text) if facts.text else None, "seq": facts.seq,
    }  # fmt: skip


def _freeze_act(act: Act) -> dict[str, Any]:
    return {
        "n": act.n, "entry": act.entry, "action": act.action, "title": act.title, "track": act.track, "round": act.round,
        "before": act.before, "after": act.after, "on": act.on.isoformat(), "at": stamp(act.at),
        "recorded": stamp(act.recorded), "late": act.late, "party": asdict(act.party), "fields": dict(act.fields),
        "papers": [asdict(paper) for paper in act.papers], "text": asdict(act.text) if act.text else None,
        "deviations": list(act.deviations), "corrected_by": act.corrected_by,
    }  # fmt: skip


def thaw(data: Mapping[str, Any]) -> Facts:
    """Facts from what `freeze` gave."""
    acts = tuple(
        Act(**{
            **act, "on": date.fromisoformat(act["on"]), "at": instant(act["at"]), "recorded": instant(act["recorded"]),
            "party": Party(**act["party"]), "papers": tuple(Paper(**paper) for paper in act["papers"]),
            "text": Text(**act["text"]) if act["text"] else None, "deviations": tuple(act["deviations"]),
        })
        for act in data["acts"]
    )  # fmt: skip
    text = Text(**data["text"]) if data["text"] else None
    duties = {duty: tuple(held) for duty, held in data["duties"].items()}
    return Facts(**{**data, "acts": acts, "text": text, "duties": duties, "opened": instant(data["opened"])})


@dataclass(frozen=True, slots=True)
class Timing:
    """When an act happened by its evidence, and when it is entered (PRACTICE §2)."""

    now: datetime
    happened: datetime | None = None
    evidence: str = ""
    reason: str = ""
    tolerance: timedelta = field(default=timedelta(hours=12))

    @property
    def at(self) -> datetime:
        """The claimed instant, or now."""
        return self.happened or self.now

    @property
    def late(self) -> bool:
        """Entered later than the day it happened on (补录)."""
        return self.happened is not None and self.now - self.happened > self.tolerance

    @property
    def on(self) -> date:
        """The legal date: a late claim without evidence counts from the day of entry."""
        return legal_date(self.at if self.evidence or not self.late else self.now)
