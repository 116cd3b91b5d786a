"""The register kept on pages: posts with one holder, delegations, and what is handed over when a post ends."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Roles are the site's business; when the app role exists it gets exactly what it needs.
_GRANTS = """
do $$
begin
    if exists (select 1 from pg_roles where rolname = 'decisionflow_app') then
        grant select, insert, update, delete on handover to decisionflow_app;
    end if;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "handover",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("appointment_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("to_person_id", sa.String(), nullable=False),
        sa.Column("items", sa.String(), nullable=False),
        sa.Column("remark", sa.String(), nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("authority_id", "id"),
    )
    op.create_index("ix_handover_appointment", "handover", ["authority_id", "appointment_id"])
    # No entry before this release says either, so every earlier row has the plain answer.
    op.add_column("post", sa.Column("single", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("appointment", sa.Column("delegated_by", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("post") as table:
        table.alter_column("single", server_default=None)
    with op.batch_alter_table("appointment") as table:
        table.alter_column("delegated_by", server_default=None)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.text(_GRANTS.replace(":", "\\:")))


def downgrade() -> None:
    with op.batch_alter_table("appointment") as table:
        table.drop_column("delegated_by")
    with op.batch_alter_table("post") as table:
        table.drop_column("single")
    op.drop_index("ix_handover_appointment", "handover")
    op.drop_table("handover")
