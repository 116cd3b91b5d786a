"""The evidence package of a case: its entries, proofs, papers, rules, and the verifier that needs none of us.

Views: ``full`` opens the personal fields, ``internal`` keeps them closed, ``public`` carries only acts
that are public, with the papers that are. What a view leaves out is listed with its reason, so that a
partial package still verifies and says that it is partial.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import Connection, select, text

from decisionflow.core import calendar as days
from decisionflow.core.facts import stamp
from decisionflow.errors import BadInput, NotFound, Problem
from decisionflow.service import reader, sealing, steps
from decisionflow.service.authorities import Authority
from decisionflow.store.blobs import Blobs
from decisionflow.store.signer import Signer
from decisionflow.store.tables.rules import CalendarYear, ProcedureVersion
from decisionflow.store.tables.trail import TrailEntry, TrailLeaf, VaultField
from decisionflow.trail import bundle, canonical, merkle, verify
from decisionflow.trail import selection as selected

View: TypeAlias = Literal["full", "internal", "public"]
_ENTRIES = TrailEntry.__table__  # type: ignore[attr-defined]
_LEAVES = TrailLeaf.__table__  # type: ignore[attr-defined]
_VAULT = VaultField.__table__  # type: ignore[attr-defined]
_YEARS = CalendarYear.__table__  # type: ignore[attr-defined]
_VERSIONS = ProcedureVersion.__table__  # type: ignore[attr-defined]
PUBLIC = frozenset({
    "case.opened", "consultation.opened", "consultation.extended", "consultation.closed", "hearing.announced",
    "hearing.moved", "hearing.listed", "hearing.cancelled", "lot.frozen", "lot.drawn", "lot.voided",
})  # fmt: skip
WITHHELD = {"public": "依法不公开或者属于过程性信息", "internal": "不随包附送"}


@dataclass(frozen=True, slots=True)
class Redaction:
    """What a package leaves out beyond its view, item by item, each with its reason.

    `papers` are materials by SHA-256; `values` personal values by the path they stand at (``body.fields.phone``), or by one
    entry's path (``ENTRY/body.fields.phone``). What is left out stays committed to: the package verifies, and says so.
    """

    papers: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def note(self) -> str:
        """The list that goes with the package; '' when nothing is left out."""
        lines = [f"材料 {name}：{reason}" for name, reason in sorted(self.papers.items())]
        lines += [f"个人信息 {place}：{reason}" for place, reason in sorted(self.values.items())]
        return "".join(f"{line}\n" for line in ("按申请或者依法不提供的内容，逐项写明理由：", *lines)) if lines else ""


def package(
    connection: Connection, blobs: Blobs, signer: Signer, authority: Authority, no: str, view: View, now: datetime,
    redaction: Redaction | None = None,
) -> bytes:  # fmt: skip
    """The package's bytes. Raises NotFound for an unknown case, or while the case has unsealed entries; BadInput for a
    redaction that names nothing in it.
    """
    standing = steps.load(connection, authority, no)
    seal = sealing.latest(connection, authority.id)
    if seal is None:
        raise NotFound("nothing is sealed yet", say="尚无封存的检查点，请稍后再导出")
    chains = _chains(connection, authority, standing, view)
    found = list(_entries(connection, authority, chains, standing, view))
    _require_sealed(found, seal)
    records = [canonical.decode(row.data) for row in found]
    prove = sealing.reader(connection, authority.id)
    named = {ref.digest for record in records for ref in verify.references(record) if ref.what == "blob"}
    kept, withheld = _blobs(blobs, named, standing, view)
    openings = tuple(_openings(connection, authority, records)) if view == "full" else ()
    redaction = redaction or Redaction()
    _require_there(redaction, kept, openings)
    withheld |= redaction.papers
    kept = {sha256: data for sha256, data in kept.items() if sha256 not in redaction.papers}
    openings = tuple(one for one in openings if not _closed(redaction, one))
    built = bundle.Package(
        authority=authority.id, origin=authority.origin, no=no, title=standing.facts.title,
        case="" if view == "public" else standing.facts.case,  # a part of a case does not claim to be the case
        created_at=stamp(now),
        entries=tuple(
            bundle.Entry(row.position, row.data, tuple(merkle.prove_inclusion(row.position, seal.size, prove))) for row in found
        ),
        complete=tuple(bundle.Whole(kind, chain, seq) for kind, chain, seq in chains if view != "public"),
        checkpoint=seal.note, sealed_at=stamp(seal.created_at), blobs=kept, withheld=withheld,
        openings=openings, procedures=_procedures(connection, authority, records),
        calendars=_calendars(connection, authority, records),
        notes={"redaction": redaction.note} if redaction.note else {},
    )  # fmt: skip
    return bundle.pack(replace(built, reader=reader.page(built)), signer.packages)


def _closed(redaction: Redaction, one: bundle.Opening) -> bool:
    return one.path in redaction.values or f"{one.entry}/{one.path}" in redaction.values


def _require_there(redaction: Redaction, kept: Mapping[str, bytes], openings: Iterable[bundle.Opening]) -> None:
    """Each item names something that the view would give, and has a reason. Raises BadInput with every one that does not."""
    places = {place for one in openings for place in (one.path, f"{one.entry}/{one.path}")}
    found = [
        *((name, reason, name in kept, "材料") for name, reason in redaction.papers.items()),
        *((name, reason, name in places, "个人信息") for name, reason in redaction.values.items()),
    ]
    wrong = [
        Problem("redaction", f"包里没有{what} {name[:80]}", rule="choice")
        for name, _, there, what in found
        if not there
    ]
    wrong += [
        Problem("redaction", f"{what} {name[:80]} 没有写明不提供的理由", rule="required")
        for name, reason, _, what in found if len(reason.strip()) < LEAST_REASON
    ]  # fmt: skip
    if wrong:
        raise BadInput(wrong)


LEAST_REASON = 4
MOST = 20  # cases in one selection: each is packed in memory


def selection(
    connection: Connection, blobs: Blobs, signer: Signer, authority: Authority, numbers: Iterable[str], now: datetime
) -> bytes:  # fmt: skip
    """The packages of several cases with a signed list of them, personal words closed. Raises BadInput, NotFound."""
    wanted = sorted(set(numbers))
    if not 1 <= len(wanted) <= MOST:
        say = f"涉及 {len(wanted)} 个事项：证据包一次最多 {MOST} 个，请把检索式写得更具体"
        raise BadInput([Problem("q", say, rule="range")])
    packed = {
        f"{no}.zip": package(connection, blobs, signer, authority, no, "internal", now) for no in wanted
    }  # fmt: skip
    return selected.pack(authority.origin, stamp(now), packed, signer.packages)


def slip(
    connection: Connection, signer: Signer, authority: Authority, entry: str, no: str, title: str, now: datetime
) -> bytes:  # fmt: skip
    """A package of one entry with what it keeps closed: what a citizen takes away. Raises NotFound until it is sealed."""
    seal = sealing.latest(connection, authority.id)
    found = _placed(connection, authority, _ENTRIES.c.entry_id == entry)
    if seal is None:
        raise NotFound("nothing is sealed yet", say="尚无封存的检查点，请稍后再来")
    _require_sealed(found, seal)
    prove = sealing.reader(connection, authority.id)
    built = bundle.Package(
        authority=authority.id, origin=authority.origin, no=no, title=title, case="", created_at=stamp(now),
        entries=tuple(
            bundle.Entry(row.position, row.data, tuple(merkle.prove_inclusion(row.position, seal.size, prove))) for row in found
        ),
        complete=(), checkpoint=seal.note, sealed_at=stamp(seal.created_at), blobs={}, withheld={},
        openings=tuple(_openings(connection, authority, [canonical.decode(row.data) for row in found])), procedures={},
        calendars={},
    )  # fmt: skip
    return bundle.pack(replace(built, reader=reader.page(built)), signer.packages)


def _chains(
    connection: Connection, authority: Authority, standing: steps.Standing, view: View
) -> list[tuple[str, str, int]]:  # fmt: skip
    """The chains that the package carries whole: the case's own, its consultations', its hearings' and its panels'.

    What experts declare is no business of the public's: the public view leaves panels out.
    """
    rows = connection.execute(
        text("""
            select h.kind, h.chain_id, h.seq from trail_chain h
            join consultation c on c.authority_id = h.authority_id and c.id = h.chain_id
            where h.authority_id = :a and h.kind = 'consultation' and c.case_id = :case
            union all
            select h.kind, h.chain_id, h.seq from trail_chain h
            join hearing m on m.authority_id = h.authority_id and m.id = h.chain_id
            where h.authority_id = :a and h.kind = 'meeting' and m.case_id = :case
            union all
            select h.kind, h.chain_id, h.seq from trail_chain h
            join panel p on p.authority_id = h.authority_id and p.id = h.chain_id
            where h.authority_id = :a and h.kind = 'meeting' and p.case_id = :case and cast(:view as text) <> 'public'
            order by 1, 2
        """),
        {"a": authority.id, "case": standing.facts.case, "view": view},
    )
    return [("case", standing.facts.case, standing.head.seq), *((row.kind, row.chain_id, row.seq) for row in rows)]


def _entries(
    connection: Connection, authority: Authority, chains: Iterable[tuple[str, str, int]], standing: steps.Standing, view: View
) -> Iterator[Any]:  # fmt: skip
    """Entries in chain order, then the foreign entries they rest on, each with its place in the log."""
    public = {action.id for action in standing.procedure.actions if action.public}
    own = []
    for kind, chain, _ in chains:
        rows = _placed(connection, authority, (_ENTRIES.c.chain_kind == kind) & (_ENTRIES.c.chain_id == chain))
        own += [row for row in rows if view != "public" or _is_public(row, public)]
    yield from own
    foreign = _foreign(connection, authority, own)
    if view != "public":
        foreign |= set(_of_meetings(connection, authority, standing))
    if foreign:
        yield from _placed(connection, authority, _ENTRIES.c.entry_id.in_(sorted(foreign)))


def _is_public(row: Any, public: set[str]) -> bool:
    if row.kind != "step.taken":
        return row.kind in PUBLIC
    return canonical.decode(row.data)["body"]["action"] in public


def _placed(connection: Connection, authority: Authority, wanted: Any) -> list[Any]:
    joined = _ENTRIES.outerjoin(
        _LEAVES, (_LEAVES.c.authority_id == _ENTRIES.c.authority_id) & (_LEAVES.c.entry_id == _ENTRIES.c.entry_id)
    )
    query = (
        select(_ENTRIES, _LEAVES.c.position).select_from(joined).where(_ENTRIES.c.authority_id == authority.id, wanted)
    )
    return list(connection.execute(query.order_by(_ENTRIES.c.chain_kind, _ENTRIES.c.chain_id, _ENTRIES.c.chain_seq)))


def _foreign(connection: Connection, authority: Authority, own: Iterable[Any]) -> set[str]:
    """The register entries behind each actor, and the publication of each procedure."""
    records = [canonical.decode(row.data) for row in own]
    appointments = {record["actor"].get("appointment", "") for record in records} - {""}
    digests = {ref.digest for record in records for ref in verify.references(record) if ref.what == "procedure"}
    found = set()
    for appointment in appointments:
        row = connection.execute(_BEHIND, {"a": authority.id, "id": appointment}).first()
        found |= set(row) if row else set()
    for digest in digests:
        row = connection.execute(
            select(_VERSIONS.c.entry_id).where(_VERSIONS.c.authority_id == authority.id, _VERSIONS.c.digest == digest)
        ).first()
        found |= set(row) if row else set()
    return found


def _of_meetings(connection: Connection, authority: Authority, standing: steps.Standing) -> Iterator[str]:
    """What the chains of its meetings say of this case alone: calls, and who opened its papers, and readings of its record.

    Agendas and deliveries name other matters too, and stay with the meeting.
    """
    put = {action.id for action in standing.procedure.actions if action.meeting == "schedule"}
    ids = {str(act.fields["meeting"]) for act in standing.facts.acts if act.action in put and act.fields.get("meeting")}
    wanted = (_ENTRIES.c.chain_kind == "meeting") & _ENTRIES.c.chain_id.in_(sorted(ids))
    kinds = ("meeting.called", "meeting.changed", "papers.opened", "meeting.read_out")
    for row in _placed(connection, authority, wanted & _ENTRIES.c.kind.in_(kinds)) if ids else ():
        if canonical.decode(row.data)["body"].get("case") in (None, standing.facts.case):
            yield row.entry_id


_BEHIND = text("""
    select a.entry_id, p.entry_id, u.entry_id, n.entry_id from appointment a
    join post p on p.authority_id = a.authority_id and p.id = a.post_id
    join unit u on u.authority_id = a.authority_id and u.id = p.unit_id
    join person n on n.id = a.person_id and n.authority_id = a.authority_id
    where a.authority_id = :a and a.id = :id
""")


def _require_sealed(found: Iterable[Any], seal: sealing.Seal) -> None:
    waiting = [row for row in found if row.position is None or row.position >= seal.size]
    if waiting:
        raise NotFound(
            f"{len(waiting)} entries wait for the seal", say=f"还有{len(waiting)}条记录尚未封存，请稍后再导出"
        )


def _blobs(
    blobs: Blobs, named: set[str], standing: steps.Standing, view: View
) -> tuple[dict[str, bytes], dict[str, str]]:  # fmt: skip
    if view != "public":
        return {sha256: blobs.get(sha256) for sha256 in named}, {}
    kinds = {kind for kind, spec in standing.procedure.materials.items() if spec.public}
    shown = {paper.sha256 for act in standing.facts.acts for paper in act.papers if paper.kind in kinds}
    kept = {sha256: blobs.get(sha256) for sha256 in named & shown}
    return kept, dict.fromkeys(sorted(named - shown), WITHHELD["public"])


def _openings(
    connection: Connection, authority: Authority, records: Iterable[dict[str, Any]]
) -> Iterator[bundle.Opening]:
    places = {
        (record["id"], ref.place) for record in records for ref in verify.references(record) if ref.what == "commitment"
    }
    ids = sorted({entry for entry, _ in places})
    query = select(_VAULT).where(_VAULT.c.authority_id == authority.id, _VAULT.c.entry_id.in_(ids))
    for row in connection.execute(query.order_by(_VAULT.c.entry_id, _VAULT.c.path)):
        if (row.entry_id, row.path) in places:
            yield bundle.Opening(row.entry_id, row.path, row.salt, row.value)


def _procedures(connection: Connection, authority: Authority, records: Iterable[dict[str, Any]]) -> dict[str, bytes]:
    digests = {ref.digest for record in records for ref in verify.references(record) if ref.what == "procedure"}
    query = select(_VERSIONS.c.digest, _VERSIONS.c.canonical).where(
        _VERSIONS.c.authority_id == authority.id, _VERSIONS.c.digest.in_(sorted(digests))
    )
    return {row.digest: row.canonical for row in connection.execute(query)}


def _calendars(connection: Connection, authority: Authority, records: Iterable[dict[str, Any]]) -> dict[str, bytes]:
    """Each calendar that an entry was counted by: its index of years, and the years' notices."""
    wanted = {ref.digest for record in records for ref in verify.references(record) if ref.what == "calendar"}
    query = select(_YEARS).where(_YEARS.c.authority_id == authority.id).order_by(_YEARS.c.entry_id)
    rows = list(connection.execute(query))
    found: dict[str, bytes] = {}
    years: list[days.Year] = []
    for row in rows:
        years.append(days.read_year(row.source, str(row.year)))
        index = days.assemble(authority.calendar, years).index.encode()
        digest = hashlib.sha256(index).hexdigest()
        if any(digest.startswith(one) for one in wanted):
            named = {line[-64:] for line in index.decode().splitlines()}
            found[digest] = index
            found |= {one.digest: one.source.encode() for one in rows if one.digest in named}
    return found
