"""The desk on which the public's opinions are sorted into points (art. 18): prepared quietly, signed as one act.

The machine proposes which opinions read alike; a person puts them into points and says what becomes of each. All
of this is a draft: it turns into a record when the answer is signed, with the numbers of the opinions in it.
An opinion may lie in several points, for it may speak of several things.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, func, select, text, update

from decisionflow.core import fields as forms
from decisionflow.core import machine, similar, spans
from decisionflow.core import procedure as law
from decisionflow.errors import BadInput, DecisionflowError, Forbidden, NotFound, Problem
from decisionflow.service import consultations, entries, permissions, settling, steps
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.store.engine import Tx
from decisionflow.store.records import Rows
from decisionflow.store.tables.participation import Likeness, Opinion, Placement, Point
from decisionflow.store.tables.trail import VaultField

_O = Opinion.__table__  # type: ignore[attr-defined]
_P = Point.__table__  # type: ignore[attr-defined]
_L = Likeness.__table__  # type: ignore[attr-defined]
_IN = Placement.__table__  # type: ignore[attr-defined]
_V = VaultField.__table__  # type: ignore[attr-defined]
MOST_POINTS = forms.MAX_ROWS
BATCH = 5_000
LENGTHS = {"point": 2000, "reason": 10_000, "article": 300, "remark": 2000}
_TITLES = {
    "point": "意见要点",
    "reason": "理由",
    "article": "对应草案条款",
    "remark": "内部备注",
    "disposition": "处理",
}


class Moved(DecisionflowError):
    """Somebody else saved the same point meanwhile."""

    code = "stale"
    status = 412
    exit = 7


@dataclass(frozen=True, slots=True)
class Desk:
    """A consultation whose opinions are being sorted, and the act that will answer them."""

    authority: Authority
    actor: Actor
    standing: steps.Standing
    consultation: Mapping[str, Any]
    action: law.Action
    rows: law.FieldSpec

    @property
    def id(self) -> str:
        return str(self.consultation["id"])

    @property
    def dispositions(self) -> Mapping[str, str]:
        """What may become of a point, as the procedure says."""
        return next(column.choices for column in self.rows.columns if column.id == "disposition")

    @property
    def signs_now(self) -> bool:
        """Whether the answer may be signed where the case stands."""
        offered = machine.offered(self.standing.procedure, self.standing.facts.stages)
        return self.action in offered and self.consultation["state"] == "closed"


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of a point; `article` names a paragraph of the draft by its id, or an article in words."""

    point: str
    disposition: str = ""
    reason: str = ""
    article: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which opinions are meant; an empty filter means all."""

    channel: str = ""
    paragraph: str = ""
    stance: str = ""
    words: str = ""
    late: bool = False

    def __bool__(self) -> bool:
        return any(getattr(self, one.name) for one in fields(self))


def desk(connection: Connection, authority: Authority, actor: Actor, no: str) -> Desk:
    """The desk of a case's newest consultation. Raises NotFound, Forbidden."""
    standing = steps.visible(connection, authority, actor, no)
    if not permissions.may_enter_opinions(actor, standing.procedure, standing.facts):
        raise Forbidden("may not sort opinions", say="只有承办、整理公众意见的岗位可以整理意见")
    row = consultations.of_case(connection, authority.id, standing.facts.case)
    found = next(((one, rows) for one in standing.procedure.actions if (rows := settling.rows_of(one))), None)
    if row is None or row["state"] == "withdrawn" or found is None:
        raise NotFound(f"no opinions of {no} to sort", say="这个事项没有公开征求意见，或者公告已经撤回，没有意见要整理")
    return Desk(authority, actor, standing, row, *found)


# ---- which opinions read alike -----------------------------------------------------------------------------


def alike(connection: Connection, at: Desk) -> list[tuple[int, int, int]]:
    """Which opinions read alike: number, number of the first of its bunch, of the first in the same words."""
    return list(similar.bunches(_texts(connection, at)))


def keep_alike(tx: Tx, at: Desk, found: Sequence[tuple[int, int, int]]) -> int:
    """Keep what was found to read alike, instead of what was; how many bunches. What a person has placed stays.

    Finding takes long where very many spoke, and is done before: nobody waits for this to write.
    """
    tx.execute(delete(_L).where(*of(_L, at)))
    own = {"authority_id": at.authority.id, "consultation_id": at.id}
    for n in range(0, len(found), BATCH):
        rows = [{**own, "seq": seq, "bunch": bunch, "text": first} for seq, bunch, first in found[n : n + BATCH]]
        tx.put(Rows("likeness", rows, "insert"))
        tx.ahead()
    return len({bunch for _, bunch, _ in found})


def _texts(connection: Connection, at: Desk) -> Iterator[tuple[int, str]]:
    """Number and words of each opinion, read a batch at a time; an erased one has no words to compare."""
    last = 0
    join = and_(_V.c.authority_id == _O.c.authority_id, _V.c.commitment == _O.c.words)
    while True:
        query = select(_O.c.seq, _V.c.value).join(_V, join).where(*of(_O, at), _O.c.seq > last)
        rows = connection.execute(query.order_by(_O.c.seq).limit(BATCH)).all()
        yield from ((row.seq, row.value) for row in rows)
        if len(rows) < BATCH:
            return
        last = rows[-1].seq


# ---- points ------------------------------------------------------------------------------------------------


def make(tx: Tx, at: Desk, given: Words, now: datetime) -> str:
    """A new point, last in order; its id. Raises BadInput."""
    words = checked(at, given)
    tx.alone(f"points:{at.id}")
    numbers = list(tx.connection.execute(select(_P.c.n).where(*of(_P, at))).scalars())
    if len(numbers) >= MOST_POINTS:
        raise BadInput([Problem("point", f"要点最多 {MOST_POINTS} 个，请先合并", rule="too-many")])
    if any(_same(words.point, one) for one in tx.connection.execute(select(_P.c.point).where(*of(_P, at))).scalars()):
        raise BadInput([Problem("point", f"已有“{words.point[:40]}”这个要点，请归入它", rule="doubled")])
    row = _row(at, words, entries.new_id(now), max(numbers, default=0) + 1, 1, now)
    tx.put(Rows("opinion_point", [row], "insert"))
    return str(row["id"])


def edit(tx: Tx, at: Desk, point: str, version: int, given: Words, now: datetime) -> None:
    """Say something else of a point. Raises BadInput, NotFound, Moved."""
    words, old = checked(at, given), one(tx.connection, at, point)
    row = _row(at, words, point, old["n"], version + 1, now)
    changed = tx.execute(update(_P).where(*of(_P, at), _P.c.id == point, _P.c.version == version).values(**row))
    if changed.rowcount != 1:
        raise Moved(f"point {point} moved on", say=f"{old['person_name']}刚刚改过这个要点，请看过现在的内容再保存")


def drop(tx: Tx, at: Desk, point: str) -> None:
    """Give up a point; its opinions lie nowhere again. Raises NotFound."""
    one(tx.connection, at, point)
    tx.execute(delete(_IN).where(*of(_IN, at), _IN.c.point_id == point))
    tx.execute(delete(_P).where(*of(_P, at), _P.c.id == point))


def one(connection: Connection, at: Desk, point: str) -> dict[str, Any]:
    """A point's row. Raises NotFound."""
    row = connection.execute(select(_P).where(*of(_P, at), _P.c.id == point)).mappings().first()
    if row is None:
        raise NotFound(f"no point {point!r}", say="没有这个要点，可能已经合并或者删去")
    return dict(row)


def checked(at: Desk, given: Words) -> Words:
    """What is said, as it may be kept. Raises BadInput with every problem."""
    clean, problems = {}, []
    for name, most in LENGTHS.items():
        try:
            clean[name] = forms.clean(getattr(given, name), lines=name in ("reason", "remark"))
        except ValueError as fault:
            problems.append(Problem(name, f"“{_TITLES[name]}”{fault}", rule="text"))
            continue
        if len(clean[name]) > most:
            problems.append(Problem(name, f"{_TITLES[name]}太长：{len(clean[name])}字，最多{most}字", rule="text"))
    if clean.get("point") == "":
        problems.append(Problem("point", "请写明意见要点", rule="required"))
    if given.disposition and given.disposition not in at.dispositions:
        say = f"处理只能是：{'、'.join(at.dispositions.values())}"
        problems.append(Problem("disposition", say, rule="choice"))
    if problems:
        raise BadInput(problems)
    return Words(disposition=given.disposition, **clean)


def _row(at: Desk, words: Words, point: str, n: int, version: int, now: datetime) -> dict[str, Any]:
    return {
        "authority_id": at.authority.id, "consultation_id": at.id, "id": point, "n": n, "point": words.point,
        "disposition": words.disposition, "reason": words.reason, "article": words.article, "remark": words.remark,
        "version": version, "person_id": at.actor.person, "person_name": at.actor.name, "saved_at": now,
    }  # fmt: skip


def _same(words: str, other: str) -> bool:
    return similar.plain(words) == similar.plain(other)


# ---- what lies in them -------------------------------------------------------------------------------------


def place(
    tx: Tx, at: Desk, point: str, now: datetime, *, bunches: Sequence[int] = (), numbers: Sequence[int] = ()
) -> int:  # fmt: skip
    """Put opinions into a point, singly or a bunch at a time; how many. Raises NotFound, BadInput.

    Of a bunch, only those go in that lie nowhere yet.
    """
    one(tx.connection, at, point)
    nowhere = ~exists().where(*of(_IN, at), _IN.c.seq == _O.c.seq)
    found = set(_bunched(tx.connection, at, bunches, nowhere)) | set(_known(tx.connection, at, numbers))
    if not found:
        raise BadInput([Problem("chosen", "请先勾选要归入的意见", rule="required")])
    old = set(tx.connection.execute(select(_IN.c.seq).where(*of(_IN, at), _IN.c.point_id == point)).scalars())
    row = {"authority_id": at.authority.id, "consultation_id": at.id, "point_id": point, "person_id": at.actor.person,
           "placed_at": now}  # fmt: skip
    new = sorted(found - old)
    for n in range(0, len(new), BATCH):
        tx.put(Rows("placement", [{**row, "seq": number} for number in new[n : n + BATCH]], "insert"))
    return len(new)


def _bunched(connection: Connection, at: Desk, bunches: Sequence[int], nowhere: Any) -> Iterator[int]:
    bunch = func.coalesce(_L.c.bunch, _O.c.seq)
    join = and_(
        _L.c.authority_id == _O.c.authority_id, _L.c.consultation_id == _O.c.consultation_id, _L.c.seq == _O.c.seq
    )
    for n in range(0, len(bunches), 500):
        query = select(_O.c.seq).outerjoin(_L, join).where(*of(_O, at), bunch.in_(bunches[n : n + 500]), nowhere)
        yield from connection.execute(query).scalars()


def _known(connection: Connection, at: Desk, numbers: Sequence[int]) -> Iterator[int]:
    for n in range(0, len(numbers), 500):
        query = select(_O.c.seq).where(*of(_O, at), _O.c.seq.in_(numbers[n : n + 500]))
        yield from connection.execute(query).scalars()


def take_out(tx: Tx, at: Desk, point: str, numbers: Sequence[int]) -> int:
    """Take opinions out of a point; how many. Raises NotFound, BadInput."""
    one(tx.connection, at, point)
    gone = 0
    for n in range(0, len(numbers), 500):
        wanted = _IN.c.seq.in_(numbers[n : n + 500])
        gone += tx.execute(delete(_IN).where(*of(_IN, at), _IN.c.point_id == point, wanted)).rowcount
    if not gone:
        raise BadInput([Problem("chosen", "请先勾选要移出的意见", rule="required")])
    return gone


def merge(tx: Tx, at: Desk, point: str, into: str, now: datetime) -> int:
    """Put all of a point into another, and give up the first; how many opinions moved. Raises NotFound, BadInput."""
    if point == into:
        raise BadInput([Problem("into", "请选择另一个要点", rule="choice")])
    one(tx.connection, at, into)
    mine = list(tx.connection.execute(select(_IN.c.seq).where(*of(_IN, at), _IN.c.point_id == point)).scalars())
    moved = place(tx, at, into, now, numbers=mine) if mine else 0
    drop(tx, at, point)
    return moved


# ---- signing -----------------------------------------------------------------------------------------------


_MEMBERS = text("""
    select p.point_id, p.seq, coalesce(l.text, p.seq) as first from placement p
    left join likeness l on l.authority_id = p.authority_id and l.consultation_id = p.consultation_id and l.seq = p.seq
    where p.authority_id = :a and p.consultation_id = :c order by p.point_id, p.seq
""")


def answer(connection: Connection, at: Desk) -> dict[str, Any]:
    """The fields of the answering act as the desk stands: the points in order, and how many opinions came."""
    mine: dict[str, list[int]] = {}
    texts: dict[str, set[int]] = {}
    for row in connection.execute(_MEMBERS, {"a": at.authority.id, "c": at.id}):
        mine.setdefault(row.point_id, []).append(row.seq)
        texts.setdefault(row.point_id, set()).add(row.first)
    columns = {column.id for column in at.rows.columns}
    points = []
    for point in connection.execute(select(_P).where(*of(_P, at)).order_by(_P.c.n)).mappings():
        numbers, different = mine.get(point["id"], []), len(texts.get(point["id"], ()))
        said = {
            **{name: point[name] for name in ("point", "disposition", "reason", "article")},
            "opinions": spans.write(spans.of(numbers)), "count": len(numbers),
            "distinct": different if different < len(numbers) else None,
        }  # fmt: skip
        points.append({name: value for name, value in said.items() if name in columns and value not in ("", None)})
    given: dict[str, Any] = {at.rows.id: points, "received": at.consultation["opinions"]}
    return {name: value for name, value in given.items() if at.action.field(name)}


def of(table: Any, at: Desk) -> tuple[Any, ...]:
    """The conditions that a row belongs to this desk."""
    return table.c.authority_id == at.authority.id, table.c.consultation_id == at.id
