"""Scores of a pretraining's checkpoints, on its epoch axis."""

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.checkpoints import registry
from backend.checkpoints.tables import Checkpoint
from backend.datasets import lookups as datasets
from backend.evaluations.views import EvaluationCurve, EvaluationsView, ScoredCheckpoint
from backend.evaluations.words import as_scored, protocol_words
from backend.runs.reading import get_run, run_views
from backend.runs.tables import Run


def read_evaluations(db: Session, run_id: int) -> EvaluationsView:
    """Evaluations that measure a run. Raises ``NotFound``."""
    get_run(db, run_id)
    asked = select(Run).where(Run.parent_id == run_id, Run.archived_at.is_(None)).order_by(Run.id)
    runs = db.scalars(asked).all()
    return EvaluationsView(curves=curves(db, runs), runs=run_views(db, runs))


def siblings(db: Session, run: Run) -> list[ScoredCheckpoint]:
    """The same protocol on other checkpoints of the same pretraining, itself included."""
    if run.parent_id is None:
        return []
    asked = select(Run).where(Run.parent_id == run.parent_id, Run.kind == run.kind, Run.archived_at.is_(None))
    alike = [other for other in db.scalars(asked) if protocol_key(other) == protocol_key(run)]
    return _points(
        alike, registry.by_ids(db, [other.checkpoint_id for other in alike if other.checkpoint_id])
    )


def curves(db: Session, runs: Sequence[Run]) -> list[EvaluationCurve]:
    """One curve for each protocol and data set."""
    checkpoints = registry.by_ids(db, [run.checkpoint_id for run in runs if run.checkpoint_id])
    names = datasets.by_ids(db, {run.dataset_id for run in runs if run.dataset_id})
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(protocol_key(run), []).append(run)
    return [
        EvaluationCurve(
            kind=own[0].kind,
            protocol=own[0].definition["protocol"],
            protocol_words=words_of(own[0]),
            dataset=names[own[0].dataset_id].name if own[0].dataset_id else None,
            points=_points(own, checkpoints),
        )
        for own in groups.values()
    ]


def protocol_key(run: Run) -> str:
    """Equal for evaluations whose scores may be drawn as one curve."""
    definition = run.definition
    branch = definition["checkpoint"]["branch"]
    return json.dumps([definition["protocol"], definition["data"], branch], sort_keys=True)


def words_of(run: Run) -> str:
    """Its protocol as people write it beside the score."""
    words = protocol_words(as_scored(run.definition["protocol"], run.protocol))
    return words if run.definition["checkpoint"]["branch"] == "online" else f"{words}, momentum branch"


def scores_in(summary: Mapping[str, float]) -> dict[str, float]:
    """What an evaluation measured of its checkpoint; ``train/lr`` and its like are of its own training."""
    return {name: value for name, value in summary.items() if "/" not in name}


def _points(runs: Sequence[Run], checkpoints: Mapping[int, Checkpoint]) -> list[ScoredCheckpoint]:
    points = [
        ScoredCheckpoint(
            run_id=run.id,
            checkpoint_id=row.id,
            step=row.step,
            epoch=row.epoch,
            state=run.state,
            values=scores_in(run.summary),
        )
        for run in runs
        if (row := checkpoints.get(run.checkpoint_id or 0)) is not None
    ]
    return sorted(points, key=lambda point: (point.step, point.run_id))
