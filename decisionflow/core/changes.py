"""The words of an overlay file: what a lower or special norm may do to a superior procedure.

A closed set. `core.overlay` carries them out, `core.weakening` checks what came out.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from decisionflow.core import procedure as law
from decisionflow.core import source as files

Rules = Annotated[tuple[law.RuleId, ...], Field(min_length=1)]


class AddDuty(files.Frozen):
    """A role that the superior procedure does not know."""

    do: Literal["add_duty"]
    id: law.Id
    duty: law.Duty


class AddMatter(files.Frozen):
    """An attribute of the matter, asked for by these actions."""

    do: Literal["add_matter"]
    field: law.FieldSpec
    on: law.Words


class AddTrack(files.Frozen):
    """A parallel line; with `goal`, the case is not finished before it stands there."""

    do: Literal["add_track"]
    id: law.Id
    track: law.Track
    goal: law.Words = ()


class AddStage(files.Frozen):
    """A stage behind another. To the superior norm a case in it still stands at `after`.

    `allows` names the actions that are possible there as they are at `after`.
    """

    do: Literal["add_stage"]
    track: str
    id: law.Id
    title: str
    after: str
    allows: law.Words = ()
    mark: Literal["", "done", "waived", "failed"] = ""


class AddAction(files.Frozen):
    """A new action, in the order of the file behind another or last."""

    do: Literal["add_action"]
    action: law.Action
    after: str = ""


class Retarget(files.Frozen):
    """Other stages before, after or beside an action, within what the superior norm allows."""

    do: Literal["retarget"]
    action: str
    source: law.Words = Field(default=(), alias="from")
    to: str = ""
    when: dict[str, law.Words] = {}


class AddGate(files.Frozen):
    """A new gate on these actions; on none when added actions name it themselves."""

    do: Literal["add_gate"]
    gate: law.Gate
    on: law.Words = ()


class AttachGate(files.Frozen):
    """A gate that exists, on more actions."""

    do: Literal["attach_gate"]
    gate: str
    on: law.Words


class TightenGate(files.Frozen):
    """A gate made harder, with the rule that demands it and the sentence that says so."""

    do: Literal["tighten_gate"]
    gate: str
    rules: Rules
    say: str
    strength: Literal["", "usually", "must"] = ""
    at_least: str = ""
    at_most: str = ""
    more_than: bool = False
    values: law.Words = Field(default=(), alias="in")
    deviate: str = ""
    approver: str = ""


class Upgrade(files.Frozen):
    """What may be left out may not where the condition holds: a gate on the actions that leave it out."""

    do: Literal["upgrade"]
    on: law.Words = Field(min_length=1)
    gate: law.Id
    if_: law.When = Field(alias="if", min_length=1)
    rules: Rules
    say: str
    remedy: tuple[str, ...] = ()


class AddField(files.Frozen):
    """One more input of an action."""

    do: Literal["add_field"]
    action: str
    field: law.FieldSpec


class RequireField(files.Frozen):
    """An input that was voluntary must be given, always or `when`."""

    do: Literal["require_field"]
    action: str
    field: str
    column: str = ""
    when: law.When = {}


class AddChoice(files.Frozen):
    """One more choice of an input (`action` or the matter); every condition treats it as `like`."""

    do: Literal["add_choice"]
    action: str = ""
    field: str
    column: str = ""
    id: law.Id
    title: str
    like: str


class AddPaper(files.Frozen):
    """A material on these actions; with `material`, of a new kind."""

    do: Literal["add_paper"]
    kind: law.Id
    material: law.MaterialKind | None = None
    on: law.Words
    required: bool = True
    if_: law.When = Field(default={}, alias="if")
    rules: tuple[law.RuleId, ...] = ()


class RequirePaper(files.Frozen):
    """A material that was voluntary or conditional must come along always."""

    do: Literal["require_paper"]
    action: str
    kind: str
    rules: tuple[law.RuleId, ...] = ()


class AddClock(files.Frozen):
    """A new ceiling."""

    do: Literal["add_clock"]
    clock: law.Clock


class TightenClock(files.Frozen):
    """A shorter ceiling."""

    do: Literal["tighten_clock"]
    clock: str
    length: law.Periods
    rules: Rules
    say: str


class Cite(files.Frozen):
    """A local article beside those of the superior norm."""

    do: Literal["cite"]
    gate: str = ""
    action: str = ""
    clock: str = ""
    rules: Rules


class Rename(files.Frozen):
    """The local name of something. `of` is the track of a stage or the action of a field."""

    do: Literal["rename"]
    what: Literal["action", "track", "stage", "material", "duty", "clock", "field"]
    id: str
    of: str = ""
    title: str


class Supersede(files.Frozen):
    """A special law or administrative regulation replaces a rule of the base: it goes, and it is recorded.

    What only the product asks for (rules of rank `product`) any norm may replace.
    """

    do: Literal["supersede"]
    gate: str = ""
    action: str = ""
    clock: str = ""
    by: law.RuleId
    because: str


class NoteConflict(files.Frozen):
    """A norm of lower rank is weaker than the superior one: recorded, shown and not applied."""

    do: Literal["note_conflict"]
    gate: str = ""
    action: str = ""
    clock: str = ""
    by: law.RuleId
    because: str


Change = Annotated[
    AddDuty | AddMatter | AddTrack | AddStage | AddAction | Retarget | AddGate | AttachGate | TightenGate | Upgrade
    | AddField | RequireField | AddChoice | AddPaper | RequirePaper | AddClock | TightenClock | Cite | Rename
    | Supersede | NoteConflict,
    Field(discriminator="do"),
]  # fmt: skip


class Overlay(files.Frozen):
    """An overlay file. `layer` is where it stands in the order of composition."""

    format: Literal["1"]
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,60}$")]
    version: Annotated[str, Field(pattern=r"^[0-9]{4}(\.[0-9]{1,3})?$")]
    title: str
    note: str = ""
    extends: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,60}@[0-9]{4}(\.[0-9]{1,3})?$")]
    layer: Literal["region", "sector"] = "region"
    in_force: law.InForce
    example: bool = False
    sources: dict[str, law.Instrument] = {}
    rules: tuple[law.Rule, ...] = ()
    changes: tuple[Change, ...] = Field(min_length=1)

    @property
    def name(self) -> str:
        """``henan@2022.1``."""
        return f"{self.id}@{self.version}"
