"""Checks a decisionflow evidence package. One file, Python 3.8 or later, standard library only.

    python verify.py PACKAGE.zip [--keys TRUST.json] [--pin CHECKPOINT.txt] [--json]

Exit 0 passed, 4 failed, 6 undecided, 2 wrong use. The format is written down byte by byte in the
README.txt inside each package. Nothing here writes, asks a network, or imports the product: this
file travels in every package, and the product itself checks with it and has no other verifier.

A package does not vouch for itself. Whom to believe comes from the trust file:

    {"format": 1, "keys": [{"vkey": "<name>+<id>+<base64>", "valid_from_size": 0, "valid_to_size": 9412}]}

A key counts for checkpoints whose tree size lies in its range; either end may be left out. Without a
trust file a flawless package is 无法判断, never 通过. A crash inside a check is never a pass.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import functools
import hashlib
import io
import json
import re
import struct
import sys
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

PASSED, FAILED, UNDECIDED, UNPROVEN = "passed", "failed", "undecided", "not_proven"
EXITS = {PASSED: 0, FAILED: 4, UNDECIDED: 6}
EXIT_USAGE = 2

CHAIN_KINDS = ("case", "consultation", "meeting", "register", "procedure", "calendar", "security")
ZERO = "0" * 64
MAX_ENTRY = 65_535
MAX_DEPTH = 16
MAX_INTEGER = 2**53 - 1
MAX_PACKAGE = 2**31 - 1
MAX_MEMBERS = 65_535
MAX_LOOK = 2**28  # of a ZIP that is not ours no more is unpacked only to say what is wrong with it
MAX_SIGNATURES = 64
PACKAGE = "decisionflow/package/v1"


class Malformed(ValueError):
    """Something given to us is not what the format says: which rule, where, and a sentence for people."""

    def __init__(self, rule: str, say: str, place: str = "") -> None:
        super().__init__(f"{place}: {rule}" if place else rule)
        self.rule, self.say, self.place = rule, say, place


# ---- canonical bytes: RFC 8785 on a restricted domain

_RULES = {
    "type": "只能是文字、整数、是否、列表和映射",
    "integer": "整数超出 ±(2^53-1)",
    "key": "键必须是可见的 ASCII 字符",
    "control": "文字含控制字符",
    "surrogate": "文字含孤立的代理码元",
    "nfc": "文字不是 NFC 写法",
    "depth": "嵌套超过 16 层",
    "size": "超过 65535 字节",
    "json": "不是有效的 JSON",
    "spelling": "不是规范写法",
}
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def misfit(value: object, *, entry: bool = True) -> Malformed | None:
    """Why a value lies outside the domain, or None. `entry=False` is the domain of a package's own lists.

    Entries: a dict of str, int, bool, list, dict; integers within ±(2^53-1); keys printable ASCII; strings in
    NFC without control characters but LF; at most 16 levels. A package's own lists may hold any characters.
    """
    if type(value) is not dict:
        return broken("type")
    try:
        _walk(value, 1, entry)
    except Malformed as fault:
        return fault
    return None


def broken(rule: str, place: str = "") -> Malformed:
    """The fault of a rule, with its sentence."""
    return Malformed(rule, _RULES[rule], place)


def _walk(box: Any, depth: int, entry: bool) -> None:
    """Raise Malformed for the first misfit in a dict or list, with its path. Every entry ever written passes here."""
    if depth > MAX_DEPTH:
        raise broken("depth")
    named = type(box) is dict
    if named and not _good_keys(box):
        raise _key_fault(box)
    part: object = ""
    try:
        for part, value in box.items() if named else enumerate(box):  # noqa: B007  used when it fails
            kind = type(value)
            if kind is str:
                if not (value.isprintable() and (value.isascii() or unicodedata.is_normalized("NFC", value))):
                    _text(value, entry)
            elif kind is dict or kind is list:
                _walk(value, depth + 1, entry)
            elif kind is int:
                if not -MAX_INTEGER <= value <= MAX_INTEGER:
                    raise broken("integer")
            elif kind is not bool:
                raise broken("type")
    except Malformed as fault:
        here = str(part) if named else f"[{part}]"
        raise Malformed(fault.rule, fault.say, _join(here, fault.place)) from None


def _good_keys(box: dict[Any, Any]) -> bool:
    try:
        names = "".join(box)
    except TypeError:
        return False
    return names.isascii() and names.isprintable() and "" not in box


def _key_fault(box: dict[Any, Any]) -> Malformed:
    bad = [key for key in box if not (isinstance(key, str) and key and key.isascii() and key.isprintable())]
    return broken("key", str(bad[0]))


def _text(text: str, entry: bool) -> None:
    if _SURROGATE.search(text):
        raise broken("surrogate")
    if not entry:
        return
    if _CONTROL.search(text):
        raise broken("control")
    if not unicodedata.is_normalized("NFC", text) and _settled(text):
        raise broken("nfc")


def _settled(text: str) -> bool:
    """Whether Unicode 3.2 has every character. Such text is in NFC for ever or never; of newer characters a later
    table may think differently, and a seal must not turn bad because Unicode grew.
    """
    return all(unicodedata.ucd_3_2_0.category(char) != "Cn" for char in text)


def _join(left: str, right: str) -> str:
    return left + ("" if not right or right.startswith("[") else ".") + right


def decode(data: bytes, *, entry: bool = True) -> dict[str, Any]:
    """The record that canonical bytes say. Raises Malformed for any other spelling and anything outside the domain."""
    if entry and len(data) > MAX_ENTRY:
        raise broken("size")
    try:
        value = json.loads(data.decode("utf-8"), parse_int=_integer, parse_constant=_constant)
    except RecursionError:
        raise broken("depth") from None
    except Malformed:
        raise
    except ValueError:
        raise broken("json") from None
    fault = misfit(value, entry=entry)
    if fault is not None:
        raise fault
    # A duplicate key, another order, a space or another escape gives other bytes here.
    if canonical(value) != data:
        raise broken("spelling")
    return dict(value)


def _integer(text: str) -> int:
    if len(text) > 17:
        raise broken("integer")
    return int(text)


def _constant(text: str) -> int:
    raise broken("type")


def canonical(value: object) -> bytes:
    """RFC 8785 bytes of a value that `misfit` finds nothing wrong with."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")


# ---- digests


def digest(data: bytes) -> str:
    """The hex SHA-256 by which an entry is known: over ``decisionflow/event/v1\\n`` and its bytes."""
    return hashlib.sha256(b"decisionflow/event/v1\n" + data).hexdigest()


def digest_sm3(data: bytes) -> str:
    """The same over SM3."""
    return sm3(b"decisionflow/event/v1\n" + data).hex()


def commitment(path: str, salt: bytes, value: str) -> str:
    """What an entry holds in place of a personal value: hex SHA-256 over path, salt and value."""
    if len(salt) != 32 or "\0" in path:
        raise ValueError("a salt has 32 bytes, a path no NUL")
    head = b"decisionflow/field/v1\n" + path.encode("ascii") + b"\0"
    return hashlib.sha256(head + salt + value.encode("utf-8")).hexdigest()


def sm3(data: bytes) -> bytes:
    """SM3 (GB/T 32905-2016), by OpenSSL where it has it."""
    try:
        return hashlib.new("sm3", data).digest()
    except ValueError:
        return sm3_pure(data)


def sm3_pure(data: bytes) -> bytes:
    """SM3 in plain Python: right, and some thousand times slower."""
    state = (0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600, 0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E)
    padded = data + b"\x80" + bytes(-(len(data) + 9) % 64) + struct.pack(">Q", len(data) * 8)
    for start in range(0, len(padded), 64):
        mixed = _sm3_block(state, padded[start : start + 64])
        state = tuple(old ^ new for old, new in zip(state, mixed))  # type: ignore[assignment]  # noqa: B905  3.8
    return struct.pack(">8I", *state)


def _sm3_block(state: tuple[int, ...], block: bytes) -> tuple[int, ...]:
    words = list(struct.unpack(">16I", block))
    for n in range(16, 68):
        x = words[n - 16] ^ words[n - 9] ^ _left(words[n - 3], 15)
        words.append(x ^ _left(x, 15) ^ _left(x, 23) ^ _left(words[n - 13], 7) ^ words[n - 6])
    a, b, c, d, e, f, g, h = state
    for n in range(64):
        turn = _left(0x79CC4519 if n < 16 else 0x7A879D8A, n % 32)
        one = _left((_left(a, 12) + e + turn) & 0xFFFFFFFF, 7)
        two = one ^ _left(a, 12)
        ff = a ^ b ^ c if n < 16 else (a & b) | (a & c) | (b & c)
        gg = e ^ f ^ g if n < 16 else (e & f) | (~e & g)
        first = (ff + d + two + (words[n] ^ words[n + 4])) & 0xFFFFFFFF
        second = (gg + h + one + words[n]) & 0xFFFFFFFF
        a, b, c, d = first, a, _left(b, 9), c
        e, f, g, h = second ^ _left(second, 9) ^ _left(second, 17), e, _left(f, 19), g
    return a, b, c, d, e, f, g, h


def _left(word: int, bits: int) -> int:
    return ((word << bits) | (word >> (32 - bits))) & 0xFFFFFFFF


# ---- the chain


@dataclass(frozen=True)
class Fault:
    """What is wrong with entry number `n` of a chain (1-based, in the order given)."""

    n: int
    rule: str
    say: str


_CHAIN_ID = r"[A-Za-z0-9](?:[A-Za-z0-9@._=+-]{0,126}[A-Za-z0-9])?"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
_HEX = re.compile(r"[0-9a-f]{64}")


def header_fault(record: Mapping[str, Any]) -> tuple[str, str] | None:
    """Rule and sentence when a record lacks what the trail itself needs of it, else None."""
    chain, times = record.get("chain"), record.get("times")
    if record.get("v") != 1 or type(record.get("v")) is not int:
        return "version", "记录的版本不是 1"
    if not all(type(record.get(name)) is str and record[name] for name in ("kind", "id", "authority")):
        return "header", "记录缺少 kind、id 或 authority"
    if type(chain) is not dict or chain.get("kind") not in CHAIN_KINDS or set(chain) != {"kind", "id", "seq", "prev"}:
        return "header", "记录的 chain 不完整"
    if type(chain["id"]) is not str or not re.fullmatch(_CHAIN_ID, chain["id"]):
        return "header", "记录的链编号不合写法"
    if type(chain["seq"]) is not int or chain["seq"] < 1 or not _is_hex(chain["prev"]):
        return "header", "记录的 seq 或 prev 不合写法"
    if type(times) is not dict or times.get("clock") not in ("system", "simulated"):
        return "header", "记录没有写明时钟"
    if type(times.get("recorded_at")) is not str or not re.fullmatch(_TIME, times["recorded_at"]):
        return "header", "记录的登记时间不合写法"
    return None


def link_faults(entries: Sequence[tuple[bytes, Mapping[str, Any]]], *, whole: bool) -> list[Fault]:
    """What is wrong with the order and the links of one chain's entries; `whole` asks for 1, 2, 3 … without a gap."""
    faults: list[Fault] = []
    ids: set[str] = set()
    seq, head, of = 0, ZERO, None
    for n, (data, record) in enumerate(entries, 1):
        broken = header_fault(record)
        if broken is not None:
            return [*faults, Fault(n, *broken)]
        chain = record["chain"]
        if of is None:
            of = (record["authority"], chain["kind"], chain["id"])
        elif of != (record["authority"], chain["kind"], chain["id"]):
            faults.append(Fault(n, "chain", "属于另一条链"))
        if record["id"] in ids:
            faults.append(Fault(n, "id", "编号与前面的记录相同"))
        follows = chain["seq"] == seq + 1
        if not follows and (whole or chain["seq"] <= seq):
            faults.append(Fault(n, "seq", f"序号应为 {seq + 1}，实为 {chain['seq']}"))
        if follows and chain["prev"] != head:
            faults.append(Fault(n, "prev", "与前一条记录的链接不符"))
        ids.add(record["id"])
        seq, head = chain["seq"], digest(data)
    return faults


def _is_hex(value: object) -> bool:
    return type(value) is str and _HEX.fullmatch(value) is not None


# ---- the tree: RFC 6962 over leaves of three lines

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf(data: bytes) -> bytes:
    """The leaf of an entry: ``df-leaf/v1``, its SHA-256 and its SM3, each on a line. It names no case."""
    return f"df-leaf/v1\n{digest(data)}\n{digest_sm3(data)}\n".encode("ascii")


def leaf_hash(text: bytes) -> bytes:
    """RFC 6962 §2.1: SHA-256 of 0x00 and the leaf."""
    return hashlib.sha256(b"\x00" + text).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 §2.1: SHA-256 of 0x01 and the two hashes below."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def check_inclusion(index: int, size: int, hash: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof leads from leaf number `index` (from 0) to the root of `size` leaves. RFC 9162 §2.1.3.2."""
    if not 0 <= index < size or any(len(part) != 32 for part in proof):
        return False
    here, last, found = index, size - 1, hash
    for part in proof:
        if last == 0:
            return False
        if here & 1 or here == last:
            found = node_hash(part, found)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            found = node_hash(found, part)
        here, last = here >> 1, last >> 1
    return last == 0 and found == root


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of `new` leaves begins with the tree of `old` leaves. RFC 9162 §2.1.4.2."""
    if not 0 <= old <= new or any(len(part) != 32 for part in proof):
        return False
    if old in (0, new):
        return not proof and old_root == (EMPTY_ROOT if old == 0 else new_root)
    here, last = old - 1, new - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    parts = list(proof) if here else [old_root, *proof]
    if not parts:
        return False
    first = second = parts[0]
    for part in parts[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            first, second = node_hash(part, first), node_hash(part, second)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            second = node_hash(second, part)
        here, last = here >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


# ---- Ed25519: RFC 8032, verification only, no secret ever passes through here

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
_ZERO_POINT = (0, 1, 1, 0)


def _point_add(one: tuple[int, ...], two: tuple[int, ...]) -> tuple[int, int, int, int]:
    a = (one[1] - one[0]) * (two[1] - two[0]) % _P
    b = (one[1] + one[0]) * (two[1] + two[0]) % _P
    c = 2 * one[3] * two[3] * _D % _P
    d = 2 * one[2] * two[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _point(data: bytes) -> tuple[int, int, int, int] | None:
    """The point that 32 bytes name, or None: y not reduced, no such x, or a negative zero."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


_BASE = _point((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little")) or _ZERO_POINT


@functools.lru_cache(maxsize=256)
def ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature is the key's over the message; S must be reduced, so no second spelling passes."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, s = _point(public), int.from_bytes(signature[32:], "little")
    if key is None or s >= _L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % _L
    minus = (_P - key[0], key[1], key[2], _P - key[3])
    steps = (_ZERO_POINT, _BASE, minus, _point_add(_BASE, minus))
    found: tuple[int, int, int, int] = _ZERO_POINT
    for bit in range(252, -1, -1):  # s·B - k·A, both at once
        found = _point_add(found, found)
        step = (s >> bit & 1) | (k >> bit & 1) << 1
        if step:
            found = _point_add(found, steps[step])
    shrink = pow(found[2], _P - 2, _P)
    x, y = found[0] * shrink % _P, found[1] * shrink % _P
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


# ---- signed notes and checkpoints: c2sp.org/signed-note, c2sp.org/tlog-checkpoint


@dataclass(frozen=True)
class VerifierKey:
    """A public Ed25519 key under its name: the origin of the log whose checkpoints it signs."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """The first four bytes of SHA-256 over name, LF, 0x01 and key."""
        return hashlib.sha256(self.name.encode("utf-8") + b"\n\x01" + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        """``<name>+<id, 8 hex>+<base64 of 0x01 and key>``"""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(b'%c' % 1 + self.public).decode('ascii')}"

    def verify(self, text: str, signature: bytes) -> bool:
        """Whether the signature over the text is this key's."""
        return ed25519(self.public, text.encode("utf-8"), signature)


@dataclass(frozen=True)
class Signature:
    """One signature line of a note: who claims to have signed, and the bytes after the key id."""

    name: str
    id: bytes
    data: bytes


@dataclass(frozen=True)
class Checkpoint:
    """A tree head: whose log, how many leaves, which root."""

    origin: str
    size: int
    root: bytes


def good_name(name: str) -> bool:
    """Whether a key may be called so: not empty, no space, no plus, no control character."""
    return bool(name) and not any(char in "+\x7f" or char < " " or char.isspace() for char in name)


def parse_vkey(text: str) -> VerifierKey:
    """The key that a vkey line names. Raises Malformed."""
    name, _, rest = text.partition("+")
    id_, _, body = rest.partition("+")
    data = unbase64(body)
    if not good_name(name) or data is None or len(data) != 33 or data[0] != 1:
        raise Malformed("vkey", "公钥不合写法", text[:80])
    key = VerifierKey(name, data[1:])
    if id_ != key.id.hex():
        raise Malformed("vkey-id", "公钥的编号与公钥不符", text[:80])
    return key


def parse_note(data: bytes) -> tuple[str, tuple[Signature, ...]]:
    """A note's text (with its last newline) and its signature lines, none of them verified. Raises Malformed."""
    bad = Malformed("note", "签名文书不合写法")
    try:
        note = data.decode("utf-8")
    except UnicodeDecodeError:
        raise bad from None
    text, blank, block = note.rpartition("\n\n")
    if any(char < " " and char != "\n" for char in note) or not (blank and block.endswith("\n")):
        raise bad
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise bad
    signatures = []
    for line in lines:
        dash, name, body = [*line.split(" ", 2), "", ""][:3]
        raw = unbase64(body)
        if dash != "—" or not good_name(name) or raw is None or len(raw) < 5:
            raise bad
        signatures.append(Signature(name, raw[:4], raw[4:]))
    return text + "\n", tuple(signatures)


def signers(text: str, signatures: Iterable[Signature], keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Which of the keys signed the text. Unknown signatures are ignored; a bad one of a known key raises Malformed."""
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        if known.setdefault((key.name, key.id), key) != key:
            raise Malformed("ambiguous", "两个公钥的名称和编号相同", key.name)
    found: dict[VerifierKey, None] = {}
    for signature in signatures:
        claimed = known.get((signature.name, signature.id))
        if claimed is None:
            continue
        if not claimed.verify(text, signature.data):
            raise Malformed("signature", "签名无效", claimed.name)
        found[claimed] = None
    return tuple(found)


def parse_checkpoint(text: str) -> Checkpoint:
    """The tree head that a checkpoint's text says: exactly origin, size and root. Raises Malformed."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not good_name(lines[0]):
        raise Malformed("checkpoint", "检查点不合写法")
    root = unbase64(lines[2])
    if (
        not re.fullmatch("0|[1-9][0-9]{0,15}", lines[1])
        or int(lines[1]) > MAX_INTEGER
        or root is None
        or len(root) != 32
    ):
        raise Malformed("checkpoint", "检查点的树大小或根不合写法")
    return Checkpoint(lines[0], int(lines[1]), root)


def unbase64(text: str) -> bytes | None:
    """Standard base64 with padding, or None for any other spelling (stray bits in the last character too)."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
    return data if base64.b64encode(data).decode("ascii") == text else None


# ---- whom to believe


@dataclass(frozen=True)
class TrustedKey:
    """A key we believe, for tree sizes in its range."""

    key: VerifierKey
    valid_from_size: int = 0
    valid_to_size: int | None = None

    def covers(self, size: int) -> bool:
        """Whether the key may sign a checkpoint of that size."""
        return self.valid_from_size <= size and self.retired_after(size)

    def retired_after(self, size: int) -> bool:
        """Whether the key was still in force at that size."""
        return self.valid_to_size is None or size <= self.valid_to_size


@dataclass(frozen=True)
class Trust:
    """The keys of an installation. An empty one believes nobody."""

    keys: tuple[TrustedKey, ...] = ()


def parse_trust(data: bytes) -> Trust:
    """A trust file's keys. Raises Malformed: unknown members, a key twice, a range that is none."""
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Malformed("json", "可信公钥文件不是有效的 JSON") from None
    if (
        type(value) is not dict
        or set(value) != {"format", "keys"}
        or value["format"] != 1
        or type(value["keys"]) is not list
    ):
        raise Malformed("trust", '可信公钥文件应为 {"format": 1, "keys": […]}')
    keys = tuple(_trusted(row, f"keys[{n}]") for n, row in enumerate(value["keys"]))
    names = [(trusted.key.name, trusted.key.id) for trusted in keys]
    if len(set(names)) != len(names):
        raise Malformed("trust", "可信公钥文件中有重复的公钥")
    return Trust(keys)


def _trusted(row: object, place: str) -> TrustedKey:
    if type(row) is not dict or not {"vkey"} <= set(row) <= {"vkey", "valid_from_size", "valid_to_size", "note"}:
        raise Malformed("trust", "应有 vkey，可有 valid_from_size、valid_to_size、note", place)
    first, last = row.get("valid_from_size", 0), row.get("valid_to_size")
    if type(row["vkey"]) is not str or type(first) is not int or first < 0:
        raise Malformed("trust", "vkey 或 valid_from_size 不合写法", place)
    if last is not None and (type(last) is not int or last < first):
        raise Malformed("trust", "valid_to_size 不合写法", place)
    return TrustedKey(parse_vkey(row["vkey"]), first, last)


# ---- the container: a ZIP in which every byte is prescribed

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_DAY_ONE = 0x0021  # 1980-01-01, the first day a ZIP knows


class Repacked(Malformed):
    """A sound ZIP, but not the bytes we wrote: some other program packed it again."""


def container(members: Mapping[str, bytes]) -> Iterator[bytes]:
    """The bytes of the ZIP that holds these members: stored, sorted by name, no times, nothing optional."""
    directory, at = [], 0
    for name in sorted(members):
        content, label = members[name], name.encode("ascii")
        about = (10, 0, 0, 0, _DAY_ONE, zlib.crc32(content), len(content), len(content), len(label))
        yield _LOCAL.pack(b"PK\x03\x04", *about, 0) + label
        yield content
        directory.append(_CENTRAL.pack(b"PK\x01\x02", 0x030A, *about, 0, 0, 0, 0, 0o100644 << 16, at) + label)
        at += _LOCAL.size + len(label) + len(content)
    central = b"".join(directory)
    yield central + _END.pack(b"PK\x05\x06", 0, 0, len(directory), len(directory), len(central), at, 0)


def unpack(data: bytes) -> dict[str, bytes]:
    """The members of a package. Raises Malformed when the ZIP is damaged, Repacked when it is not our spelling."""
    members = _cut(data)
    if not _spells(members, data):
        raise _diagnosis(data)
    return members


def _cut(data: bytes) -> dict[str, bytes]:
    """What lies between the local headers, as they say; nothing else is looked at yet."""
    if len(data) > MAX_PACKAGE:
        raise Malformed("zip", "文件超过 2 GiB")
    members: dict[str, bytes] = {}
    at = 0
    while data.startswith(b"PK\x03\x04", at) and len(data) >= at + _LOCAL.size and len(members) <= MAX_MEMBERS:
        *_, size, length, _ = _LOCAL.unpack_from(data, at)
        start = at + _LOCAL.size + length
        name = data[at + _LOCAL.size : start].decode("latin-1")
        if name in members:
            raise Malformed("zip", "压缩包中有重名的文件", name)
        members[name] = data[start : start + size]
        at = start + size
    return members


def _spells(members: Mapping[str, bytes], data: bytes) -> bool:
    """Whether the data is the container of these members, byte for byte."""
    if not members or len(members) > MAX_MEMBERS or not all(name.isascii() for name in members):
        return False
    at = 0
    for chunk in container(members):
        if not data.startswith(chunk, at):
            return False
        at += len(chunk)
    return at == len(data)


def _diagnosis(data: bytes) -> Malformed:
    """Why a ZIP is not our spelling: damaged, dangerous, or only packed again. Nothing of it is believed."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            names = [member.filename for member in file.infolist()]
            if len(set(names)) != len(names):
                return Malformed("zip", "压缩包中有重名的文件")
            whole = sum(member.file_size for member in file.infolist())
            if whole > MAX_PACKAGE or len(names) > MAX_MEMBERS:
                return Malformed("zip", "压缩包解开后过大")
            unsafe = [name for name in names if name.startswith("/") or "\\" in name or ".." in name.split("/")]
            bad = unsafe[0] if unsafe else file.testzip() if whole <= MAX_LOOK else None
            if bad is not None:
                return Malformed("zip", "文件名不安全" if unsafe else "内容已损坏（校验码不符）", bad)
    except Exception:  # whatever it is, it is no package of ours
        return Malformed("zip", "压缩包已损坏，或者不是证据包")
    return Repacked("repacked", "压缩包被别的软件重新打包过，请用原始文件校验")


# ---- what an entry refers to


@dataclass(frozen=True)
class Reference:
    """Something an entry names by its digest: a blob, a procedure, a calendar, or a commitment."""

    what: str
    place: str
    digest: str
    size: int = -1
    title: str = ""


_CALENDAR = re.compile(r"[^#\s]+#([0-9a-f]{16,64})")


def references(record: object, place: str = "") -> Iterator[Reference]:
    """Everything a record names by digest, with its place (``body.papers[0]``).

    Known by shape alone, so that new kinds need no new verifier: {"commitment": h} · {"blob": h, "size": n} ·
    {"sha256": h, "size": n} · "procedure": {"digest": h} or h · "calendar": {"digest": h}, h or "NAME#h".
    """
    if isinstance(record, list):
        for n, inner in enumerate(record):
            yield from references(inner, f"{place}[{n}]")
    if not isinstance(record, dict):
        return
    if set(record) == {"commitment"} and _is_hex(record["commitment"]):
        yield Reference("commitment", place, record["commitment"])
    for name in ("blob", "sha256"):
        if _is_hex(record.get(name)) and type(record.get("size")) is int:
            yield Reference("blob", place, record[name], record["size"], str(record.get("title", "")))
    for name, inner in record.items():
        where = _join(place, name) if place else name
        if name in ("procedure", "calendar"):
            named = inner.get("digest") if isinstance(inner, dict) else inner
            short = _CALENDAR.fullmatch(named) if name == "calendar" and isinstance(named, str) else None
            if short:
                yield Reference(name, where, short.group(1))
            elif isinstance(named, str) and _is_hex(named):
                yield Reference(name, where, named)
        yield from references(inner, where)


# ---- the report


@dataclass(frozen=True)
class Check:
    """One question put to the package: passed, failed or not_proven, and the first bad place: member, entry number."""

    name: str
    title: str
    status: str
    say: str
    place: str = ""
    entry: int = 0


@dataclass(frozen=True)
class Report:
    """The verdict on a package and everything it rests on. `say` is one Chinese sentence."""

    verdict: str
    say: str
    checks: tuple[Check, ...]
    origin: str = ""
    authority: str = ""
    case: str = ""
    no: str = ""
    title: str = ""
    materials: int = 0
    entries: int = 0
    size: int = 0
    root: str = ""
    sealed_at: str = ""
    simulated: bool = False
    signed_by: tuple[str, ...] = ()

    @property
    def exit(self) -> int:
        """The exit code of the command."""
        return EXITS[self.verdict]

    def as_json(self) -> dict[str, Any]:
        """The report as the command prints it with --json."""
        return {
            "format": 1,
            "verdict": self.verdict,
            "exit": self.exit,
            "say": self.say,
            "authority": self.authority,
            "origin": self.origin,
            "case": {"id": self.case, "no": self.no, "title": self.title},
            "counts": {"materials": self.materials, "entries": self.entries},
            "checkpoint": {"size": self.size, "root": self.root, "sealed_at": self.sealed_at},
            "clock": "simulated" if self.simulated else "system",
            "signed_by": list(self.signed_by),
            "checks": [dict(vars(check)) for check in self.checks],
        }


class _Unproven(Exception):
    """A check that found nothing wrong and still proves nothing. `stop`: what follows rests on it."""

    def __init__(self, say: str, *, stop: bool = False) -> None:
        super().__init__(say)
        self.say, self.stop = say, stop


@dataclass
class _Entry:
    member: str
    data: bytes
    record: dict[str, Any]

    @property
    def chain(self) -> tuple[str, str]:
        return self.record["chain"]["kind"], self.record["chain"]["id"]

    @property
    def seq(self) -> int:
        return int(self.record["chain"]["seq"])


@dataclass
class _Package:
    """A package under examination: what is given, and what the checks so far have read from it."""

    data: bytes
    trust: Trust | None
    pinned: Checkpoint | None
    members: dict[str, bytes] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)
    keys: tuple[VerifierKey, ...] = ()
    checkpoint: Checkpoint = Checkpoint("", 0, EMPTY_ROOT)
    proofs: dict[str, Any] = field(default_factory=dict)
    entries: list[_Entry] = field(default_factory=list)
    sealed_by: tuple[TrustedKey, ...] = ()
    issued_by: tuple[TrustedKey, ...] = ()

    def member(self, name: str) -> bytes:
        if name not in self.members:
            raise Malformed("missing", f"缺少 {name}", name)
        return self.members[name]

    def refs(self, what: str) -> Iterator[tuple[_Entry, Reference]]:
        for entry in self.entries:
            for ref in references(entry.record):
                if ref.what == what:
                    yield entry, ref


# ---- the checks, in order; each raises Malformed at the first bad place, or says what it found


def _check_container(seen: _Package) -> str:
    seen.members = _cut(seen.data)
    if not _spells(seen.members, seen.data):
        fault = _diagnosis(seen.data)
        if isinstance(fault, Repacked):
            raise _Unproven(fault.say, stop=True)
        raise Malformed(fault.rule, _where(seen, fault.place) + fault.say, fault.place)
    for name in seen.members:
        if not _MEMBER.fullmatch(name):
            raise Malformed("member", "有本格式以外的文件", ascii(name)[1:-1])
    if len({name.lower() for name in seen.members}) != len(seen.members):
        raise Malformed("member", "有只差大小写的文件名")
    return f"{len(seen.members)} 个文件，压缩包逐字节合乎写法"


_MEMBER = re.compile(
    r"MANIFEST\.(?:json|note)|README\.txt|read\.html|verify\.py|checkpoint\.txt|(?:proofs|openings)\.json"
    rf"|entries/(?:{'|'.join(CHAIN_KINDS)})/{_CHAIN_ID}/[0-9]{{6,15}}\.json"
    r"|blobs/[0-9a-f]{64}|procedures/[0-9a-f]{64}\.json|calendars/[0-9a-f]{64}\.txt|notes/[A-Za-z0-9][A-Za-z0-9_-]{0,60}\.txt"
)
_ROW = {"name": str, "size": int, "sha256": str, "sm3": str}
_MANIFEST = {
    "format": str, "authority": str, "origin": str, "keys": list, "case": dict, "created_at": str, "checkpoint": dict,
    "counts": dict, "complete": list, "withheld": list, "members": list,
}  # fmt: skip


def _shape(
    value: object, shape: Mapping[str, type], member: str, optional: Mapping[str, type] | None = None
) -> dict[str, Any]:
    """The mapping, when it has exactly these keys with values of these types. Raises Malformed."""
    more = optional or {}
    if not isinstance(value, dict) or not set(shape) <= set(value) <= set(shape) | set(more):
        raise Malformed("shape", f"{member} 的栏目不合写法", member)
    for name, inner in value.items():
        if type(inner) is not (shape.get(name) or more[name]):
            raise Malformed("shape", f"{member} 的 {name} 不合写法", member)
    return value


def _check_manifest(seen: _Package) -> str:
    data, name = seen.member("MANIFEST.json"), "MANIFEST.json"
    try:
        manifest = seen.manifest = _shape(decode(data, entry=False), _MANIFEST, name)
    except Malformed as fault:
        raise Malformed(fault.rule, f"清单{fault.say}", name) from None
    _shape(manifest["case"], {"id": str, "no": str, "title": str}, name)
    _shape(manifest["checkpoint"], {"size": int, "root": str}, name, {"sealed_at": str})
    _shape(manifest["counts"], {"entries": int, "materials": int, "openings": int}, name)
    for row in manifest["complete"]:
        _shape(row, {"kind": str, "id": str, "seq": int}, name)
    for row in manifest["withheld"]:
        _shape(row, {"sha256": str, "reason": str}, name)
    for time in (manifest["created_at"], manifest["checkpoint"].get("sealed_at", manifest["created_at"])):
        if not re.fullmatch(_TIME, time):
            raise Malformed("time", "清单中的时间不合写法", name)
    if manifest["format"] != PACKAGE:
        raise Malformed("format", f"不认识的格式 {manifest['format'][:40]}", name)
    if not manifest["keys"]:
        raise Malformed("shape", "清单没有写明公钥", name)
    seen.keys = tuple(_own_key(vkey, manifest["origin"]) for vkey in manifest["keys"])
    text, signatures = parse_note(seen.member("MANIFEST.note"))
    if text != manifest_text(manifest["origin"], data):
        raise Malformed("manifest", "清单与其签名文书不符", "MANIFEST.note")
    signed = [(signature.name, signature.id) for signature in signatures]
    if len(set(signed)) != len(signed) or not set(signed) <= {(key.name, key.id) for key in seen.keys}:
        # Elsewhere unknown signatures are ignored. Here nothing else would guard their bytes.
        raise Malformed("signature", "清单的签名文书有重复或未列明的签名", "MANIFEST.note")
    seen.issued_by = _believed(seen, text, signatures, "MANIFEST.note")
    return "清单由可信公钥签名"


def manifest_text(origin: str, manifest: bytes) -> str:
    """The text that the log's key signs for a package."""
    return f"{PACKAGE}\n{origin}\n{hashlib.sha256(manifest).hexdigest()}\n"


def _own_key(vkey: object, origin: str) -> VerifierKey:
    if type(vkey) is not str:
        raise Malformed("shape", "清单的 keys 不合写法", "MANIFEST.json")
    key = parse_vkey(vkey)
    if key.name != origin:
        raise Malformed("key", "清单中的公钥不属于这个日志", "MANIFEST.json")
    return key


def _believed(seen: _Package, text: str, signatures: Iterable[Signature], member: str) -> tuple[TrustedKey, ...]:
    """The trusted keys that signed. Raises _Unproven when there are none, Malformed for a bad signature of a known key.

    The package's own keys are known but not believed: with them alone a package is consistent, no more.
    """
    origin = seen.manifest["origin"]
    trusted = [trusted for trusted in (seen.trust or Trust()).keys if trusted.key.name == origin]
    ids = {trusted.key.id for trusted in trusted}
    known = [trusted.key for trusted in trusted] + [key for key in seen.keys if key.id not in ids]
    try:
        signed = signers(text, signatures, known)
    except Malformed as fault:
        raise Malformed(fault.rule, f"{member} 的签名无效", member) from None
    if not signed:
        raise Malformed("signature", f"{member} 没有清单所列公钥的签名", member)
    believed = tuple(trusted for trusted in trusted if trusted.key in signed)
    if not believed:
        lacking = "缺少可信公钥" if seen.trust is None else "签名者不在可信公钥之中"
        raise _Unproven(f"内部一致，{lacking}")
    return believed


def _check_members(seen: _Package) -> str:
    listed: dict[str, dict[str, Any]] = {}
    for row in seen.manifest["members"]:
        name = _shape(row, _ROW, "MANIFEST.json")["name"]
        if name in listed:
            raise Malformed("manifest", "清单重复列出文件", name)
        listed[name] = row
    for name in seen.members:
        if name not in listed and name not in ("MANIFEST.json", "MANIFEST.note"):
            raise Malformed("unlisted", f"{_where(seen, name)}不在清单之中", name)
    for name, row in listed.items():
        if name not in seen.members:
            raise Malformed("missing", f"缺少{_where(seen, name)}", name)
        content = seen.members[name]
        if len(content) != row["size"] or hashlib.sha256(content).hexdigest() != row["sha256"]:
            raise Malformed("digest", f"{_where(seen, name)}与清单登记的内容不符", name)
        if sm3(content).hex() != row["sm3"]:
            raise Malformed("digest", f"{_where(seen, name)}与清单登记的 SM3 不符", name)
    for name in ("README.txt", "verify.py", "checkpoint.txt", "proofs.json", "openings.json"):
        seen.member(name)
    return f"{len(listed)} 个文件与清单一致"


_CHAIN_TITLES = {
    "case": "", "consultation": "征求意见", "meeting": "会议", "register": "登记簿", "procedure": "程序",
    "calendar": "日历", "security": "安全",
}  # fmt: skip


_ENTRY = re.compile(rf"entries/({'|'.join(CHAIN_KINDS)})/{_CHAIN_ID}/([0-9]{{6,15}})\.json")


def _where(seen: _Package, name: str) -> str:
    """A member as people call it: 第 41 号记录, 第 3 号记录的材料《…》, or its file name."""
    kind, seq, title = _named(seen, name)
    number = f"{_CHAIN_TITLES[kind]}第 {seq} 号记录" if seq else ""
    if name.startswith("blobs/"):
        return (f"{number}的" if number else "") + (f"材料《{title}》" if title else f"材料 {name[6:22]}…")
    return f"{number}：" if number else f"{name} " if name else ""


def _named(seen: _Package, name: str) -> tuple[str, int, str]:
    """The entry that a member is, or that names the blob, and the blob's title: chain kind, seq, title.

    Only for the sentence, so nothing need be verified yet.
    """
    found = _ENTRY.fullmatch(name)
    if found:
        return found.group(1), int(found.group(2)), ""
    sha256 = name[6:] if name.startswith("blobs/") else ""
    for member in sorted(seen.members) if sha256 else ():
        found = _ENTRY.fullmatch(member)
        if found and sha256.encode("ascii", "replace") in seen.members[member]:
            try:
                refs = [ref for ref in references(decode(seen.members[member])) if ref.digest == sha256]
            except Malformed:
                continue
            if refs:
                return found.group(1), int(found.group(2)), refs[0].title
    return "", 0, ""


def _check_entries(seen: _Package) -> str:
    ids: set[str] = set()
    for name in sorted(name for name in seen.members if name.startswith("entries/")):
        where = _where(seen, name)
        try:
            entry = _Entry(name, seen.members[name], decode(seen.members[name]))
        except Malformed as fault:
            raise Malformed(fault.rule, where + fault.say, name) from None
        broken = header_fault(entry.record)
        if broken is not None:
            raise Malformed(broken[0], where + broken[1], name)
        if name != member_of(entry.record):
            raise Malformed("member", f"{where}内容写的是另一个位置", name)
        if entry.record["authority"] != seen.manifest["authority"]:
            raise Malformed("authority", f"{where}属于另一个机关", name)
        if entry.record["id"] in ids:
            raise Malformed("id", f"{where}编号与另一条记录相同", name)
        ids.add(entry.record["id"])
        seen.entries.append(entry)
    if not seen.entries or len(seen.entries) != seen.manifest["counts"]["entries"]:
        raise Malformed("count", "记录条数与清单不符", "MANIFEST.json")
    return f"{len(seen.entries)} 条记录合乎规范写法"


def member_of(record: Mapping[str, Any]) -> str:
    """Where a record's bytes lie in a package."""
    chain = record["chain"]
    return f"entries/{chain['kind']}/{chain['id']}/{chain['seq']:06d}.json"


def _check_chains(seen: _Package) -> str:
    chains: dict[tuple[str, str], list[_Entry]] = {}
    for entry in sorted(seen.entries, key=lambda entry: entry.seq):
        chains.setdefault(entry.chain, []).append(entry)
    whole = {(row["kind"], row["id"]): row["seq"] for row in seen.manifest["complete"]}
    case = seen.manifest["case"]["id"]
    if len(whole) != len(seen.manifest["complete"]) or (case and ("case", case) not in whole):
        raise Malformed("complete", "清单没有声明本事项的记录完整", "MANIFEST.json")
    for chain, entries in chains.items():
        for fault in link_faults([(entry.data, entry.record) for entry in entries], whole=chain in whole):
            member = entries[fault.n - 1].member
            raise Malformed(fault.rule, _where(seen, member) + fault.say, member)
    for chain, seq in whole.items():
        found = chains[chain][-1].seq if chain in chains else 0
        if found != seq:
            title = _CHAIN_TITLES.get(chain[0], chain[0])
            raise Malformed("complete", f"{title}记录应到第 {seq} 号，实到第 {found} 号", "MANIFEST.json")
    return f"{len(chains)} 条链首尾相接，其中 {len(whole)} 条声明完整"


def _check_checkpoint(seen: _Package) -> str:
    text, signatures = parse_note(seen.member("checkpoint.txt"))
    point = seen.checkpoint = parse_checkpoint(text)
    claimed = seen.manifest["checkpoint"]
    if point.origin != seen.manifest["origin"]:
        raise Malformed("origin", "检查点属于另一个日志", "checkpoint.txt")
    if point.size != claimed["size"] or point.root.hex() != claimed["root"]:
        raise Malformed("checkpoint", "检查点与清单所写的不符", "checkpoint.txt")
    seen.sealed_by = _believed(seen, text, signatures, "checkpoint.txt")
    return f"检查点（树大小 {point.size:,}）由可信公钥签名"


_PROOFS = {"format": int, "size": int, "entries": list, "consistency": list}


def _check_inclusion(seen: _Package) -> str:
    point, name = seen.checkpoint, "proofs.json"
    seen.proofs = _shape(decode(seen.member(name), entry=False), _PROOFS, name)
    if seen.proofs["format"] != 1 or seen.proofs["size"] != point.size:
        raise Malformed("proofs", "存在证明不是对这个检查点的", name)
    rows: dict[str, dict[str, Any]] = {}
    for row in seen.proofs["entries"]:
        rows[_shape(row, {"member": str, "index": int, "path": list}, name)["member"]] = row
    if set(rows) != {entry.member for entry in seen.entries} or len(rows) != len(seen.proofs["entries"]):
        raise Malformed("proofs", "存在证明与记录不是一一对应", name)
    last: dict[tuple[str, str], int] = {}
    for entry in sorted(seen.entries, key=lambda entry: entry.seq):
        row = rows[entry.member]
        path = _hashes(row["path"], name)
        if not check_inclusion(row["index"], point.size, leaf_hash(leaf(entry.data)), path, point.root):
            raise Malformed("inclusion", f"{_where(seen, entry.member)}不在检查点的树中", entry.member)
        if row["index"] <= last.get(entry.chain, -1):
            raise Malformed("order", f"{_where(seen, entry.member)}封存的次序与序号相反", entry.member)
        last[entry.chain] = row["index"]
    for row in seen.proofs["consistency"]:
        _shape(row, {"old": int, "root": str, "path": list}, name)
        old = _hashes([row["root"]], name)[0]
        if not check_consistency(row["old"], point.size, old, point.root, _hashes(row["path"], name)):
            raise Malformed("consistency", f"与较早检查点（树大小 {row['old']:,}）的一致性证明不成立", name)
    return f"{len(rows)} 条记录都在检查点的树中"


def _hashes(path: list[object], member: str) -> list[bytes]:
    if not all(_is_hex(part) for part in path):
        raise Malformed("proofs", "存在证明不合写法", member)
    return [bytes.fromhex(str(part)) for part in path]


def _check_keys(seen: _Package) -> str:
    """A checkpoint outside its key's range is invalid. The manifest is younger than the checkpoint: so may its key be."""
    size = seen.checkpoint.size
    if seen.sealed_by and not any(trusted.covers(size) for trusted in seen.sealed_by):
        raise Malformed("range", f"签署检查点的密钥对树大小 {size:,} 无效", "checkpoint.txt")
    if seen.issued_by and not any(trusted.retired_after(size) for trusted in seen.issued_by):
        raise Malformed("range", "签署清单的密钥当时已经停用", "MANIFEST.note")
    if not (seen.sealed_by and seen.issued_by):
        raise _Unproven("没有可信公钥，有效范围无从对照")
    return "签名的密钥在有效范围之内"


def _check_blobs(seen: _Package) -> str:
    named: set[str] = set()
    present = {name[6:]: content for name, content in seen.members.items() if name.startswith("blobs/")}
    for sha256, content in present.items():
        if hashlib.sha256(content).hexdigest() != sha256:
            raise Malformed("blob", f"{_where(seen, 'blobs/' + sha256)}与记录登记的摘要不符", "blobs/" + sha256)
    withheld = {row["sha256"] for row in seen.manifest["withheld"]}
    for _, ref in seen.refs("blob"):
        named.add(ref.digest)
        member = "blobs/" + ref.digest
        if (ref.digest in present) == (ref.digest in withheld):
            lack = "既附上又声明不附" if ref.digest in present else "没有附上，也没有声明不附"
            raise Malformed("blob", f"{_where(seen, member)}{lack}", member)
        if ref.digest in present and len(present[ref.digest]) != ref.size:
            raise Malformed("blob", f"{_where(seen, member)}大小不符", member)
    for sha256 in present:
        if sha256 not in named:
            raise Malformed("blob", f"{_where(seen, 'blobs/' + sha256)}没有记录提及", "blobs/" + sha256)
    if len(present) != seen.manifest["counts"]["materials"]:
        raise Malformed("count", "材料件数与清单不符", "MANIFEST.json")
    return f"{len(present)} 件材料与记录一致" + (f"，{len(withheld)} 件声明不附" if withheld else "")


_OPENING = {"entry": str, "path": str, "salt": str, "value": str}


def _check_openings(seen: _Package) -> str:
    name = "openings.json"
    rows = _shape(decode(seen.member(name), entry=False), {"format": int, "openings": list}, name)
    hidden: dict[tuple[str, str], str] = {}
    for entry, ref in seen.refs("commitment"):
        if hidden.setdefault((entry.record["id"], ref.place), ref.digest) != ref.digest:
            raise Malformed("commitment", f"{_where(seen, entry.member)}{ref.place} 有两种读法", entry.member)
    opened: set[tuple[str, str]] = set()
    for row in rows["openings"]:
        _shape(row, _OPENING, name)
        at = (row["entry"], row["path"])
        if at in opened or at not in hidden or not _is_hex(row["salt"]):
            raise Malformed("opening", f"{row['path'][:60]} 的原文在记录中没有位置，或者重复", name)
        if commitment(row["path"], bytes.fromhex(row["salt"]), row["value"]) != hidden[at]:
            raise Malformed("opening", f"{row['path'][:60]} 的原文与记录中的承诺不符", name)
        opened.add(at)
    if rows["format"] != 1 or len(opened) != seen.manifest["counts"]["openings"]:
        raise Malformed("count", "原文条数与清单不符", name)
    return f"{len(opened)} 处个人信息附有原文且与承诺相符，{len(hidden) - len(opened)} 处未附"


def _check_rules(seen: _Package) -> str:
    folders = {"procedure": ("procedures/", ".json", "程序"), "calendar": ("calendars/", ".txt", "日历")}
    total = 0
    for what, (folder, suffix, title) in folders.items():
        present = {name[len(folder) : -len(suffix)]: name for name in seen.members if name.startswith(folder)}
        total += len(present)
        for found, name in present.items():
            if hashlib.sha256(seen.members[name]).hexdigest() != found:
                raise Malformed(what, f"{title}文件与其摘要不符", name)
        for entry, ref in seen.refs(what):
            if not any(found.startswith(ref.digest) for found in present):
                raise Malformed(what, f"{_where(seen, entry.member)}所依据的{title}没有附上", entry.member)
        for name in present.values():
            for year in _years(seen.members[name]) if what == "calendar" else ():
                if year not in present:
                    raise Malformed(what, "日历中的一年没有附上", name)
    return f"{total} 份程序和日历与记录一致"


_INDEX = re.compile(rb"(?:\d{4}@\d+:[0-9a-f]{64}\n)+")


def _years(content: bytes) -> list[str]:
    """The digests of the year files, when this is the index of a calendar."""
    return [line[-64:].decode() for line in content.splitlines()] if _INDEX.fullmatch(content) else []


def _check_pinned(seen: _Package) -> str:
    pinned, point = seen.pinned, seen.checkpoint
    if pinned is None or pinned.origin != point.origin:
        raise _Unproven("所持检查点属于另一个日志，无从对照")
    roots = {row["old"]: bytes.fromhex(row["root"]) for row in seen.proofs["consistency"]}
    roots[point.size] = point.root
    if pinned.size not in roots:
        raise _Unproven(f"包内没有到所持检查点（树大小 {pinned.size:,}）的一致性证明")
    if roots[pinned.size] != pinned.root:
        raise Malformed("pinned", f"与所持检查点（树大小 {pinned.size:,}）不是同一个日志历史", "checkpoint.txt")
    return f"与所持检查点（树大小 {pinned.size:,}）一致"


_CHECKS = (
    ("container", "压缩包", _check_container),
    ("manifest", "清单签名", _check_manifest),
    ("members", "文件摘要", _check_members),
    ("entries", "规范写法", _check_entries),
    ("chains", "链接与完整", _check_chains),
    ("checkpoint", "检查点签名", _check_checkpoint),
    ("inclusion", "存在证明", _check_inclusion),
    ("keys", "密钥有效范围", _check_keys),
    ("blobs", "材料", _check_blobs),
    ("openings", "个人信息原文", _check_openings),
    ("rules", "程序与日历", _check_rules),
    ("pinned", "所持检查点", _check_pinned),
)


def verify(data: bytes, trust: Trust | None = None, pinned: Checkpoint | None = None) -> Report:
    """The verdict on a package: `trust` says whom to believe, `pinned` is a checkpoint known from elsewhere.

    Passed only when every check passed. After the first failure, and after a crash, nothing more is asked.
    """
    seen = _Package(data, trust, pinned)
    checks: list[Check] = []
    stopped = False
    for name, title, run in _CHECKS:
        if name == "pinned" and pinned is None:
            continue
        check, stopped = (Check(name, title, UNPROVEN, "未检查"), True) if stopped else _run(name, title, run, seen)
        checks.append(check)
    return _report(seen, tuple(checks))


def _run(name: str, title: str, run: Callable[[_Package], str], seen: _Package) -> tuple[Check, bool]:
    """The outcome of one check, and whether to stop there."""
    try:
        return Check(name, title, PASSED, run(seen)), False
    except Malformed as fault:
        return Check(name, title, FAILED, fault.say, fault.place, _number(seen, fault.place)), True
    except _Unproven as lack:
        return Check(name, title, UNPROVEN, lack.say), lack.stop
    except Exception as crash:  # a bug of ours or a trap of theirs: either way no proof
        return Check(name, title, UNPROVEN, f"检查程序出错，未能完成（{type(crash).__name__}）"), True


def _number(seen: _Package, place: str) -> int:
    """The entry that a bad place belongs to, 0 for none: decoration, so it must not get in the way of the verdict."""
    try:
        return _named(seen, place)[1]
    except Exception:
        return 0


def _report(seen: _Package, checks: tuple[Check, ...]) -> Report:
    manifest, point = seen.manifest, seen.checkpoint
    simulated = any(entry.record["times"]["clock"] == "simulated" for entry in seen.entries)
    materials = sum(name.startswith("blobs/") for name in seen.members)
    claimed = manifest.get("checkpoint", {})
    sealed_at = claimed.get("sealed_at", "") if isinstance(claimed, dict) else ""
    failed = [check for check in checks if check.status == FAILED]
    unproven = [check for check in checks if check.status == UNPROVEN]
    if failed:
        verdict, say = FAILED, f"不通过：{failed[0].say}"
    elif unproven or not all(check.status == PASSED for check in checks):
        verdict, say = UNDECIDED, f"无法判断：{unproven[0].say}" + ("（演示时钟）" if simulated else "")
    else:
        verdict = PASSED
        say = f"通过{'（演示时钟）' if simulated else ''}：{materials} 件材料、{len(seen.entries)} 条记录与"
        say += f"{_day(sealed_at)}检查点（树大小 {point.size:,}）一致"
    case = manifest["case"] if isinstance(manifest.get("case"), dict) else {}
    return Report(
        verdict, say, checks, str(manifest.get("origin", "")), str(manifest.get("authority", "")),
        str(case.get("id", "")), str(case.get("no", "")), str(case.get("title", "")),
        materials, len(seen.entries), point.size, point.root.hex(), str(sealed_at), simulated,
        tuple(trusted.key.vkey for trusted in seen.sealed_by),
    )  # fmt: skip


def _day(time: str) -> str:
    """The day of an instant in Shanghai, for the sentence."""
    if not time:
        return ""
    try:
        at = datetime.strptime(time, "%Y-%m-%dT%H:%M:%S.%fZ") + timedelta(hours=8)
    except (ValueError, OverflowError):
        return ""
    return f" {at:%Y-%m-%d} 的"


# ---- the command


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify the package named on the command line, print the report, return the exit code."""
    parser = argparse.ArgumentParser(prog="verify.py", description="校验证据包 / verify an evidence package")
    parser.add_argument("package", type=Path, help="证据包 / the package (.zip)")
    parser.add_argument("--keys", type=Path, help="可信公钥文件 / trust file (.json)")
    parser.add_argument("--pin", type=Path, help="所持检查点 / a checkpoint you already hold")
    parser.add_argument("--json", action="store_true", help="输出 JSON / print JSON")
    given = parser.parse_args(arguments)
    try:
        trust = parse_trust(given.keys.read_bytes()) if given.keys else None
        pinned = read_checkpoint(given.pin.read_bytes()) if given.pin else None
        data = given.package.read_bytes()
    except OSError as fault:
        parser.error(f"读不到文件 / cannot read: {fault.filename}")
    except Malformed as fault:
        parser.error(f"{fault.say} / {fault}")
    report = verify(data, trust, pinned)
    sys.stdout.write(json.dumps(report.as_json(), indent=2) + "\n" if given.json else _printed(report))
    return report.exit


def read_checkpoint(data: bytes) -> Checkpoint:
    """A checkpoint from a note or from its bare three lines; signatures are not looked at. Raises Malformed."""
    text = parse_note(data)[0] if b"\n\n" in data else data.decode("utf-8", "replace")
    return parse_checkpoint(text)


_MARKS = {PASSED: "✓", FAILED: "✗", UNPROVEN: "?"}


def _printed(report: Report) -> str:
    lines = [report.say, ""]
    if report.origin:
        lines += [f"日志 {report.origin}    事项 {report.no} {report.title}"]
    lines += [f"{_MARKS[check.status]} {check.title}：{check.say}" for check in report.checks]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    sys.exit(main())
