"""Reads what trainers wrote into their journals and hands it to the record, by byte offset."""

import logging
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from backend.runs.ingest import PLAIN, ingest, ingest_plain
from backend.runs.watched import Watched
from sce.rundir import JournalLine, RunDir
from worker.clock import failure_of
from worker.place import Workplace

log = logging.getLogger(__name__)

Lines = list[tuple[dict[str, Any], int]]
LINES_AT_A_TIME = 2000
"""Lines in one transaction: a long journal must not hold the database for seconds."""
FEW_LINES = 500
"""Of one run, to be recorded together with those of others."""


def drain_together(place: Workplace, rows: Iterable[Watched]) -> set[int]:
    """Hand over the plain lines of many runs in few transactions, and say which runs need nothing more now.

    A run that wrote anything else, or more than a few lines, is left to ``drain``; so are all those that
    could not be recorded together, that one run's trouble stays its own.
    """
    current: set[int] = set()
    batch: dict[int, Lines] = {}
    for row in rows:
        lines = _few_plain_lines(place.folder(row.run_id), row)
        if lines:
            batch[row.run_id] = lines
        elif lines is not None:
            current.add(row.run_id)
        if sum(map(len, batch.values())) >= LINES_AT_A_TIME:
            current |= _hand_over_together(place.sessions, batch)
            batch = {}
    return current | _hand_over_together(place.sessions, batch)


def _few_plain_lines(folder: RunDir, row: Watched) -> Lines | None:
    """Every whole line after what is recorded; None when they are not for us, or cannot be read."""
    found: Lines = []
    failure = failure_of(partial(_read_few, folder, row, found))
    is_ours = failure is None and len(found) <= FEW_LINES
    return found if is_ours and all(_is_plain(event, row.attempt) for event, _ in found) else None


def _read_few(folder: RunDir, row: Watched, found: Lines) -> None:
    if size_of(folder.journal_file) > row.journal_offset:
        lines = islice(folder.read(row.journal_offset), FEW_LINES + 1)
        found += [(line.event, line.end_offset) for line in lines]


def _is_plain(event: Mapping[str, Any], attempt: int) -> bool:
    return event.get("event") in PLAIN and event.get("attempt") == attempt


def _hand_over_together(sessions: sessionmaker[Session], batch: Mapping[int, Lines]) -> set[int]:
    if not batch:
        return set()
    failure = failure_of(partial(_record_plain, sessions, batch))
    if failure is None:
        return set(batch)
    log.warning("lines of %d runs are recorded one by one: %s", len(batch), failure)
    return set()


def _record_plain(sessions: sessionmaker[Session], batch: Mapping[int, Lines]) -> None:
    with sessions.begin() as db:
        ingest_plain(db, batch)


def drain(place: Workplace, row: Watched, *, hold_end: bool) -> float | None:
    """Hand over every whole line after what is recorded; say when the attempt wrote its end line, if it did.

    With ``hold_end`` the end line itself stays for later: while its processes are there, a run still has
    its devices. A line that is being written is left for the next time.
    """
    folder = place.folder(row.run_id)
    if size_of(folder.journal_file) <= row.journal_offset:
        return None
    batch: Lines = []
    ended_at = None
    for line in folder.read(row.journal_offset):
        if _is_end(line, row.attempt):
            ended_at = float(line.event.get("time", 0.0))
            if hold_end:
                break
        batch.append((line.event, line.end_offset))
        if len(batch) >= LINES_AT_A_TIME:
            _hand_over(place.sessions, row.run_id, batch)
            batch = []
    if batch:
        _hand_over(place.sessions, row.run_id, batch)
    return ended_at


def _hand_over(sessions: sessionmaker[Session], run_id: int, batch: Lines) -> None:
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
