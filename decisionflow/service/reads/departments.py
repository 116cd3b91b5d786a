"""S08 征求部门意见 (art. 13): each unit by what reached it, what it replied, what became of that; what has no reply is counted.

"No opinion" is a reply. "No reply by the day" is none: it is worked out from the day named in the letter, never typed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, text

from decisionflow.core import calendar as days
from decisionflow.core import conditions, machine, shapes
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts, Value, legal_date
from decisionflow.core.gates import as_day
from decisionflow.errors import NotFound
from decisionflow.service import actors, steps
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import wording
from decisionflow.service.reads.lamps import Light
from decisionflow.store.blobs import Blobs
from decisionflow.store.tables.infrastructure import Notice

SHORT, MANY = 3, 15  # working days to reply, and units, from which a letter looks like a formality
CONTENT = ("agree", "no_opinion")  # replies that leave nothing to settle
NOT_A_REPLY = "overdue"
_READ = Notice.__table__.c.read_at.type  # type: ignore[attr-defined]
_NOTICES = text("""
    select n.person_id, n.read_at from notice n
    where n.authority_id = :a and n.created_at >= :since and (n.href = :case or n.href like :acts)
""").columns(read_at=_READ)


@dataclass(frozen=True, slots=True)
class Asking:
    """The acts of the procedure by which departments are asked."""

    consult: law.Action
    reply: law.Action
    settle: law.Action | None
    dispute: law.Action | None


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit that was asked. `state` is waiting, missed or replied; `stance` is the procedure's word."""

    name: str
    why: str
    state: str
    light: Light
    opened: str
    stance: str
    stance_title: str
    replied_on: date | None
    late: int
    words: str
    adoption: str
    adoption_title: str
    reason: str
    entry: str
    chased: tuple[date, ...]

    @property
    def settled(self) -> bool:
        """Whether it has replied and nothing is left between the two."""
        return self.state == "replied" and (self.stance in CONTENT or self.adoption == "adopted")

    @property
    def open(self) -> bool:
        """Whether its opinion was not, or not wholly, taken up, or nobody has said what becomes of it."""
        return self.state == "replied" and not self.settled

    @property
    def disputes(self) -> bool:
        """Whether it was said that its opinion is not, or not wholly, taken up."""
        return self.open and bool(self.adoption)


@dataclass(frozen=True, slots=True)
class Board:
    """The whole desk; `asked_on` is None while nobody was asked, `mine` the acts that the reader may take now."""

    standing: steps.Standing
    stage: str
    acts: Asking
    asked_on: date | None
    reply_by: date | None
    question: str
    units: tuple[Unit, ...]
    hints: tuple[str, ...]
    mine: frozenset[str]

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each answer; those without one by what their day says."""
        found: dict[str, int] = {}
        for one in self.units:
            word = (
                one.stance_title if one.state == "replied" else {"missed": "逾期未复", "waiting": "等待回复"}[one.state]
            )
            found[word] = found.get(word, 0) + 1
        return found


def asking(procedure: law.Procedure) -> Asking | None:
    """The acts by which departments are asked; None when the procedure has none."""
    consult, reply = (
        shapes.asking(procedure, "units.unit", "reply_by"),
        shapes.asking(procedure, "unit", "stance", "adoption"),
    )
    if consult is None or reply is None:
        return None
    settle = next((one for one in procedure.actions if shapes.rows_with(one, "unit", "agreed")), None)
    return Asking(consult, reply, settle, shapes.asking(procedure, "disputed_points", "views.view", "lead_view"))


def board(
    connection: Connection, blobs: Blobs, authority: Authority, actor: Actor, no: str, now: datetime
) -> Board:  # fmt: skip
    """The desk of a case. Raises NotFound."""
    standing = steps.visible(connection, authority, actor, no)
    procedure, facts = standing.procedure, standing.facts
    acts = asking(procedure)
    if acts is None:
        raise NotFound(f"no departments in {procedure.name}", say="本事项的程序没有征求部门意见这一环节")
    asked = facts.last([acts.consult.id])
    reply_by = as_day(asked.fields.get("reply_by")) if asked else None
    everybody = actors.everybody(connection, authority.id, legal_date(now))
    read = _opened(connection, authority, facts, asked, everybody) if asked else {}
    units = tuple(_units(blobs, acts, facts, asked, read, legal_date(now))) if asked else ()
    track = procedure.tracks[acts.consult.track]
    mine = frozenset(
        one.id for one in machine.offered(procedure, facts.stages) if actors.duty_for(procedure, one, actor, facts)
    )
    return Board(
        standing, track.stages[facts.stages[acts.consult.track]], acts, asked.on if asked else None, reply_by,
        wording.whole(blobs, asked.fields.get("question")) if asked else "", units,
        tuple(_hints(standing, asked, reply_by, units, everybody)) if asked else (), mine,
    )  # fmt: skip


def _units(
    blobs: Blobs, acts: Asking, facts: Facts, asked: Act, read: Mapping[str, str], today: date
) -> Iterator[Unit]:  # fmt: skip
    reply_by = as_day(asked.fields.get("reply_by"))
    told = [act for act in facts.current([acts.reply.id]) if act.n > asked.n]
    stances, adoptions = acts.reply.field("stance"), acts.reply.field("adoption")
    for row in wording.rows(asked, "units"):
        mine = [act for act in told if conditions.same(act.fields.get("unit"), row.get("unit"))]
        last = next((act for act in reversed(mine) if act.fields.get("stance") != NOT_A_REPLY), None)
        said: Mapping[str, Value] = last.fields if last else {}
        replied = as_day(said.get("replied_on")) or (last.on if last else None)
        state = "replied" if last else "missed" if reply_by and today > reply_by else "waiting"
        name = wording.whole(blobs, row.get("unit"))
        yield Unit(
            name, wording.whole(blobs, row.get("reason")), state, _light(state, reply_by, today), read.get(name, ""),
            str(said.get("stance", "")), wording.words(stances, said.get("stance")) if stances else "", replied,
            max((replied - reply_by).days, 0) if replied and reply_by else 0, wording.whole(blobs, said.get("words")),
            str(said.get("adoption", "")), wording.words(adoptions, said.get("adoption")) if adoptions else "",
            wording.whole(blobs, said.get("adoption_reason")), last.entry if last else "",
            tuple(act.on for act in mine if act.fields.get("stance") == NOT_A_REPLY),
        )  # fmt: skip


def _light(state: str, reply_by: date | None, today: date) -> Light:
    if state == "replied" or reply_by is None:
        return Light("none", "")
    left = (reply_by - today).days
    if state == "missed":
        return Light("red", f"逾期未复，已过 {-left} 日", reply_by)
    return Light("yellow" if left <= 1 else "green", f"还剩 {left} 日" if left else "今天到期", reply_by)


def _opened(
    connection: Connection, authority: Authority, facts: Facts, asked: Act, everybody: Sequence[Actor]
) -> dict[str, str]:  # fmt: skip
    """What is known of each unit's reading: whether its people were told in the system, and had a look."""
    values = {"a": authority.id, "since": asked.recorded, "case": f"/cases/{facts.no}", "acts": f"/cases/{facts.no}/%"}
    units = {one.person: one.unit_name for one in everybody}
    found: dict[str, str] = {}
    for row in connection.execute(_NOTICES, values):
        name = units.get(row.person_id, "")
        if row.read_at is not None:
            found[name] = "已打开"
        else:
            found.setdefault(name, "已通知，没有打开")
    return found


def _hints(
    standing: steps.Standing, asked: Act, reply_by: date | None, units: Sequence[Unit], everybody: Sequence[Actor]
) -> Iterator[str]:  # fmt: skip
    reviewers = {one.unit_name for one in everybody if "legal" in one.duties}
    if named := [one.name for one in units if one.name in reviewers]:
        yield f"征求了{'、'.join(named)}的意见：征求意见不能代替合法性审查（第二十五条第一款），审查另外办理。"
    if reply_by:
        given = days.elapsed(standing.calendar, asked.on, reply_by, "workday")[0]
        if given < SHORT:
            yield f"只留了 {given} 个工作日回复，难以充分协商。"
    if len(units) > MANY:
        yield f"征求了 {len(units)} 个单位，超过 {MANY} 个：请看看是不是都与职责有关，只求“无意见”的征求没有意义。"
    replied = [one for one in units if one.state == "replied"]
    if len(replied) > 2 and all(one.stance == "no_opinion" for one in replied):
        yield "回复的全部是“无意见”，请看看是不是问到了该问的单位、该问的问题。"
    if unsettled := [one.name for one in units if one.open and not one.adoption]:
        yield f"{'、'.join(unsettled)}的意见还没有写明怎样处理。"


# ---- what the acts start with ----------------------------------------------------------------------------------


def starting(
    connection: Connection, blobs: Blobs, authority: Authority, actor: Actor, no: str, action: law.Action, row: str, now: datetime
) -> dict[str, Any]:  # fmt: skip
    """What the reply, the outcome or the statement of a dispute starts with; nothing for another act."""
    acts = asking(steps.load(connection, authority, no).procedure)
    if acts is None or action.id not in {one.id for one in (acts.reply, acts.settle, acts.dispute) if one}:
        return {}
    units = board(connection, blobs, authority, actor, no, now).units
    if action.id == acts.reply.id:
        return _reply(next((one for one in units if one.name == row), None), row)
    if acts.settle and action.id == acts.settle.id:
        return {"outcomes": [_outcome(one) for one in units]}
    return _dispute([one for one in units if one.open])


def _reply(unit: Unit | None, row: str) -> dict[str, Any]:
    if unit is None or unit.state != "replied":
        return {"unit": row} if unit else {}
    return {"unit": unit.name, "stance": unit.stance, "replied_on": unit.replied_on or "", "words": unit.words,
            "adoption": unit.adoption, "adoption_reason": unit.reason}  # fmt: skip


def _outcome(unit: Unit) -> dict[str, str]:
    """A unit without a reply is left open: whoever confirms says how it was chased, and answers for it."""
    if unit.state != "replied":
        return {"unit": unit.name, "note": unit.light.text}
    agreed = "true" if unit.settled else "false"
    note = "，".join(filter(None, (unit.stance_title, unit.adoption_title)))
    return {"unit": unit.name, "agreed": agreed, "note": note}


def _dispute(units: Sequence[Unit]) -> dict[str, Any]:
    """The four parts (art. 13): the main points, the units' views, the lead unit's view, its reasons and basis."""
    if not units:
        return {}
    return {
        "disputed_points": "\n".join(f"{n}．与{one.name}：" for n, one in enumerate(units, 1)),
        "views": [{"unit": one.name, "view": f"{one.stance_title}：{one.words}"} for one in units],
        "lead_view": "\n".join(f"{one.name}的意见：{one.adoption_title or '（写明是否采纳）'}" for one in units),
        "lead_reasons": "\n".join(one.reason for one in units if one.reason),
    }
