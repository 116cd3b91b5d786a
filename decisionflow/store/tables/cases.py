"""What the case entries say, ready to query: the case, its acts, its deadlines."""

from datetime import date, datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class Case(SQLModel, table=True):
    """One matter (事项). `facts` is the folded picture as JSON; `stages` repeats its stages for lists."""

    __tablename__ = "case_file"
    __table_args__ = (
        UniqueConstraint("authority_id", "no"),
        Index("ix_case_file_list", "authority_id", "ended", "no"),
        Index("ix_case_file_touched", "authority_id", "touched_at"),
        {"info": {"class": "projection"}},
    )
    authority_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    no: str
    title: str
    procedure: str
    stages: str
    facts: str
    seq: int
    ended: bool
    public: bool
    lead_unit: str
    opened_at: datetime
    touched_at: datetime


class CaseAct(SQLModel, table=True):
    """One act, for the timeline and for "everything this person ever did"."""

    __tablename__ = "case_act"
    __table_args__ = (
        Index("ix_case_act_case", "authority_id", "case_id", "seq"),
        Index("ix_case_act_person", "person_id", "recorded_at", "authority_id", "case_id", "entry_id"),
        Index("ix_case_act_unit", "authority_id", "unit_id", "recorded_at", "entry_id"),
        Index("ix_case_act_recorded", "authority_id", "recorded_at", "entry_id"),
        {"info": {"class": "projection"}},
    )
    authority_id: str = Field(primary_key=True)
    entry_id: str = Field(primary_key=True)
    case_id: str
    seq: int
    action: str
    title: str
    track: str
    person_id: str
    person_name: str
    post_id: str
    unit_id: str
    duty: str
    happened_at: datetime
    recorded_at: datetime
    late: bool


class Career(SQLModel, table=True):
    """A person in an entry of a case, as what: acting, correcting, or named in a field. The key is the way it is read."""

    __tablename__ = "career"
    __table_args__ = ({"info": {"class": "projection"}},)
    authority_id: str = Field(primary_key=True)
    person_id: str = Field(primary_key=True)
    recorded_at: datetime = Field(primary_key=True)
    entry_id: str = Field(primary_key=True)
    role: str = Field(primary_key=True)
    case_id: str
    seq: int
    action: str
    title: str
    track: str
    name: str
    post_id: str
    post_title: str
    unit_id: str
    unit_name: str
    duty: str
    by_name: str
    happened_at: datetime
    year: int
    late: bool
    stance: str
    dissent: bool
    text_version: int


class Deadline(SQLModel, table=True):
    """A clock of a case (钟). Recomputed from facts; the lamp is computed when it is looked at."""

    __tablename__ = "deadline"
    __table_args__ = (
        Index("ix_deadline_due", "authority_id", "state", "due_on"),
        {"info": {"class": "projection"}},
    )
    authority_id: str = Field(primary_key=True)
    case_id: str = Field(primary_key=True)
    clock: str = Field(primary_key=True)
    round: int
    title: str
    duty: str
    state: str
    starts_on: date
    due_on: date | None
    provisional: bool
    unit: str
    budget: int
    extended: int
    pauses: str
    done_on: date | None
    calendar: str
