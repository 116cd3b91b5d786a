"""Experts: the pool, the panel of a case, who was invited to it, and the links by which people without an account come in."""

from datetime import date, datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class Expert(SQLModel, table=True):
    """Somebody of the pool (art. 21), by number. Lists are JSON; relatives and each integrity note are commitments."""

    __tablename__ = "expert"
    __table_args__ = (
        UniqueConstraint("authority_id", "n"),
        Index("ix_expert_person", "authority_id", "person_id"),
        {"info": {"class": "projection"}},
    )
    authority_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    n: int
    person_id: str
    name: str
    title: str
    specialities: str
    unit: str
    former_units: str
    partners: str
    relatives: str
    absent_until: date | None
    notes: str
    joined_on: date
    left_on: date | None
    left_reason: str
    entry_id: str


class Panel(SQLModel, table=True):
    """The experts of one case in one round of its expert line; its draws lie in `lot`."""

    __tablename__ = "panel"
    __table_args__ = (
        Index("ix_panel_case", "authority_id", "case_id", "round"),
        {"info": {"class": "projection"}},
    )
    authority_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    case_id: str
    no: str
    title: str
    round: int
    invitations: int
    seq: int
    opened_at: datetime


class Invitation(SQLModel, table=True):
    """Somebody asked for an opinion, by number in the panel. `how` is draw, reserve or targeted.

    `state` is invited, clear (declared no interest), recused, gone or filed; what was declared is a commitment. `opened`
    lists the versions of the draft whose papers were opened, each with its instant (JSON).
    """

    __tablename__ = "invitation"
    __table_args__ = (
        UniqueConstraint("authority_id", "panel_id", "n"),
        Index("ix_invitation_expert", "authority_id", "expert_id"),
        {"info": {"class": "projection"}},
    )
    authority_id: str = Field(primary_key=True)
    entry_id: str = Field(primary_key=True)
    panel_id: str
    n: int
    expert_id: str
    expert_no: int
    person_id: str
    name: str
    unit: str
    side: str
    how: str
    reason: str
    until: date
    invited_by: str
    invited_at: datetime
    state: str
    declared: str
    declared_at: datetime | None
    ended_reason: str
    opened: str
    filed: str
    filed_at: datetime | None


class ExpertLink(SQLModel, table=True):
    """A link to one invitation: only hashes are kept, of the link and of the browser that opened it first."""

    __tablename__ = "expert_link"
    __table_args__ = (
        UniqueConstraint("authority_id", "panel_id", "n"),
        {"info": {"class": "infrastructure"}},
    )
    token_hash: str = Field(primary_key=True)
    authority_id: str
    panel_id: str
    n: int
    bound: str
    made_at: datetime
    bound_at: datetime | None
