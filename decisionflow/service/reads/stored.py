"""Every case of a government with the procedure that it is under: what a list over all cases is made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, text

from decisionflow.core import procedure as law
from decisionflow.core.facts import Facts, thaw
from decisionflow.service import permissions, procedures
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority


@dataclass(frozen=True, slots=True)
class Stored:
    """A case as it stands, and whether it is over."""

    procedure: law.Procedure
    facts: Facts
    ended: bool


_CASES = text("select procedure, facts, ended from case_file where authority_id = :a order by no")


def cases(connection: Connection, authority: Authority) -> Iterator[Stored]:
    """Every case, by number. One pass over them all: a page asks once and hands the result on."""
    for row in connection.execute(_CASES, {"a": authority.id}).all():
        procedure = procedures.by_digest(connection, authority.id, row.procedure)
        yield Stored(procedure, thaw(orjson.loads(row.facts)), bool(row.ended))


def visible(connection: Connection, authority: Authority, actor: Actor) -> tuple[Stored, ...]:
    """The cases that an actor may see, by number."""
    return tuple(
        one for one in cases(connection, authority) if permissions.may_see(actor, one.procedure, one.facts)
    )  # fmt: skip
