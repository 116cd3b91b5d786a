"""The two algorithms the verifier brings itself: Ed25519 verification and SM3, against their standards and OpenSSL."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from decisionflow.trail import verify

# RFC 8032 §7.1: public key, message, signature.
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
SM3 = {
    b"abc": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
    b"abcd" * 16: "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
}


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032_hold(public: str, message: str, signature: str) -> None:
    assert verify.ed25519(bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature))


def test_no_flipped_bit_of_a_signature_passes() -> None:
    public, message, signature = (bytes.fromhex(part) for part in RFC_8032[1])
    for bit in range(0, 512, 3):
        other = bytearray(signature)
        other[bit // 8] ^= 1 << bit % 8
        assert not verify.ed25519(public, message, bytes(other))


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511))
def test_signatures_made_by_openssl_verify_and_changed_ones_do_not(seed: bytes, message: bytes, bit: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert verify.ed25519(public, message, signature)
    assert not verify.ed25519(public, message + b"x", signature)
    other = (int.from_bytes(signature) ^ 1 << bit).to_bytes(64)
    assert not verify.ed25519(public, message, other)


def test_a_signature_has_one_spelling_only() -> None:
    public, message, signature = (bytes.fromhex(part) for part in RFC_8032[0])
    order = 2**252 + 27742317777372353535851937790883648493
    larger = int.from_bytes(signature[32:], "little") + order
    assert not verify.ed25519(public, message, signature[:32] + larger.to_bytes(32, "little"))
    assert not verify.ed25519(public, message, signature + b"\0")
    assert not verify.ed25519(public[:31], message, signature)


@pytest.mark.parametrize(
    "public",
    [
        (2**255 - 19).to_bytes(32, "little"),  # y not reduced
        (2**255 - 18).to_bytes(32, "little"),
        b"\xff" * 32,
        (1 | 1 << 255).to_bytes(32, "little"),  # negative zero
        (2).to_bytes(32, "little"),  # no such point
    ],
)
def test_bytes_that_are_no_point_are_no_key(public: bytes) -> None:
    assert verify._point(public) is None
    assert not verify.ed25519(public, b"", bytes.fromhex(RFC_8032[0][2]))


def test_the_neutral_point_is_a_point() -> None:
    assert verify._point((1).to_bytes(32, "little")) == (0, 1, 1, 0)


@pytest.mark.parametrize(("message", "want"), SM3.items())
def test_the_vectors_of_sm3_hold(message: bytes, want: str) -> None:
    assert verify.sm3_pure(message).hex() == verify.sm3(message).hex() == want


def test_sm3_in_python_equals_openssl_at_every_length_around_a_block() -> None:
    for length in range(140):
        data = bytes(range(length))
        assert verify.sm3_pure(data) == hashlib.new("sm3", data).digest()


def test_without_sm3_in_openssl_the_plain_one_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str, data: bytes) -> object:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr(hashlib, "new", absent)
    assert verify.sm3(b"abc").hex() == SM3[b"abc"]
