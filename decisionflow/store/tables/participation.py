"""Public consultations and the opinions they received."""

from datetime import date, datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class Consultation(SQLModel, table=True):
    """One notice for comment: what is asked, by which unit, until when; `state` is open, closed or withdrawn."""

    __tablename__ = "consultation"
    __table_args__ = (
        Index("ix_consultation_case", "authority_id", "case_id"),
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
    opens_on: date
    ends_on: date
    state: str
    opinions: int
    seq: int
    opened_at: datetime
    closed_at: datetime | None


class Opinion(SQLModel, table=True):
    """One opinion as received. Its words and the contact are commitments; the vault holds the values."""

    __tablename__ = "opinion"
    __table_args__ = (
        UniqueConstraint("authority_id", "receipt"),
        Index("ix_opinion_consultation", "authority_id", "consultation_id", "seq"),
        {"info": {"class": "projection"}},
    )
    authority_id: str = Field(primary_key=True)
    entry_id: str = Field(primary_key=True)
    consultation_id: str
    seq: int
    receipt: str
    code_hash: str
    channel: str
    stance: str
    paragraph: str
    late: bool
    words: str
    contact: str
    name: str
    received_at: datetime
