"""A chain: nothing dropped, inserted, exchanged or rewritten in the middle."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from decisionflow.trail import canonical, chain, verify
from tests.trail import making


def made(length: int = 6, chain_id: str = making.CASE, first: int = 1) -> list[bytes]:
    entries: list[bytes] = []
    for n in range(first, first + length):
        entries.append(canonical.encode(making.record("case", chain_id, entries[-1] if entries else None, n)))
    return entries


def rules(entries: list[bytes]) -> set[str]:
    return {fault.rule for fault in chain.check(entries)}


def changed(data: bytes, **changes: Any) -> bytes:
    return canonical.encode({**canonical.decode(data), **changes})


def test_a_sound_chain_has_no_faults() -> None:
    assert chain.check(made()) == ()
    assert chain.check([]) == ()


def test_the_head_is_what_the_next_entry_holds() -> None:
    first, second = made(2)
    assert canonical.decode(first)["chain"]["prev"] == chain.ZERO
    assert canonical.decode(second)["chain"]["prev"] == chain.head(first) == canonical.digest(first)


def test_an_entry_dropped_anywhere_but_at_the_end_is_seen() -> None:
    whole = made()
    for n in range(len(whole) - 1):
        assert "seq" in rules(whole[:n] + whole[n + 1 :])


def test_any_two_exchanged_are_seen() -> None:
    whole = made()
    for left, right in combinations(range(len(whole)), 2):
        other = list(whole)
        other[left], other[right] = whole[right], whole[left]
        assert rules(other) & {"seq", "prev"}


def test_an_entry_twice_is_seen() -> None:
    whole = made()
    assert rules([*whole, whole[-1]]) >= {"seq", "id"}


def test_every_flipped_bit_is_seen() -> None:
    whole = made(3)
    for n in range(2):  # the last entry's bytes are guarded by the tree, not by the chain
        for place in range(len(whole[n])):
            other = list(whole)
            other[n] = whole[n][:place] + bytes([whole[n][place] ^ 1 << place % 8]) + whole[n][place + 1 :]
            assert chain.check(other), (n, place)


def test_an_entry_of_another_chain_or_authority_is_seen() -> None:
    mine, theirs = made(2), made(2, chain_id="another", first=7)
    assert rules([mine[0], theirs[1]]) >= {"chain", "prev"}
    record = canonical.decode(mine[1])
    assert rules([mine[0], changed(mine[1], authority="other")]) == {"chain"}
    assert rules([mine[0], changed(mine[1], chain={**record["chain"], "kind": "meeting"})]) == {"chain"}


def test_a_part_of_a_chain_may_have_gaps_but_no_entry_twice_and_no_broken_link() -> None:
    part = [(data, canonical.decode(data)) for data in made(4)]
    assert verify.link_faults([part[0], part[2], part[3]], whole=False) == []
    assert [fault.rule for fault in verify.link_faults([part[1], part[1]], whole=False)] == ["id", "seq"]
    assert [fault.rule for fault in verify.link_faults([part[2], part[1]], whole=False)] == ["seq"]
    other = changed(part[2][0], software="other")
    joined = [part[0], (other, canonical.decode(other)), part[3]]
    assert [(fault.n, fault.rule) for fault in verify.link_faults(joined, whole=False)] == [(3, "prev")]


def test_a_rewritten_entry_breaks_the_link_behind_it() -> None:
    whole = made()
    faults = chain.check([*whole[:2], changed(whole[2], software="other"), *whole[3:]])
    assert [(fault.n, fault.rule) for fault in faults] == [(4, "prev")]


def test_a_first_entry_must_not_point_anywhere() -> None:
    first = canonical.decode(made(1)[0])
    assert rules([changed(made(1)[0], chain={**first["chain"], "prev": "1" * 64})]) == {"prev"}


def test_bytes_that_are_not_canonical_are_named() -> None:
    whole = made(3)
    assert [(fault.n, fault.rule) for fault in chain.check([whole[0], whole[1] + b"\n", whole[2]])] == [(2, "spelling")]


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"v": True},
        {"kind": ""},
        {"id": 7},
        {"authority": ""},
        {"chain": "x"},
        {"chain": {"kind": "weather", "id": "a", "seq": 1, "prev": chain.ZERO}},
        {"chain": {"kind": "case", "id": "../a", "seq": 1, "prev": chain.ZERO}},
        {"chain": {"kind": "case", "id": 7, "seq": 1, "prev": chain.ZERO}},
        {"chain": {"kind": "case", "id": "a.", "seq": 1, "prev": chain.ZERO}},
        {"chain": {"kind": "case", "id": "a", "seq": 0, "prev": chain.ZERO}},
        {"chain": {"kind": "case", "id": "a", "seq": True, "prev": chain.ZERO}},
        {"chain": {"kind": "case", "id": "a", "seq": 1, "prev": "0"}},
        {"chain": {"kind": "case", "id": "a", "seq": 1, "prev": chain.ZERO, "more": 1}},
        {"times": {"recorded_at": "2024-03-01T01:00:00.000000Z"}},
        {"times": {"recorded_at": "2024-03-01 01:00", "clock": "system"}},
        {"times": {"recorded_at": "2024-03-01T01:00:00.000000Z", "clock": "mine"}},
    ],
)
def test_a_header_that_the_trail_cannot_rely_on_is_a_fault(changes: dict[str, Any]) -> None:
    assert rules([changed(made(1)[0], **changes)]) & {"version", "header"}
