"""The register: units, posts, persons and appointments, each a fact with its entry.

Rights hang on posts, records hang on persons. Persons are never told apart, or merged, by name: a
name finds a person only when it is the only one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, text

from decisionflow.core import names
from decisionflow.core.facts import Timing
from decisionflow.errors import NotFound
from decisionflow.service import entries, projections
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.store.engine import Tx
from decisionflow.store.records import Record, Rows


class Register:
    """Writes register entries one after the other in one transaction; ids are given back at once."""

    def __init__(self, tx: Tx, authority: Authority, actor: Actor, now: datetime) -> None:
        self.tx, self.authority, self.actor, self.now = tx, authority, actor, now
        self._head = entries.head(tx.connection, authority.id, "register", authority.id)

    def unit(
        self, name: str, since: date, *, short: str = "", rank: int = 100, succeeds: str = "", document: str = ""
    ) -> str:  # fmt: skip
        """A unit exists from a day on; `succeeds` names the unit it came from. Gives its id."""
        unit = entries.new_id(self.now)
        body = {"unit": unit, "name": name, "short": short or name, "rank": rank, "valid_from": since.isoformat()}
        self._write("unit.registered", body | _filled(succeeds=succeeds, document=document))
        return unit

    def rename(self, unit: str, name: str, since: date, document: str = "") -> None:
        """A unit has another name from a day on; old entries keep the old one."""
        body = {"unit": unit, "name": name, "valid_from": since.isoformat()}
        self._write("unit.renamed", body | _filled(document=document))

    def close_unit(self, unit: str, until: date, document: str = "") -> None:
        """A unit is abolished after a day."""
        self._write("unit.abolished", {"unit": unit, "valid_to": until.isoformat()} | _filled(document=document))

    def post(
        self, unit: str, title: str, duties: Sequence[str], since: date, *, rank: int = 100, single: bool = False
    ) -> str:  # fmt: skip
        """A post of a unit with the duties it carries; a `single` one has one holder at a time. Gives its id."""
        post = entries.new_id(self.now)
        body = {"post": post, "unit": unit, "title": title, "duties": sorted(duties), "rank": rank,
                "valid_from": since.isoformat()}  # fmt: skip
        self._write("post.created", body | ({"single": True} if single else {}))
        return post

    def power(
        self, unit: str, code: str, title: str, since: date, *, kind: str, basis: str, document: str
    ) -> str:  # fmt: skip
        """A unit's list of powers has an item from a day on, by a document. Gives its id."""
        power = entries.new_id(self.now)
        self._write("power.listed", {
            "power": power, "unit": unit, "code": code, "title": title, "kind": kind, "basis": basis, "document": document,
            "valid_from": since.isoformat(),
        })  # fmt: skip
        return power

    def end_power(self, power: str, until: date, document: str) -> None:
        """An item is on the list no longer after a day: cancelled, or adjusted and listed anew."""
        self._write("power.ended", {"power": power, "valid_to": until.isoformat(), "document": document})

    def person(self, name: str, note: str = "") -> str:
        """A human being. Two of one name are two. Gives the id."""
        person = entries.new_id(self.now)
        draft = entries.Draft("person.registered", {"person": person, "name": name} | ({"note": note} if note else {}))
        heard = [{"person_id": person, "sound": one} for one in names.sounds(name)]
        self.write(draft, *([Rows("person_sound", heard, "ignore")] if heard else []))
        return person

    def appoint(
        self, person: str, post: str, since: date, *, until: date | None = None, document: str = "", acting: bool = False
    ) -> str:  # fmt: skip
        """A person holds a post from a day on, by a document. Gives the appointment's id."""
        appointment = entries.new_id(self.now)
        body: dict[str, Any] = {"appointment": appointment, "person": person, "post": post, "valid_from": since.isoformat(),
                                "acting": acting, "document": document}  # fmt: skip
        if until:
            body["valid_to"] = until.isoformat()
        self._write("appointment.made", body)
        return appointment

    def delegate(self, person: str, post: str, since: date, until: date, *, of: str, reason: str) -> str:
        """A person holds a post for its holder, whose appointment is `of`, for a time. Gives the appointment's id."""
        appointment = entries.new_id(self.now)
        self._write("appointment.made", {
            "appointment": appointment, "person": person, "post": post, "valid_from": since.isoformat(),
            "valid_to": until.isoformat(), "acting": False, "document": "", "delegated_by": of, "reason": reason,
        })  # fmt: skip
        return appointment

    def end(
        self, appointment: str, until: date, document: str = "", today: date | None = None, one_sided: str = ""
    ) -> None:
        """An appointment ends after a day; sessions through it die with it, at once unless that day is to come."""
        later = today is not None and until > today
        body = {"appointment": appointment, "valid_to": until.isoformat(), "document": document}
        self._write("appointment.ended", body | _filled(one_sided=one_sided) | ({"later": True} if later else {}))
        if later:  # until then the post is held; afterwards no session finds it any more
            return
        self.tx.execute(
            text("delete from session where authority_id = :a and appointment_id = :p"),
            {"a": self.authority.id, "p": appointment},
        )

    def hand_over(
        self, appointment: str, person: str, to: str, items: Sequence[Mapping[str, str]], remark: str
    ) -> str:  # fmt: skip
        """What somebody hands over to whom, before anybody has signed. Gives its id."""
        handover = entries.new_id(self.now)
        self._write("handover.opened", {
            "handover": handover, "appointment": appointment, "person": person, "to": to,
            "items": [dict(one) for one in items], "remark": remark,
        })  # fmt: skip
        return handover

    def sign(self, handover: str, side: str) -> None:
        """One of the two signs: whoever gave (`given`) or whoever took (`taken`)."""
        self._write("handover.signed", {"handover": handover, "side": side})

    def _write(self, kind: str, body: dict[str, Any]) -> None:
        self.write(entries.Draft(kind, body))

    def write(self, draft: entries.Draft, *more: Rows) -> str:
        """Write an entry of the register, one after the other, with `more` rows that no entry says; its id."""
        composed = entries.compose(draft, self._head, self.actor, Timing(self.now), clock=self.authority.clock)
        self._head = self._head.after(composed.append)
        rows = projections.register_rows(self.tx.connection, composed.record, self.tx.pending)
        self.tx.add(Record(composed.append, (*composed.rows, *rows, *more)))
        return composed.id


def _filled(**values: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


_UNITS = text("select id, name from unit where authority_id = :a and (id = :t or name = :t or short = :t)")
_POSTS = text("select id, title as name from post where authority_id = :a and (id = :t or title = :t)")
_PERSONS = text("select id, name from person where id = :t or name = :t")
_QUERIES = {"unit": _UNITS, "post": _POSTS, "person": _PERSONS}


@dataclass(frozen=True, slots=True)
class Directory:
    """The register as form fields need it: an id, or a name that only one has."""

    connection: Connection
    authority: str
    on: date

    def find(self, kind: str, text: str) -> dict[str, str] | None:
        """The unit, post or person meant, or None when nobody or several could be."""
        rows = self.connection.execute(
            _QUERIES[kind], {"a": self.authority, "t": text} if kind != "person" else {"t": text}
        )
        found = rows.all()
        exact = [row for row in found if row.id == text] or found
        return {"id": exact[0].id, "name": exact[0].name} if len(exact) == 1 else None


_PERSON = text("select id, name, note from person where id = :id")


def person(connection: Connection, person_id: str) -> dict[str, Any]:
    """A person by id. Raises NotFound."""
    row = connection.execute(_PERSON, {"id": person_id}).mappings().first()
    if row is None:
        raise NotFound(f"no person {person_id}", say="没有这个人")
    return dict(row)


def everybody(connection: Connection, most: int) -> tuple[dict[str, Any], ...]:
    """Every person, at most so many, by name."""
    statement = text("select id, name, note from person order by name, note, id limit :most")
    return tuple(dict(row) for row in connection.execute(statement, {"most": most}).mappings())


_NAMED = text("""
    select id, name, note from person where name like :n or id = :t order by name, note, id limit 50
""")
_HEARD = text("""
    select id, name, note from person where id in (select person_id from person_sound where sound between :t and :u)
    order by name, note, id limit 50
""")


def find_persons(connection: Connection, words: str) -> tuple[dict[str, Any], ...]:
    """All persons whose name contains the words, or sounds like them when they are letters; homonyms apart."""
    sound = names.plain(words)
    heard = connection.execute(_HEARD, {"t": sound, "u": sound + "z" * 60}).mappings().all() if sound else []
    called = connection.execute(_NAMED, {"n": f"%{words}%", "t": words}).mappings().all()
    found = {row["id"]: dict(row) for row in (*called, *heard)}
    return tuple(found.values())


def named(connection: Connection, name: str) -> tuple[dict[str, Any], ...]:
    """All persons of exactly that name, or the one of that id; homonyms apart."""
    statement = text("select id, name, note from person where name = :n or id = :n order by note, id")
    return tuple(dict(row) for row in connection.execute(statement, {"n": name}).mappings())
