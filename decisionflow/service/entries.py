"""Composing an entry: the header every entry has, its canonical bytes, its place in a chain.

Personal values leave the body here: the entry keeps a salted commitment, the vault the value. Long
texts leave it too: the entry keeps the digest and the first words, the blob folder the text.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text
from uuid_utils import uuid7

from decisionflow import __version__
from decisionflow.core.facts import Fields, Timing, Value, stamp
from decisionflow.core.procedure import FieldSpec
from decisionflow.service.actors import Actor
from decisionflow.store.blobs import Blobs
from decisionflow.store.records import Append, Rows
from decisionflow.trail import canonical, commitment
from decisionflow.trail.chain import ZERO

LONG = 4096
EXCERPT = 200


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain stands: (authority, kind, id), its last number and hash."""

    authority: str
    kind: str
    chain: str
    seq: int = 0
    sha256: str = ZERO

    def after(self, append: Append) -> Head:
        """The head once `append` is written."""
        return Head(self.authority, self.kind, self.chain, append.seq, append.sha256)


@dataclass(frozen=True, slots=True)
class Composed:
    """An entry ready to be written, with the vault and blob rows that belong to it."""

    id: str
    record: dict[str, Any]
    append: Append
    rows: tuple[Rows, ...]


@dataclass(slots=True)
class Draft:
    """What an entry will say, collected before it is composed."""

    kind: str
    body: dict[str, Any]
    vault: list[dict[str, Any]] = field(default_factory=list)
    blobs: list[dict[str, Any]] = field(default_factory=list)


_HEAD = text("select seq, head from trail_chain where authority_id = :a and kind = :k and chain_id = :c")


def head(connection: Connection, authority: str, kind: str, chain_id: str) -> Head:
    """Where a chain stands now; a chain nobody has written starts at 0."""
    row = connection.execute(_HEAD, {"a": authority, "k": kind, "c": chain_id}).first()
    return Head(authority, kind, chain_id, row.seq, row.head) if row else Head(authority, kind, chain_id)


def new_id(now: datetime) -> str:
    """A UUIDv7 whose time part is the given instant."""
    return str(uuid7(nanoseconds=int(now.timestamp()) * 10**9 + now.microsecond * 1000))


def compose(
    draft: Draft, at: Head, actor: Actor, timing: Timing, *, clock: str, entry_id: str = "", duty: str = "",
    key: str = "",
) -> Composed:  # fmt: skip
    """The entry in canonical bytes. Raises NotCanonical when the body holds what no entry may."""
    entry_id = entry_id or new_id(timing.now)
    record: dict[str, Any] = {
        "v": 1, "kind": draft.kind, "id": entry_id, "authority": at.authority,
        "chain": {"kind": at.kind, "id": at.chain, "seq": at.seq + 1, "prev": at.sha256},
        "actor": _actor(actor, duty), "times": _times(timing, clock), "body": draft.body,
        "software": f"decisionflow {__version__}",
    }  # fmt: skip
    if key:
        record["key"] = hashlib.sha256(f"{actor.person}\n{key}".encode()).hexdigest()
    data = canonical.encode(record)
    append = Append(
        at.authority, at.kind, at.chain, at.seq + 1, at.sha256, entry_id, draft.kind, timing.now, data,
        canonical.digest(data), canonical.digest_sm3(data),
    )  # fmt: skip
    vault = [{**row, "authority_id": at.authority, "entry_id": entry_id} for row in draft.vault]
    rows = [Rows("vault_field", vault, "insert")] if vault else []
    if draft.blobs:
        rows.append(Rows("blob", [{**row, "authority_id": at.authority} for row in draft.blobs], "ignore"))
    return Composed(entry_id, record, append, tuple(rows))


def _actor(actor: Actor, duty: str) -> dict[str, Any]:
    named = {key: value for key, value in asdict(actor.party(duty)).items() if value}
    result: dict[str, Any] = {"kind": actor.kind, **named}
    if actor.appointment:
        result["appointment"] = actor.appointment
    if actor.auth:
        result["auth"] = dict(actor.auth)
    return result


def _times(timing: Timing, clock: str) -> dict[str, Any]:
    times: dict[str, Any] = {"recorded_at": stamp(timing.now), "happened_at": stamp(timing.at), "clock": clock}
    if timing.late:
        times["late"] = True
    if timing.evidence:
        times["evidence"] = timing.evidence
    if timing.reason:
        times["reason"] = timing.reason
    return times


def protect(draft: Draft, specs: Sequence[FieldSpec], fields: Fields, path: str = "body.fields") -> dict[str, Value]:
    """The fields as the entry may show them: each personal value replaced by its commitment."""
    result: dict[str, Value] = {}
    known = {spec.id: spec for spec in specs}
    for name, value in fields.items():
        spec = known.get(name)
        if spec is not None and spec.personal:
            result[name] = commit(draft, f"{path}.{name}", value if isinstance(value, str) else str(value))
        elif spec is not None and spec.type == "rows" and isinstance(value, list):
            result[name] = [
                protect(draft, spec.columns, row, f"{path}.{name}[{n}]") if isinstance(row, dict) else row
                for n, row in enumerate(value)
            ]
        else:
            result[name] = value
    return result


def commit(draft: Draft, path: str, value: str) -> dict[str, Value]:
    """A salted commitment to a value; the draft keeps the opening for the vault."""
    salt = secrets.token_bytes(32)
    digest = commitment.commit(path, salt, value)
    draft.vault.append({"commitment": digest, "path": path, "salt": salt, "value": value})
    return {"commitment": digest}


def shorten(draft: Draft, value: Any, blobs: Blobs, now: datetime) -> Any:
    """The value with every long text moved into the blob folder."""
    if isinstance(value, str) and len(value.encode()) > LONG:
        stored = blobs.put(value.encode(), "text/plain")
        draft.blobs.append(stored.row(now))
        return {"blob": stored.sha256, "size": stored.size, "excerpt": value[:EXCERPT]}
    if isinstance(value, Mapping):
        return {key: shorten(draft, item, blobs, now) for key, item in value.items()}
    if isinstance(value, list):
        return [shorten(draft, item, blobs, now) for item in value]
    return value
