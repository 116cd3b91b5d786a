"""Who signs checkpoints, and refuses to sign two histories: the port, and the signer whose key is a file.

The signer remembers the last tree it signed, in a state file beside no database: it signs only a tree
that provably continues that one. The state is on disk before the signature exists, so a crash in
between costs nothing (the same tree is signed again) and never yields two trees of one size. Ask only
for a tree whose rows are committed: a tree lost after that is refused for ever, and must be.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from decisionflow.errors import EXIT_NOT_VERIFIED, DecisionflowError, Unavailable
from decisionflow.store.filelock import FileLock
from decisionflow.trail import checkpoint, merkle, selection, verify
from decisionflow.trail.checkpoint import Checkpoint, PrivateKey, VerifierKey

__all__ = ["FileSigner", "PackageKey", "Signer", "SignerRefused", "create_key", "create_state", "read_state"]


class SignerRefused(DecisionflowError):
    """The signer will not sign this: `rule` says why, `head` what it signed last."""

    code = "signer-refused"
    status = 503
    exit = EXIT_NOT_VERIFIED

    def __init__(self, rule: str, say: str, head: Checkpoint | None = None) -> None:
        super().__init__(f"signer refused: {rule}" + (f" (last signed size {head.size})" if head else ""), say=say)
        self.rule, self.head = rule, head


class Signer(Protocol):
    """The port: a key file here, a device elsewhere. It holds the key and the memory of what it signed."""

    @property
    def verifier(self) -> VerifierKey:
        """The public key; its name is the origin of the log."""

    @property
    def packages(self) -> checkpoint.Key:
        """The same key for the manifests of packages, and for nothing else."""

    def head(self) -> Checkpoint:
        """The last tree signed; size 0 before the first."""

    def sign(self, wanted: Checkpoint, old: int, proof: Sequence[bytes]) -> str:
        """The checkpoint's note. `old` is the size of `head`, `proof` the consistency proof from there."""


class FileSigner:
    """Signs with a key file that nobody else may read; remembers the last tree in a state file."""

    def __init__(self, key_path: Path, state_path: Path) -> None:
        self._key = _read_key(key_path)
        self._state_path = state_path
        self.head()

    @property
    def verifier(self) -> VerifierKey:
        return self._key.verifier

    @property
    def packages(self) -> checkpoint.Key:
        return PackageKey(self._key)

    def head(self) -> Checkpoint:
        """The last tree signed. Raises Unavailable or SignerRefused when the state file cannot be believed."""
        head = read_state(self._state_path)
        if head.origin != self._key.name:
            raise SignerRefused("origin", "签名器的状态文件属于另一个日志", head)
        return head

    def sign(self, wanted: Checkpoint, old: int, proof: Sequence[bytes]) -> str:
        """The checkpoint's note. Raises SignerRefused for anything but the last tree or its provable continuation."""
        text = checkpoint.format_checkpoint(wanted)
        lock = FileLock(self._state_path.with_name(self._state_path.name + ".lock"))
        if not lock.acquire():
            raise SignerRefused("busy", "另一个进程正在签名")
        try:
            head = self.head()
            if wanted != head:
                _admit(head, wanted, old, proof)
                _write(self._state_path, text)
            return checkpoint.sign(text, self._key)
        finally:
            lock.release()


class PackageKey:
    """The log's key for manifests of packages and lists of selections: no checkpoint can be had through this door."""

    def __init__(self, key: PrivateKey) -> None:
        self._key = key

    @property
    def verifier(self) -> VerifierKey:
        return self._key.verifier

    def signature(self, text: str) -> bytes:
        """The signature over a manifest's text. Raises SignerRefused for any other text."""
        if not text.startswith(tuple(f"{form}\n{self._key.name}\n" for form in (verify.PACKAGE, selection.FORMAT))):
            raise SignerRefused("package", "此处只签署证据包清单")
        return self._key.signature(text)


def create_key(path: Path, origin: str) -> VerifierKey:
    """The public half of a new key, written to a new file only its owner may read. Raises SignerRefused."""
    if not verify.good_name(origin):
        raise SignerRefused("origin", "日志名称不能为空，不能有空格和加号")
    key = PrivateKey(origin, Ed25519PrivateKey.generate().private_bytes_raw())
    _create(path, key.text + "\n")
    return key.verifier


def create_state(path: Path, origin: str) -> None:
    """Begin the memory of a signer at the empty tree. Raises SignerRefused when there is one already."""
    _create(path, checkpoint.format_checkpoint(Checkpoint(origin, 0, merkle.EMPTY_ROOT)))


def read_state(path: Path) -> Checkpoint:
    """The last tree that a state file remembers. Raises Unavailable, or SignerRefused when it is damaged."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as fault:
        # Never begin anew by ourselves: who can delete the file could then have any history signed.
        raise Unavailable(f"no signer state at {path}", say="签名器的状态文件不存在，不能签名") from fault
    except (OSError, UnicodeDecodeError) as fault:
        raise Unavailable(f"cannot read signer state {path}: {fault}", say="签名器的状态文件读不出来") from fault
    try:
        return checkpoint.parse_checkpoint(text)
    except checkpoint.BadNote as fault:
        raise SignerRefused("state", "签名器的状态文件已损坏") from fault


def _admit(head: Checkpoint, wanted: Checkpoint, old: int, proof: Sequence[bytes]) -> None:
    if wanted.origin != head.origin:
        raise SignerRefused("origin", "检查点属于另一个日志", head)
    if wanted.size < head.size:
        raise SignerRefused("smaller", "要签的树比已签的小：数据库可能被换成了旧的", head)
    if wanted.size == head.size:
        raise SignerRefused("root", "同样大小的树有两个根：记录被改动过", head)
    if old != head.size:
        raise SignerRefused("old", "一致性证明不是从上次签名的树开始", head)
    if not merkle.check_consistency(head.size, wanted.size, head.root, wanted.root, proof):
        raise SignerRefused("inconsistent", "要签的树不是上次签名的树的延续：记录被改动过", head)


def _read_key(path: Path) -> PrivateKey:
    try:
        with path.open(encoding="ascii") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read()
    except (OSError, UnicodeDecodeError) as fault:
        raise Unavailable(f"cannot read signer key {path}", say="签名密钥文件读不出来") from fault
    if os.name != "nt" and (mode & 0o077 or not stat.S_ISREG(mode)):
        raise SignerRefused("permissions", f"签名密钥文件 {path.name} 他人可读，请改为仅属主可读写（600）")
    return checkpoint.parse_private_key(text.removesuffix("\n"))


def _create(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as fault:
        raise SignerRefused("exists", f"{path.name} 已经存在，不会覆盖") from fault
    _fill(handle, text)
    _sync_folder(path.parent)


def _write(path: Path, text: str) -> None:
    """Put the text in the file's place so that a crash leaves the old or the new, on disk before we go on."""
    fresh = path.with_name(path.name + ".new")
    _fill(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), text)
    fresh.replace(path)
    _sync_folder(path.parent)


def _fill(handle: int, text: str) -> None:
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # pragma: no cover  no such thing there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
