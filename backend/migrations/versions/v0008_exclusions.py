"""hosts that a run keeps off"""

import sqlalchemy as sa
from alembic import op

revision = "0008_exclusions"
down_revision = "0007_probes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("excluded", sa.JSON(), nullable=False, server_default="[]"))
