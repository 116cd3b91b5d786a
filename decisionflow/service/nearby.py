"""How many opinions say nearly what somebody is about to say: told before it is sent, never a reason to refuse it.

Kept in the memory of one process as sketches, not as words, and brought up to date when somebody asks. What is not
compared yet is not counted: the number is what is known, never more.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from decisionflow.core import similar

CONSULTATIONS = 16
AT_ONCE = 1000
_LATER = text("""
    select o.seq, v.value from opinion o
    join vault_field v on v.authority_id = o.authority_id and v.commitment = o.words
    where o.authority_id = :a and o.consultation_id = :c and o.seq > :after order by o.seq limit :most
""")


@dataclass(slots=True)
class _Known:
    """The opinions of a consultation up to a number, and how many there are of each kind."""

    bunches: similar.Bunches = field(default_factory=similar.Bunches)
    sizes: Counter[int] = field(default_factory=Counter)
    upto: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Neighbours:
    """Sketches of the opinions of the consultations that were asked for last."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, connection: Connection, authority: str, consultation: str, words: str) -> int:
        """How many opinions are like these words, as far as they were compared."""
        known = self._of((authority, consultation))
        with known.lock:
            values = {"a": authority, "c": consultation, "after": known.upto, "most": AT_ONCE}
            for row in connection.execute(_LATER, values):
                first, _ = known.bunches.put(row.seq, row.value)
                known.sizes[first] += 1
                known.upto = row.seq
            first_like = known.bunches.like(words)
            return known.sizes[first_like] if first_like is not None else 0

    def _of(self, key: tuple[str, str]) -> _Known:
        with self._lock:
            found = self._known.setdefault(key, _Known())
            self._known.move_to_end(key)
            while len(self._known) > CONSULTATIONS:
                self._known.popitem(last=False)
            return found
