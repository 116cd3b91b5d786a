"""What a legal review is prepared with, as data: ``workflows/review-points.yaml``.

A closed vocabulary: which act of the procedure is which to a review, what a packet must hold, the points to look at
under the three heads of art. 27, words to watch in a draft, and the steps that speak about the same text. All of it
helps a reviewer to see; nothing here bars an act, that is what gates are for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from decisionflow.core import conditions
from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.core.facts import Facts
from decisionflow.errors import BadInput

Head: TypeAlias = Literal["authority", "procedure", "content"]
HEADS: Mapping[Head, str] = {"authority": "法定权限", "procedure": "法定程序", "content": "内容"}
Rules = Annotated[tuple[law.RuleId, ...], Field(min_length=1)]


class Acts(files.Frozen):
    """Which act of the procedure is which to a legal review."""

    send: law.Id
    recall: law.Id
    accept: law.Id
    return_: law.Id = Field(alias="return")
    demand: law.Id
    supplement: law.Id
    assign: law.Id
    advise: law.Id
    weigh: law.Id
    conclude: law.Id
    confirm: law.Id
    revise: law.Id
    restart: law.Id
    submit: law.Id


class Item(files.Frozen):
    """Something the packet must hold (art. 26(1)): a paper, a field filled in before, or what a line came to."""

    id: law.Id
    title: str
    paper: str = ""
    track: str = ""
    field: law.Ref | None = None
    if_: law.When = Field(default={}, alias="if")
    rules: Rules


class Point(files.Frozen):
    """A point to look at under one of the three heads."""

    id: law.Id
    head: Head
    say: str
    if_: law.When = Field(default={}, alias="if")
    rules: Rules


class Watched(files.Frozen):
    """Words in a draft that deserve a look, and why."""

    id: law.Id
    words: Annotated[tuple[str, ...], Field(min_length=1)]
    reason: str
    rules: Rules


class Milestone(files.Frozen):
    """A step that spoke about a certain text of the draft; `redo` is what it is called when it is done again."""

    id: law.Id
    title: str
    acts: law.Words
    redo: str = ""
    role: Literal["", "reviewed", "submitted", "decided", "issued"] = ""
    rules: Rules


class ReviewFile(files.Frozen):
    """``workflows/review-points.yaml``."""

    format: Literal["1"]
    procedure: str
    acts: Acts
    lines: law.Words
    packet: tuple[Item, ...]
    points: tuple[Point, ...]
    words: tuple[Watched, ...]
    texts: tuple[Milestone, ...]


# ---- in use ------------------------------------------------------------------------------------------------


def fits(one: Item | Point, facts: Facts) -> bool:
    """Whether something is to be looked at in this matter."""
    return conditions.holds(one.if_, matter=facts.matter, fields={}, stages=facts.stages)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a paragraph; `watched` says why it is marked, None for plain text."""

    text: str
    watched: Watched | None = None


def marked(text: str, words: Sequence[Watched]) -> tuple[Piece, ...]:
    """A paragraph in pieces, the words to watch apart; where two overlap, the longer one is marked."""
    reasons = {word: one for one in words for word in one.words}
    if not reasons:
        return (Piece(text),) if text else ()
    pattern = re.compile("|".join(re.escape(word) for word in sorted(reasons, key=len, reverse=True)))
    found, last = [], 0
    for match in pattern.finditer(text):
        if match.start() > last:
            found.append(Piece(text[last : match.start()]))
        found.append(Piece(match[0], reasons[match[0]]))
        last = match.end()
    return (*found, Piece(text[last:])) if last < len(text) else tuple(found)


# ---- the file ----------------------------------------------------------------------------------------------


def read(source: files.Source, procedure: law.Procedure) -> ReviewFile:
    """The points of a procedure. Raises BadInput with everything in it that leads nowhere, at its line."""
    found = files.parse(ReviewFile, source)
    faults = [source.problem(path, say, "review") for path, say in _astray(found, procedure)]
    if faults:
        raise BadInput(faults)
    return found


def _astray(found: ReviewFile, procedure: law.Procedure) -> Iterator[tuple[files.Path, str]]:
    for role, name in found.acts:
        if procedure.action(name) is None:
            yield ("acts", role.rstrip("_")), f"程序 {procedure.name} 没有动作“{name}”"
    for n, track in enumerate(found.lines):
        if track not in procedure.tracks:
            yield ("lines", n), f"程序 {procedure.name} 没有环节“{track}”"
    for n, item in enumerate(found.packet):
        for say in _item(item, procedure):
            yield ("packet", n), say
    for n, milestone in enumerate(found.texts):
        for say in _milestone(milestone, found.acts, procedure):
            yield ("texts", n), say
    listed: Sequence[tuple[str, Sequence[Item | Point | Watched | Milestone]]] = (
        ("packet", found.packet), ("points", found.points), ("words", found.words), ("texts", found.texts),
    )  # fmt: skip
    for kind, rows in listed:
        yield from ((path, say) for path, say in _rows(kind, rows, procedure))


def _rows(
    kind: str, rows: Sequence[Item | Point | Watched | Milestone], procedure: law.Procedure
) -> Iterator[tuple[files.Path, str]]:  # fmt: skip
    seen: set[str] = set()
    for n, row in enumerate(rows):
        at: files.Path = (kind, n)
        if row.id in seen:
            yield at, f"“{row.id}”出现了两次"
        seen.add(row.id)
        for rule in row.rules:
            if rule not in procedure.rules:
                yield at, f"程序 {procedure.name} 没有引用规则 {rule}"
        for key, words in getattr(row, "if_", {}).items():
            yield from ((at, say) for say in _condition(key, words, procedure))


def _condition(key: str, words: Iterable[str], procedure: law.Procedure) -> Iterator[str]:
    space, _, name = key.partition(".")
    if space == "track":
        known = set(procedure.tracks[name].stages) if name in procedure.tracks else None
    elif space == "matter":
        spec = next((one for one in procedure.matter if one.id == name), None)
        known = None if spec is None else set(spec.choices) | {"given", "none", "yes", "no"}
    else:
        known = None
    if known is None:
        yield f"程序 {procedure.name} 没有“{key}”"
        return
    yield from (f"“{key}”没有“{word}”" for word in words if word not in known)


def _item(item: Item, procedure: law.Procedure) -> Iterator[str]:
    if not (item.paper or item.track or item.field):
        yield f"“{item.title}”没有写明看哪份材料、哪个环节"
    if item.paper and item.paper not in procedure.materials:
        yield f"程序 {procedure.name} 没有材料“{item.paper}”"
    if item.track and item.track not in procedure.tracks:
        yield f"程序 {procedure.name} 没有环节“{item.track}”"
    for name in item.field.action if item.field else ():
        action = procedure.action(name)
        if action is None or item.field is None or action.field(item.field.field) is None:
            yield f"动作“{name}”没有这个填写项"


def _milestone(milestone: Milestone, acts: Acts, procedure: law.Procedure) -> Iterator[str]:
    for name in milestone.acts:
        if procedure.action(name) is None:
            yield f"程序 {procedure.name} 没有动作“{name}”"
    restart = procedure.action(acts.restart)
    choices = restart.field(restart.resets_chosen) if restart and restart.resets_chosen else None
    if milestone.redo and (choices is None or milestone.redo not in choices.choices):
        yield f"“{milestone.redo}”不是可以重新办理的环节"
