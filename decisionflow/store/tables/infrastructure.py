"""What makes the system run and proves nothing: accounts, sessions, keys, outbox, leases, drafts."""

from datetime import date, datetime

from sqlalchemy import Index, UniqueConstraint, false
from sqlmodel import Field, SQLModel

_INFRA = {"info": {"class": "infrastructure"}}


class Authority(SQLModel, table=True):
    """A government that decides (决策机关), with its own log, numbers and calendar."""

    __tablename__ = "authority"
    __table_args__ = (_INFRA,)
    id: str = Field(primary_key=True)
    name: str
    level: str
    region: str
    prefix: str
    origin: str
    calendar: str
    clock: str
    procedure: str
    since: date


class Account(SQLModel, table=True):
    """A local sign-in of a person; with `must_change` the password is one that opens only the door to a new one."""

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("login"), _INFRA)
    id: str = Field(primary_key=True)
    login: str
    person_id: str
    password_hash: str
    disabled: bool
    created_at: datetime
    must_change: bool = Field(sa_column_kwargs={"server_default": false()})
    password_at: datetime | None


class Session(SQLModel, table=True):
    """A signed-in browser; only the token's hash is kept. `proven_at`: when the person last proved to be there."""

    __tablename__ = "session"
    __table_args__ = (Index("ix_session_person", "person_id"), _INFRA)
    token_hash: str = Field(primary_key=True)
    account_id: str
    person_id: str
    authority_id: str
    appointment_id: str
    csrf: str
    method: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    proven_at: datetime | None
    level: str = Field(sa_column_kwargs={"server_default": ""})


class ActKey(SQLModel, table=True):
    """A taken act under its idempotency key: the same key again is the same act."""

    __tablename__ = "act_key"
    __table_args__ = (_INFRA,)
    authority_id: str = Field(primary_key=True)
    person_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    entry_id: str
    fingerprint: str
    at: datetime


class Outbox(SQLModel, table=True):
    """Something to tell the outside, written in the transaction of the act that caused it."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("authority_id", "dedup_key"),
        Index("ix_outbox_ready", "state", "next_at"),
        _INFRA,
    )
    authority_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    dedup_key: str
    kind: str
    channel: str
    recipient: str
    payload: str
    state: str
    next_at: datetime
    expires_at: datetime | None
    attempts: int
    lease_owner: str
    lease_until: datetime | None
    fence: int
    last_error: str
    created_at: datetime


class Notice(SQLModel, table=True):
    """An in-app notice to a person, exactly once by its key."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("authority_id", "dedup_key"),
        Index("ix_notice_person", "person_id", "read_at", "created_at"),
        _INFRA,
    )
    authority_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    person_id: str
    dedup_key: str
    kind: str
    title: str
    body: str
    href: str
    created_at: datetime
    read_at: datetime | None


class Contact(SQLModel, table=True):
    """Where a person can be reached outside the system; `channel` is ``mail``."""

    __tablename__ = "contact"
    __table_args__ = (_INFRA,)
    person_id: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    address: str


class Subscription(SQLModel, table=True):
    """Somebody who wants to be told by mail: of every notice, of those of a filter, or of one case (`topic`).

    `state` is waiting (until the address is confirmed), active, or once (a single letter). No address outlives its use.
    """

    __tablename__ = "subscription"
    __table_args__ = (
        UniqueConstraint("authority_id", "address", "topic"),
        Index("ix_subscription_due", "state", "next_at"),
        _INFRA,
    )
    authority_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    address: str
    topic: str
    state: str
    secret: str
    asked_at: datetime
    told_until: datetime
    next_at: datetime


class StagedFile(SQLModel, table=True):
    """An upload that no entry cites yet: for some days its uploader may hand it in. `kind` says for which place."""

    __tablename__ = "staged_file"
    __table_args__ = (_INFRA,)
    authority_id: str = Field(primary_key=True)
    person_id: str = Field(primary_key=True)
    sha256: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    name: str
    size: int
    type: str
    at: datetime


class Draft(SQLModel, table=True):
    """A form that somebody has begun: names and values as typed, personal ones left out. Never evidence."""

    __tablename__ = "draft"
    __table_args__ = ({"info": {"class": "draft"}},)
    authority_id: str = Field(primary_key=True)
    person_id: str = Field(primary_key=True)
    place: str = Field(primary_key=True)
    seen: str
    pairs: str
    saved_at: datetime


class SavedQuery(SQLModel, table=True):
    """A query that somebody looks up again and again; nobody else sees it."""

    __tablename__ = "saved_query"
    __table_args__ = (_INFRA,)
    authority_id: str = Field(primary_key=True)
    person_id: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    query: str
    saved_at: datetime


class Reminder(SQLModel, table=True):
    """One rung of a deadline: when to remind. Recomputed with the deadline; claimed by state."""

    __tablename__ = "reminder"
    __table_args__ = (Index("ix_reminder_due", "state", "due_at"), _INFRA)
    authority_id: str = Field(primary_key=True)
    case_id: str = Field(primary_key=True)
    clock: str = Field(primary_key=True)
    round: int = Field(primary_key=True)
    rung: str = Field(primary_key=True)
    due_at: datetime
    due_on: date
    state: str
    attempts: int
    last_error: str


class Lease(SQLModel, table=True):
    """Who may do a thing alone, and until when; the fence grows with each new holder."""

    __tablename__ = "lease"
    __table_args__ = (_INFRA,)
    name: str = Field(primary_key=True)
    owner: str
    until: datetime
    fence: int


class Heartbeat(SQLModel, table=True):
    """The last time a loop completed its round."""

    __tablename__ = "heartbeat"
    __table_args__ = (_INFRA,)
    name: str = Field(primary_key=True)
    at: datetime
    detail: str
