"""The second factor: a time-based code (RFC 6238) of an authenticator, and recovery codes for the day it is lost.

The secret is sealed with a key outside the database. A code counts for its step of 30 seconds and the ones beside it, and
each only once; a recovery code only once at all. Nothing here ever goes into a log or an entry.
"""

from __future__ import annotations

import base64
import hmac
import io
import secrets
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import segno
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import Connection, delete, func, select, update

from decisionflow.errors import BadInput, Problem
from decisionflow.service.lockbox import Lockbox
from decisionflow.store.engine import Tx
from decisionflow.store.records import Rows
from decisionflow.store.tables.signin import RecoveryCode, SecondFactor

STEP = 30
DIGITS = 6
CODES = 10
_F = SecondFactor.__table__  # type: ignore[attr-defined]
_R = RecoveryCode.__table__  # type: ignore[attr-defined]


def start(tx: Tx, box: Lockbox, account: str, now: datetime) -> str:
    """A new secret, not active until a code proves that it arrived. Raises BadInput when one is active."""
    if is_active(tx.connection, account):
        raise BadInput([Problem("", "已经有第二因素；要换手机，请先移除现在的", rule="factor")])
    secret = secrets.token_bytes(20)
    row = {"account_id": account, "secret": box.seal("totp", secret), "active": False, "last_step": 0, "made_at": now}
    tx.put(Rows("second_factor", [row]))
    return shown(secret)


def waiting(connection: Connection, box: Lockbox, account: str) -> str:
    """The secret that waits to be confirmed, as one types it; '' for none."""
    row = connection.execute(select(_F).where(_F.c.account_id == account)).mappings().first()
    secret = box.open("totp", row["secret"]) if row and not row["active"] else None
    return shown(secret) if secret else ""


def shown(secret: bytes) -> str:
    """A secret as an authenticator takes it."""
    return base64.b32encode(secret).decode()


def uri(secret: str, login: str, issuer: str) -> str:
    """The otpauth address of a secret."""
    query = urlencode({"secret": secret, "issuer": issuer, "digits": DIGITS, "period": STEP}, quote_via=quote)
    return f"otpauth://totp/{quote(f'{issuer}:{login}')}?{query}"


def picture(address: str) -> str:
    """An otpauth address as a QR code: SVG without styles or scripts."""
    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        out, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=4, light="#ffffff", dark="#000000", svgclass=None,
        lineclass=None, title="用验证器扫描的二维码",
    )  # fmt: skip
    return out.getvalue().decode()


def confirm(tx: Tx, box: Lockbox, account: str, code: str, now: datetime) -> tuple[str, ...]:
    """Activate a secret by its first code; the recovery codes, shown this once. Raises BadInput."""
    row = tx.connection.execute(select(_F).where(_F.c.account_id == account)).mappings().first()
    step = _step(box, row, code, now) if row and not row["active"] else 0
    if not step:
        raise BadInput(
            [Problem("code", "验证码不对：请看验证器现在显示的6位数字，并检查手机时间是否准确", rule="factor")]
        )
    tx.execute(update(_F).where(_F.c.account_id == account).values(active=True, last_step=step))
    return renew(tx, box, account)


def renew(tx: Tx, box: Lockbox, account: str) -> tuple[str, ...]:
    """New recovery codes in place of the old ones; shown this once, kept as keyed hashes."""
    codes = tuple("-".join(secrets.token_hex(2) for _ in range(4)) for _ in range(CODES))
    tx.execute(delete(_R).where(_R.c.account_id == account))
    tx.put(
        Rows("recovery_code", [{"account_id": account, "digest": _digest(box, one), "used_at": None} for one in codes])
    )
    return codes


def take(tx: Tx, box: Lockbox, account: str, code: str, now: datetime) -> str:
    """How a code proves the person: ``totp``, ``recovery``, or '' for not at all. A code taken is used up."""
    row = tx.connection.execute(select(_F).where(_F.c.account_id == account)).mappings().first()
    if row is None or not row["active"]:
        return ""
    if step := _step(box, row, code, now):
        # Two requests with one code: only the first moves the step on.
        moved = tx.execute(
            update(_F).where(_F.c.account_id == account, _F.c.last_step < step).values(last_step=step)
        ).rowcount
        return "totp" if moved == 1 else ""
    used = tx.execute(
        update(_R).where(_R.c.account_id == account, _R.c.digest == _digest(box, code), _R.c.used_at.is_(None))
        .values(used_at=now)
    ).rowcount  # fmt: skip
    return "recovery" if used == 1 else ""


def is_active(connection: Connection, account: str) -> bool:
    """Whether an account asks for a code."""
    wanted = select(_F.c.account_id).where(_F.c.account_id == account, _F.c.active.is_(True))
    return connection.execute(wanted).first() is not None


def left(connection: Connection, account: str) -> int:
    """How many recovery codes are not used yet."""
    wanted = select(func.count()).where(_R.c.account_id == account, _R.c.used_at.is_(None))
    return int(connection.execute(wanted).scalar_one())


def remove(tx: Tx, account: str) -> None:
    """Take the second factor and its recovery codes away."""
    tx.execute(delete(_F).where(_F.c.account_id == account))
    tx.execute(delete(_R).where(_R.c.account_id == account))


def code_at(secret: str, at: datetime) -> str:
    """The code of a secret at an instant."""
    return _code(base64.b32decode(secret), int(at.timestamp()) // STEP)


def _code(secret: bytes, step: int) -> str:
    # SHA-1 is what every authenticator knows; as a keyed hash it is not broken (RFC 6238, RFC 6194).
    return TOTP(secret, DIGITS, SHA1(), STEP, enforce_key_length=False).generate(step * STEP).decode()  # noqa: S303


def _step(box: Lockbox, row: Any, code: str, now: datetime) -> int:
    """The time step that a code is good for, after the last one taken; 0 for none."""
    secret, given = box.open("totp", row["secret"]), "".join(code.split())
    if secret is None or len(given) != DIGITS or not given.isascii():
        return 0
    present = int(now.timestamp()) // STEP
    good = [step for step in (present - 1, present, present + 1) if hmac.compare_digest(_code(secret, step), given)]
    return next((step for step in good if step > row["last_step"]), 0)


def _digest(box: Lockbox, code: str) -> str:
    return box.mark("recovery", "".join(code.lower().split()).replace("-", ""))
