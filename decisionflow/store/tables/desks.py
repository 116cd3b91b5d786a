"""What is being prepared on the desks of a case, before it is signed in an act."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class RiskLine(SQLModel, table=True):
    """A risk point on the working sheet of one round of an assessment. Evidence only once it is in the report."""

    __tablename__ = "risk_line"
    __table_args__ = ({"info": {"class": "draft"}},)
    authority_id: str = Field(primary_key=True)
    case_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    round: int
    n: int
    point: str
    source: str
    kind: str
    probability: str
    impact: str
    measure: str
    unit: str
    owner: str
    plan: str
    probability_after: str
    impact_after: str
    version: int
    person_id: str
    person_name: str
    saved_at: datetime
