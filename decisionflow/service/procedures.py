"""Published procedures: read from files, checked as a whole, frozen under their digest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from decisionflow import paths
from decisionflow.core import overlay, tables
from decisionflow.core import procedure as law
from decisionflow.core import source as files
from decisionflow.core.facts import Timing
from decisionflow.errors import BadInput, NotFound, Problem
from decisionflow.service import entries, shipped
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.service.projections import procedure_rows
from decisionflow.store.engine import Tx
from decisionflow.store.records import Record
from decisionflow.store.tables.rules import ProcedureVersion

_VERSIONS = ProcedureVersion.__table__  # type: ignore[attr-defined]
_KNOWN: dict[str, law.Procedure] = {}
_READ: dict[
    tuple[object, ...], tuple[law.Registry, law.Procedure]
] = {}  # the registry is kept, so that its id stays its own
_parsed = lru_cache(maxsize=128)(files.read)


def read(path: Path) -> law.Procedure:
    """A procedure file, or an overlay flattened onto its base, compiled. Raises BadInput with every problem.

    The same files under the same rules are compiled once: comparing an overlay with its base takes half a second.
    """
    source, find, registry = _source(path), _finder(path), shipped.registry()
    key = (id(registry), *((one.name, one.digest) for one in overlay.chain(source, find)))
    if key not in _READ:
        _READ[key] = registry, overlay.read(source, registry, find)
    return _READ[key][1]


def lint(path: Path) -> tuple[law.Procedure, tuple[Problem, ...]]:
    """The compiled procedure and what is unsound in it. Raises BadInput when it does not even compile."""
    return overlay.lint(_source(path), shipped.registry(), _finder(path))


def _source(path: Path) -> files.Source:
    try:
        return _parsed(path.read_text("utf-8"), str(path))
    except UnicodeDecodeError as fault:
        raise BadInput(
            [Problem("", f"不是 UTF-8 文本（第 {fault.start} 字节）", str(path), rule="encoding")]
        ) from fault
    except OSError as fault:
        raise NotFound(f"cannot read {path}: {fault}", say=f"读不到程序文件 {path}") from fault


def _finder(path: Path) -> Callable[[str], files.Source]:
    """Finds the base that an overlay names: beside it, or among the shipped procedures."""

    def find(name: str) -> files.Source:
        procedure, _, version = name.partition("@")
        for root in (path.parent, path.parent.parent, paths.WORKFLOWS):
            for candidate in (root / procedure / f"{version}.yaml", root.parent / procedure / f"{version}.yaml"):
                if candidate.is_file() and candidate.resolve() != path.resolve():
                    return _source(candidate)
        raise BadInput([Problem("extends", f"找不到上位程序 {name}", str(path), rule="extends")])

    return find


def find(name: str) -> law.Procedure:
    """A file, a shipped version, or the newest shipped version of an id; joined by ``+`` a place with its sectors.

    ``henan@2024.1+sector-planning@2024.1`` is what Henan adds, with what planning adds laid over it.
    Raises NotFound or BadInput.
    """
    first, *others = (_path(part) for part in name.split("+"))
    if not others:
        return read(first)
    laid = [_source(path) for path in others]
    for one in laid:
        if not isinstance(one.data, dict) or "extends" not in one.data:
            raise BadInput([one.problem((), "“+”后面应当是叠加文件（写有 extends）", "extends")])
    return overlay.compose(_source(first), laid, shipped.registry(), _finder(first))


def _path(name: str) -> Path:
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    wanted, _, version = name.partition("@")
    known = [path for path in shipped.procedure_files() if path.parent.name == wanted]
    found = [path for path in known if not version or read(path).version == version]
    if not found:
        raise NotFound(f"no procedure {name}", say=f"没有程序 {name}，可用 decisionflow procedures list 查看")
    return found[-1]


@dataclass(frozen=True, slots=True)
class Tried:
    """A table of situations played under its procedure."""

    procedure: law.Procedure
    reading: tables.Reading
    verdicts: tuple[tables.Verdict, ...]


def try_table(path: Path) -> Tried | None:
    """A file of situations and verdicts, played; None when the file is no table. Raises BadInput, NotFound."""
    source = _source(path)
    if not isinstance(source.data, dict) or "table" not in source.data:
        return None
    uses = source.data.get("uses")
    used = files.parse(tables.Table, _source(path.parent / str(uses))) if uses else None
    reading = tables.read(source, used)
    beside = path.parent / reading.table.procedure
    procedure = read(beside) if beside.suffix == ".yaml" else find(reading.table.procedure)
    return Tried(procedure, reading, tables.run(reading, procedure, shipped.calendar()))


def publish(tx: Tx, authority: Authority, procedure: law.Procedure, actor: Actor, now: datetime) -> str:
    """Freeze a procedure for an authority; its digest. The same digest twice is one publication."""
    publish_all(tx, authority, [procedure], actor, now)
    return procedure.digest


def publish_all(
    tx: Tx, authority: Authority, chosen: Iterable[law.Procedure], actor: Actor, now: datetime
) -> None:  # fmt: skip
    """Freeze several procedures in one transaction, versions of one procedure one after the other."""
    heads: dict[str, entries.Head] = {}
    for one in chosen:
        if exists(tx.connection, authority.id, one.digest):
            continue
        at = heads.get(one.id) or entries.head(tx.connection, authority.id, "procedure", one.id)
        draft = entries.Draft("procedure.published", told(one), blobs=[_kept(tx, one, now)])
        composed = entries.compose(draft, at, actor, Timing(now), clock=authority.clock)
        tx.add(Record(composed.append, (*composed.rows, *procedure_rows(composed.record, one.canonical))))
        heads[one.id] = at.after(composed.append)


def told(one: law.Procedure) -> dict[str, Any]:
    """What an entry says of a procedure."""
    body: dict[str, Any] = {
        "id": one.id, "version": one.version, "title": one.title, "digest": one.digest,
        "in_force_from": one.in_force.from_.isoformat(), "bytes": len(one.canonical),
    }  # fmt: skip
    if one.in_force.to:
        body["in_force_to"] = one.in_force.to.isoformat()
    return body


def _kept(tx: Tx, one: law.Procedure, now: datetime) -> dict[str, Any]:
    return tx.blobs.put(one.canonical, "application/json").row(now)


def exists(connection: Connection, authority: str, digest: str) -> bool:
    """Whether an authority has published that very procedure."""
    wanted = (_VERSIONS.c.authority_id == authority) & (_VERSIONS.c.digest == digest)
    return connection.execute(select(_VERSIONS.c.digest).where(wanted)).first() is not None


def by_digest(connection: Connection, authority: str, digest: str) -> law.Procedure:
    """A published procedure; parsed once a process. Raises NotFound."""
    if digest not in _KNOWN:
        wanted = (_VERSIONS.c.authority_id == authority) & (_VERSIONS.c.digest == digest)
        row = connection.execute(select(_VERSIONS.c.canonical).where(wanted)).first()
        if row is None:
            raise NotFound(f"procedure {digest} is not published here", say="本机关没有发布过这个程序版本")
        _KNOWN[digest] = law.load(row.canonical)
    return _KNOWN[digest]


def in_force(connection: Connection, authority: str, procedure: str, on: date) -> law.Procedure:
    """The version of a procedure for decisions started on a day. Raises NotFound."""
    wanted = (_VERSIONS.c.authority_id == authority) & (_VERSIONS.c.id == procedure) & (_VERSIONS.c.in_force_from <= on)
    wanted &= _VERSIONS.c.in_force_to.is_(None) | (_VERSIONS.c.in_force_to >= on)
    order = (_VERSIONS.c.in_force_from.desc(), _VERSIONS.c.version.desc(), _VERSIONS.c.entry_id.desc())
    row = connection.execute(select(_VERSIONS.c.digest).where(wanted).order_by(*order)).first()
    if row is None:
        raise NotFound(
            f"no version of {procedure} in force on {on}", say=f"{on} 没有可适用的“{procedure}”程序版本，请先发布"
        )
    return by_digest(connection, authority, row.digest)


def published(connection: Connection, authority: str) -> tuple[dict[str, Any], ...]:
    """Every published version, newest in force first."""
    columns = [column for column in _VERSIONS.c if column.name != "canonical"]
    rows = connection.execute(
        select(*columns)
        .where(_VERSIONS.c.authority_id == authority)
        .order_by(_VERSIONS.c.id, _VERSIONS.c.in_force_from)
    )
    return tuple(dict(row._mapping) for row in rows)
