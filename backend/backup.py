"""A copy of the record that is whole while everything goes on, and putting one back in its place.

What lies in the home folder beside the record (runs, previews, data) is files that are written whole or only
grow: any copying program takes them along. A record that is older than they are is brought up to them: journals
are read on from where it left off, and processes that it knows nothing of are ended.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, make_url

from backend.errors import Conflict, Invalid
from backend.settings import Settings

SQLITE_HEAD = b"SQLite format 3\0"
DUMP_HEAD = b"PGDMP"


class BackupFailed(Conflict):
    """It could not be written or read; the sentence says why."""


def back_up(settings: Settings, file: Path) -> Path:
    """Write the record as it is at one moment. Raises ``BackupFailed``; a file that is there is kept."""
    if file.exists():
        raise BackupFailed(f"{file} is there already: name another file.")
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    url = make_url(settings.database)
    try:
        if is_file(url):
            _copy(Path(url.database or ""), temporary)
        else:
            _run(["pg_dump", "--format=custom", "--no-owner", f"--file={temporary}"], url)
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
    return file


def put_back(settings: Settings, file: Path, *, aside: Path) -> None:
    """Put a backup in the record's place; what was there is kept as ``aside``, whole.

    Nobody else may use the database meanwhile. Raises ``BackupFailed`` or ``Invalid`` and changes nothing.
    """
    url = make_url(settings.database)
    _check(file, url)
    if is_file(url):
        record = Path(url.database or "")
        _put_aside(record, aside)
        _put_file(file, record)
        return
    back_up(settings, aside)
    _run(["pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", str(file)], url)


def is_file(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _check(file: Path, url: URL) -> None:
    if not file.is_file():
        raise Invalid(f"There is no backup {file}.")
    wanted, kind = (SQLITE_HEAD, "a SQLite") if is_file(url) else (DUMP_HEAD, "a PostgreSQL")
    with file.open("rb") as stream:
        if stream.read(len(wanted)) != wanted:
            raise Invalid(f"{file} is no backup of {kind} record: choose one that this database made.")
    if is_file(url):
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as backup:
            _require_whole(backup, file)


def _copy(record: Path, to: Path) -> None:
    """SQLite's own online copy: writers go on, and the copy is of one moment."""
    if not record.is_file():
        raise BackupFailed(f"There is no record {record} yet: start SCE Lab once.")
    try:
        with closing(sqlite3.connect(record, timeout=60)) as source, closing(sqlite3.connect(to)) as target:
            source.backup(target, pages=-1)
            target.execute("PRAGMA journal_mode=DELETE")
            _require_whole(target, to)
    except sqlite3.Error as error:
        raise BackupFailed(f"The record {record} could not be copied ({error}).") from error


def _require_whole(connection: sqlite3.Connection, file: Path) -> None:
    try:
        (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        answer = str(error)
    if answer != "ok":
        raise BackupFailed(f"{file} is damaged ({answer}): take another backup.")


def _put_aside(record: Path, aside: Path) -> None:
    """As it lies there, with what is not yet written into it: it may be damaged, and is worth keeping."""
    for suffix in ("", "-wal"):
        if (part := record.with_name(f"{record.name}{suffix}")).exists():
            part.replace(aside.with_name(f"{aside.name}{suffix}"))


def _put_file(backup: Path, record: Path) -> None:
    record.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = record.with_name(f".{record.name}.restored")
    shutil.copyfile(backup, temporary)
    with temporary.open("rb") as stream:
        os.fsync(stream.fileno())
    record.with_name(f"{record.name}-shm").unlink(missing_ok=True)  # of the record that was there
    temporary.replace(record)


def _run(command: Sequence[str], url: URL) -> None:
    """One of PostgreSQL's programs on the record; the password goes by the environment."""
    program = _program(command[0])
    given = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    env = {**os.environ, "PGPASSWORD": url.password} if url.password else dict(os.environ)
    call = [program, *command[1:], f"--dbname={given}"]
    done = subprocess.run(call, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BackupFailed(f"{command[0]} failed: {done.stderr.strip() or 'it said nothing'}")


def _program(name: str) -> str:
    """The newest of PostgreSQL's programs of that name: an older one refuses a newer server."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[4]))
    program = str(found[-1]) if found else shutil.which(name)
    if program is None:
        raise BackupFailed(f"This needs {name}: install PostgreSQL's client programs.")
    return program
