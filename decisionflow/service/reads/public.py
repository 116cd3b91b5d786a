"""What everybody may read. Default is no: a case that is not public, or has done nothing in public yet, is not there.

Shown are acts that the procedure calls public, papers of public kinds, and how far the public tracks
are. Nothing here knows an action by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, select, text

from decisionflow import render
from decisionflow.core import conditions
from decisionflow.core import procedure as law
from decisionflow.core.facts import Act, Facts, Paper
from decisionflow.errors import DecisionflowError, NotFound
from decisionflow.service import authorities, steps
from decisionflow.service.authorities import Authority
from decisionflow.service.reads import masks
from decisionflow.store.blobs import Blobs
from decisionflow.store.tables.trail import TrailEntry, VaultField

_E = TrailEntry.__table__  # type: ignore[attr-defined]
_V = VaultField.__table__  # type: ignore[attr-defined]


def visible(connection: Connection, no: str) -> tuple[Authority, steps.Standing]:
    """A public case by its number, and whose it is. Raises NotFound in the same words whatever the reason."""
    for authority in authorities.everyone(connection):
        if not no.startswith(f"{authority.prefix}-"):
            continue
        try:
            standing = steps.load(connection, authority, no)
        except NotFound:
            continue
        if is_public(standing.procedure, standing.facts):
            return authority, standing
    raise NotFound(f"nothing public under {no[:80]!r}", say="没有这个页面，请核对网址或者编号")


_MARK = text("""
    select c.authority_id, c.seq from authority a join case_file c on c.authority_id = a.id and c.no = :no
""")


def mark(connection: Connection, no: str) -> tuple[str, int] | None:
    """What changes whenever a case does: a copy of its pages that was made under another mark is out of date."""
    row = connection.execute(_MARK, {"no": no}).first()
    return (row.authority_id, row.seq) if row else None


def is_public(procedure: law.Procedure, facts: Facts) -> bool:
    """Whether there is anything about a case that everybody may see."""
    return facts.matter.get("public") is not False and any(public_acts(procedure, facts))


def public_acts(procedure: law.Procedure, facts: Facts) -> Iterator[tuple[law.Action, Act]]:
    """The acts that are public, oldest first, each with its action."""
    for act in facts.acts:
        action = procedure.action(act.action)
        if action is not None and action.public:
            yield action, act


@dataclass(frozen=True, slots=True)
class Shown:
    """A paper that everybody may have."""

    act: str
    kind: str
    title: str
    name: str
    size: int
    type: str
    sha256: str
    href: str


def papers(procedure: law.Procedure, facts: Facts) -> tuple[Shown, ...]:
    """Every public paper: of a public kind, brought by a public act, or asked for by one and in the dossier by then."""
    if facts.matter.get("public") is False:
        return ()
    kinds = {kind for kind, material in procedure.materials.items() if material.public}
    before: dict[str, Paper] = {}
    found: list[Shown] = []
    for act in facts.acts:
        action = procedure.action(act.action)
        own = {paper.kind: paper for paper in act.papers}
        if action is not None and action.public:
            asked = {need.kind: before[need.kind] for need in action.materials if need.kind in before}
            found += [_shown(procedure, facts, act, paper) for kind, paper in {**asked, **own}.items() if kind in kinds]
        before |= own
    return tuple(found)


def _shown(procedure: law.Procedure, facts: Facts, act: Act, paper: Paper) -> Shown:
    title = paper.title or procedure.materials[paper.kind].title
    href = f"/public/files/{facts.no}/{paper.sha256}"
    return Shown(act.entry, paper.kind, title, paper.name, paper.size, paper.type, paper.sha256, href)


# ---- fields of public acts, in words -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """One field of a public act as people read it: a text, or rows under columns."""

    id: str
    title: str
    text: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Teller:
    """Puts fields into words: long texts fetched, personal values covered, files left to their own lists."""

    blobs: Blobs
    vault: Mapping[str, str]

    def fields(
        self, specs: Sequence[law.FieldSpec], values: Mapping[str, Any], without: Iterable[str] = ()
    ) -> list[Said]:
        """Every filled field in the order of its form; a check that found nothing is no news."""
        left = set(without)
        return [
            self._field(spec, values[spec.id])
            for spec in specs
            if spec.type != "file"
            and spec.id not in left
            and conditions.filled(values.get(spec.id))
            and not (spec.computed and not values[spec.id])
        ]

    def _field(self, spec: law.FieldSpec, value: Any) -> Said:
        if spec.type != "rows" or not isinstance(value, list):
            return Said(spec.id, spec.title, self.words(spec, value))
        columns = [
            c for c in spec.columns if c.type != "file" and any(conditions.filled(row.get(c.id)) for row in value)
        ]
        rows = tuple(tuple(self.words(column, row.get(column.id)) for column in columns) for row in value)
        return Said(spec.id, spec.title, "", tuple(column.title for column in columns), rows)

    def words(self, spec: law.FieldSpec, value: Any) -> str:
        """A value in words; '' when there is none."""
        if not conditions.filled(value):
            return ""
        if isinstance(value, Mapping) and "commitment" in value:
            return masks.personal(self.vault.get(str(value["commitment"]), ""))
        if isinstance(value, Mapping) and "blob" in value:
            return self.long(value)
        match spec.type:
            case "flag":
                return "是" if value else "否"
            case "choice":
                return spec.choices.get(str(value), str(value))
            case "choices":
                return "、".join(spec.choices.get(str(one), str(one)) for one in value)
            case "date":
                return render.day(value)
            case "instant":
                return render.moment(value)
            case "number":
                return f"{value:,}"
            case "money":
                return f"{value} 元"
            case "unit" | "post" | "person":
                return str(value["name"])
        return str(value)

    def long(self, value: Any) -> str:
        """A long text in full; its first words when the file cannot be had."""
        if not isinstance(value, Mapping):
            return str(value)
        try:
            return self.blobs.get(str(value["blob"])).decode()
        except DecisionflowError:
            return f"{value.get('excerpt', '')}……"


def teller(connection: Connection, blobs: Blobs, authority: Authority, acts: Iterable[Act]) -> Teller:
    """A teller for these acts, with the personal values that it will cover."""
    wanted = sorted({name for act in acts for name in _commitments(act.fields)})
    if not wanted:
        return Teller(blobs, {})
    query = select(_V.c.commitment, _V.c.value).where(_V.c.authority_id == authority.id, _V.c.commitment.in_(wanted))
    return Teller(blobs, {row.commitment: row.value for row in connection.execute(query)})


def _commitments(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if "commitment" in value:
            yield str(value["commitment"])
        for inner in value.values():
            yield from _commitments(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _commitments(inner)


# ---- a public act, told in full --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Story:
    """A public act told in full: when, what, by which unit."""

    entry: str
    on: date
    title: str
    unit: str
    said: tuple[Said, ...]
    papers: tuple[Shown, ...]
    late: str
    sha256: str
    corrected: bool


def story(
    tell: Teller, act: Act, action: law.Action, shown: Sequence[Shown], hashes: Mapping[str, str]
) -> Story:  # fmt: skip
    """An act with its fields and papers; a late entry says so."""
    late = ""
    if act.late:
        late = f"补录：发生于{render.moment(act.at)}，登记于{render.moment(act.recorded)}"
    return Story(
        act.entry, act.on, act.title, act.party.unit_name, tuple(tell.fields(action.fields, act.fields)),
        tuple(one for one in shown if one.act == act.entry), late, hashes.get(act.entry, ""), bool(act.corrected_by),
    )  # fmt: skip


def hashes(connection: Connection, authority: Authority, entries: Sequence[str]) -> dict[str, str]:
    """The hashes that name these entries."""
    query = select(_E.c.entry_id, _E.c.sha256).where(_E.c.authority_id == authority.id, _E.c.entry_id.in_(entries))
    return {row.entry_id: row.sha256 for row in connection.execute(query)}
