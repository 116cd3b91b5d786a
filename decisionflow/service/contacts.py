"""Where persons can be reached outside the system. Addresses are no evidence: kept, changed and erased freely."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import Connection, delete, select

from decisionflow.errors import BadInput, Problem
from decisionflow.store.engine import Tx
from decisionflow.store.records import Rows
from decisionflow.store.tables.infrastructure import Contact

MAIL = "mail"
_CONTACTS = Contact.__table__  # type: ignore[attr-defined]
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,180}[A-Za-z0-9])?")


def set_mail(tx: Tx, person: str, address: str) -> None:
    """Keep a person's mail address; '' forgets it. Raises BadInput."""
    address = address.strip()
    if not address:
        tx.execute(delete(_CONTACTS).where(_CONTACTS.c.person_id == person, _CONTACTS.c.channel == MAIL))
        return
    row = {"person_id": person, "channel": MAIL, "address": checked(address)}
    tx.put(Rows("contact", [row]))


def checked(address: str) -> str:
    """A mail address without spaces around it. Raises BadInput for what is none."""
    address = address.strip()
    if not _ADDRESS.fullmatch(address):
        raise BadInput([Problem("mail", "邮箱地址写法不对，应如 li@example.gov.cn", rule="mail")])
    return address


def covered(words: str) -> str:
    """Words without the mail addresses in them: what servers answer is kept and logged, addresses are not."""
    return _ADDRESS.sub("（邮箱地址）", words)


def mail_of(connection: Connection, persons: Iterable[str]) -> dict[str, str]:
    """The mail addresses of those among these persons who have one."""
    wanted = select(_CONTACTS.c.person_id, _CONTACTS.c.address).where(_CONTACTS.c.channel == MAIL)
    rows = connection.execute(wanted.where(_CONTACTS.c.person_id.in_(list(persons)))).all()
    return {row.person_id: row.address for row in rows}
