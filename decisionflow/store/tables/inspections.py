"""Looking backwards, while it goes on: what stands in a line of the trail is the look itself."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class Inspection(SQLModel, table=True):
    """Somebody of an inspecting unit gave a reason to look at a person or a case, and may turn its pages until then."""

    __tablename__ = "inspection"
    __table_args__ = ({"info": {"class": "draft"}},)
    authority_id: str = Field(primary_key=True)
    person_id: str = Field(primary_key=True)
    unit_id: str = Field(primary_key=True)
    what: str = Field(primary_key=True)
    about: str = Field(primary_key=True)
    entry_id: str
    until: datetime
