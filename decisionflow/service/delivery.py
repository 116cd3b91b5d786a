"""Mail: each outbox row of that channel, claimed, sent once, and marked by the fence it was claimed with.

A crash between the server's "250" and our mark sends the mail again, under the same Message-ID. What the
server refuses for good (5xx to the recipient or the words) is dead at once; everything else comes again
later. A server that is away, or does not want us, ends the round: it is not the mail's fault.
"""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from types import TracebackType

from sqlalchemy import Connection

from decisionflow import render
from decisionflow.core.facts import SHANGHAI
from decisionflow.errors import DecisionflowError, Unavailable
from decisionflow.service import addressees, authorities, contacts, outbox, register, sealing, subscriptions
from decisionflow.service.outbox import Item, Key
from decisionflow.settings import Mail
from decisionflow.store.engine import Store

CHANNELS = ("mail",)
TIMEOUT = 10.0


class Rejected(DecisionflowError):
    """The mail server will never take this mail."""

    code = "mail-rejected"


class Away(DecisionflowError):
    """The mail server cannot be reached, or does not let us in."""

    code = "mail-away"


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one round came to. `away` says why the server ended it, '' when it did not."""

    sent: int = 0
    put_off: int = 0
    dead: int = 0
    cancelled: int = 0
    away: str = ""
    faults: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """How many rows were dealt with."""
        return self.sent + self.put_off + self.dead + self.cancelled

    @property
    def more(self) -> bool:
        """Whether to look again at once."""
        return self.total > 0 and not self.away


class Post:
    """An SMTP server, connected to when the first mail is sent; use it in a ``with`` block."""

    def __init__(self, mail: Mail, timeout: float = TIMEOUT) -> None:
        self.mail, self.timeout = mail, timeout
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Post:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def send(self, message: EmailMessage) -> None:
        """Hand a mail to the server. Raises Rejected, Away, or the server's own temporary error."""
        server = self._connected()
        try:
            server.send_message(message)
        except smtplib.SMTPRecipientsRefused as fault:
            code, words = next(iter(fault.recipients.values()))
            raise _refusal(code, words) from fault
        except smtplib.SMTPDataError as fault:
            raise _refusal(fault.smtp_code, fault.smtp_error) from fault
        except smtplib.SMTPNotSupportedError as fault:
            raise Rejected(str(fault)) from fault
        except (smtplib.SMTPException, OSError) as fault:
            # The sender was refused, or the line broke: the next mail would fare no better.
            self._leave()
            raise Away(f"{type(fault).__name__}: {fault}") from fault

    def _connected(self) -> smtplib.SMTP:
        if self._server is None:
            try:
                self._server = self._connect()
            except (smtplib.SMTPException, OSError) as fault:
                raise Away(f"{type(fault).__name__}: {fault}") from fault
        return self._server

    def _connect(self) -> smtplib.SMTP:
        # Our own name is given, because looking it up may take seconds where there is no name server.
        server = smtplib.SMTP(self.mail.host, self.mail.port, domain(self.mail.sender), timeout=self.timeout)
        try:
            if self.mail.starttls:
                server.starttls(context=ssl.create_default_context())
            if self.mail.user:
                server.login(self.mail.user, self.mail.password)
        except BaseException:
            server.close()
            raise
        return server

    def _leave(self) -> None:
        if self._server is not None:
            try:
                self._server.quit()
            except (smtplib.SMTPException, OSError):
                self._server.close()
            self._server = None


def _refusal(code: int, words: bytes | str) -> Exception:
    said = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    if code == 421:
        return Away(f"{code} {said}")
    return (Rejected if 500 <= code < 600 else smtplib.SMTPException)(f"{code} {said}")


def deliver(
    store: Store, mail: Mail, public_url: str, owner: str, clock: Callable[[], datetime], chance: Callable[[], float], *,
    only: Sequence[Key] = (), limit: int = outbox.BATCH, between: Callable[[], bool] = lambda: True,
) -> Delivered:  # fmt: skip
    """Send what is ready, one at a time, up to a batch. `between` is asked after each whether to go on."""
    sent, put_off, dead, cancelled, away = 0, 0, 0, 0, ""
    faults: list[str] = []
    with Post(mail) as post:
        for _ in range(limit):
            now = clock()
            item = store.write(lambda tx, at=now: outbox.claim(tx, owner, at, CHANNELS, only))  # type: ignore[misc]
            if item is None:
                break
            state, away = _one(store, post, item, public_url, clock, chance, faults)
            sent += state == "sent"
            put_off += state == "ready"
            dead += state == "dead"
            cancelled += state == "cancelled"
            if away or not between():
                break
    return Delivered(sent, put_off, dead, cancelled, away, tuple(faults))


def _one(
    store: Store, post: Post, item: Item, public_url: str, clock: Callable[[], datetime], chance: Callable[[], float],
    faults: list[str],
) -> tuple[str, str]:  # fmt: skip
    """Send one claimed row and mark it: its state now ('' when the lease was lost), and why the server is away."""
    away, final = "", False
    try:
        message = compose(store, post.mail, item, public_url, clock())
        if message is None:
            done = store.write(lambda tx: outbox.cancel(tx, item, "没有邮箱地址"))
            return ("cancelled" if done else ""), ""
        post.send(message)
    except Away as fault:
        error = away = str(fault)
    except Rejected as fault:
        error, final = str(fault), True
    except Unavailable:
        raise
    except Exception as fault:
        error = f"{type(fault).__name__}: {fault}"
    else:
        return ("sent" if store.write(lambda tx: outbox.sent(tx, item)) else ""), ""
    error = contacts.covered(error)
    faults.append(f"{item.dedup}: {error}")
    now, share = clock(), chance()
    return store.write(lambda tx: outbox.fail(tx, item, error, now, share, final=final)), away


@dataclass(frozen=True, slots=True)
class _Addressee:
    """Who gets a mail. `href` stands for the message's own link, `leave` ends a subscription; '' for none."""

    name: str
    address: str
    href: str = ""
    leave: str = ""


def compose(store: Store, mail: Mail, item: Item, public_url: str, now: datetime) -> EmailMessage | None:
    """The mail of a row, written for whoever it is for; None when they have no address any more."""
    with store.read() as connection:
        to = _addressee(connection, item)
        if to is None:
            return None
        authority = authorities.get(connection, item.authority)
        code = _short_code(connection, authority)
    told = addressees.message(item.payload)
    leave = public_url + to.leave if to.leave else ""
    written = render.mail(
        item.kind, authority=authority.name, person=to.name, title=told.title, lines=told.lines,
        url=public_url + (to.href or told.href), checkpoint=code, leave=leave,
    )  # fmt: skip
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = Address(authority.name, addr_spec=mail.sender)
    message["To"] = Address(to.name, addr_spec=to.address)
    message["Subject"] = written.subject
    message["Date"] = format_datetime(now.astimezone(SHANGHAI))
    message["Message-ID"] = message_id(item, mail.sender)
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = "zh-CN"
    if leave:  # RFC 8058: the mail program may leave by itself, with one press
        message["List-Unsubscribe"] = f"<{leave}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(written.text, cte="base64")
    message.add_alternative(written.html, subtype="html", cte="base64")
    return message


def _addressee(connection: Connection, item: Item) -> _Addressee | None:
    """A person of the register, or somebody of the public who left an address for this."""
    if item.recipient.startswith(subscriptions.PREFIX):
        box = subscriptions.box(connection, item.authority, item.recipient)
        return _Addressee("", box.address, box.confirm, box.leave) if box else None
    address = contacts.mail_of(connection, [item.recipient]).get(item.recipient)
    return _Addressee(register.person(connection, item.recipient)["name"], address) if address else None


def message_id(item: Item, sender: str) -> str:
    """The same for every attempt at one row, so that a mail sent twice can be seen to be one."""
    digest = hashlib.sha256(f"decisionflow/mail/v1\n{item.authority}\n{item.dedup}".encode()).hexdigest()
    return f"<{digest[:40]}@{domain(sender)}>"


def domain(address: str) -> str:
    """What stands behind the @."""
    return address.rpartition("@")[2] or "localhost"


def _short_code(connection: Connection, authority: authorities.Authority) -> str:
    seal = sealing.latest(connection, authority.id)
    return sealing.short_code(authority.origin, seal) if seal else ""
