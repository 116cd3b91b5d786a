"""A matter in its meetings, read off its acts: when it was put on an agenda, who was there, what was said, what came of it.

Pure: nothing here but the folded case and its procedure. Acts are known by what they are to a meeting (`Action.meeting`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from decisionflow.core import conditions, gates
from decisionflow.core import procedure as law
from decisionflow.core.facts import SHANGHAI, Act, Facts, Paper, instant

PRESENCE = {"present": "到会", "excused": "请假", "absent": "缺席", "recused": "回避"}
DISSENT = ("disagree", "reserve")
SPAN = 60  # days by which a meeting may be put off and still be the same, where only its number is known


@dataclass(slots=True)
class Sitting:
    """One time that a matter was on an agenda: from being put there to what came of it."""

    scheduled: Act
    convened: Act | None = None
    changes: list[Act] = field(default_factory=list)
    speeches: list[Act] = field(default_factory=list)
    confirmed: list[Act] = field(default_factory=list)
    decided: Act | None = None
    removed: Act | None = None

    @property
    def of(self) -> str:
        """The meeting's id as the act says it; '' where it was put there without one."""
        return str(self.scheduled.fields.get("meeting", ""))

    @property
    def told(self) -> tuple[str, str, date]:
        """Type, number and day of the meeting as the act says them."""
        said = self.scheduled.fields
        return str(said["meeting_type"]), str(said["meeting_no"]), date.fromisoformat(str(said["planned_on"]))

    @property
    def urgent(self) -> Any:
        """Why it came onto an agenda that was locked already."""
        return self.scheduled.fields.get("urgent_reason", "")

    def is_of(self, row: Mapping[str, Any]) -> bool:
        """Whether this is a sitting of the meeting of that row."""
        if self.of:
            return self.of == str(row["id"])
        kind, no, on = self.told
        return (kind, no) == (str(row["type"]), str(row["no"])) and abs((on - row["planned_on"]).days) <= SPAN


def sittings(procedure: law.Procedure, facts: Facts) -> tuple[Sitting, ...]:
    """Every sitting of a matter, oldest first."""
    roles = {action.id: action.meeting for action in procedure.actions if action.meeting}
    found: list[Sitting] = []
    for act in facts.acts:
        role = roles.get(act.action, "")
        if role == "schedule":
            found.append(Sitting(act))
        elif found:
            _take(found[-1], role, act)
    return tuple(found)


def _take(at: Sitting, role: str, act: Act) -> None:
    match role:
        case "unschedule" | "return" if at.convened is None and at.removed is None:
            at.removed = act
        case "convene":
            at.convened = act
        case "presence":
            at.changes.append(act)
        case "speech":
            at.speeches.append(act)
        case "confirm":
            at.confirmed.append(act)
        case "decide":
            at.decided = act


def sitting_of(procedure: law.Procedure, facts: Facts, row: Mapping[str, Any]) -> Sitting | None:
    """The newest sitting of a matter in a meeting, unless it was taken off that agenda again."""
    found = [one for one in sittings(procedure, facts) if one.is_of(row) and one.removed is None]
    return found[-1] if found else None


def act_of(procedure: law.Procedure, role: str) -> law.Action | None:
    """The action that is this to a meeting; None when the procedure has none."""
    return next((action for action in procedure.actions if action.meeting == role), None)


def outcomes(procedure: law.Procedure) -> tuple[law.Action, ...]:
    """What may be decided, in the order of the procedure."""
    return tuple(action for action in procedure.actions if action.meeting == "decide")


# ---- what was handed in --------------------------------------------------------------------------------------


def submission(procedure: law.Procedure, facts: Facts) -> Act | None:
    """The act by which the matter now lies with the office or the meeting; None while it does not."""
    last: Act | None = None
    roles = {action.id: action for action in procedure.actions}
    for act in facts.acts:
        action = roles.get(act.action)
        if action is None or act.track != _track(procedure):
            continue
        if action.meeting == "submit":
            last = act
        elif last is not None and act.after == last.before:
            last = None
    return last


def _track(procedure: law.Procedure) -> str:
    action = act_of(procedure, "submit")
    return action.track if action else ""


def handed_in(procedure: law.Procedure, facts: Facts, given: Act) -> dict[str, Paper]:
    """The papers of a submission by kind: what it asks for as the dossier held it then, and what was supplemented since."""
    more = {action.id for action in procedure.actions if action.meeting == "supplement"}
    action = procedure.action(given.action)
    kinds = {paper.kind for paper in action.materials} if action else set()
    found: dict[str, Paper] = {}
    for act in facts.acts:
        if act.n <= given.n or act.action in more:
            found |= {paper.kind: paper for paper in act.papers if paper.kind in kinds}
    return found


# ---- who was there -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seat:
    """A member or somebody attending, for this matter: how they stood at its beginning, and how they stand now."""

    name: str
    role: str
    began: str
    now: str
    notes: tuple[str, ...]

    @property
    def here(self) -> bool:
        return self.now == "present"


def seats(at: Sitting) -> tuple[Seat, ...]:
    """The members on the roll in its order, with who came, left or withdrew during this matter."""
    rows = _rows(at.convened, "roll")
    return tuple(_seat(at, row) for row in rows)


def _seat(at: Sitting, row: Mapping[str, Any]) -> Seat:
    name, began = named(row.get("name")), str(row.get("presence", ""))
    now, notes = began, [str(row["note"])] if row.get("note") else []
    for act in at.changes:
        if not conditions.same(act.fields.get("name"), row.get("name")):
            continue
        change = str(act.fields.get("change", ""))
        now = {"arrived": "present", "left": "left"}.get(change, change)
        ground = act.fields.get("ground")
        word = {"arrived": "到会", "left": "离会", "recused": "回避"}.get(change, change)
        notes.append(f"{clock(act)}{word}" + (f"：{ground}" if ground else ""))
    return Seat(name, str(row.get("role", "")), began, now, tuple(notes))


def attendees(at: Sitting) -> tuple[tuple[str, str], ...]:
    """Those who attend without a seat: name and unit."""
    return tuple((named(row.get("name")), named(row.get("unit"))) for row in _rows(at.convened, "attendees"))


def clock(act: Act) -> str:
    """``10:20 `` when the act says when it happened, in Shanghai."""
    said = act.fields.get("at")
    at = instant(str(said)) if said else act.at
    return f"{at.astimezone(SHANGHAI):%H:%M} "


def _rows(act: Act | None, name: str) -> list[Mapping[str, Any]]:
    found = act.fields.get(name) if act else None
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []


def named(value: Any) -> str:
    """A person or unit in a field, by name."""
    return str(value.get("name", "")) if isinstance(value, Mapping) else str(value or "")


# ---- what was said -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Speech:
    """One line of the record, by its number: who said what, verbatim, and who stands for it being right."""

    n: int
    act: Act
    speaker: str
    role: str
    position: str
    words: Any
    written: bool
    confirmed: Act | None

    @property
    def dissents(self) -> bool:
        return self.position in DISSENT


def speeches(at: Sitting) -> tuple[Speech, ...]:
    """What was said, in order. A confirmation names a line, or a speaker and with that all lines before it."""
    return tuple(
        Speech(
            n, act, named(act.fields.get("speaker")), str(act.fields.get("role", "")), str(act.fields.get("position", "")),
            act.fields.get("words", ""), act.fields.get("written") is True, _confirmed(at, n, act),
        )
        for n, act in enumerate(at.speeches, 1)
    )  # fmt: skip


def _confirmed(at: Sitting, n: int, speech: Act) -> Act | None:
    for act in at.confirmed:
        same = conditions.same(act.fields.get("speaker"), speech.fields.get("speaker"))
        if same and act.n > speech.n and act.fields.get("line") in (None, "", n):
            return act
    return None


@dataclass(frozen=True, slots=True)
class Stand:
    """How an outcome stands to the members' views: whether it departs from the majority, and where the reason goes."""

    action: law.Action
    departs: bool
    say: str
    reason: str


def tally(at: Sitting) -> dict[str, list[str]]:
    """The members by the last position that each took."""
    latest = {one.speaker: one.position for one in speeches(at) if one.role == "member"}
    found: dict[str, list[str]] = {}
    for name, position in latest.items():
        found.setdefault(position, []).append(name)
    return found


def stands(scene: gates.Scene, actions: Sequence[law.Action]) -> Iterator[Stand]:
    """Each outcome against the majority, as its own gate will judge it without a reason."""
    for action in actions:
        gate = next((one for one in scene.procedure.gates_of(action) if isinstance(one, law.WithMajority)), None)
        judged = gates.judge(gate, scene) if gate else None
        failed = judged is not None and judged.outcome == "failed" and judged.finding is not None
        say = judged.finding.detail if failed and judged and judged.finding else ""
        yield Stand(action, failed, say, gate.reason if gate else "")


def ended(at: Sitting) -> datetime | None:
    """When the discussion of the matter ended: with its decision."""
    return at.decided.at if at.decided else None
