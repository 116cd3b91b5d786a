"""The entries of one matter in their order: each holds the digest of the one before.

A chain is (authority, kind, id). `seq` counts 1, 2, 3 … without a gap, `prev` is `head` of the entry
before, ZERO in the first. A chain alone proves little against whoever can rewrite all of it: the tree
(`merkle`) and the checkpoints do that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from decisionflow.trail import canonical, verify
from decisionflow.trail.verify import ZERO, Fault

__all__ = ["KINDS", "ZERO", "Fault", "check", "head"]

KINDS = verify.CHAIN_KINDS


def head(data: bytes) -> str:
    """What the next entry of the chain holds as `prev`."""
    return canonical.digest(data)


def check(entries: Sequence[bytes]) -> tuple[Fault, ...]:
    """What is wrong with a whole chain, given in order; nothing when it is sound."""
    faults: list[Fault] = []
    read: list[tuple[bytes, dict[str, Any]]] = []
    for n, data in enumerate(entries, 1):
        try:
            read.append((data, canonical.decode(data)))
        except canonical.NotCanonical as fault:
            faults.append(Fault(n, fault.rule, fault.say))
    return tuple(faults or verify.link_faults(read, whole=True))
