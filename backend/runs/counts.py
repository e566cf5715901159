"""How many runs refer to what."""

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.runs.tables import Run
from backend.runs.views import RunRef


def runs_by_dataset(db: Session) -> dict[int, int]:
    """Number of runs on each data set that has any."""
    counted = select(Run.dataset_id, func.count()).group_by(Run.dataset_id)
    return {dataset_id: count for dataset_id, count in db.execute(counted) if dataset_id is not None}


def run_refs(db: Session, ids: Collection[int]) -> dict[int, RunRef]:
    """Names and states of runs, for whoever refers to them."""
    if not ids:
        return {}
    columns = (Run.id, Run.name, Run.kind, Run.state)
    rows = db.execute(select(*columns).where(Run.id.in_(ids)))
    return {row.id: RunRef.model_validate(row) for row in rows}
