"""A queued run's place among the others, and how a person changes it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.db import lock_for_this_transaction, now
from backend.errors import Conflict
from backend.nudge import nudge
from backend.people.deeds import record_deed
from backend.people.tables import User
from backend.runs.claims import CLAIMS_LOCK, lock_run
from backend.runs.life import QUEUED
from backend.runs.reading import get_run, run_view
from backend.runs.tables import Run
from backend.runs.views import MoveRequest, RunView
from backend.stream.service import tell


class Turn(NamedTuple):
    """Where a run stands: priority, then turn."""

    run_id: int
    priority: int
    turn: datetime | None


def move_run(db: Session, run_id: int, asked: MoveRequest, *, by: User) -> RunView:
    """Move a queued run to an end of the queue, or beside another one, whose priority it takes.

    Raises ``NotFound``, or ``Conflict`` when one of them is not in the queue.
    """
    get_run(db, run_id)
    lock_for_this_transaction(db, CLAIMS_LOCK)  # nobody starts, or moves, while places are given anew
    run = lock_run(db, run_id)
    if run.state != QUEUED or run.profile_id is not None:
        what = "is in SLURM's queue" if run.state == QUEUED else f"is {run.state}"
        raise Conflict(f"Run {run_id} {what}: only what waits for this lab's hosts has a place to change.")
    others = [turn for turn in _line(db) if turn.run_id != run_id]
    priority, place = _wanted(run, asked, others)
    peers = [turn for turn in others if turn.priority == priority]
    own = Turn(run.id, priority, run.turn)
    _give_turns(db, [*peers[:place], own, *peers[place:]], priority)
    detail = {"to": asked.to, "beside": asked.other, "priority": priority}
    record_deed(db, "moved in the queue", by=by, run_id=run_id, detail=detail)
    tell(db, "run", run_id)
    nudge(db, "worker.start_runs")
    db.refresh(run)
    return run_view(db, run)


def _line(db: Session) -> list[Turn]:
    asked = select(Run.id, Run.priority, Run.turn).where(Run.state == QUEUED, Run.profile_id.is_(None))
    return [Turn(*row) for row in db.execute(asked.order_by(Run.priority.desc(), Run.turn, Run.id))]


def _wanted(run: Run, asked: MoveRequest, others: Sequence[Turn]) -> tuple[int, int]:
    """The priority that it takes, and its place among those that have it."""
    if asked.to == "top":
        return max([run.priority, *(turn.priority for turn in others)]), 0
    if asked.to == "bottom":
        return min([run.priority, *(turn.priority for turn in others)]), len(others)
    beside = next((turn for turn in others if turn.run_id == asked.other), None)
    if beside is None:
        raise Conflict(f"Run {asked.other} is not in the queue any more: choose another place.")
    peers = [turn.run_id for turn in others if turn.priority == beside.priority]
    return beside.priority, peers.index(beside.run_id) + (asked.to == "after")


def _give_turns(db: Session, line: Sequence[Turn], priority: int) -> None:
    """Hand the same turns out again in the new order; only those whose turn changed are written."""
    latest = datetime.min.replace(tzinfo=now().tzinfo)
    for old, turn in zip(line, sorted(turn.turn or now() for turn in line), strict=True):
        latest = max(turn, latest + timedelta(microseconds=1))
        if old.turn != latest:
            db.execute(update(Run).where(Run.id == old.run_id).values(turn=latest))
    moved = [turn.run_id for turn in line]
    db.execute(update(Run).where(Run.id.in_(moved), Run.priority != priority).values(priority=priority))
