"""how busy hosts were in the last hour, and how busy their GPUs are"""

import sqlalchemy as sa
from alembic import op

revision = "0010_host_loads"
down_revision = "0009_arrays"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hosts", sa.Column("gpu_percent", sa.Double(), nullable=True))
    op.add_column("hosts", sa.Column("gpu_memory_used_bytes", sa.BigInteger(), nullable=True))
    op.create_table(
        "host_loads",
        sa.Column("host_id", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beats", sa.Integer(), nullable=False),
        sa.Column("cpu_percent", sa.Double(), nullable=True),
        sa.Column("memory_used_bytes", sa.BigInteger(), nullable=True),
        sa.Column("gpu_percent", sa.Double(), nullable=True),
        sa.Column("gpu_memory_used_bytes", sa.BigInteger(), nullable=True),
        sa.Column("disk_free_bytes", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["host_id"], ["hosts.id"], name=op.f("fk_host_loads_host_id_hosts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("host_id", "slot", name=op.f("pk_host_loads")),
    )
