"""程序问题清单: what whole cases show after the fact, for an inspector to confirm or dismiss; never a verdict.

A check that could not run says so (未检查) and never counts as nothing found.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from decisionflow import paths
from decisionflow.core import calendar as days
from decisionflow.core import source as files
from decisionflow.core import texts, watch
from decisionflow.core.facts import legal_date
from decisionflow.core.watch import Finding, History, WatchFile
from decisionflow.errors import DecisionflowError
from decisionflow.service import calendars, procedures
from decisionflow.service.assessments import STATES, Assessed, mark
from decisionflow.service.authorities import Authority
from decisionflow.service.reads.heat import Delay, Heat, Late, delays, heat, late
from decisionflow.service.reads.stored import Stored
from decisionflow.store.blobs import Blobs
from decisionflow.store.tables.people import Appointment

_A = Appointment.__table__  # type: ignore[attr-defined]
log = logging.getLogger("decisionflow.violations")
ORDER = {"breach": 0, "departure": 1, "sign": 2}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the list somebody wants to see; '' is everything."""

    level: str = ""
    check: str = ""
    unit: str = ""
    rule: str = ""
    no: str = ""
    state: str = ""

    def takes(self, one: Finding) -> bool:
        """Whether a finding is wanted."""
        return (
            self.level in ("", one.level) and self.check in ("", one.check) and self.unit in ("", one.unit)
            and (not self.rule or self.rule in one.rules) and self.no in ("", one.no)
        )  # fmt: skip


COLUMNS = ("级别", "检查", "事项", "名称", "单位", "日期", "说明", "依据", "证据", "核实", "核实的理由")


@dataclass(frozen=True, slots=True)
class Row:
    """A finding, its mark, and what the reader's own unit made of it (None: not yet looked into)."""

    one: Finding
    mark: str
    judged: Assessed | None

    @property
    def state(self) -> str:
        """``confirmed``, ``dismissed``, or '' for not yet."""
        return self.judged.state if self.judged else ""


@dataclass(frozen=True, slots=True)
class Listing:
    """Findings, the gravest and newest first; over how many cases; how many of each check; what could not be checked.

    The picture leaves out what the own unit dismissed; delays and late entries are of all cases, whatever is filtered.
    """

    rows: tuple[Row, ...]
    cases: int
    checks: int
    counts: tuple[tuple[str, str, int], ...]
    units: tuple[str, ...]
    unchecked: tuple[str, ...]
    heat: Heat
    delays: tuple[Delay, ...]
    late: tuple[Late, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings alone."""
        return tuple(row.one for row in self.rows)


@lru_cache(maxsize=1)
def shipped_watches() -> WatchFile:
    """The watches that come with the product, checked against the procedure they are for. Raises BadInput."""
    return read_watches(paths.WORKFLOWS / "watches.yaml")


def read_watches(path: Path) -> WatchFile:
    """A file of watches. Raises BadInput, NotFound."""
    source = files.read(path.read_text("utf-8"), str(path))
    data = source.data if isinstance(source.data, dict) else {}
    named = [procedures.find(str(data.get(one, ""))) for one in ("procedure", "papers")]
    return watch.read(source, *named)


def listing(
    connection: Connection, blobs: Blobs, authority: Authority, stored: Iterable[Stored], wanted: Wanted, now: datetime,
    marks: Mapping[str, Assessed] = {},
) -> Listing:  # fmt: skip
    """Everything that is found in these cases; `marks` is what the reader's own unit made of findings."""
    calendar = calendars.current(connection, authority.id, authority.calendar)
    histories = [History(one.procedure, one.facts) for one in stored]
    unchecked: list[str] = []
    held = _held(connection, authority)
    found = [
        *_each(histories, calendar, legal_date(now), unchecked), *_together(histories, blobs, unchecked),
        *(each for one in histories for each in watch.disputed(one, held)),
    ]  # fmt: skip
    counts = Counter((one.check, one.title) for one in found)
    units = tuple(sorted({one.unit for one in found if one.unit}))
    every = [Row(one, mark(one), marks.get(mark(one))) for one in found]
    kept = sorted(
        (row for row in every if wanted.takes(row.one) and wanted.state in ("", row.state or "open")),
        key=lambda row: (ORDER[row.one.level], -row.one.on.toordinal(), row.one.no),
    )
    return Listing(
        tuple(kept), len(histories), len(watch.GENERAL) + len(shipped_watches().watches),
        tuple((check, title, n) for (check, title), n in sorted(counts.items(), key=lambda item: -item[1])), units,
        tuple(dict.fromkeys(unchecked)), heat([row.one for row in every if row.state != "dismissed"]),
        delays(histories, calendar, legal_date(now)), late(histories),
    )  # fmt: skip


_TENURES = text("""
    select person_id, post_id, valid_from, valid_to, recorded_at from appointment where authority_id = :a
""").columns(valid_from=_A.c.valid_from.type, valid_to=_A.c.valid_to.type, recorded_at=_A.c.recorded_at.type)


def _held(connection: Connection, authority: Authority) -> Mapping[tuple[str, str], list[watch.Tenure]]:
    """Who held which post, as the register believes now."""
    found: dict[tuple[str, str], list[watch.Tenure]] = defaultdict(list)
    for row in connection.execute(_TENURES, {"a": authority.id}):
        found[row.person_id, row.post_id].append(watch.Tenure(row.valid_from, row.valid_to, row.recorded_at))
    return found


def _each(
    histories: Sequence[History], calendar: days.Calendar, today: date, unchecked: list[str]
) -> Iterator[Finding]:  # fmt: skip
    for one in histories:
        try:
            yield from list(watch.in_case(one, calendar, today))
        except (ArithmeticError, LookupError, TypeError, ValueError, DecisionflowError):
            log.exception("a case could not be checked", extra={"case": one.facts.no})
            unchecked.append(f"{one.facts.no} {one.facts.title}")


def _together(histories: Sequence[History], blobs: Blobs, unchecked: list[str]) -> Iterator[Finding]:
    size, book = _sizes(histories, blobs), procedures.find(shipped_watches().procedure)
    for one in shipped_watches().watches:
        own = [history for history in histories if _has(one, history)]
        try:
            yield from list(watch.across(one, own, size, book))
        except (ArithmeticError, LookupError, TypeError, ValueError, DecisionflowError):
            log.exception("a watch could not run", extra={"watch": one.id})
            unchecked.append(one.title)


def _has(one: watch.Watch, history: History) -> bool:
    """Whether the procedure of a case knows what a watch looks at."""
    if isinstance(one, watch.Paper):
        return history.procedure.name == shipped_watches().papers
    names = set(watch.actions_of(one))
    return any(history.procedure.action(name) is not None for name in names) or isinstance(one, watch.Often)


def _sizes(histories: Sequence[History], blobs: Blobs) -> Mapping[str, int]:
    """The characters of each draft that a review was about."""
    wanted = {name for one in shipped_watches().watches if isinstance(one, watch.TooQuick) for name in (one.until,)}
    digests = {act.text.sha256 for one in histories for act in one.facts.acts if act.action in wanted and act.text}
    found = {}
    for digest in digests:
        try:
            found[digest] = sum(len(one.text) for one in texts.load(blobs.get(digest)).paragraphs)
        except DecisionflowError:
            continue
    return found


def as_json(row: Row) -> dict[str, Any]:
    """A finding as data."""
    one = row.one
    judged = row.judged
    return {
        "state": row.state or "open", "reason": judged.reason if judged else "",
        "check": one.check, "title": one.title, "level": one.level, "rules": list(one.rules), "cite": one.cite, "case": one.no,
        "case_title": one.case, "unit": one.unit, "on": one.on.isoformat(), "say": one.say,
        "evidence": [{"case": each.no, "entry": each.entry, "say": each.say} for each in one.evidence],
    }  # fmt: skip


def cells(row: Row) -> tuple[str, ...]:
    """A finding as a line of a table."""
    one, judged = row.one, row.judged
    return (
        watch.LEVELS[one.level], one.title, one.no, one.case, one.unit, one.on.isoformat(), one.say, one.cite,
        "；".join(f"{each.no} {each.say}" for each in one.evidence), STATES[row.state], judged.reason if judged else "",
    )  # fmt: skip
