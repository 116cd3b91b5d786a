"""The public portal: what a notice is found by, whom it concerns, and who wants to be told of notices by mail."""

import unicodedata
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Roles are the site's business; when the app role exists it gets exactly what it needs.
_GRANTS = """
do $$
begin
    if exists (select 1 from pg_roles where rolname = 'decisionflow_app') then
        grant select, insert, update, delete on subscription to decisionflow_app;
    end if;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "subscription",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "id"),
        sa.UniqueConstraint("authority_id", "address", "topic"),
    )
    op.create_index("ix_subscription_due", "subscription", ["state", "next_at"])
    for name in ("found_by", "area", "concerns"):
        op.add_column("consultation", sa.Column(name, sa.String(), nullable=False, server_default=""))
    _fill(op.get_bind())
    with op.batch_alter_table("consultation") as table:
        for name in ("found_by", "area", "concerns"):
            table.alter_column(name, server_default=None)
    op.create_index("ix_case_file_touched", "case_file", ["authority_id", "touched_at"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.text(_GRANTS.replace(":", "\\:")))


def _fill(connection: sa.Connection) -> None:
    """What earlier notices are found by; they name no area and nobody whom they concern."""
    rows = connection.execute(sa.text("select authority_id, id, no, title, unit from consultation")).mappings()
    for row in rows.all():
        connection.execute(
            sa.text("update consultation set found_by = :words where authority_id = :a and id = :id"),
            {"words": _found_by(dict(row)), "a": row["authority_id"], "id": row["id"]},
        )


def _found_by(row: Mapping[str, Any]) -> str:
    parts = (row["no"], row["title"], row["unit"])
    return "\n".join(filter(None, (_plain(str(part)) for part in parts)))


def _plain(words: str) -> str:
    folded = unicodedata.normalize("NFKC", words).casefold()
    return "".join(char for char in folded if unicodedata.category(char)[0] in "LNM") or folded.strip()


def downgrade() -> None:
    op.drop_index("ix_case_file_touched", "case_file")
    with op.batch_alter_table("consultation") as table:
        for name in ("concerns", "area", "found_by"):
            table.drop_column(name)
    op.drop_table("subscription")
