"""probes of SLURM profiles"""

import sqlalchemy as sa
from alembic import op

revision = "0007_probes"
down_revision = "0005_scheduling"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "slurm_probes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("profile_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("job", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.String(length=128), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("good", sa.JSON(), nullable=False),
        sa.Column("amiss", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["profile_id"],
            ["slurm_profiles.id"],
            name=op.f("fk_slurm_probes_profile_id_slurm_profiles"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slurm_probes")),
    )
    op.create_index(op.f("ix_slurm_probes_profile_id"), "slurm_probes", ["profile_id"])
