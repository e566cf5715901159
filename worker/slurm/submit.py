"""Gives queued runs of SLURM profiles their jobs, and mends submissions that were cut short."""

import logging
from collections.abc import Mapping
from datetime import timedelta

from backend.db import now
from backend.runs.claims import fail, mark_gone, record_handle, requeue
from backend.runs.life import STARTING, STOPPING
from backend.runs.watched import Watched, watched
from backend.slurm.commands import SlurmAway
from backend.slurm.profile import Profile
from backend.slurm.record import (
    JobSight,
    Submission,
    claim_submission,
    note_jobs,
    note_silence,
    waits_for_submission,
)
from worker.launchers import Handle, LaunchFailed
from worker.launchers.slurm import SlurmHandle, SlurmLauncher
from worker.place import Workplace
from worker.runs import ask_to_stop, find, has_room, is_ours, prepare

log = logging.getLogger(__name__)

UNSUBMITTED_AFTER = timedelta(seconds=45)
"""sbatch is given 30 s: a claim without a job for so long lost its worker, or SLURM its answer."""


Unanswered = set[tuple[int, int]]
"""Run and attempt of submissions whose sbatch came back without an answer: nobody is at them any more."""


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
            asked = claim_submission(db, host=place.host, profiles=answering)
        if asked is None:
            break
        if not submit(place, launcher, asked):
            silent.add(asked.profile.login)
            unanswered.add((asked.run_id, asked.attempt))
            break
        submitted += 1
    return submitted


def submit(place: Workplace, launcher: SlurmLauncher, asked: Submission) -> bool:
    """Write what is asked, submit it, keep the job's number. False when SLURM does not answer."""
    if not is_ours(place, asked):
        log.warning("run %d attempt %d was taken back before it was submitted", asked.run_id, asked.attempt)
        return True
    folder = place.folder(asked.run_id)
    try:
        prepare(folder, asked)
        handle = launcher.start(asked, folder.path)
    except SlurmAway as away:
        # It may have taken the job all the same: the claim stays until somebody answers who knows.
        with place.sessions.begin() as db:
            note_silence(db, asked.profile.login, str(away))
        return False
    except (OSError, LaunchFailed) as error:
        with place.sessions.begin() as db:
            fail(
                db,
                run_id=asked.run_id,
                attempt=asked.attempt,
                kind="user_error" if isinstance(error, LaunchFailed) else "infrastructure",
                sentence=str(error),
            )
        return True
    keep(place, launcher, asked.run_id, asked.attempt, handle, asked.profile)
    return True


def keep(
    place: Workplace, launcher: SlurmLauncher, run_id: int, attempt: int, handle: Handle, profile: Profile
) -> None:
    """Record the job. A claim that was taken back meanwhile must not run on."""
    job = SlurmHandle.parse(handle).job
    with place.sessions.begin() as db:
        record_handle(db, run_id=run_id, attempt=attempt, handle=handle)
        note_jobs(db, {(run_id, attempt): JobSight(job, "PENDING")})
        row = find(db, run_id)
    if row is None or row.attempt != attempt:
        log.warning("run %d attempt %d was taken back while it was submitted", run_id, attempt)
        launcher.end(profile.login, job)
        return
    log.info("run %d attempt %d is job %d of SLURM", run_id, attempt, job)
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
    handle = launcher.find(profile, row.profile_id, folder, attempt=row.attempt)
    if handle is not None:
        log.info("run %d attempt %d: found its job again", row.run_id, row.attempt)
        keep(place, launcher, row.run_id, row.attempt, handle, profile)
        return
    with place.sessions.begin() as db:
        if row.state is STARTING:
            sentence = "Its submission to SLURM was cut short."
            requeue(db, run_id=row.run_id, attempt=row.attempt, sentence=sentence)
        else:
            sentence = "It was stopped before it was submitted."
            mark_gone(db, run_id=row.run_id, attempt=row.attempt, sentence=sentence)
