"""Where a notice was published, and of each channel what was kept to show it later: the hash of the copy, and its day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Value

FIELD, COPY = "channels", "snapshot"


@dataclass(frozen=True, slots=True)
class Kept:
    """A copy of a notice as a channel showed it."""

    sha256: str
    taken_on: date


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of a notice with the copies that were kept of it, oldest first."""

    title: str
    address: str
    kept: tuple[Kept, ...]


def keeps(action: law.Action) -> bool:
    """Whether an action keeps a copy of what a channel published."""
    copy = action.field(COPY)
    return copy is not None and copy.type == "file" and action.field("channel") is not None


def channels(action: law.Action, act: Act, later: Iterable[tuple[law.Action, Act]]) -> tuple[Channel, ...]:
    """The channels of a notice, and those that only a copy tells of."""
    spec = action.field(FIELD)
    if spec is None:
        return ()
    titles = next((column.choices for column in spec.columns if column.id == "channel"), {})
    found: dict[tuple[str, str], list[Kept]] = {}
    for row, on in _rows(act.fields.get(FIELD), act.on):
        found.setdefault(_key(row), []).extend(_copy(row, on))
    for how, one in later:
        if keeps(how):
            found.setdefault(_place(found, _key(one.fields)), []).extend(_copy(one.fields, one.on))
    return tuple(Channel(titles.get(name, name), address, tuple(kept)) for (name, address), kept in found.items())


def _rows(value: Value | None, on: date) -> Iterator[tuple[Mapping[str, Any], date]]:
    for row in value if isinstance(value, list) else ():
        if isinstance(row, Mapping):
            yield row, on


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return str(row.get("channel", "")), str(row.get("address", ""))


def _place(found: Iterable[tuple[str, str]], key: tuple[str, str]) -> tuple[str, str]:
    """The channel that a copy is of: the same address, or the only one of its kind."""
    same = [one for one in found if one[0] == key[0]]
    return key if key in same or len(same) != 1 else same[0]


def _copy(row: Mapping[str, Any], on: date) -> Iterator[Kept]:
    file = row.get(COPY)
    if isinstance(file, Mapping):
        yield Kept(str(file["sha256"]), date.fromisoformat(str(row.get("taken_on", on))))
