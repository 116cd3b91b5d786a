"""The register as its entries say it: units, posts, persons, appointments."""

from datetime import date, datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel


class Unit(SQLModel, table=True):
    """A body of the government, by the name it has now; `succeeds` names the unit it came from."""

    __tablename__ = "unit"
    __table_args__ = ({"info": {"class": "projection"}},)
    authority_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    name: str
    short: str
    rank: int
    valid_from: date
    valid_to: date | None
    succeeds: str
    entry_id: str


class UnitName(SQLModel, table=True):
    """A name that a unit has or had, with its first day; the unit itself bears the newest."""

    __tablename__ = "unit_name"
    __table_args__ = ({"info": {"class": "projection"}},)
    authority_id: str = Field(primary_key=True)
    unit_id: str = Field(primary_key=True)
    entry_id: str = Field(primary_key=True)
    name: str
    since: date


class Post(SQLModel, table=True):
    """A post of a unit with the duties it carries (JSON list); a `single` one has one holder at a time."""

    __tablename__ = "post"
    __table_args__ = (Index("ix_post_unit", "authority_id", "unit_id"), {"info": {"class": "projection"}})
    authority_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    unit_id: str
    title: str
    duties: str
    rank: int
    valid_from: date
    valid_to: date | None
    single: bool
    entry_id: str


class Power(SQLModel, table=True):
    """An item of the list of powers (权责清单) of a unit, as it stood from a day to a day; an adjustment is another item."""

    __tablename__ = "power"
    __table_args__ = (
        Index("ix_power_unit", "authority_id", "unit_id", "code", "valid_from"),
        {"info": {"class": "projection"}},
    )
    authority_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    unit_id: str
    code: str
    title: str
    kind: str
    basis: str
    document: str
    valid_from: date
    valid_to: date | None
    ended_by: str
    recorded_at: datetime
    entry_id: str


class Person(SQLModel, table=True):
    """A human being, across all authorities. Two persons of one name stay two."""

    __tablename__ = "person"
    __table_args__ = (Index("ix_person_name", "name"), {"info": {"class": "projection"}})
    id: str = Field(primary_key=True)
    name: str
    note: str
    authority_id: str
    entry_id: str


class PersonSound(SQLModel, table=True):
    """One way to spell a person's name by its sound. Only finds; made anew from names whenever the readings grow."""

    __tablename__ = "person_sound"
    __table_args__ = (Index("ix_person_sound", "sound", "person_id"), {"info": {"class": "infrastructure"}})
    person_id: str = Field(primary_key=True)
    sound: str = Field(primary_key=True)


class Appointment(SQLModel, table=True):
    """A person holding a post from a day on, by a document; or for its holder, whose appointment `delegated_by` names."""

    __tablename__ = "appointment"
    __table_args__ = (
        Index("ix_appointment_person", "person_id", "authority_id"),
        Index("ix_appointment_post", "authority_id", "post_id"),
        {"info": {"class": "projection"}},
    )
    authority_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    person_id: str
    post_id: str
    document: str
    acting: bool
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    ended: bool
    delegated_by: str
    entry_id: str


class Handover(SQLModel, table=True):
    """What somebody who leaves a post hands over, to whom (`items` as JSON rows of no, title, ask), and who has signed."""

    __tablename__ = "handover"
    __table_args__ = (
        Index("ix_handover_appointment", "authority_id", "appointment_id"),
        {"info": {"class": "projection"}},
    )
    authority_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    appointment_id: str
    person_id: str
    to_person_id: str
    items: str
    remark: str
    opened_by: str
    opened_at: datetime
    given_at: datetime | None
    taken_at: datetime | None
