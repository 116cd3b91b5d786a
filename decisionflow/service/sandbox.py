"""A sandbox: the demo's district under procedures of an operator's own, to try before proposing them (ADR 13).

Each file is looked at as `procedures lint` does, and must be what new cases get on the sandbox's day, else there
would be nothing to try. Two people of the demo propose and publish it, as two people must.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.core import step as core
from decisionflow.errors import BadInput, NotFound, Problem
from decisionflow.service import actors, permissions, procedures, publications
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.store.engine import Store, Tx

REASON = "在沙箱里试用，核对后再到正式系统提出"


@dataclass(frozen=True, slots=True)
class Trial:
    """A procedure on trial: who published it, and who opens a case under it on which page."""

    name: str
    title: str
    proposed_by: str
    published_by: str
    opened_by: str
    href: str


def read(paths: Iterable[Path], known: Sequence[law.Procedure], day: date) -> tuple[law.Procedure, ...]:
    """The procedures of these files, beside those that the demo has. Raises BadInput with every problem of every file."""
    problems: list[Problem] = []
    found: list[tuple[Path, law.Procedure]] = []
    for path in dict.fromkeys(paths):
        try:
            one, faults = procedures.lint(path)
        except BadInput as fault:
            problems += fault.problems
        except NotFound as fault:
            problems.append(Problem("--rules", fault.say, str(path), rule="file"))
        else:
            problems += faults
            found.append((path, one))
    chosen = tuple(one for _, one in found)
    problems += [problem for path, one in found for problem in _idle(path, one, (*known, *chosen), known, day)]
    if problems:
        raise BadInput(problems)
    return chosen


def _idle(
    path: Path, one: law.Procedure, everything: Sequence[law.Procedure], known: Sequence[law.Procedure], day: date
) -> Iterator[Problem]:  # fmt: skip
    """Why no case could be opened under a procedure on the sandbox's day."""
    source = files.read(path.read_text("utf-8"), str(path))
    if any(one.digest == other.digest for other in known):
        yield source.problem(("id",), f"演示里已经有 {one.name} 的这一内容，没有可试的", "known")
    elif not _in_force(one, day):
        say = f"{one.name} 在沙箱的今天（{day}）不在施行期内，开不了事项；试用时请先把起止日期改到包含这一天"
        yield source.problem(("in_force",), say, "in-force")
    elif all(one.duties[duty].of == "case" for duty in core.find(one, one.opening).by):
        say = "起始动作的职责都要等事项里确定承办之后才有人担任，谁也开不了事项"
        yield source.problem(("opening",), say, "opening")
    else:
        versions = [other for other in everything if other.id == one.id and _in_force(other, day)]
        first = max(reversed(versions), key=lambda other: (other.in_force.from_, other.version))
        if first.digest != one.digest:
            say = (
                f"新事项会按 {first.name}（自{first.in_force.from_}起）办，用不到这一版；请把版本号或者施行日期改得更晚"
            )
            yield source.problem(("version",), say, "version")


def _in_force(one: law.Procedure, day: date) -> bool:
    return one.in_force.from_ <= day and (one.in_force.to is None or day <= one.in_force.to)


def publish(
    store: Store, authority: Authority, people: Sequence[Actor], chosen: Iterable[law.Procedure], now: datetime
) -> tuple[Trial, ...]:  # fmt: skip
    """Propose and publish each procedure, by two different people."""
    proposer, publisher = _two(people)

    def deed(tx: Tx, one: law.Procedure) -> str:
        return publications.propose_procedure(tx, authority, one, REASON, proposer, now)

    trials = []
    for one in chosen:
        wanted = store.write(lambda tx, one=one: deed(tx, one))  # type: ignore[misc]
        store.write(lambda tx, wanted=wanted: publications.publish(tx, authority, wanted, publisher, now))  # type: ignore[misc]
        trials.append(Trial(
            one.name, one.title, _seat(proposer), _seat(publisher), _seat(_opener(one, people)),
            f"/cases/new?procedure={one.id}",
        ))  # fmt: skip
    return tuple(trials)


def _two(people: Sequence[Actor]) -> tuple[Actor, Actor]:
    """Two different people who may publish rules: one of the office and one of legal review, as the register has them."""
    able = {actor.person: actor for actor in people if permissions.may_publish_rules(actor)}
    first, second, *_ = able.values()
    return first, second


def _opener(one: law.Procedure, people: Sequence[Actor]) -> Actor:
    """Who opens a case: the first of the register for the first duty that may."""
    duties = core.find(one, one.opening).by
    return next(actor for duty in duties for actor in people if actors.carries(one, duty, actor, None))


def _seat(actor: Actor) -> str:
    return f"{actor.unit_name} {actor.post_title} {actor.name}"
