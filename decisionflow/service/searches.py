"""Queries that somebody keeps: a name for each, for oneself alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select

from decisionflow.core import fields
from decisionflow.core import query as language
from decisionflow.errors import BadInput, Problem
from decisionflow.service.actors import Actor
from decisionflow.store.engine import Tx
from decisionflow.store.records import Rows
from decisionflow.store.tables.infrastructure import SavedQuery

_S = SavedQuery.__table__  # type: ignore[attr-defined]
MOST = 30


def keep(tx: Tx, actor: Actor, name: str, query: str, now: datetime) -> None:
    """Keep a query under a name; the same name again changes it. Raises BadInput."""
    try:
        name = fields.clean(name).strip()
    except ValueError as fault:
        raise BadInput([Problem("name", f"名称{fault}", rule="text")]) from fault
    if not 1 <= len(name) <= 40:
        raise BadInput([Problem("name", "请给这个检索起一个名称（40字以内）", rule="required")])
    if not language.read(query).terms:
        raise BadInput([Problem("q", "没有写检索式", rule="required")])
    known = tx.connection.execute(select(_S.c.name).where(*_mine(actor), _S.c.name == name)).first()
    count = tx.connection.execute(select(func.count()).select_from(_S).where(*_mine(actor))).scalar() or 0
    if known is None and count >= MOST:
        raise BadInput([Problem("name", f"最多保存{MOST}个检索，请先删除用不着的", rule="range")])
    row = {
        "authority_id": actor.authority,
        "person_id": actor.person,
        "name": name,
        "query": query.strip(),
        "saved_at": now,
    }
    tx.put(Rows("saved_query", [row]))


def forget(tx: Tx, actor: Actor, name: str) -> None:
    """Keep a query no longer; one that is not kept is none."""
    tx.execute(delete(_S).where(*_mine(actor), _S.c.name == name))


def kept(connection: Connection, actor: Actor) -> tuple[tuple[str, str], ...]:
    """One's own queries by name: (name, query)."""
    rows = connection.execute(select(_S.c.name, _S.c.query).where(*_mine(actor)).order_by(_S.c.name))
    return tuple((row.name, row.query) for row in rows)


def _mine(actor: Actor) -> tuple[Any, ...]:
    return _S.c.authority_id == actor.authority, _S.c.person_id == actor.person
