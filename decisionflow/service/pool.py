"""The expert pool (专家库, art. 21): who is in it, for which specialities, with which ties, absences and integrity notes.

Every change is an entry of the register, nothing is edited: who leaves stays readable with the reason. Relatives that an
expert declared, and notes on integrity, are commitments; the vault holds the words. How much somebody has to do is not
kept here, it is counted from the cases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, select, text

from decisionflow.core import fields
from decisionflow.core.facts import legal_date
from decisionflow.errors import BadInput, Forbidden, NotFound, Problem, Settled
from decisionflow.service import actors, entries, permissions, sheets
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.service.register import Register
from decisionflow.store.engine import Tx
from decisionflow.store.tables.experts import Expert
from decisionflow.store.tables.trail import VaultField

_E = Expert.__table__  # type: ignore[attr-defined]
_V = VaultField.__table__  # type: ignore[attr-defined]
MOST_ROWS = 2000
LIMITS = {
    "name": 60,
    "title": 60,
    "specialities": 200,
    "unit": 120,
    "former_units": 400,
    "partners": 400,
    "relatives": 400,
}
NEEDED = ("name", "specialities", "unit")
SIDE = 40  # a speciality is a side of the draw
TITLES = {"name": "姓名", "title": "职称、职务", "specialities": "专业领域", "unit": "工作单位", "former_units": "曾工作单位",
          "partners": "有合作的单位", "relatives": "申报的亲属关系", "absent_until": "不能参加到哪一日", "joined": "入库日期",
          "on": "日期", "note": "诚信记录", "reason": "理由"}  # fmt: skip
HEADINGS: sheets.Headings = {
    "name": ("name", "姓名", "专家姓名"),
    "title": ("title", "职称", "职务", "职称、职务", "职称职务", "职务职称"),
    "specialities": ("specialities", "专业领域", "专业", "领域", "研究方向", "从事专业"),
    "unit": ("unit", "工作单位", "单位", "所在单位"),
    "former_units": ("former_units", "曾工作单位", "原工作单位", "工作经历"),
    "partners": ("partners", "有合作的单位", "合作单位", "承接项目的单位"),
    "relatives": ("relatives", "申报的亲属关系", "亲属关系", "亲属"),
    "absent_until": ("absent_until", "不能参加到哪一日", "请假至"),
    "joined": ("joined", "入库日期", "聘任日期", "聘期开始"),
}


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody enters of an expert, as typed; lists are words with marks between them."""

    name: str
    specialities: str
    unit: str
    title: str = ""
    former_units: str = ""
    partners: str = ""
    relatives: str = ""
    absent_until: str = ""
    joined: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file, with its number."""

    line: int
    given: Given


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of the pool. `relatives` and the words of `notes` are commitments."""

    id: str
    n: int
    person: str
    name: str
    title: str
    specialities: tuple[str, ...]
    unit: str
    former_units: tuple[str, ...]
    partners: tuple[str, ...]
    relatives: str
    absent_until: date | None
    notes: tuple[Mapping[str, str], ...]
    joined_on: date
    left_on: date | None
    left_reason: str

    def absent(self, today: date) -> bool:
        """Whether they said they cannot take part on a day."""
        return self.absent_until is not None and today <= self.absent_until


# ---- looking ---------------------------------------------------------------------------------------------


def everybody(connection: Connection, authority: str) -> tuple[Member, ...]:
    """Everybody who is or was in the pool, by number."""
    found = connection.execute(select(_E).where(_E.c.authority_id == authority).order_by(_E.c.n)).mappings()
    return tuple(_member(row) for row in found)


def one(connection: Connection, authority: str, n: int) -> Member:
    """Somebody of the pool by number. Raises NotFound."""
    wanted = (_E.c.authority_id == authority) & (_E.c.n == n)
    row = connection.execute(select(_E).where(wanted)).mappings().first()
    if row is None:
        raise NotFound(f"no expert {n}", say=f"专家库里没有 {n} 号")
    return _member(row)


def _member(row: Mapping[Any, Any]) -> Member:
    return Member(
        row["id"], row["n"], row["person_id"], row["name"], row["title"], tuple(orjson.loads(row["specialities"])),
        row["unit"], tuple(orjson.loads(row["former_units"])), tuple(orjson.loads(row["partners"])), row["relatives"],
        row["absent_until"], tuple(orjson.loads(row["notes"])), row["joined_on"], row["left_on"], row["left_reason"],
    )  # fmt: skip


def opened(connection: Connection, authority: str, wanted: Iterable[str]) -> dict[str, str]:
    """The words behind these commitments; an erased one is not there."""
    asked = sorted({one for one in wanted if one})
    found: dict[str, str] = {}
    for n in range(0, len(asked), 500):
        mine = (_V.c.authority_id == authority) & _V.c.commitment.in_(asked[n : n + 500])
        found |= {
            row.commitment: row.value for row in connection.execute(select(_V.c.commitment, _V.c.value).where(mine))
        }
    return found


# ---- changing --------------------------------------------------------------------------------------------


def enter(tx: Tx, authority: Authority, actor: Actor, rows: Iterable[Row], now: datetime) -> tuple[int, ...]:
    """Take experts into the pool, all or none; their numbers. Raises Forbidden, BadInput."""
    _keeper(tx, authority, actor)
    known = everybody(tx.connection, authority.id)
    problems, clean = [], []
    for row in rows:
        checked, wrong = _checked(row.given, now)
        problems += [replace(one, line=row.line) for one in wrong]
        clean.append(checked)
    problems += _twice(clean, known)
    if problems:
        raise BadInput(problems)
    register, n = Register(tx, authority, actor, now), max((member.n for member in known), default=0)
    signed_up = {
        one.name: one.person for one in actors.everybody(tx.connection, authority.id, legal_date(now)) if "expert" in one.duties
    }  # fmt: skip
    numbers = []
    for one in clean:
        n += 1
        person = signed_up.get(str(one["name"])) or register.person(str(one["name"]), f"专家库 {n} 号，{one['unit']}")
        draft = entries.Draft("expert.listed", {"expert": entries.new_id(now), "n": n, "person": person,
                                                "valid_from": one["joined"] or legal_date(now).isoformat()})  # fmt: skip
        _say(draft, one)
        register.write(draft)
        numbers.append(n)
    return tuple(numbers)


def change(tx: Tx, authority: Authority, actor: Actor, n: int, given: Given, now: datetime) -> str:
    """Say anew what is known of an expert; the entry's id. Raises Forbidden, NotFound, BadInput, Settled."""
    member = _in_pool(tx, authority, actor, n)
    clean, problems = _checked(given, now)
    if problems:
        raise BadInput(problems)
    draft = entries.Draft("expert.changed", {"expert": member.id})
    _say(draft, clean)
    return Register(tx, authority, actor, now).write(draft)


def note(tx: Tx, authority: Authority, actor: Actor, n: int, on: str, words: str, now: datetime) -> str:
    """Add to an expert's integrity record (诚信记录). Raises Forbidden, NotFound, BadInput."""
    _keeper(tx, authority, actor)
    member = one(tx.connection, authority.id, n)
    problems: list[Problem] = []
    said, day = _words("note", words, 500, problems, least=4), _day("on", on, problems, until=legal_date(now))
    if problems:
        raise BadInput(problems)
    draft = entries.Draft("expert.noted", {"expert": member.id, "on": day})
    draft.body["note"] = entries.commit(draft, "body.note", said)
    return Register(tx, authority, actor, now).write(draft)


def leave(tx: Tx, authority: Authority, actor: Actor, n: int, on: str, reason: str, now: datetime) -> str:
    """Somebody leaves the pool after a day, for a reason. Raises Forbidden, NotFound, BadInput, Settled."""
    member = _in_pool(tx, authority, actor, n)
    problems: list[Problem] = []
    said, day = _words("reason", reason, 200, problems, least=4), _day("on", on, problems, until=legal_date(now))
    if problems:
        raise BadInput(problems)
    body = {"expert": member.id, "valid_to": day, "reason": said}
    return Register(tx, authority, actor, now).write(entries.Draft("expert.left", body))


def _keeper(tx: Tx, authority: Authority, actor: Actor) -> None:
    if not permissions.may_keep_pool(actor):
        raise Forbidden("may not keep the pool", say="专家库由政府办公室登记和变更，您可以查看")
    tx.alone(f"register:{authority.id}")


def _in_pool(tx: Tx, authority: Authority, actor: Actor, n: int) -> Member:
    _keeper(tx, authority, actor)
    member = one(tx.connection, authority.id, n)
    if member.left_on is not None:
        raise Settled(f"expert {n} has left", say=f"{member.name} 已经退出专家库（{member.left_reason}），不能再变更")
    return member


def _say(draft: entries.Draft, clean: Mapping[str, Any]) -> None:
    """What is known of an expert, into an entry; what is nobody's business as a commitment."""
    draft.body |= {name: clean[name] for name in ("name", "title", "unit", "specialities", "former_units", "partners")}
    if clean["absent_until"]:
        draft.body["absent_until"] = clean["absent_until"]
    if clean["relatives"]:
        draft.body["relatives"] = entries.commit(draft, "body.relatives", clean["relatives"])


# ---- checking --------------------------------------------------------------------------------------------


def _checked(given: Given, now: datetime) -> tuple[dict[str, Any], list[Problem]]:
    problems: list[Problem] = []
    clean: dict[str, Any] = {
        name: _words(name, getattr(given, name), most, problems, least=1 if name in NEEDED else 0)
        for name, most in LIMITS.items()
    }
    for name in ("specialities", "former_units", "partners"):
        clean[name] = list(split(clean[name]))
    if any(len(side) > SIDE for side in clean["specialities"]):
        problems.append(Problem("specialities", f"一个专业领域最多{SIDE}字，几个之间用顿号分开", rule="text"))
    clean["absent_until"] = _day("absent_until", given.absent_until, problems) if given.absent_until.strip() else ""
    joined = given.joined.strip()
    clean["joined"] = _day("joined", joined, problems, until=legal_date(now)) if joined else ""
    return clean, problems


def split(words: str) -> tuple[str, ...]:
    """The parts of a list as people write it, each once."""
    parts = (part.strip() for part in re.split(r"[、，,；;\n/]", words))
    return tuple(dict.fromkeys(part for part in parts if part))


def _words(name: str, given: str, most: int, problems: list[Problem], *, least: int = 0) -> str:
    try:
        clean = fields.clean(given, lines=False)
    except ValueError as fault:
        problems.append(Problem(name, f"“{TITLES[name]}”{fault}", rule="text"))
        return ""
    if len(clean) > most:
        problems.append(Problem(name, f"{TITLES[name]}太长：{len(clean)}字，最多{most}字", rule="text"))
    elif len(clean) < least:
        few = f"（至少{least}字）" if clean else ""
        problems.append(Problem(name, f"请填写{TITLES[name]}{few}", rule="required"))
    return clean


def _day(name: str, given: str, problems: list[Problem], *, until: date | None = None) -> str:
    try:
        day = date.fromisoformat(given.strip())
    except ValueError:
        problems.append(Problem(name, f"{TITLES[name]}应写作 2026-11-02", rule="date"))
        return ""
    if until is not None and day > until:
        problems.append(Problem(name, f"{TITLES[name]}不能晚于今天（{until}）", rule="future"))
    return day.isoformat()


def _twice(clean: Iterable[Mapping[str, Any]], known: Iterable[Member]) -> Iterator[Problem]:
    """Two of one name are two persons, but of one name in one unit somebody has to look."""
    there = {(member.name, member.unit) for member in known if member.left_on is None}
    for one in clean:
        pair = (one["name"], one["unit"])
        if one["name"] and pair in there:
            yield Problem(
                "name",
                f"{one['unit']}的{one['name']}已在专家库里；确是两个人的，请在工作单位里写明部门",
                rule="doubled",
            )
        there.add(pair)


# ---- files -----------------------------------------------------------------------------------------------


def read(name: str, data: bytes, known: Iterable[Member], now: datetime) -> tuple[tuple[Row, ...], tuple[Problem, ...]]:
    """The rows of a csv or xlsx file, and everything that is wrong with it, each with its line. Raises BadInput."""
    heads, lines = sheets.headed(name, sheets.read(name, data, MOST_ROWS), HEADINGS, "name")
    rows: list[Row] = []
    problems: list[Problem] = []
    clean: list[Member] = []
    for line, cells in lines:
        given = sheets.given(heads, cells)
        if not given:
            continue
        for column in ("absent_until", "joined"):
            if column in given:
                given[column] = given[column].replace("/", "-").removesuffix(" 00:00:00")
        row = Row(line, Given(**{"name": "", "specialities": "", "unit": "", **given}))
        checked, wrong = _checked(row.given, now)
        wrong += _twice([checked], [*known, *clean])
        problems += [replace(one, file=name, line=line, rule="expert-row") for one in wrong]
        clean.append(_sketch(checked))
        rows.append(row)
    if not rows:
        problems.append(Problem("rows", "没有可以导入的行", name, rule="required"))
    return tuple(rows), tuple(problems)


def _sketch(clean: Mapping[str, Any]) -> Member:
    """A row of a file as if it stood in the pool already, to find another of the same name and unit."""
    return Member("", 0, "", clean["name"], "", (), clean["unit"], (), (), "", None, (), date.min, None, "")


_NAMES = text("select name, short from unit where authority_id = :a")


def unit_names(connection: Connection, authority: str, named: Iterable[str]) -> frozenset[str]:
    """Units by every name the register has for them, the long and the short."""
    asked = set(named)
    found = {name for row in connection.execute(_NAMES, {"a": authority}) if {row.name, row.short} & asked
             for name in (row.name, row.short)}  # fmt: skip
    return frozenset(name for name in asked | found if name)
