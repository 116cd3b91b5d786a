"""What a log's key signs: the tree head as a C2SP checkpoint in a signed note, and its short code for paper.

A note is its text, an empty line, and a line for each signature (c2sp.org/signed-note):

    gov.example.cn/yunhe                                    origin, which is also the name of the key
    20852                                                   number of leaves
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=            root

    — gov.example.cn/yunhe Az3grl…                          base64 of key id (4 bytes) and Ed25519 signature

Unknown signatures are ignored; a bad signature of a known key makes the whole note invalid. Extension
lines, leading zeroes and any second spelling of base64 are refused.

A short code is ``7K3M-0002-0852-`` and seven more groups: 4 characters for the origin, the size in at
least 8 decimal digits, 26 characters for the first 130 bits of the root, 2 check characters. Read as one
number in base 32 (Crockford's digits) it is a multiple of 1021, so that no single wrong character and no
two neighbours exchanged go unnoticed.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from decisionflow.errors import EXIT_NOT_VERIFIED, EXIT_USAGE, DecisionflowError
from decisionflow.trail import verify
from decisionflow.trail.verify import Checkpoint, VerifierKey

__all__ = [
    "BadCode",
    "BadNote",
    "Checkpoint",
    "Key",
    "PrivateKey",
    "ShortCode",
    "VerifierKey",
    "check_short_code",
    "format_checkpoint",
    "open_note",
    "parse_checkpoint",
    "parse_private_key",
    "parse_short_code",
    "parse_vkey",
    "short_code",
    "sign",
]


class BadNote(DecisionflowError):
    """A note, checkpoint or key is malformed, or a signature does not hold."""

    code = "bad-note"
    status = 422
    exit = EXIT_NOT_VERIFIED


class BadCode(DecisionflowError):
    """A short code that nobody can have printed: mistyped."""

    code = "bad-short-code"
    status = 422
    exit = EXIT_USAGE


# ---- keys and notes


class Key(Protocol):
    """Something that signs under a name: a PrivateKey, or a door to a device that holds one."""

    @property
    def verifier(self) -> VerifierKey: ...

    def signature(self, text: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """An Ed25519 key and the origin it signs for. `text` is its line in a key file."""

    name: str
    seed: bytes = field(repr=False)

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        return VerifierKey(self.name, self._ed25519().public_key().public_bytes_raw())

    @property
    def text(self) -> str:
        """``PRIVATE+KEY+<name>+<id, 8 hex>+<base64 of 0x01 and seed>``"""
        body = base64.b64encode(b"\x01" + self.seed).decode("ascii")
        return f"PRIVATE+KEY+{self.name}+{self.verifier.id.hex()}+{body}"

    def signature(self, text: str) -> bytes:
        """The 64 bytes over a note's text."""
        return self._ed25519().sign(text.encode())

    def _ed25519(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def parse_private_key(text: str) -> PrivateKey:
    """The key of a key line. Raises BadNote; the message never holds the line."""
    parts = text.split("+")
    data = verify.unbase64("+".join(parts[4:]))
    if parts[:2] != ["PRIVATE", "KEY"] or len(parts) < 5 or data is None or len(data) != 33 or data[0] != 1:
        raise BadNote("malformed private key", say="私钥不合写法")
    key = PrivateKey(parts[2], data[1:])
    if not verify.good_name(key.name) or parts[3] != key.verifier.id.hex():
        raise BadNote("private key does not fit its name and id", say="私钥与其名称、编号不符")
    return key


def parse_vkey(text: str) -> VerifierKey:
    """The public key of a vkey line. Raises BadNote."""
    try:
        return verify.parse_vkey(text)
    except verify.Malformed as fault:
        raise BadNote(str(fault), say=fault.say) from fault


def sign(text: str, *keys: Key) -> str:
    """The note: the text and one signature line for each key. Raises ValueError for a text no note can hold."""
    if not text.endswith("\n") or any(char < " " and char != "\n" for char in text) or not keys:
        raise ValueError("a note's text ends with a newline and holds no other control character")
    return text + "\n" + "".join(_line(key, text) for key in keys)


def _line(key: Key, text: str) -> str:
    body = base64.b64encode(key.verifier.id + key.signature(text)).decode("ascii")
    return f"— {key.verifier.name} {body}\n"


def open_note(note: str, verifiers: Iterable[VerifierKey]) -> tuple[str, tuple[VerifierKey, ...]]:
    """The text, and which of the verifiers signed it: at least one. Raises BadNote otherwise."""
    try:
        text, signatures = verify.parse_note(note.encode())
        signed = verify.signers(text, signatures, verifiers)
    except (verify.Malformed, UnicodeEncodeError) as fault:
        raise BadNote(str(fault), say=getattr(fault, "say", "签名文书不合写法")) from fault
    if not signed:
        raise BadNote("no signature of a known key", say="没有已知公钥的签名")
    return text, signed


# ---- checkpoints


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """The text of a checkpoint: origin, size, root, each on a line. Raises ValueError for what is none."""
    root = base64.b64encode(checkpoint.root).decode("ascii")
    text = f"{checkpoint.origin}\n{checkpoint.size}\n{root}\n"
    verify.parse_checkpoint(text)
    return text


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that a text says. Raises BadNote for any other spelling, extension lines included."""
    try:
        return verify.parse_checkpoint(text)
    except verify.Malformed as fault:
        raise BadNote(str(fault), say=fault.say) from fault


# ---- the short code

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_CHECK = 1021  # the greatest prime below 32², and 31 is no multiple of it
_CODE = re.compile(rf"([{_DIGITS}]{{4}})((?:[0-9]{{4}}){{2,4}})([{_DIGITS}]{{26}})[{_DIGITS}]{{2}}")


@dataclass(frozen=True, slots=True)
class ShortCode:
    """What a short code says of a checkpoint."""

    origin: str
    size: int
    root: str

    def names(self, checkpoint: Checkpoint) -> bool:
        """Whether this is the checkpoint's code."""
        return self == _short(checkpoint.origin, checkpoint.size, checkpoint.root)


def short_code(origin: str, size: int, root: bytes) -> str:
    """The code of a checkpoint, in groups of four characters."""
    short = _short(origin, size, root)
    digits = f"{size:08}"
    body = short.origin + digits.zfill(-(-len(digits) // 4) * 4) + short.root
    code = body + _base32(-_number(body) * 1024 % _CHECK, 2)
    return "-".join(code[n : n + 4] for n in range(0, len(code), 4))


def parse_short_code(code: str) -> ShortCode:
    """What a code says; case, spaces and hyphens do not matter. Raises BadCode when it was mistyped."""
    plain = code.upper().replace("-", "").replace(" ", "")
    found = _CODE.fullmatch(plain)
    if found is None or _number(plain) % _CHECK or _number(plain[-2:]) >= _CHECK:
        raise BadCode("mistyped short code", say="短码抄写有误，请核对")
    size = found.group(2)
    if len(size) > 8 and size.startswith("0000"):
        raise BadCode("short code with a padded size", say="短码抄写有误，请核对")
    return ShortCode(found.group(1), int(size), found.group(3))


def check_short_code(code: str, origin: str, size: int, root: bytes) -> bool:
    """Whether the code is this checkpoint's; a mistyped one is not."""
    try:
        return parse_short_code(code) == _short(origin, size, root)
    except BadCode:
        return False


def _short(origin: str, size: int, root: bytes) -> ShortCode:
    name = hashlib.sha256(b"decisionflow/origin/v1\n" + origin.encode()).digest()
    return ShortCode(_base32(int.from_bytes(name) >> 236, 4), size, _base32(int.from_bytes(root) >> 126, 26))


def _base32(number: int, length: int) -> str:
    return "".join(_DIGITS[number >> 5 * n & 31] for n in reversed(range(length)))


def _number(text: str) -> int:
    number = 0
    for char in text:
        number = number * 32 + _VALUES[char]
    return number
