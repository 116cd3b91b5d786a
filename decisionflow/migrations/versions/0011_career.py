"""Careers: every person in every entry of a case, by role; the names of units; inspections under way."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Roles are the site's business; when the app role exists it gets exactly what it needs.
_GRANTS = """
do $$
begin
    if exists (select 1 from pg_roles where rolname = 'decisionflow_app') then
        grant select, insert, update, delete on career, unit_name, inspection to decisionflow_app;
    end if;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "career",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("track", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("post_id", sa.String(), nullable=False),
        sa.Column("post_title", sa.String(), nullable=False),
        sa.Column("unit_id", sa.String(), nullable=False),
        sa.Column("unit_name", sa.String(), nullable=False),
        sa.Column("duty", sa.String(), nullable=False),
        sa.Column("by_name", sa.String(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("stance", sa.String(), nullable=False),
        sa.Column("dissent", sa.Boolean(), nullable=False),
        sa.Column("text_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "person_id", "recorded_at", "entry_id", "role"),
    )
    op.create_table(
        "unit_name",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("unit_id", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "unit_id", "entry_id"),
    )
    op.create_index("ix_paper_delivery_case", "paper_delivery", ["authority_id", "case_id", "person_id"])
    op.create_table(
        "inspection",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("unit_id", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "person_id", "unit_id", "what", "about"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.text(_GRANTS.replace(":", "\\:")))


def downgrade() -> None:
    op.drop_table("inspection")
    op.drop_index("ix_paper_delivery_case", "paper_delivery")
    op.drop_table("unit_name")
    op.drop_table("career")
