"""The tree: the published vectors, the definitions of RFC 6962, and every byte of every proof."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisionflow.trail import canonical, merkle

# The inputs and hashes that Certificate Transparency implementations test themselves with.
INPUTS = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
NODES = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
    "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
    "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
    "46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1",
]
PAIRS = [
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
]
FOURS = [
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSIONS = {
    (0, 1): [],
    (0, 8): [NODES[1], PAIRS[1], FOURS[1]],
    (5, 8): [NODES[4], PAIRS[3], FOURS[0]],
    (2, 3): [PAIRS[0]],
    (1, 5): [NODES[0], PAIRS[1], NODES[4]],
}
CONSISTENCIES = {
    (1, 1): [],
    (1, 8): [NODES[1], PAIRS[1], FOURS[1]],
    (6, 8): [PAIRS[2], PAIRS[3], FOURS[0]],
    (2, 5): [PAIRS[1], NODES[4]],
}


class Tree:
    """Rows as a database would hold them: written once. Counts what is read."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.rows: dict[tuple[int, int], bytes] = {}
        self.reads = 0
        for index, leaf in enumerate(leaves):
            for level, place, found in merkle.stored(index, leaf, self.read):
                assert (level, place) not in self.rows
                self.rows[level, place] = found

    def read(self, level: int, index: int) -> bytes:
        self.reads += 1
        return self.rows[level, index]


def leaves(size: int) -> list[bytes]:
    return [b"leaf %d" % n for n in range(size)]


def head(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashlib.sha256(b"\0" + hashes[0]).digest()
    k = split(len(hashes))
    return hashlib.sha256(b"\1" + head(hashes[:k]) + head(hashes[k:])).digest()


def path(m: int, hashes: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962 §2.1.1."""
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    return [*path(m, hashes[:k]), head(hashes[k:])] if m < k else [*path(m - k, hashes[k:]), head(hashes[:k])]


def subproof(m: int, hashes: list[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962 §2.1.2."""
    if m == len(hashes):
        return [] if whole else [head(hashes)]
    k = split(len(hashes))
    if m <= k:
        return [*subproof(m, hashes[:k], whole), head(hashes[k:])]
    return [*subproof(m - k, hashes[k:], False), head(hashes[:k])]


def split(n: int) -> int:
    return next(1 << bit for bit in reversed(range(40)) if 1 << bit < n)


def flips(proof: list[bytes]) -> Iterator[list[bytes]]:
    """Every proof that differs in one bit of one byte, lacks a hash, or has one too many."""
    for n, part in enumerate(proof):
        for place in range(32):
            yield [
                *proof[:n],
                part[:place] + bytes([part[place] ^ 1 << place % 8]) + part[place + 1 :],
                *proof[n + 1 :],
            ]
        yield proof[:n] + proof[n + 1 :]
        yield [*proof[:n], part[:-1], *proof[n + 1 :]]
    yield [*proof, bytes(32)]
    yield [bytes(32), *proof]


def test_the_published_vectors_hold() -> None:
    tree = Tree(INPUTS)
    assert [tree.rows[0, n].hex() for n in range(8)] == NODES
    assert [tree.rows[1, n].hex() for n in range(4)] == PAIRS
    assert [tree.rows[2, n].hex() for n in range(2)] == FOURS
    assert [merkle.root(size, tree.read).hex() for size in range(9)] == ROOTS
    for (index, size), want in INCLUSIONS.items():
        assert [part.hex() for part in merkle.prove_inclusion(index, size, tree.read)] == want
    for (old, new), want in CONSISTENCIES.items():
        assert [part.hex() for part in merkle.prove_consistency(old, new, tree.read)] == want


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 200), st.data())
def test_roots_and_proofs_are_those_of_the_definitions(size: int, data: st.DataObject) -> None:
    inputs = leaves(size)
    tree = Tree(inputs)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    assert merkle.root(size, tree.read) == head(inputs)
    assert merkle.prove_inclusion(index, size, tree.read) == path(index, inputs)
    assert merkle.prove_consistency(old, size, tree.read) == subproof(old, inputs, True)


def test_every_leaf_of_every_size_is_proven_and_no_flipped_byte_passes() -> None:
    tree = Tree(leaves(33))
    for size in range(1, 34):
        root = merkle.root(size, tree.read)
        for index in range(size):
            found = tree.rows[0, index]
            proof = merkle.prove_inclusion(index, size, tree.read)
            assert merkle.check_inclusion(index, size, found, proof, root)
            for other in flips(proof):
                assert not merkle.check_inclusion(index, size, found, other, root)


def test_a_proof_holds_for_its_own_place_hash_and_root_only() -> None:
    tree = Tree(leaves(33))
    for size in range(2, 34):
        root = merkle.root(size, tree.read)
        for index in range(size):
            proof = merkle.prove_inclusion(index, size, tree.read)
            found = tree.rows[0, index]
            for other in range(-1, size + 1):
                assert merkle.check_inclusion(other, size, found, proof, root) == (other == index)
            assert not merkle.check_inclusion(index, size, found, proof, merkle.root(size - 1, tree.read))
            assert not merkle.check_inclusion(index, size, tree.rows[0, (index + 1) % size], proof, root)


def test_every_tree_continues_every_earlier_one_and_no_flipped_byte_passes() -> None:
    tree = Tree(leaves(33))
    roots = [merkle.root(size, tree.read) for size in range(34)]
    for new in range(34):
        for old in range(new + 1):
            proof = merkle.prove_consistency(old, new, tree.read)
            assert merkle.check_consistency(old, new, roots[old], roots[new], proof)
            wrong = bytes([roots[old][0] ^ 1]) + roots[old][1:]
            assert not merkle.check_consistency(old, new, wrong, roots[new], proof)
            if old:
                wrong = bytes([roots[new][0] ^ 1]) + roots[new][1:]
                assert not merkle.check_consistency(old, new, roots[old], wrong, proof)
            for other in flips(proof):
                assert not merkle.check_consistency(old, new, roots[old], roots[new], other)


@settings(max_examples=300)
@given(st.integers(-2, 70), st.integers(-2, 70), st.lists(st.binary(min_size=32, max_size=32), max_size=8), st.data())
def test_no_invented_proof_passes(first: int, second: int, proof: list[bytes], data: st.DataObject) -> None:
    root = hashlib.sha256(b"root").digest()
    assert not merkle.check_inclusion(first, second, bytes(32), proof, root)
    assert not merkle.check_consistency(first, second, bytes(32), root, proof)


def test_a_smaller_tree_and_a_leaf_beyond_the_end_cannot_be_asked_for() -> None:
    tree = Tree(leaves(5))
    for index, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(ValueError):
            merkle.prove_inclusion(index, size, tree.read)
    with pytest.raises(ValueError):
        merkle.prove_consistency(5, 4, tree.read)


def test_proofs_read_few_rows_even_of_a_large_tree() -> None:
    tree = Tree(leaves(4095))
    for ask in (
        lambda: merkle.root(4095, tree.read),
        lambda: merkle.prove_inclusion(1234, 4095, tree.read),
        lambda: merkle.prove_inclusion(4094, 4095, tree.read),
        lambda: merkle.prove_consistency(2047, 4095, tree.read),
    ):
        tree.reads = 0
        ask()
        assert tree.reads <= 2 * 12


def test_a_leaf_is_three_lines_that_name_no_case() -> None:
    data = b'{"v":1}'
    assert merkle.leaf(data).decode() == f"df-leaf/v1\n{canonical.digest(data)}\n{canonical.digest_sm3(data)}\n"
