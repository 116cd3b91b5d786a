"""Every table, each of one class: trail, vault, projection, draft or infrastructure.

Projections hold nothing that entries do not say: deleting them all and replaying gives them back.
Rows are storage without methods; they never parse input and never reach a template.
"""

from sqlmodel import SQLModel

from decisionflow.store.tables import (
    cases,
    desks,
    experts,
    hearings,
    infrastructure,
    inspections,
    meetings,
    participation,
    people,
    reviews,
    rules,
    signin,
    trail,
)

__all__ = [
    "CLASSES", "cases", "desks", "experts", "hearings", "infrastructure", "inspections", "meetings", "metadata",
    "participation", "people", "reviews", "rules", "signin", "table_class", "trail",
]  # fmt: skip

metadata = SQLModel.metadata
CLASSES = ("trail", "vault", "projection", "draft", "infrastructure")


def table_class(name: str) -> str:
    """The class of a table, as declared beside its columns."""
    return str(metadata.tables[name].info["class"])
