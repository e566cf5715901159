"""How alembic meets the database: on the connection that ``backend.migrations.upgrade`` holds."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from backend.db import UtcDateTime
from backend.tables import Table


def render_item(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """Migrations outlive the code: they name the database's types, not ours."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Table.metadata,
    # The whole history runs in the caller's transaction, on SQLite too.
    transactional_ddl=True,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
