"""Whether a `When` holds: every key has one of its values."""

from __future__ import annotations

from collections.abc import Mapping

from decisionflow.core.facts import Fields, Value


def holds(when: Mapping[str, tuple[str, ...]], *, matter: Fields, fields: Fields, stages: Mapping[str, str]) -> bool:
    """True when each `matter.x`, `field.x`, `track.x` has one of the listed values."""
    spaces: dict[str, Mapping[str, object]] = {"matter": matter, "field": fields, "track": stages}
    for key, wanted in when.items():
        space, _, name = key.partition(".")
        if not matches(spaces[space].get(name), wanted):
            return False
    return True


def matches(value: object, wanted: tuple[str, ...]) -> bool:
    """Whether a value is one of the words: ``given``/``none`` for filled/empty, yes/no for flags."""
    words = {"given" if filled(value) else "none", *spoken(value)}
    return not words.isdisjoint(wanted)


def filled(value: object) -> bool:
    """A field says something: not None, not empty. A flag's `no` and the number 0 are answers."""
    return value is not None and value not in ("", [], {})


def spoken(value: object) -> set[str]:
    """The words a value may be named by in a procedure file."""
    if isinstance(value, bool):
        return {"yes" if value else "no"}
    if isinstance(value, list):
        return {word for item in value for word in spoken(item)}
    if isinstance(value, dict):
        return {str(value[key]) for key in ("id", "name") if key in value}
    return set() if value is None else {str(value)}


def same(one: Value | None, other: Value | None) -> bool:
    """Whether two values name the same unit, person or word."""
    return not spoken(one).isdisjoint(spoken(other))
