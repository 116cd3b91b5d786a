"""A small authority with a log of its own, and the package of one of its cases: what the trail's tests take apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from decisionflow.trail import bundle, canonical, chain, checkpoint, commitment, merkle, verify

ORIGIN = "gov.example.cn/yunhe"
AUTHORITY = "yunhe"
KEY = checkpoint.PrivateKey(ORIGIN, bytes(range(32)))
STRANGER = checkpoint.PrivateKey(ORIGIN, bytes(range(1, 33)))
CASE = "0190f3c2-7d1e-7c3a-9b7e-000000000001"
SALT = bytes(range(100, 132))
CONTACT = "周某，电话 13800000000"
PAPER = "专家论证意见：可行。".encode()
LONG = "对草案第三条的修改意见，附说明。".encode()
SECRET = b"annex"
PROCEDURE = canonical.encode({"id": "cn-major-decision", "version": "2019.1"})
YEAR = b"calendar: CN\nyear: 2024\n"
INDEX = f"2024@1:{hashlib.sha256(YEAR).hexdigest()}\n".encode()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Log:
    """The tree of one authority, held in memory, and the bytes of its entries by position."""

    rows: dict[tuple[int, int], bytes] = field(default_factory=dict)
    entries: list[bytes] = field(default_factory=list)

    def read(self, level: int, index: int) -> bytes:
        return self.rows[level, index]

    def add(self, data: bytes) -> int:
        index = len(self.entries)
        for level, place, found in merkle.stored(index, merkle.leaf(data), self.read):
            assert (level, place) not in self.rows
            self.rows[level, place] = found
        self.entries.append(data)
        return index

    def checkpoint(self, size: int | None = None) -> checkpoint.Checkpoint:
        size = len(self.entries) if size is None else size
        return checkpoint.Checkpoint(ORIGIN, size, merkle.root(size, self.read))

    def entry(self, index: int) -> bundle.Entry:
        size = len(self.entries)
        return bundle.Entry(index, self.entries[index], tuple(merkle.prove_inclusion(index, size, self.read)))


def record(
    chain_kind: str, chain_id: str, before: bytes | None, number: int, *, clock: str = "system", **body: Any
) -> dict[str, Any]:
    """A record as the services write it, the next of its chain."""
    seq = 1 if before is None else canonical.decode(before)["chain"]["seq"] + 1
    at = f"2024-03-{number:02}T01:00:00.000000Z"
    return {
        "v": 1,
        "kind": "step.taken",
        "id": f"0190f3c2-7d1e-7c3a-9b7e-{number:012}",
        "authority": AUTHORITY,
        "chain": {"kind": chain_kind, "id": chain_id, "seq": seq, "prev": chain.head(before) if before else chain.ZERO},
        "actor": {"kind": "person", "person": "p-li", "name": "李明", "post_title": "科长", "duty": "lead"},
        "times": {"recorded_at": at, "happened_at": at, "clock": clock},
        "body": body,
        "key": sha256(str(number).encode()),
        "software": "decisionflow 0.1.0",
    }


def paper(content: bytes, title: str) -> dict[str, Any]:
    return {
        "kind": "opinion", "title": title, "sha256": sha256(content), "size": len(content), "type": "text/plain", "name": "a.txt",
    }  # fmt: skip


def log(*, clock: str = "system") -> tuple[Log, tuple[bundle.Entry, ...]]:
    """A log with two cases, a consultation and a register, and the entries that belong to the package."""
    made = Log()

    def add(kind: str, id_: str, before: bytes | None, number: int, **body: Any) -> bytes:
        data = canonical.encode(record(kind, id_, before, number, clock=clock, **body))
        made.add(data)
        return data

    register = add("register", AUTHORITY, None, 1, person="p-wang")
    other = add("case", "another", None, 2, no="YH-2024-002")
    named = add("register", AUTHORITY, register, 3, person="p-li")
    opened = add("case", CASE, None, 4, no="YH-2024-001", title="大运河路", procedure={"digest": sha256(PROCEDURE)})
    add("case", "another", other, 5)
    calendar = f"CN#{sha256(INDEX)[:16]}"
    commented = add(
        "consultation", f"{CASE}.1", None, 6,
        contact={"commitment": commitment.commit("body.contact", SALT, CONTACT)},
        rows=[{"name": {"commitment": commitment.commit("body.rows[0].name", SALT, "吴某")}}],
        text={"blob": sha256(LONG), "size": len(LONG), "excerpt": "对草案第三条"},
    )  # fmt: skip
    argued = add("case", CASE, opened, 7, papers=[paper(PAPER, "专家论证意见")], calendar=calendar)
    add("case", "third", None, 8)
    decided = add("case", CASE, argued, 9, papers=[paper(SECRET, "涉密附件")], procedure={"digest": sha256(PROCEDURE)})
    for number in range(10, 13):
        add("meeting", f"m-{number}", None, number)
    wanted = (named, opened, commented, argued, decided)
    return made, tuple(made.entry(made.entries.index(data)) for data in wanted)


def package(*, clock: str = "system", key: checkpoint.PrivateKey = KEY) -> bundle.Package:
    """The package of the case, not yet packed."""
    made, entries = log(clock=clock)
    point = made.checkpoint()
    return bundle.Package(
        authority=AUTHORITY,
        origin=ORIGIN,
        case=CASE,
        no="YH-2024-001",
        title="大运河路",
        created_at="2024-04-01T01:00:00.000000Z",
        entries=entries,
        complete=(bundle.Whole("case", CASE, 3), bundle.Whole("consultation", f"{CASE}.1", 1)),
        checkpoint=checkpoint.sign(checkpoint.format_checkpoint(point), key),
        sealed_at="2024-03-31T17:00:00.000000Z",
        blobs={sha256(PAPER): PAPER, sha256(LONG): LONG},
        withheld={sha256(SECRET): "涉密"},
        openings=(bundle.Opening(canonical.decode(entries[2].data)["id"], "body.contact", SALT, CONTACT),),
        procedures={sha256(PROCEDURE): PROCEDURE},
        calendars={sha256(INDEX): INDEX, sha256(YEAR): YEAR},
        notes={"about": "附带说明。\n"},
        earlier=(
            bundle.Earlier(7, made.checkpoint(7).root, tuple(merkle.prove_consistency(7, point.size, made.read))),
        ),
    )


def trust(*keys: checkpoint.PrivateKey, first: int = 0, last: int | None = None) -> verify.Trust:
    return verify.Trust(tuple(verify.TrustedKey(key.verifier, first, last) for key in keys or (KEY,)))


def rezip(members: Mapping[str, bytes]) -> bytes:
    """A ZIP in the prescribed form around members as they are, manifest left alone."""
    return b"".join(verify.container(members))


def relist(members: Mapping[str, bytes]) -> dict[str, bytes]:
    """The members with a manifest that lists them as they are now, its old signature left as it was."""
    manifest = orjson.loads(members["MANIFEST.json"])
    manifest["members"] = [
        {"name": name, "size": len(content), "sha256": sha256(content), "sm3": verify.sm3(content).hex()}
        for name, content in sorted(members.items())
        if not name.startswith("MANIFEST")
    ]
    return {**members, "MANIFEST.json": verify.canonical(manifest)}


def resign(members: Mapping[str, bytes], key: checkpoint.PrivateKey = KEY, /, **changes: Any) -> dict[str, bytes]:
    """What somebody with the log's key can do: a new list, changed at will, with a good signature."""
    listed = relist(members)
    manifest = verify.canonical({**orjson.loads(listed["MANIFEST.json"]), **changes})
    note = checkpoint.sign(verify.manifest_text(ORIGIN, manifest), key)
    return {**listed, "MANIFEST.json": manifest, "MANIFEST.note": note.encode()}
