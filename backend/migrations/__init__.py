"""The schema's history, forward only. ``upgrade`` brings any database of ours to this version's schema."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from backend.db import open_engine
from backend.errors import Conflict

MIGRATION_LOCK = 0x5CE_0003


class NewerSchema(Conflict):
    """A newer version wrote this database."""

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"The database has schema {revision}, which this version of SCE Lab does not know: "
            "update SCE Lab, or choose another database with SCELAB_DATABASE_URL."
        )


class OlderSchema(Conflict):
    """Nobody brought this database to this version's schema yet."""

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"The database has schema {revision}, which is older than this version of SCE Lab: "
            "bring it up with `python -m backend.migrations`, once everything older has stopped."
        )


def upgrade(url: str) -> None:
    """Bring the database to this version's schema: all of it or nothing, by one process at a time.

    Raises ``NewerSchema``.
    """
    engine = open_engine(url)
    try:
        with engine.begin() as connection:
            _lock(connection)
            _refuse_newer(connection)
            command.upgrade(config(connection), "head")
    finally:
        engine.dispose()


def bring_up(url: str) -> None:
    """What a process does with its database before it serves: as ``upgrade``, but a database that no migration
    made is left to its maker.

    Raises ``NewerSchema``.
    """
    engine = open_engine(url)
    try:
        is_foreign = not _heads(engine) and bool(inspect(engine).get_table_names())
    finally:
        engine.dispose()
    if not is_foreign:
        upgrade(url)


def is_current(engine: Engine) -> bool:
    """Whether the database has exactly this version's schema."""
    return set(_heads(engine)) == set(_script().get_heads())


def require_current(engine: Engine) -> None:
    """Raises ``NewerSchema`` or ``OlderSchema``. A database that no migration made is left to its maker."""
    with engine.connect() as connection:
        _refuse_newer(connection)
    heads = _heads(engine)
    if heads and set(heads) != set(_script().get_heads()):
        raise OlderSchema(", ".join(heads))


def config(connection: Connection) -> Config:
    """Alembic's settings; the connection is the caller's, with its transaction."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent))
    settings.attributes["connection"] = connection
    return settings


def _lock(connection: Connection) -> None:
    # On SQLite the transaction itself was begun as the only writer (backend.db).
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})


def _heads(engine: Engine) -> tuple[str, ...]:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_heads()


def _refuse_newer(connection: Connection) -> None:
    known = {script.revision for script in _script().walk_revisions()}
    for revision in MigrationContext.configure(connection).get_current_heads():
        if revision not in known:
            raise NewerSchema(revision)


def _script() -> ScriptDirectory:
    return ScriptDirectory(str(Path(__file__).parent))
