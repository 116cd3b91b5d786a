"""Is the stored record whole? Every entry hashed again, every chain walked, the tree rebuilt, its head's signature
checked with keys from outside the database, and every page's row compared with what the entries give.

The checks stand on their own: none trusts a column that another could have forged with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, text

from decisionflow.service import replay, sealing
from decisionflow.service.authorities import Authority
from decisionflow.store.blobs import Blobs
from decisionflow.trail import canonical, chain, merkle, verify
from decisionflow.trail.verify import Check, Report

_ENTRIES = text("""
    select chain_kind, chain_id, chain_seq, entry_id, data, sha256, sm3 from trail_entry
    where authority_id = :a order by chain_kind, chain_id, chain_seq
""")
_HEADS = text("select kind, chain_id, seq, head from trail_chain where authority_id = :a")
_LEAVES = text("""
    select l.position, e.data from trail_leaf l
    join trail_entry e on e.authority_id = l.authority_id and e.entry_id = l.entry_id
    where l.authority_id = :a order by l.position
""")
_BLOBS = text("select sha256, size from blob order by sha256")


def everything(
    connection: Connection, blobs: Blobs, authority: Authority, trust: verify.Trust | None
) -> Report:  # fmt: skip
    """The verdict on all that is stored for a government."""
    seal = sealing.latest(connection, authority.id)
    checks = [
        _check("entries", "记录与摘要", _entries(connection, authority.id)),
        _check("chains", "记录链", _chains(connection, authority.id)),
        _check("tree", "日志与检查点", _tree(connection, authority.id, seal)),
        _check("papers", "材料文件", _papers(connection, blobs)),
        _check("rows", "页面数据与记录", _rows(connection, blobs, authority.id)),
        _signature(authority, seal, trust),
    ]
    return _report(connection, authority, seal, tuple(checks))


def _check(name: str, title: str, faults: Iterator[str]) -> Check:
    first = next(faults, None)
    return Check(name, title, verify.FAILED if first else verify.PASSED, first or "一致")


def _entries(connection: Connection, authority: str) -> Iterator[str]:
    for row in connection.execute(_ENTRIES, {"a": authority}):
        if canonical.digest(row.data) != row.sha256 or canonical.digest_sm3(row.data) != row.sm3:
            yield f"{row.chain_kind} 链第 {row.chain_seq} 号记录（{row.entry_id}）的内容与摘要不符"


def _chains(connection: Connection, authority: str) -> Iterator[str]:
    chains: dict[tuple[str, str], list[bytes]] = {}
    for row in connection.execute(_ENTRIES, {"a": authority}):
        chains.setdefault((row.chain_kind, row.chain_id), []).append(row.data)
    heads = {(row.kind, row.chain_id): row for row in connection.execute(_HEADS, {"a": authority})}
    for key in sorted(chains.keys() | heads.keys()):
        found = chains.get(key, [])
        yield from (f"{key[0]} 链（{key[1]}）第 {fault.n} 号：{fault.say}" for fault in chain.check(found))
        at = heads.get(key)
        if at is None or at.seq != len(found) or (found and at.head != chain.head(found[-1])):
            yield f"{key[0]} 链（{key[1]}）的末端与登记的不符，可能少了记录"


def _tree(connection: Connection, authority: str, seal: sealing.Seal | None) -> Iterator[str]:
    if seal is None:
        return
    nodes: dict[tuple[int, int], bytes] = {}
    size = 0
    for row in connection.execute(_LEAVES, {"a": authority}):
        if row.position != size:
            yield f"日志缺少第 {size + 1} 个位置"
            return
        if size < seal.size:
            for level, place, value in merkle.stored(size, merkle.leaf(row.data), lambda a, b: nodes[a, b]):
                nodes[level, place] = value
        size += 1
    if size < seal.size:
        yield f"日志应有 {seal.size} 条，实有 {size} 条"
    elif merkle.root(seal.size, lambda a, b: nodes[a, b]).hex() != seal.root:
        yield f"重新计算的日志根与检查点（树大小 {seal.size:,}）不符"


def _papers(connection: Connection, blobs: Blobs) -> Iterator[str]:
    for row in connection.execute(_BLOBS):
        try:
            data = blobs.get(row.sha256)
        except Exception:  # whatever is wrong with the file: it is not what the record names
            yield f"材料文件 {row.sha256[:8]} 读不到或者内容不符"
            continue
        if hashlib.sha256(data).hexdigest() != row.sha256 or len(data) != row.size:
            yield f"材料文件 {row.sha256[:8]} 的内容与摘要不符"


def _rows(connection: Connection, blobs: Blobs, authority: str) -> Iterator[str]:
    try:
        for one in replay.compare(connection, blobs, authority):
            yield f"{one.table} 表中 {'、'.join(str(value) for value in one.key.values())} 与记录不一致"
    except Exception as fault:  # records that cannot be folded any more
        yield f"记录无法重放（{type(fault).__name__}）"


def _signature(authority: Authority, seal: sealing.Seal | None, trust: verify.Trust | None) -> Check:
    name, title = "signature", "检查点签名"
    if seal is None:
        return Check(name, title, verify.UNPROVEN, "还没有检查点")
    if trust is None:
        return Check(name, title, verify.UNPROVEN, "缺少可信公钥")
    try:
        words, signatures = verify.parse_note(seal.note.encode())
        point = verify.parse_checkpoint(words)
        keys = [one.key for one in trust.keys if one.key.name == authority.origin and _valid(one, point.size)]
        signed = verify.signers(words, signatures, keys)
    except verify.Malformed as fault:
        return Check(name, title, verify.FAILED, fault.say)
    if (point.origin, point.size, point.root.hex()) != (authority.origin, seal.size, seal.root):
        return Check(name, title, verify.FAILED, "检查点的文字与登记的不符")
    if not signed:
        return Check(name, title, verify.UNPROVEN, "签名者不在可信公钥之中")
    return Check(name, title, verify.PASSED, "签名有效")


def _valid(one: verify.TrustedKey, size: int) -> bool:
    return one.valid_from_size <= size and (one.valid_to_size is None or size <= one.valid_to_size)


def _report(
    connection: Connection, authority: Authority, seal: sealing.Seal | None, checks: tuple[Check, ...]
) -> Report:
    def count(table: str) -> Any:
        return connection.execute(text(f"select count(*) from {table}")).scalar_one()  # noqa: S608  our own words

    entries, waiting = count("trail_entry"), count("trail_unsealed")
    simulated = authority.clock == "simulated"
    failed = [check for check in checks if check.status == verify.FAILED]
    unproven = [check for check in checks if check.status == verify.UNPROVEN]
    demo = "（演示时钟）" if simulated else ""
    later = f"；另有 {waiting} 条等待封存" if waiting else ""
    if failed:
        verdict, say = verify.FAILED, f"不通过：{failed[0].say}"
    elif unproven:
        verdict, say = verify.UNDECIDED, f"无法判断{demo}：{unproven[0].say}"
    else:
        verdict, say = verify.PASSED, f"通过{demo}：{entries:,} 条记录与检查点一致{later}"
    return Report(
        verdict, say, checks, authority.origin, authority.id, entries=entries, materials=count("blob"),
        size=seal.size if seal else 0, root=seal.root if seal else "", simulated=simulated,
    )  # fmt: skip
