"""Reads what a trainer wrote into its journal and hands it to the record, by byte offset."""

from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from backend.runs.ingest import ingest
from sce.rundir import JournalLine, RunDir

LINES_AT_A_TIME = 2000
"""Lines in one transaction: a long journal must not hold the database for seconds."""


def drain(
    sessions: sessionmaker[Session], folder: RunDir, *, run_id: int, attempt: int, offset: int, hold_end: bool
) -> float | None:
    """Hand over every whole line after ``offset``; say when the attempt wrote its end line, if it did.

    With ``hold_end`` the end line itself stays for later: while its processes are there, a run still has
    its devices. A line that is being written is left for the next time.
    """
    if size_of(folder.journal_file) <= offset:
        return None
    batch: list[tuple[dict[str, Any], int]] = []
    ended_at = None
    for line in folder.read(offset):
        if _is_end(line, attempt):
            ended_at = float(line.event.get("time", 0.0))
            if hold_end:
                break
        batch.append((line.event, line.end_offset))
        if len(batch) >= LINES_AT_A_TIME:
            _hand_over(sessions, run_id, batch)
            batch = []
    if batch:
        _hand_over(sessions, run_id, batch)
    return ended_at


def _hand_over(sessions: sessionmaker[Session], run_id: int, batch: list[tuple[dict[str, Any], int]]) -> None:
    with sessions.begin() as db:
        ingest(db, run_id=run_id, lines=batch)


def _is_end(line: JournalLine, attempt: int) -> bool:
    return line.event.get("event") == "end" and line.event.get("attempt") == attempt


def size_of(file: Path) -> int:
    """Bytes in the file, 0 while there is none."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
