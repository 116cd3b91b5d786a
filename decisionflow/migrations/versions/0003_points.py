"""The desk on which opinions are sorted into points: points, what lies in them, and which texts are alike."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Roles are the site's business; when the app role exists it gets exactly what it needs.
_GRANTS = """
do $$
begin
    if exists (select 1 from pg_roles where rolname = 'decisionflow_app') then
        grant select, insert, update, delete on opinion_point, placement, likeness, withheld to decisionflow_app;
    end if;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "opinion_point",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("consultation_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("point", sa.String(), nullable=False),
        sa.Column("disposition", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("article", sa.String(), nullable=False),
        sa.Column("remark", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("person_name", sa.String(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "consultation_id", "id"),
    )
    op.create_table(
        "placement",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("consultation_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("point_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "consultation_id", "seq", "point_id"),
    )
    op.create_index("ix_placement_point", "placement", ["authority_id", "consultation_id", "point_id"])
    op.create_table(
        "likeness",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("consultation_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("bunch", sa.Integer(), nullable=False),
        sa.Column("text", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "consultation_id", "seq"),
    )
    op.create_index("ix_likeness_bunch", "likeness", ["authority_id", "consultation_id", "bunch"])
    op.create_table(
        "withheld",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("consultation_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("opens", sa.Integer(), nullable=False),
        sa.Column("closes", sa.Integer(), nullable=False),
        sa.Column("ground", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("person_name", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "entry_id"),
    )
    op.create_index("ix_withheld_opinion", "withheld", ["authority_id", "consultation_id", "seq"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.text(_GRANTS.replace(":", "\\:")))


def downgrade() -> None:
    op.drop_table("withheld")
    op.drop_table("likeness")
    op.drop_table("placement")
    op.drop_table("opinion_point")
