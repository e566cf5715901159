"""Which steps a later attempt went over again."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.runs.tables import Attempt


def superseded_after(db: Session, run_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """By run and attempt: the step beyond which its points are superseded. The newest has none."""
    asked = (
        select(Attempt.run_id, Attempt.number, Attempt.start_step)
        .where(Attempt.run_id.in_(run_ids))
        .order_by(Attempt.run_id, Attempt.number.desc())
    )
    found: dict[int, dict[int, int]] = {}
    lowest: dict[int, int] = {}
    for run_id, number, start_step in db.execute(asked):
        own = found.setdefault(run_id, {})
        if run_id in lowest:
            own[number] = lowest[run_id]
        if start_step is not None:
            lowest[run_id] = min(start_step, lowest.get(run_id, start_step))
    return found
