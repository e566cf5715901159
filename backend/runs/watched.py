"""What the workers look at: runs that hold devices, and what a lost message or a dead worker left."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from backend.compute.tables import Device, Host
from backend.runs.life import HOLDING, RunState
from backend.runs.queue import plan_now
from backend.runs.tables import Attempt, Run


@dataclass(frozen=True)
class Watched:
    """The newest attempt of a run that holds devices."""

    run_id: int
    attempt: int
    state: RunState
    state_since: datetime
    host: str
    handle: str | None
    journal_offset: int
    began_at: datetime
    profile_id: int | None = None
    """The SLURM profile that it was submitted by."""
    makes_room_since: datetime | None = None
    """When it was asked to leave to a run of a higher priority."""
    array: str | None = None
    """Its place in an array of SLURM, as ``backend.slurm.jobs.ArrayPlace`` reads it."""

    @property
    def leaves_since(self) -> datetime | None:
        """Since when it is to be gone: told to stop, or to make room."""
        return self.state_since if self.state is RunState.STOPPING else self.makes_room_since


def watched(db: Session, *, host: str | None = None) -> list[Watched]:
    """Runs that hold devices, on one host or on all of them."""
    asked = (
        select(
            Run.id.label("run_id"),
            Run.attempt,
            Run.state,
            Run.state_since,
            Attempt.host,
            Attempt.handle,
            Run.journal_offset,
            Attempt.started_at.label("began_at"),
            Run.profile_id,
            Run.makes_room_since,
            Attempt.array,
        )
        .join(Attempt, (Attempt.run_id == Run.id) & (Attempt.number == Run.attempt))
        .where(Run.state.in_(HOLDING))
        .order_by(Run.id)
    )
    rows = db.execute(asked if host is None else asked.where(Attempt.host == host)).all()
    return [Watched(**{**row._mapping, "state": RunState(row.state)}) for row in rows]


def rehost(db: Session, *, run_id: int, attempt: int, host: str) -> None:
    """From now on another host looks at the attempt."""
    db.execute(update(Attempt).where(Attempt.run_id == run_id, Attempt.number == attempt).values(host=host))


def silent_hosts(db: Session, *, since: datetime) -> dict[str, datetime]:
    """Hosts without a sign of their worker since then, and when it was last seen."""
    rows = db.execute(select(Host.name, Host.seen_at).where(Host.seen_at < since)).all()
    return {row[0]: row[1] for row in rows}


def stray_leases(db: Session) -> list[tuple[int, int]]:
    """Run and attempt that devices are leased to, though the run holds none any more."""
    is_stray = or_(Run.state.not_in(HOLDING), Run.attempt != Device.attempt)
    asked = (
        select(Device.run_id, Device.attempt).join(Run, Run.id == Device.run_id).where(is_stray).distinct()
    )
    rows = db.execute(asked).all()
    return [(run_id, attempt) for run_id, attempt in rows if run_id is not None and attempt is not None]


def unserved(db: Session, *, host: str) -> list[tuple[int, datetime]]:
    """Queued runs that the host could start now, and since when each has been queued."""
    ids = [start.wish.run_id for start in plan_now(db).starts_on(host)]
    rows = db.execute(select(Run.id, Run.state_since).where(Run.id.in_(ids)).order_by(Run.id)).all()
    return [(row[0], row[1]) for row in rows]
