"""Opinions that came by letter, telephone, visit, meeting or hotline, entered by those who handle them (art. 14(2)).

Each says its source: what the paper is and where it lies. It counts from the day it arrived, and is one opinion like
any other, with a receipt that can be handed to whoever sent it. A file is taken in whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from decisionflow.core import fields
from decisionflow.core.facts import SHANGHAI, legal_date
from decisionflow.errors import BadInput, Forbidden, Problem
from decisionflow.service import consultations, permissions, sheets, steps
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.service.consultations import CHANNELS, STANCES, Comment
from decisionflow.service.receipts import Receipt
from decisionflow.store.engine import Tx

OFFLINE = {key: title for key, title in CHANNELS.items() if key != "web"}
MOST_ROWS = 5000
REASON = "线下收到，由承办人员录入"
HEADINGS: sheets.Headings = {
    "words": ("words", "意见内容", "意见", "内容", "意见建议"),
    "channel": ("channel", "渠道", "方式", "提出方式", "来源渠道"),
    "arrived": ("arrived", "收到日期", "日期", "收到时间", "提出日期"),
    "source": ("source", "来源", "凭据", "原件", "原件保管处"),
    "stance": ("stance", "态度", "总的态度"),
    "paragraph": ("paragraph", "条款", "针对条款"),
    "name": ("name", "姓名", "提出人", "反馈人", "单位或者姓名"),
    "contact": ("contact", "联系方式", "电话", "联系电话"),
}


@dataclass(frozen=True, slots=True)
class Entered:
    """An opinion as somebody enters it: when it arrived, and what it is taken from."""

    comment: Comment
    arrived: str
    source: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file, with its number."""

    line: int
    entered: Entered


def enter(
    tx: Tx, authority: Authority, no: str, given: Entered, actor: Actor, now: datetime, key: str = ""
) -> Receipt:  # fmt: skip
    """Take in one opinion that came otherwise. Raises Forbidden, NotFound, BadInput, Over, Sent."""
    _may(tx, authority, no, actor)
    problems = tuple(wrong(given, now))
    if problems:
        raise BadInput(problems)
    return _received(tx, authority, no, given, actor, now, key)


def enter_all(
    tx: Tx, authority: Authority, no: str, rows: tuple[Row, ...], actor: Actor, now: datetime
) -> tuple[Receipt, ...]:  # fmt: skip
    """Take in the rows of a file, all or none. Raises as `enter` does."""
    _may(tx, authority, no, actor)
    found = []
    for row in rows:
        found.append(_received(tx, authority, no, row.entered, actor, now, ""))
        tx.ahead()  # the next one follows it in the chain
    return tuple(found)


def _may(tx: Tx, authority: Authority, no: str, actor: Actor) -> None:
    standing = steps.load(tx.connection, authority, no)
    if not permissions.may_enter_opinions(actor, standing.procedure, standing.facts):
        raise Forbidden("may not enter opinions", say="只有承办、整理公众意见的岗位可以录入线下收到的意见")


def _received(
    tx: Tx, authority: Authority, no: str, given: Entered, actor: Actor, now: datetime, key: str
) -> Receipt:  # fmt: skip
    happened = noon(date.fromisoformat(given.arrived), now)
    return consultations.receive(
        tx, authority, no, given.comment, actor, now, key=key, happened=happened, evidence=given.source.strip(),
        reason=REASON,
    )  # fmt: skip


def noon(day: date, now: datetime) -> datetime:
    """An instant of the day it arrived; never later than now."""
    return min(datetime.combine(day, time(12), SHANGHAI), now)


def wrong(given: Entered, now: datetime) -> Iterator[Problem]:
    """Everything that is wrong with what was entered."""
    try:
        consultations.checked(given.comment)
    except BadInput as fault:
        yield from fault.problems
    if given.comment.channel not in OFFLINE:
        yield Problem("channel", f"请选择渠道（{'、'.join(OFFLINE.values())}）", rule="choice")
    try:
        day = date.fromisoformat(given.arrived)
    except ValueError:
        yield Problem("arrived", "收到日期应写作 2026-11-02", rule="date")
    else:
        if day > legal_date(now):
            yield Problem("arrived", "收到日期不能晚于今天", rule="future")
        elif legal_date(now) - day > timedelta(days=3650):
            yield Problem("arrived", "收到日期早了十年以上，请核对", rule="date")
    try:
        source = fields.clean(given.source, lines=False)
    except ValueError as fault:
        yield Problem("source", f"“来源”{fault}", rule="text")
    else:
        if not 2 <= len(source.strip()) <= 200:
            yield Problem("source", "请写明来源：是什么、原件在哪里（2 至 200 字），如 来信登记第12号", rule="required")


def read(name: str, data: bytes, now: datetime) -> tuple[tuple[Row, ...], tuple[Problem, ...]]:
    """The rows of a file, and every problem with its line. Raises BadInput when it is no table."""
    table = sheets.read(name, data, MOST_ROWS + 11, lines=True)
    heads, lines = sheets.headed(name, table, HEADINGS, "words")
    rows, problems = [], []
    for number, cells in lines:
        given = sheets.given(heads, cells)
        if not given:
            continue
        entered = _entered(given)
        faults = [replace(one, file=name, line=number) for one in wrong(entered, now)]
        problems += faults
        if not faults:
            rows.append(Row(number, entered))
    if len(rows) + len(problems) == 0:
        problems.append(Problem("rows", "没有可以导入的行", name, rule="required"))
    if len(rows) > MOST_ROWS:
        problems.append(Problem("rows", f"一次最多导入 {MOST_ROWS} 条，请分成几个文件", name, rule="too-many"))
    return tuple(rows), tuple(problems)


def _entered(given: dict[str, str]) -> Entered:
    comment = Comment(
        given.get("words", ""), _key(STANCES, given.get("stance", "")) or "none", given.get("paragraph", ""),
        given.get("name", ""), given.get("contact", ""), _key(OFFLINE, given.get("channel", "")),
    )  # fmt: skip
    return Entered(comment, given.get("arrived", "").partition(" ")[0].replace("/", "-"), given.get("source", ""))


def _key(choices: dict[str, str], words: str) -> str:
    """A choice by its key or its words; what is neither stays as it is, to be refused."""
    return next((key for key, title in choices.items() if words in (key, title)), words)
