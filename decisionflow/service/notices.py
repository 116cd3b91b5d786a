"""In-app notices: exactly once by their key, read once by the person they are for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import update

from decisionflow.service import entries
from decisionflow.store.engine import Tx
from decisionflow.store.tables.infrastructure import Notice

_NOTICES = Notice.__table__  # type: ignore[attr-defined]


def row(
    authority: str, dedup: str, kind: str, person: str, title: str, lines: Sequence[str], href: str, now: datetime
) -> dict[str, Any]:  # fmt: skip
    """A row to insert with mode ``ignore``: the same key twice is one notice."""
    return {
        "authority_id": authority, "id": entries.new_id(now), "person_id": person, "dedup_key": dedup, "kind": kind,
        "title": title, "body": "\n".join(lines), "href": href, "created_at": now, "read_at": None,
    }  # fmt: skip


def mark_read(tx: Tx, authority: str, person: str, ids: Sequence[str], now: datetime) -> int:
    """Mark a person's own notices as read; how many were unread."""
    mine = (_NOTICES.c.authority_id == authority) & (_NOTICES.c.person_id == person) & _NOTICES.c.id.in_(list(ids))
    return tx.execute(update(_NOTICES).where(mine, _NOTICES.c.read_at.is_(None)).values(read_at=now)).rowcount
