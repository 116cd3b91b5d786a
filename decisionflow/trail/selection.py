"""Several evidence packages together, with a signed list of them: what an inspector takes away for a set of cases.

A selection is a ZIP of whole packages and ``LIST.note``, a signed note (C2SP) whose text is::

    decisionflow/selection/v1
    <origin of the log>
    <time, UTC>
    <sha256 of the package> <its member name>        one line each, sorted by name

Each package is checked alone, with its own ``verify.py``; the list says that these, and no others, were given out together.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from decisionflow.trail import checkpoint, verify
from decisionflow.trail.verify import FAILED, PASSED, UNPROVEN, Check, Malformed, Report, Trust

FORMAT, LIST, README = "decisionflow/selection/v1", "LIST.note", "README.txt"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,80}\.zip")
_TOLD = (
    "几个证据包，和一份签名的清单（LIST.note）。\n"
    "解开以后，每个证据包各自校验：取出 verify.py（最好另行取得），运行\n"
    "python verify.py 证据包.zip --keys 可信公钥.json。\n"
    "清单写明这一次一共给出哪几个包、各自的 SHA-256；装有 decisionflow 的，用 decisionflow verify 一次校验全部。\n"
)  # fmt: skip


def pack(origin: str, created_at: str, packages: Mapping[str, bytes], key: checkpoint.Key) -> bytes:
    """The ZIP of packages by member name (``YH-2026-001.zip``), its list signed. Raises ValueError for a name or for none."""
    if not packages or not all(_NAME.fullmatch(name) for name in packages):
        raise ValueError("a selection holds packages, named like YH-2026-001.zip")
    note = checkpoint.sign(_text(origin, created_at, packages), key)
    return b"".join(verify.container({**packages, LIST: note.encode(), README: _TOLD.encode()}))


def is_one(data: bytes) -> bool:
    """Whether these bytes look like a selection rather than a package."""
    try:
        return LIST in verify.unpack(data)
    except Malformed:
        return False


def either(data: bytes, trust: Trust | None = None) -> Report:
    """The verdict on what somebody brings, be it one package or a selection of them."""
    return check(data, trust) if is_one(data) else verify.verify(data, trust)


def check(data: bytes, trust: Trust | None = None) -> Report:
    """The verdict on a selection: its list and every package in it; passed only when all of it is."""
    members = verify.unpack(data)
    packages = {name: content for name, content in members.items() if name not in (LIST, README)}
    origin, listed = _listed(members, packages, trust)
    checks, entries, materials, simulated = [listed], 0, 0, False
    for name, content in sorted(packages.items()):
        one = verify.verify(content, trust)
        status = one.verdict if one.verdict in (PASSED, FAILED) else UNPROVEN
        if one.origin != origin:
            status, said = FAILED, "证据包出自另一个日志"
        else:
            said = one.say
        checks.append(Check(name, f"证据包 {one.no or name}", status, said, name))
        entries, materials, simulated = entries + one.entries, materials + one.materials, simulated or one.simulated
    bad = next((one for one in checks if one.status == FAILED), None)
    open_ = next((one for one in checks if one.status == UNPROVEN), None)
    if bad:
        verdict, say = FAILED, f"不通过：{bad.title}：{bad.say}"
    elif open_:
        verdict, say = verify.UNDECIDED, f"无法判断：{open_.title}：{open_.say}"
    else:
        verdict = PASSED
        say = (
            f"通过{'（演示时钟）' if simulated else ''}：清单所列 {len(packages)} 个证据包全部通过，共 {entries} 条记录"
        )
    return Report(verdict, say, tuple(checks), origin, materials=materials, entries=entries, simulated=simulated)


def _listed(members: Mapping[str, bytes], packages: Mapping[str, bytes], trust: Trust | None) -> tuple[str, Check]:
    """The log's origin as the list says it, and what the list is worth."""
    title = "清单签名"
    try:
        text, signatures = verify.parse_note(members.get(LIST, b""))
        lines = text.splitlines()
        origin = lines[1] if len(lines) > 3 and lines[0] == FORMAT else ""
        if not origin or members.get(README) != _TOLD.encode() or text != _text(origin, lines[2], packages):
            return origin, Check("list", title, FAILED, "清单与附上的证据包对不上", LIST)
        keys = [one.key for one in (trust or Trust()).keys if one.key.name == origin]
        signed = verify.signers(text, signatures, keys)
    except Malformed as fault:
        return "", Check("list", title, FAILED, fault.say, LIST)
    if not signed:
        return origin, Check("list", title, UNPROVEN, "没有可信公钥的签名", LIST)
    return origin, Check("list", title, PASSED, f"清单由可信公钥签名，列明 {len(packages)} 个证据包", LIST)


def _text(origin: str, created_at: str, packages: Mapping[str, bytes]) -> str:
    rows = "".join(f"{hashlib.sha256(content).hexdigest()} {name}\n" for name, content in sorted(packages.items()))
    return f"{FORMAT}\n{origin}\n{created_at}\n{rows}"
