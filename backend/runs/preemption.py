"""Running ones that make room for a waiting run of a higher priority: they save their state, leave, and are
queued again by themselves."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.compute.tables import Host
from backend.db import now
from backend.nudge import nudge
from backend.people.deeds import record_deed
from backend.runs.life import RUNNING
from backend.runs.placing import Clearing, Plan, Wish, make_room
from backend.runs.tables import Run
from backend.stream.service import tell


def clear_for_waiting(db: Session, plan: Plan, *, below: int) -> None:
    """Ask whoever may be displaced to leave to those that devices are kept for. The caller holds the claims.

    None who was displaced comes back before the one it left to: that one is ahead of it in the queue, and
    nobody slips past on the host that is being cleared.
    """
    for wish in plan.waiting:
        clearing = make_room(wish, plan, below=below)
        if clearing is not None:
            _clear(db, wish, clearing)


def _clear(db: Session, wish: Wish, clearing: Clearing) -> None:
    host_id = db.scalar(select(Host.id).where(Host.name == clearing.spot.host))
    db.execute(
        update(Run).where(Run.id == wish.run_id).values(reserved_host_id=host_id, reserved_until=now())
    )
    for holder in clearing.leaving:
        _ask_to_leave(db, holder.run_id, wish.run_id)


def _ask_to_leave(db: Session, run_id: int, waiting_id: int) -> None:
    """Nothing when it has ended meanwhile, or somebody told it to stop."""
    asked = (
        update(Run)
        .where(Run.id == run_id, Run.state == RUNNING, Run.makes_room_for_id.is_(None))
        .values(makes_room_for_id=waiting_id, makes_room_since=now())
        .returning(Run.id)
    )
    if db.scalar(asked.execution_options(synchronize_session=False)) is None:
        return
    record_deed(db, "asked to make room", by=None, run_id=run_id, detail={"for": waiting_id})
    tell(db, "run", run_id)
    nudge(db, "worker.stop_run", run_id)
