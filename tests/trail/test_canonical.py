"""The bytes of an entry: one spelling only, equal to RFC 8785, and nothing outside the domain."""

from __future__ import annotations

import contextlib
import hashlib
import json
import unicodedata
from copy import deepcopy
from enum import StrEnum
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from decisionflow.trail import canonical, verify
from tests.trail import making

LIMIT = 2**53 - 1
words = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=12
).map(lambda text: unicodedata.normalize("NFC", text))  # fmt: skip
keys = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=8)
scalars = words | st.integers(-LIMIT, LIMIT) | st.booleans()
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4))
records = st.dictionaries(keys, values, max_size=6)


class Kind(StrEnum):
    B = "b"


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@given(records)
def test_encoding_equals_rfc_8785_and_reads_back_the_same(record: dict[str, Any]) -> None:
    data = canonical.encode(record)
    assert data == rfc8785.dumps(record) == verify.canonical(record)
    assert canonical.decode(data) == verify.decode(data) == record


@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode) | values.map(lambda v: json.dumps(v).encode()))
@example(b'{"a":1,"a":1}')
@example(b'{"a":1.0}')
@example(b"[" * 60_000)
@example(b'{"a":' * 10_000 + b"1" + b"}" * 10_000)
@example(b'{"a":"\\ud800"}')
@example(b'{"a":' + b"9" * 60_000 + b"}")
def test_whatever_the_bytes_the_product_and_the_verifier_read_the_same_or_both_refuse(data: bytes) -> None:
    def read(decode: Any) -> Any:
        try:
            return decode(data)
        except (canonical.NotCanonical, verify.Malformed):
            return None

    found = read(canonical.decode)
    assert found == read(verify.decode)
    assert found is None or canonical.encode(found) == data


@settings(max_examples=200)
@given(st.data())
def test_no_other_bytes_say_the_same_record(data: st.DataObject) -> None:
    entry = canonical.encode(making.record("case", making.CASE, None, 1, title="路\n“一”", n=1))
    place = data.draw(st.integers(0, len(entry) - 1))
    other = entry[:place] + bytes([entry[place] ^ data.draw(st.integers(1, 255))]) + entry[place + 1 :]
    with contextlib.suppress(canonical.NotCanonical):
        assert canonical.decode(other) != canonical.decode(entry)


@pytest.mark.parametrize(
    ("record", "path", "rule"),
    [
        ({"a": 1.0}, "a", "type"),
        ({"a": [1, {"b": 0.1}]}, "a[1].b", "type"),
        ({"a": float("nan")}, "a", "type"),
        ({"a": None}, "a", "type"),
        ({"a": (1,)}, "a", "type"),
        ({"a": b"x"}, "a", "type"),
        ({"a": Kind.B}, "a", "type"),
        ({"a": LIMIT + 1}, "a", "integer"),
        ({"a": -LIMIT - 1}, "a", "integer"),
        ({"案": 1}, "案", "key"),
        ({"": 1}, "", "key"),
        ({1: 1}, "1", "key"),
        ({"a\n": 1}, "a\n", "key"),
        ({"a": "e\u0301"}, "a", "nfc"),
        ({"a": "\t"}, "a", "control"),
        ({"a": "\r\n"}, "a", "control"),
        ({"a": "\x7f"}, "a", "control"),
        ({"a": "\x85"}, "a", "control"),
        ({"a": "\ud800"}, "a", "surrogate"),
        (nested(17), ".".join("a" * 16), "depth"),
        ({"a": "字" * 21_850}, "", "size"),
        ([], "", "type"),
        ("a", "", "type"),
    ],
)
def test_what_lies_outside_the_domain_is_refused_with_its_path_and_rule(record: Any, path: str, rule: str) -> None:
    with pytest.raises(canonical.NotCanonical) as refusal:
        canonical.encode(record)
    assert (refusal.value.path, refusal.value.rule) == (path, rule)
    assert refusal.value.say


def test_the_bounds_themselves_are_inside_the_domain() -> None:
    assert canonical.encode(nested(16))
    assert canonical.encode({"a": LIMIT, "b": -LIMIT})
    largest = canonical.encode({"a": "x" * (65_535 - 8)})
    assert len(largest) == 65_535
    assert canonical.decode(largest) == verify.decode(largest)
    assert verify.decode(largest[:-2] + b'x"}', entry=False)  # a package's own lists have no bound


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b'{"a":1,"a":1}', "spelling"),
        (b'{"a":1,"a":2}', "spelling"),
        (b'{"b":1,"a":1}', "spelling"),
        (b'{"a": 1}', "spelling"),
        (b'{"a":1}\n', "spelling"),
        (b'{"a":"\\u0041"}', "spelling"),
        (b'{"a":"\\/"}', "spelling"),
        (b'{"a":1.0}', "type"),
        (b'{"a":1e2}', "type"),
        (b'{"a":NaN}', "json or type"),
        (b'{"a":null}', "type"),
        (b'{"a":-0}', "spelling"),
        (b'{"a":9007199254740992}', "integer"),
        (b'{"a":99999999999999999999}', "integer or type"),
        (b'{"a":"\\t"}', "control"),
        (b'{"a":"e\xcc\x81"}', "nfc"),
        (b'{"a":"\xff"}', "json"),
        (b'{"a":"\xed\xa0\x80"}', "json"),
        (b"\xef\xbb\xbf{}", "json"),
        (b"[]", "type"),
        (b"", "json"),
        (b'{"a":"' + b"x" * 65_535 + b'"}', "size"),
    ],
)
def test_any_second_spelling_is_refused(data: bytes, rule: str) -> None:
    with pytest.raises(canonical.NotCanonical) as refused:
        canonical.decode(data)
    with pytest.raises(verify.Malformed) as malformed:
        verify.decode(data)
    assert {refused.value.rule, malformed.value.rule} <= set(rule.split(" or "))


def test_text_newer_than_our_tables_is_taken_so_that_no_seal_turns_bad_when_unicode_grows() -> None:
    # U+1ACE became a combining mark in Unicode 14. Who wrote with older tables could not know that it has to stand
    # behind U+0316; who reads with newer ones must not call the seal broken.
    newer = "a\u1ace\u0316"
    assert not unicodedata.is_normalized("NFC", newer)
    assert canonical.decode(canonical.encode({"a": newer})) == {"a": newer}


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Any:
    """Every place in a record that holds a scalar."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from leaves(inner, (*path, n))
    else:
        yield path


def test_every_field_changes_the_digest() -> None:
    papers = [making.paper(b"x", "草案")]
    record = making.record("case", making.CASE, None, 1, title="路", papers=papers, flags={"public": True}, round=1)
    seen = {canonical.digest(canonical.encode(record)), canonical.digest_sm3(canonical.encode(record))}
    places = list(leaves(record))
    for place in places:
        changed, removed = deepcopy(record), deepcopy(record)
        for variant, value in ((changed, "other"), (removed, None)):
            inner: Any = variant
            for part in place[:-1]:
                inner = inner[part]
            if value is None:
                del inner[place[-1]]
            else:
                old = inner[place[-1]]
                inner[place[-1]] = not old if isinstance(old, bool) else old + 1 if isinstance(old, int) else old + "x"
            data = canonical.encode(variant)
            seen |= {canonical.digest(data), canonical.digest_sm3(data)}
    assert len(seen) == 2 + 4 * len(places)


def test_the_digest_is_over_its_own_prefix() -> None:
    assert canonical.digest(b"{}") == hashlib.sha256(b"decisionflow/event/v1\n{}").hexdigest()
    assert canonical.digest_sm3(b"{}") == verify.sm3_pure(b"decisionflow/event/v1\n{}").hex()
