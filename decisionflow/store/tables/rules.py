"""Published procedures and calendar years, by digest."""

from datetime import date, datetime

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel


class ProcedureVersion(SQLModel, table=True):
    """A published procedure: its canonical bytes name themselves by digest."""

    __tablename__ = "procedure_version"
    __table_args__ = ({"info": {"class": "projection"}},)
    authority_id: str = Field(primary_key=True)
    digest: str = Field(primary_key=True)
    id: str
    version: str
    title: str
    in_force_from: date
    in_force_to: date | None
    canonical: bytes = Field(sa_type=LargeBinary)
    entry_id: str


class CalendarYear(SQLModel, table=True):
    """A published version of one year's holiday notice, as its file says it."""

    __tablename__ = "calendar_year"
    __table_args__ = ({"info": {"class": "projection"}},)
    authority_id: str = Field(primary_key=True)
    calendar: str = Field(primary_key=True)
    year: int = Field(primary_key=True)
    version: int = Field(primary_key=True)
    digest: str
    source: str
    entry_id: str


class Proposal(SQLModel, table=True):
    """A procedure or calendar year that one person has proposed and another is to publish."""

    __tablename__ = "proposal"
    __table_args__ = ({"info": {"class": "projection"}},)
    authority_id: str = Field(primary_key=True)
    entry_id: str = Field(primary_key=True)
    kind: str
    name: str
    title: str
    digest: str
    reason: str
    person_id: str
    person_name: str
    proposed_at: datetime
    state: str
    settled_by: str


class LawText(SQLModel, table=True):
    """The official text of an instrument as an operator loaded it, by its digest."""

    __tablename__ = "law_text"
    __table_args__ = ({"info": {"class": "projection"}},)
    authority_id: str = Field(primary_key=True)
    law: str = Field(primary_key=True)
    sha256: str = Field(primary_key=True)
    title: str
    name: str
    type: str
    size: int
    imported_at: datetime
    person_name: str
    entry_id: str
