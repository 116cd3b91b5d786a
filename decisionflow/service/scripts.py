"""A scripted history (rehearsal): people, a matter and dated acts, read whole or refused whole.

    rehearsal: 1
    title: …                              # optional
    procedure: cn-major-decision          # or id@version, or a path to a file
    authority: {name: 云河区人民政府, level: district, region: henan/zhengzhou}
    people: {clerk: {post: lead, unit: 区住建局, name: 陈予安}}   # a standard cast is there by default
    matter: {title: …, technical: yes}    # joined to the first act's fields
    invented: [which facts are invented]
    acts:
      - {at: 2024-03-01T09:00, as: lead, do: propose, with: {…}, papers: [draft], draft: [paragraphs],
         happened: …, evidence: …, reason: …, expect: taken}

A time without offset is Shanghai time. `at` may also be relative to a day given by the caller:
``today-21 09:00`` (calendar days) or ``today-5wd 09:00`` (working days). `expect` is ``taken`` (the
default), ``{refused: [rules]}`` with the exact set of blocking rules, or ``{invalid: [fields]}``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

from pydantic import Field

from decisionflow.core import calendar as days
from decisionflow.core import source as files
from decisionflow.core.facts import SHANGHAI
from decisionflow.core.procedure import Words
from decisionflow.errors import BadInput


class Place(files.Frozen):
    """The government of the history."""

    name: str = "云河区人民政府"
    level: Literal["province", "city", "county", "district", "department"] = "district"
    region: str = ""
    prefix: str = "YH"
    id: str = ""


class Somebody(files.Frozen):
    """A person of the cast: the duties of the post, the unit, the name."""

    post: Words
    unit: str = ""
    name: str = ""
    title: str = ""
    login: str = ""


class Expected(files.Frozen):
    """What an act must come to."""

    refused: tuple[str, ...] | None = None
    invalid: tuple[str, ...] | None = None


class Scripted(files.Frozen):
    """One act of the history."""

    at: str
    as_: str = Field(alias="as")
    do: str
    with_: dict[str, Any] = Field(default={}, alias="with")
    papers: list[str] | dict[str, Any] = []
    draft: list[str] = []
    happened: str = ""
    evidence: str = ""
    reason: str = ""
    comments: list[dict[str, str]] = []
    expect: Literal["taken"] | Expected = "taken"
    note: str = ""


class Script(files.Frozen):
    """A whole history."""

    rehearsal: Literal["1"]
    title: str = ""
    note: str = ""
    procedure: str
    authority: Place = Place()
    people: dict[str, Somebody] = {}
    matter: dict[str, Any] = {}
    invented: tuple[str, ...] = ()
    source: str = ""
    acts: tuple[Scripted, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of the standard cast."""

    key: str
    duties: tuple[str, ...]
    unit: str
    name: str
    title: str


# One person a duty, so that a rehearsal needs to name only whom it cares about.
CAST = (
    Member("office", ("office", "secretary", "registrar"), "政府办公室", "沈砚", "综合科科长"),
    Member("chief", ("chief", "member"), "政府", "江亦川", "区长"),
    Member("deputy", ("deputy", "member"), "政府", "沈若谷", "常务副区长"),
    Member("member", ("member",), "政府", "何清越", "副区长"),
    Member("proposer", ("proposer",), "政府办公室", "许知远", "督查科科员"),
    Member("lead", ("lead", "proposer", "executor"), "承办单位", "陈予安", "业务科经办人"),
    Member("consulted", ("consulted", "co_unit"), "财政局", "周敏行", "办公室主任"),
    Member("legal", ("legal",), "司法局", "罗敬之", "合法性审查科科长"),
    Member("adviser", ("adviser",), "司法局", "姚明澈", "法律顾问"),
    Member("fair", ("fair",), "市场监督管理局", "白若川", "公平竞争审查科科长"),
    Member("expert", ("expert",), "专家库", "龙䶮", "论证专家"),
    Member("assessor", ("assessor",), "政法委", "宋知远", "稳评科科长"),
    Member("executor", ("executor",), "执行单位", "方可安", "项目科科长"),
    Member("evaluator", ("evaluator",), "评估单位", "梁见山", "评估负责人"),
    Member("archivist", ("archivist",), "档案馆", "顾闻笛", "档案管理员"),
    Member("supervisor", ("supervisor",), "督查室", "秦望舒", "督查专员"),
    Member("superior", ("superior",), "上级人民政府", "高见微", "秘书处处长"),
    Member("attendee", ("attendee",), "审计局", "马㛃", "副局长"),
)


@dataclass(slots=True)
class Reading:
    """A script with the places of its parts, so that a fault while playing can name its line."""

    script: Script
    source: files.Source
    problems: list[Any] = field(default_factory=list)


def read(text: str, name: str) -> Reading:
    """A rehearsal file. Raises BadInput with every problem and its line."""
    source = files.read(text, name)
    script = files.parse(Script, source)
    known = {member.key for member in CAST} | set(script.people)
    problems = [
        source.problem(("acts", n, "as"), f"剧本里没有“{act.as_}”这个人", "people")
        for n, act in enumerate(script.acts)
        if act.as_ not in known
    ]
    for n, act in enumerate(script.acts):
        for key in ("at", "happened"):
            given = getattr(act, key)
            if given and not _TIME.fullmatch(given):
                say = "时间应写作 2024-03-01T09:00，或 today-21 09:00"
                problems.append(source.problem(("acts", n, key), say, "time"))
    if problems:
        raise BadInput(problems)
    return Reading(script, source)


_TIME = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})[T ](?P<clock>\d{2}:\d{2}(:\d{2})?)(?P<offset>[+-]\d{2}:\d{2}|Z)?"
    r"|today(?P<shift>[+-]\d{1,4})?(?P<unit>wd)? (?P<hour>\d{2}:\d{2})"
)


def when(text: str, today: date, calendar: days.Calendar) -> datetime:
    """The instant a script's time means. Raises ValueError."""
    found = _TIME.fullmatch(text)
    if not found:
        raise ValueError("时间应写作 2024-03-01T09:00，或 today-21 09:00")
    if found["day"]:
        at = datetime.fromisoformat(f"{found['day']}T{found['clock']}{(found['offset'] or '').replace('Z', '+00:00')}")
        return at if at.tzinfo else at.replace(tzinfo=SHANGHAI)
    shift = int(found["shift"] or 0)
    day = _workdays(today, shift, calendar) if found["unit"] else today + timedelta(days=shift)
    return datetime.fromisoformat(f"{day}T{found['hour']}").replace(tzinfo=SHANGHAI)


def _workdays(today: date, shift: int, calendar: days.Calendar) -> date:
    if not shift:
        return today
    span = days.Period(abs(shift), "workday")
    return (days.add if shift > 0 else days.before)(calendar, today, span).ends_on


def dates(value: Any, today: date, calendar: days.Calendar) -> Any:
    """The same value with every relative day (``today+30``, ``today-5wd``) written out."""
    if isinstance(value, str) and (found := re.fullmatch(r"today([+-]\d{1,4})?(wd)?( \d{2}:\d{2})?", value)):
        at = when(value if found[3] else f"{value} 00:00", today, calendar)
        return at.isoformat() if found[3] else at.date().isoformat()
    if isinstance(value, dict):
        return {key: dates(item, today, calendar) for key, item in value.items()}
    if isinstance(value, list):
        return [dates(item, today, calendar) for item in value]
    return value
