"""The queue as a page shows it: what holds devices, what waits, and for what."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.runs.life import HOLDING, QUEUED
from backend.runs.queue import in_order
from backend.runs.reading import run_views
from backend.runs.tables import Attempt, Run
from backend.runs.views import HoldingRun, QueueView, WaitingRun
from backend.runs.waiting import needs


def queue_view(db: Session, *, size: int) -> QueueView:
    """The first ``size`` of those that wait, in their order."""
    waiting = select(Run).where(Run.state == QUEUED)
    rows = db.scalars(waiting.order_by(Run.priority.desc(), Run.turn, Run.id).limit(size)).all()
    places = {run_id: place for place, run_id in enumerate(db.scalars(in_order(select(Run.id))), 1)}
    return QueueView(
        holding=_holding(db),
        waiting=[
            WaitingRun(place=places.get(row.id), needs=needs(row), run=view)
            for row, view in zip(rows, run_views(db, rows), strict=True)
        ],
        num_waiting=db.scalar(select(func.count()).select_from(waiting.subquery())) or 0,
    )


def _holding(db: Session) -> list[HoldingRun]:
    asked = (
        select(Run, Attempt.host)
        .join(Attempt, (Attempt.run_id == Run.id) & (Attempt.number == Run.attempt))
        .where(Run.state.in_(HOLDING))
        .order_by(Run.priority.desc(), Attempt.started_at, Run.id)
    )
    found = db.execute(asked).all()
    views = run_views(db, [run for run, _ in found])
    return [HoldingRun(host=host, run=view) for (_, host), view in zip(found, views, strict=True)]
