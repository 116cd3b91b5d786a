"""An action's form as the law, the case and the register make it: what to ask, what is there, what bars it.

Nothing here knows HTML or any action by name; what a form shows is derived from the procedure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, text

from decisionflow.core import calendar as days
from decisionflow.core import conditions, fields, gates, texts
from decisionflow.core import procedure as law
from decisionflow.core import step as core
from decisionflow.core.facts import Act, Facts, Text, Timing, Value, legal_date
from decisionflow.core.step import Outlook
from decisionflow.errors import NotFound
from decisionflow.service import actors, calendars, entries, procedures, register, steps
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import refusals
from decisionflow.service.reads.refusals import Lookout
from decisionflow.service.staging import File
from decisionflow.store.blobs import Blobs

MOST_OPTIONS = 1500


@dataclass(frozen=True, slots=True)
class Sheet:
    """One action of one case, as one person is about to fill it in. A case yet to be opened has no number."""

    authority: Authority
    actor: Actor
    procedure: law.Procedure
    action: law.Action
    facts: Facts
    calendar: days.Calendar
    outlook: Outlook
    now: datetime
    head: str = ""
    everybody: tuple[Actor, ...] = field(default=(), repr=False)

    @property
    def seen(self) -> str:
        """The head of the action's track: what the person sees the case to be."""
        return self.facts.heads[self.action.track] if self.facts.no else ""

    @property
    def preparable(self) -> bool:
        """Whether it makes sense to fill the form in: mine, and its stage is here."""
        return self.outlook.mine and not any(finding.code == "stage" for finding in self.outlook.findings)

    @property
    def lookout(self) -> Lookout:
        """From where a refusal is read."""
        return Lookout(self.procedure, self.facts, self.actor, self.everybody)

    @property
    def card(self) -> refusals.Card | None:
        """What bars the action today, before anything is filled in."""
        if not self.outlook.mine:
            nobody = core.Command(self.action.id, self.actor.party(), legal_date(self.now), {})
            refused = core.decide(self.procedure, nobody, self.facts, self.calendar)
            findings = refused.findings if isinstance(refused, core.Refused) else ()
            duty = [finding for finding in findings if finding.code == "duty"]
            return refusals.card(self.action, duty, self.lookout, form=False)
        here = {f"material.{slot.kind}" for slot in slots(self) if not slot.is_text}
        barred = [finding for finding in self.outlook.findings if finding.blocking and finding.code not in here]
        return refusals.card(self.action, barred, self.lookout, form=self.preparable) if barred else None


def openings(
    connection: Connection, authority: Authority, actor: Actor, on: date
) -> tuple[tuple[law.Procedure, bool], ...]:  # fmt: skip
    """The procedures a case may be opened under on a day, the authority's own first, and whether this post may."""
    names = {row["id"] for row in procedures.published(connection, authority.id)}
    found = []
    for name in sorted(names, key=lambda one: (one != authority.procedure, one)):
        with suppress(NotFound):
            one = procedures.in_force(connection, authority.id, name, on)
            found.append((one, bool(actors.duty_for(one, core.find(one, one.opening), actor, None))))
    return tuple(found)


def opening(
    connection: Connection, authority: Authority, actor: Actor, procedure: str, now: datetime, happened: datetime | None = None
) -> Sheet:  # fmt: skip
    """The form that opens a case. Raises NotFound."""
    on = legal_date(happened or now)
    found = procedures.in_force(connection, authority.id, procedure or authority.procedure, on)
    initial = found.initial()
    facts = Facts(
        case="", no="", title="", procedure=found.digest, matter={}, stages=initial, rounds=dict.fromkeys(initial, 1),
        heads=dict.fromkeys(initial, ""), duties={}, opened=now,
    )  # fmt: skip
    calendar, head = (
        calendars.current(connection, authority.id, authority.calendar),
        entries.Head(authority.id, "case", ""),
    )
    return _sheet(connection, authority, actor, steps.Standing(facts, head, found, calendar), found.opening, now)


def sheet(
    connection: Connection, authority: Authority, actor: Actor, no: str, action: str, now: datetime,
    happened: datetime | None = None,
) -> Sheet:  # fmt: skip
    """The form of an action of a case. Raises NotFound, also for a case that this person may not see."""
    standing = steps.visible(connection, authority, actor, no)
    if action == standing.procedure.opening:
        raise NotFound(f"{action} opens a case", say=f"事项“{no}”已经提出，不能重复提出")
    standing = steps.judged_by(connection, authority, standing, action, legal_date(happened or now))
    return _sheet(connection, authority, actor, standing, action, now)


def _sheet(
    connection: Connection, authority: Authority, actor: Actor, standing: steps.Standing, action: str, now: datetime
) -> Sheet:  # fmt: skip
    found = core.find(standing.procedure, action)
    found = found.model_copy(update={"fields": found.asks}) if found.asks != found.fields else found
    return Sheet(
        authority, actor, standing.procedure, found, standing.facts, standing.calendar,
        steps.outlook(standing, actor, action, now), now, standing.head.sha256 if standing.facts.no else "",
        actors.everybody(connection, authority.id, legal_date(now)),
    )  # fmt: skip


def identity(procedure: law.Procedure, facts: Facts, head: str) -> dict[str, Any]:
    """The one line that says which case this is."""
    lead = "、".join(str(one.get("name", "")) for one in facts.duties.get("lead", ()))
    main = next(iter(procedure.tracks))
    public = "不公开" if facts.matter.get("public") is False else "公开"
    parts = [lead, procedure.tracks[main].stages[facts.stages[main]], f"程序 {procedure.name}", public]
    return {
        "no": facts.no, "title": facts.title, "href": f"/cases/{facts.no}", "parts": [part for part in parts if part],
        "short_hash": head[:8], "verify_href": "/verify",
    }  # fmt: skip


def hash_of(connection: Connection, authority: Authority, entry: str) -> str:
    """The hash that names an entry. Raises NotFound."""
    found = connection.execute(_HASH, {"a": authority.id, "e": entry}).scalar()
    if found is None:
        raise NotFound(f"no entry {entry}", say="没有这条记录")
    return str(found)


_HASH = text("select sha256 from trail_entry where authority_id = :a and entry_id = :e")


# ---- what the law asks here ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Basis:
    """A rule this action rests on, in our restatement."""

    rule: str
    title: str
    cite: str
    say: str
    strength: law.Strength
    unchecked: bool


def bases(at: Sheet, rules: Iterable[str]) -> tuple[Basis, ...]:
    """Rules with where the law says so, how hard they are, and whether anybody has checked them."""
    found = []
    for name in rules:
        rule = at.procedure.rules[name]
        source = at.procedure.sources[rule.source]
        unchecked = refusals.is_unchecked(source, rule.confirmed)
        found.append(Basis(name, rule.title, law.say_cite(rule, source), rule.say, rule.strength, unchecked))
    return tuple(found)


def cite_of(at: Sheet, rules: Iterable[str]) -> str:
    """A field's citation, short: the article alone where it is the instrument the action rests on."""
    own = at.procedure.rules[at.action.rules[0]].source
    found = []
    for name in rules:
        rule = at.procedure.rules[name]
        source = at.procedure.sources[rule.source]
        if source.rank == "product":
            continue
        words = law.say_cite(rule, source)
        words = words.partition("》")[2] if rule.source == own and rule.article else words
        found.append(words + ("〔未核实〕" if refusals.is_unchecked(source, rule.confirmed) else ""))
    return "、".join(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Condition:
    """One gate as it will be judged when the form is handed in."""

    say: str
    cite: str
    strength: law.Strength
    when: str = ""
    field: str = ""


def asked(at: Sheet) -> tuple[Condition, ...]:
    """The gates that look at what is filled in here, each with the earliest day that it would let pass."""
    found = []
    for finding in at.outlook.asked:
        gate = at.procedure.gate(finding.code)
        when, name = floor(at, gate) if gate else ("", "")
        cite = refusals.cite_words(finding.cites[:1], at.procedure)
        found.append(Condition(finding.say, cite, finding.strength, when, name))
    return tuple(found)


def met(at: Sheet, passed: Iterable[str], values: Mapping[str, Value] | None = None) -> tuple[Condition, ...]:
    """Gates that hold because something is there; those that only found nothing to object to are not boasted of."""
    scene = _scene(at, values)
    found: dict[str, Condition] = {}
    for name in passed:
        gate = at.procedure.gate(name)
        say = _met(at, gate, scene) if gate else ""
        if gate and say:
            cite = refusals.cite_words([gates.cite(at.procedure, gate.rules[0])], at.procedure)
            found.setdefault(say, Condition(say, cite, gate.strength))
    return tuple(found.values())


def _met(at: Sheet, gate: law.Gate, scene: gates.Scene) -> str:
    held: list[Any]
    match gate:
        case law.Reached():
            track = at.procedure.tracks[gate.track]
            return f"{track.title}：{track.stages[at.facts.stages[gate.track]]}"
        case law.Done():
            act = at.facts.last(gate.actions)
            return f"{act.title}（{act.on}）" if act else ""
        case law.Is():
            act = at.facts.last(gate.of.action) if gate.of.action else None
            specs = at.procedure.matter if gate.of.matter else at.action.fields
            if act is not None and (action := at.procedure.action(act.action)):
                specs = action.fields
            spec = next((one for one in specs if one.id == (gate.of.matter or gate.of.field)), None)
            value = gates.value(gate.of, scene)
            if spec is None or not conditions.filled(value):
                return ""
            words = (
                {True: "是", False: "否"}.get(value)
                if isinstance(value, bool)
                else spec.choices.get(str(value), str(value))
            )
            return f"{act.title + '，' if act else ''}{spec.title}：{words}"
        case law.RowsAre() | law.RowsLapsed() | law.RowsInForce() | law.RowsCover() | law.RowSum():
            held = gates.rows(gate.rows, scene)
        case law.SameText():
            held = list(at.facts.current(gate.actions))
        case _:
            held = [{}]
    return f"符合“{at.procedure.rules[gate.rules[0]].title}”" if held else ""


def _scene(at: Sheet, fields: Mapping[str, Value] | None = None) -> gates.Scene:
    on, party = legal_date(at.now), at.actor.party()
    return gates.Scene(at.procedure, at.facts, at.action, fields or {}, on, party, at.calendar, at.facts.text)


def floor(at: Sheet, gate: law.Gate) -> tuple[str, str]:
    """The earliest day a date field of this form may name by a gate, in words, and the field; '' when it names none."""
    scene = _scene(at)
    if isinstance(gate, law.Lapsed) and gate.at_least != "none" and _own(gate.until) and not _own(gate.since):
        since = gates.moment(gate.since, scene)
        if since is not None:
            count = days.add(at.calendar, since, days.period(gate.at_least))
            mark = "（暂估：放假安排未录入）" if count.provisional else ""
            return _FLOORS[gate.strength].format(days.say_day(count.ends_on) + mark), gate.until.field
    if isinstance(gate, law.RowsLapsed) and _own(gate.until) and not _own(gate.rows):
        on = [day for row in gates.rows(gate.rows, scene) if (day := gates.as_day(row.get(gate.column)))]
        if on and conditions.holds(gate.if_, matter=at.facts.matter, fields={}, stages=at.facts.stages):
            count = days.add(at.calendar, max(on), days.period(gate.at_least))
            return _FLOORS[gate.strength].format(days.say_day(count.ends_on)), gate.until.field
    if isinstance(gate, law.NotBefore) and _own(gate.moment) and not _own(gate.other):
        other = gates.moment(gate.other, scene)
        if other is not None:
            return _FLOORS[gate.strength].format(days.say_day(other)), gate.moment.field
    return "", ""


_FLOORS = {"must": "不得早于 {}", "usually": "一般不早于 {}，更早的要写明理由", "may": "建议不早于 {}"}


def _own(ref: law.Ref) -> bool:
    return bool(ref.field) and not ref.action and not ref.matter


def excuses(at: Sheet) -> dict[str, law.Gate]:
    """The fields that are filled in only to depart from a "usually": each with its gate."""
    found: dict[str, law.Gate] = {}
    for gate in at.procedure.gates_of(at.action):
        for name in (gate.deviate, gate.approver):
            if name and at.action.field(name) and gate.strength == "usually":
                found[name] = gate
    return found


def demanded(at: Sheet) -> frozenset[str]:
    """Fields that a "must" of this action asks for, though their own list leaves them open."""
    found = set()
    for gate in at.procedure.gates_of(at.action):
        if gate.strength != "must" or not conditions.holds(
            gate.if_, matter=at.facts.matter, fields={}, stages=at.facts.stages
        ):
            continue
        if isinstance(gate, law.Filled):
            found.add(gate.field)
        elif isinstance(gate, law.LastRow) or (isinstance(gate, law.RowCount) and gate.at_least):
            found.add(gate.rows.field if _own(gate.rows) else "")
        elif isinstance(gate, law.RowsCover) and _own(gate.others) and gates.rows(gate.rows, _scene(at)):
            found.add(gate.others.field)
    return frozenset(found - {""})


# ---- papers and the draft --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one paper: what it is, whether it must be there, what the dossier already has."""

    kind: str
    title: str
    required: bool
    note: str
    cite: str
    on_file: File | None
    on_file_since: str
    text: Text | None
    is_text: bool


def slots(at: Sheet) -> tuple[Slot, ...]:
    """The papers of the action, in its order; those the matter or a track rules out are left out."""
    found = []
    for paper in at.action.materials:
        material = at.procedure.materials[paper.kind]
        fixed = {key: words for key, words in paper.if_.items() if not key.startswith("field.")}
        if not conditions.holds(fixed, matter=at.facts.matter, fields={}, stages=at.facts.stages):
            continue
        if material.text and at.action.text == "new":
            continue
        open_ = {key: words for key, words in paper.if_.items() if key.startswith("field.")}
        source = next((act for act in reversed(at.facts.acts) for one in act.papers if one.kind == paper.kind), None)
        held = at.facts.papers().get(paper.kind)
        found.append(Slot(
            paper.kind, material.title, paper.required and not open_, f"{when_words(at, open_)}必需" if open_ else "",
            cite_of(at, paper.rules or material.rules), File(held.sha256, held.name, held.size, held.type) if held else None,
            f"{source.on}，{source.title}" if source else "", at.facts.text, material.text,
        ))  # fmt: skip
    return tuple(found)


def when_words(at: Sheet, when: Mapping[str, tuple[str, ...]]) -> str:
    """A condition in words: ``“建议来源”为“政府所属部门”时``."""
    parts = []
    for key, words in when.items():
        space, _, name = key.partition(".")
        specs = at.action.fields if space == "field" else at.procedure.matter
        spec = next((one for one in specs if one.id == name), None)
        titles = {"yes": "是", "no": "否", "given": "已填写", "none": "未填写"} | (spec.choices if spec else {})
        parts.append(f"“{spec.title if spec else name}”为“{'”或“'.join(titles.get(word, word) for word in words)}”")
    return "，".join(parts) + "时"


def text_kind(at: Sheet) -> str:
    """The material kind that is the draft itself; '' when the procedure knows none."""
    own = [paper.kind for paper in at.action.materials if at.procedure.materials[paper.kind].text]
    return next(iter([*own, *(kind for kind, one in at.procedure.materials.items() if one.text)]), "")


def draft(at: Sheet, blobs: Blobs) -> texts.Document | None:
    """The current version of the draft, to go on from."""
    return texts.load(blobs.get(at.facts.text.sha256)) if at.facts.text else None


def versions(at: Sheet) -> tuple[tuple[str, str], ...]:
    """Every version of the draft, newest first: digest and words."""
    known = {act.text.version: (act.text, act) for act in at.facts.acts if act.text}
    return tuple(
        (one.sha256, f"第{version}版 {one.title}（{act.on}，{one.sha256[:8]}）")
        for version, (one, act) in sorted(known.items(), reverse=True)
    )


def confirms_texts(at: Sheet) -> bool:
    """Whether the action confirms a change of the text: then it names two versions of the draft."""
    return any(isinstance(gate, law.SameText) and gate.confirmed_by == at.action.id for gate in at.procedure.gates)


# ---- what the register offers ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Option:
    """Somebody or something of the register that a field may name. `value` is what is typed, `id` what it means."""

    value: str
    label: str
    id: str


_UNITS = text("""
    select id, name, short from unit
    where authority_id = :a and valid_from <= :on and (valid_to is null or valid_to >= :on) order by rank, name limit :most
""")
_HOMONYMS = text("""
    select name from person where name in (select n.name from person n join appointment a on a.person_id = n.id
    where a.authority_id = :a and a.ended = :no) group by name having count(*) > 1
""")


def options(connection: Connection, at: Sheet) -> dict[str, tuple[Option, ...]]:
    """Units, posts and persons of the register, those kinds that the action's fields ask for."""
    wanted = {spec.type for top in at.action.fields for spec in (top, *top.columns)}
    found: dict[str, tuple[Option, ...]] = {}
    if "unit" in wanted:
        rows = connection.execute(_UNITS, {"a": at.authority.id, "on": legal_date(at.now), "most": MOST_OPTIONS}).all()
        double = _repeated(row.name for row in rows)
        found["unit"] = tuple(
            Option(f"{row.name}（{row.short}）" if row.name in double else row.name, "", row.id) for row in rows
        )
    if "post" in wanted:
        found["post"] = _unlike(
            (f"{one.unit_name} {one.post_title}", one.name, one.post) for one in at.everybody[:MOST_OPTIONS]
        )
    if "person" in wanted:
        double = {row.name for row in connection.execute(_HOMONYMS, {"a": at.authority.id, "no": False})}
        found["person"] = _unlike(
            (f"{one.name}（{where}）" if one.name in double else one.name, where, one.person)
            for one in at.everybody[:MOST_OPTIONS]
            for where in [f"{one.unit_name} {one.post_title}"]
        )
    return found


def unit_names(connection: Connection, authority: Authority, now: datetime) -> tuple[str, ...]:
    """The units of the register on a day, as a form offers them."""
    rows = connection.execute(_UNITS, {"a": authority.id, "on": legal_date(now), "most": MOST_OPTIONS}).all()
    double = _repeated(row.name for row in rows)
    return tuple(f"{row.name}（{row.short}）" if row.name in double else row.name for row in rows)


def _unlike(rows: Iterable[tuple[str, str, str]]) -> tuple[Option, ...]:
    """One option an id; two that would read the same are told apart by the end of their ids."""
    by_id: dict[str, Option] = {}
    for value, label, one in rows:
        by_id.setdefault(one, Option(value, label, one))
    double = _repeated(option.value for option in by_id.values())
    return tuple(
        Option(f"{one.value} #{one.id[-4:]}", one.label, one.id) if one.value in double else one
        for one in by_id.values()
    )


def _repeated(words: Iterable[str]) -> set[str]:
    return {word for word, count in Counter(words).items() if count > 1}


# ---- before and after filling in -------------------------------------------------------------------------


def prefill(at: Sheet) -> dict[str, Any]:
    """What the form starts with: rows that must answer to the rows of an earlier act, one for each of them."""
    found: dict[str, Any] = {}
    scene = _scene(at)
    for gate in at.procedure.gates_of(at.action):
        if not isinstance(gate, law.RowsCover) or not _own(gate.others) or _own(gate.rows):
            continue
        column, spec = gate.other_column or gate.column, at.action.field(gate.others.field)
        if spec is None or all(one.id != column for one in spec.columns):
            continue
        wanted = [row for row in gates.rows(gate.rows, scene)
                  if all(conditions.matches(row.get(one), words) for one, words in gate.where.items())]  # fmt: skip
        earlier = dict.fromkeys(
            _typed(row.get(gate.column)) for row in wanted if conditions.filled(row.get(gate.column))
        )
        rows = [{column: words} for words in earlier]
        if rows:
            found.setdefault(spec.id, rows)
    return found


def _typed(value: Any) -> str:
    return str(value.get("name", "")) if isinstance(value, Mapping) else str(value)


def now_is(at: Sheet, name: str) -> str:
    """How a judgement of the matter stands today, in words, for an action that may change it."""
    if not at.facts.no or name not in at.action.sets or name not in at.facts.matter:
        return ""
    spec, value = at.action.field(name), at.facts.matter[name]
    if isinstance(value, bool):
        return "是" if value else "否"
    return spec.choices.get(str(value), str(value)) if spec else str(value)


def read(connection: Connection, at: Sheet, raw: Mapping[str, Any], timing: Timing) -> dict[str, Value]:
    """The values of the form as the step will read them. Raises BadInput with every problem."""
    directory = register.Directory(connection, at.authority.id, timing.on)
    return fields.read(at.action.fields, raw, now=timing.now, matter=at.facts.matter, directory=directory)


def since(at: Sheet, seen: str) -> tuple[Act, ...]:
    """The acts of the case since the person opened the form, the last ten."""
    place = next((n for n, act in enumerate(at.facts.acts) if act.entry == seen), None)
    if place is None:
        return tuple(act for act in at.facts.acts if act.track == at.action.track)[-10:]
    return at.facts.acts[place + 1 :][-10:]


def text_moved(at: Sheet, seen: str) -> bool:
    """Whether the draft has another version since the person opened the form."""
    before = next((act.text for act in at.facts.acts if act.entry == seen), None)
    return at.facts.text is not None and at.facts.text != before


@dataclass(frozen=True, slots=True)
class Next:
    """Something to be done now, by whom, and where, if it is the reader's."""

    ask: str
    who: str
    href: str


def next_up(at: Lookout) -> list[Next]:
    """What is to be done in the case now."""
    found = []
    for action in core.todos(at.procedure, at.facts):
        mine = actors.duty_for(at.procedure, action, at.actor, at.facts)
        title = at.procedure.duties[action.by[0]].title
        who = "您" if mine else refusals.holders(action.by[0], at) or title
        found.append(Next(action.ask or action.title, who, f"/cases/{at.facts.no}/do/{action.id}" if mine else ""))
    return found
