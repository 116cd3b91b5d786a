"""A scripted history (rehearsal): people, a matter and dated acts, read whole or refused whole.

    rehearsal: 1
    title: …                              # optional
    procedure: cn-major-decision          # or id@version, or a path to a file
    authority: {name: 云河区人民政府, level: district, region: henan/zhengzhou}
    people: {lead: {unit: 区住建局}}      # a standard cast is there by default; what is said here replaces
    matter: {title: …, technical: yes}    # joined to the first act's fields
    invented: [which facts are invented]
    acts:
      - {at: 2024-03-01T09:00, as: lead, do: propose, with: {…}, papers: [draft], draft: [paragraphs],
         happened: …, evidence: …, reason: …, comments: [{words: …, after_days: 3}],
         signups: [{side: …, name: …, contact: …, words: …, after_days: 3}], expect: taken}

A time without offset is Shanghai time. A time, or a date among the fields, may be relative to a day given
by the caller: ``today-21 09:00`` (calendar days), ``today-5wd`` (working days), or both in order,
``today-5wd-12``. A value that is only ``v3`` means the third version of the draft. `papers` is a list of
kinds, or maps a kind to its words or to ``{title: …, text: …}`` or ``{file: …}``.

`expect` is ``taken`` (the default), ``{hints: [rules]}`` (taken, with exactly these hints), ``{refused:
[rules]}`` (exactly these rules bar it), or ``{invalid: [fields]}`` (the form itself is wrong).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

from pydantic import Field, model_validator

from decisionflow.core import calendar as days
from decisionflow.core import source as files
from decisionflow.core.facts import SHANGHAI
from decisionflow.core.procedure import Words
from decisionflow.errors import Problem


class Place(files.Frozen):
    """The government of the history."""

    name: str = "云河区人民政府"
    level: Literal["province", "city", "county", "district", "department"] = "district"
    region: str = ""
    prefix: str = "YH"
    id: str = ""


class Somebody(files.Frozen):
    """A person of the cast: the duties of the post, the unit, the name. Empty: as in the standard cast.

    `same` names somebody else of the cast who is the same human being in another post.
    """

    post: Words = ()
    unit: str = ""
    name: str = ""
    title: str = ""
    login: str = ""
    same: str = ""


class Expected(files.Frozen):
    """What an act must come to: exactly one of the three."""

    hints: tuple[str, ...] | None = None
    refused: tuple[str, ...] | None = None
    invalid: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Expected:
        if sum(said is not None for said in (self.hints, self.refused, self.invalid)) != 1:
            raise ValueError("须写明 hints、refused、invalid 之一，只写一个")
        return self


class Sheet(files.Frozen):
    """A paper that comes with an act: its words, or a file beside the script."""

    title: str = ""
    text: str = ""
    file: str = ""


class Remark(files.Frozen):
    """An opinion of the public that comes in some days after the act that asked for it."""

    words: str
    stance: str = "none"
    paragraph: str = ""
    name: str = ""
    contact: str = ""
    channel: str = "web"
    after_days: int = Field(default=0, ge=0, le=3660)
    happened: str = ""
    evidence: str = ""
    reason: str = ""


class Candidate(files.Frozen):
    """Somebody who signs up for a hearing some days after the act that announced it."""

    side: str
    name: str
    contact: str
    words: str
    unit: str = ""
    after_days: int = Field(default=0, ge=0, le=3660)


class Scripted(files.Frozen):
    """One act of the history."""

    at: str
    as_: str = Field(alias="as")
    do: str
    with_: dict[str, Any] = Field(default={}, alias="with")
    papers: list[str] | dict[str, str | Sheet] = []
    draft: list[str] = []
    happened: str = ""
    evidence: str = ""
    reason: str = ""
    comments: list[Remark] = []
    signups: list[Candidate] = []
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
    """A script with the places of its parts, and what is wrong in it so far."""

    script: Script
    source: files.Source
    problems: list[Problem] = field(default_factory=list)

    def fault(self, path: files.Path, say: str, rule: str) -> None:
        """Note a problem at a place of the file."""
        self.problems.append(self.source.problem(path, say, rule))


def read(text: str, name: str, known: Collection[str] = ()) -> Reading:
    """A rehearsal file; `known` are people of the stage it will be played on.

    Raises BadInput when it is no script at all. What else is wrong waits in `problems`, so that whoever
    plays it can say everything at once.
    """
    source = files.read(text, name)
    reading = Reading(files.parse(Script, source), source)
    script, standard = reading.script, {member.key for member in CAST}
    people = standard | set(script.people) | set(known)
    for key, one in script.people.items():
        if not one.post and key not in standard:
            reading.fault(("people", key), f"“{key}”不在标准人员之内，须写明 post（职责）", "people")
        if one.same and (one.same not in script.people or script.people[one.same].same):
            reading.fault(("people", key, "same"), f"people 里没有“{one.same}”这个人", "people")
    for n, act in enumerate(script.acts):
        if act.as_ not in people:
            reading.fault(("acts", n, "as"), f"剧本里没有“{act.as_}”这个人", "people")
        if act.draft and not script.matter.get("title"):
            reading.fault(("acts", n, "draft"), "有草案的剧本须在 matter 里写明 title", "draft")
        _check_times(reading, n, act)
    return reading


def _check_times(reading: Reading, n: int, act: Scripted) -> None:
    given: dict[files.Path, str] = {("at",): act.at, ("happened",): act.happened}
    given |= {("comments", m, "happened"): one.happened for m, one in enumerate(act.comments)}
    for place, words in given.items():
        try:
            if words or place == ("at",):
                _parse(words)
        except ValueError as fault:
            reading.fault(("acts", n, *place), str(fault), "time")


_SHIFT = re.compile(r"([+-]\d{1,4})(wd)?")
_TIME = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})[T ](?P<clock>\d{2}:\d{2}(:\d{2})?)(?P<offset>[+-]\d{2}:\d{2}|Z)?"
    r"|today(?P<shifts>([+-]\d{1,4}(wd)?)*) (?P<hour>\d{2}:\d{2})"
)
_DAY = re.compile(r"today(?P<shifts>([+-]\d{1,4}(wd)?)*)(?P<hour> \d{2}:\d{2})?")


def _parse(text: str) -> tuple[datetime, str | None]:
    """An absolute instant, or the hour on day one and the shifts of a relative one. Raises ValueError."""
    found = _TIME.fullmatch(text)
    if not found:
        raise ValueError("时间应写作 2024-03-01T09:00，或者 today-21 09:00")
    day, hour = found["day"] or "2000-01-01", found["clock"] or found["hour"]
    try:
        at = datetime.fromisoformat(f"{day}T{hour}{(found['offset'] or '').replace('Z', '+00:00')}")
    except ValueError as fault:
        raise ValueError(f"没有“{text}”这个时间") from fault
    return at if at.tzinfo else at.replace(tzinfo=SHANGHAI), found["shifts"]


def when(text: str, today: date, calendar: days.Calendar) -> datetime:
    """The instant a script's time means. Raises ValueError."""
    at, shifts = _parse(text)
    return at if shifts is None else datetime.combine(_shifted(today, shifts, calendar), at.timetz())


def _shifted(today: date, shifts: str, calendar: days.Calendar) -> date:
    day = today
    for length, unit in _SHIFT.findall(shifts):
        if not unit:
            day += timedelta(days=int(length))
        elif int(length):
            span = days.Period(abs(int(length)), "workday")
            day = (days.add if int(length) > 0 else days.before)(calendar, day, span).ends_on
    return day


def dates(value: Any, today: date, calendar: days.Calendar) -> Any:
    """The same value with every relative day (``today+30``, ``today-5wd``) written out."""
    if isinstance(value, str) and (found := _DAY.fullmatch(value)):
        at = when(value if found["hour"] else f"{value} 00:00", today, calendar)
        return at.isoformat() if found["hour"] else at.date().isoformat()
    if isinstance(value, dict):
        return {key: dates(item, today, calendar) for key, item in value.items()}
    if isinstance(value, list):
        return [dates(item, today, calendar) for item in value]
    return value
