"""Rows by the thousand, by the shortest way that each database's driver has.

SQLAlchemy dresses each value of each row, which costs more than the database takes to write it. So rows are
plain tuples here, in the order of their columns' names, of numbers, text and None.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Select, bindparam, cast, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB

from backend.db import Table, insert_on

BulkRow = tuple[float | str | None, ...]
Names = tuple[str, ...]


def names_of(table: type[Table], *, without: str = "") -> Names:
    """Its columns in their order."""
    return tuple(column.name for column in table.__table__.columns if column.name != without)


def append(connection: Connection, table: type[Table], names: Names, rows: Sequence[BulkRow]) -> None:
    """Insert rows, of which none is there yet."""
    if connection.dialect.name == "postgresql":
        _copy(connection, table, names, rows)
    else:
        put(connection, insert(table), names, rows)


def put(connection: Connection, statement: Insert, names: Names, rows: Sequence[BulkRow]) -> None:
    """Carry out an insert of ``rows_into``, or a plain one on SQLite, for all rows."""
    if connection.dialect.name == "postgresql":
        connection.execute(statement, {"rows": rows})
    else:
        connection.exec_driver_sql(_text_of(statement, names), rows)


def rows_into(dialect: str, table: type[Table], names: Names) -> sqlite.Insert | postgresql.Insert:
    """An insert of many rows that knows ON CONFLICT. Rows reach PostgreSQL as one document: a single statement
    then writes them all, where one for each would wait for the server's answer to the one before."""
    new = insert_on(dialect, table)
    if dialect != "postgresql":
        return new
    return new.from_select(list(names), _unpacked(table, names))


def _unpacked(table: type[Table], names: Names) -> Select[Any]:  # Any: a table's columns
    row = func.jsonb_array_elements(bindparam("rows", type_=JSONB), type_=JSONB).column_valued("row")
    columns = table.__table__.columns
    return select(*(cast(row[place].astext, columns[name].type) for place, name in enumerate(names)))


@cache
def _text_of(statement: Insert, names: Names) -> str:
    """The statement as SQLite reads it, with a question mark for each value of a row."""
    compiled = statement.compile(dialect=sqlite.dialect(), column_keys=list(names))
    assert compiled.positiontup == list(names)
    return str(compiled)


def _copy(connection: Connection, table: type[Table], names: Names, rows: Sequence[BulkRow]) -> None:
    """PostgreSQL's COPY, within the transaction."""
    driver = connection.connection.driver_connection
    assert driver is not None
    into = f"COPY {table.__tablename__} ({', '.join(names)}) FROM STDIN"
    with driver.cursor() as cursor, cursor.copy(into) as copy:
        for row in rows:
            copy.write_row(row)
