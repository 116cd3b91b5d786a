"""Is this the file that was published? Found by its bytes alone, whatever it is called by now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select, true

from decisionflow.errors import NotFound
from decisionflow.service.reads import public
from decisionflow.store.tables.cases import Case

_F = Case.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Published:
    """Where a file was published: in which case, by which act, and which file of its kind came after it, if any."""

    no: str
    title: str
    paper: public.Shown
    act: str
    unit: str
    on: date
    entry: str
    newer: public.Shown | None
    newer_on: date | None


def published(connection: Connection, sha256: str) -> tuple[Published, ...]:
    """Every public act that published a file with this hash (64 hex digits), case by case, oldest first; () for none."""
    query = select(_F.c.no).where(_F.c.public == true(), _F.c.facts.contains(f'"{sha256}"')).order_by(_F.c.no)
    return tuple(one for row in connection.execute(query).all() for one in _of_case(connection, row.no, sha256))


def _of_case(connection: Connection, no: str, sha256: str) -> tuple[Published, ...]:
    try:
        authority, standing = public.visible(connection, no)
    except NotFound:  # a public matter of which nothing was published yet
        return ()
    shown = public.papers(standing.procedure, standing.facts)
    acts = {act.entry: act for act in standing.facts.acts}
    hashes = public.hashes(connection, authority, [one.act for one in shown])
    found = []
    for n, one in enumerate(shown):
        if one.sha256 != sha256:
            continue
        act, newer = acts[one.act], _newer(shown[n + 1 :], one)
        found.append(
            Published(
                no, standing.facts.title, one, act.title, act.party.unit_name, act.on, hashes.get(one.act, ""),
                newer, acts[newer.act].on if newer else None,
            )
        )  # fmt: skip
    return tuple(found)


def _newer(later: Sequence[public.Shown], paper: public.Shown) -> public.Shown | None:
    """The last file of the same kind that was published afterwards with other bytes."""
    return next((one for one in reversed(later) if one.kind == paper.kind and one.sha256 != paper.sha256), None)
