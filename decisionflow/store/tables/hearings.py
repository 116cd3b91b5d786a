"""Public hearings: the notice, who signed up for which side, and the draws among them."""

from datetime import date, datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class Hearing(SQLModel, table=True):
    """One announced hearing; `notice` is its fields as they stand now. `state` is open, listed or cancelled."""

    __tablename__ = "hearing"
    __table_args__ = (
        Index("ix_hearing_case", "authority_id", "case_id"),
        {"info": {"class": "projection"}},
    )
    authority_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    case_id: str
    no: str
    title: str
    unit: str
    notice: str
    text_digest: str
    held_on: date
    signup_until: date | None
    state: str
    reason: str
    signups: int
    seq: int
    announced_at: datetime
    closed_at: datetime | None


class Signup(SQLModel, table=True):
    """Somebody who wants to take part, by number. Name, contact, unit and words are commitments to vault values."""

    __tablename__ = "signup"
    __table_args__ = (
        UniqueConstraint("authority_id", "receipt"),
        Index("ix_signup_hearing", "authority_id", "hearing_id", "n"),
        {"info": {"class": "projection"}},
    )
    authority_id: str = Field(primary_key=True)
    entry_id: str = Field(primary_key=True)
    hearing_id: str
    n: int
    receipt: str
    code_hash: str
    side: str
    channel: str
    name: str
    contact: str
    unit: str
    words: str
    received_at: datetime
    state: str
    reason: str
    judged_by: str
    judged_at: datetime | None


class Lot(SQLModel, table=True):
    """A draw of a hearing or of an expert panel: `frozen` and `drawn` name the record's files. `state` is frozen, drawn or void.

    One that is void says why, and from where the seed of the next one comes (`next_source`).
    """

    __tablename__ = "lot"
    __table_args__ = (
        Index("ix_lot_hearing", "authority_id", "hearing_id", "n"),
        {"info": {"class": "projection"}},
    )
    authority_id: str = Field(primary_key=True)
    entry_id: str = Field(primary_key=True)
    hearing_id: str
    n: int
    list_sha256: str
    frozen: str
    drawn: str
    reason: str
    next_source: str
    state: str
    frozen_by: str
    frozen_at: datetime
    drawn_by: str
    drawn_at: datetime | None
