"""points that no rollup holds yet"""

import sqlalchemy as sa
from alembic import op

revision = "0011_unfolded"
down_revision = "0010_host_loads"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("series", sa.Column("num_unfolded", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("series", sa.Column("folded_to", sa.BigInteger(), nullable=False, server_default="0"))
    # Until now rollups held every point.
    op.execute("UPDATE series SET folded_to = COALESCE((SELECT max(id) FROM points), 0)")
