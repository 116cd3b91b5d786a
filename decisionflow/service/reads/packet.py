"""S18 送审核对: the papers that art. 29 wants for collective discussion, in its order, each with why it is (not) needed.

What is wanted follows from the act that submits: a conditional paper is needed when its step was performed, and not
needed when that is on record with its reason. Once submitted, the papers are those that were handed in, by digest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection

from decisionflow.core import conditions, machine
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts, Paper
from decisionflow.errors import NotFound
from decisionflow.service import meetings, permissions, sittings
from decisionflow.service.actors import Actor, duty_for
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import case as cases
from decisionflow.service.reads import refusals, why

State = Literal["done", "missing", "na", "open"]
ITEMS = (
    "（一）决策草案及相关材料，涉及市场主体的含公平竞争审查的有关情况",
    "（二）公众意见的研究采纳情况",
    "（三）专家论证意见的研究采纳情况",
    "（四）风险评估报告等有关材料",
    "（五）合法性审查意见",
    "（六）需要报送的其他材料",
)
_OF = {
    "draft": 0, "drafting_note": 0, "fair_conclusion": 0, "opinion_summary": 1, "hearing_report": 1, "expert_summary": 2,
    "risk_report": 3, "legal_opinion": 4,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One paper: whether it is there, why it is (not) needed, which file and version, and where it is changed."""

    kind: str
    title: str
    state: State
    why: str
    name: str = ""
    href: str = ""
    version: int = 0
    sha256: str = ""
    since: str = ""
    edit: str = ""
    edit_title: str = ""
    cite: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of art. 29 with its papers."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Packet:
    """The papers for the meeting as they stand, and what the reader may do about them."""

    view: cases.View
    action: law.Action
    submitted: Act | None
    items: tuple[Item, ...]
    why: why.Why
    card: refusals.Card | None
    mine: bool
    asked: tuple[Act, ...]
    receives: dict[str, law.Action]

    @property
    def missing(self) -> int:
        return sum(line.state == "missing" for item in self.items for line in item.lines)

    @property
    def ready(self) -> bool:
        """Whether the matter may be submitted now, as far as this page can see."""
        return self.card is None and not self.submitted


def packet(connection: Connection, authority: Authority, actor: Actor, no: str, now: datetime) -> Packet:
    """The packet of a case. Raises NotFound, also where the procedure submits nothing to a meeting."""
    at = cases.view(connection, authority, actor, no, now)
    action = sittings.act_of(at.procedure, "submit")
    if action is None:
        raise NotFound(f"{no} goes to no meeting", say="这类事项不提请集体讨论")
    submitted = sittings.submission(at.procedure, at.facts)
    asked = why.of(connection, authority, at.standing, action, now)
    lines = tuple(_lines(at, action, submitted, _barring(at, action, asked)))
    items = tuple(Item(title, mine) for n, title in enumerate(ITEMS)
                  if (mine := tuple(one for one in lines if _OF.get(one.kind, 5) == n)))  # fmt: skip
    bars = [one for one in asked.findings if not _is_here(one.code, lines)]
    card = refusals.card(action, bars, at.lookout, form=False) if bars and not submitted else None
    own = bool(duty_for(at.procedure, action, actor, at.facts))
    return Packet(at, action, submitted, items, asked, card, own, _asked(at, submitted), _receives(at))


def _is_here(code: str, lines: tuple[Line, ...]) -> bool:
    """Whether a finding only misses a paper that lies in the dossier: the form hands it in."""
    return any(code == f"material.{one.kind}" and one.state == "done" for one in lines)


def _barring(at: cases.View, action: law.Action, asked: why.Why) -> dict[str, str]:
    """The lines of the procedure that are not finished though the matter needs them: track, and what is said."""
    found = {}
    for one in asked.findings:
        gate = at.procedure.gate(one.code)
        if isinstance(gate, law.Reached):
            found[gate.track] = one.say
    return found


def _asked(at: cases.View, submitted: Act | None) -> tuple[Act, ...]:
    """What the office asked to be supplemented since the submission, and what came."""
    own = [one.id for one in at.procedure.actions if one.meeting in ("ask", "supplement")]
    return tuple(act for act in at.facts.current(own) if submitted and act.n > submitted.n)


def _receives(at: cases.View) -> dict[str, law.Action]:
    """The ways of whoever receives it, as far as the reader may take them now: schedule, ask, return."""
    offered = machine.offered(at.procedure, at.facts.stages)
    return {
        one.meeting: one for one in offered
        if one.meeting in ("schedule", "ask", "return") and duty_for(at.procedure, one, at.actor, at.facts)
    }  # fmt: skip


# ---- the papers ----------------------------------------------------------------------------------------------


def _lines(at: cases.View, action: law.Action, submitted: Act | None, barring: Mapping[str, str]) -> Iterator[Line]:
    given = sittings.handed_in(at.procedure, at.facts, submitted) if submitted else at.facts.papers()
    for paper in action.materials:
        material = at.procedure.materials[paper.kind]
        cite = _cite(at, paper.rules or material.rules or action.rules)
        if material.text:
            yield _draft(at, paper, submitted, cite)
            continue
        needed, reason, waits = _needed(at, paper, barring)
        held = given.get(paper.kind)
        edit, edit_title = _edit(at, paper.kind, submitted)
        if held is None:
            state: State = "missing" if waits or (needed and paper.required) else "open" if needed else "na"
            yield Line(paper.kind, material.title, state, reason, edit=edit, edit_title=edit_title, cite=cite)
            continue
        yield Line(
            paper.kind, material.title, "done", reason, held.name, f"/files/{at.facts.no}/{held.sha256}",
            _version(at.facts, held), held.sha256, _since(at.facts, held), edit, edit_title, cite,
        )  # fmt: skip


def _draft(at: cases.View, paper: law.Paper, submitted: Act | None, cite: str) -> Line:
    material = at.procedure.materials[paper.kind]
    text = submitted.text if submitted else at.facts.text
    edit, edit_title = _edit(at, paper.kind, submitted)
    if text is None:
        return Line(
            paper.kind, material.title, "missing", "还没有草案文本", edit=edit, edit_title=edit_title, cite=cite
        )
    first = next((act for act in at.facts.acts if act.text and act.text.sha256 == text.sha256), None)
    moved = at.facts.text is not None and at.facts.text.sha256 != text.sha256
    reason = f"提请之后草案改过，现为第 {at.facts.text.version} 版" if moved and at.facts.text else "必须"
    return Line(
        paper.kind, material.title, "missing" if moved else "done", reason, text.title,
        f"/cases/{at.facts.no}/drafts?new={text.version}", text.version, text.sha256,
        f"{first.on}，{first.title}" if first else "", edit, edit_title, cite,
    )  # fmt: skip


def _needed(at: cases.View, paper: law.Paper, barring: Mapping[str, str]) -> tuple[bool, str, bool]:
    """Whether a paper is needed, why, and whether a step that would bring it is still to be done."""
    if not paper.if_:
        return True, "必须" if paper.required else "有的报送", False
    for key in paper.if_:
        space, _, track = key.partition(".")
        if space != "track":
            continue
        spec, stage = at.procedure.tracks[track], at.facts.stages[track]
        here = f"{spec.title}：{spec.stages[stage]}"
        if conditions.holds(paper.if_, matter=at.facts.matter, fields={}, stages=at.facts.stages):
            return True, f"必须（{here}）", False
        if track in barring:
            return True, f"{here}。{barring[track]}", True
        if stage in spec.waived:
            return False, f"不需要（{here}）{_reason(at, track, stage)}", False
        return False, f"不需要：没有开展“{spec.title}”，本事项也没有要求", False
    needed = conditions.holds(paper.if_, matter=at.facts.matter, fields={}, stages=at.facts.stages)
    return needed, "必须" if needed else "本事项的情形不需要", False


def _reason(at: cases.View, track: str, stage: str) -> str:
    """The recorded reason why a step is not needed, and who said so."""
    act = next((one for one in reversed(at.facts.acts) if one.track == track and one.after == stage), None)
    words = act.fields.get("reason") if act else None
    if act is None or not words:
        return ""
    said = words.get("excerpt", "") if isinstance(words, Mapping) else words
    return f"。理由：{said}（{act.party.name}，{act.on}）"


def _version(facts: Facts, held: Paper) -> int:
    """Which of the papers of its kind this is, counted by content."""
    kinds = [one.sha256 for act in facts.acts for one in act.papers if one.kind == held.kind]
    order = list(dict.fromkeys(kinds))
    return order.index(held.sha256) + 1 if held.sha256 in order else 1


def _since(facts: Facts, held: Paper) -> str:
    act = next(
        (
            one
            for one in facts.acts
            if any((paper.kind, paper.sha256) == (held.kind, held.sha256) for paper in one.papers)
        ),
        None,
    )
    return f"{act.on}，{act.party.unit_name}{act.title}" if act else ""


def _edit(at: cases.View, kind: str, submitted: Act | None) -> tuple[str, str]:
    """Where the reader changes or makes this paper: the act that brings it, as far as it is theirs now."""
    material = at.procedure.materials[kind]
    for one in machine.offered(at.procedure, at.facts.stages):
        brings = one.text == "new" if material.text else any(paper.kind == kind for paper in one.materials)
        if not brings or one.meeting in ("submit", "schedule", "decide") or one.id == at.procedure.opening:
            continue
        if duty_for(at.procedure, one, at.actor, at.facts):
            return f"/cases/{at.facts.no}/do/{one.id}", one.title
    return "", ""


def _cite(at: cases.View, rules: tuple[str, ...]) -> str:
    found = [at.procedure.rules[rule] for rule in rules[:1]]
    return "、".join(law.say_cite(rule, at.procedure.sources[rule.source]) for rule in found)


# ---- waiting for a meeting -----------------------------------------------------------------------------------


def open_meetings(connection: Connection, authority: Authority, actor: Actor) -> tuple[dict[str, Any], ...]:
    """The meetings onto whose agenda this reader may still put something, the next first."""
    if not permissions.may_keep_meetings(actor):
        return ()
    return tuple(row for row in meetings.every(connection, authority.id) if row["state"] in ("open", "locked"))


def holders(at: cases.View, role: str) -> str:
    """Who takes the act with this role, in words."""
    action = sittings.act_of(at.procedure, role)
    return refusals.holders(action.by[0], at.lookout) if action else ""


def suggested(found: Packet) -> str:
    """The units that the submission suggests to attend."""
    return str(found.submitted.fields.get("attendees", "")) if found.submitted else ""
