"""S27 归档 (art. 33): what lies in the dossier by step, with maker, day, hash and entry; what should lie there and does not.

Expected are the papers that the acts taken must bring along, and for every step that the law demands of this matter a
record that it was done, or that it was not needed and why (DF-FILE).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from decisionflow.core import calendar as days
from decisionflow.core import clocks, conditions, machine, shapes
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts, legal_date
from decisionflow.service import actors, adoption, steps
from decisionflow.service.actors import Actor
from decisionflow.service.reads import lamps, wording
from decisionflow.service.reads.lamps import Light
from decisionflow.store.blobs import Blobs

TITLE = "卷内目录"
HEADS = ("顺序号", "题名", "责任者", "日期", "大小", "摘要（SHA-256 前16位）", "存证号", "备注")


@dataclass(frozen=True, slots=True)
class Item:
    """A piece of the dossier. `there` is False when its bytes are not in the store any more."""

    n: int
    title: str
    maker: str
    on: date
    size: int
    sha256: str
    entry: str
    late: bool
    there: bool


@dataclass(frozen=True, slots=True)
class Section:
    """The pieces of one step, and how the step stands."""

    title: str
    stage: str
    items: tuple[Item, ...]
    waived: str


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that should lie in the dossier and does not."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Filed:
    """What the act of filing, or of adding later, said."""

    title: str
    on: date
    who: str
    words: str
    entry: str


@dataclass(frozen=True, slots=True)
class Board:
    """The whole desk: `due` pieces should be there, `have` are."""

    sections: tuple[Section, ...]
    due: int
    have: int
    lacks: tuple[Lack, ...]
    stage: str
    filed: tuple[Filed, ...]
    file: law.Action | None
    files_now: bool
    ahead: tuple[law.Action, ...]
    light: Light | None
    ready: bool

    @property
    def items(self) -> tuple[Item, ...]:
        """Every piece, in order."""
        return tuple(item for section in self.sections for item in section.items)

    @property
    def broken(self) -> tuple[Item, ...]:
        """Pieces whose bytes are gone."""
        return tuple(item for item in self.items if not item.there)

    @property
    def headline(self) -> str:
        """The sentence that says how complete it is."""
        words = f"应归 {self.due} 件，已归 {self.have} 件"
        return f"{words}，缺：{'、'.join(one.what for one in self.lacks)}" if self.lacks else f"{words}，没有缺件"


def filing(procedure: law.Procedure) -> law.Action | None:
    """The act by which the dossier is filed."""
    return shapes.asking(procedure, "items", "missing", "retention")


def board(blobs: Blobs, standing: steps.Standing, actor: Actor, now: datetime) -> Board:
    """The dossier of a case as it stands."""
    procedure, facts = standing.procedure, standing.facts
    file = filing(procedure)
    expected = list(_papers(procedure, facts))
    lacks = [*(lack for lack in expected if lack), *_steps(procedure, facts)]
    demanded = list(_demanded(procedure, facts))
    offered = machine.offered(procedure, facts.stages) if file else ()
    mine = tuple(
        one for one in offered if file and one.track == file.track and actors.duty_for(procedure, one, actor, facts)
    )  # fmt: skip
    due = len(expected) + len(demanded)
    track = procedure.tracks[file.track] if file else None
    here = facts.stages[file.track] if file else ""
    return Board(
        tuple(_sections(blobs, procedure, facts)), due, due - len(lacks), tuple(lacks),
        track.stages[here] if track else "", tuple(_filed(blobs, procedure, facts, file)), file,
        file in mine, tuple(one for one in mine if one != file), _light(standing, file, now),
        file in offered or bool(track and here in track.done),
    )  # fmt: skip


# ---- what lies there ---------------------------------------------------------------------------------------------------


def _sections(blobs: Blobs, procedure: law.Procedure, facts: Facts) -> Iterator[Section]:
    n, seen = 0, set[tuple[str, str]]()
    gone = set(blobs.missing({digest for act in facts.acts for _, digest, _ in _pieces(procedure, act)}))
    for name, track in procedure.tracks.items():
        items = []
        for act in (one for one in facts.acts if one.track == name):
            for title, digest, size in _pieces(procedure, act):
                if (title, digest) in seen:
                    continue
                seen.add((title, digest))
                n += 1
                maker = f"{act.party.unit_name} {act.party.name}".strip()
                items.append(Item(n, title, maker, act.on, size, digest, act.entry, act.late, digest not in gone))
        waived = next((act for act in reversed(facts.acts) if act.track == name and act.after in track.waived), None)
        here = facts.stages[name]
        if items or (waived and here in track.waived):
            yield Section(
                track.title,
                track.stages[here],
                tuple(items),
                _waived(blobs, waived) if waived and here in track.waived else "",
            )


def _pieces(procedure: law.Procedure, act: Act) -> Iterator[tuple[str, str, int]]:
    """The papers of an act, and the version of the draft that it brought."""
    for paper in act.papers:
        kind = procedure.materials[paper.kind].title
        yield f"{kind}：{paper.title}" if paper.title not in ("", kind) else kind, paper.sha256, paper.size
    action = procedure.action(act.action)
    if act.text is not None and action is not None and action.text == "new":
        yield f"决策草案第 {act.text.version} 版", act.text.sha256, act.text.size


def _waived(blobs: Blobs, act: Act) -> str:
    return f"{act.on} {act.party.name}：{wording.whole(blobs, act.fields.get('reason')) or act.title}"


# ---- what should lie there -----------------------------------------------------------------------------------------------


def _papers(procedure: law.Procedure, facts: Facts) -> Iterator[Lack | None]:
    """For each paper that an act taken had to bring along: None, or that it is not there."""
    have, told = facts.papers(), set[str]()
    for act in facts.acts:
        action = procedure.action(act.action)
        for paper in action.materials if action else ():
            needed = paper.required and conditions.holds(
                paper.if_, matter=facts.matter, fields=act.fields, stages=facts.stages
            )
            if not needed or paper.kind in told or procedure.materials[paper.kind].text:
                continue
            told.add(paper.kind)
            title = procedure.materials[paper.kind].title
            yield None if paper.kind in have else Lack(title, f"办理“{act.title}”应当提交")


def _demanded(procedure: law.Procedure, facts: Facts) -> Iterator[tuple[str, bool]]:
    """The lines that a "must" demands of this matter, and whether each is done or recorded as not needed."""
    told = dict[str, bool]()
    for gate in procedure.gates:
        if not isinstance(gate, law.Reached) or gate.strength != "must" or gate.track in procedure.goal:
            continue
        if conditions.holds(gate.if_, matter=facts.matter, fields={}, stages=facts.stages):
            told[gate.track] = told.get(gate.track, True) and facts.stages[gate.track] in gate.stages
    file = filing(procedure)
    yield from ((track, good) for track, good in told.items() if file is None or track != file.track)


def _steps(procedure: law.Procedure, facts: Facts) -> Iterator[Lack]:
    for track, good in _demanded(procedure, facts):
        if not good:
            spec = procedure.tracks[track]
            why = f"现在的状态：{spec.stages[facts.stages[track]]}；既没有履行完的记录，也没有不需要的记录"
            yield Lack(spec.title, why)


# ---- filing ------------------------------------------------------------------------------------------------------------


def _filed(blobs: Blobs, procedure: law.Procedure, facts: Facts, file: law.Action | None) -> Iterator[Filed]:
    for act in facts.acts:
        action = procedure.action(act.action)
        if file is None or action is None or act.track != file.track:
            continue
        told = [
            f"{spec.title}：{wording.words(spec, act.fields[spec.id])}"
            for spec in action.fields
            if spec.id in act.fields
        ]
        yield Filed(act.title, act.on, f"{act.party.unit_name} {act.party.name}".strip(), "；".join(told), act.entry)


def _light(standing: steps.Standing, file: law.Action | None, now: datetime) -> Light | None:
    """The lamp of the clock that filing ends, where a place has set one."""
    today, procedure = legal_date(now), standing.procedure
    mine = {clock.id for clock in procedure.clocks if file and file.id in clock.ends}
    running = clocks.ledger(procedure, standing.facts, standing.calendar, today)
    return next((lamps.of_clock(one, today, standing.calendar) for one in running if one.clock in mine), None)


def starting(blobs: Blobs, standing: steps.Standing, actor: Actor, action: law.Action, now: datetime) -> dict[str, Any]:
    """What the act of filing starts with: how many pieces, and what is missing; nothing for another act."""
    file = filing(standing.procedure)
    if file is None or action.id != file.id:
        return {}
    found = board(blobs, standing, actor, now)
    missing = "；".join(f"{one.what}（{one.why}）" for one in found.lacks) or "无"
    return {"items": len(found.items), "missing": missing}


def list_file(found: Board, facts: Facts, on: date) -> bytes:
    """The table of contents as a .docx file."""
    made = adoption.blank(f"“{facts.title}”{TITLE}")
    made.add_paragraph(f"事项编号 {facts.no}。{found.headline}。共 {len(found.items)} 件。")
    for section in found.sections:
        made.add_heading(f"{section.title}（{section.stage}）", 1)
        if section.waived:
            made.add_paragraph(f"不需要的记录：{section.waived}")
        if section.items:
            _table(made, section)
    made.add_paragraph(days.say_day(on).partition("（")[0])
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def _table(made: Any, section: Section) -> None:
    table = made.add_table(rows=1, cols=len(HEADS))
    table.style = "Table Grid"
    for cell, head in zip(table.rows[0].cells, HEADS, strict=True):
        cell.text = head
    for one in section.items:
        note = "、".join(filter(None, ("补录" if one.late else "", "" if one.there else "原件不在存储里")))
        told = (
            str(one.n),
            one.title,
            one.maker,
            one.on.isoformat(),
            str(one.size),
            one.sha256[:16],
            one.entry[-12:],
            note,
        )
        for cell, words in zip(table.add_row().cells, told, strict=True):
            cell.text = words
