"""Which texts say the same in nearly the same words: a proposal for a person to confirm, never a judgement.

A text is folded (width, case, punctuation), cut into pieces of three characters, and kept as the smallest hashes of
these pieces (a bottom-k sketch), so that comparing costs the same however long the texts are. The share of common
hashes among the smallest of both estimates the share of common pieces (Broder 1997). Everything is deterministic.
"""

from __future__ import annotations

import hashlib
import unicodedata
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import nsmallest
from itertools import chain
from typing import TypeAlias

Sketch: TypeAlias = "array[int]"
PIECE = 3
KEPT = 48  # the estimate is then right to about a seventh
KEYS = 8  # by how many of its hashes a text is found again
LOOKED_AT = 6  # how many of those that share keys are compared in full
ALIKE = 0.5


def plain(words: str) -> str:
    """Words without what copying changes: width, case, spaces and punctuation."""
    folded = unicodedata.normalize("NFKC", words).casefold()
    return "".join(char for char in folded if unicodedata.category(char)[0] in "LNM") or folded.strip()


def pieces(text: str) -> set[str]:
    """The pieces of three characters of a folded text; a shorter text is its own piece."""
    return {text[n : n + PIECE] for n in range(max(1, len(text) - PIECE + 1))}


def sketch(text: str) -> Sketch:
    """The smallest hashes of a folded text's pieces, in order."""
    return array("I", nsmallest(KEPT, {zlib.crc32(piece.encode()) for piece in pieces(text)}))


def likeness(one: Sketch, other: Sketch) -> float:
    """The share of common pieces, estimated: 0 for nothing in common, 1 for the same."""
    mine, theirs = set(one), set(other)
    smallest = sorted(mine | theirs)[: max(len(one), len(other))]
    return len((mine & theirs).intersection(smallest)) / len(smallest) if smallest else 1.0


@dataclass(slots=True)
class Bunches:
    """Texts put to the first that they are like. Memory grows with the number of different texts, not of texts."""

    least: float = ALIKE
    _same: dict[bytes, int] = field(default_factory=dict)
    _firsts: dict[int, Sketch] = field(default_factory=dict)
    _found: dict[int, list[int]] = field(default_factory=dict)
    _bunch: dict[int, int] = field(default_factory=dict)

    def put(self, number: int, words: str) -> tuple[int, int]:
        """Take in a text under its number: the number of its bunch's first, and of the first in the same words."""
        folded = plain(words)
        known = self._same.setdefault(_named(folded), number)
        if known != number:
            return self._bunch[known], known
        mine = sketch(folded)
        first = self._nearest(mine)
        self._bunch[number] = number if first is None else first
        if first is None:
            self._firsts[number] = mine
            for key in mine[:KEYS]:
                self._found.setdefault(key, []).append(number)
        return self._bunch[number], number

    def like(self, words: str) -> int | None:
        """The number of the first that a text is like, without taking it in; None when there is none."""
        folded = plain(words)
        known = self._same.get(_named(folded))
        return self._bunch[known] if known is not None else self._nearest(sketch(folded))

    def _nearest(self, mine: Sketch) -> int | None:
        """The first that is most alike, among the few that share the most keys."""
        shared = Counter(chain.from_iterable(self._found.get(key, ()) for key in mine[:KEYS]))
        near = nsmallest(LOOKED_AT, shared, key=lambda number: (-shared[number], number))
        best = max(near, key=lambda number: (likeness(mine, self._firsts[number]), -number), default=None)
        return best if best is not None and likeness(mine, self._firsts[best]) >= self.least else None


def _named(folded: str) -> bytes:
    return hashlib.blake2b(folded.encode(), digest_size=16).digest()


def bunches(texts: Iterable[tuple[int, str]]) -> Iterator[tuple[int, int, int]]:
    """(number, number of the bunch's first, number of the first in the same words) of each text, in order."""
    found = Bunches()
    for number, words in texts:
        yield number, *found.put(number, words)
