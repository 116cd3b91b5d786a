"""The evidence package: a case's entries with everything needed to check them, in one deterministic ZIP.

`package-readme.txt` beside this file is the format, byte by byte; it goes into each package, and so does
`verify.py`. What is packed is verified before it is given out: `pack` makes no package that fails.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from decisionflow.errors import DecisionflowError
from decisionflow.trail import canonical, checkpoint, verify

__all__ = ["BadPackage", "Earlier", "Entry", "Opening", "Package", "Whole", "pack"]


class BadPackage(DecisionflowError):
    """What was to be packed does not hold together; `report` says where."""

    code = "bad-package"
    status = 500

    def __init__(self, report: verify.Report) -> None:
        bad = next(check for check in report.checks if check.status != verify.PASSED)
        super().__init__(f"package fails at {bad.name} {bad.place}", say=report.say)
        self.report = report


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry's bytes, its leaf number (from 0), and the proof that it lies under the checkpoint's root."""

    position: int
    data: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Opening:
    """The value behind a commitment: in which entry, at which path, with which salt."""

    entry: str
    path: str
    salt: bytes = field(repr=False)
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Whole:
    """The statement that all entries of a chain up to `seq` are in the package."""

    kind: str
    id: str
    seq: int


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier checkpoint's size and root, and the proof that the package's checkpoint continues it."""

    size: int
    root: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Package:
    """What goes into an evidence package. Times as entries write them; names of content are hex SHA-256.

    `withheld` maps the blobs that entries name but the package leaves out to the reason. `keys` are vkeys
    of the log other than the one that signs the package: that of an older checkpoint after a change of key. `reader` is a
    page for people that repeats what the entries say; it may be left out.
    """

    authority: str
    origin: str
    case: str
    no: str
    title: str
    created_at: str
    entries: tuple[Entry, ...]
    complete: tuple[Whole, ...]
    checkpoint: str
    sealed_at: str = ""
    blobs: Mapping[str, bytes] = field(default_factory=dict)
    withheld: Mapping[str, str] = field(default_factory=dict)
    openings: tuple[Opening, ...] = ()
    procedures: Mapping[str, bytes] = field(default_factory=dict)
    calendars: Mapping[str, bytes] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    earlier: tuple[Earlier, ...] = ()
    keys: tuple[str, ...] = ()
    reader: bytes = field(default=b"", repr=False)


def pack(package: Package, key: checkpoint.Key) -> bytes:
    """The package's ZIP, its manifest signed by the log's key. Raises BadPackage, NotCanonical or BadNote."""
    point = checkpoint.parse_checkpoint(package.checkpoint.partition("\n\n")[0] + "\n")
    members = _members(package, point)
    keys = sorted({key.verifier.vkey, *package.keys})
    manifest = verify.canonical(_manifest(package, point, members, keys))
    members["MANIFEST.json"] = manifest
    members["MANIFEST.note"] = checkpoint.sign(verify.manifest_text(package.origin, manifest), key).encode()
    data = b"".join(verify.container(members))
    believed = verify.Trust(tuple(verify.TrustedKey(checkpoint.parse_vkey(vkey)) for vkey in keys))
    report = verify.verify(data, believed)
    if report.verdict != verify.PASSED:
        raise BadPackage(report)
    return data


def _members(package: Package, point: checkpoint.Checkpoint) -> dict[str, bytes]:
    placed = {verify.member_of(canonical.decode(entry.data)): entry for entry in package.entries}
    return {
        "README.txt": _shipped("package-readme.txt"),
        "verify.py": _shipped("verify.py"),
        **({"read.html": package.reader} if package.reader else {}),
        "checkpoint.txt": package.checkpoint.encode(),
        "proofs.json": verify.canonical(_proofs(package, point, placed)),
        "openings.json": verify.canonical({"format": 1, "openings": [_opening(one) for one in package.openings]}),
        **{name: entry.data for name, entry in placed.items()},
        **{f"blobs/{name}": content for name, content in package.blobs.items()},
        **{f"procedures/{name}.json": content for name, content in package.procedures.items()},
        **{f"calendars/{name}.txt": content for name, content in package.calendars.items()},
        **{f"notes/{name}.txt": text.encode() for name, text in package.notes.items()},
    }


def _shipped(name: str) -> bytes:
    """A file that lies beside this one."""
    return resources.files("decisionflow.trail").joinpath(name).read_bytes()


def _proofs(package: Package, point: checkpoint.Checkpoint, placed: Mapping[str, Entry]) -> dict[str, Any]:
    return {
        "format": 1,
        "size": point.size,
        "entries": [
            {"member": name, "index": entry.position, "path": [part.hex() for part in entry.proof]}
            for name, entry in sorted(placed.items())
        ],
        "consistency": [
            {"old": old.size, "root": old.root.hex(), "path": [part.hex() for part in old.proof]}
            for old in sorted(package.earlier, key=lambda old: old.size)
        ],
    }


def _opening(opening: Opening) -> dict[str, Any]:
    return {"entry": opening.entry, "path": opening.path, "salt": opening.salt.hex(), "value": opening.value}


def _manifest(
    package: Package, point: checkpoint.Checkpoint, members: Mapping[str, bytes], keys: list[str]
) -> dict[str, Any]:
    sealed = {"sealed_at": package.sealed_at} if package.sealed_at else {}
    return {
        "format": verify.PACKAGE,
        "authority": package.authority,
        "origin": package.origin,
        "keys": keys,
        "case": {"id": package.case, "no": package.no, "title": package.title},
        "created_at": package.created_at,
        "checkpoint": {"size": point.size, "root": point.root.hex(), **sealed},
        "counts": {
            "entries": len(package.entries),
            "materials": len(package.blobs),
            "openings": len(package.openings),
        },
        "complete": [{"kind": whole.kind, "id": whole.id, "seq": whole.seq} for whole in package.complete],
        "withheld": [{"sha256": name, "reason": reason} for name, reason in sorted(package.withheld.items())],
        "members": [_row(name, content) for name, content in sorted(members.items())],
    }


def _row(name: str, content: bytes) -> dict[str, Any]:
    sha256 = hashlib.sha256(content).hexdigest()
    return {"name": name, "size": len(content), "sha256": sha256, "sm3": verify.sm3(content).hex()}
