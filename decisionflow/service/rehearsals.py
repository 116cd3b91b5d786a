"""Playing a scripted history through the real step, under a simulated clock.

The same player trains people, tests a procedure version, seeds the demo and tests the product: it
publishes calendars and procedures, registers the cast, and submits each act as any door would.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from decisionflow.core import calendar as days
from decisionflow.core import procedure as law
from decisionflow.core.facts import Paper, legal_date
from decisionflow.core.gates import Finding
from decisionflow.errors import BadInput, DecisionflowError, NotFound
from decisionflow.service import authorities, calendars, consultations, procedures, scripts, shipped, steps
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.service.register import Register
from decisionflow.store.blobs import kind_of
from decisionflow.store.engine import Store, Tx

SYSTEM = "decisionflow"


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


def prepare(store: Store, script: scripts.Script, key: str, since: datetime, *, clock: str, base: Path) -> Stage:
    """Found the government, publish calendars and procedures, register the cast."""
    chosen = list(_procedures(script.procedure, base))
    authority = store.write(
        lambda tx: found_authority(tx, script.authority, key, since, clock=clock, procedure=chosen[0].id)
    )
    system = system_actor(authority.id)
    years = [(path.name, path.read_text("utf-8")) for path in shipped.calendar_files()]
    store.write(lambda tx: calendars.publish(tx, authority, years, system, since))
    for procedure in chosen:
        store.write(lambda tx, one=procedure: procedures.publish(tx, authority, one, system, since))  # type: ignore[misc]
    people = cast(script.people, chosen)
    actors = store.write(lambda tx: enrol(tx, authority, people, system, since))
    with store.read() as connection:
        return Stage(authority, actors, calendars.current(connection, authority.id, authority.calendar))


def _procedures(wanted: str, base: Path) -> Iterable[law.Procedure]:
    if wanted.endswith(".yaml"):
        path = base / wanted
        if not path.is_file():
            raise NotFound(f"no procedure file {path}", say=f"找不到程序文件 {wanted}")
        return [procedures.read(path)]
    name, _, version = wanted.partition("@")
    found = [procedures.read(path) for path in shipped.procedure_files() if path.parent.name == name]
    chosen = [procedure for procedure in found if not version or procedure.version == version]
    if not chosen:
        raise NotFound(f"no procedure {wanted}", say=f"没有随附的程序 {wanted}")
    return chosen


def cast(people: Mapping[str, scripts.Somebody], chosen: Iterable[law.Procedure]) -> dict[str, scripts.Somebody]:
    """The standard cast with the script's own people laid over it; duties no procedure knows are left out."""
    known = {duty for procedure in chosen for duty in procedure.duties}
    result = {
        member.key: scripts.Somebody(post=member.duties, unit=member.unit, name=member.name, title=member.title)
        for member in scripts.CAST
    }
    for key, one in people.items():
        old = result.get(key)
        result[key] = one.model_copy(update={
            "unit": one.unit or (old.unit if old else key), "name": one.name or (old.name if old else key),
            "title": one.title or (old.title if old else "经办人"),
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
    actors = {}
    for rank, (key, one) in enumerate(people.items()):
        if one.unit not in units:
            units[one.unit] = register.unit(one.unit, day, rank=rank)
        post = register.post(units[one.unit], one.title, one.post, day, rank=rank)
        person = register.person(one.name)
        appointment = register.appoint(person, post, day, document=f"〔{day.year}〕演练任职")
        actors[key] = Actor(
            authority.id, person, one.name, appointment, post, one.title, units[one.unit], one.unit, tuple(one.post),
            auth={"method": "rehearsal"},
        )  # fmt: skip
    return actors


def play(
    store: Store, reading: scripts.Reading, key: str, *, today: date | None = None, clock: str = "simulated",
    stage: Stage | None = None, base: Path | None = None, watch: Callable[[Played], None] = lambda _: None,
) -> Report:  # fmt: skip
    """Play a whole script. Raises BadInput when the script itself is at fault (nothing more is played then)."""
    script, source = reading.script, reading.source
    official = shipped.calendar()
    anchor = today or date(2026, 11, 23)
    times = [scripts.when(act.at, anchor, official) for act in script.acts]
    if times != sorted(times):
        late = next(n for n in range(1, len(times)) if times[n] < times[n - 1])
        raise BadInput([source.problem(("acts", late, "at"), "时间早于上一个动作", "order")])
    stage = stage or prepare(
        store, script, key, times[0] - timedelta(days=1), clock=clock, base=base or Path(source.name).parent
    )
    report = Report(script.title or script.matter.get("title", ""), source.name, authority=stage.authority.id)
    for n, (act, at) in enumerate(zip(script.acts, times, strict=True)):
        played = _act(store, stage, script, source, report, n, act, at, anchor, official)
        report.acts.append(played)
        watch(played)
    if report.no:
        with store.read() as connection:
            report.procedure = steps.load(connection, stage.authority, report.no).procedure
    return report


def _act(
    store: Store, stage: Stage, script: scripts.Script, source: Any, report: Report, n: int, act: scripts.Scripted,
    at: datetime, anchor: date, official: days.Calendar,
) -> Played:  # fmt: skip
    first = not report.no
    raw = scripts.dates(dict(script.matter) | dict(act.with_) if first else dict(act.with_), anchor, official)
    try:
        ask = steps.Ask(
            action=act.do, key=f"rehearsal-{n}", case=report.no, raw=raw, papers=_papers(store, act),
            text=_draft(script, act), evidence=act.evidence, reason=act.reason,
            happened=scripts.when(act.happened, anchor, official) if act.happened else None,
        )  # fmt: skip
        outcome = store.write(lambda tx: steps.take_step(tx, stage.authority, stage.actors[act.as_], ask, at))
    except NotFound as fault:
        raise BadInput([source.problem(("acts", n, "do"), fault.say, "action")]) from fault
    except BadInput as fault:
        return _judged(n, at, act, "invalid", problems=fault.problems)
    if isinstance(outcome, steps.Held):
        return _judged(
            n, at, act, "refused", findings=outcome.refused.blocking, stages=_stages(store, stage, report.no)
        )
    report.no = outcome.no
    _receive(store, stage, act, report.no, at)
    return _judged(
        n, at, act, "taken", findings=outcome.hints, stages=_stages(store, stage, outcome.no), entry=outcome.entry
    )


def _judged(
    n: int, at: datetime, act: scripts.Scripted, outcome: str, *, findings: tuple[Finding, ...] = (),
    problems: tuple[Any, ...] = (), stages: Mapping[str, str] | None = None, entry: str = "",
) -> Played:  # fmt: skip
    expect = act.expect
    if expect == "taken":
        met, wanted = outcome == "taken", "taken"
    elif expect.refused is not None:
        found = {finding.rule for finding in findings}
        met = outcome == "refused" and found == set(expect.refused)
        wanted = f"refused: {', '.join(sorted(expect.refused))}"
    else:
        places = {_field(problem.place) for problem in problems}
        invalid = set(expect.invalid or ())
        met, wanted = outcome == "invalid" and places == invalid, f"invalid: {', '.join(sorted(invalid))}"
    return Played(
        n + 1, at, act.do, act.as_, outcome, findings, tuple(str(problem) for problem in problems), stages or {}, met,
        wanted, entry,
    )  # fmt: skip


def _field(place: str) -> str:
    return re.split(r"[.\[]", place, maxsplit=1)[0]


def _papers(store: Store, act: scripts.Scripted) -> tuple[Paper, ...]:
    given = act.papers if isinstance(act.papers, dict) else dict.fromkeys(act.papers, "")
    return tuple(_paper(store, kind, what) for kind, what in given.items())


def _paper(store: Store, kind: str, what: Any) -> Paper:
    if isinstance(what, dict) and "file" in what:
        path = Path(what["file"])
        data, name = path.read_bytes(), path.name
    else:
        title = what.get("title", "") if isinstance(what, dict) else ""
        text = what.get("text", "") if isinstance(what, dict) else str(what)
        data, name = (text or f"演练材料：{kind}\n").encode(), f"{title or kind}.txt"
    stored = store.blobs.put(data, kind_of(name, data))
    return Paper(kind, Path(name).stem, stored.sha256, stored.size, stored.type, name)


def _draft(script: scripts.Script, act: scripts.Scripted) -> steps.DraftText | None:
    return steps.DraftText(str(script.matter.get("title", "")), tuple(act.draft)) if act.draft else None


def _stages(store: Store, stage: Stage, no: str) -> Mapping[str, str]:
    if not no:
        return {}
    with store.read() as connection:
        return steps.load(connection, stage.authority, no).facts.stages


def _receive(store: Store, stage: Stage, act: scripts.Scripted, no: str, at: datetime) -> None:
    """Opinions that the script lets come in after this act, one a minute."""
    public = system_actor(stage.authority.id, "公众")
    for n, one in enumerate(act.comments):
        comment = consultations.Comment(**{key: value for key, value in one.items() if key != "after_days"})
        moment = at + timedelta(days=int(one.get("after_days", "0")), minutes=n + 1)
        store.write(lambda tx, c=comment, m=moment: consultations.receive(tx, stage.authority, no, c, public, m))  # type: ignore[misc]


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
        "met": act.met, "findings": [finding_json(finding) for finding in act.findings], "problems": list(act.problems),
        "stages": dict(act.stages),
    }  # fmt: skip


def finding_json(finding: Finding) -> dict[str, Any]:
    """One finding by the published schema (DESIGN §10)."""
    return {
        "rule": finding.rule, "code": finding.code,
        "cites": [{"law": c.law, "article": c.article, "paragraph": c.paragraph, "item": c.item, "say": c.say,
                   "confirmed": c.confirmed} for c in finding.cites],
        "strength": finding.strength, "blocking": finding.blocking, "say": finding.say, "detail": finding.detail,
        "who": {"duty": finding.who, "title": finding.who_title},
        "earliest_on": finding.earliest_on.isoformat() if finding.earliest_on else None, "provisional": finding.provisional,
        "remedies": [{"rel": r.rel, "name": r.name, "title": r.title} for r in finding.remedies],
    }  # fmt: skip


def faults(error: DecisionflowError) -> list[str]:
    """Every problem of an error, a line each."""
    return [str(problem) for problem in error.problems] if isinstance(error, BadInput) else [error.say]
