"""Numbers written as people write them: ``2-5、9`` is 2, 3, 4, 5 and 9."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import TypeAlias

Spans: TypeAlias = tuple[tuple[int, int], ...]
_PART = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")


def read(text: str) -> Spans:
    """The spans of a text, in order and joined. Raises ValueError in Chinese."""
    found = []
    for part in re.split(r"[,，、;；\s]+", re.sub(r"\s*[-–—－~～至到]\s*", "-", text.strip())):
        if not part:
            continue
        match = _PART.fullmatch(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise ValueError(f"看不懂“{part[:20]}”，应写作 2-5、9 这样的编号")
        found.append((first, last))
    return _joined(sorted(found))


def of(numbers: Iterable[int]) -> Spans:
    """The spans that hold exactly these numbers."""
    return _joined(sorted((number, number) for number in numbers))


def _joined(found: Sequence[tuple[int, int]]) -> Spans:
    result: list[tuple[int, int]] = []
    for first, last in found:
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return tuple(result)


def write(spans: Spans) -> str:
    """``2-5,9``."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


def count(spans: Spans) -> int:
    """How many numbers there are."""
    return sum(last - first + 1 for first, last in spans)


def holds(spans: Spans, number: int) -> bool:
    """Whether a number is among them."""
    at = bisect_right(spans, (number, 2**63)) - 1
    return at >= 0 and spans[at][0] <= number <= spans[at][1]


def together(many: Iterable[Spans]) -> Spans:
    """The numbers of all of them."""
    return _joined(sorted(span for spans in many for span in spans))
