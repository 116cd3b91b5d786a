"""Published procedures and calendar years, by digest."""

from datetime import date

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
