"""The database: one engine, one declarative base, SQLite (WAL) or PostgreSQL by the same code."""

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import (
    JSON,
    Connection,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session, SessionTransaction, sessionmaker
from sqlalchemy.types import TypeDecorator

Publish = Callable[[str, tuple[int, ...]], None]
"""Sends a task's name and arguments to the workers."""

# Text is kept as it is written, so that it can be searched; NaN is no JSON, and PostgreSQL refuses it.
_json_text: Callable[[object], str] = partial(json.dumps, ensure_ascii=False, allow_nan=False)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite forgets the zone, so it is given back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Table(DeclarativeBase):
    """Base of every table. Constraint names are fixed, so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a plain class attribute
        datetime: UtcDateTime,
        dict[str, Any]: JSON,  # Any: JSON, whose shape a pydantic model or the trainer knows
        dict[str, float]: JSON,
        dict[str, str]: JSON,
        list[str]: JSON,
        list[int]: JSON,
    }


def now() -> datetime:
    return datetime.now(UTC)


def open_engine(url: str) -> Engine:
    """An engine whose SQLite waits for other writers instead of failing, and enforces foreign keys."""
    is_sqlite = make_url(url).get_backend_name() == "sqlite"
    if not is_sqlite:
        return create_engine(
            url, pool_pre_ping=True, pool_size=10, max_overflow=20, json_serializer=_json_text
        )
    engine = create_engine(url, connect_args={"timeout": 30}, json_serializer=_json_text)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def open_sessions(engine: Engine, publish: Publish | None = None) -> sessionmaker[Session]:
    """Sessions whose nudges leave through ``publish`` once committed; without it the sweep finds the rows."""
    return sessionmaker(engine, expire_on_commit=False, info={"publish": publish})


def after_commit(db: Session, key: object, act: Callable[[], None]) -> None:
    """Do something outside the database once the rows are committed, once per key; a rollback forgets it."""
    in_transaction(db).info.setdefault("after_commit", {}).setdefault(key, act)


def in_transaction(db: Session) -> Session:
    """The session, begun: a rollback of a session that never began would go unnoticed."""
    if not db.in_transaction():
        db.begin()
    return db


def lock_for_this_transaction(db: Session, key: int) -> None:
    """One holder at a time until commit. SQLite has one writer anyway."""
    if db.get_bind().dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def insert_for(db: Session, table: type[Table]) -> sqlite.Insert | postgresql.Insert:
    """An insert that knows ON CONFLICT, in the database's own words."""
    return insert_on(db.get_bind().dialect.name, table)


def insert_on(dialect: str, table: type[Table]) -> sqlite.Insert | postgresql.Insert:
    """The same, for whoever knows the database by its name."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, below
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    # A deferred transaction that reads first and writes later fails at once when another wrote between.
    immediate = not connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


@event.listens_for(Session, "after_commit")
def _act(db: Session) -> None:
    if db.in_nested_transaction():  # a savepoint was released; nothing is committed yet
        return
    for act in db.info.pop("after_commit", {}).values():
        act()


@event.listens_for(Session, "after_soft_rollback")
def _forget(db: Session, ended: SessionTransaction) -> None:
    if not ended.nested:
        db.info.pop("after_commit", None)
