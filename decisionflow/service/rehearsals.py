"""Playing a scripted history through the real step, under a simulated clock.

The same player trains people, tests a procedure version, seeds the demo and tests the product: it
publishes calendars and procedures, registers the cast, and submits each act as any door would. A script
is checked whole before anything is stored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from decisionflow.core import calendar as days
from decisionflow.core import fields
from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.core.facts import Facts, Paper, Timing, legal_date
from decisionflow.core.gates import Finding
from decisionflow.errors import BadInput, DecisionflowError, NotFound, Problem
from decisionflow.service import (
    authorities,
    calendars,
    consultations,
    permissions,
    procedures,
    scripts,
    shipped,
    signups,
    steps,
)
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import findings
from decisionflow.service.receipts import Receipt
from decisionflow.service.register import Register
from decisionflow.store.blobs import kind_of
from decisionflow.store.engine import Store, Tx

SYSTEM = "decisionflow"
ANCHOR = date(2026, 11, 23)  # what relative times count from when the caller names no day


@dataclass(frozen=True, slots=True)
class Played:
    """What one act came to, beside what was expected."""

    n: int
    at: datetime
    do: str
    who: str
    outcome: str
    findings: tuple[Finding, ...]
    problems: tuple[str, ...]
    stages: Mapping[str, str]
    met: bool
    expected: str
    entry: str = ""


@dataclass(slots=True)
class Report:
    """A played history."""

    title: str
    file: str
    procedure: law.Procedure | None = None
    no: str = ""
    authority: str = ""
    acts: list[Played] = field(default_factory=list)

    @property
    def failed(self) -> list[Played]:
        """The acts that did not come to what was expected."""
        return [act for act in self.acts if not act.met]


def system_actor(authority: str, name: str = "系统") -> Actor:
    """The system itself, for what no person does: publishing shipped files, seeding a demo."""
    return Actor(authority, SYSTEM, name, "", "", "", "", "", (), kind="system")


@dataclass(slots=True)
class Stage:
    """A government set up for a history: its people as actors, by their key in the script."""

    authority: Authority
    actors: dict[str, Actor]
    calendar: days.Calendar
    procedures: tuple[law.Procedure, ...] = ()


def found_authority(
    tx: Tx, place: scripts.Place, key: str, since: datetime, *, clock: str, procedure: str
) -> Authority:
    """Take the script's government into the store."""
    day = legal_date(since)
    authority = Authority(
        id=key, name=place.name, level=place.level, region=place.region, prefix=place.prefix,
        origin=f"decisionflow.{'demo' if clock == 'simulated' else 'local'}/{key}", calendar="CN", clock=clock,
        procedure=procedure, since=day,
    )  # fmt: skip
    authorities.found(tx, authority)
    return authority


def prepare(
    store: Store, script: scripts.Script, key: str, since: datetime, *, clock: str, chosen: tuple[law.Procedure, ...]
) -> Stage:
    """Found the government, publish calendars and procedures, register the cast."""
    authority = store.write(
        lambda tx: found_authority(tx, script.authority, key, since, clock=clock, procedure=chosen[0].id)
    )
    publish_rules(store, authority, chosen, since)
    people, system = cast(script.people, chosen), system_actor(authority.id)
    actors = store.write(lambda tx: enrol(tx, authority, people, system, since))
    with store.read() as connection:
        return Stage(authority, actors, calendars.current(connection, authority.id, authority.calendar), chosen)


def publish_rules(store: Store, authority: Authority, chosen: Iterable[law.Procedure], since: datetime) -> None:
    """Publish the shipped calendars and these procedures for a government."""
    system = system_actor(authority.id)
    years = [(path.name, path.read_text("utf-8")) for path in shipped.calendar_files()]
    store.write(lambda tx: calendars.publish(tx, authority, years, system, since))
    for procedure in chosen:
        store.write(lambda tx, one=procedure: procedures.publish(tx, authority, one, system, since))  # type: ignore[misc]


def named(wanted: str, base: Path) -> tuple[law.Procedure, ...]:
    """The procedures that a script names: a file, a shipped version, or all shipped versions. Raises NotFound."""
    if wanted.endswith(".yaml"):
        path = (base / wanted).resolve()
        if not path.is_file():
            raise NotFound(f"no procedure file {path}", say=f"找不到程序文件 {wanted}")
        return (_file(path, path.stat().st_mtime_ns),)
    name, _, version = wanted.partition("@")
    paths = [path for path in shipped.procedure_files() if path.parent.name == name]
    found = (_file(path, path.stat().st_mtime_ns) for path in paths)
    chosen = tuple(procedure for procedure in found if not version or procedure.version == version)
    if not chosen:
        raise NotFound(f"no procedure {wanted}", say=f"没有随附的程序 {wanted}")
    return chosen


@lru_cache(maxsize=32)
def _file(path: Path, _changed: int) -> law.Procedure:
    return procedures.read(path)


def cast(people: Mapping[str, scripts.Somebody], chosen: Iterable[law.Procedure]) -> dict[str, scripts.Somebody]:
    """The standard cast with the script's own people laid over it; duties that nobody knows are left out."""
    known = {duty for procedure in chosen for duty in procedure.duties}
    known |= permissions.rights().known()
    result = {
        member.key: scripts.Somebody(post=member.duties, unit=member.unit, name=member.name, title=member.title)
        for member in scripts.CAST
    }
    for key, one in people.items():
        old = result.get(key, scripts.Somebody(unit=key, name=key, title="经办人"))
        result[key] = one.model_copy(update={
            "post": one.post or old.post, "unit": one.unit or old.unit, "name": one.name or old.name,
            "title": one.title or old.title,
        })  # fmt: skip
    return {
        key: one.model_copy(update={"post": tuple(duty for duty in one.post if duty in known)})
        for key, one in result.items()
    }


def enrol(
    tx: Tx, authority: Authority, people: Mapping[str, scripts.Somebody], system: Actor, since: datetime
) -> dict[str, Actor]:  # fmt: skip
    """Register units, posts, persons and appointments for a cast; each person as an actor."""
    register, day = Register(tx, authority, system, since), legal_date(since)
    units: dict[str, str] = {}
    persons = {key: register.person(one.name) for key, one in people.items() if not one.same}
    actors = {}
    for rank, (key, one) in enumerate(people.items()):
        if one.unit not in units:
            units[one.unit] = register.unit(one.unit, day, rank=rank)
        post = register.post(units[one.unit], one.title, one.post, day, rank=rank)
        person, name = persons[one.same or key], people[one.same or key].name
        appointment = register.appoint(person, post, day, document=f"〔{day.year}〕演练任职")
        actors[key] = Actor(
            authority.id, person, name, appointment, post, one.title, units[one.unit], one.unit, tuple(one.post),
            auth={"method": "rehearsal"},
        )  # fmt: skip
    return actors


def play(
    store: Store, reading: scripts.Reading, key: str, *, today: date | None = None, clock: str = "simulated",
    stage: Stage | None = None, base: Path | None = None, watch: Callable[[Played], None] = lambda _: None,
    under: tuple[law.Procedure, ...] = (),
) -> Report:  # fmt: skip
    """Play a whole script, `under` other versions than it names. Raises BadInput with its problems; then nothing is stored."""
    folder = base or Path(reading.source.name).parent
    rules = under or (stage.procedures if stage and stage.procedures else rules_of(reading, folder))
    moments = check(reading, rules, today or ANCHOR)
    stage = stage or prepare(store, reading.script, key, moments[0].at - timedelta(days=1), clock=clock, chosen=rules)
    player = Player(store, stage, reading, rules, today or ANCHOR, folder)
    for moment in moments:
        played = player.take(moment)
        if played is not None:
            watch(played)
    return player.finish()


def rules_of(reading: scripts.Reading, base: Path) -> tuple[law.Procedure, ...]:
    """The versions that a script names. Raises BadInput at the line that names them."""
    try:
        return named(reading.script.procedure, base)
    except NotFound as fault:
        reading.fault(("procedure",), fault.say, "procedure")
        raise BadInput(reading.problems) from fault


# ---- checking a script before anything is stored ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Moment:
    """When a part of a script is due: an act, or an opinion or a sign-up that comes in after it."""

    at: datetime
    act: int
    remark: int = -1
    signup: int = -1

    @property
    def public(self) -> bool:
        """Whether it is the public's, and no act."""
        return self.remark >= 0 or self.signup >= 0


_LATEST = datetime(9000, 1, 1, tzinfo=UTC)  # stands in for a time that means nothing
# The problems of `fields.read` that lie in the writing; what is missing is for the procedure to say.
_WRITING = {"text", "long", "reference", "date", "instant", "choice", "choices", "flag", "number", "money", "unit",
            "post", "person", "rows", "file", "unknown-field"}  # fmt: skip


def check(reading: scripts.Reading, rules: tuple[law.Procedure, ...], today: date) -> list[Moment]:
    """When each part of a script is due, in order. Raises BadInput with every problem of the script."""
    script = reading.script
    times = [_instant(act.at, today) for act in script.acts]
    past = [at for at in times if at]
    for n, at in enumerate(times):
        if at and at < max(earlier for earlier in past[: sum(1 for one in times[: n + 1] if one)]):
            reading.fault(("acts", n, "at"), "时间早于前面的动作", "order")
    ids = shipped.registry().rules.keys() | {rule for procedure in rules for rule in procedure.rules}
    for n, (act, at) in enumerate(zip(script.acts, times, strict=True)):
        happened = _instant(act.happened, today)
        if at and happened and happened > at:
            reading.fault(("acts", n, "happened"), "发生时间晚于登记时间", "time")
        for kind in ("hints", "refused"):
            said = (getattr(act.expect, kind) if isinstance(act.expect, scripts.Expected) else None) or ()
            for m, rule in enumerate(said):
                if rule not in ids:
                    reading.fault(("acts", n, "expect", kind, m), f"没有编号为“{rule}”的规则", "rule")
        _check_act(reading, rules, n, act, at or _LATEST, today)
    if reading.problems:
        raise BadInput(_in_order(reading.problems))
    return moments(script, past)


def _instant(words: str, today: date) -> datetime | None:
    """What a time means; None when it means nothing (which `scripts.read` has noted)."""
    try:
        return scripts.when(words, today, shipped.calendar())
    except ValueError:
        return None


def _in_order(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: problem.line)


def moments(script: scripts.Script, times: list[datetime]) -> list[Moment]:
    """The parts of a script by time: opinions and sign-ups fall in between the acts."""
    found = [Moment(at, n) for n, at in enumerate(times)]
    for n, act in enumerate(script.acts):
        for m, one in enumerate(act.comments):
            found.append(Moment(times[n] + timedelta(days=one.after_days, minutes=m + 1), n, m))
        for m, each in enumerate(act.signups):
            found.append(Moment(times[n] + timedelta(days=each.after_days, minutes=m + 1), n, signup=m))
    return sorted(found, key=lambda moment: moment.at)


def _check_act(
    reading: scripts.Reading, rules: tuple[law.Procedure, ...], n: int, act: scripts.Scripted, at: datetime, today: date
) -> None:  # fmt: skip
    actions = [(one, action) for one in rules if (action := one.action(act.do))]
    if not actions:
        reading.fault(("acts", n, "do"), f"程序里没有“{act.do}”这个动作", "action")
        return
    for kind in act.papers:
        if not any(kind in procedure.materials for procedure, _ in actions):
            reading.fault(("acts", n, "papers"), f"程序里没有“{kind}”这种材料", "material")
    if act.draft and not any(action.text == "new" for _, action in actions):
        reading.fault(("acts", n, "draft"), f"“{act.do}”不接受新的草案文本", "draft")
    if act.comments and not any(action.consultation == "open" for _, action in actions):
        reading.fault(("acts", n, "comments"), f"“{act.do}”不公开征求意见", "comments")
    if act.signups and not any(action.hearing == "announce" for _, action in actions):
        reading.fault(("acts", n, "signups"), f"“{act.do}”不公告听证会", "signups")
    if isinstance(act.expect, scripts.Expected) and act.expect.invalid is not None:
        return
    raw = scripts.dates({**(reading.script.matter if n == 0 else {}), **act.with_}, today, shipped.calendar())
    versions = [_writing(action, raw, at) for _, action in actions]
    for problem in min(versions, key=len):
        reading.problems.append(_placed(reading, n, act, problem))


def _writing(action: law.Action, raw: Mapping[str, Any], at: datetime) -> list[Problem]:
    """What is wrongly written in the fields of an act, whatever the case may be like."""
    try:
        fields.read(action.fields, raw, now=at)
    except BadInput as fault:
        return [problem for problem in fault.problems if problem.rule in _WRITING]
    return []


def _placed(reading: scripts.Reading, n: int, act: scripts.Scripted, problem: Problem) -> Problem:
    """The problem of a field at its place in the file."""
    parts = [int(part) if part.isdigit() else part for part in re.split(r"[.\[\]]+", problem.place) if part]
    inside: files.Path = ("acts", n, "with", *parts) if parts[0] in act.with_ else ("matter", *parts)
    return reading.source.problem(inside, problem.say, problem.rule)


# ---- playing ---------------------------------------------------------------------------------------------


class Player:
    """One script being played on a stage, part by part; several may take turns on the same stage."""

    def __init__(
        self, store: Store, stage: Stage, reading: scripts.Reading, rules: tuple[law.Procedure, ...], today: date, base: Path
    ) -> None:  # fmt: skip
        self.store, self.stage, self.reading, self.today, self.base = store, stage, reading, today, base
        self.script, self.rules = reading.script, rules
        title = self.script.title or str(self.script.matter.get("title", ""))
        self.report = Report(title, reading.source.name, authority=stage.authority.id)

    def take(self, moment: Moment) -> Played | None:
        """Play the part that is due; None for what is the public's. Raises BadInput when the script is at fault."""
        if moment.public:
            self._receive(moment)
            return None
        played = self._act(moment.act, moment.at)
        self.report.acts.append(played)
        return played

    def finish(self) -> Report:
        """The report, with the procedure that the case came to stand under."""
        if self.report.no:
            self.report.procedure = self._standing().procedure
        return self.report

    def _standing(self) -> steps.Standing:
        with self.store.read() as connection:
            return steps.load(connection, self.stage.authority, self.report.no)

    def _act(self, n: int, at: datetime) -> Played:
        act, report = self.script.acts[n], self.report
        ask = self._ask(n, act)
        actor = self.stage.actors[act.as_]
        try:
            outcome = self.store.write(lambda tx: steps.take_step(tx, self.stage.authority, actor, ask, at))
        except NotFound as fault:
            raise BadInput([self.reading.source.problem(("acts", n, "do"), fault.say, "action")]) from fault
        except BadInput as fault:
            return _judged(n, at, act, "invalid", problems=fault.problems)
        if isinstance(outcome, steps.Held):
            return _judged(n, at, act, "refused", findings=outcome.refused.blocking, stages=self._stages())
        report.no = outcome.no
        return _judged(n, at, act, "taken", findings=outcome.hints, stages=self._stages(), entry=outcome.entry)

    def _ask(self, n: int, act: scripts.Scripted) -> steps.Ask:
        first = not self.report.no
        given = {**(self.script.matter if first else {}), **act.with_}
        raw = scripts.dates(_versions(given, self._standing().facts if _names_version(given) and not first else None),
                            self.today, shipped.calendar())  # fmt: skip
        happened = scripts.when(act.happened, self.today, shipped.calendar()) if act.happened else None
        text = steps.DraftText(str(self.script.matter.get("title", "")), tuple(act.draft)) if act.draft else None
        return steps.Ask(
            action=act.do, key=f"{Path(self.reading.source.name).stem}-{n}", case=self.report.no, raw=raw,
            papers=tuple(self._papers(n, act)), text=text, happened=happened, evidence=act.evidence, reason=act.reason,
            procedure=self.rules[0].id if first else "",
        )  # fmt: skip

    def _papers(self, n: int, act: scripts.Scripted) -> Iterator[Paper]:
        given = act.papers if isinstance(act.papers, dict) else dict.fromkeys(act.papers, "")
        for kind, what in given.items():
            sheet = scripts.Sheet(text=what) if isinstance(what, str) else what
            named = next((one.materials[kind].title for one in self.rules if kind in one.materials), kind)
            title = sheet.title or named
            if sheet.file:
                try:
                    path = self.base / sheet.file
                    data, name, title = path.read_bytes(), path.name, sheet.title or path.stem
                except OSError as fault:
                    place = ("acts", n, "papers", kind)
                    raise BadInput([self.reading.source.problem(place, f"读不到文件 {sheet.file}", "file")]) from fault
            else:
                data, name = (sheet.text or f"演练材料：{title}\n").encode(), f"{title}.txt"
            stored = self.store.blobs.put(data, kind_of(name, data))
            yield Paper(kind, title, stored.sha256, stored.size, stored.type, name)

    def _stages(self) -> Mapping[str, str]:
        return self._standing().facts.stages if self.report.no else {}

    def _receive(self, moment: Moment) -> None:
        """An opinion or a sign-up that the script lets come in."""
        kind, m = ("comments", moment.remark) if moment.remark >= 0 else ("signups", moment.signup)
        send = self._comment if kind == "comments" else self._sign_up
        try:
            self.store.write(lambda tx: send(tx, moment))
        except (BadInput, NotFound) as fault:
            say = fault.problems[0].say if isinstance(fault, BadInput) else fault.say
            raise BadInput([self.reading.source.problem(("acts", moment.act, kind, m), say, kind)]) from fault

    def _comment(self, tx: Tx, moment: Moment) -> Receipt:
        one = self.script.acts[moment.act].comments[moment.remark]
        said = one.model_dump(include={"words", "stance", "paragraph", "name", "contact", "channel"})
        happened = scripts.when(one.happened, self.today, shipped.calendar()) if one.happened else None
        return consultations.receive(
            tx, self.stage.authority, self.report.no, consultations.Comment(**said), self._public(), moment.at,
            happened=happened, evidence=one.evidence, reason=one.reason,
        )  # fmt: skip

    def _sign_up(self, tx: Tx, moment: Moment) -> Receipt:
        one = self.script.acts[moment.act].signups[moment.signup]
        given = signups.Application(one.side, one.name, one.contact, one.words, one.unit)
        key = f"{self.report.no}-{moment.act}-{moment.signup}-sign-up"
        return signups.receive(tx, self.stage.authority, self.report.no, given, self._public(), Timing(moment.at), key)

    def _public(self) -> Actor:
        return system_actor(self.stage.authority.id, "公众")


_VERSION = re.compile(r"v[1-9]\d?")


def _names_version(value: Any) -> bool:
    if isinstance(value, str):
        return _VERSION.fullmatch(value) is not None
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_names_version(item) for item in inner)


def _versions(value: Any, facts: Facts | None) -> Any:
    """The same value with ``v3`` replaced by the digest of the third version of the draft, if there is one."""
    if facts is None:
        return value
    if isinstance(value, str):
        known = {f"v{act.text.version}": act.text.sha256 for act in facts.acts if act.text}
        return known.get(value, value)
    if isinstance(value, dict):
        return {key: _versions(item, facts) for key, item in value.items()}
    return [_versions(item, facts) for item in value] if isinstance(value, list) else value


def _judged(
    n: int, at: datetime, act: scripts.Scripted, outcome: str, *, findings: tuple[Finding, ...] = (),
    problems: tuple[Any, ...] = (), stages: Mapping[str, str] | None = None, entry: str = "",
) -> Played:  # fmt: skip
    expect, found = act.expect, {finding.rule for finding in findings}
    if expect == "taken":
        met, wanted = outcome == "taken", "taken"
    elif expect.hints is not None:
        met, wanted = outcome == "taken" and found == set(expect.hints), _said("hints", expect.hints)
    elif expect.refused is not None:
        met, wanted = outcome == "refused" and found == set(expect.refused), _said("refused", expect.refused)
    else:
        places, invalid = {_field(problem.place) for problem in problems}, expect.invalid or ()
        met, wanted = outcome == "invalid" and places == set(invalid), _said("invalid", invalid)
    return Played(
        n + 1, at, act.do, act.as_, outcome, findings, tuple(str(problem) for problem in problems), stages or {}, met,
        wanted, entry,
    )  # fmt: skip


def _said(kind: str, rules: Iterable[str]) -> str:
    return f"{kind}: {', '.join(sorted(rules))}"


def _field(place: str) -> str:
    return re.split(r"[.\[]", place, maxsplit=1)[0]


def as_json(report: Report) -> dict[str, Any]:
    """The report as one JSON document (contract: DESIGN §4)."""
    procedure = report.procedure
    return {
        "file": report.file, "title": report.title, "case": report.no,
        "procedure": {"id": procedure.id, "version": procedure.version, "digest": procedure.digest} if procedure else None,
        "acts": [_act_json(act) for act in report.acts],
        "expectations": {"met": len(report.acts) - len(report.failed), "failed": [act.n for act in report.failed]},
    }  # fmt: skip


def _act_json(act: Played) -> dict[str, Any]:
    return {
        "n": act.n, "at": act.at.isoformat(), "do": act.do, "as": act.who, "outcome": act.outcome, "expected": act.expected,
        "met": act.met, "findings": [findings.as_json(finding) for finding in act.findings], "problems": list(act.problems),
        "stages": dict(act.stages),
    }  # fmt: skip


def faults(error: DecisionflowError) -> list[str]:
    """Every problem of an error, a line each."""
    return [str(problem) for problem in error.problems] if isinstance(error, BadInput) else [error.say]
