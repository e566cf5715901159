"""runs that go out together as one array of SLURM"""

import sqlalchemy as sa
from alembic import op

revision = "0009_arrays"
down_revision = "0008_exclusions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempts", sa.Column("array", sa.String(length=40), nullable=True))
    op.add_column("slurm_jobs", sa.Column("task", sa.Integer(), nullable=True))
    op.add_column("slurm_sites", sa.Column("max_array", sa.Integer(), nullable=True))
