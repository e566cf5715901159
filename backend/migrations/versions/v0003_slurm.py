"""profiles, sites and jobs of SLURM"""

import sqlalchemy as sa
from alembic import op

revision = "0003_slurm"
down_revision = "0002_preparations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "slurm_profiles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("profile", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slurm_profiles")),
    )
    op.create_table(
        "slurm_sites",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(length=128), nullable=False),
        sa.Column("partitions", sa.JSON(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("silent_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slurm_sites")),
        sa.UniqueConstraint("login", name=op.f("uq_slurm_sites_login")),
    )
    op.create_table(
        "slurm_jobs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("job", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=128), nullable=True),
        sa.Column("expected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("nodes", sa.String(length=512), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=op.f("fk_slurm_jobs_run_id_runs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slurm_jobs")),
        sa.UniqueConstraint("run_id", "attempt", name=op.f("uq_slurm_jobs_run_id_attempt")),
    )
    op.create_index(op.f("ix_slurm_jobs_run_id"), "slurm_jobs", ["run_id"])
    # In SQL: a batch would build the table of runs anew on SQLite, and dropping the old one cascades.
    op.execute(
        "ALTER TABLE runs ADD COLUMN profile_id INTEGER "
        "CONSTRAINT fk_runs_profile_id_slurm_profiles REFERENCES slurm_profiles (id)"
    )
    op.create_index(op.f("ix_runs_profile_id"), "runs", ["profile_id"])
