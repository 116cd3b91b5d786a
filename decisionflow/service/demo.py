"""The demo: thirteen cases of an invented district, played through the real step, relative to a day.

Scripts and people lie in ``workflows/demo``. All scripts share one government and its register; their
acts are merged by time, so that no entry is recorded before an earlier one. The demo never stands on a
day whose periods would reach into a year without an official calendar: then it stands on an earlier one
and says so. A seeded folder carries a mark; only a folder with that mark is ever cleared. A sandbox is the
same district with procedures of somebody's own published beside; it never takes a demo's folder, nor a demo its.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import Field
from sqlalchemy import make_url, text, update

from decisionflow import __version__, paths
from decisionflow.core import calendar as days
from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.core.facts import SHANGHAI, legal_date
from decisionflow.errors import BadInput, DecisionflowError, Problem, Unavailable
from decisionflow.service import agenda, meetings, pool, powers, rehearsals, sandbox, scripts, sealing, shipped
from decisionflow.service import site as sites
from decisionflow.service.actors import Actor
from decisionflow.service.register import Register
from decisionflow.settings import Settings
from decisionflow.store import schema
from decisionflow.store.engine import Store, Tx
from decisionflow.store.signer import FileSigner
from decisionflow.store.tables.infrastructure import Outbox

FOLDER = paths.WORKFLOWS / "demo"
MARK = "demo.json"
AHEAD = days.Period(10, "workday")  # no script counts further ahead than this
SPARE = "sandbox"  # the unit of those whose duties nobody of the register has
READ = timedelta(days=10)  # what was told before has been read
_OUTBOX = Outbox.__table__  # type: ignore[attr-defined]


class DemoFault(DecisionflowError):
    """The demo's scripts and the procedures no longer agree."""

    code = "demo"
    status = 500
    exit = 1


# ---- who is there ----------------------------------------------------------------------------------------


class Human(files.Frozen):
    """A person; the note tells homonyms apart."""

    name: str
    note: str = ""


class Seat(files.Frozen):
    """A post and who holds it; `later` leaves it empty until a change fills it."""

    who: str
    unit: str
    title: str
    duties: law.Words
    since: date = date(2023, 1, 9)
    later: bool = False


class Change(files.Frozen):
    """What happens to the register while the cases run: exactly one of the three."""

    at: str
    rename: str = ""
    name: str = ""
    end: str = ""
    appoint: str = ""
    acting: bool = False
    document: str = ""


class Gathering(files.Frozen):
    """A meeting called while the cases run; when its agenda was locked and its papers went out; who opened them."""

    at: str
    by: str = Field(alias="as")
    no: str
    on: str
    starts: str = "09:00"
    place: str
    chair: str
    locked: str = ""
    opened: tuple[str, ...] = ()


class Resident(files.Frozen):
    """Somebody of the expert pool."""

    name: str
    specialities: str
    unit: str
    title: str = ""
    former_units: str = ""
    partners: str = ""


class Role(files.Frozen):
    """Somebody to introduce first."""

    post: str
    say: str


class Book(files.Frozen):
    """The people file."""

    demo: str
    authority: scripts.Place
    founded: str
    units: dict[str, str]
    persons: dict[str, str | Human]
    posts: dict[str, Seat]
    experts: tuple[Resident, ...] = ()
    powers: str = ""  # a list of powers, a csv beside the book
    changes: tuple[Change, ...] = ()
    meetings: tuple[Gathering, ...] = ()
    roles: tuple[Role, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Walker:
    """A role of the demo: what to call it, and the person to walk in as."""

    post: str
    say: str
    person: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What was seeded. `day` is the demo's today; `shift` what a clock of the demo is behind the real one."""

    authority: str
    name: str
    day: date
    shift: timedelta
    numbers: tuple[str, ...]
    opinions: int
    meetings: int
    refused: int
    entries: int
    since: date
    roles: tuple[Walker, ...]
    trials: tuple[sandbox.Trial, ...] = ()


# ---- is it there already? --------------------------------------------------------------------------------


def standing_day(today: date) -> date:
    """The day the demo stands on: today, or the last day whose periods lie in years with a calendar."""
    official = shipped.calendar()
    last = date(max(official.years), 12, 31)
    return min(today, days.before(official, last, AHEAD).ends_on)


def is_fresh(settings: Settings, today: date, rules: Sequence[law.Procedure] = ()) -> bool:
    """Whether a finished demo of this release, this day and these procedures lies in the data folder."""
    found = _mark(settings)
    return found.get("made") == _making(today, rules) and _database(settings).is_file()


def trials(paths: Iterable[Path], today: date) -> tuple[law.Procedure, ...]:
    """The procedures to try in a sandbox. Raises BadInput with every problem of every file."""
    known = {one.digest: one for _, rules in _scripts(_register()) for one in rules}
    return sandbox.read(paths, tuple(known.values()), standing_day(today))


def known(settings: Settings) -> Summary | None:
    """The summary of the demo that lies in the data folder, if it is finished."""
    found = _mark(settings).get("summary")
    if not found:
        return None
    return Summary(**{
        **found, "day": date.fromisoformat(found["day"]), "since": date.fromisoformat(found["since"]),
        "shift": timedelta(days=found["shift"]), "numbers": tuple(found["numbers"]),
        "roles": tuple(Walker(**role) for role in found["roles"]),
        "trials": tuple(sandbox.Trial(**trial) for trial in found.get("trials", ())),
    })  # fmt: skip


def clock(settings: Settings) -> Callable[[], datetime]:
    """The clock of an installation: the wall clock, in a demo shifted to the day that the demo stands on."""
    found = known(settings)
    shift = found.shift if found else timedelta()
    return lambda: sites.wall_clock() - shift


def tamper(file: Path, target: Path, entry: int) -> str:
    """Write a copy of a package in which one character of one entry is another; the member. Raises BadInput."""
    try:
        with zipfile.ZipFile(file) as old:
            members = {info: old.read(info) for info in old.infolist()}
    except (OSError, zipfile.BadZipFile) as fault:
        raise BadInput([Problem("FILE", f"{file} 不是证据包", rule="zip")]) from fault
    entries = [info for info in members if info.filename.startswith("entries/")]
    if not 1 <= entry <= len(entries):
        raise BadInput([Problem("--entry", f"这个包里有 {len(entries)} 条记录，没有第 {entry} 条", rule="range")])
    chosen = entries[entry - 1]
    data = bytearray(members[chosen])
    at = data.index(b'"recorded_at":"') + len(b'"recorded_at":"2')
    data[at] = ord("1") if data[at] != ord("1") else ord("2")
    members[chosen] = bytes(data)
    with zipfile.ZipFile(target, "w") as new:
        for info, content in members.items():
            new.writestr(info, content)
    return chosen.filename


def clear(settings: Settings, *, trying: bool = False) -> None:
    """Remove an earlier demo, or, when `trying`, an earlier sandbox. Raises Unavailable when the folder holds another thing."""
    if not settings.data_dir.is_dir() or not any(settings.data_dir.iterdir()):
        return
    if not (settings.data_dir / MARK).is_file():
        say = f"{settings.data_dir} 里不是演示数据，没有改动；请用 --dir 另选一个空文件夹"
        raise Unavailable(f"{settings.data_dir} is no demo folder", say=say)
    found = _mark(settings).get("sandbox", False)
    if found != trying:
        say = f"{settings.data_dir} 里是{'沙箱' if found else '演示数据'}，没有改动；请用 --dir 另选一个文件夹"
        raise Unavailable(f"{settings.data_dir} holds {'a sandbox' if found else 'a demo'}", say=say)
    database = _database(settings)
    for path in (database, *database.parent.glob(f"{database.name}-*"), database.with_name(f"{database.name}.lock")):
        path.unlink(missing_ok=True)
    for folder in (settings.blob_dir, settings.key_dir):
        shutil.rmtree(folder, ignore_errors=True)
    (settings.data_dir / MARK).unlink()


def _mark(settings: Settings) -> dict[str, Any]:
    try:
        found = json.loads((settings.data_dir / MARK).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_mark(settings: Settings, **content: Any) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    words = json.dumps({"demo": 1, **content}, ensure_ascii=False, indent=1)
    (settings.data_dir / MARK).write_text(words + "\n", "utf-8")


def _making(today: date, rules: Sequence[law.Procedure]) -> dict[str, Any]:
    """What a demo depends on: the day, the release, the schema, the shipped files, and the procedures on trial."""
    digest = hashlib.sha256()
    for path in sorted(paths.WORKFLOWS.rglob("*.yaml")):
        digest.update(f"{path.relative_to(paths.WORKFLOWS)}\n".encode() + path.read_bytes())
    return {
        "today": today.isoformat(), "release": __version__, "schema": schema.head(), "files": digest.hexdigest(),
        "rules": [one.digest for one in rules],
    }  # fmt: skip


def _database(settings: Settings) -> Path:
    return Path(make_url(settings.database_url).database or "")


# ---- seeding ---------------------------------------------------------------------------------------------


def seed(
    store: Store, settings: Settings, today: date, now: datetime, rules: Sequence[law.Procedure] = ()
) -> Summary:  # fmt: skip
    """Found the district, play all cases, publish `rules` for trial, seal everything.

    Raises BadInput or DemoFault when the scripts are wrong.
    """
    day = standing_day(today)
    shift = legal_date(now) - day
    _write_mark(settings, made=None, sandbox=bool(rules))
    show = _Show(store, _staffed(_register(), rules), day)
    show.open()
    show.play(now - shift)
    people = tuple(show.stage.actors.values())
    tried = sandbox.publish(store, show.stage.authority, people, rules, now - shift) if rules else ()
    signer = _signer(settings, show.stage.authority.id, show.stage.authority.origin)
    store.write(lambda tx: _settle(tx, now - shift - READ))
    sealing.seal_all(store, show.stage.authority.id, signer, now - shift)
    summary = replace(show.summary(shift), trials=tried)
    _write_mark(settings, made=_making(today, rules), sandbox=bool(rules), summary=_plain(summary))
    return summary


def _plain(summary: Summary) -> dict[str, Any]:
    return {
        "authority": summary.authority, "name": summary.name, "day": summary.day.isoformat(),
        "shift": summary.shift.days, "numbers": list(summary.numbers), "opinions": summary.opinions,
        "meetings": summary.meetings, "refused": summary.refused, "entries": summary.entries,
        "since": summary.since.isoformat(),
        "roles": [{"post": one.post, "say": one.say, "person": one.person} for one in summary.roles],
        "trials": [asdict(one) for one in summary.trials],
    }  # fmt: skip


def _signer(settings: Settings, authority: str, origin: str) -> FileSigner:
    sites.prepare_folders(settings)
    key, state = sites.key_paths(settings, authority)
    if not key.is_file():
        sites.create_keys(settings, authority, origin)
    return FileSigner(key, state)


def _settle(tx: Tx, before: datetime) -> None:
    """What was to be told long before the demo's day counts as told: nobody opens it to months of old news."""
    old = (_OUTBOX.c.created_at < before) & (_OUTBOX.c.state == "ready")
    tx.execute(update(_OUTBOX).where(old).values(state="sent"))


def _register() -> Book:
    return _book(FOLDER / "register" / "people.yaml")


def _staffed(book: Book, rules: Iterable[law.Procedure]) -> Book:
    """The register with a post more for every duty of a procedure on trial that nobody has, so that all of it can be tried."""
    held = {duty for seat in book.posts.values() if not seat.later for duty in seat.duties}
    spare = {duty: one.title for rule in rules for duty, one in rule.duties.items() if duty not in held}
    if not spare:
        return book
    seats = {
        f"{SPARE}-{duty}": Seat(who=f"{SPARE}-{duty}", unit=SPARE, title=title, duties=(duty,))
        for duty, title in spare.items()
    }  # fmt: skip
    people = {f"{SPARE}-{duty}": f"试用者（{title}）" for duty, title in spare.items()}
    return book.model_copy(update={
        "units": {**book.units, SPARE: "沙箱补充岗位"}, "persons": {**book.persons, **people},
        "posts": {**book.posts, **seats},
    })  # fmt: skip


def _scripts(book: Book) -> list[tuple[scripts.Reading, tuple[law.Procedure, ...]]]:
    """Every script with the procedures it is played under. Raises BadInput, NotFound."""
    readings = [scripts.read(path.read_text("utf-8"), str(path), book.posts) for path in _case_files()]
    return [(one, rehearsals.named(one.script.procedure, Path(one.source.name).parent)) for one in readings]


def _book(path: Path) -> Book:
    source = files.read(path.read_text("utf-8"), str(path))
    book = files.parse(Book, source)
    problems = [source.problem(("posts", key, "unit"), f"没有“{seat.unit}”这个单位", "unit")
                for key, seat in book.posts.items() if seat.unit not in book.units]  # fmt: skip
    problems += [source.problem(("posts", key, "who"), f"没有“{seat.who}”这个人", "people")
                 for key, seat in book.posts.items() if seat.who not in book.persons]  # fmt: skip
    for n, change in enumerate(book.changes):
        said = [
            (change.rename, change.rename in book.units), (change.end, change.end in book.posts),
            (change.appoint, change.appoint in book.posts),
        ]  # fmt: skip
        if [is_known for name, is_known in said if name] != [True]:
            problems.append(
                source.problem(("changes", n), "须写明 rename、end、appoint 之一，且已在上面列出", "change")
            )
    problems += [source.problem(("roles", n, "post"), f"没有“{role.post}”这个岗位", "people")
                 for n, role in enumerate(book.roles) if role.post not in book.posts]  # fmt: skip
    if problems:
        raise BadInput(problems)
    return book


@dataclass(slots=True)
class _Show:
    """The demo in the making."""

    store: Store
    book: Book
    day: date
    units: dict[str, str] = field(default_factory=dict)
    persons: dict[str, str] = field(default_factory=dict)
    posts: dict[str, str] = field(default_factory=dict)
    players: list[rehearsals.Player] = field(default_factory=list)
    moments: list[tuple[datetime, int, rehearsals.Moment | Change | Gathering]] = field(default_factory=list)
    called: dict[str, str] = field(default_factory=dict)
    stage: rehearsals.Stage = field(init=False)
    founded: datetime = field(init=False)

    def open(self) -> None:
        """Read every script, found the government with its people and rules."""
        official = shipped.calendar()
        ruled = _scripts(self.book)
        for n, (reading, rules) in enumerate(ruled):
            self.moments += [(one.at, n, one) for one in rehearsals.check(reading, rules, self.day)]
        for change in self.book.changes:
            self.moments.append((scripts.when(change.at, self.day, official), -1, change))
        for one in self.book.meetings:
            self.moments += [(scripts.when(at, self.day, official), -1, one) for at in (one.at, one.locked) if at]
        self.moments.sort(key=lambda part: part[:2])
        self.founded = scripts.when(self.book.founded, self.day, official)
        self._found({procedure.digest: procedure for _, rules in ruled for procedure in rules}.values())
        self.players = [
            rehearsals.Player(self.store, self.stage, reading, rules, self.day, Path(reading.source.name).parent)
            for reading, rules in ruled
        ]

    def _found(self, chosen: Iterable[law.Procedure]) -> None:
        procedures, place = tuple(chosen), self.book.authority
        oldest = max(procedure.in_force.from_ for procedure in procedures)
        if legal_date(self.founded) < oldest:
            say = f"演示数据所用的程序自{oldest}起施行，演示的日期不能早于它之后五个月"
            raise Unavailable(f"the demo's rules are in force from {oldest}", say=say)
        authority = self.store.write(lambda tx: rehearsals.found_authority(
            tx, place, place.id, self.founded, clock="simulated", procedure=procedures[0].id
        ))  # fmt: skip
        rehearsals.publish_rules(self.store, authority, procedures, self.founded)
        self.stage = rehearsals.Stage(authority, {}, shipped.calendar(), procedures)
        self.stage.actors.update(self.store.write(self._enrol))
        keeper = next((one for one in self.stage.actors.values() if "office" in one.duties), None)
        if self.book.experts and keeper is not None:
            rows = [pool.Row(n, pool.Given(**one.model_dump())) for n, one in enumerate(self.book.experts)]
            self.store.write(lambda tx: pool.enter(tx, authority, keeper, rows, self.founded))
        if self.book.powers and keeper is not None:
            name = self.book.powers
            listed, problems = powers.read(name, (FOLDER / "register" / name).read_bytes())
            if problems:
                raise BadInput(problems)
            self.store.write(lambda tx: powers.take_in(tx, authority, keeper, listed, self.founded, name))

    def _enrol(self, tx: Tx) -> dict[str, Actor]:
        register, system = self._register(tx, self.founded), legal_date(self.founded)
        self.units = {
            key: register.unit(name, date(2019, 3, 1), rank=n) for n, (key, name) in enumerate(self.book.units.items())
        }
        self.persons = {key: _human(register, one) for key, one in self.book.persons.items()}
        actors = {}
        for rank, (key, seat) in enumerate(self.book.posts.items()):
            self.posts[key] = register.post(
                self.units[seat.unit], seat.title, seat.duties, min(seat.since, system), rank=rank
            )
            if not seat.later:
                actors[key] = self._appointed(register, key, seat.since, f"示例任〔{seat.since.year}〕{rank + 1}号")
        return actors

    def _register(self, tx: Tx, at: datetime) -> Register:
        authority = self.stage.authority
        return Register(tx, authority, rehearsals.system_actor(authority.id, "演示数据"), at)

    def _appointed(
        self, register: Register, key: str, since: date, document: str, *, acting: bool = False
    ) -> Actor:  # fmt: skip
        seat = self.book.posts[key]
        person, unit = self.persons[seat.who], self.book.units[seat.unit]
        appointment = register.appoint(person, self.posts[key], since, document=document, acting=acting)
        return Actor(
            self.stage.authority.id, person, _name(self.book.persons[seat.who]), appointment, self.posts[key], seat.title,
            self.units[seat.unit], unit, tuple(seat.duties), auth={"method": "demo"},
        )  # fmt: skip

    def play(self, now: datetime) -> None:
        """Play everything by time. Raises DemoFault when an act does not come to what its script expects."""
        if self.moments[-1][0] > now:
            late = self.moments[-1][0].astimezone(SHANGHAI)
            raise DemoFault(
                f"the demo has an act at {late}, after {now}", say=f"演示剧本里有晚于现在的动作：{late:%m-%d %H:%M}"
            )
        for at, n, part in self.moments:
            if isinstance(part, Change):
                self._change(part, at)
                continue
            if isinstance(part, Gathering):
                self._gather(part, at)
                continue
            played = self.players[n].take(part)
            if played is not None and not played.met:
                raise DemoFault(
                    f"{self.players[n].report.file} act {played.n} {played.do}: {played.outcome}, expected {played.expected}",
                    say=f"演示剧本 {Path(self.players[n].report.file).name} 第{played.n}步“{played.do}”与程序不符："
                    + "；".join([*(one.say for one in played.findings), *played.problems]),
                )

    def _change(self, change: Change, at: datetime) -> None:
        day, actors = legal_date(at), self.stage.actors
        if change.rename:
            self.store.write(lambda tx: self._register(tx, at).rename(self.units[change.rename], change.name, day))
            unit = self.units[change.rename]
            actors |= {key: replace(one, unit_name=change.name) for key, one in actors.items() if one.unit == unit}
        elif change.end:
            appointment = actors.pop(change.end).appointment
            self.store.write(lambda tx: self._register(tx, at).end(appointment, day, change.document))
        else:
            actors[change.appoint] = self.store.write(lambda tx: self._appointed(
                self._register(tx, at), change.appoint, day, change.document, acting=change.acting
            ))  # fmt: skip

    def _gather(self, one: Gathering, at: datetime) -> None:
        """Call a meeting; the second time, lock its agenda and send out its papers."""
        authority, actor = self.stage.authority, self.stage.actors[one.by]
        if one.no not in self.called:
            on = str(scripts.dates(one.on, self.day, shipped.calendar()))
            call = agenda.Call(no=one.no, planned_on=on, starts=one.starts, place=one.place, chair=one.chair)
            self.called[one.no] = self.store.write(lambda tx: agenda.call(tx, authority, actor, call, at))
            return
        meeting, day = self.called[one.no], legal_date(at)
        self.store.write(lambda tx: agenda.lock(tx, authority, actor, meeting, at))
        with self.store.read() as connection:
            sit = [who.person for who in agenda.recipients(connection, authority, day) if "member" in who.duties]
        self.store.write(lambda tx: agenda.deliver(tx, authority, actor, meeting, sit, at, day))
        for who in one.opened:
            self._open(self.stage.actors[who], meeting, at)

    def _open(self, reader: Actor, meeting: str, at: datetime) -> None:
        authority = self.stage.authority
        with self.store.read() as connection:
            found = meetings.items(connection, authority, meetings.one(connection, authority.id, meeting))
        for item in found:
            self.store.write(lambda tx, no=item.facts.no: agenda.opened(tx, authority, reader, meeting, no, at))  # type: ignore[misc]

    def summary(self, shift: timedelta) -> Summary:
        """What was played, counted."""
        acts = [act for player in self.players for act in player.report.acts]
        authority = self.stage.authority
        with self.store.read() as connection:
            entries = connection.execute(text("select count(*) from trail_entry where authority_id = :a"),
                                         {"a": authority.id}).scalar_one()  # fmt: skip
        roles = tuple(Walker(role.post, role.say, self.stage.actors[role.post].person) for role in self.book.roles)
        return Summary(
            authority.id, authority.name, self.day, shift, tuple(player.report.no for player in self.players),
            sum(isinstance(part, rehearsals.Moment) and part.public for _, _, part in self.moments),
            len(set(self._meetings())), sum(act.outcome == "refused" for act in acts), entries, legal_date(self.founded), roles,
        )  # fmt: skip

    def _meetings(self) -> Iterator[str]:
        for player in self.players:
            for act in player.script.acts:
                if act.do == "convene":
                    yield str(act.with_.get("meeting_no"))


def _case_files() -> list[Path]:
    return sorted((FOLDER / "cases").glob("*.yaml"))


def _human(register: Register, one: str | Human) -> str:
    return register.person(one) if isinstance(one, str) else register.person(one.name, one.note)


def _name(one: str | Human) -> str:
    return one if isinstance(one, str) else one.name
