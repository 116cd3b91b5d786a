"""The one tree of an authority: RFC 6962, so that any entry can be proven to lie in it with a few hashes.

A leaf is three lines that name no case, so that a mirror learns nothing:

    df-leaf/v1
    <canonical.digest, hex>
    <canonical.digest_sm3, hex>

Hashes: of a leaf SHA-256(0x00 || leaf), of a node SHA-256(0x01 || left || right), of nothing SHA-256("").
Only complete subtrees are stored, as rows (level, index) -> hash that are written once and never change:
level 0 is the leaves, and (level, index) covers the leaves from index·2^level on. `read(level, index)` is
all that this module asks of storage, and it asks O(log n) times.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from decisionflow.trail.verify import EMPTY_ROOT, check_consistency, check_inclusion, leaf, leaf_hash, node_hash

__all__ = [
    "EMPTY_ROOT",
    "Read",
    "check_consistency",
    "check_inclusion",
    "leaf",
    "leaf_hash",
    "node_hash",
    "prove_consistency",
    "prove_inclusion",
    "root",
    "stored",
]

Read: TypeAlias = Callable[[int, int], bytes]


def stored(index: int, leaf: bytes, read: Read) -> list[tuple[int, int, bytes]]:
    """The rows (level, index, hash) that adding leaf number `index` (from 0) completes: its own, then upwards."""
    found = leaf_hash(leaf)
    rows, level = [(0, index, found)], 0
    while index & 1:
        found = node_hash(read(level, index - 1), found)
        level, index = level + 1, index >> 1
        rows.append((level, index, found))
    return rows


def root(size: int, read: Read) -> bytes:
    """The root of the first `size` leaves."""
    return _subtree(0, size, read) if size else EMPTY_ROOT


def prove_inclusion(index: int, size: int, read: Read) -> list[bytes]:
    """The hashes that lead from leaf number `index` to the root of `size` leaves, lowest first."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    path, low, high = [], 0, size
    while high - low > 1:
        middle = low + _half(high - low)
        if index < middle:
            path.append(_subtree(middle, high, read))
            high = middle
        else:
            path.append(_subtree(low, middle, read))
            low = middle
    return path[::-1]


def prove_consistency(old: int, new: int, read: Read) -> list[bytes]:
    """The hashes that show that the tree of `new` leaves begins with that of `old` leaves; none when old is 0 or new."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} has no beginning of {old}")
    if old in (0, new):
        return []
    path, low, high = [], 0, new
    while old != high:
        middle = low + _half(high - low)
        if old <= middle:
            path.append(_subtree(middle, high, read))
            high = middle
        else:
            path.append(_subtree(low, middle, read))
            low = middle
    # The old tree's own root is known to whoever checks; only a part of it must be given.
    return [*([_subtree(low, high, read)] if low else []), *path[::-1]]


def _half(count: int) -> int:
    """The greatest power of two below `count`: where RFC 6962 divides."""
    return 1 << (count - 1).bit_length() - 1


def _subtree(low: int, high: int, read: Read) -> bytes:
    """The hash over leaves low to high: stored when complete, else put together from what is."""
    count = high - low
    if not count & (count - 1):
        level = count.bit_length() - 1
        return read(level, low >> level)
    middle = low + _half(count)
    return node_hash(_subtree(low, middle, read), _subtree(middle, high, read))
