"""Gives queued runs of SLURM profiles their jobs, and mends submissions that were cut short."""

import logging
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import NamedTuple

from backend.db import now
from backend.runs.claims import fail, mark_gone, record_handle, requeue, was_launched
from backend.runs.life import STARTING, STOPPING
from backend.runs.watched import Watched, watched
from backend.slurm.commands import SlurmAway
from backend.slurm.jobs import ArrayPlace, JobId
from backend.slurm.profile import Profile
from backend.slurm.record import (
    JobSight,
    Submission,
    claim_submission,
    note_jobs,
    note_silence,
    waits_for_submission,
)
from backend.slurm.script import array_folder
from worker.launchers import Handle, LaunchFailed
from worker.launchers.slurm import SlurmHandle, SlurmLauncher
from worker.place import Workplace
from worker.runs import ask_to_stop, find, has_room, take_folder

log = logging.getLogger(__name__)

UNSUBMITTED_AFTER = timedelta(seconds=45)
"""sbatch is given 30 s: a claim without a job for so long lost its worker, or SLURM its answer."""


Unanswered = set[tuple[int, int]]
"""Run and attempt of submissions whose sbatch came back without an answer: nobody is at them any more."""


class Kept(NamedTuple):
    run_id: int
    attempt: int
    job: JobId


def submit_runs(
    place: Workplace,
    launcher: SlurmLauncher,
    profiles: Mapping[int, Profile],
    *,
    silent: set[str],
    unanswered: Unanswered,
) -> int:
    """Submit every queued run whose profile has room and whose site answers; say how many.

    A site that does not answer joins ``silent``.
    """
    answering = {
        number: profile
        for number, profile in profiles.items()
        if profile.login not in silent and launcher.site(profile.login).is_here
    }
    with place.looks.begin() as db:
        is_asked = bool(answering) and waits_for_submission(db, answering)
    submitted = 0
    while is_asked and has_room(place):
        with place.sessions.begin() as db:
            together = claim_submission(db, host=place.host, profiles=answering)
        if not together:
            break
        if not submit(place, launcher, together):
            silent.add(together[0].profile.login)
            unanswered.update((one.run_id, one.attempt) for one in together)
            break
        submitted += len(together)
    return submitted


def submit(place: Workplace, launcher: SlurmLauncher, together: Sequence[Submission]) -> bool:
    """Write what is asked, submit it, keep the job's number. False when SLURM does not answer."""
    ready = [asked for asked in together if _is_made_ready(place, asked)]
    if not ready:
        return True
    profile = ready[0].profile
    try:
        link_array(place, ready)
        handles = launcher.start(ready, place.settings.runs_dir)
    except SlurmAway as away:
        # It may have taken the job all the same: the claims stay until somebody answers who knows.
        with place.sessions.begin() as db:
            note_silence(db, profile.login, str(away))
        return False
    except (OSError, LaunchFailed) as error:
        for asked in ready:
            _fail(place, asked, error, beside=len(ready) - 1)
        return True
    keep(
        place,
        launcher,
        {(one.run_id, one.attempt): handle for one, handle in zip(ready, handles, strict=True)},
        profile,
    )
    return True


def _is_made_ready(place: Workplace, asked: Submission) -> bool:
    """Whether its folder is as the trainer wants it, and the claim still counts."""
    try:
        folder = take_folder(place, asked)
    except OSError as error:
        _fail(place, asked, error)
        return False
    if folder is None:
        log.warning("run %d attempt %d was taken back before it was submitted", asked.run_id, asked.attempt)
    return folder is not None


def _fail(place: Workplace, asked: Submission, error: OSError | LaunchFailed, *, beside: int = 0) -> None:
    sentence = str(error)
    if isinstance(error, LaunchFailed) and beside:
        sentence += (
            f" It was one submission with {beside} more: a profile without arrays submits each by itself."
        )
    with place.sessions.begin() as db:
        fail(
            db,
            run_id=asked.run_id,
            attempt=asked.attempt,
            kind="user_error" if isinstance(error, LaunchFailed) else "infrastructure",
            sentence=sentence,
        )


def link_array(place: Workplace, together: Sequence[Submission]) -> None:
    """A folder with a link for each task to its run's own folder: SLURM finds the logs by it. Raises ``OSError``."""
    placed = [(one, one.array) for one in together if one.array is not None]
    for asked, array in placed:
        folder = place.settings.runs_dir / array_folder(array.token)
        folder.mkdir(exist_ok=True)
        # Relative: compute nodes may see the runs folder under another path.
        (folder / str(array.index)).symlink_to(f"../{asked.run_id}")


def forget_arrays(place: Workplace) -> None:
    """Remove the links of arrays that no run under way came from."""
    # Seen first, read second: what was there had its claims before.
    folders = list(place.settings.runs_dir.glob(array_folder("*")))
    if not folders:
        return
    with place.looks.begin() as db:
        held = {str(row.run_id) for row in watched(db)}
    for folder in folders:
        with suppress(FileNotFoundError):  # another worker was faster
            if held.isdisjoint(link.readlink().name for link in folder.iterdir()):
                shutil.rmtree(folder)


def keep(
    place: Workplace,
    launcher: SlurmLauncher,
    handles: Mapping[tuple[int, int], Handle],
    profile: Profile,
) -> None:
    """Record the jobs, by run and attempt, all at once. A claim that was taken back meanwhile must not run on."""
    jobs = {key: SlurmHandle.parse(handle).job for key, handle in handles.items()}
    with place.sessions.begin() as db:
        for (run_id, attempt), handle in sorted(handles.items()):
            record_handle(db, run_id=run_id, attempt=attempt, handle=handle)
        note_jobs(db, {key: JobSight(job, "PENDING") for key, job in jobs.items()})
        rows = {run_id: find(db, run_id) for run_id, _ in jobs}
    for (run_id, attempt), job in jobs.items():
        _see_to(place, launcher, profile, Kept(run_id, attempt, job), rows[run_id])


def _see_to(
    place: Workplace, launcher: SlurmLauncher, profile: Profile, kept: Kept, row: Watched | None
) -> None:
    run_id, attempt, job = kept
    if row is None or row.attempt != attempt:
        log.warning("run %d attempt %d was taken back while it was submitted", run_id, attempt)
        launcher.end(profile.login, job)
        return
    log.info("run %d attempt %d is job %s of SLURM", run_id, attempt, job)
    if row.state is STOPPING:
        ask_to_stop(place, row)


def mend_submissions(
    place: Workplace,
    launcher: SlurmLauncher,
    profiles: Mapping[int, Profile],
    *,
    older_than: timedelta = UNSUBMITTED_AFTER,
    unanswered: Unanswered | None = None,
) -> None:
    """Claims whose submission was cut short: adopt the job that there is, put back what there is none of.

    Those in ``unanswered`` at once: SLURM answers now, and should it still have the job under way, that one
    finds a newer attempt in its folder and leaves.

    Raises ``SlurmAway``; then the claims stay as they are.
    """
    with place.looks.begin() as db:
        rows = watched(db, host=place.host)
    known = set() if unanswered is None else unanswered
    for row in rows:
        profile = profiles.get(row.profile_id or 0)
        is_cut_short = row.began_at < now() - older_than or (row.run_id, row.attempt) in known
        if profile is not None and row.handle is None and is_cut_short:
            _mend(place, launcher, row, profile)
            known.discard((row.run_id, row.attempt))


def _mend(place: Workplace, launcher: SlurmLauncher, row: Watched, profile: Profile) -> None:
    assert row.profile_id is not None
    folder = place.folder(row.run_id).path
    array = ArrayPlace.parse(row.array) if row.array else None
    handle = launcher.find(profile, row.profile_id, folder, attempt=row.attempt, array=array)
    if handle is not None:
        log.info("run %d attempt %d: found its job again", row.run_id, row.attempt)
        keep(place, launcher, {(row.run_id, row.attempt): handle}, profile)
        return
    with place.sessions.begin() as db:
        if was_launched(db, run_id=row.run_id, attempt=row.attempt):
            log.info("run %d attempt %d was submitted after all", row.run_id, row.attempt)
        elif row.state is STARTING:
            sentence = "Its submission to SLURM was cut short."
            requeue(db, run_id=row.run_id, attempt=row.attempt, sentence=sentence)
        else:
            sentence = "It was stopped before it was submitted."
            mark_gone(db, run_id=row.run_id, attempt=row.attempt, sentence=sentence)
