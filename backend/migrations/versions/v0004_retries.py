"""retries of failed runs"""

import sqlalchemy as sa
from alembic import op

revision = "0004_retries"
down_revision = "0003_slurm"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True))
    for name in ("retries", "retry_limit"):
        op.add_column("runs", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.create_index(op.f("ix_runs_retry_at"), "runs", ["retry_at"])
