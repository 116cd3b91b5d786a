"""Meetings: their agenda, and the papers delivered for them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Roles are the site's business; when the app role exists it gets exactly what it needs.
_GRANTS = """
do $$
begin
    if exists (select 1 from pg_roles where rolname = 'decisionflow_app') then
        grant select, insert, update, delete on meeting, paper_delivery, agenda_place to decisionflow_app;
    end if;
end $$
"""


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String(), nullable=False) for name in names]


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "meeting",
        *_text("authority_id", "id", "type", "no"),
        sa.Column("planned_on", sa.Date(), nullable=False),
        *_text("starts", "place", "chair", "state", "reason", "items", "readings", "minutes"),
        sa.Column("minutes_size", sa.Integer(), nullable=False),
        *_text("additions"),
        sa.Column("seq", sa.Integer(), nullable=False),
        _moment("called_at"),
        _moment("locked_at", nullable=True),
        _moment("filed_at", nullable=True),
        sa.PrimaryKeyConstraint("authority_id", "id"),
    )
    op.create_index("ix_meeting_day", "meeting", ["authority_id", "planned_on"])
    op.create_table(
        "paper_delivery",
        *_text("authority_id", "meeting_id", "person_id", "case_id"),
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        *_text("sha256", "name", "post"),
        _moment("delivered_at"),
        _moment("opened_at", nullable=True),
        sa.PrimaryKeyConstraint("authority_id", "meeting_id", "person_id", "case_id", "version"),
    )
    op.create_table(
        "agenda_place",
        *_text("authority_id", "meeting_id", "case_id"),
        sa.Column("n", sa.Integer(), nullable=False),
        *_text("person_id"),
        _moment("placed_at"),
        sa.PrimaryKeyConstraint("authority_id", "meeting_id", "case_id"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.text(_GRANTS.replace(":", "\\:")))


def downgrade() -> None:
    for name in ("agenda_place", "paper_delivery", "meeting"):
        op.drop_table(name)
