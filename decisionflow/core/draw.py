"""A draw that anybody can redo: who sits for each side at a hearing, or which experts are asked (art. 16(3), 20(2)).

First the list is frozen and published, with the seats and where the seed will come from: a number that nobody here can
choose and everybody can look up later. Then, with the seed, each candidate has a rank,

    sha256(list digest, line feed, seed, line feed, side, line feed, number)   in hexadecimal, UTF-8,

and of each side those with the lowest ranks are drawn; the rest are in reserve, in order. The list digest is the
SHA-256 of the lines ``number TAB side``, in the order of the list, joined by line feeds. No part needs this program.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from decisionflow.core import source as files
from decisionflow.errors import BadInput, Problem

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Order = Mapping[str, tuple[str, ...]]


class Candidate(files.Frozen):
    """Somebody on the list, by number; names stay out of what is published."""

    no: Annotated[str, Field(min_length=1, max_length=40)]
    side: Annotated[str, Field(min_length=1, max_length=40)]


class Draw(files.Frozen):
    """A frozen list; once it was drawn, with the seed, those drawn and those in reserve."""

    draw: Literal["1"] = "1"
    method: Literal["sha256-rank"] = "sha256-rank"
    title: Annotated[str, Field(min_length=1, max_length=120)]
    source: Annotated[str, Field(min_length=4, max_length=300)]
    seats: dict[str, Annotated[int, Field(ge=0)]]
    candidates: Annotated[tuple[Candidate, ...], Field(min_length=1)]
    list_sha256: Digest
    seed: Annotated[str, Field(max_length=300)] = ""
    drawn: dict[str, tuple[str, ...]] = {}
    reserve: dict[str, tuple[str, ...]] = {}


def freeze(title: str, source: str, seats: Mapping[str, int], candidates: Iterable[Candidate]) -> Draw:
    """A list made ready to publish. Raises BadInput with everything that is wrong with it."""
    chosen = tuple(candidates)
    problems = [*_wrong(title, source, seats, chosen)]
    if problems:
        raise BadInput(problems)
    return Draw(title=title, source=source, seats=dict(seats), candidates=chosen, list_sha256=digest(chosen))


def _wrong(
    title: str, source: str, seats: Mapping[str, int], candidates: tuple[Candidate, ...]
) -> Iterator[Problem]:  # fmt: skip
    if not title.strip():
        yield Problem("title", "请写明为什么事抽取", rule="required")
    if len(source.strip()) < 4:
        yield Problem("source", "请写明种子的来源：以后公布、谁也不能选的数，如某日某种彩票的开奖号码", rule="required")
    if not candidates:
        yield Problem("candidates", "名单是空的", rule="required")
    for no, times in Counter(one.no for one in candidates).items():
        if times > 1:
            yield Problem("candidates", f"编号 {no} 出现了 {times} 次", rule="doubled")
    for one in candidates:
        if not (one.no + one.side).isprintable():
            yield Problem("candidates", f"编号 {one.no!r} 里有换行、制表等字符", rule="characters")
    there = Counter(one.side for one in candidates)
    for side, count in seats.items():
        if count > there[side]:
            yield Problem("seats", f"“{side}”要抽 {count} 名，名单里只有 {there[side]} 名", rule="too-few")
    for side in there.keys() - seats.keys():
        yield Problem("seats", f"没有写明“{side}”抽几名", rule="required")


def digest(candidates: Iterable[Candidate]) -> str:
    """SHA-256 of the list as lines of number and side."""
    return _sha256("\n".join(f"{one.no}\t{one.side}" for one in candidates))


def _sha256(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()


def run(frozen: Draw, seed: str) -> Draw:
    """The draw with its seed. Raises BadInput when it was drawn before, or the list is not the frozen one."""
    problems = []
    if frozen.drawn:
        problems.append(Problem("drawn", "已经抽取过；再抽一次就不是事先定好的抽取了", rule="settled"))
    if not seed.strip():
        problems.append(Problem("seed", f"请照公布的原样填写种子（{frozen.source}）", rule="required"))
    if digest(frozen.candidates) != frozen.list_sha256:
        problems.append(Problem("list_sha256", "名单与事先公布的摘要不符", rule="digest"))
    if problems:
        raise BadInput(problems)
    order = ranked(frozen, seed.strip())
    return frozen.model_copy(update={
        "seed": seed.strip(),
        "drawn": {side: found[: frozen.seats[side]] for side, found in order.items()},
        "reserve": {side: found[frozen.seats[side] :] for side, found in order.items()},
    })  # fmt: skip


def ranked(frozen: Draw, seed: str) -> Order:
    """The numbers of each side, the lowest rank first, sides in the order of the seats."""

    def rank(one: Candidate) -> str:
        return _sha256("\n".join((frozen.list_sha256, seed, one.side, one.no)))

    return {
        side: tuple(one.no for one in sorted((c for c in frozen.candidates if c.side == side), key=rank))
        for side in frozen.seats
    }


def faults(done: Draw, published: str = "") -> tuple[Problem, ...]:
    """What is wrong with a draw that is said to be done; `published` is the list digest announced beforehand."""
    found = [*_wrong(done.title, done.source, done.seats, done.candidates)]
    if digest(done.candidates) != done.list_sha256:
        found.append(Problem("list_sha256", "名单与摘要不符：名单在冻结之后改过", rule="digest"))
    if published and published != done.list_sha256:
        found.append(Problem("list_sha256", "摘要不是事先公布的那一个", rule="digest"))
    if not done.seed:
        found.append(Problem("seed", "还没有抽取", rule="required"))
    if found:
        return tuple(found)
    order = ranked(done, done.seed)
    for side, count in done.seats.items():
        if (done.drawn.get(side, ()), done.reserve.get(side, ())) != (order[side][:count], order[side][count:]):
            found.append(
                Problem("drawn", f"“{side}”重新抽取的结果不同，应为：{'、'.join(order[side][:count])}", rule="differs")
            )
    if set(done.drawn) - set(done.seats) or set(done.reserve) - set(done.seats):
        found.append(Problem("drawn", "结果里有名额表上没有的一方", rule="differs"))
    return tuple(found)


def write(draw: Draw) -> str:
    """A draw as its file."""
    return json.dumps(draw.model_dump(), ensure_ascii=False, indent=1) + "\n"


def read(text: str, name: str) -> Draw:
    """A draw from its file. Raises BadInput with every line that is wrong."""
    return files.parse(Draw, files.read(text, name))
