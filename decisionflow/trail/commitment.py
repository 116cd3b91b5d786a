"""A personal value in an entry: only its salted commitment, so that the value can be erased and the proof stays.

    SHA-256("decisionflow/field/v1\\n" || path || 0x00 || salt of 32 bytes || value in UTF-8), hex

`path` is the place in the record where {"commitment": …} stands, as in ``body.fields.contact`` or
``body.rows[2].phone``. The salt is fresh for each value, and comes in as an argument: no chance in here.
"""

from __future__ import annotations

from hmac import compare_digest

from decisionflow.trail import verify


def commit(path: str, salt: bytes, value: str) -> str:
    """The hex commitment. Raises ValueError for a salt that has not 32 bytes or a path with NUL or beyond ASCII."""
    return verify.commitment(path, salt, value)


def check(commitment: str, path: str, salt: bytes, value: str) -> bool:
    """Whether the commitment was made to this value at this path."""
    return compare_digest(commit(path, salt, value), commitment)
