"""The key that lies outside the database: seals second factors, marks sources, signs what a browser carries for us.

A stolen database without it opens nothing (it holds no usable second factor, recovery code or known device). It is
DECISIONFLOW_ACCOUNT_KEY, or a file in the key folder that is made when it is first needed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from decisionflow.errors import Unavailable
from decisionflow.settings import Settings

NAME = "accounts.key"
LEAST = 32


@dataclass(frozen=True, slots=True)
class Lockbox:
    """What one key does. `purpose` keeps the uses apart: what was sealed for one opens for no other."""

    key: bytes = field(repr=False)

    def mark(self, purpose: str, *words: str) -> str:
        """A keyed hash: tells equal from unequal, and nothing else."""
        said = orjson.dumps([purpose, *words])
        return hmac.new(self.key, b"decisionflow/mark/v1\n" + said, hashlib.sha256).hexdigest()

    def seal(self, purpose: str, data: bytes) -> str:
        """Data that only this key opens."""
        nonce = secrets.token_bytes(12)
        return base64.urlsafe_b64encode(nonce + self._cipher().encrypt(nonce, data, purpose.encode())).decode()

    def open(self, purpose: str, sealed: str) -> bytes | None:
        """What `seal` took; None for what it did not make, or made for another purpose."""
        try:
            raw = base64.urlsafe_b64decode(sealed.encode())
            return self._cipher().decrypt(raw[:12], raw[12:], purpose.encode())
        except (ValueError, InvalidTag):
            return None

    def _cipher(self) -> AESGCM:
        return AESGCM(hashlib.sha256(b"decisionflow/seal/v1\n" + self.key).digest())


def lockbox(settings: Settings) -> Lockbox:
    """The lockbox of an installation. Raises Unavailable when its key is not to be had."""
    if settings.account_key:
        if len(settings.account_key) < LEAST:
            raise Unavailable("account key too short", say=f"DECISIONFLOW_ACCOUNT_KEY 至少 {LEAST} 个字符")
        return Lockbox(settings.account_key.encode())
    path = settings.key_dir / NAME
    try:
        settings.key_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Written whole under another name and then linked: two processes that start together end with one key.
        mine = settings.key_dir / f".{NAME}.{os.getpid()}.{secrets.token_hex(4)}"
        if not path.exists():
            descriptor = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(base64.urlsafe_b64encode(secrets.token_bytes(32)))
            try:
                os.link(mine, path)
            except FileExistsError:
                pass
            finally:
                mine.unlink()
        found = path.read_bytes().strip()
    except OSError as fault:
        say = f"账号密钥 {path} 不能读写（{fault.strerror}）；可以改用 DECISIONFLOW_ACCOUNT_KEY_FILE"
        raise Unavailable(f"cannot open {path}: {fault}", say=say) from fault
    if len(found) < LEAST:
        raise Unavailable(f"{path} is damaged", say=f"账号密钥 {path} 已损坏，请从备份恢复")
    return Lockbox(found)
