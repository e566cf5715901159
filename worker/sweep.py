"""Repairs what a lost message, a dead worker or a flushed broker left. Harmless at any time, and twice."""

import logging
from datetime import datetime, timedelta

from backend.db import now
from backend.runs.claims import mark_gone, record_handle, release, requeue
from backend.runs.life import STARTING
from backend.runs.watched import Watched, silent_hosts, stray_leases, watched
from backend.stream.service import forget_old_changes
from worker.journal import drain, size_of
from worker.place import Workplace

log = logging.getLogger(__name__)

UNLAUNCHED_AFTER = timedelta(seconds=20)
"""A launch takes milliseconds: a claim without a handle for so long lost its worker."""
HOST_LOST_AFTER = timedelta(minutes=10)
"""A host and its runs' journals silent for so long are given up."""


def sweep(place: Workplace) -> None:
    """Every repair, each in a transaction of its own."""
    mend_claims(place)
    give_up_lost_hosts(place)
    take_back_stray_leases(place)
    with place.sessions.begin() as db:
        forget_old_changes(db)
    place.wake("start")  # a queued row whose nudge was lost


def mend_claims(place: Workplace, *, older_than: timedelta = UNLAUNCHED_AFTER) -> None:
    """Claims of this host whose launch was cut short: adopt what was started, put back what was not."""
    with place.looks.begin() as db:
        rows = watched(db, host=place.host)
    for row in rows:
        if row.profile_id is None and row.handle is None and row.began_at < now() - older_than:
            _mend(place, row)


def _mend(place: Workplace, row: Watched) -> None:
    handle = place.launcher.find(place.folder(row.run_id).path, attempt=row.attempt)
    with place.sessions.begin() as db:
        if handle is not None:
            log.info("run %d attempt %d: found its processes again", row.run_id, row.attempt)
            record_handle(db, run_id=row.run_id, attempt=row.attempt, handle=handle)
        elif row.state is STARTING:
            sentence = "The worker went away before it could start it."
            requeue(db, run_id=row.run_id, attempt=row.attempt, sentence=sentence)
        else:
            sentence = "It was stopped before it was started."
            mark_gone(db, run_id=row.run_id, attempt=row.attempt, sentence=sentence)


def give_up_lost_hosts(place: Workplace, *, after: timedelta = HOST_LOST_AFTER) -> None:
    """Runs of a host that went away for good. A journal that still grows says that the run is alive."""
    with place.looks.begin() as db:
        silent = silent_hosts(db, since=now() - after)
        rows = [row for row in watched(db) if row.host in silent and row.host != place.host]
        rows = [row for row in rows if row.profile_id is None]  # SLURM knows of the others
    for row in rows:
        if _last_sign(place, row) < now() - after:
            _give_up(place, row, silent[row.host])


def _last_sign(place: Workplace, row: Watched) -> datetime:
    journal = place.folder(row.run_id).journal_file
    if size_of(journal) == 0:
        return row.state_since
    return max(row.state_since, datetime.fromtimestamp(journal.stat().st_mtime, tz=row.state_since.tzinfo))


def _give_up(place: Workplace, row: Watched, seen_at: datetime) -> None:
    drain(
        place.sessions,
        place.folder(row.run_id),
        run_id=row.run_id,
        attempt=row.attempt,
        offset=row.journal_offset,
        hold_end=False,
    )
    sentence = (
        f"Its host {row.host} has not been seen since {seen_at:%Y-%m-%d %H:%M} UTC: retry or resume it."
    )
    with place.sessions.begin() as db:
        mark_gone(db, run_id=row.run_id, attempt=row.attempt, kind="infrastructure", sentence=sentence)


def take_back_stray_leases(place: Workplace) -> None:
    """Devices that are held for a run which holds none."""
    with place.looks.begin() as db:
        strays = stray_leases(db)
    for run_id, attempt in strays:
        log.warning("run %d attempt %d still held devices: taken back", run_id, attempt)
        with place.sessions.begin() as db:
            release(db, run_id=run_id, attempt=attempt)
