"""The working sheet of a legal review: prepared quietly, evidence only once the opinion is signed."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class ReviewSheet(SQLModel, table=True):
    """The sheet for one text of the draft in one round of review. `body` holds what is typed and ticked, as JSON."""

    __tablename__ = "review_sheet"
    __table_args__ = (
        UniqueConstraint("authority_id", "case_id", "round", "text_digest"),
        {"info": {"class": "draft"}},
    )
    authority_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    case_id: str
    round: int
    text_digest: str
    body: str
    version: int
    person_id: str
    person_name: str
    started_at: datetime
    saved_at: datetime


class ReviewNote(SQLModel, table=True):
    """A note on a paragraph of the draft; `carried` when it was taken over from the sheet of an earlier text."""

    __tablename__ = "review_note"
    __table_args__ = (
        Index("ix_review_note_sheet", "authority_id", "sheet_id"),
        {"info": {"class": "draft"}},
    )
    authority_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    sheet_id: str
    paragraph: str
    say: str
    basis: str
    advice: str
    carried: bool
    person_id: str
    person_name: str
    saved_at: datetime


class ReviewPoint(SQLModel, table=True):
    """A point that the reviewing bureau added to those that are shipped; `klass` is the class of matter, '' for all."""

    __tablename__ = "review_point"
    __table_args__ = ({"info": {"class": "draft"}},)
    authority_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    head: str
    say: str
    basis: str
    klass: str
    person_id: str
    person_name: str
    added_at: datetime
