"""The desk as its page shows it: what still lies nowhere, most alike first, and the points with what lies in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, exists, func, select

from decisionflow.core import texts
from decisionflow.service import consultations
from decisionflow.service.points import Desk, Filter, of
from decisionflow.service.reads import opinions
from decisionflow.store.blobs import Blobs
from decisionflow.store.tables.participation import Consultation, Likeness, Opinion, Placement, Point
from decisionflow.store.tables.trail import VaultField

PAGE = 20
LINES = 50
SHOWN = 3
_C = Consultation.__table__  # type: ignore[attr-defined]
_O = Opinion.__table__  # type: ignore[attr-defined]
_P = Point.__table__  # type: ignore[attr-defined]
_L = Likeness.__table__  # type: ignore[attr-defined]
_IN = Placement.__table__  # type: ignore[attr-defined]
_V = VaultField.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Bunch:
    """Opinions that read alike and lie nowhere yet: how many, in how many different wordings, some of these wordings."""

    number: int
    count: int
    texts: int
    said: tuple[str, ...]
    late: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A point with what lies in it. `studied` when it says what becomes of it, and why where that is needed."""

    id: str
    n: int
    point: str
    disposition: str
    title: str
    reason: str
    article: str
    remark: str
    version: int
    by: str
    at: datetime
    count: int
    texts: int

    @property
    def studied(self) -> bool:
        return bool(self.disposition) and (bool(self.reason) or self.disposition not in ("partly", "not_adopted"))


@dataclass(frozen=True, slots=True)
class Board:
    """The whole desk: how many opinions, how many of them lie in a point, the page of bunches, the points.

    `earlier` counts what came on notices of the same case that were withdrawn.
    """

    total: int
    placed: int
    found: int
    bunches: tuple[Bunch, ...]
    pages: int
    compared: int
    points: tuple[Shown, ...]
    earlier: int

    @property
    def studied(self) -> int:
        return sum(one.studied for one in self.points)

    @property
    def left(self) -> int:
        return self.total - self.placed

    @property
    def by_words(self) -> str:
        """Points whose reasons are word for word the same, when most are; '' otherwise."""
        said = [one.reason for one in self.points if one.reason]
        most = max((said.count(one) for one in set(said)), default=0)
        return max(said, key=said.count) if len(said) >= 3 and most * 5 > len(said) * 3 else ""


def board(connection: Connection, at: Desk, wanted: Filter, page: int) -> Board:
    """The desk with a page of what lies nowhere yet, the largest bunches first."""
    total = int(at.consultation["opinions"])
    lying = exists().where(*of(_IN, at), _IN.c.seq == _O.c.seq)
    placed = connection.execute(select(func.count()).select_from(_O).where(*of(_O, at), lying)).scalar_one()
    compared = connection.execute(select(func.count()).select_from(_L).where(*of(_L, at))).scalar_one()
    bunch = func.coalesce(_L.c.bunch, _O.c.seq)
    where = (*of(_O, at), ~lying, *opinions.matching(wanted))
    grouped = (
        select(bunch.label("bunch"), func.count().label("n"), _wordings(_O).label("texts"))
        .select_from(_told() if wanted.words else _o_l()).where(*where).group_by(bunch).subquery()
    )  # fmt: skip
    many, found = connection.execute(select(func.count(), func.coalesce(func.sum(grouped.c.n), 0))).one()
    pages = max(1, -(-many // PAGE))
    start = (min(max(page, 1), pages) - 1) * PAGE
    query = select(grouped).order_by(grouped.c.n.desc(), grouped.c.bunch).limit(PAGE).offset(start)
    rows = connection.execute(query).all()
    said = _said(connection, at, [row.bunch for row in rows])
    late = _late(connection, at, [row.bunch for row in rows])
    found_bunches = tuple(
        Bunch(row.bunch, row.n, row.texts, said.get(row.bunch, ()), late.get(row.bunch, 0)) for row in rows
    )
    return Board(total, placed, int(found), found_bunches, pages, compared, shown(connection, at),
                 _earlier(connection, at))  # fmt: skip


def _earlier(connection: Connection, at: Desk) -> int:
    """How many opinions came on notices of the case that were withdrawn before this one: they stay in the dossier."""
    mine = (_C.c.authority_id == at.authority.id, _C.c.case_id == at.standing.facts.case, _C.c.id != at.id)
    return int(connection.execute(select(func.coalesce(func.sum(_C.c.opinions), 0)).where(*mine)).scalar_one())


def shown(connection: Connection, at: Desk, only: str = "") -> tuple[Shown, ...]:
    """The points in order, each with how many opinions lie in it and in how many wordings."""
    counted = (
        select(_IN.c.point_id, func.count().label("n"), _wordings(_IN).label("texts"))
        .select_from(_IN.outerjoin(_L, and_(*_same(_L, _IN)))).where(*of(_IN, at)).group_by(_IN.c.point_id).subquery()
    )  # fmt: skip
    query = select(*_P.c, counted.c.n.label("many"), counted.c.texts).select_from(
        _P.outerjoin(counted, counted.c.point_id == _P.c.id)
    ).where(*of(_P, at)).order_by(_P.c.n)  # fmt: skip
    if only:
        query = query.where(_P.c.id == only)
    return tuple(
        Shown(row.id, row.n, row.point, row.disposition, at.dispositions.get(row.disposition, ""), row.reason, row.article,
              row.remark, row.version, row.person_name, row.saved_at, row.many or 0, row.texts or 0)
        for row in connection.execute(query)
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Member:
    """An opinion lying in a point."""

    seq: int
    receipt: str
    channel: str
    said: str


def members(connection: Connection, at: Desk, point: str, page: int) -> tuple[Member, ...]:
    """A page of what lies in a point."""
    query = (
        select(_O.c.seq, _O.c.receipt, _O.c.channel, _V.c.value)
        .select_from(_IN.join(_O, and_(*_same(_O, _IN))).outerjoin(_V, _words()))
        .where(*of(_IN, at), _IN.c.point_id == point)
        .order_by(_O.c.seq).limit(LINES).offset((max(page, 1) - 1) * LINES)
    )  # fmt: skip
    return tuple(
        Member(row.seq, row.receipt, consultations.CHANNELS.get(row.channel, row.channel), row.value or "")
        for row in connection.execute(query)
    )


@dataclass(frozen=True, slots=True)
class Change:
    """A paragraph of the draft as the public saw it, and as it reads now; `new` is '' when it is gone."""

    id: str
    n: int
    old: str
    new: str

    @property
    def changed(self) -> bool:
        return self.old != self.new


def changes(blobs: Blobs, asked: str, now: str) -> tuple[Change, ...]:
    """Every paragraph of the text the public was asked about (by digest), and what it has become since."""
    if not asked:
        return ()
    old = texts.load(blobs.get(asked))
    new = texts.load(blobs.get(now)) if now and now != asked else old
    reads = {one.id: one.text for one in new.paragraphs}
    return tuple(Change(one.id, n, one.text, reads.get(one.id, "")) for n, one in enumerate(old.paragraphs, 1))


def _said(connection: Connection, at: Desk, bunches: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The first wordings of each bunch."""
    found: dict[int, dict[int, str]] = {}
    bunch, first = func.coalesce(_L.c.bunch, _O.c.seq), func.coalesce(_L.c.text, _O.c.seq)
    for number in bunches:
        query = (
            select(first.label("first"), _V.c.value).select_from(_told())
            .where(*of(_O, at), bunch == number, first == _O.c.seq).order_by(_O.c.seq).limit(SHOWN)
        )  # fmt: skip
        found[number] = {row.first: row.value for row in connection.execute(query)}
    return {number: tuple(one or "" for one in said.values()) for number, said in found.items()}


def _late(connection: Connection, at: Desk, bunches: Sequence[int]) -> dict[int, int]:
    bunch = func.coalesce(_L.c.bunch, _O.c.seq)
    query = (
        select(bunch, func.count()).select_from(_o_l())
        .where(*of(_O, at), _O.c.late.is_(True), bunch.in_(bunches)).group_by(bunch)
    )  # fmt: skip
    return {int(number): int(count) for number, count in connection.execute(query)}


def _wordings(table: Any) -> Any:
    """How many different wordings there are among rows that have a number."""
    return func.count(func.coalesce(_L.c.text, table.c.seq).distinct())


def _o_l() -> Any:
    return _O.outerjoin(_L, and_(*_same(_L, _O)))


def _told() -> Any:
    return _o_l().outerjoin(_V, _words())


def _words() -> Any:
    return and_(_V.c.authority_id == _O.c.authority_id, _V.c.commitment == _O.c.words)


def _same(one: Any, other: Any) -> tuple[Any, ...]:
    return tuple(one.c[name] == other.c[name] for name in ("authority_id", "consultation_id", "seq"))
