"""Gives queued runs their processes, and tells running ones to leave."""

import logging
import shutil
import time
from typing import Literal

from sqlalchemy.orm import Session

from backend.runs.claims import Claim, Taken, claim_next, fail, record_handle
from backend.runs.life import STOPPING
from backend.runs.watched import Watched, watched
from sce.rundir import RunDir
from worker.launchers import Handle, LaunchFailed, Resources
from worker.launchers.processes import usable_cpus
from worker.place import Workplace

log = logging.getLogger(__name__)


def start_runs(place: Workplace) -> int:
    """Start every queued run that fits this host's free devices; say how many were started."""
    started = 0
    while has_room(place):
        with place.sessions.begin() as db:
            claim = claim_next(db, host=place.host, preempt_below=place.settings.preempt_below)
        if claim is None:
            break
        # The claim is committed before the launch: a crash here leaves a claim without processes,
        # which the sweep puts back, and never two trainers in one folder.
        launch(place, claim)
        started += 1
    return started


def has_room(place: Workplace) -> bool:
    """Whether the runs' disk has room for a run to write; said once a look when it has not."""
    place.settings.runs_dir.mkdir(parents=True, exist_ok=True)
    free_gb = shutil.disk_usage(place.settings.runs_dir).free / 1e9
    if free_gb >= place.settings.min_free_disk_gb:
        return True
    log.warning(
        "No run is started: %.1f GB are free under %s and %.1f GB are wanted. "
        "Make room, or lower SCELAB_MIN_FREE_DISK_GB.",
        free_gb,
        place.settings.runs_dir,
        place.settings.min_free_disk_gb,
    )
    return False


def launch(place: Workplace, claim: Claim) -> None:
    """Write what is asked, start the processes, keep their handle."""
    try:
        folder = take_folder(place, claim)
        if folder is None:
            log.warning("run %d attempt %d was taken back before its launch", claim.run_id, claim.attempt)
            return
        handle = place.launcher.start(
            folder.path, attempt=claim.attempt, resources=resources_of(place, claim)
        )
    except (OSError, LaunchFailed) as error:
        with place.sessions.begin() as db:
            fail(
                db,
                run_id=claim.run_id,
                attempt=claim.attempt,
                kind="infrastructure",
                sentence=f"It could not be started: {error}",
            )
        return
    _keep(place, claim, handle)


def _keep(place: Workplace, claim: Claim, handle: Handle) -> None:
    """Record the handle. A claim that was taken back meanwhile must not run on, and a stop that came
    between claim and launch lost its stop file."""
    with place.sessions.begin() as db:
        record_handle(db, run_id=claim.run_id, attempt=claim.attempt, handle=handle)
        row = find(db, claim.run_id)
    if row is None or row.attempt != claim.attempt:
        log.warning("run %d attempt %d was taken back while it was launched", claim.run_id, claim.attempt)
        place.launcher.end(handle)
        return
    log.info("run %d attempt %d started as %s", claim.run_id, claim.attempt, handle)
    if row.state is STOPPING:
        ask_to_stop(place, row)


def take_folder(place: Workplace, claim: Taken) -> RunDir | None:
    """The run's folder as the trainer wants it. None when this worker slept, and the claim was taken back.

    Raises ``OSError``.
    """
    folder = place.folder(claim.run_id)
    # Seen first, read second: who took the claim over was in the record before he was in the folder.
    is_anothers = folder.attempt() >= claim.attempt
    if not is_ours(place, claim):
        return None
    if is_anothers:
        set_aside(folder)
    prepare(folder, claim)
    return folder


def is_ours(place: Workplace, claim: Taken) -> bool:
    """Whether the claim still counts: the sweep puts back what is not launched in time."""
    with place.looks.begin() as db:
        row = find(db, claim.run_id)
    return row is not None and row.attempt == claim.attempt


def prepare(folder: RunDir, claim: Taken) -> None:
    """Write what is asked into the run's folder, and give it to the attempt. Raises ``OSError``."""
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.write_definition(claim.definition)
    folder.begin_attempt(claim.attempt)
    folder.clear_stop()


def set_aside(folder: RunDir) -> None:
    """Keep a folder of that number which another database's run left, under another name.

    Its journal would be read as this run's own.
    """
    kept = folder.path.with_name(f"{folder.path.name}.found-{time.time_ns()}")
    log.warning("%s holds the run of another database: kept as %s", folder.path, kept.name)
    folder.path.rename(kept)


def resources_of(place: Workplace, claim: Claim) -> Resources:
    """The claim's devices, and an even share of the host's CPU threads for each of its processes."""
    kind: Literal["gpu", "cpu"] = "gpu" if claim.device_kind == "gpu" else "cpu"
    slots = max(place.slots.get(kind, 1), 1)
    return Resources(kind, claim.device_numbers, threads=max(usable_cpus() // slots, 1))


def stop_run(place: Workplace, run_id: int) -> None:
    """Put the stop file there. The watch of the run's own host ends what does not leave in time."""
    with place.looks.begin() as db:
        row = find(db, run_id)
    if row is not None and row.leaves_since is not None:
        ask_to_stop(place, row)


def ask_to_stop(place: Workplace, row: Watched) -> None:
    """One that makes room is preempted: it is queued again once it has left."""
    folder = place.folder(row.run_id)
    if folder.path.exists() and folder.stop_requested() is None:
        folder.request_stop("stop" if row.state is STOPPING else "preempt")


def find(db: Session, run_id: int) -> Watched | None:
    """The run as it is watched; None when it holds no devices."""
    return next((row for row in watched(db) if row.run_id == run_id), None)
