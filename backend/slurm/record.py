"""What workers write of SLURM: runs that are submitted, what became of their jobs, whether it answers."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from backend.datasets.lookups import ready_ids
from backend.db import now
from backend.runs.claims import Taken, attempt_of, close_attempt, lock_run, take
from backend.runs.life import FAILED, HOLDING, QUEUED, IllegalMove, Why, move
from backend.runs.tables import Attempt, Run
from backend.slurm.jobs import ArrayPlace, JobId
from backend.slurm.profile import Profile, most_in_array
from backend.slurm.tables import SlurmJob, SlurmProfile, SlurmSite
from backend.stream.service import tell

MAX_FRUITLESS = 3
"""Attempts in a row that were taken away at the step they began at, before the run is given up."""


@dataclass(frozen=True)
class Submission(Taken):
    """A run that shall be submitted by this profile."""

    profile_id: int
    profile: Profile
    keeps_off: tuple[str, ...] = ()
    """Nodes that it failed on."""
    array: ArrayPlace | None = None
    """Where it stands among those that are submitted with it as one array."""


@dataclass(frozen=True)
class JobSight:
    """What SLURM says of one job."""

    job: JobId
    state: str
    """Its own word, as in PENDING."""
    reason: str = ""
    expected_at: datetime | None = None
    nodes: str = ""
    exit_code: int = 0
    exit_signal: int = 0


@dataclass(frozen=True)
class SiteSight:
    """What SLURM says of itself."""

    partitions: Mapping[str, Any]
    max_array: int | None
    """Tasks that an array may have."""


def live_profiles(db: Session) -> dict[int, Profile]:
    """Every profile by its number, removed ones too: their jobs are watched to the end."""
    rows = db.scalars(select(SlurmProfile))
    return {row.id: Profile.model_validate(row.profile) for row in rows}


def claim_submission(db: Session, *, host: str, profiles: Mapping[int, Profile]) -> list[Submission]:
    """The first queued run of a profile with room, now STARTING; with it those of its launch that ask for the
    same and may go out as one array. They hold no device of this lab.

    ``profiles`` are those whose SLURM answers. Two callers never get the same run.
    """
    in_slurm = _jobs_by_profile(db)
    for run_id, profile_id in db.execute(_waiting(profiles)).all():
        assert profile_id is not None, "only runs with a profile were asked for"
        profile = profiles[profile_id]
        room = profile.max_jobs - in_slurm.get(profile_id, 0)
        if room > 0 and (first := _claim(db, run_id, profile_id, profile, host)) is not None:
            return _together(db, first, min(room, _most_in_array(db, profile)), host)
    return []


def _waiting(profiles: Collection[int]) -> Select[int, int | None]:
    """Queued runs of these profiles whose data is there, in their order."""
    return (
        select(Run.id, Run.profile_id)
        .where(Run.state == QUEUED, Run.profile_id.in_(profiles))
        .where(Run.dataset_id.is_(None) | Run.dataset_id.in_(ready_ids()))
        .order_by(Run.priority.desc(), Run.queued_at, Run.id)
    )


def _together(db: Session, first: Submission, most: int, host: str) -> list[Submission]:
    """The run and those that go with it, each with its place in their array; the run alone where none does."""
    mates = _mates(db, db.get_one(Run, first.run_id)) if most > 1 else []
    claims = (_claim(db, run_id, first.profile_id, first.profile, host) for run_id in mates[: most - 1])
    together = [first, *(claim for claim in claims if claim is not None)]
    if len(together) == 1:
        return together
    token = secrets.token_hex(8)
    placed = [replace(one, array=ArrayPlace(token, index)) for index, one in enumerate(together)]
    for one in placed:
        attempt = attempt_of(db, one.run_id, one.attempt)
        assert attempt is not None, "it was made by the claim"
        attempt.array = str(one.array)
    return placed


def _mates(db: Session, first: Run) -> list[int]:
    """Runs that differ from this one by their seed alone, in what they ask of SLURM too."""
    if first.seed_group is None:
        return []
    waiting = _waiting([first.profile_id or 0]).with_only_columns(Run)
    same = waiting.where(Run.seed_group == first.seed_group, Run.priority == first.priority)
    return [
        run.id
        for run in db.scalars(same.where(Run.id != first.id))
        if run.definition["compute"] == first.definition["compute"] and run.excluded == first.excluded
    ]


def _most_in_array(db: Session, profile: Profile) -> int:
    most = db.scalar(select(SlurmSite.max_array).where(SlurmSite.login == profile.login))
    return most_in_array(profile, most)


def waits_for_submission(db: Session, profiles: Collection[int]) -> bool:
    """Whether a run of these profiles is queued: a look that takes no lock."""
    asked = select(Run.id).where(Run.state == QUEUED, Run.profile_id.in_(profiles)).limit(1)
    return db.scalar(asked) is not None


def _jobs_by_profile(db: Session) -> dict[int | None, int]:
    asked = (
        select(Run.profile_id, func.count())
        .where(Run.state.in_(HOLDING), Run.profile_id.is_not(None))
        .group_by(Run.profile_id)
    )
    return {row[0]: row[1] for row in db.execute(asked)}


def _claim(db: Session, run_id: int, profile_id: int, profile: Profile, host: str) -> Submission | None:
    run = db.get_one(Run, run_id, populate_existing=True)
    try:
        definition = take(db, run, host=host)
    except IllegalMove:
        return None
    if definition is None:
        return None
    return Submission(run.id, run.attempt, definition, profile_id, profile, tuple(run.excluded))


def note_jobs(db: Session, sights: Mapping[tuple[int, int], JobSight]) -> None:
    """Keep what SLURM says of jobs, by run and attempt; pages are told of what changed."""
    for (run_id, attempt), sight in sights.items():
        row = db.scalar(select(SlurmJob).where(SlurmJob.run_id == run_id, SlurmJob.attempt == attempt))
        if row is None:
            row = SlurmJob(run_id=run_id, attempt=attempt, job=sight.job.number, state="")
            db.add(row)
        said = {
            "job": sight.job.number,
            "task": sight.job.task,
            "state": sight.state[:32],
            "reason": sight.reason[:128] or None,
            "expected_at": sight.expected_at,
            "nodes": sight.nodes[:512] or None,
        }
        if any(getattr(row, name) != value for name, value in said.items()):
            for name, value in said.items():
                setattr(row, name, value)
            row.seen_at = now()
            tell(db, "run", run_id)


def note_answer(db: Session, login: str, about: SiteSight | None = None) -> None:
    """SLURM answers. ``about`` is what it has, where that was asked."""
    row = _site(db, login)
    came_back = row.silent_since is not None
    row.answered_at, row.silent_since, row.words = now(), None, None
    if about is not None:
        row.partitions, row.max_array = dict(about.partitions), about.max_array
    if came_back:
        _tell_runs(db)


def note_silence(db: Session, login: str, words: str) -> None:
    """SLURM does not answer: nothing is known of any job, and none is called failed."""
    row = _site(db, login)
    is_new = row.silent_since is None
    row.silent_since, row.words = row.silent_since or now(), words
    if is_new:
        _tell_runs(db)


def _site(db: Session, login: str) -> SlurmSite:
    row = db.scalar(select(SlurmSite).where(SlurmSite.login == login))
    if row is None:
        row = SlurmSite(login=login)
        db.add(row)
    return row


def _tell_runs(db: Session) -> None:
    for run_id in db.scalars(select(Run.id).where(Run.state.in_(HOLDING), Run.profile_id.is_not(None))):
        tell(db, "run", run_id)


def give_up_fruitless(db: Session, *, run_id: int, attempt: int, sentence: str) -> bool:
    """Fail a run whose attempts are taken away again and again before they come any further.

    False while there is hope.
    """
    newest = db.scalars(
        select(Attempt).where(Attempt.run_id == run_id).order_by(Attempt.number.desc()).limit(MAX_FRUITLESS)
    ).all()
    if not _is_fruitless(newest):
        return False
    run = lock_run(db, run_id)
    if run.attempt != attempt or run.state not in HOLDING or attempt_of(db, run_id, attempt) is None:
        return False
    close_attempt(db, run, "failed", sentence)
    why = f"{sentence} So did the attempts before it, and none came any further: it is not submitted again."
    move(db, run, FAILED, why=Why("infrastructure", why))
    return True


def _is_fruitless(newest: Sequence[Attempt]) -> bool:
    """Whether the attempts before this one were taken away where they began."""
    before = newest[1:]
    steps = {attempt.start_step for attempt in newest}
    return len(newest) == MAX_FRUITLESS and len(steps) == 1 and all(a.outcome == "preempted" for a in before)
