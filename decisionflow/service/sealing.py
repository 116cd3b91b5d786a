"""The sealer: gives every committed entry its place in the log, and signs the log's head.

Two steps on purpose. *Integrate* re-hashes the stored bytes and writes places and tree nodes; *note*
asks the signer to sign the tree that is now durable and stores the checkpoint. A crash in between
leaves a tree that the next round signs. A stored entry that no longer has its hash stops the sealer:
signing a leaf nobody can produce would ruin the log for ever.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, delete, func, insert, select, text

from decisionflow.errors import DecisionflowError, NotFound
from decisionflow.store.engine import Store, Tx
from decisionflow.store.records import Rows
from decisionflow.store.signer import Signer
from decisionflow.store.tables.infrastructure import Heartbeat
from decisionflow.store.tables.trail import TrailCheckpoint, TrailEntry, TrailLeaf, TrailNode, TrailUnsealed
from decisionflow.trail import canonical, checkpoint, merkle

BATCH = 256
WAITERS = threading.BoundedSemaphore(10)
STALE = timedelta(seconds=10)
_ENTRIES = TrailEntry.__table__  # type: ignore[attr-defined]
_LEAVES = TrailLeaf.__table__  # type: ignore[attr-defined]
_NODES = TrailNode.__table__  # type: ignore[attr-defined]
_NOTES = TrailCheckpoint.__table__  # type: ignore[attr-defined]
_WAITING = TrailUnsealed.__table__  # type: ignore[attr-defined]
_BEATS = Heartbeat.__table__  # type: ignore[attr-defined]


class SealStopped(DecisionflowError):
    """A stored entry no longer matches its hash; nothing more may be sealed until people have looked."""

    code = "integrity"
    status = 503
    exit = 4


@dataclass(frozen=True, slots=True)
class Seal:
    """A signed head of the log."""

    size: int
    root: str
    note: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an actor keeps of a binding act: the bytes, their place, the proof, the signed head."""

    entry: str
    data: bytes
    position: int
    proof: tuple[str, ...]
    seal: Seal


def size(connection: Connection, authority: str) -> int:
    """How many entries have a place in the log."""
    return connection.execute(
        select(func.count()).select_from(_LEAVES).where(_LEAVES.c.authority_id == authority)
    ).scalar_one()


def latest(connection: Connection, authority: str) -> Seal | None:
    """The newest signed head."""
    wanted = select(_NOTES).where(_NOTES.c.authority_id == authority).order_by(_NOTES.c.size.desc()).limit(1)
    row = connection.execute(wanted).mappings().first()
    return Seal(row["size"], row["root"], row["note"], row["created_at"]) if row else None


def reader(connection: Connection, authority: str, extra: dict[tuple[int, int], bytes] | None = None) -> Any:
    """The tree's nodes as `trail.merkle` reads them; `extra` holds nodes not yet written."""
    new = extra if extra is not None else {}

    def read(level: int, place: int) -> bytes:
        if (level, place) in new:
            return new[level, place]
        wanted = (_NODES.c.authority_id == authority) & (_NODES.c.level == level) & (_NODES.c.place == place)
        found: bytes = connection.execute(select(_NODES.c.hash).where(wanted)).scalar_one()
        return found

    return read


def integrate(tx: Tx, authority: str) -> int:
    """Give up to a batch of waiting entries their places; how many. Raises SealStopped."""
    entries = _waiting(tx.connection, authority)
    if not entries:
        return 0
    start = size(tx.connection, authority)
    nodes: dict[tuple[int, int], bytes] = {}
    read = reader(tx.connection, authority, nodes)
    for n, entry in enumerate(entries):
        _check(entry)
        for level, place, value in merkle.stored(start + n, merkle.leaf(entry.data), read):
            nodes[level, place] = value
    leaves = [{"position": start + n, "entry_id": entry.entry_id} for n, entry in enumerate(entries)]
    _write(tx, authority, leaves, nodes)
    return len(entries)


def _waiting(connection: Connection, authority: str) -> list[Any]:
    """Waiting entries by recording time, each chain in its own order."""
    joined = _ENTRIES.join(
        _WAITING, (_ENTRIES.c.authority_id == _WAITING.c.authority_id) & (_ENTRIES.c.entry_id == _WAITING.c.entry_id)
    )
    wanted = select(_ENTRIES).select_from(joined).where(_WAITING.c.authority_id == authority)
    rows = connection.execute(wanted.order_by(_ENTRIES.c.recorded_at, _ENTRIES.c.chain_seq).limit(BATCH)).all()
    chains: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        chains[row.chain_kind, row.chain_id].append(row)
    ordered = {key: iter(sorted(chain, key=lambda row: int(row.chain_seq))) for key, chain in chains.items()}
    return [next(ordered[row.chain_kind, row.chain_id]) for row in rows]


def _check(entry: Any) -> None:
    if canonical.digest(entry.data) != entry.sha256 or canonical.digest_sm3(entry.data) != entry.sm3:
        raise SealStopped(
            f"entry {entry.entry_id} does not match its hash",
            say=f"第 {entry.chain_seq} 号记录（{entry.entry_id}）的内容与摘要不符，已停止封存，请立即通知审计管理员",
        )


def _write(tx: Tx, authority: str, leaves: Sequence[dict[str, Any]], nodes: dict[tuple[int, int], bytes]) -> None:
    if tx.connection.dialect.name == "postgresql":
        shown = [
            {"level": level, "place": place, "hash": "\\x" + value.hex()} for (level, place), value in nodes.items()
        ]
        tx.execute(
            text("select trail_integrate(:a, cast(:leaves as jsonb), cast(:nodes as jsonb))"),
            {"a": authority, "leaves": orjson.dumps(leaves).decode(), "nodes": orjson.dumps(shown).decode()},
        )
        return
    tx.execute(insert(_LEAVES), [{"authority_id": authority, **leaf} for leaf in leaves])
    tx.execute(
        insert(_NODES), [{"authority_id": authority, "level": n[0], "place": n[1], "hash": h} for n, h in nodes.items()]
    )
    done = [leaf["entry_id"] for leaf in leaves]
    tx.execute(delete(_WAITING).where(_WAITING.c.authority_id == authority, _WAITING.c.entry_id.in_(done)))


def note(store: Store, authority: str, signer: Signer, now: datetime) -> Seal | None:
    """Sign the durable tree if it has grown, and keep the checkpoint. Raises SignerRefused."""
    with store.read() as connection:
        total, last = size(connection, authority), latest(connection, authority)
        if total == 0 or (last is not None and last.size == total):
            return last
        read = reader(connection, authority)
        old = signer.head().size
        proof = merkle.prove_consistency(old, total, read) if old < total else []
        head = checkpoint.Checkpoint(signer.verifier.name, total, merkle.root(total, read))
    seal = Seal(total, head.root.hex(), signer.sign(head, old, proof), now)
    store.write(lambda tx: _keep(tx, authority, seal))
    return seal


def _keep(tx: Tx, authority: str, seal: Seal) -> None:
    values = {"a": authority, "size": seal.size, "root": seal.root, "note": seal.note, "at": seal.created_at}
    if tx.connection.dialect.name == "postgresql":
        tx.execute(text("select trail_note(:a, :size, :root, :note, :at)"), values)
    elif latest(tx.connection, authority) != seal:
        row = {
            "authority_id": authority,
            "size": seal.size,
            "root": seal.root,
            "note": seal.note,
            "created_at": seal.created_at,
        }
        tx.execute(insert(_NOTES), row)


def seal_all(store: Store, authority: str, signer: Signer, now: datetime) -> Seal | None:
    """Integrate everything that waits, then sign."""
    while store.write(lambda tx: integrate(tx, authority)) == BATCH:
        pass
    return note(store, authority, signer, now)


def beat(store: Store, name: str, now: datetime, detail: str = "") -> None:
    """Say that a loop has completed a round."""
    store.write(lambda tx: tx.put(Rows("heartbeat", [{"name": name, "at": now, "detail": detail}])))


def is_beating(connection: Connection, name: str, now: datetime, within: timedelta = STALE) -> bool:
    """Whether a loop completed a round lately."""
    at = connection.execute(select(_BEATS.c.at).where(_BEATS.c.name == name)).scalar()
    return at is not None and now - at <= within


def await_seal(store: Store, authority: str, entry: str, clock: Callable[[], datetime], timeout: float = 5.0) -> bool:
    """Wait, outside any transaction, until an entry is under a signed head; False when it is not in time."""
    if not WAITERS.acquire(blocking=False):
        return False
    try:
        with store.read() as connection:
            if not is_beating(connection, f"seal:{authority}", clock()):
                return False
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            with store.read() as connection:
                if is_sealed(connection, authority, entry):
                    return True
            time.sleep(0.05)
        return False
    finally:
        WAITERS.release()


def position(connection: Connection, authority: str, entry: str) -> int | None:
    """An entry's place in the log."""
    wanted = (_LEAVES.c.authority_id == authority) & (_LEAVES.c.entry_id == entry)
    return connection.execute(select(_LEAVES.c.position).where(wanted)).scalar()


def is_sealed(connection: Connection, authority: str, entry: str) -> bool:
    """Whether an entry lies under a signed head."""
    at, head = position(connection, authority, entry), latest(connection, authority)
    return at is not None and head is not None and at < head.size


def receipt(connection: Connection, authority: str, entry: str) -> Receipt:
    """The receipt of a sealed entry. Raises NotFound while it waits."""
    at, head = position(connection, authority, entry), latest(connection, authority)
    if at is None or head is None or at >= head.size:
        raise NotFound(f"entry {entry} is not sealed", say="这条记录尚未封存，请稍后再取回执")
    wanted = (_ENTRIES.c.authority_id == authority) & (_ENTRIES.c.entry_id == entry)
    data: bytes = connection.execute(select(_ENTRIES.c.data).where(wanted)).scalar_one()
    proof = merkle.prove_inclusion(at, head.size, reader(connection, authority))
    return Receipt(entry, data, at, tuple(step.hex() for step in proof), head)


def short_code(origin: str, seal: Seal) -> str:
    """The log's head as a code that people can compare by eye, for footers and mails."""
    return checkpoint.short_code(origin, seal.size, bytes.fromhex(seal.root))
