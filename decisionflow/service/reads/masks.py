"""What is left of a personal value where everybody can read: 朱**, 138****0000.

Masking is for showing only: the value itself stays in the vault, whole, for the unit that handles it.
"""

from __future__ import annotations

import re

_PHONE = re.compile(r"(?<!\d)(1[3-9]\d)[- ]?\d{4}[- ]?(\d{4})(?!\d)")
_IDENTITY = re.compile(r"(?<!\d)(\d)\d{16}([\dXx])(?!\d)")
_CARD = re.compile(r"(?<!\d)\d{11,15}(\d{4})(?!\d)")
_MAIL = re.compile(r"([A-Za-z0-9])[\w.+-]*@([\w-]+\.[\w.-]+)")


def name(value: str) -> str:
    """``朱**``: the first character, and nothing about how many follow."""
    return f"{value[0]}**" if value else ""


def words(value: str) -> str:
    """Free text with identity numbers, mobile numbers, bank cards and mail addresses covered."""
    value = _IDENTITY.sub(r"\1****************\2", value)
    value = _PHONE.sub(r"\1****\2", value)
    value = _CARD.sub(r"****\1", value)
    return _MAIL.sub(r"\1***@\2", value)


def contact(value: str) -> str:
    """How somebody can be reached, covered; what has no known shape keeps its first two characters."""
    covered = words(value)
    return covered if covered != value else f"{value[:2]}****"


def personal(value: str) -> str:
    """A personal value of a public list: a number is covered, anything else is taken for a name."""
    return contact(value) if any(char.isdigit() or char == "@" for char in value) else name(value)
