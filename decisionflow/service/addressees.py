"""Who is to be told of something in a case, and what one sweep reads again and again to find out.

Rights hang on posts: whoever holds the duty today is told, whoever held it yesterday is not. Nobody is
told of a case that they may not open.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import orjson
from sqlalchemy import Connection, text

from decisionflow.core import calendar as days
from decisionflow.core import procedure as law
from decisionflow.core.facts import Facts, legal_date, thaw
from decisionflow.errors import NotFound
from decisionflow.service import actors, authorities, calendars, contacts, outbox, permissions, procedures
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority

T = TypeVar("T")
TITLE = 30
_CASE = text("select facts from case_file where authority_id = :a and id = :c")


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody is told: a title of at most 30 characters, at most three lines, one link."""

    title: str
    lines: tuple[str, ...]
    href: str

    @property
    def payload(self) -> dict[str, Any]:
        """As an outbox row keeps it."""
        return {"title": self.title, "lines": list(self.lines), "href": self.href}


def message(payload: Mapping[str, Any]) -> Message:
    """A message from what an outbox row kept."""
    return Message(payload["title"], tuple(payload["lines"]), payload["href"])


class Rolls:
    """The register, calendars and cases as they stand in one reading; each is looked up once."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self.connection, self.now, self.on = connection, now, legal_date(now)
        self._known: dict[Hashable, Any] = {}

    def _once(self, key: Hashable, find: Callable[[], T]) -> T:
        if key not in self._known:
            self._known[key] = find()
        found: T = self._known[key]
        return found

    def authority(self, authority: str) -> Authority:
        """A government by its id."""
        return self._once(authority, lambda: authorities.get(self.connection, authority))

    def calendar(self, authority: Authority) -> days.Calendar:
        """Its newest calendar."""
        return self._once(
            ("calendar", authority.id), lambda: calendars.current(self.connection, authority.id, authority.calendar)
        )

    def procedure(self, authority: Authority, facts: Facts) -> law.Procedure:
        """The procedure that a case runs under."""
        return procedures.by_digest(self.connection, authority.id, facts.procedure)

    def facts(self, authority: str, case: str) -> Facts:
        """A case as folded. Raises NotFound."""
        return self._once(("case", authority, case), lambda: self._facts(authority, case))

    def _facts(self, authority: str, case: str) -> Facts:
        row = self.connection.execute(_CASE, {"a": authority, "c": case}).first()
        if row is None:
            raise NotFound(f"no case {case}", say="没有这个事项")
        return thaw(orjson.loads(row.facts))

    def posts(self, authority: str) -> tuple[Actor, ...]:
        """Everybody in office today."""
        return self._once(("posts", authority), lambda: actors.everybody(self.connection, authority, self.on))

    def holders(self, authority: str, procedure: law.Procedure, duty: str, facts: Facts) -> dict[str, Actor]:
        """The persons who have a duty in a case today, each once."""
        found = (one for one in self.posts(authority) if actors.carries(procedure, duty, one, facts))
        return {one.person: one for one in found if permissions.may_see(one, procedure, facts)}

    def has_mail(self, person: str) -> bool:
        """Whether a person can be reached by mail."""
        return self._once(("mail", person), lambda: bool(contacts.mail_of(self.connection, [person])))


def subject(facts: Facts) -> str:
    """How a case is called in a message: by its title, or only by its number when it is not public."""
    return facts.title if facts.matter.get("public") is not False else facts.no


def heading(facts: Facts) -> str:
    """The line of a message that says which case it is."""
    return f"{facts.no} {facts.title}" if subject(facts) == facts.title else facts.no


def shorten(text: str, length: int = TITLE) -> str:
    """The text, cut to a length."""
    return text if len(text) <= length else text[: length - 1] + "…"


def rows(
    rolls: Rolls, authority: str, person: str, kind: str, dedup: str, message: Message, *, mail: bool,
    expires_at: datetime | None,
) -> list[Mapping[str, Any]]:  # fmt: skip
    """The outbox rows that tell a person something: in the system, and by mail where they have an address."""
    channels = ["notice", *(["mail"] if mail and rolls.has_mail(person) else [])]
    return [
        outbox.row(
            authority, f"{dedup}:{person}:{channel}", kind, message.payload, rolls.now, channel=channel,
            recipient=person, expires_at=expires_at if channel == "mail" else None,
        )
        for channel in channels
    ]  # fmt: skip
