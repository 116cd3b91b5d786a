"""Who may do what on the site today: each right with its duties and the persons who carry them, and whether keepers mix."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from decisionflow.core.facts import legal_date
from decisionflow.errors import NotFound
from decisionflow.service import actors, permissions, registering
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One right: `people` are those who have it today, the first few by name; `total` counts posts that carry it."""

    id: str
    title: str
    duties: tuple[str, ...]
    people: tuple[str, ...]
    total: int
    why: str


@dataclass(frozen=True, slots=True)
class Keeper:
    """One of those who keep the system: duty, title, and who does it today."""

    duty: str
    title: str
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policies:
    """The rights of the site; `mixed` are persons whose posts together break the separation of keepers."""

    lines: tuple[Line, ...]
    keepers: tuple[Keeper, ...]
    mixed: tuple[str, ...]
    scopes: tuple[tuple[str, str], ...]


def policies(connection: Connection, authority: Authority, actor: Actor, now: datetime) -> Policies:
    """The rights as they are carried on the day of asking. Raises NotFound for whoever has no use for them."""
    if not permissions.may_see_policies(actor):
        raise NotFound("may not see policies", say="没有这个页面")
    rights = permissions.rights()
    everybody = actors.everybody(connection, authority.id, legal_date(now))
    titles = registering.duties(connection, authority)
    lines = []
    for right in rights.rights:
        found = [one for one in everybody if rights.gives(right.id, one.duties)]
        duties = tuple(titles.get(one, one) for one in right.duties) or ("三员以外的任何岗位",)
        lines.append(Line(right.id, right.title, duties, tuple(map(_who, found[:SHOWN])), len(found), right.why))
    keepers = tuple(
        Keeper(duty, rights.titles[duty], tuple(_who(one) for one in everybody if duty in one.duties))
        for duty in rights.keepers
    )
    scopes = tuple((one.id, one.title) for one in rights.scopes)
    return Policies(tuple(lines), keepers, _mixed(everybody), scopes)


def _mixed(everybody: Sequence[Actor]) -> tuple[str, ...]:
    """Persons, not posts: what each carries in all posts together."""
    carried: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in everybody:
        carried[one.person, one.name].update(one.duties)
    return tuple(name for (_, name), duties in carried.items() if permissions.rights().mixed(duties))


def _who(one: Actor) -> str:
    return f"{one.name}（{one.unit_name}{one.post_title}）"
