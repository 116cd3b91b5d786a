"""Receipts of the public: a number and a code for whoever sent something in without signing in.

A code is 60 bits made from the number and the key of the form, so that a form sent twice is answered alike. What is
kept is hashes: of the key, so that nobody who reads the database can make the code from it, and of the code.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from decisionflow.errors import BadInput, DecisionflowError, Problem

PUBLIC = "public"  # whose keys they are: nobody's in particular
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class Sent(DecisionflowError):
    """A form that was sent once came again with other words; `receipt` is that of the first."""

    code = "idempotency-mismatch"
    status = 422
    exit = 2

    def __init__(self, receipt: str, say: str) -> None:
        super().__init__(f"form of {receipt} came again with another body", say=say)
        self.receipt = receipt


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the citizen keeps: a number, a code, and when the words arrived."""

    receipt: str
    code: str
    entry: str
    sha256: str
    received_at: datetime
    late: bool = False


def number(no: str, count: int) -> str:
    """A new receipt number: the case, four letters that nobody can guess, and the count."""
    return f"{no}-{letters(4)}-{count:04d}".upper()


def letters(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def check_key(key: str) -> None:
    """Whether a form brought its key. Raises BadInput."""
    if not 16 <= len(key) <= 200:
        raise BadInput([Problem("key", "页面缺少提交编号，请刷新后重新提交", rule="key")])


def hashed(use: str, words: str) -> str:
    """The hash of a key or a body for one use (``comment-key``)."""
    return hashlib.sha256(f"decisionflow/{use}/v1\n{words}".encode()).hexdigest()


def own_code(use: str, receipt: str, key: str) -> str:
    """The code of a form's own receipt: 60 bits, the same each time it is asked for."""
    whole = int(hashed(use, f"{receipt}\n{key}"), 16)
    made = "".join(_ALPHABET[whole >> 5 * n & 31] for n in range(12))
    return f"{made[:4]}-{made[4:8]}-{made[8:]}"


def code_hash(receipt: str, code: str) -> str:
    """What is kept of a receipt's code: a slow guess would need the receipt and 60 bits."""
    return hashed("receipt", f"{receipt}\n{code.upper()}")


def holds(receipt: str, code: str, kept: str) -> bool:
    """Whether a code as people type it is the one whose hash was kept ('' for a receipt that is not known)."""
    given = typed(code).replace("-", "")
    asked = code_hash(typed(receipt), "-".join(given[n : n + 4] for n in range(0, len(given), 4)))
    return secrets.compare_digest(asked, kept or "0" * 64)


def typed(code: str) -> str:
    """A number or code as people type it from paper: any width, any case, any dash, with spaces."""
    plain = unicodedata.normalize("NFKC", code[:200]).upper()
    return re.sub(r"\s", "", re.sub(r"[‐-―−－_]", "-", plain)).strip("-")
