"""What the public said, a page at a time, and as a table: for those who may read the words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from decisionflow import render
from decisionflow.errors import NotFound
from decisionflow.service import consultations, permissions, settling
from decisionflow.service.points import Filter
from decisionflow.service.reads import public_notice
from decisionflow.service.reads.case import View
from decisionflow.store.blobs import Blobs
from decisionflow.store.tables.participation import Consultation, Opinion, Placement, Point
from decisionflow.store.tables.trail import VaultField

PAGE = 50
BATCH = 2_000
COLUMNS = ("编号", "回执号", "收到时间", "渠道", "态度", "针对", "是否逾期", "意见内容", "归入要点")
_O = Opinion.__table__  # type: ignore[attr-defined]
_C = Consultation.__table__  # type: ignore[attr-defined]
_V = VaultField.__table__  # type: ignore[attr-defined]
_P = Point.__table__  # type: ignore[attr-defined]
_IN = Placement.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Line:
    """One opinion as received; `said` is '' once its words were erased. `points` are where it lies on the desk."""

    consultation: str
    seq: int
    receipt: str
    received_at: datetime
    channel: str
    stance: str
    paragraph: str
    late: bool
    said: str
    points: tuple[str, ...]

    @property
    def cells(self) -> tuple[str, ...]:
        """As a row of the table."""
        return (
            str(self.seq), self.receipt, render.moment(self.received_at), self.channel, self.stance, self.paragraph or "全文",
            "逾期" if self.late else "", self.said, "；".join(self.points),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of opinions: how many the filter leaves, of how many, and where the next page begins ('' at the end)."""

    lines: tuple[Line, ...]
    found: int
    total: int
    following: str


def listing(connection: Connection, blobs: Blobs, at: View, wanted: Filter, after: str) -> Listing | None:
    """A page of a case's opinions in the order they came; None for those who may not read them. Raises NotFound."""
    if not permissions.may_read_opinions(at.actor, at.procedure, at.facts):
        return None
    of_case = _of_case(at)
    total = connection.execute(select(func.count()).select_from(_joined()).where(of_case)).scalar_one()
    where = and_(of_case, *matching(wanted))
    found = (
        connection.execute(select(func.count()).select_from(_joined()).where(where)).scalar_one() if wanted else total
    )
    rows = _rows(connection, and_(where, _beyond(after)) if after else where, PAGE + 1)
    following = f"{rows[PAGE - 1].consultation_id}_{rows[PAGE - 1].seq}" if len(rows) > PAGE else ""
    return Listing(tuple(_lines(connection, blobs, at, rows[:PAGE])), found, total, following)


def everything(connection: Connection, blobs: Blobs, at: View, wanted: Filter) -> Iterator[Line]:
    """All opinions of a filter, read a batch at a time."""
    where, after = and_(_of_case(at), *matching(wanted)), ""
    while True:
        rows = _rows(connection, and_(where, _beyond(after)) if after else where, BATCH)
        yield from _lines(connection, blobs, at, rows)
        if len(rows) < BATCH:
            return
        after = f"{rows[-1].consultation_id}_{rows[-1].seq}"


def single(connection: Connection, blobs: Blobs, at: View, seq: int) -> Line:
    """One opinion of a case's newest consultation, by its number. Raises NotFound."""
    asked = consultations.of_case(connection, at.authority.id, at.facts.case)
    where = and_(_of_case(at), _O.c.consultation_id == (asked["id"] if asked else ""), _O.c.seq == seq)
    rows = _rows(connection, where, 1)
    if not rows:
        raise NotFound(f"no opinion {seq} of {at.facts.no}", say="没有这条意见")
    return next(_lines(connection, blobs, at, rows))


def matching(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    """The conditions of a filter on opinions joined with their words."""
    for name in ("channel", "paragraph", "stance"):
        if value := getattr(wanted, name):
            yield _O.c[name] == value
    if wanted.late:
        yield _O.c.late.is_(True)
    for word in wanted.words.split():
        pattern = "%" + word.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        yield or_(func.lower(_V.c.value).like(pattern, escape="\\"), _O.c.receipt == word.upper())


def _of_case(at: View) -> ColumnElement[bool]:
    return and_(_C.c.authority_id == at.authority.id, _C.c.case_id == at.facts.case)


def _joined() -> Any:
    return (
        _O.join(_C, and_(_C.c.authority_id == _O.c.authority_id, _C.c.id == _O.c.consultation_id))
        .outerjoin(_V, and_(_V.c.authority_id == _O.c.authority_id, _V.c.commitment == _O.c.words))
    )  # fmt: skip


def _rows(connection: Connection, where: ColumnElement[bool], most: int) -> Sequence[Any]:
    columns = (*_O.c, _V.c.value.label("said"), _C.c.ends_on, _C.c.text_digest.label("asked"))
    query = select(*columns).select_from(_joined()).where(where).order_by(_O.c.consultation_id, _O.c.seq).limit(most)
    return connection.execute(query).all()


def _lines(connection: Connection, blobs: Blobs, at: View, rows: Sequence[Any]) -> Iterator[Line]:
    lying = _lying(connection, at, rows)
    places = {digest: _places(blobs, digest) for digest in {row.asked for row in rows}}
    for row in rows:
        yield Line(
            row.consultation_id, row.seq, row.receipt, row.received_at, consultations.CHANNELS.get(row.channel, row.channel),
            consultations.STANCES.get(row.stance, ""), places[row.asked].get(row.paragraph, row.paragraph),
            settling.is_late(row.late, row.received_at, row.ends_on), row.said or "",
            tuple(lying.get((row.consultation_id, row.seq), ())),
        )  # fmt: skip


def _places(blobs: Blobs, digest: str) -> dict[str, str]:
    """What the paragraphs of the draft that was asked about are called: 第3段."""
    document = public_notice.document_of(blobs, digest)
    return {one.id: f"第{n}段" for n, one in enumerate(document.paragraphs, 1)} if document else {}


def _lying(connection: Connection, at: View, rows: Sequence[Any]) -> dict[tuple[str, int], list[str]]:
    """The points in which these opinions lie."""
    found: dict[tuple[str, int], list[str]] = {}
    for consultation in {row.consultation_id for row in rows}:
        mine = [row.seq for row in rows if row.consultation_id == consultation]
        join = and_(
            _P.c.authority_id == _IN.c.authority_id, _P.c.consultation_id == _IN.c.consultation_id, _P.c.id == _IN.c.point_id
        )  # fmt: skip
        query = (
            select(_IN.c.seq, _P.c.point)
            .join(_P, join)
            .where(
                _IN.c.authority_id == at.authority.id, _IN.c.consultation_id == consultation,
                _IN.c.seq.between(min(mine), max(mine)),
            )
            .order_by(_P.c.n)
        )  # fmt: skip
        for row in connection.execute(query):
            found.setdefault((consultation, row.seq), []).append(row.point)
    return found


def _beyond(after: str) -> ColumnElement[bool]:
    consultation, _, seq = after.partition("_")
    if not seq.isdigit() or len(seq) > 9:
        raise NotFound(f"no place {after[:80]!r} on the list", say="没有这一页")
    return or_(
        _O.c.consultation_id > consultation, and_(_O.c.consultation_id == consultation, _O.c.seq > int(seq))
    )  # fmt: skip
