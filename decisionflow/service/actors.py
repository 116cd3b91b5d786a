"""Who acts: a person in a post, with the duties that post carries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

import orjson
from sqlalchemy import Connection, RowMapping, text

from decisionflow.core import procedure as law
from decisionflow.core.facts import Facts, Party
from decisionflow.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Actor:
    """A person acting through one appointment. `auth` says how we know (no secrets)."""

    authority: str
    person: str
    name: str
    appointment: str
    post: str
    post_title: str
    unit: str
    unit_name: str
    duties: tuple[str, ...]
    kind: Literal["person", "system", "import"] = "person"
    auth: Mapping[str, str] = field(default_factory=dict)

    def party(self, duty: str = "") -> Party:
        """How this actor stands in an entry, acting for a duty."""
        return Party(self.person, self.name, self.post, self.post_title, self.unit, self.unit_name, duty)


_POSTS = """
    select a.id, a.authority_id, a.person_id, n.name, a.post_id, p.title, p.duties, p.unit_id, u.name as unit_name,
           a.valid_from, a.valid_to, a.acting, a.document, g.name as lender
    from appointment a
    left join appointment h on h.authority_id = a.authority_id and h.id = a.delegated_by
    left join person g on g.id = h.person_id
    join person n on n.id = a.person_id
    join post p on p.authority_id = a.authority_id and p.id = a.post_id
    join unit u on u.authority_id = p.authority_id and u.id = p.unit_id
    where a.authority_id = :authority and a.ended = :no
"""
_EVERYBODY = text(f"{_POSTS} order by p.rank, a.id")
_ONE_PERSON = text(f"{_POSTS} and a.person_id = :person order by p.rank, a.id")


def posts_of(connection: Connection, authority: str, person: str, on: date) -> tuple[Actor, ...]:
    """Every post a person holds in an authority on a day, each as an actor, by rank."""
    rows = connection.execute(_ONE_PERSON, {"authority": authority, "person": person, "no": False}).mappings()
    return _valid(rows, on)


def everybody(connection: Connection, authority: str, on: date) -> tuple[Actor, ...]:
    """Every post that somebody holds in an authority on a day, each as an actor, by rank."""
    return _valid(connection.execute(_EVERYBODY, {"authority": authority, "no": False}).mappings(), on)


def _valid(rows: Iterable[RowMapping], on: date) -> tuple[Actor, ...]:
    return tuple(
        Actor(row["authority_id"], row["person_id"], row["name"], row["id"], row["post_id"], _title(row), row["unit_id"],
              row["unit_name"], tuple(orjson.loads(row["duties"])))
        for row in rows
        if _as_date(row["valid_from"]) <= on and (row["valid_to"] is None or on <= _as_date(row["valid_to"]))
    )  # fmt: skip


def _title(row: RowMapping) -> str:
    """The post as it stands in every record of what was done through it: held, acted in, or lent by somebody."""
    if row["lender"]:
        return f"{row['title']}（受{row['lender']}委托）"
    return f"{row['title']}（代理）" if row["acting"] else str(row["title"])


def signed(actor: Actor, method: str, session: str, level: str = "") -> Actor:
    """The actor with how we know them: the way of signing in, how strong it was, and the session's hash; no secrets."""
    return replace(actor, auth={"method": method, "session": session[:16], **({"level": level} if level else {})})


def acting(connection: Connection, authority: str, person: str, on: date, appointment: str = "") -> Actor:
    """The actor of one appointment, or of the only one a person has. Raises Forbidden."""
    posts = posts_of(connection, authority, person, on)
    chosen = [post for post in posts if not appointment or post.appointment == appointment]
    if not chosen:
        raise Forbidden("no valid appointment", say="您目前没有有效任职，不能办理；如有疑问请联系系统管理员")
    if len(chosen) > 1:
        raise Forbidden("several posts, none chosen", say="您有多个岗位，请先选择以哪个岗位办理")
    return chosen[0]


def _as_date(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def duty_for(procedure: law.Procedure, action: law.Action, actor: Actor, facts: Facts | None) -> str:
    """The duty by which an actor may take an action, '' when none: the one permission function for acts."""
    return next((duty for duty in action.by if carries(procedure, duty, actor, facts)), "")


def carries(procedure: law.Procedure, duty: str, actor: Actor, facts: Facts | None) -> bool:
    """Whether an actor has a duty in a case.

    A duty *of the authority* is carried by the post; a duty *of the case* also needs the actor's unit
    (or post) to hold it in this case.
    """
    return duty in actor.duties and (procedure.duties[duty].of == "authority" or _holds(actor, duty, facts))


def _holds(actor: Actor, duty: str, facts: Facts | None) -> bool:
    held = facts.duties.get(duty, ()) if facts else ()
    return any(one.get("id") in (actor.unit, actor.post) or one.get("name") == actor.unit_name for one in held)
