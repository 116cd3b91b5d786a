"""One opened installation: its store, its keys, its clock. What every door opens first."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from decisionflow.core.passwords import PROFILES, Profile
from decisionflow.errors import Unavailable
from decisionflow.service import authorities
from decisionflow.service.authorities import Authority
from decisionflow.service.lockbox import Lockbox, lockbox
from decisionflow.settings import Settings
from decisionflow.store import schema
from decisionflow.store.blobs import Blobs
from decisionflow.store.engine import Store, connect
from decisionflow.store.signer import FileSigner, create_key, create_state
from decisionflow.trail import verify


def wall_clock() -> datetime:
    """Now, in UTC: read by doors, handed inwards."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Site:
    """An installation in use by one process."""

    settings: Settings
    store: Store
    clock: Callable[[], datetime] = wall_clock
    _signers: dict[str, FileSigner] = field(default_factory=dict)
    _box: Lockbox | None = None

    @property
    def profile(self) -> Profile:
        """The rules of signing in here."""
        return PROFILES[self.settings.signin_profile]

    def lockbox(self) -> Lockbox:
        """The key of accounts. Raises Unavailable when it is not to be had."""
        if self._box is None:
            self._box = lockbox(self.settings)
        return self._box

    def signer(self, authority: str) -> FileSigner:
        """The signer of a government's log. Raises Unavailable when its key is not here."""
        if authority not in self._signers:
            self._signers[authority] = FileSigner(*key_paths(self.settings, authority))
        return self._signers[authority]

    def authority(self, authority: str = "") -> Authority:
        """The government of that id, or the only one here. Raises NotFound or Unavailable."""
        with self.store.read() as connection:
            if authority:
                return authorities.get(connection, authority)
            found = authorities.everyone(connection)
        if len(found) != 1:
            say = (
                "尚未初始化，请先运行 decisionflow init 或 demo"
                if not found
                else "有多个决策机关，请用 --authority 指明"
            )
            raise Unavailable(f"{len(found)} authorities", say=say)
        return found[0]


def key_paths(settings: Settings, authority: str) -> tuple[Path, Path]:
    """Where a government's key and its signer's memory lie: outside the database."""
    return settings.key_dir / f"{authority}.key", settings.key_dir / f"{authority}.state"


def trust_path(settings: Settings) -> Path:
    """The installation's trust file: the public keys that packages are believed by."""
    return settings.key_dir / "trust.json"


def create_keys(settings: Settings, authority: str, origin: str) -> str:
    """A new log key with its signer's memory, and its public half in the trust file; the vkey."""
    key, state = key_paths(settings, authority)
    verifier = create_key(key, origin)
    create_state(state, origin)
    path = trust_path(settings)
    known = json.loads(path.read_text("utf-8"))["keys"] if path.is_file() else []
    keys = [*known, {"vkey": verifier.vkey}]
    path.write_text(json.dumps({"format": 1, "keys": keys}, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return verifier.vkey


def trust(path: Path) -> verify.Trust | None:
    """The keys of a trust file; None when there is no such file. Raises Unavailable for a bad one."""
    if not path.is_file():
        return None
    try:
        return verify.parse_trust(path.read_bytes())
    except verify.Malformed as fault:
        raise Unavailable(f"bad trust file {path}: {fault}", say=f"可信公钥文件 {path.name} 有误：{fault}") from fault


def prepare_folders(settings: Settings) -> None:
    """Make the data folders. Raises Unavailable with a sentence when that is not allowed."""
    try:
        for folder in (settings.data_dir, settings.blob_dir):
            folder.mkdir(parents=True, exist_ok=True)
        settings.key_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = settings.data_dir / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as fault:
        raise Unavailable(
            f"cannot write {settings.data_dir}: {fault}",
            say=f"数据目录 {settings.data_dir} 不能写入（{fault.strerror}），请改用 --dir 或 DECISIONFLOW_DATA_DIR 指定",
        ) from fault


@contextmanager
def opened(
    settings: Settings, *, read_only: bool = False, clock: Callable[[], datetime] = wall_clock
) -> Iterator[Site]:
    """The installation of these settings, its schema checked. Raises Unavailable with a sentence."""
    prepare_folders(settings)
    store = connect(
        settings.database_url, Blobs(settings.blob_dir, settings.upload_mb * 1024 * 1024), read_only=read_only
    )
    try:
        with store.read() as connection:
            schema.check(connection)
        yield Site(settings, store, clock)
    finally:
        store.close()
