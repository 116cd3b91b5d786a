"""Finding: how persons' names sound, acts by unit and by day, and queries kept for later."""

import sqlalchemy as sa
from alembic import op

from decisionflow.core import names

revision = "0016"
down_revision = "0012"
branch_labels = None
depends_on = None

_GRANTS = """
do $$
begin
    if exists (select 1 from pg_roles where rolname = 'decisionflow_app') then
        grant select, insert, update, delete on person_sound, saved_query to decisionflow_app;
    end if;
end $$
"""


def upgrade() -> None:
    made = op.create_table(
        "person_sound",
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("sound", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "sound"),
    )
    op.create_index("ix_person_sound", "person_sound", ["sound", "person_id"])
    connection = op.get_bind()
    persons = connection.execute(sa.text("select id, name from person")).all()
    heard = [{"person_id": one.id, "sound": sound} for one in persons for sound in names.sounds(one.name)]
    if heard:
        op.bulk_insert(made, heard)
    op.create_index("ix_case_act_unit", "case_act", ["authority_id", "unit_id", "recorded_at", "entry_id"])
    op.create_index("ix_case_act_recorded", "case_act", ["authority_id", "recorded_at", "entry_id"])
    op.create_table(
        "saved_query",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "person_id", "name"),
    )
    if connection.dialect.name == "postgresql":
        op.execute(sa.text(_GRANTS.replace(":", "\\:")))


def downgrade() -> None:
    op.drop_table("saved_query")
    op.drop_index("ix_case_act_recorded", "case_act")
    op.drop_index("ix_case_act_unit", "case_act")
    op.drop_table("person_sound")
