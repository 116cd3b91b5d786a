"""Public consultations, the opinions they received, and the desk on which these are sorted."""

from datetime import date, datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class Consultation(SQLModel, table=True):
    """One notice for comment: what is asked, by which unit, until when; `state` is open, closed or withdrawn.

    `found_by` is what a search looks through, folded; `concerns` is ``,residents,drivers,``.
    """

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
    found_by: str
    area: str
    concerns: str


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


class Withheld(SQLModel, table=True):
    """A part of an opinion's words that is not shown in public (characters `opens` to `closes`), and why."""

    __tablename__ = "withheld"
    __table_args__ = (
        Index("ix_withheld_opinion", "authority_id", "consultation_id", "seq"),
        {"info": {"class": "projection"}},
    )
    authority_id: str = Field(primary_key=True)
    entry_id: str = Field(primary_key=True)
    consultation_id: str
    seq: int
    opens: int
    closes: int
    ground: str
    reason: str
    person_name: str
    at: datetime
    lifted: bool


class Point(SQLModel, table=True):
    """A point being prepared: what opinions come to, and what is to become of them. Evidence only once signed."""

    __tablename__ = "opinion_point"  # PostgreSQL has a type `point`
    __table_args__ = ({"info": {"class": "draft"}},)
    authority_id: str = Field(primary_key=True)
    consultation_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    n: int
    point: str
    disposition: str
    reason: str
    article: str
    remark: str
    version: int
    person_id: str
    person_name: str
    saved_at: datetime


class Placement(SQLModel, table=True):
    """An opinion (by its number in the consultation) lying in a point; it may lie in several."""

    __tablename__ = "placement"
    __table_args__ = (
        Index("ix_placement_point", "authority_id", "consultation_id", "point_id"),
        {"info": {"class": "draft"}},
    )
    authority_id: str = Field(primary_key=True)
    consultation_id: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    point_id: str = Field(primary_key=True)
    person_id: str
    placed_at: datetime


class Likeness(SQLModel, table=True):
    """Which opinions read alike: `bunch` is the number of the first of its kind, `text` of the first in the same words."""

    __tablename__ = "likeness"
    __table_args__ = (
        Index("ix_likeness_bunch", "authority_id", "consultation_id", "bunch"),
        {"info": {"class": "draft"}},
    )
    authority_id: str = Field(primary_key=True)
    consultation_id: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    bunch: int
    text: int
