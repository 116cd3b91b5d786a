"""How persons' names sound, for finding them."""

import sqlalchemy as sa
from alembic import op

from decisionflow.core import names

revision = "0016"
down_revision = "0010"
branch_labels = None
depends_on = None

_GRANTS = """
do $$
begin
    if exists (select 1 from pg_roles where rolname = 'decisionflow_app') then
        grant select, insert, update, delete on person_sound to decisionflow_app;
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
    if connection.dialect.name == "postgresql":
        op.execute(sa.text(_GRANTS.replace(":", "\\:")))


def downgrade() -> None:
    op.drop_table("person_sound")
