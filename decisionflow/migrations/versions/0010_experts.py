"""Experts: the pool, panels of cases, invitations, and the links that outsiders come in by."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Roles are the site's business; when the app role exists it gets exactly what it needs.
_GRANTS = """
do $$
begin
    if exists (select 1 from pg_roles where rolname = 'decisionflow_app') then
        grant select, insert, update, delete on expert, panel, invitation, expert_link to decisionflow_app;
    end if;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "expert",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("specialities", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("former_units", sa.String(), nullable=False),
        sa.Column("partners", sa.String(), nullable=False),
        sa.Column("relatives", sa.String(), nullable=False),
        sa.Column("absent_until", sa.Date(), nullable=True),
        sa.Column("notes", sa.String(), nullable=False),
        sa.Column("joined_on", sa.Date(), nullable=False),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.Column("left_reason", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "id"),
        sa.UniqueConstraint("authority_id", "n"),
    )
    op.create_index("ix_expert_person", "expert", ["authority_id", "person_id"])
    op.create_table(
        "panel",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("invitations", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "id"),
    )
    op.create_index("ix_panel_case", "panel", ["authority_id", "case_id", "round"])
    op.create_table(
        "invitation",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("panel_id", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("expert_id", sa.String(), nullable=False),
        sa.Column("expert_no", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("invited_by", sa.String(), nullable=False),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("declared", sa.String(), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_reason", sa.String(), nullable=False),
        sa.Column("opened", sa.String(), nullable=False),
        sa.Column("filed", sa.String(), nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("authority_id", "entry_id"),
        sa.UniqueConstraint("authority_id", "panel_id", "n"),
    )
    op.create_index("ix_invitation_expert", "invitation", ["authority_id", "expert_id"])
    op.create_table(
        "expert_link",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("panel_id", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("bound", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("token_hash"),
        sa.UniqueConstraint("authority_id", "panel_id", "n"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.text(_GRANTS.replace(":", "\\:")))


def downgrade() -> None:
    op.drop_table("expert_link")
    op.drop_table("invitation")
    op.drop_table("panel")
    op.drop_table("expert")
