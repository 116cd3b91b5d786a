"""What may have gone wrong although every step was let through: checks over whole cases, after the fact.

Gates stop what can be stopped. What is left is found here, each with the acts that show it, for a person to confirm
or dismiss: reasons given for departing from a "usually", acts entered late, claimed times that turn the order round,
clocks that ran out, corrections after which a gate would not hold; and patterns over many cases that a file
(``workflows/watches.yaml``) names with one word of a closed list. Nothing here says that anybody is guilty.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import Field

from decisionflow.core import calendar as days
from decisionflow.core import clocks, conditions, paper, rejudge, similar
from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.core import step as core
from decisionflow.core.facts import Act, Facts, legal_date
from decisionflow.errors import BadInput

Level = Literal["breach", "departure", "sign"]
LEVELS: Mapping[Level, str] = {"breach": "可能违法", "departure": "偏离，有理由", "sign": "提示"}
OF_STRENGTH: Mapping[law.Strength, Level] = {"must": "breach", "usually": "departure", "may": "sign"}
BULK, SITTING = 5, timedelta(hours=1)
NEARLY = 0.8

# What is looked for in every case, whatever its procedure says.
GENERAL: Mapping[str, str] = {
    "departed": "说明理由后偏离一般要求", "corrected": "更正以后不再符合要求", "inverted": "登记的发生时间前后颠倒",
    "crossed": "补录的步骤，后面的步骤先登记了", "bulk": "一次集中补录多件", "overdue": "超过期限",
    "authority_later_disputed": "任职后来有出入",
}  # fmt: skip


class Place(files.Frozen):
    """A field of an action, or a column of its rows."""

    action: law.Id
    field: law.Id
    column: str = ""
    where: dict[str, law.Words] = {}


class WatchBase(files.Frozen):
    """What every watch says of itself."""

    id: law.Id
    title: str
    rules: tuple[law.RuleId, ...] = Field(min_length=1)
    say: str


class SameWords(WatchBase):
    """Nearly the same words in different cases, `at_least` characters long."""

    watch: Literal["same_words"]
    action: law.Id
    fields: tuple[law.Id, ...]
    at_least: int = 20


class TooQuick(WatchBase):
    """A draft dealt with at more than this many characters a minute, from one act to the other as recorded."""

    watch: Literal["too_quick"]
    since: law.Words
    until: law.Id
    characters_a_minute: int


class Dropped(WatchBase):
    """Somebody who had spoken, and whom a later list leaves out."""

    watch: Literal["dropped"]
    spoke: Place
    listed: Place


class OneValue(WatchBase):
    """The same value in every row that a unit ever wrote, in at least so many cases."""

    watch: Literal["one_value"]
    rows: Place
    value: str
    cases: int


class Often(WatchBase):
    """A unit departs from these gates in at least so many cases, and in at least this share of them."""

    watch: Literal["often"]
    gates: law.Words
    cases: int
    share: Annotated[str, Field(pattern=r"^[1-9][0-9]*/[1-9][0-9]*$")]


class Many(WatchBase):
    """A number that an act gives comes to `at_least`: experts drawn again and again."""

    watch: Literal["many"]
    count: Place
    at_least: int


class Alike(WatchBase):
    """A matter that was left out of the procedure, and one nearly of the same name opened within so many days."""

    watch: Literal["alike"]
    actions: law.Words
    days: int


class Paper(WatchBase):
    """An entry of a kind in the record of a decision on paper that fails a test (`core.paper`); `days` where it counts."""

    watch: Literal["paper"]
    kind: law.Id
    test: paper.Test
    days: int = 0


Watch = Annotated[
    SameWords | TooQuick | Dropped | OneValue | Often | Many | Alike | Paper, Field(discriminator="watch")
]


class Failure(files.Frozen):
    """Something known to go wrong, and what is done against it: gates that stop it, checks that find it."""

    id: Annotated[str, Field(pattern=r"^F-[0-9]{2}$")]
    title: str
    gates: tuple[law.Id, ...] = ()
    checks: tuple[law.Id, ...] = ()
    otherwise: str = ""


class WatchFile(files.Frozen):
    """``workflows/watches.yaml``."""

    format: Literal["1"]
    procedure: str
    papers: str
    watches: tuple[Watch, ...]
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class History:
    """A case with the procedure that it stands under."""

    procedure: law.Procedure
    facts: Facts


@dataclass(frozen=True, slots=True)
class Shown:
    """An act that shows it: in which case, which entry, and what it says of itself."""

    no: str
    entry: str
    say: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something for a person to look at: which check, what it means, and the acts that show it."""

    check: str
    title: str
    level: Level
    rules: tuple[str, ...]
    cite: str
    no: str
    case: str
    unit: str
    on: date
    say: str
    evidence: tuple[Shown, ...]


# ---- one case ----------------------------------------------------------------------------------------------


def in_case(history: History, calendar: days.Calendar, today: date) -> Iterator[Finding]:
    """What is found in one case by itself."""
    yield from _departed(history, calendar)
    yield from _turned(history)
    yield from _bulk(history)
    yield from _overdue(history, calendar, today)


def _departed(history: History, calendar: days.Calendar) -> Iterator[Finding]:
    """Reasons given for departing; and, once something was corrected, acts that would now be refused."""
    corrected = any(act.corrected_by for act in history.facts.acts)
    for act, outcome in rejudge.judged(history.procedure, history.facts, calendar):
        if isinstance(outcome, core.Taken):
            for one in outcome.deviations:
                if one.finding is not None:
                    say = f"{one.finding.say}。{one.finding.detail}。理由：{one.reason}"
                    yield _finding(history, "departed", "departure", one.finding.rules, act, say)
        elif isinstance(outcome, core.Refused) and corrected:
            for found in outcome.blocking:
                say = f"“{act.title}”登记的内容经过更正，按更正以后的内容：{found.say}"
                yield _finding(history, "corrected", OF_STRENGTH[found.strength], found.rules, act, say)


def _turned(history: History) -> Iterator[Finding]:
    """Late acts: those that claim to lie before what they rest on, and those that others overtook."""
    acts = (
        history.facts.acts if history.procedure.gates else ()
    )  # facts of the past that are written down rest on nothing
    for act in acts:
        if not act.late:
            continue
        action = history.procedure.action(act.action)
        rests = _rests_on(history.procedure, action) | {act.track} if action else {act.track}
        earlier = [one for one in acts if one.n < act.n]
        after = [one for one in earlier if one.at > act.at and one.track in rests and one.before != one.after]
        if after and action is not None and action.to:
            last = max(after, key=lambda one: one.at)
            say = f"登记的发生时间是 {act.on}，早于它的前提“{last.title}”（{last.on}）"
            yield _finding(history, "inverted", "breach", action.rules, act, say, (last,))
        binding = [one for one in earlier if one.at > act.at and _binds(history.procedure, one) and one not in after]
        if binding and action is not None:
            say = f"登记的发生时间是 {act.on}，{_day(act)} 才登记；在这之前已经登记了“{'”“'.join(one.title for one in binding)}”"
            yield _finding(history, "crossed", "sign", action.rules, act, say, tuple(binding))


def _rests_on(procedure: law.Procedure, action: law.Action | None) -> set[str]:
    """The lines whose stage lets an action pass."""
    if action is None:
        return set()
    reached = {gate.track for gate in procedure.gates_of(action) if isinstance(gate, law.Reached)}
    return reached | set(action.when)


def _binds(procedure: law.Procedure, act: Act) -> bool:
    action = procedure.action(act.action)
    return action is not None and action.binding


def _bulk(history: History) -> Iterator[Finding]:
    """Many acts of different days entered in one sitting by one person."""
    late = [act for act in history.facts.acts if act.late]
    while late:
        first = late[0]
        sitting = [
            one for one in late if one.recorded - first.recorded <= SITTING and one.party.person == first.party.person
        ]
        if len({one.on for one in sitting}) >= BULK:
            say = f"{first.party.name} 在 {_day(first)} 一小时内补录了 {len(sitting)} 件不同日期的事"
            action = history.procedure.action(first.action)
            rules = action.rules if action else ()
            yield _finding(history, "bulk", "sign", rules, first, say, tuple(sitting[1:]))
        late = [one for one in late if one not in sitting]


def _overdue(history: History, calendar: days.Calendar, today: date) -> Iterator[Finding]:
    """Clocks that ran out, whether the act came at last or is still waited for."""
    specs = {clock.id: clock for clock in history.procedure.clocks}
    acts = {act.entry: act for act in history.facts.acts}
    for one in clocks.ledger(history.procedure, history.facts, calendar, today):
        if one.due_on is None or one.provisional or (one.done_on or today) <= one.due_on:
            continue
        clock = specs[one.clock]
        strength = history.procedure.rules[clock.rules[0]].strength
        level = OF_STRENGTH[strength] if clock.length else "sign"  # a day that an act named is no day of the law
        end = f"{one.done_on} 才办结" if one.done_on else f"到 {today} 还没有办结"
        say = f"{clock.title}：{one.due_on} 到期，{end}"
        found = _finding(history, "overdue", level, clock.rules, acts[one.started_by], say)
        yield replace(found, unit=_unit(history.facts, one.duty) or found.unit, on=one.due_on)


@dataclass(frozen=True, slots=True)
class Tenure:
    """A person in a post as the register believes it now, with the time at which it learnt so."""

    since: date
    until: date | None
    recorded: datetime


def disputed(history: History, held: Mapping[tuple[str, str], Sequence[Tenure]]) -> Iterator[Finding]:
    """Acts by somebody who, as is believed now, did not hold the post when they were recorded.

    A correction of the register changes no act, and an appointment recorded afterwards legitimises none: both are shown.
    Posts that the register does not know (`held` has no such post) are not asked about.
    """
    posts = {post for _, post in held}
    for act in history.facts.acts:
        day, party = _day(act), act.party
        if not party.person or party.post not in posts:
            continue
        now = [one for one in held.get((party.person, party.post), ()) if one.since <= day <= (one.until or day)]
        if any(one.recorded <= act.recorded for one in now):
            continue
        late = "任职是办理以后才登记的" if now else "登记册现在的记载里，那天不在这个岗位"
        say = f"{party.name} 以{party.unit_name}{party.post_title}的身份办理，{late}"
        action = history.procedure.action(act.action)
        yield _finding(history, "authority_later_disputed", "sign", action.rules if action else (), act, say)


def _unit(facts: Facts, duty: str) -> str:
    """The unit that holds a duty of the case, where the case names one."""
    held = facts.duties.get(duty, ())
    return str(held[0].get("name", "")) if held else ""


# ---- many cases --------------------------------------------------------------------------------------------


def across(
    watch: Watch, histories: Sequence[History], size: Mapping[str, int], book: law.Procedure
) -> Iterator[Finding]:
    """What a watch finds in cases seen together.

    `size` is the characters of each draft by its digest; `book` the procedure whose rules decisions on paper are compared
    with, as far as they were in force on their day.
    """
    if isinstance(watch, Paper):
        yield from _paper(watch, histories, book)
    elif isinstance(watch, SameWords):
        yield from _same_words(watch, histories)
    elif isinstance(watch, TooQuick):
        yield from _too_quick(watch, histories, size)
    elif isinstance(watch, Dropped):
        yield from _dropped(watch, histories)
    elif isinstance(watch, OneValue):
        yield from _one_value(watch, histories)
    elif isinstance(watch, Often):
        yield from _often(watch, histories)
    elif isinstance(watch, Many):
        yield from _many(watch, histories)
    else:
        yield from _alike(watch, histories)


def _acts(histories: Iterable[History], actions: Iterable[str]) -> Iterator[tuple[History, Act]]:
    wanted = set(actions)
    for one in histories:
        for act in one.facts.acts:
            if act.action in wanted:
                yield one, act


def _same_words(watch: SameWords, histories: Sequence[History]) -> Iterator[Finding]:
    seen: list[tuple[str, similar.Sketch, History, Act]] = []
    for one, act in _acts(histories, [watch.action]):
        for name in watch.fields:
            words = similar.plain(str(act.fields.get(name, "")))
            if len(words) < watch.at_least:
                continue
            mine = similar.sketch(words)
            twin = next((known for known in seen if known[2].facts.no != one.facts.no
                         and similar.likeness(mine, known[1]) >= NEARLY), None)  # fmt: skip
            seen.append((words, mine, one, act))
            if twin is not None:
                say = f"{watch.say}：与 {twin[2].facts.no} 的“{twin[3].title}”几乎一样：“{str(act.fields[name])[:60]}”"
                yield _watched(watch, one, act, say, (_shown(twin[2].facts, twin[3]),))
                break


def _too_quick(watch: TooQuick, histories: Sequence[History], size: Mapping[str, int]) -> Iterator[Finding]:
    for one, act in _acts(histories, [watch.until]):
        before = [a for a in one.facts.acts if a.action in watch.since and a.n < act.n and a.round == act.round]
        characters = size.get(act.text.sha256, 0) if act.text else 0
        if not before or not characters or act.late or before[-1].late:
            continue
        minutes = max((act.recorded - before[-1].recorded).total_seconds() / 60, 1)
        if characters / minutes > watch.characters_a_minute:
            say = f"{watch.say}：草案 {characters} 字，自“{before[-1].title}”起 {round(minutes)} 分钟"
            yield _watched(watch, one, act, say, (_shown(one.facts, before[-1]),))


def _dropped(watch: Dropped, histories: Sequence[History]) -> Iterator[Finding]:
    for one, listing in _acts(histories, [watch.listed.action]):
        names = {_name(row.get(watch.listed.column)) for row in _rows(listing, watch.listed)}
        for act in one.facts.acts:
            said = _name(act.fields.get(watch.spoke.field))
            if act.action == watch.spoke.action and act.n < listing.n and said and said not in names:
                yield _watched(watch, one, listing, f"{watch.say}：{said}", (_shown(one.facts, act),))


def _one_value(watch: OneValue, histories: Sequence[History]) -> Iterator[Finding]:
    units: dict[str, list[tuple[History, Act, list[str]]]] = defaultdict(list)
    for one, act in _acts(histories, [watch.rows.action]):
        values = [str(row.get(watch.rows.column, "")) for row in _rows(act, watch.rows)]
        units[act.party.unit_name].append((one, act, [value for value in values if value]))
    for unit, found in units.items():
        values = [value for _, _, some in found for value in some]
        if values and set(values) == {watch.value} and len({one.facts.no for one, _, _ in found}) >= watch.cases:
            one, act, _ = found[-1]
            others = tuple(_shown(history.facts, other) for history, other, _ in found[:-1])
            yield _watched(watch, one, act, f"{watch.say}：{unit} 的 {len(values)} 行无一例外", others)


def _often(watch: Often, histories: Sequence[History]) -> Iterator[Finding]:
    asked: Counter[str] = Counter()
    departed: dict[str, list[tuple[History, Act]]] = defaultdict(list)
    for one in histories:
        for act in one.facts.acts:
            action = one.procedure.action(act.action)
            if action is None or not set(watch.gates) & set(action.gates):
                continue
            asked[act.party.unit_name] += 1
            if set(watch.gates) & set(act.deviations):
                departed[act.party.unit_name].append((one, act))
    for unit, found in departed.items():
        if len({one.facts.no for one, _ in found}) < watch.cases or len(found) < Fraction(watch.share) * asked[unit]:
            continue
        one, act = found[-1]
        say = f"{watch.say}：{unit} {asked[unit]} 次中有 {len(found)} 次"
        yield _watched(watch, one, act, say, tuple(_shown(history.facts, other) for history, other in found[:-1]))


def _many(watch: Many, histories: Sequence[History]) -> Iterator[Finding]:
    for one, act in _acts(histories, [watch.count.action]):
        number = act.fields.get(watch.count.field)
        if isinstance(number, int) and number >= watch.at_least:
            yield _watched(watch, one, act, f"{watch.say}：{number} 次", ())


def _alike(watch: Alike, histories: Sequence[History]) -> Iterator[Finding]:
    within = timedelta(days=watch.days)
    for one, act in _acts(histories, watch.actions):
        mine = similar.sketch(similar.plain(one.facts.title))
        for other in histories:
            if other.facts.no == one.facts.no or abs(other.facts.opened - one.facts.opened) > within:
                continue
            if similar.likeness(mine, similar.sketch(similar.plain(other.facts.title))) >= similar.ALIKE:
                first = other.facts.acts[0]
                say = f"{watch.say}：{other.facts.no} {other.facts.title}"
                yield _watched(watch, one, act, say, (_shown(other.facts, first),))


def _paper(watch: Paper, histories: Sequence[History], book: law.Procedure) -> Iterator[Finding]:
    """A paper entered late proves nothing but the question whether it was there; all else departs without a reason given."""
    level: Level = "sign" if watch.test == "entered_after" else "breach"
    for one in histories:
        decided = paper.decided_on(one.facts)
        if decided is None or not paper.in_force(book, watch.rules, decided):
            continue
        for act, found in paper.shown(one.facts, watch.kind, watch.test, watch.days, decided):
            sure = _choice(one.procedure, act, "certainty")
            say = f"{watch.say}：{found}（{sure}）" if sure else f"{watch.say}：{found}"
            yield replace(
                _watched(watch, one, act, say, ()), level=level, cite=_cite(book, watch.rules),
                unit=_lead_unit(one.facts) or act.party.unit_name,
            )  # fmt: skip


def _lead_unit(facts: Facts) -> str:
    return str(facts.acts[0].fields.get("lead_unit", "")) if facts.acts else ""


def _choice(procedure: law.Procedure, act: Act, name: str) -> str:
    """The title of a chosen value."""
    action = procedure.action(act.action)
    spec = action.field(name) if action else None
    return str((spec.choices or {}).get(str(act.fields.get(name)), "")) if spec else ""


def _rows(act: Act, place: Place) -> Iterator[Mapping[str, Any]]:
    given = act.fields.get(place.field, [])
    for row in given if isinstance(given, list) else ():
        if isinstance(row, dict) and all(conditions.matches(row.get(name), want) for name, want in place.where.items()):
            yield row


def _name(value: Any) -> str:
    return str(value.get("name", "")) if isinstance(value, dict) else str(value or "")


# ---- findings ----------------------------------------------------------------------------------------------


def _finding(
    history: History, check: str, level: Level, rules: tuple[str, ...], act: Act, say: str, others: tuple[Act, ...] = ()
) -> Finding:  # fmt: skip
    facts = history.facts
    shown = (_shown(facts, act), *(_shown(facts, one) for one in others))
    return Finding(check, GENERAL[check], level, rules, _cite(history.procedure, rules), facts.no, facts.title,
                   act.party.unit_name, act.on, say, shown)  # fmt: skip


def _watched(watch: WatchBase, history: History, act: Act, say: str, others: tuple[Shown, ...]) -> Finding:
    facts = history.facts
    return Finding(watch.id, watch.title, "sign", watch.rules, _cite(history.procedure, watch.rules), facts.no, facts.title,
                   act.party.unit_name, act.on, say, (_shown(facts, act), *others))  # fmt: skip


def _shown(facts: Facts, act: Act) -> Shown:
    late = f"，{_day(act)} 补录" if act.late else ""
    return Shown(facts.no, act.entry, f"{act.on} {act.party.unit_name} {act.party.name}：{act.title}{late}")


def _cite(procedure: law.Procedure, rules: Sequence[str]) -> str:
    known = next((procedure.rules[rule] for rule in rules if rule in procedure.rules), None)
    return law.say_cite(known, procedure.sources[known.source]) if known else ""


def _day(act: Act) -> date:
    return legal_date(act.recorded)


# ---- the file ----------------------------------------------------------------------------------------------


def read(source: files.Source, procedure: law.Procedure, papers: law.Procedure) -> WatchFile:
    """The watches of a procedure, and of records on paper. Raises BadInput with all that leads nowhere, at its line."""
    found = files.parse(WatchFile, source)
    faults = [source.problem(path, say, "watch") for path, say in (*_astray(found, procedure), *_blank(found, papers))]
    if faults:
        raise BadInput(faults)
    return found


def _astray(found: WatchFile, procedure: law.Procedure) -> Iterator[tuple[files.Path, str]]:
    for n, watch in enumerate(found.watches):
        at: files.Path = ("watches", n)
        for name in actions_of(watch):
            if procedure.action(name) is None:
                yield at, f"程序 {procedure.name} 没有动作“{name}”"
        for name, fields in _fields_of(watch):
            action = procedure.action(name)
            for one in fields if action else ():
                if action is not None and action.field(one) is None:
                    yield at, f"动作“{action.title}”没有填写项“{one}”"
        for gate in watch.gates if isinstance(watch, Often) else ():
            if procedure.gate(gate) is None:
                yield at, f"程序 {procedure.name} 没有关卡“{gate}”"
        for rule in watch.rules:
            if rule not in procedure.rules:
                yield at, f"程序 {procedure.name} 没有引用规则 {rule}"
    known = {watch.id for watch in found.watches} | set(GENERAL)
    for n, failure in enumerate(found.failures):
        at = ("failures", n)
        for gate in failure.gates:
            if procedure.gate(gate) is None:
                yield at, f"程序 {procedure.name} 没有关卡“{gate}”"
        for check in failure.checks:
            if check not in known:
                yield at, f"没有检查“{check}”"
        if not (failure.gates or failure.checks or failure.otherwise):
            yield at, f"{failure.id} 没有写明靠什么防止或者发现"


def _blank(found: WatchFile, papers: law.Procedure) -> Iterator[tuple[files.Path, str]]:
    """Kinds of facts that nobody can enter."""
    action = papers.action(paper.FACT)
    spec = action.field("kind") if action else None
    kinds = (spec.choices or {}) if spec else {}
    for n, watch in enumerate(found.watches):
        if isinstance(watch, Paper) and watch.kind not in kinds:
            yield ("watches", n), f"程序 {papers.name} 没有“{watch.kind}”这类事实"


def actions_of(watch: Watch) -> Iterator[str]:
    """Every action that a watch looks at."""
    for name in ("action", "until"):
        if value := getattr(watch, name, ""):
            yield value
    for name in ("since", "actions"):
        yield from getattr(watch, name, ())
    for name in ("spoke", "listed", "rows", "count"):
        if place := getattr(watch, name, None):
            yield place.action


def _fields_of(watch: Watch) -> Iterator[tuple[str, tuple[str, ...]]]:
    if isinstance(watch, SameWords):
        yield watch.action, watch.fields
    for name in ("spoke", "listed", "rows", "count"):
        if place := getattr(watch, name, None):
            yield place.action, (place.field,)
