"""In-app notices: read once by the person they are for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update

from decisionflow.store.engine import Tx
from decisionflow.store.tables.infrastructure import Notice

_NOTICES = Notice.__table__  # type: ignore[attr-defined]


def mark_read(tx: Tx, authority: str, person: str, ids: Sequence[str], now: datetime) -> int:
    """Mark a person's own notices as read; how many were unread."""
    mine = (_NOTICES.c.authority_id == authority) & (_NOTICES.c.person_id == person) & _NOTICES.c.id.in_(list(ids))
    return tx.execute(update(_NOTICES).where(mine, _NOTICES.c.read_at.is_(None)).values(read_at=now)).rowcount
