"""Commitments: the value, the salt and the place all count."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisionflow.trail import commitment

SALT = bytes(range(32))


def test_a_commitment_is_the_hash_that_the_format_says() -> None:
    data = b"decisionflow/field/v1\nbody.contact\0" + SALT + "周".encode()
    assert commitment.commit("body.contact", SALT, "周") == hashlib.sha256(data).hexdigest()


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E)), st.binary(min_size=32, max_size=32), st.text())
def test_only_the_same_value_at_the_same_place_with_the_same_salt_fits(path: str, salt: bytes, value: str) -> None:
    made = commitment.commit(path, salt, value)
    assert commitment.check(made, path, salt, value)
    assert not commitment.check(made, path + "x", salt, value)
    assert not commitment.check(made, path, salt, value + "x")
    assert not commitment.check(made, path, bytes([salt[0] ^ 1]) + salt[1:], value)


@pytest.mark.parametrize(
    ("path", "salt"), [("a", b""), ("a", bytes(31)), ("a", bytes(33)), ("a\0b", SALT), ("案", SALT)]
)
def test_a_short_salt_or_a_path_that_could_be_read_two_ways_is_refused(path: str, salt: bytes) -> None:
    with pytest.raises(ValueError):
        commitment.commit(path, salt, "x")
