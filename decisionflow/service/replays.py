"""Trying a version before it is published: what it would have done to stored cases and to rehearsals.

Of stored cases the acts that were taken are judged again (`core.rejudge`); what was refused is not kept with its
form, so nothing is said of it. A rehearsal is played whole, under its own version and under the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from decisionflow.core import procedure as law
from decisionflow.core.rejudge import Otherwise, rejudge
from decisionflow.service import calendars, rehearsals, scripts
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import stored
from decisionflow.store.engine import Store


@dataclass(frozen=True, slots=True)
class Replayed:
    """A stored case under another version."""

    no: str
    title: str
    version: str
    acts: int
    ended: bool
    otherwise: tuple[Otherwise, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """An act of a rehearsal that comes to something else under another version."""

    n: int
    do: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A rehearsal under its own version and under another; `problems` when the other cannot even read it."""

    file: str
    title: str
    acts: int
    turns: tuple[Turn, ...]
    problems: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether everything came out as before."""
        return not self.turns and not self.problems


def count(connection: Connection, authority: Authority, procedure: str) -> int:
    """How many stored cases stand under a procedure, in any version."""
    return sum(one.procedure.id == procedure for one in stored.cases(connection, authority))


def over_cases(
    connection: Connection, authority: Authority, procedure: law.Procedure, of: str = ""
) -> Iterator[Replayed]:  # fmt: skip
    """Every stored case of the procedure (or of another, `of`), judged again under this version, by number."""
    calendar = calendars.current(connection, authority.id, authority.calendar)
    for one in stored.cases(connection, authority):
        if one.procedure.id == (of or procedure.id):
            facts = one.facts
            found = rejudge(procedure, facts, calendar)
            yield Replayed(facts.no, facts.title, one.procedure.version, len(facts.acts), one.ended, found)


def over_script(fresh: Callable[[], Store], reading: scripts.Reading, procedure: law.Procedure) -> Rehearsed:
    """A rehearsal under both versions, each on an empty database. Raises BadInput when the script is wrong by itself."""
    base = Path(reading.source.name).parent
    own = rehearsals.rules_of(reading, base)
    before = rehearsals.play(fresh(), reading, "rehearsal", base=base)
    others = tuple(one for one in own if one.id != procedure.id or one.version != procedure.version)
    misfits = sorted({act.do for act in reading.script.acts if procedure.action(act.do) is None})
    if misfits:
        return Rehearsed(reading.source.name, before.title, len(before.acts), (),
                         tuple(f"新版本没有动作“{one}”" for one in misfits))  # fmt: skip
    under = (procedure,) if any(one.id != procedure.id for one in own) or len(own) == 1 else (*others, procedure)
    after = rehearsals.play(fresh(), reading, "rehearsal", base=base, under=under)
    turns = tuple(
        Turn(old.n, old.do, _came_to(old), _came_to(new))
        for old, new in zip(before.acts, after.acts, strict=False) if _came_to(old) != _came_to(new)
    )  # fmt: skip
    return Rehearsed(reading.source.name, before.title, len(before.acts), turns)


def uses(reading: scripts.Reading, procedure: law.Procedure) -> bool:
    """Whether a rehearsal is about this procedure."""
    return any(one.id == procedure.id for one in rehearsals.rules_of(reading, Path(reading.source.name).parent))


WORDS = {"taken": "办成", "refused": "拒绝", "invalid": "填写有误"}


def _came_to(act: rehearsals.Played) -> str:
    """What an act came to, in words: the outcome, and the rules that stopped it."""
    rules = "、".join(sorted({one.rule for one in act.findings if one.blocking}))
    return f"{WORDS[act.outcome]}（{rules}）" if rules else WORDS[act.outcome]
