"""places in the queue, reservations, runs that make room, labels of hosts, limits"""

import sqlalchemy as sa
from alembic import op

revision = "0005_scheduling"
down_revision = "0004_retries"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "limits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("experiment_id", sa.Integer(), nullable=True),
        sa.Column("runs", sa.Integer(), nullable=True),
        sa.Column("devices", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_limits_user_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["experiment_id"],
            ["experiments.id"],
            name=op.f("fk_limits_experiment_id_experiments"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_limits")),
        sa.UniqueConstraint("user_id", name=op.f("uq_limits_user_id")),
        sa.UniqueConstraint("experiment_id", name=op.f("uq_limits_experiment_id")),
    )
    op.add_column("hosts", sa.Column("labels", sa.JSON(), nullable=False, server_default="{}"))
    for name in ("turn", "reserved_until", "makes_room_since"):
        op.add_column("runs", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    accelerator = sa.Column("accelerator", sa.String(length=8), nullable=False, server_default="auto")
    op.add_column("runs", accelerator)
    op.add_column("runs", sa.Column("labels", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("runs", sa.Column("expected_s", sa.Double(), nullable=True))
    # In SQL: a batch would build the table of runs anew on SQLite, and dropping the old one cascades.
    op.execute(
        "ALTER TABLE runs ADD COLUMN reserved_host_id INTEGER "
        "CONSTRAINT fk_runs_reserved_host_id_hosts REFERENCES hosts (id)"
    )
    op.execute(
        "ALTER TABLE runs ADD COLUMN makes_room_for_id INTEGER "
        "CONSTRAINT fk_runs_makes_room_for_id_runs REFERENCES runs (id)"
    )
    runs = sa.table(
        "runs", sa.column("definition", sa.JSON), *map(sa.column, ("accelerator", "turn", "queued_at"))
    )
    asked = runs.c.definition["compute"]["accelerator"].as_string()
    op.execute(sa.update(runs).values(turn=runs.c.queued_at, accelerator=sa.func.coalesce(asked, "auto")))
    op.drop_index("ix_runs_queue", "runs")
    op.create_index("ix_runs_queue", "runs", ["state", "priority", "turn"])
