"""The language of looking up: words, and qualifiers ``键:值`` in Chinese or English.

    单位:住建局 环节:合法性审查 条:25 时间:2026-01..2026-06 -补录:是 "老旧 小区"

A qualifier narrows; with ``-`` before it, it leaves out. A value with spaces stands in quotes. Values of one key in one
query all hold (a case has one lead unit, so two of them find nothing). Days may be a year, a month or a day, alone or as
a span with ``..``, either end open. Keys that nobody knows are an error, not words: a typing mistake must not look like
an empty result.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from decisionflow.errors import BadInput, Problem

LONGEST = 300
KEYS: Mapping[str, tuple[str, ...]] = {
    "person": ("人员",), "post": ("岗位",), "unit": ("单位", "机构"), "duty": ("职责",), "action": ("动作", "行为"),
    "case": ("事项", "编号"), "line": ("环节",), "article": ("条", "条款"), "rule": ("规则",), "time": ("时间", "发生"),
    "recorded": ("登记",), "late": ("补录",), "lamp": ("灯",), "state": ("状态",),
}  # fmt: skip
TITLES: Mapping[str, str] = {key: names[0] for key, names in KEYS.items()}
YES = {"是": True, "yes": True, "true": True, "否": False, "no": False, "false": False}
LAMPS = {"红": "red", "黄": "yellow", "绿": "green", "停": "stopped"}
STATES = {"在办": "open", "已办结": "ended", "办结": "ended"}
_KEY = {name: key for key, names in KEYS.items() for name in (key, *names)}
_PART = re.compile(
    r"""(-?)(?:(?P<key>[^\s:："“”]+)[:：](?:["“](?P<quoted>[^"“”]*)["”]|(?P<bare>\S*))|["“](?P<words>[^"“”]*)["”]|(?P<word>\S+))"""
)
_TIME = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")


@dataclass(frozen=True, slots=True)
class Span:
    """Days from the first to the last, both included; None is open."""

    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: the key ('' for a plain word), what it asks for as read, and whether it leaves out."""

    key: str
    value: str | bool | Span
    without: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A query as read."""

    text: str
    terms: tuple[Term, ...]

    def of(self, *keys: str) -> Iterator[Term]:
        """The conditions of these keys."""
        return (term for term in self.terms if term.key in keys)

    def bounded(self, *keys: str) -> bool:
        """Whether one of these keys narrows the query."""
        return any(not term.without for term in self.of(*keys))


def read(text: str, allowed: Collection[str] = tuple(KEYS)) -> Query:
    """A query. Raises BadInput naming every part that is wrong and what may stand there."""
    if len(text) > LONGEST:
        raise BadInput([Problem("q", f"检索式太长，最多{LONGEST}字", rule="query")])
    if text.count('"') % 2 or text.count("“") != text.count("”"):
        raise BadInput([Problem("q", "引号没有成对", rule="query")])
    terms, problems = [], []
    for part in _PART.finditer(text):
        value = next((found for name in ("quoted", "bare", "words", "word") if (found := part[name]) is not None), "")
        try:
            terms.append(_term(part["key"] or "", value, bool(part[1]), allowed))
        except ValueError as fault:
            problems.append(Problem("q", f"“{part.group(0)}”：{fault}", rule="query"))
    if problems:
        raise BadInput(problems)
    return Query(text.strip(), tuple(terms))


def _term(name: str, value: str, without: bool, allowed: Collection[str]) -> Term:
    key = _KEY.get(name.lower(), "")
    if name and key not in allowed:
        known = "、".join(f"{TITLES[one]}:" for one in KEYS if one in allowed)
        raise ValueError(f"这里没有“{name}:”这一项，可以用 {known}；要找含冒号的字，请加引号")
    if not value:
        raise ValueError("冒号后面、引号里面要写查什么")
    return Term(key, _READERS[key](value) if key in _READERS else value, without)


def _choice(choices: Mapping[str, str]) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value in choices.values():
            return value
        if value not in choices:
            raise ValueError(f"应当是{'、'.join(choices)}之一")
        return choices[value]

    return read


def _yes(value: str) -> bool:
    if value.lower() not in YES:
        raise ValueError("应当是“是”或者“否”")
    return YES[value.lower()]


def span(value: str) -> Span:
    """Days: ``2026``, ``2026-03``, ``2026-03-01``, ``2026-01..2026-06``, ``..2026-06``. Raises ValueError."""
    first, dots, last = value.partition("..")
    found = Span(_edge(first, first=True), _edge(last if dots else first, first=False))
    if found.first is None and found.last is None:
        raise ValueError("至少写一头的日期")
    if found.first and found.last and found.first > found.last:
        raise ValueError("前面的日期应当不晚于后面的")
    return found


def _edge(words: str, *, first: bool) -> date | None:
    if not words:
        return None
    found = _TIME.fullmatch(words)
    if not found:
        raise ValueError(f"“{words}”不是日期，应当像 2026、2026-03 或者 2026-03-01")
    year, month, day = (int(part) if part else 0 for part in found.groups())
    month = month or (1 if first else 12)
    try:
        return date(year, month, day or (1 if first else calendar.monthrange(year, month)[1]))
    except (ValueError, calendar.IllegalMonthError):
        raise ValueError(f"没有“{words}”这一天") from None


_READERS: Mapping[str, Callable[[str], str | bool | Span]] = {
    "time": span, "recorded": span, "late": _yes, "lamp": _choice(LAMPS), "state": _choice(STATES),
}  # fmt: skip
