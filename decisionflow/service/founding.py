"""First set-up of a government: folders, schema, signing key, calendars, procedures, people, accounts.

Everything is read and checked before anything is written; what goes into the database goes in together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.core.facts import legal_date
from decisionflow.errors import BadInput, Conflict, NotFound, Problem
from decisionflow.service import accounts, authorities, calendars, permissions, procedures, rehearsals, shipped
from decisionflow.service import site as sites
from decisionflow.service.authorities import Authority
from decisionflow.service.register import Register
from decisionflow.settings import Settings
from decisionflow.store import schema
from decisionflow.store.blobs import Blobs
from decisionflow.store.engine import Tx, connect

PROCEDURE = "cn-major-decision"
LEVELS = ("province", "city", "county", "district", "department")


class Seat(files.Frozen):
    """A post: who holds it, in which unit, with which duties, and the name to sign in with."""

    who: str
    unit: str
    title: str
    duties: law.Words
    login: str = ""


class People(files.Frozen):
    """A file of units, persons and posts. Keys are only for this file; a person's note tells homonyms apart."""

    people: str
    units: dict[str, str]
    persons: dict[str, str]
    posts: tuple[Seat, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be founded, checked."""

    id: str
    name: str
    level: str
    region: str
    prefix: str
    origin: str
    people: People


@dataclass(frozen=True, slots=True)
class Founded:
    """The log's public key, and for each login the person and the first password."""

    vkey: str
    accounts: dict[str, tuple[str, str]]


def read(
    key: str, name: str, level: str, region: str, prefix: str, origin: str, admin: str, people: Path | None, *,
    security: str = "", audit: str = "",
) -> Wanted:  # fmt: skip
    """The options of the set-up, and the people file when there is one. Raises BadInput with every problem."""
    rules = [
        ("--id", re.fullmatch(r"[a-z][a-z0-9-]{0,30}", key), "应当是小写字母、数字，以字母开头"),
        ("--name", 2 <= len(name.strip()) <= 60, "请写明决策机关全称（60字以内）"),
        ("--level", level in LEVELS, f"应当是 {'、'.join(LEVELS)} 之一"),
        ("--prefix", re.fullmatch(r"[A-Z]{1,8}", prefix), "应当是 1 到 8 个大写字母"),
        ("--admin", 2 <= len(admin.strip()) <= 40, "请写明系统管理员姓名"),
        (
            "--origin",
            not origin or re.fullmatch(r"[a-z0-9.-]+(/[a-z0-9.-]+)*", origin),
            "应当像 gov.example.cn/decisions",
        ),
    ]
    problems = [Problem(place, say, rule="format") for place, good, say in rules if not good]
    book = People(people="1", units={}, persons={}, posts=())
    if people is not None:
        try:
            book = _book(people)
        except BadInput as fault:
            problems += fault.problems
    if problems:
        raise BadInput(problems)
    # Three persons keep the system, none of whom can do another's work: no default account, no account for two.
    three = [("admin", "系统管理员", "system_admin", admin), ("security", "安全管理员", "security_admin", security),
             ("audit", "审计管理员", "audit_admin", audit)]  # fmt: skip
    named = [(who, title, duty, person.strip()) for who, title, duty, person in three if person.strip()]
    seats = tuple(Seat(who=f"{who}-keeper", unit="admin", title=title, duties=(duty,), login=who)
                  for who, title, duty, _ in named)  # fmt: skip
    book = book.model_copy(update={
        "units": {"admin": "系统管理", **book.units},
        "persons": {**{f"{who}-keeper": person for who, _, _, person in named}, **book.persons},
        "posts": (*seats, *book.posts),
    })  # fmt: skip
    return Wanted(key, name.strip(), level, region, prefix, origin or f"decisionflow.local/{key}", book)


def _book(path: Path) -> People:
    try:
        source = files.read(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as fault:
        raise NotFound(f"cannot read {path}: {fault}", say=f"读不到人员文件 {path}") from fault
    book = files.parse(People, source)
    known = {duty for path in shipped.procedure_files() for duty in procedures.read(path).duties}
    known |= set(permissions.rights().titles)
    problems: list[Problem] = []
    logins: set[str] = {"admin", "security", "audit"}
    for n, seat in enumerate(book.posts):
        place = ("posts", n)
        if seat.unit not in book.units:
            problems.append(source.problem((*place, "unit"), f"没有“{seat.unit}”这个单位", "unit"))
        if seat.who not in book.persons:
            problems.append(source.problem((*place, "who"), f"没有“{seat.who}”这个人", "person"))
        problems += [
            source.problem((*place, "duties"), f"没有“{duty}”这种职责", "duty")
            for duty in seat.duties
            if duty not in known
        ]
        if seat.login in logins:
            problems.append(source.problem((*place, "login"), f"登录名“{seat.login}”重复", "taken"))
        logins |= {seat.login} - {""}
    if problems:
        raise BadInput(problems)
    return book


def pending(settings: Settings) -> list[str]:
    """The migrations that the database still needs."""
    store = connect(settings.database_url, Blobs(settings.blob_dir))
    try:
        with store.read() as connection:
            return schema.pending(connection)
    finally:
        store.close()


def found(settings: Settings, wanted: Wanted, now: datetime) -> Founded:
    """Set a government up. Raises Conflict when there is one already; nothing is changed then."""
    sites.prepare_folders(settings)
    schema.migrate(settings.database_url)
    store = connect(settings.database_url, Blobs(settings.blob_dir))
    try:
        with store.read() as connection:
            if authorities.everyone(connection):
                say = "这里已经初始化过了，没有改动；要另建一个，请用 --dir 指定空文件夹"
                raise Conflict("already founded", say=say)
        key, state = sites.key_paths(settings, wanted.id)
        if key.exists() or state.exists():
            raise Conflict(f"{key} exists", say=f"密钥文件 {key} 已经存在，没有改动；请先查明它属于哪里")
        vkey = sites.create_keys(settings, wanted.id, wanted.origin)
        try:
            logins = store.write(lambda tx: _write(tx, wanted, now))
        except BaseException:  # a key that vouches for nothing must not stay behind
            for path in (key, state, sites.trust_path(settings)):
                path.unlink(missing_ok=True)
            raise
        return Founded(vkey, logins)
    finally:
        store.close()


def _write(tx: Tx, wanted: Wanted, now: datetime) -> dict[str, tuple[str, str]]:
    authority = Authority(
        id=wanted.id, name=wanted.name, level=wanted.level, region=wanted.region, prefix=wanted.prefix, origin=wanted.origin,
        calendar="CN", clock="system", procedure=PROCEDURE, since=legal_date(now),
    )  # fmt: skip
    authorities.found(tx, authority)
    system = rehearsals.system_actor(authority.id)
    years = [(path.name, path.read_text("utf-8")) for path in shipped.calendar_files()]
    calendars.publish(tx, authority, years, system, now)
    procedures.publish_all(tx, authority, map(procedures.read, shipped.procedure_files()), system, now)
    return _enrol(tx, authority, wanted.people, now)


def _enrol(tx: Tx, authority: Authority, book: People, now: datetime) -> dict[str, tuple[str, str]]:
    register, day = Register(tx, authority, rehearsals.system_actor(authority.id), now), legal_date(now)
    units = {key: register.unit(name, day, rank=n) for n, (key, name) in enumerate(book.units.items())}
    persons = {key: register.person(name) for key, name in book.persons.items()}
    logins: dict[str, tuple[str, str]] = {}
    for n, seat in enumerate(book.posts):
        post = register.post(units[seat.unit], seat.title, seat.duties, day, rank=n)
        register.appoint(persons[seat.who], post, day, document="初始化登记")
        if seat.login:
            password = accounts.one_time()
            accounts.create(tx, seat.login, persons[seat.who], password, now, once=True)
            logins[seat.login] = (book.persons[seat.who], password)
    return logins
