"""P6: the public life of a decision, from the catalogue to the evaluation, in the order in which it happens.

Milestones follow from the procedure: the stretches of its main line, and after each the public lines that begin under it.
What has not begun, what is not needed and what is by law not done in public are three different things and say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts
from decisionflow.service import consultations, hearings
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import catalogue, public
from decisionflow.service.reads.stored import Stored, cases
from decisionflow.store.blobs import Blobs

State = Literal["done", "now", "later", "none", "over"]


@dataclass(frozen=True, slots=True)
class Milestone:
    """A part of the way. `say` is how far it is; `none` is what will not take place, `over` what no longer will."""

    id: str
    title: str
    state: State
    say: str
    stories: tuple[public.Story, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """The item of a published catalogue that the matter was announced in."""

    year: int
    title: str
    no: str
    planned: str


@dataclass(frozen=True, slots=True)
class Life:
    """A public case on one page."""

    authority: str
    no: str
    title: str
    unit: str
    stage: str
    listed: Listed | None
    way: tuple[Milestone, ...]
    hidden: tuple[str, ...]
    consulted: bool
    heard: bool


def life(connection: Connection, blobs: Blobs, no: str, now: datetime) -> Life:
    """The public life of a case. Raises NotFound."""
    authority, standing = public.visible(connection, no)
    procedure, facts = standing.procedure, standing.facts
    acts = list(public.public_acts(procedure, facts))
    tell = public.teller(connection, blobs, authority, [act for _, act in acts])
    hashes = public.hashes(connection, authority, [act.entry for _, act in acts])
    shown = public.papers(procedure, facts)
    stories = [(act, public.story(tell, act, action, shown, hashes)) for action, act in acts]
    main = next(iter(procedure.goal))
    lead = facts.duties.get("lead", ())
    return Life(
        authority.name, no, facts.title, str(lead[0].get("name", "")) if lead else "",
        procedure.tracks[main].stages[facts.stages[main]], _listed(connection, authority, facts, now),
        tuple(_way(procedure, facts, stories)), tuple(_hidden(procedure, main)),
        consultations.of_case(connection, authority.id, facts.case) is not None,
        hearings.of_case(connection, authority.id, facts.case) is not None,
    )  # fmt: skip


def _hidden(procedure: law.Procedure, main: str) -> Iterator[str]:
    """The lines whose course is not shown to the public."""
    return (
        track.title for name, track in procedure.tracks.items() if name != main and track.under and not track.public
    )


def _way(
    procedure: law.Procedure, facts: Facts, stories: Sequence[tuple[Act, public.Story]]
) -> Iterator[Milestone]:  # fmt: skip
    main = next(iter(procedure.goal))
    places = _places(facts, main, _forward(procedure, main))
    for stretch in stretches(procedure, main):
        mine = tuple(story for act, story in stories if act.track == main and places[act.entry] in stretch)
        yield _main(procedure, facts, main, stretch, mine)
        for name, track in procedure.tracks.items():
            if track.under == stretch[-1] and track.public:
                own = tuple(story for act, story in stories if act.track == name)
                yield Milestone(name, track.title, *_far(procedure, facts, name), own)


def _places(facts: Facts, main: str, order: Sequence[str]) -> dict[str, str]:
    """How far on the way the main line was with each of its acts; an act that ends the matter is where it stood."""
    found, at = {}, order[0]
    for act in facts.acts:
        if act.track == main:
            at = act.after if act.after in order else at
            found[act.entry] = at
    return found


def stretches(procedure: law.Procedure, main: str) -> tuple[tuple[str, ...], ...]:
    """The stages of the main line, cut after each stage under which other lines run; ways out left aside."""
    track = procedure.tracks[main]
    ends = {one.under for one in procedure.tracks.values()}
    found: list[list[str]] = [[]]
    for stage in _forward(procedure, main):
        found[-1].append(stage)
        if stage in ends or stage in track.done:
            found.append([])
    return tuple(tuple(stretch) for stretch in found if stretch)


def _forward(procedure: law.Procedure, main: str) -> list[str]:
    """The stages that lead to the goal: everything up to it that is neither a failure nor a place to wait."""
    track = procedure.tracks[main]
    order = list(track.stages)
    last = max(order.index(stage) for stage in procedure.goal[main])
    return [stage for stage in order[: last + 1] if stage not in track.failed]


def _main(
    procedure: law.Procedure, facts: Facts, main: str, stretch: tuple[str, ...], stories: tuple[public.Story, ...]
) -> Milestone:  # fmt: skip
    track, order = procedure.tracks[main], _forward(procedure, main)
    here = facts.stages[main]
    reached = max(order.index(stage) for stage in _reached(facts, main, order))
    title = track.stages[stretch[-1]]
    name = f"{main}-{stretch[-1]}"
    if reached > order.index(stretch[-1]) or {here, stretch[-1]} <= set(track.done):
        return Milestone(name, title, "done", "已完成", stories)
    if here in order and here in stretch:
        say = "正在进行" if here == stretch[-1] else f"正在进行：{track.stages[here]}"
        return Milestone(name, title, "now", say, stories)
    if here not in order:
        return Milestone(name, title, "over", track.stages[here], stories)
    return Milestone(name, title, "later", "还没有开始", stories)


def _reached(facts: Facts, main: str, order: Sequence[str]) -> Iterator[str]:
    yield order[0]
    for act in facts.acts:
        if act.track == main and act.after in order:
            yield act.after
    if facts.stages[main] in order:
        yield facts.stages[main]


def _far(procedure: law.Procedure, facts: Facts, name: str) -> tuple[State, str]:
    """How far a line beside the main one is, in the words of the public."""
    track, stage = procedure.tracks[name], facts.stages[name]
    main = next(iter(procedure.goal))
    if stage in track.waived:
        return "none", track.stages[stage]
    if stage in track.done:
        return "done", "已完成"
    if facts.stages[main] in procedure.tracks[main].failed:
        return "over", "事项已终止，不再进行"
    return ("later", "还没有开始") if stage == track.initial else ("now", "正在进行")


# ---- the catalogue -----------------------------------------------------------------------------------------


def _listed(connection: Connection, authority: Authority, facts: Facts, now: datetime) -> Listed | None:
    """Where a published catalogue announced this matter."""
    if not str(facts.matter.get("catalogue_item", "")).strip():
        return None
    for book in books(connection, authority, now):
        for item in book.items:
            if any(one.no == facts.no for one in item.cases):
                return Listed(book.year, item.title, item.no, item.planned)
    return None


def books(connection: Connection, authority: Authority, now: datetime) -> tuple[catalogue.Catalogue, ...]:
    """The published catalogues of a government, the newest first, with the cases that everybody may see."""
    shown = (one for one in cases(connection, authority) if _may_be_told(one))
    return tuple(book for book in catalogue.catalogues(shown, now) if book.published_on)


def _may_be_told(one: Stored) -> bool:
    return public.is_public(one.procedure, one.facts)


STATES: Mapping[catalogue.State, str] = {**catalogue.STATES, "not_started": "还没有公开信息"}
