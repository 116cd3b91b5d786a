"""What the public said, for everybody, once the answers are out: personal data covered, what is left out named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, and_, or_, select, text

from decisionflow.core import spans
from decisionflow.core.facts import legal_date
from decisionflow.errors import NotFound
from decisionflow.service import consultations, withholding
from decisionflow.service.reads import masks, public
from decisionflow.service.reads.public_notice import Notice, Point
from decisionflow.store.tables.participation import Opinion
from decisionflow.store.tables.trail import VaultField

PAGE = 50
_O = Opinion.__table__  # type: ignore[attr-defined]
_V = VaultField.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Line:
    """An opinion as everybody may read it, and the points it lies in. `said` is '' once its words were erased."""

    seq: int
    on: date
    channel: str
    late: bool
    said: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of opinions; `following` is where the next one begins, 0 at the end."""

    lines: tuple[Line, ...]
    following: int


_MARK = text("""
    select c.id, c.seq from consultation c join authority a on a.id = c.authority_id where c.no = :no order by c.id desc
""")


def mark(connection: Connection, no: str) -> tuple[str, int] | None:
    """What changes whenever an opinion comes in, or a part of one is withheld or shown again."""
    row = connection.execute(_MARK, {"no": no}).first()
    return (row.id, row.seq) if row else None


def listing(connection: Connection, found: Notice, point: int, after: int) -> Listing:
    """A page of a notice's opinions, of one point or (0) of all. Raises NotFound before the answers are published."""
    if found.feedback is None:
        raise NotFound(f"{found.no} is not answered", say="采纳情况公布以后，才能看到收到的意见")
    wanted = next((one for one in found.feedback.points if one.n == point), None)
    if point and wanted is None:
        raise NotFound(f"no point {point}", say="没有这个要点")
    authority, _ = public.visible(connection, found.no)
    this = and_(_O.c.authority_id == authority.id, _O.c.consultation_id == found.id, _O.c.seq > after)
    if wanted is not None:
        this = and_(this, _among(wanted.opinions, after))
    join = and_(_V.c.authority_id == _O.c.authority_id, _V.c.commitment == _O.c.words)
    query = select(_O.c.seq, _O.c.channel, _O.c.received_at, _O.c.late, _V.c.value).select_from(_O.outerjoin(_V, join))
    rows = connection.execute(query.where(this).order_by(_O.c.seq).limit(PAGE + 1)).all()
    parts = withholding.parts(connection, authority.id, found.id, [row.seq for row in rows[:PAGE]])
    lines = tuple(_line(row, parts.get(row.seq, ()), found.feedback.points) for row in rows[:PAGE])
    return Listing(lines, rows[PAGE - 1].seq if len(rows) > PAGE else 0)


def _among(numbers: spans.Spans, after: int) -> Any:
    """The condition to be one of these numbers; only as many spans as a page can need."""
    near = [span for span in numbers if span[1] > after][: PAGE + 1]
    return or_(_O.c.seq < 0, *(_O.c.seq.between(first, last) for first, last in near))


def _line(row: Any, left_out: Iterable[withholding.Part], points: Iterable[Point]) -> Line:
    said = masks.words(withholding.covered(row.value, left_out)) if row.value else ""
    mine = tuple(one for one in points if spans.holds(one.opinions, row.seq))
    channel = consultations.CHANNELS.get(row.channel, row.channel)
    return Line(row.seq, legal_date(row.received_at), channel, bool(row.late), said, mine)
