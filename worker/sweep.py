"""Repairs what a lost message, a dead worker or a flushed broker left. Harmless at any time, and twice.

What must hold is written down as ``INVARIANTS``. A sweep mends each of them, and ``broken`` says which of
them does not hold now; after a few sweeps of an undisturbed platform nothing is broken, whatever came before.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter

from backend.db import now
from backend.runs.claims import mark_gone, record_handle, release, requeue, was_launched
from backend.runs.life import RUNNING, STARTING, STOPPING
from backend.runs.retries import due, see_to_retry
from backend.runs.watched import Watched, silent_hosts, stray_leases, unserved, watched
from backend.stream.service import forget_old_changes
from worker.clock import failure_of
from worker.journal import drain, size_of
from worker.launchers import Handle, Present, Sighting
from worker.place import Workplace
from worker.watch import KILL_AFTER_S, SILENT_START_S, Watch, state_of

log = logging.getLogger(__name__)

UNLAUNCHED_AFTER = timedelta(seconds=20)
"""A launch takes milliseconds: a claim without a handle for so long lost its worker."""
HOST_LOST_AFTER = timedelta(minutes=10)
"""A host and its runs' journals silent for so long are given up."""
PERIOD = timedelta(seconds=10)
"""Two sweeps: what is broken for longer was not mended."""


@dataclass(frozen=True)
class Invariant:
    """Something that holds on this host, but for the moments until the next sweep."""

    says: str
    mend: Callable[[Workplace], None]
    broken: Callable[[Workplace], Iterator[str]]
    """Sentences that name what breaks it now."""


def sweep(place: Workplace) -> None:
    """Mend every invariant; one that cannot be mended now keeps none of the others from it.

    Raises the first failure, once all was tried.
    """
    repairs = [*map(attrgetter("mend"), INVARIANTS), give_up_lost_hosts, forget_old]
    failures = [failure_of(partial(repair, place)) for repair in repairs]
    for failure in failures:
        if failure is not None:
            raise failure


def broken(place: Workplace) -> list[str]:
    """What does not hold on this host now, in sentences. Looks, and changes nothing."""
    return [sentence for invariant in INVARIANTS for sentence in invariant.broken(place)]


def forget_old(place: Workplace) -> None:
    with place.sessions.begin() as db:
        forget_old_changes(db)


def is_older(moment: datetime, than: timedelta) -> bool:
    """Also a moment in the future: the clock was put back since, and nobody knows how old it is."""
    return abs(now() - moment) > than


# -- no queued run without a nudge for longer than a period


def nudge_queued(place: Workplace) -> None:
    place.wake("start")


def unnudged(place: Workplace) -> Iterator[str]:
    with place.looks.begin() as db:
        waiting = unserved(db, host=place.host)
    for run_id, since in waiting:
        if is_older(since, PERIOD):
            yield f"Run {run_id} is queued, and {place.host} has room for it."


# -- no starting or stopping run older than its limit


def mend_claims(place: Workplace, *, older_than: timedelta = UNLAUNCHED_AFTER) -> None:
    """Claims of this host whose launch was cut short: adopt what was started, put back what was not."""
    for row in ours(place):
        if row.handle is None and is_older(row.began_at, older_than):
            _mend(place, row)


def _mend(place: Workplace, row: Watched) -> None:
    # The sign first, the processes second: who had begun and is not there is gone, and not about to come.
    began = has_begun(place, row)
    handle = place.launcher.find(place.folder(row.run_id).path, attempt=row.attempt)
    if handle is None and began:
        Watch(place).conclude(row)
        return
    with place.sessions.begin() as db:
        if handle is not None:
            log.info("run %d attempt %d: found its processes again", row.run_id, row.attempt)
            record_handle(db, run_id=row.run_id, attempt=row.attempt, handle=handle)
        elif was_launched(db, run_id=row.run_id, attempt=row.attempt):
            log.info("run %d attempt %d was started after all", row.run_id, row.attempt)
        elif row.state is STARTING:
            sentence = "The worker went away before it could start it."
            requeue(db, run_id=row.run_id, attempt=row.attempt, sentence=sentence)
        else:
            sentence = "It was stopped before it was started."
            mark_gone(db, run_id=row.run_id, attempt=row.attempt, sentence=sentence)


def has_begun(place: Workplace, row: Watched) -> bool:
    """Whether the attempt left a sign: it was started, and went before anybody kept its handle."""
    folder = place.folder(row.run_id)
    lines = folder.read(row.journal_offset)
    has_written = any(line.event.get("attempt") == row.attempt for line in lines)
    return has_written or place.launcher.exit_of(folder.path, attempt=row.attempt) is not None


def overdue(place: Workplace) -> Iterator[str]:
    stopping = timedelta(seconds=place.settings.stop_grace_s + KILL_AFTER_S)
    limits = {STARTING: timedelta(seconds=SILENT_START_S), STOPPING: stopping}
    for row in ours(place):
        limit = UNLAUNCHED_AFTER if row.handle is None else limits.get(state_of(row), timedelta.max / 2)
        if is_older(row.leaves_since or row.state_since, limit + PERIOD):
            doing = "making room" if row.makes_room_since else row.state
            yield f"Run {row.run_id} is {doing} for longer than {limit.total_seconds():.0f} s."


# -- no running run whose processes are gone


def nudge_watch(place: Workplace) -> None:
    place.wake("watch")


def without_processes(place: Workplace) -> Iterator[str]:
    for row in ours(place):
        is_watched = row.state is RUNNING and row.handle is not None
        if is_watched and place.launcher.observe(Handle(str(row.handle))) is Sighting.GONE:
            yield f"Run {row.run_id} is running, and its processes are gone."


# -- no device lease without a live run


def take_back_stray_leases(place: Workplace) -> None:
    """Devices that are held for a run which holds none."""
    with place.looks.begin() as db:
        strays = stray_leases(db)
    for run_id, attempt in strays:
        log.warning("run %d attempt %d still held devices: taken back", run_id, attempt)
        with place.sessions.begin() as db:
            release(db, run_id=run_id, attempt=attempt)


def leased_to_nobody(place: Workplace) -> Iterator[str]:
    with place.looks.begin() as db:
        strays = stray_leases(db)
    for run_id, attempt in strays:
        yield f"Attempt {attempt} of run {run_id} holds devices, and it is over."


# -- no process of ours without a row


def end_orphans(place: Workplace) -> None:
    """Processes of an attempt that the record knows nothing of, or that it gave up: they hold devices."""
    for one in orphans(place):
        log.warning(
            "%s attempt %d belongs to no run any more: its processes are ended", one.folder, one.attempt
        )
        place.launcher.end(one.handle)


def orphans(place: Workplace) -> list[Present]:
    # Seen first, read second: whoever was there when we looked had its row before it was started.
    present = [one for one in place.launcher.present() if one.for_s > UNLAUNCHED_AFTER.total_seconds()]
    with place.looks.begin() as db:
        known = {(place.folder(row.run_id).path, row.attempt) for row in watched(db)}
    return [
        one
        for one in present
        if one.folder.parent == place.settings.runs_dir and (one.folder, one.attempt) not in known
    ]


def without_row(place: Workplace) -> Iterator[str]:
    for one in orphans(place):
        yield f"{one.folder.name} attempt {one.attempt} has processes, and no run that is under way."


# -- no failed run past the moment of its retry


def retry_failed(place: Workplace) -> None:
    with place.looks.begin() as db:
        ids = due(db)
    for run_id in ids:
        with place.sessions.begin() as db:
            see_to_retry(db, run_id, settings=place.settings)


def not_retried(place: Workplace) -> Iterator[str]:
    with place.looks.begin() as db:
        for run_id in due(db, late_by=PERIOD):
            yield f"Run {run_id} failed, and the moment to retry it has passed."


INVARIANTS = (
    Invariant("No queued run waits for a nudge.", nudge_queued, unnudged),
    Invariant("No run is starting or stopping for longer than its limit.", mend_claims, overdue),
    Invariant("No run is running without processes.", nudge_watch, without_processes),
    Invariant("No device is leased without a run under way.", take_back_stray_leases, leased_to_nobody),
    Invariant("No process of ours is without a run under way.", end_orphans, without_row),
    Invariant("No failed run is past the moment of its retry.", retry_failed, not_retried),
)


def ours(place: Workplace) -> list[Watched]:
    """Runs under way as processes of this host; SLURM's jobs have a watch of their own."""
    with place.looks.begin() as db:
        return [row for row in watched(db, host=place.host) if row.profile_id is None]


# -- hosts that are gone for good


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
    drain(place, row, hold_end=False)
    sentence = (
        f"Its host {row.host} has not been seen since {seen_at:%Y-%m-%d %H:%M} UTC: retry or resume it."
    )
    with place.sessions.begin() as db:
        mark_gone(db, run_id=row.run_id, attempt=row.attempt, kind="infrastructure", sentence=sentence)
