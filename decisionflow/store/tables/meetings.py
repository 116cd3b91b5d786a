"""Meetings of the government that discuss matters collectively (art. 30): their agenda, the papers delivered for them."""

from datetime import date, datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel


class Meeting(SQLModel, table=True):
    """One meeting. `state` is open, locked, cancelled or filed; `items` the agenda as it was locked, `readings` by case.

    `minutes` names the file of its minutes once they are filed; `additions` are the corrections appended to them since.
    """

    __tablename__ = "meeting"
    __table_args__ = (
        Index("ix_meeting_day", "authority_id", "planned_on"),
        {"info": {"class": "projection"}},
    )
    authority_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    type: str
    no: str
    planned_on: date
    starts: str
    place: str
    chair: str
    state: str
    reason: str
    items: str
    readings: str
    minutes: str
    minutes_size: int
    additions: str
    seq: int
    called_at: datetime
    locked_at: datetime | None
    filed_at: datetime | None


class PaperDelivery(SQLModel, table=True):
    """The papers of one matter, one version, given to one person for a meeting; `opened_at` when they first opened them."""

    __tablename__ = "paper_delivery"
    __table_args__ = (
        Index("ix_paper_delivery_case", "authority_id", "case_id", "person_id"),
        {"info": {"class": "projection"}},
    )
    authority_id: str = Field(primary_key=True)
    meeting_id: str = Field(primary_key=True)
    person_id: str = Field(primary_key=True)
    case_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    sha256: str
    name: str
    post: str
    delivered_at: datetime
    opened_at: datetime | None


class AgendaPlace(SQLModel, table=True):
    """Where a matter stands on an agenda that is not locked yet, and who reports on it."""

    __tablename__ = "agenda_place"
    __table_args__ = ({"info": {"class": "draft"}},)
    authority_id: str = Field(primary_key=True)
    meeting_id: str = Field(primary_key=True)
    case_id: str = Field(primary_key=True)
    n: int
    person_id: str
    placed_at: datetime
