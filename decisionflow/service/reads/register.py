"""The register as it stood on a day, by what was known at an instant: units, posts, and who held them.

Read from the entries, because a row only says what is believed today. Two times, and both may be asked for: the day
that a document speaks of, and the moment by which it had been written down here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, select, text

from decisionflow.core.facts import instant, legal_date
from decisionflow.errors import NotFound
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.store.tables.people import Handover
from decisionflow.store.tables.trail import TrailEntry
from decisionflow.trail import canonical

_E = TrailEntry.__table__  # type: ignore[attr-defined]
_H = Handover.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody in a post: since when by which document, when that was written down, and for whom if it was lent."""

    appointment: str
    person: str
    name: str
    note: str
    since: date
    until: date | None
    recorded: date
    document: str
    acting: bool
    lender: str

    @property
    def late(self) -> bool:
        """Whether it was written down after the day from which it counts."""
        return self.recorded > self.since


@dataclass(frozen=True, slots=True)
class Seat:
    """A post with its duties and everybody who holds it on the day."""

    id: str
    title: str
    duties: tuple[str, ...]
    single: bool
    holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """A unit under the name that it had on the day; `names` are the others, each with its first day."""

    id: str
    name: str
    since: date
    until: date | None
    names: tuple[tuple[str, date], ...]
    succeeds: str
    seats: tuple[Seat, ...]


@dataclass(slots=True)
class _Known:
    """What the entries say, folded one after the other."""

    units: dict[str, dict[str, Any]] = field(default_factory=dict)
    posts: dict[str, dict[str, Any]] = field(default_factory=dict)
    persons: dict[str, dict[str, Any]] = field(default_factory=dict)
    appointments: dict[str, dict[str, Any]] = field(default_factory=dict)

    def take(self, record: Mapping[str, Any]) -> None:
        body = record["body"]
        match record["kind"]:
            case "unit.registered":
                self.units[body["unit"]] = {**body, "names": [(body["name"], _day(body["valid_from"]))]}
            case "unit.renamed":
                self.units[body["unit"]]["names"].append((body["name"], _day(body["valid_from"])))
            case "unit.abolished":
                self.units[body["unit"]]["valid_to"] = body["valid_to"]
            case "post.created":
                self.posts[body["post"]] = dict(body)
            case "person.registered":
                self.persons[body["person"]] = dict(body)
            case "appointment.made":
                self.appointments[body["appointment"]] = {**body, "recorded": record["times"]["recorded_at"]}
            case "appointment.ended":
                self.appointments[body["appointment"]]["valid_to"] = body["valid_to"]


def bodies(
    connection: Connection, authority: Authority, on: date, known: datetime | None = None, words: str = ""
) -> tuple[Body, ...]:  # fmt: skip
    """Every unit that there was on a day, by rank, as it was known at an instant (None: now).

    With `words`, only what holds them: in a unit's names, a post's title, or a holder's name.
    """
    found = _Known()
    query = select(_E.c.data).where(
        _E.c.authority_id == authority.id, _E.c.chain_kind == "register", _E.c.chain_id == authority.id
    )
    if known is not None:
        query = query.where(_E.c.recorded_at <= known)
    for row in connection.execute(query.order_by(_E.c.chain_seq)):
        found.take(canonical.decode(bytes(row.data)))
    units = sorted(found.units.values(), key=lambda one: (one["rank"], one["valid_from"], one["unit"]))
    told = (_body(found, one, on) for one in units if _in(one, on))
    return tuple(one for one in (_matching(body, words.strip()) for body in told) if one is not None)


def _body(found: _Known, unit: Mapping[str, Any], on: date) -> Body:
    names = sorted(unit["names"], key=lambda one: one[1])
    name = [one for one in names if one[1] <= on][-1][0]
    before = found.units.get(unit.get("succeeds", ""))
    seats = (one for one in found.posts.values() if one["unit"] == unit["unit"] and _in(one, on))
    ordered = sorted(seats, key=lambda one: (one["rank"], one["post"]))
    return Body(
        unit["unit"], name, _day(unit["valid_from"]), _day_or_none(unit.get("valid_to")),
        tuple(one for one in names if one[0] != name), before["names"][-1][0] if before else "",
        tuple(_seat(found, one, on) for one in ordered),
    )  # fmt: skip


def _seat(found: _Known, post: Mapping[str, Any], on: date) -> Seat:
    return Seat(
        post["post"], post["title"], tuple(post["duties"]), post.get("single", False), tuple(_holders(found, post, on))
    )


def _holders(found: _Known, post: Mapping[str, Any], on: date) -> Iterator[Holder]:
    for one in found.appointments.values():
        if one["post"] != post["post"] or not _in(one, on):
            continue
        person, lent = found.persons.get(one["person"], {}), found.appointments.get(one.get("delegated_by", ""), {})
        yield Holder(
            one["appointment"], one["person"], person.get("name", ""), person.get("note", ""), _day(one["valid_from"]),
            _day_or_none(one.get("valid_to")), legal_date(instant(one["recorded"])), one["document"], one["acting"],
            found.persons.get(lent.get("person", ""), {}).get("name", ""),
        )  # fmt: skip


def _matching(body: Body, words: str) -> Body | None:
    if not words or words in body.name or any(words in name for name, _ in body.names):
        return body
    seats = tuple(one for one in body.seats if words in one.title or any(words in each.name for each in one.holders))
    return Body(body.id, body.name, body.since, body.until, body.names, body.succeeds, seats) if seats else None


def _in(one: Mapping[str, Any], on: date) -> bool:
    ends = _day_or_none(one.get("valid_to"))
    return _day(one["valid_from"]) <= on and (ends is None or on <= ends)


def _day(value: str) -> date:
    return date.fromisoformat(value)


def _day_or_none(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None


# ---- one thing of it -----------------------------------------------------------------------------------------

_ABOUT = {
    "unit": text("select name as words from unit where authority_id = :a and id = :id"),
    "post": text("""
        select u.name || ' · ' || p.title as words from post p
        join unit u on u.authority_id = p.authority_id and u.id = p.unit_id where p.authority_id = :a and p.id = :id
    """),
    "appointment": text("""
        select n.name || ' · ' || u.name || ' · ' || p.title as words from appointment a
        join person n on n.id = a.person_id
        join post p on p.authority_id = a.authority_id and p.id = a.post_id
        join unit u on u.authority_id = p.authority_id and u.id = p.unit_id where a.authority_id = :a and a.id = :id
    """),
}


def about(connection: Connection, authority: Authority, kind: str, of: str) -> str:
    """A unit, post or appointment in words. Raises NotFound."""
    row = connection.execute(_ABOUT[kind], {"a": authority.id, "id": of}).first()
    if row is None:
        raise NotFound(f"no {kind} {of[:40]!r}", say="登记册里没有这一项")
    return str(row.words)


@dataclass(frozen=True, slots=True)
class Passed:
    """A hand-over: who gives what to whom, and when each has signed."""

    id: str
    giver: str
    taker: str
    giver_id: str
    taker_id: str
    items: tuple[dict[str, str], ...]
    remark: str
    opened_by: str
    opened_at: datetime
    given_at: datetime | None
    taken_at: datetime | None

    def waits_for(self, person: str) -> bool:
        """Whether somebody still has to sign."""
        return (person == self.giver_id and self.given_at is None) or (
            person == self.taker_id and self.taken_at is None
        )


_NAMES = text("select id, name from person where id = :one or id = :other")


def handover(connection: Connection, authority: Authority, actor: Actor, of: str, *, all_of_them: bool) -> Passed:
    """A hand-over, for its two persons and for whoever keeps the register. Raises NotFound."""
    row = connection.execute(select(_H).where(_H.c.authority_id == authority.id, _H.c.id == of)).mappings().first()
    if row is None or not (all_of_them or actor.person in (row["person_id"], row["to_person_id"])):
        raise NotFound(f"no handover {of[:40]!r}", say="没有这张交接单")
    return _passed(connection, dict(row))


def handovers(connection: Connection, authority: Authority, person: str) -> tuple[Passed, ...]:
    """The hand-overs that wait for somebody's signature."""
    query = select(_H).where(
        _H.c.authority_id == authority.id,
        ((_H.c.person_id == person) & _H.c.given_at.is_(None))
        | ((_H.c.to_person_id == person) & _H.c.taken_at.is_(None)),
    )
    return tuple(_passed(connection, dict(row)) for row in connection.execute(query.order_by(_H.c.id)).mappings())


def _passed(connection: Connection, row: Mapping[str, Any]) -> Passed:
    asked = {"one": row["person_id"], "other": row["to_person_id"]}
    names = {one.id: one.name for one in connection.execute(_NAMES, asked)}
    return Passed(
        row["id"], names.get(row["person_id"], ""), names.get(row["to_person_id"], ""), row["person_id"],
        row["to_person_id"], tuple(orjson.loads(row["items"])), row["remark"], row["opened_by"], row["opened_at"],
        row["given_at"], row["taken_at"],
    )  # fmt: skip
