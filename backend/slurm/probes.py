"""Probes: tiny jobs that look whether a compute node has what runs need, before somebody loses a night."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend.db import now
from backend.people.deeds import record_deed
from backend.people.tables import User
from backend.slurm.record import JobSight
from backend.slurm.tables import SlurmProbe, SlurmProfile

SUBMITTED_WITHIN = timedelta(seconds=60)
"""sbatch is given 30 s: one that was taken longer ago and has no job lost its worker."""


def ask_probe(db: Session, profile: SlurmProfile, *, by: User) -> SlurmProbe:
    """Ask for a look; one that is still under way is given up for it by the worker."""
    row = SlurmProbe(profile_id=profile.id)
    db.add(row)
    record_deed(db, "checked a SLURM profile", by=by, detail={"profile": profile.name})
    db.flush()
    return row


def newest_probes(db: Session, profile_ids: Collection[int]) -> dict[int, SlurmProbe]:
    """By profile, for those that were ever looked at."""
    newest = select(func.max(SlurmProbe.id)).group_by(SlurmProbe.profile_id)
    asked = select(SlurmProbe).where(SlurmProbe.id.in_(newest), SlurmProbe.profile_id.in_(profile_ids))
    return {row.profile_id: row for row in db.scalars(asked)}


def open_probes(db: Session) -> Sequence[SlurmProbe]:
    """Those under way, the oldest first."""
    asked = select(SlurmProbe).where(SlurmProbe.ended_at.is_(None)).order_by(SlurmProbe.id)
    return db.scalars(asked).all()


def take_probe(db: Session, probe_id: int) -> bool:
    """Whether the caller is the one who submits it."""
    is_free = SlurmProbe.taken_at.is_(None) | (SlurmProbe.taken_at < now() - SUBMITTED_WITHIN)
    took = (
        update(SlurmProbe)
        .where(SlurmProbe.id == probe_id, SlurmProbe.job.is_(None), SlurmProbe.ended_at.is_(None), is_free)
        .values(taken_at=now())
        .returning(SlurmProbe.id)
    )
    return db.scalar(took) is not None


def note_probe(db: Session, probe_id: int, sight: JobSight) -> None:
    """What SLURM says of its job."""
    said = {"job": sight.job.number, "state": sight.state[:32], "reason": sight.reason[:128] or None}
    db.execute(update(SlurmProbe).where(SlurmProbe.id == probe_id).values(said))


def end_probe(db: Session, probe_id: int, *, good: Sequence[str] = (), amiss: Sequence[str] = ()) -> None:
    """What it found. Who ends it a second time changes nothing."""
    found = {"ended_at": now(), "good": list(good), "amiss": list(amiss)}
    still = (SlurmProbe.id == probe_id, SlurmProbe.ended_at.is_(None))
    db.execute(update(SlurmProbe).where(*still).values(found))
