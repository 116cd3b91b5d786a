"""May this act be taken? `decide` is pure: law, command and facts in; Taken or Refused out.

Everything interesting is data. A refusal is a value with all its findings; an exception here is a
bug or a malformed command, never an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from decisionflow.core import calendar as days
from decisionflow.core import conditions, gates, machine
from decisionflow.core import procedure as law
from decisionflow.core.facts import Facts, Fields, Paper, Party, Text
from decisionflow.core.gates import Finding, Judgement, Scene
from decisionflow.errors import NotFound


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody wants to do: values already read by the action's fields."""

    action: str
    party: Party
    on: date
    fields: Fields
    papers: tuple[Paper, ...] = ()
    text: Text | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """The act is lawful: where the tracks stand after it and how each gate was passed."""

    action: law.Action
    before: str
    after: str
    stages: Mapping[str, str]
    resets: tuple[str, ...]
    judgements: tuple[Judgement, ...]

    @property
    def deviations(self) -> tuple[Judgement, ...]:
        """Gates passed only by a recorded reason."""
        return tuple(judgement for judgement in self.judgements if judgement.outcome == "deviated")

    @property
    def hints(self) -> tuple[Finding, ...]:
        """What does not block but should be seen."""
        return tuple(j.finding for j in self.judgements if j.outcome == "hint" and j.finding)


@dataclass(frozen=True, slots=True)
class Refused:
    """The act is not possible now; each finding says why and what would make it so."""

    action: law.Action
    findings: tuple[Finding, ...]

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings that bar the way."""
        return tuple(finding for finding in self.findings if finding.blocking)

    @property
    def rules(self) -> frozenset[str]:
        """The rule ids of what bars the way: the set a rehearsal expects."""
        return frozenset(finding.rule for finding in self.blocking)

    @property
    def wrong_duty(self) -> bool:
        """Whether nothing but the post stands in the way (403 rather than 409)."""
        return all(finding.code == "duty" for finding in self.blocking)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a preview says of one action: what bars it now, and what its form will ask for."""

    action: law.Action
    mine: bool
    findings: tuple[Finding, ...]
    asked: tuple[Finding, ...]
    passed: tuple[str, ...]

    @property
    def possible(self) -> bool:
        """Nothing that is known today bars the act."""
        return not any(finding.blocking for finding in self.findings)


def find(procedure: law.Procedure, name: str) -> law.Action:
    """The action of that name. Raises NotFound."""
    action = procedure.action(name)
    if action is None:
        raise NotFound(f"no action {name!r} in {procedure.name}", say=f"程序{procedure.name}中没有“{name}”这个动作")
    return action


def decide(procedure: law.Procedure, command: Command, facts: Facts, calendar: days.Calendar) -> Taken | Refused:
    """Taken, or Refused with every finding. Raises NotFound for an unknown action."""
    action = find(procedure, command.action)
    barred = [*_duty(procedure, action, command.party), *_stage(procedure, action, facts)]
    if barred:
        return Refused(action, tuple(barred))
    scene = Scene(
        procedure, facts, action, command.fields, command.on, command.party, calendar, command.text or facts.text
    )
    missing = _papers(scene, command.papers)
    judgements = tuple(gates.judge(gate, scene) for gate in procedure.gates_of(action))
    findings = (*missing, *(j.finding for j in judgements if j.finding))
    if any(finding.blocking for finding in findings):
        return Refused(action, findings)
    resets = (*action.resets, *_chosen(action, command.fields))
    before = facts.stages[action.track]
    stages = machine.move(procedure, facts.stages, action, resets)
    return Taken(action, before, stages[action.track], stages, resets, judgements)


def preview(
    procedure: law.Procedure, name: str, facts: Facts, calendar: days.Calendar, *, on: date, party: Party
) -> Outlook:
    """What stands in the way of an action today; asks no duty and leaves no trace."""
    action = find(procedure, name)
    stage = _stage(procedure, action, facts)
    if stage:
        return Outlook(action, not _duty(procedure, action, party), tuple(stage), (), ())
    return ahead(procedure, action, facts, calendar, on=on, party=party)


def ahead(
    procedure: law.Procedure, action: law.Action, facts: Facts, calendar: days.Calendar, *, on: date, party: Party
) -> Outlook:  # fmt: skip
    """What would stand in the way of an action today if the case had come as far as that."""
    mine = not _duty(procedure, action, party)
    scene = Scene(procedure, facts, action, {}, on, party, calendar, facts.text, preview=True)
    judgements = [gates.judge(gate, scene) for gate in procedure.gates_of(action)]
    missing = tuple(finding for finding in _papers(scene, ()) if finding.code in _earlier(procedure, action))
    findings = (*missing, *(j.finding for j in judgements if j.finding and j.outcome != "asked"))
    asked = tuple(j.finding for j in judgements if j.finding and j.outcome == "asked")
    return Outlook(
        action, mine, findings, asked, tuple(j.gate for j in judgements if j.outcome in ("passed", "deviated"))
    )


def todos(procedure: law.Procedure, facts: Facts) -> tuple[law.Action, ...]:
    """What is to be done in a case as it stands: offered, marked `todo`, and the matter is so (`todo_if`)."""
    return tuple(
        action
        for action in machine.offered(procedure, facts.stages)
        if action.todo
        and action.id != procedure.opening
        and conditions.holds(action.todo_if, matter=facts.matter, fields={}, stages=facts.stages)
    )


def _duty(procedure: law.Procedure, action: law.Action, party: Party) -> list[Finding]:
    if party.duty in action.by:
        return []
    titles = "、".join(procedure.duties[duty].title for duty in action.by)
    say = f"“{action.title}”应由{titles}办理"
    return [gates.finding(procedure, action.rules[:1], "duty", say, who=action.by[0], who_title=titles)]


def _stage(procedure: law.Procedure, action: law.Action, facts: Facts) -> list[Finding]:
    wanted = {action.track: action.source, **action.when}
    found = []
    for name, stages in wanted.items():
        if facts.stages[name] not in stages:
            track = procedure.tracks[name]
            at, need = track.stages[facts.stages[name]], "、".join(track.stages[stage] for stage in stages)
            say = f"现在不能“{action.title}”：{track.title}处于“{at}”，须处于“{need}”"
            remedies = tuple(
                gates.Remedy("act", one.id, one.title)
                for one in procedure.actions
                if one.track == name and one.to in stages and facts.stages[name] in one.source
            )
            found.append(gates.finding(procedure, action.rules[:1], "stage", say, who=action.by[0],
                                       who_title=procedure.duties[action.by[0]].title, remedies=remedies))  # fmt: skip
    return found


def _papers(scene: Scene, given: tuple[Paper, ...]) -> list[Finding]:
    have = {paper.kind for paper in given} | set(scene.facts.papers())
    if scene.text is not None or (scene.preview and scene.action.text == "new"):
        have |= {kind for kind, material in scene.procedure.materials.items() if material.text}
    found = []
    for paper in scene.action.materials:
        wanted = paper.required and conditions.holds(
            paper.if_, matter=scene.facts.matter, fields=scene.fields, stages=scene.facts.stages
        )
        if wanted and paper.kind not in have:
            title = scene.procedure.materials[paper.kind].title
            rules = paper.rules or scene.procedure.materials[paper.kind].rules or scene.action.rules
            found.append(gates.finding(
                scene.procedure, rules, f"material.{paper.kind}", f"缺少材料：{title}", who=scene.action.by[0],
                who_title=scene.procedure.duties[scene.action.by[0]].title,
                remedies=(gates.Remedy("material", paper.kind, f"附上{title}"),),
            ))  # fmt: skip
    return found


def _earlier(procedure: law.Procedure, action: law.Action) -> frozenset[str]:
    """Papers of this action that another action brings: their lack is known before the form is filled in."""
    others = {paper.kind for other in procedure.actions if other is not action for paper in other.materials}
    return frozenset(f"material.{paper.kind}" for paper in action.materials if paper.kind in others)


def _chosen(action: law.Action, fields: Fields) -> tuple[str, ...]:
    picked = fields.get(action.resets_chosen) if action.resets_chosen else None
    return tuple(str(track) for track in picked) if isinstance(picked, list) else ()
