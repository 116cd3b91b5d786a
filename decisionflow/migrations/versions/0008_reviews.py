"""The desk of a legal review: working sheets, notes on paragraphs, and the bureau's own points."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Roles are the site's business; when the app role exists it gets exactly what it needs.
_GRANTS = """
do $$
begin
    if exists (select 1 from pg_roles where rolname = 'decisionflow_app') then
        grant select, insert, update, delete on review_sheet, review_note, review_point to decisionflow_app;
    end if;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "review_sheet",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("text_digest", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("person_name", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "id"),
        sa.UniqueConstraint("authority_id", "case_id", "round", "text_digest"),
    )
    op.create_table(
        "review_note",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("sheet_id", sa.String(), nullable=False),
        sa.Column("paragraph", sa.String(), nullable=False),
        sa.Column("say", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("advice", sa.String(), nullable=False),
        sa.Column("carried", sa.Boolean(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("person_name", sa.String(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "id"),
    )
    op.create_index("ix_review_note_sheet", "review_note", ["authority_id", "sheet_id"])
    op.create_table(
        "review_point",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("head", sa.String(), nullable=False),
        sa.Column("say", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("klass", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("person_name", sa.String(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "id"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.text(_GRANTS.replace(":", "\\:")))


def downgrade() -> None:
    op.drop_table("review_point")
    op.drop_table("review_note")
    op.drop_table("review_sheet")
