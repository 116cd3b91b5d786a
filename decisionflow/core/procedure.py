"""A procedure as frozen data: tracks, actions, gates, clocks, each citing its rules.

A procedure file (`workflows/<id>/<version>.yaml`, ``format: 1``) is closed data: no expressions, no
code, no includes. `compiled` joins it with the rules it cites, so that the digest covers what the
rules said, and a reader decades later needs nothing else. A case keeps the digest it began under.

The digest is SHA-256 over the canonical bytes: JSON, no spaces, UTF-8, the keys of the format sorted,
values that equal their default left out (so a key added to the format later does not change an old
digest). Stages, choices and other mappings keep the order of the file: the first stage is the start.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from decisionflow.core import calendar
from decisionflow.core import source as files
from decisionflow.errors import BadInput

Strength = Literal["must", "usually", "may"]
Kind = Literal["gate", "duty", "conditional", "permission", "sanction"]
Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
RuleId = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{0,5}-[A-Z0-9]{1,8}[a-z]?$")]


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Periods = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3} (day|workday)s?$")]
# A floor may say that the law of its time gave no number: ``none`` is a value, and passes (LAW 2.1).
Floors = Annotated[str, Field(pattern=r"^([1-9][0-9]{0,3} (day|workday|month|year)s?|none)$")]
Spans = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3} (day|workday|month|year)s?$")]


class Instrument(files.Frozen):
    """A law, regulation, rule or document that rules come from."""

    title: str
    number: str = ""
    rank: Literal["law", "administrative_regulation", "local_regulation", "government_rule", "normative_document",
                  "party_document", "standard", "product"]  # fmt: skip
    issued: date | None = None
    effective: date | None = None
    expires: date | None = None
    confirmed: calendar.Confirmed = "source"
    cites: tuple[str, ...] = ()
    note: str = ""


class Rule(files.Frozen):
    """One rule in our own words, with where the law says it and how sure we are."""

    id: RuleId
    source: str
    article: str = ""
    also: tuple[str, ...] = ()
    paragraph: str = ""
    item: str = ""
    kind: Kind
    strength: Strength
    confirmed: calendar.Confirmed
    title: str
    say: str
    note: str = ""


class RuleFile(files.Frozen):
    """A file of the registry."""

    format: Literal["1"]
    sources: dict[str, Instrument]
    rules: tuple[Rule, ...]


class Registry(files.Frozen):
    """All rules and instruments that this installation knows."""

    sources: dict[str, Instrument] = {}
    rules: dict[str, Rule] = {}


# A condition: every key must have one of its values. Keys are `matter.<id>`, `field.<id>`, `track.<id>`;
# values are choices, stages, `yes`/`no`, or `given`/`none` for filled and empty.
When = dict[Annotated[str, Field(pattern=r"^(matter|field|track)\.[a-z][a-z0-9_]*$")], Words]


class Ref(files.Frozen):
    """A value or a moment: this act (nothing given), its field, the last act of an action, or a field of that."""

    action: Words = ()
    field: str = ""
    matter: str = ""


class FieldSpec(files.Frozen):
    """One input of an action. Form, validation, API schema, CLI keys and documents derive from it.

    What is `computed` nobody types: ``unsettled`` is how many opinions in time lie in no point of an answer;
    ``undrawn`` how many rows of a list of hearing participants, or of experts, are at odds with the draw of the case,
    ``unproved`` how many are said to be drawn though no draw that the notice announced was run, and ``draws`` how often
    experts were drawn.
    """

    id: Id
    title: str
    type: Literal["text", "long", "date", "instant", "choice", "choices", "flag", "number", "money", "unit", "post",
                  "person", "rows", "file", "reference"]  # fmt: skip
    required: bool = False
    required_when: When = {}
    help: str = ""
    choices: dict[str, str] = {}
    columns: tuple[FieldSpec, ...] = ()
    personal: bool = False
    past: bool = False
    max_length: int | None = None
    computed: Literal["", "unsettled", "undrawn", "unproved", "draws"] = ""
    rules: tuple[RuleId, ...] = ()


class Paper(files.Frozen):
    """A material that an action must, or may, bring along."""

    kind: Id
    required: bool = True
    if_: When = Field(default={}, alias="if")
    rules: tuple[RuleId, ...] = ()


class MaterialKind(files.Frozen):
    """A kind of paper in the dossier. `text` marks the draft itself: there as soon as the case has a text."""

    title: str
    text: bool = False
    public: bool = False
    rules: tuple[RuleId, ...] = ()


class GateBase(files.Frozen):
    """What every gate says: how hard it is, which rules, in which words, who can mend it."""

    id: Id
    strength: Strength
    rules: tuple[RuleId, ...] = Field(min_length=1)
    say: str
    if_: When = Field(default={}, alias="if")
    deviate: str = ""
    approver: str = ""
    who: str = ""
    remedy: tuple[str, ...] = ()
    expected: Ref | None = None


class Reached(GateBase):
    """Another track stands at one of these stages."""

    check: Literal["reached"]
    track: Id
    stages: Words = Field(alias="in")


class Done(GateBase):
    """One of these actions was taken in the present round of its track."""

    check: Literal["done"]
    actions: Words


class Filled(GateBase):
    """A field of this act is filled in."""

    check: Literal["filled"]
    field: str


class Is(GateBase):
    """A value is one of these; passes when the value does not exist yet."""

    check: Literal["is"]
    of: Ref
    values: Words = Field(alias="in")


class Lapsed(GateBase):
    """At least a period lies between two moments; ``none``: no number is given. `exclusive` leaves the last day out (T-11)."""

    check: Literal["lapsed"]
    since: Ref
    until: Ref = Ref()
    at_least: Floors
    exclusive: bool = False


class NoLater(GateBase):
    """At most a period lies between two moments. `rolls`: a last day that is a rest day moves on (T-02)."""

    check: Literal["no_later"]
    since: Ref
    until: Ref = Ref()
    at_most: Spans
    rolls: bool = False


class Within(GateBase):
    """A number or an amount lies in these bounds; passes when it does not exist yet."""

    check: Literal["within"]
    of: Ref
    at_least: int | None = None
    at_most: int | None = None


class NotBefore(GateBase):
    """One moment is not earlier than another."""

    check: Literal["not_before"]
    moment: Ref
    other: Ref


class WorkingDay(GateBase):
    """A moment is a working day of the calendar, as far as that is known."""

    check: Literal["working_day"]
    moment: Ref


class Followed(GateBase):
    """Every act of these actions (where its fields …) was followed by one of `then`: what was asked for was done."""

    check: Literal["followed"]
    actions: Words
    where: dict[str, Words] = {}
    then: Words


class RowsAre(GateBase):
    """In every row (where …) the column has one of these values."""

    check: Literal["rows_are"]
    rows: Ref
    where: dict[str, Words] = {}
    column: str
    values: Words = Field(alias="in")


class RowsLapsed(GateBase):
    """In every row the date in the column lies at least a period before a moment."""

    check: Literal["rows_lapsed"]
    rows: Ref
    where: dict[str, Words] = {}
    column: str
    at_least: Periods
    until: Ref


class RowsInForce(GateBase):
    """Every text named in the rows was in force on the day: begun (column `begins`), and not ended (column `ends`)."""

    check: Literal["rows_in_force"]
    rows: Ref
    where: dict[str, Words] = {}
    begins: str
    ends: str


class RowCount(GateBase):
    """The number of rows (where …) lies in these bounds."""

    check: Literal["row_count"]
    rows: Ref
    where: dict[str, Words] = {}
    at_least: int | None = None
    at_most: int | None = None


class RowShare(GateBase):
    """The rows that fulfil `where` are at least this share (``1/2``) of all rows."""

    check: Literal["row_share"]
    rows: Ref
    where: dict[str, Words]
    at_least: Annotated[str, Field(pattern=r"^[1-9][0-9]*/[1-9][0-9]*$")]
    more_than: bool = False


class RowsCover(GateBase):
    """Every row (where …) has its counterpart: a row of `others` with the same value in `other_column` (or `column`)."""

    check: Literal["rows_cover"]
    rows: Ref
    where: dict[str, Words] = {}
    column: str
    others: Ref
    other_column: str = ""


class RowSum(GateBase):
    """The numbers in a column add up to a field."""

    check: Literal["row_sum"]
    rows: Ref
    column: str
    equals: str


class LastRow(GateBase):
    """The last row has one of these values in the column."""

    check: Literal["last_row"]
    rows: Ref
    column: str
    values: Words = Field(alias="in")


class WithMajority(GateBase):
    """A decision against the majority of the positions taken needs a reason.

    `rows` are the statements, `where` which of them count (members), `position` the column, `agree`
    and `against` its values on each side, `side` the side that this action decides for.
    """

    check: Literal["with_majority"]
    rows: Ref
    where: dict[str, Words] = {}
    by: str
    position: str
    agree: Words
    against: Words
    side: Literal["agree", "against"]
    reason: str


class NotAmong(GateBase):
    """A field names nobody who stands in these fields of earlier acts."""

    check: Literal["not_among"]
    field: str
    others: tuple[Ref, ...]


class OtherPerson(GateBase):
    """The person acting took none of these earlier actions."""

    check: Literal["other_person"]
    actions: Words


class NamedTookNone(GateBase):
    """The person whom a field names took none of these earlier actions."""

    check: Literal["named_took_none"]
    field: str
    actions: Words


class SameText(GateBase):
    """The draft is the text that an earlier act bound to, or each change since was confirmed.

    `confirmed_by` is the action whose fields `from`, `to` (text digests) and `substantive` say so.
    """

    check: Literal["same_text"]
    actions: Words
    confirmed_by: str


Gate = Annotated[
    Reached | Done | Filled | Is | Lapsed | NoLater | Within | NotBefore | RowsAre | RowsLapsed | RowsInForce | RowCount
    | RowShare | RowsCover | RowSum | LastRow | WithMajority | NotAmong | OtherPerson | NamedTookNone | SameText | WorkingDay
    | Followed,
    Field(discriminator="check"),
]  # fmt: skip


# What an action that is something to a hearing must have: fields with their type, and the columns of rows.
HEARING: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "announce": {"held_on": ("date",), "held_at": ("text",), "seats": ("rows", "side", "count")},
    "move": {"held_on": ("date",), "held_at": ("text",)},
    "list": {"participants": ("rows", "no", "side", "how")},
    "record": {"speeches": ("rows", "no", "kind", "words")},
    "report": {},
}
# The same of what an action is to the meeting that discusses a matter collectively.
MEETING: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "submit": {},
    "ask": {"list": ("long",)},
    "supplement": {},
    "schedule": {"meeting_type": ("choice",), "meeting_no": ("text",), "planned_on": ("date",)},
    "unschedule": {"reason": ("long",)},
    "return": {"reason": ("long",)},
    "convene": {"chair": ("person",), "roll": ("rows", "name", "role", "presence")},
    "presence": {"name": ("person",), "change": ("choice",)},
    "speech": {"speaker": ("person",), "role": ("choice",), "position": ("choice",), "words": ("long",)},
    "confirm": {"speaker": ("person",), "how": ("choice",)},
    "decide": {},
}
# The same of an action that is something to the experts who are asked (art. 19 to 21).
PANEL: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "select": {"experts": ("rows", "name", "unit", "field", "declared", "interest", "chosen")},
    "opinion": {"expert": ("person",), "necessity": ("long",), "feasibility": ("long",), "soundness": ("long",),
                "dissent": ("long",), "conclusion": ("choice",), "signed": ("flag",), "independent": ("flag",)},
    "report": {"points": ("rows", "point", "expert", "disposition", "reason"), "dissent": ("long",)},
}  # fmt: skip


class Action(files.Frozen):
    """One thing a person may do in a case: where, by whom, with what, and under which gates.

    `todo` puts it on the lists of those whose duty it is while it is offered; with `todo_if` only where
    the matter is so (a conditional duty: experts are asked for only where the matter is technical).
    `hearing` says what it is to a public hearing (art. 16, 17): it announces or moves it, publishes the list of
    participants, keeps the record by speaker, reports on it; `HEARING` names the fields that each must have.
    `meeting` says what it is to the meeting that discusses the matter (art. 29, 30): from submitting to one of the
    outcomes (`decide`), with the fields of `MEETING`.
    `panel` says what it is to the experts who are asked (art. 19 to 21): it selects them, is their opinion, reports on what
    became of it; `PANEL` names the fields.
    """

    id: Id
    title: str
    ask: str = ""
    help: str = ""
    track: Id
    source: Words = Field(alias="from")
    to: str = ""
    when: dict[str, Words] = {}
    by: Words
    rules: tuple[RuleId, ...] = Field(min_length=1)
    todo: bool = False
    todo_if: When = {}
    binding: bool = False
    public: bool = False
    fields: tuple[FieldSpec, ...] = ()
    materials: tuple[Paper, ...] = ()
    gates: tuple[str, ...] = ()
    text: Literal["", "new"] = ""
    sets: tuple[str, ...] = ()
    assigns: dict[str, str] = {}
    consultation: Literal["", "open", "extend", "close"] = ""
    hearing: Literal["", "announce", "move", "list", "record", "report"] = ""
    meeting: Literal["", "submit", "ask", "supplement", "return", "schedule", "unschedule", "convene", "presence", "speech",
                     "confirm", "decide"] = ""  # fmt: skip
    panel: Literal["", "select", "opinion", "report"] = ""
    resets: tuple[str, ...] = ()
    resets_chosen: str = ""

    def field(self, name: str) -> FieldSpec | None:
        """The field of that id, or None."""
        return next((spec for spec in self.fields if spec.id == name), None)

    @property
    def asks(self) -> tuple[FieldSpec, ...]:
        """The fields that somebody fills in."""
        return tuple(spec for spec in self.fields if not spec.computed)

    def dest(self, stage: str) -> str:
        """The stage after this action from `stage`; an action without `to` stays."""
        return self.to or stage


class Track(files.Frozen):
    """A line of stages; the first is where it starts. `under` is the main stage it runs beside.

    `public` lets everybody see how far it is (not begun, under way, done), and no more than that.
    """

    title: str
    stages: dict[str, str]
    done: Words = ()
    waived: Words = ()
    failed: Words = ()
    under: str = ""
    public: bool = False
    rules: tuple[RuleId, ...] = ()

    @property
    def initial(self) -> str:
        return next(iter(self.stages))


class Duty(files.Frozen):
    """A role the procedure knows; the register maps it to posts in time."""

    title: str
    of: Literal["authority", "case"] = "authority"
    outside: bool = False


class Stop(files.Frozen):
    """While the first happened and the second has not, a clock stands still."""

    since: Words
    until: Words
    say: str


class Clock(files.Frozen):
    """A ceiling (钟): lights a lamp, never moves a stage. `rolls`: a last day that is a rest day moves on (T-02).

    `if` looks at the matter only: a clock of another kind of matter does not run. `optional`: it does not run
    either when the act that starts it names no day for `until`.
    """

    id: Id
    title: str
    if_: When = Field(default={}, alias="if")
    starts: Words
    ends: Words
    length: Periods | None = None
    until: Ref | None = None
    optional: bool = False
    rolls: bool = False
    stops: tuple[Stop, ...] = ()
    extends: dict[str, str] = {}
    duty: str
    rules: tuple[RuleId, ...] = Field(min_length=1)
    say: str
    remind: tuple[int, ...] = (3, 1, 0)


class Conflict(files.Frozen):
    """Where another norm departs from a superior one: what stood there, which applies, and why.

    `special`: a special law or regulation replaces it (art. 3(2)). `superior`: the other norm is
    recorded and not applied, because it is of lower rank and weaker.
    """

    what: Literal["gate", "action", "clock"]
    id: Id
    title: str
    rules: tuple[RuleId, ...]
    by: RuleId
    applied: Literal["special", "superior"]
    because: str


class InForce(files.Frozen):
    """The start dates (of the start decision) that a version is for."""

    from_: date = Field(alias="from")
    to: date | None = None


class Procedure(files.Frozen):
    """A whole procedure: what the engine runs and what a digest names."""

    format: Literal["1"] = "1"
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,60}$")]
    version: Annotated[str, Field(pattern=r"^[0-9]{4}(\.[0-9]{1,3})?$")]
    title: str
    note: str = ""
    example: bool = False
    in_force: InForce
    duties: dict[Id, Duty]
    matter: tuple[FieldSpec, ...] = ()
    materials: dict[Id, MaterialKind] = {}
    tracks: dict[Id, Track]
    opening: Id
    starting: Id
    goal: dict[str, Words]
    ends: dict[str, Words]
    gates: tuple[Gate, ...] = ()
    actions: tuple[Action, ...]
    clocks: tuple[Clock, ...] = ()
    sources: dict[str, Instrument] = {}
    rules: dict[str, Rule] = {}
    built_from: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    @property
    def name(self) -> str:
        """``cn-major-decision@2019.1``."""
        return f"{self.id}@{self.version}"

    @cached_property
    def _actions(self) -> Mapping[str, Action]:
        return {action.id: action for action in self.actions}

    @cached_property
    def _gates(self) -> Mapping[str, Gate]:
        return {gate.id: gate for gate in self.gates}

    @cached_property
    def canonical(self) -> bytes:
        """The bytes that the digest is taken over and that are kept for ever."""
        return json.dumps(_plain(self), ensure_ascii=False, separators=(",", ":")).encode()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of `canonical`, hex."""
        return hashlib.sha256(self.canonical).hexdigest()

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Procedure) and other.digest == self.digest

    def action(self, name: str) -> Action | None:
        """The action of that id, or None."""
        return self._actions.get(name)

    def gate(self, name: str) -> Gate | None:
        """The gate of that id, or None."""
        return self._gates.get(name)

    def gates_of(self, action: Action) -> Iterator[Gate]:
        """The gates of an action in the order of its file."""
        return (self._gates[name] for name in action.gates)

    def initial(self) -> dict[str, str]:
        """Each track at its first stage."""
        return {name: track.initial for name, track in self.tracks.items()}

    def is_ended(self, stages: Mapping[str, str]) -> bool:
        """Whether the case has come to one of its ends."""
        return any(stages[track] in names for track, names in self.ends.items())


FieldSpec.model_rebuild()


def _plain(value: object) -> object:
    """A value as JSON data: keys of the format sorted, defaults left out, mappings in the order of the file."""
    if isinstance(value, files.Frozen):
        fields = sorted((spec.alias or name, name, spec.default) for name, spec in type(value).model_fields.items())
        return {key: _plain(here) for key, name, default in fields if (here := getattr(value, name)) != default}
    if isinstance(value, dict):
        return {key: _plain(child) for key, child in value.items()}
    if isinstance(value, tuple):
        return [_plain(child) for child in value]
    return value.isoformat() if isinstance(value, date) else value


def load(canonical: bytes) -> Procedure:
    """A procedure from its kept canonical bytes."""
    return Procedure.model_validate_json(canonical)


def read(text: str, name: str) -> tuple[files.Source, dict[str, Any]]:
    """A procedure file's places and plain data, not yet checked (overlays are flattened on plain data)."""
    source = files.read(text, name)
    if not isinstance(source.data, dict):
        raise BadInput([source.problem((), "程序文件应当是映射", "format")])
    return source, source.data


def compiled(source: files.Source, registry: Registry) -> Procedure:
    """The source as a Procedure with the rules and instruments it cites. Raises BadInput."""
    bare = files.parse(Procedure, source)
    cited = cited_rules(bare)
    problems = [source.problem(path, f"规则 {rule} 不在规则库中，请核对编号；本地自己的规则写进叠加文件的 rules", "rule-unknown")
                for rule, path in cited.items() if rule not in registry.rules]  # fmt: skip
    if problems:
        raise BadInput(problems)
    rules = {rule: registry.rules[rule] for rule in sorted(cited)}
    instruments = {rule.source: registry.sources[rule.source] for rule in rules.values()}
    return bare.model_copy(update={"rules": rules, "sources": dict(sorted(instruments.items()))})


def cited_rules(procedure: Procedure) -> dict[str, files.Path]:
    """Every rule id that a procedure cites, with the first place of it."""
    found: dict[str, files.Path] = {}

    def note(rules: tuple[str, ...], *path: str | int) -> None:
        for rule in rules:
            found.setdefault(rule, path)

    for n, action in enumerate(procedure.actions):
        note(action.rules, "actions", n, "rules")
        for m, spec in enumerate(action.fields):
            note(spec.rules, "actions", n, "fields", m)
        for m, paper in enumerate(action.materials):
            note(paper.rules, "actions", n, "materials", m)
    for n, gate in enumerate(procedure.gates):
        note(gate.rules, "gates", n, "rules")
    for n, clock in enumerate(procedure.clocks):
        note(clock.rules, "clocks", n, "rules")
    for name, track in procedure.tracks.items():
        note(track.rules, "tracks", name, "rules")
    for name, kind in procedure.materials.items():
        note(kind.rules, "materials", name, "rules")
    for n, spec in enumerate(procedure.matter):
        note(spec.rules, "matter", n, "rules")
    for n, conflict in enumerate(procedure.conflicts):
        note((*conflict.rules, conflict.by), "conflicts", n)
    return found


def registry(sources: list[files.Source]) -> Registry:
    """All rule files as one registry. Raises BadInput for an id or source given twice or unknown."""
    problems = []
    rules: dict[str, Rule] = {}
    instruments: dict[str, Instrument] = {}
    for source in sources:
        parsed = files.parse(RuleFile, source)
        for key, instrument in parsed.sources.items():
            if key in instruments:
                problems.append(source.problem(("sources", key), f"法源 {key} 定义了两次", "source-twice"))
            instruments[key] = instrument
        for n, rule in enumerate(parsed.rules):
            if rule.id in rules:
                problems.append(source.problem(("rules", n, "id"), f"规则 {rule.id} 定义了两次", "rule-twice"))
            rules[rule.id] = rule
    problems += [
        sources[0].problem(("sources", key, "cites"), f"法源 {name} 没有定义", "source-unknown")
        for key, instrument in instruments.items() for name in instrument.cites if name not in instruments
    ]  # fmt: skip
    problems += [sources[0].problem((), f"规则 {rule.id} 的法源 {rule.source} 没有定义", "source-unknown")
                 for rule in rules.values() if rule.source not in instruments]  # fmt: skip
    if problems:
        raise BadInput(problems)
    return Registry(sources=instruments, rules=rules)


_DIGITS = "零一二三四五六七八九"


def say_number(number: int) -> str:
    """25 as 二十五, 102 as 一百零二 (1 to 999, the range of articles and paragraphs); larger numbers stay digits."""
    if not 0 < number < 1000:
        return str(number)
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    front = f"{_DIGITS[hundreds]}百" if hundreds else ""
    middle = "" if tens == 0 else "十" if tens == 1 and not front else f"{_DIGITS[tens]}十"
    gap = _DIGITS[0] if front and ones and not tens else ""
    return front + gap + middle + (_DIGITS[ones] if ones else "")


def say_part(text: str, unit: str = "条") -> str:
    """``第二十五条``; what is not a number stays as written, and '' is ''."""
    return f"第{say_number(int(text)) if text.isdigit() else text}{unit}" if text else ""


def say_cite(rule: Rule, instrument: Instrument) -> str:
    """``《重大行政决策程序暂行条例》第二十五条第二款``."""
    parts = say_part(rule.article), say_part(rule.paragraph, "款"), say_part(rule.item, "项")
    return f"《{instrument.title}》" + "".join(parts)
