"""S14 风险评估: the working sheet, each round of the assessment beside the others, the body's finding, what was accepted.

Nothing here writes; the acts are told by the line on which they stand and by what they ask for.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from decisionflow.core import calendar as days
from decisionflow.core import machine, risk, shapes
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, legal_date
from decisionflow.core.gates import as_day
from decisionflow.service import adoption, risks
from decisionflow.service.actors import duty_for
from decisionflow.service.reads import wording
from decisionflow.service.reads.lamps import Light
from decisionflow.service.risks import Desk
from decisionflow.store.blobs import Blobs

SOON = 10  # days ahead from which an end is near
HEADS = ("序号", "风险点", "来源", "概率", "影响", "程度", "防范措施", "责任单位", "处置预案", "措施后")


@dataclass(frozen=True, slots=True)
class Row:
    """A risk point as a table shows it."""

    risk: risk.Risk
    said: Mapping[str, str]
    id: str = ""

    @property
    def level(self) -> str:
        return _level(self.risk.level, self.risk.first)

    @property
    def level_after(self) -> str:
        return _level(self.risk.level_after, self.risk.after)


@dataclass(frozen=True, slots=True)
class Finding:
    """What the body found of its own (art. 24): whether the risk can be controlled."""

    title: str
    on: date
    who: str
    reason: str
    measures: str
    entry: str
    good: bool


@dataclass(frozen=True, slots=True)
class Round:
    """One assessment: the report, what the body found of it, and what was done before the next."""

    n: int
    on: date
    who: str
    conclusion: str
    entry: str
    rows: tuple[Row, ...]
    square: risk.Square | None
    worst: risk.Level
    worst_after: risk.Level
    linked: str
    findings: tuple[Finding, ...]
    measures: str


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A remaining risk that a named person accepted, until a day."""

    points: str
    who: str
    reason: str
    until: date
    light: Light
    entry: str
    by: str


@dataclass(frozen=True, slots=True)
class Offer:
    """An act of this line that may be taken now; `mine` when it is the reader's."""

    title: str
    href: str
    mine: bool


@dataclass(frozen=True, slots=True)
class Board:
    """The whole desk."""

    at: Desk
    stage: str
    sheet: tuple[Row, ...]
    square: risk.Square
    hints: tuple[str, ...]
    rounds: tuple[Round, ...]
    compared: tuple[tuple[str, tuple[str, ...]], ...]
    accepted: tuple[Acceptance, ...]
    offers: tuple[Offer, ...]
    waived: str


def board(connection: Connection, blobs: Blobs, at: Desk, now: datetime) -> Board:
    """Everything of the risks of a case that its desk shows."""
    procedure, facts = at.standing.procedure, at.standing.facts
    track = procedure.tracks[at.action.track]
    sheet = tuple(_lines(at, risks.lines(connection, at))) if at.writes else ()
    known = [row.risk for row in sheet]
    rounds = tuple(_rounds(blobs, at))
    waived = next(
        (act for act in reversed(facts.acts) if act.track == at.action.track and act.after in track.waived), None
    )
    stage = facts.stages[at.action.track]
    return Board(
        at, track.stages[stage], sheet, risk.square(known, at.choices("probability"), at.choices("impact")),
        tuple(risk.hints(known)) if known else (), rounds, tuple(_compared(rounds)), tuple(_accepted(blobs, at, now)),
        tuple(_offers(at)), wording.whole(blobs, waived.fields.get("reason")) if waived and stage in track.waived else "",
    )  # fmt: skip


def _lines(at: Desk, lines: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    for one, line in zip(risk.read(lines), lines, strict=True):
        yield Row(one, {name: line[name] for name in risks.NAMES} | _titled(at, line), line["id"])


def _titled(at: Desk, row: Mapping[str, Any]) -> dict[str, str]:
    return {f"{name}_title": at.choices(name).get(str(row.get(name, "")), "") for name in risks.CHOSEN}


def _level(level: risk.Level, place: risk.Place) -> str:
    if not level:
        return ""
    sum_ = f"（{place.probability}×{place.impact}={place.score}）" if place.known else ""
    return f"{risk.MARKS[level]} {risk.TITLES[level]}{sum_}"


# ---- rounds ----------------------------------------------------------------------------------------------


def _rounds(blobs: Blobs, at: Desk) -> Iterator[Round]:
    """The assessments in order; one that was linked from elsewhere counts as one."""
    procedure, facts = at.standing.procedure, at.standing.facts
    mine = [act for act in facts.acts if act.track == at.action.track]
    made = [act for act in mine if act.after == at.action.to and act.before != act.after]
    for n, act in enumerate(made):
        until = made[n + 1].n if n + 1 < len(made) else facts.seq + 1
        later = [one for one in mine if act.n < one.n < until]
        rows = tuple(_told(blobs, at, act))
        known = [row.risk for row in rows]
        again = next((one for one in later if _resets(procedure, one)), None)
        yield Round(
            n + 1, act.on, f"{act.party.unit_name} {act.party.name}", _conclusion(at, act), act.entry, rows,
            risk.square(known, at.choices("probability"), at.choices("impact")) if known else None,
            risk.worst(one.level for one in known), risk.worst(one.level_after for one in known), _linked(blobs, act),
            tuple(_findings(blobs, at, later)), wording.whole(blobs, again.fields.get("measures")) if again else "",
        )  # fmt: skip


def _told(blobs: Blobs, at: Desk, act: Act) -> Iterator[Row]:
    rows = wording.rows(act, at.rows.id)
    for one, row in zip(risk.read(rows), rows, strict=True):
        yield Row(one, {name: wording.whole(blobs, row.get(name)) for name in risks.NAMES} | _titled(at, row))


def _conclusion(at: Desk, act: Act) -> str:
    spec = at.action.field("conclusion")
    return wording.words(spec, act.fields.get("conclusion")) if spec else ""


def _linked(blobs: Blobs, act: Act) -> str:
    """An earlier assessment that is referenced and not repeated (art. 22(2)); '' for a report made here."""
    if "covers" not in act.fields:
        return ""
    unit = wording.whole(blobs, act.fields.get("assessor_unit"))
    number = f"（{act.fields['number']}）" if act.fields.get("number") else ""
    covers = wording.whole(blobs, act.fields["covers"])
    return f"{act.fields.get('title', '')}{number}，{unit}，{act.fields.get('made_on', '')}：{covers}"


def _resets(procedure: law.Procedure, act: Act) -> bool:
    action = procedure.action(act.action)
    return action is not None and act.track in action.resets


def _findings(blobs: Blobs, at: Desk, acts: Sequence[Act]) -> Iterator[Finding]:
    track = at.standing.procedure.tracks[at.action.track]
    for act in acts:
        if act.before == at.action.to and act.after != act.before and act.after in (*track.done, *track.failed):
            who = f"{act.party.post_title} {act.party.name}"
            yield Finding(
                track.stages[act.after], act.on, who, wording.whole(blobs, act.fields.get("reason")),
                wording.whole(blobs, act.fields.get("measures")), act.entry, act.after in track.done,
            )  # fmt: skip


def _compared(rounds: Sequence[Round]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each point with its level in every round; a point is the same when it is called the same."""
    if len(rounds) < 2:
        return
    names = dict.fromkeys(row.risk.point for one in rounds for row in one.rows)
    for name in names:
        found = [next((row for row in one.rows if row.risk.point == name), None) for one in rounds]
        yield name, tuple(_way(row) for row in found)


def _way(row: Row | None) -> str:
    if row is None:
        return "没有列出"
    return f"{row.level or '没有评定'} → {row.level_after}" if row.level_after else row.level or "没有评定"


# ---- accepted, offered ------------------------------------------------------------------------------------------


def _accepted(blobs: Blobs, at: Desk, now: datetime) -> Iterator[Acceptance]:
    facts, today = at.standing.facts, legal_date(now)
    action = shapes.asking(at.standing.procedure, "accepted_by", "until")
    if action is None:
        return
    for act in facts.acts:
        until = as_day(act.fields.get("until"))
        if act.action == action.id and until:
            old = act.round != facts.rounds[act.track]
            yield Acceptance(
                wording.whole(blobs, act.fields.get("points")), wording.whole(blobs, act.fields.get("accepted_by")),
                wording.whole(blobs, act.fields.get("reason")), until,
                Light("none", "已重新评估", until) if old else until_light(until, today), act.entry, act.party.name,
            )  # fmt: skip


def until_light(until: date, today: date) -> Light:
    """The lamp of a day that somebody named."""
    left = (until - today).days
    if left < 0:
        return Light("red", f"已过 {-left} 日", until)
    return Light("yellow" if left <= SOON else "green", f"还剩 {left} 日" if left else "今天到期", until)


def _offers(at: Desk) -> Iterator[Offer]:
    procedure, facts = at.standing.procedure, at.standing.facts
    for action in machine.offered(procedure, facts.stages):
        if action.track == at.action.track and action.id != at.action.id:
            mine = bool(duty_for(procedure, action, at.actor, facts))
            yield Offer(action.title, f"/cases/{facts.no}/do/{action.id}" if mine else "", mine)


# ---- what acts start with, and the report --------------------------------------------------------------------------


def tasks(blobs: Blobs, at: Desk) -> list[dict[str, str]]:
    """The measures of the newest report as tasks for those who carry the decision out."""
    last = next((one for one in reversed(list(_rounds(blobs, at))) if one.rows), None)
    rows = last.rows if last else ()
    return [
        {"unit": row.said["unit"], "task": f"防范风险“{row.risk.point}”：{row.said['measure']}"[:300]}
        for row in rows
        if row.said["measure"] and row.said["unit"]
    ]


def report_file(connection: Connection, at: Desk, on: date) -> bytes:
    """The report as a .docx file: the points from the sheet, the rest as headings to be filled in (art. 23(2))."""
    facts, rows = at.standing.facts, tuple(_lines(at, risks.lines(connection, at)))
    made = adoption.blank(f"关于“{facts.title}”的风险评估报告")
    made.add_heading("一、评估的过程和方法", 1)
    made.add_paragraph("（写明舆情跟踪、重点走访、会商分析等方法，定性和定量分析，以及听取有关部门意见的情况。）")
    made.add_heading("二、风险点、防范措施和处置预案", 1)
    table = made.add_table(rows=1, cols=len(HEADS))
    table.style = "Table Grid"
    for cell, head in zip(table.rows[0].cells, HEADS, strict=True):
        cell.text = head
    for row in rows:
        said = row.said
        told = (str(row.risk.n), row.risk.point, said["source"], said["probability_title"], said["impact_title"], row.level,
                said["measure"], f"{said['unit']}{said['owner']}", said["plan"], row.level_after)  # fmt: skip
        for cell, words in zip(table.add_row().cells, told, strict=True):
            cell.text = words
    made.add_paragraph("程度＝概率×影响，1至4为低，5至12为中，15至25为高。这是本系统的画法，不是条例的规定。")
    made.add_heading("三、评估结论", 1)
    made.add_paragraph("（风险可控或者不可控；是否可控由决策机关认定，条例第二十四条。）")
    made.add_paragraph(f"{at.actor.unit_name}\n{days.say_day(on).partition('（')[0]}")
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()
