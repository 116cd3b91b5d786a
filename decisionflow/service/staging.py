"""What waits until it is handed in: uploads that no entry cites yet, and forms that somebody has begun.

A file lies in the blob folder the moment it arrives; what a form carries from page to page is its
hash. A hash is believed only when the same person staged it lately, or when the case already holds
the file: to know a hash gives nobody a file. A begun form is its writer's alone; neither is evidence.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

import orjson
from sqlalchemy import Connection, delete, select

from decisionflow.core.facts import Facts, Paper
from decisionflow.service.actors import Actor
from decisionflow.service.authorities import Authority
from decisionflow.store.blobs import Blobs, WrongKind, kind_of
from decisionflow.store.engine import Tx
from decisionflow.store.records import Rows
from decisionflow.store.tables.infrastructure import Draft, StagedFile

_STAGED = StagedFile.__table__  # type: ignore[attr-defined]
_DRAFTS = Draft.__table__  # type: ignore[attr-defined]
KEEP = timedelta(days=7)
KEEP_DRAFTS = timedelta(days=30)
NAME = 120


@dataclass(frozen=True, slots=True)
class File:
    """A file as forms and entries name it."""

    sha256: str
    name: str
    size: int
    type: str

    @property
    def value(self) -> dict[str, Any]:
        """As a field of an entry holds it."""
        return asdict(self)

    def paper(self, kind: str) -> Paper:
        """As a paper of the dossier."""
        return Paper(kind, PurePosixPath(self.name).stem, self.sha256, self.size, self.type, self.name)


def receive(blobs: Blobs, name: str, data: bytes) -> File:
    """Store an upload under its hash. Raises WrongKind or TooLarge; nothing is stored then."""
    name = clean_name(name)
    if not data:
        raise WrongKind(f"{name!r} is empty", say=f"“{name}”是空文件，请检查后重新选择")
    stored = blobs.put(data, kind_of(name, data))
    return File(stored.sha256, name, stored.size, stored.type)


def clean_name(name: str) -> str:
    """A file name without folders, control characters or marks that turn the reading direction."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    kept = "".join(char for char in last if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))
    kept = kept.strip(" .") or "未命名"
    path = PurePosixPath(kept)
    return path.stem[: NAME - len(path.suffix)] + path.suffix if len(kept) > NAME > len(path.suffix) else kept[:NAME]


def keep(tx: Tx, authority: Authority, actor: Actor, files: Sequence[tuple[str, File]], now: datetime) -> None:
    """Remember who staged which files, for which places; what is past its days is forgotten on the way."""
    tx.execute(delete(_STAGED).where(_STAGED.c.authority_id == authority.id, _STAGED.c.at < now - KEEP))
    rows = {
        (file.sha256, kind): {"authority_id": authority.id, "person_id": actor.person, "kind": kind, "at": now, **file.value}
        for kind, file in files
    }  # fmt: skip
    tx.put(Rows("staged_file", list(rows.values())))


def admitted(
    connection: Connection, authority: Authority, actor: Actor, facts: Facts | None, wanted: Iterable[str], now: datetime
) -> dict[str, File]:  # fmt: skip
    """Those of the hashes that this person may hand in for this case (or to open one), by hash."""
    hashes = sorted(set(wanted))
    if not hashes:
        return {}
    mine = (_STAGED.c.authority_id == authority.id) & (_STAGED.c.person_id == actor.person)
    query = select(_STAGED).where(mine, _STAGED.c.sha256.in_(hashes), _STAGED.c.at >= now - KEEP).order_by(_STAGED.c.at)
    found = {file.sha256: file for file in (dossier(facts) if facts else ()) if file.sha256 in hashes}
    for row in connection.execute(query).mappings():
        found[row["sha256"]] = File(row["sha256"], row["name"], row["size"], row["type"])
    return found


def dossier(facts: Facts) -> Iterator[File]:
    """Every file that the case holds: papers, and files in fields."""
    for act in facts.acts:
        for paper in act.papers:
            yield File(paper.sha256, paper.name, paper.size, paper.type)
        yield from _named(act.fields)


def _named(value: object) -> Iterator[File]:
    if isinstance(value, Mapping):
        if {"sha256", "name", "size", "type"} <= set(value):
            yield File(str(value["sha256"]), str(value["name"]), int(value["size"]), str(value["type"]))
        for inner in value.values():
            yield from _named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner)


# ---- forms begun ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Begun:
    """A form as it was left: the pairs it would send, what its writer saw the case to be, and when."""

    pairs: tuple[tuple[str, str], ...]
    seen: str
    saved_at: datetime


def set_down(
    tx: Tx, authority: Authority, actor: Actor, place: str, pairs: Iterable[tuple[str, str]], seen: str, now: datetime
) -> None:  # fmt: skip
    """Keep a form as it stands now; what nobody came back to is forgotten on the way."""
    tx.execute(delete(_DRAFTS).where(_DRAFTS.c.authority_id == authority.id, _DRAFTS.c.saved_at < now - KEEP_DRAFTS))
    row = {"authority_id": authority.id, "person_id": actor.person, "place": place, "seen": seen,
           "pairs": orjson.dumps(list(pairs)).decode(), "saved_at": now}  # fmt: skip
    tx.put(Rows("draft", [row]))


def begun(connection: Connection, authority: Authority, actor: Actor, place: str, now: datetime) -> Begun | None:
    """The form that this person has begun at a place."""
    row = connection.execute(
        select(_DRAFTS).where(*_of(authority, actor, place), _DRAFTS.c.saved_at >= now - KEEP_DRAFTS)
    ).first()
    if row is None:
        return None
    return Begun(tuple((name, value) for name, value in orjson.loads(row.pairs)), row.seen, row.saved_at)


def give_up(tx: Tx, authority: Authority, actor: Actor, place: str) -> None:
    """Forget a form: it has been handed in, or its writer wants to start again."""
    tx.execute(delete(_DRAFTS).where(*_of(authority, actor, place)))


def _of(authority: Authority, actor: Actor, place: str) -> tuple[Any, ...]:
    return _DRAFTS.c.authority_id == authority.id, _DRAFTS.c.person_id == actor.person, _DRAFTS.c.place == place
