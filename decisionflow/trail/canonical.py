"""An entry as the bytes that are stored, hashed and never rebuilt: RFC 8785 on a restricted domain.

The domain: a mapping of str, int, bool, list and dict; integers within ±(2^53-1); keys of printable
ASCII; strings in NFC, with no control character but LF; no float, no null; at most 16 levels deep and
65535 bytes long. On it, JSON with sorted keys, no spaces and unescaped UTF-8 is RFC 8785.
"""

from __future__ import annotations

from typing import Any

import orjson

from decisionflow.errors import EXIT_USAGE, DecisionflowError
from decisionflow.trail import verify


class NotCanonical(DecisionflowError):
    """A record outside the domain, or bytes that spell one otherwise: at which path, by which rule."""

    code = "not-canonical"
    status = 422
    exit = EXIT_USAGE

    def __init__(self, fault: verify.Malformed) -> None:
        super().__init__(f"not canonical: {fault}", say=f"{fault.place}：{fault.say}" if fault.place else fault.say)
        self.path, self.rule = fault.place, fault.rule


def encode(record: dict[str, Any]) -> bytes:
    """The record's bytes. Raises NotCanonical."""
    fault = verify.misfit(record)
    if fault is not None:
        raise NotCanonical(fault)
    data = orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    if len(data) > verify.MAX_ENTRY:
        raise NotCanonical(verify.broken("size"))
    return data


def decode(data: bytes) -> dict[str, Any]:
    """The record that the bytes say. Raises NotCanonical for a duplicate key or any other second spelling."""
    if len(data) > verify.MAX_ENTRY:
        raise NotCanonical(verify.broken("size"))
    try:
        record = orjson.loads(data)
    except orjson.JSONDecodeError as fault:
        raise NotCanonical(verify.broken("json")) from fault
    if encode(record) != data:
        raise NotCanonical(verify.broken("spelling"))
    return dict(record)


def digest(data: bytes) -> str:
    """The hex SHA-256 that names an entry: over ``decisionflow/event/v1\\n`` and its bytes."""
    return verify.digest(data)


def digest_sm3(data: bytes) -> str:
    """The same over SM3."""
    return verify.digest_sm3(data)
