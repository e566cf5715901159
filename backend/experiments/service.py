"""Experiments: what runs are gathered under."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Row, Select, case, func, select
from sqlalchemy.orm import Session

from backend.db import now
from backend.errors import Conflict, NotFound
from backend.experiments.tables import Experiment
from backend.experiments.views import ExperimentEdit, ExperimentRequest, ExperimentView
from backend.people.deeds import record_deed
from backend.people.tables import User
from backend.runs.life import ACTIVE, FAILED
from backend.runs.tables import Run

Counted = Row[Experiment, int, int, int, datetime | None]


def list_experiments(db: Session, *, archived: bool) -> list[ExperimentView]:
    """All experiments, the latest active first."""
    is_wanted = Experiment.archived_at.is_not(None) if archived else Experiment.archived_at.is_(None)
    views = [_view(row) for row in db.execute(_counted().where(is_wanted))]
    return sorted(views, key=lambda view: view.last_activity_at, reverse=True)


def read_experiment(db: Session, experiment_id: int) -> ExperimentView:
    row = db.execute(_counted().where(Experiment.id == experiment_id)).first()
    if row is None:
        raise NotFound.of("experiment", experiment_id)
    return _view(row)


def create_experiment(db: Session, asked: ExperimentRequest, *, by: User) -> ExperimentView:
    """Raises ``Conflict`` when the name is taken."""
    _refuse_taken(db, asked.name)
    experiment = Experiment(name=asked.name, description=asked.description)
    db.add(experiment)
    db.flush()
    record_deed(db, "experiment made", by=by, detail={"experiment": experiment.id})
    return read_experiment(db, experiment.id)


def edit_experiment(db: Session, experiment_id: int, asked: ExperimentEdit, *, by: User) -> ExperimentView:
    """Raises ``NotFound``, or ``Conflict`` when the name is taken."""
    experiment = db.get(Experiment, experiment_id)
    if experiment is None:
        raise NotFound.of("experiment", experiment_id)
    if asked.name is not None and asked.name != experiment.name:
        _refuse_taken(db, asked.name)
        experiment.name = asked.name
    if asked.description is not None:
        experiment.description = asked.description
    if asked.archived is not None:
        experiment.archived_at = now() if asked.archived else None
    record_deed(db, "experiment edited", by=by, detail={"experiment": experiment_id})
    db.flush()
    return read_experiment(db, experiment_id)


def named(db: Session, name: str) -> Experiment:
    """The experiment of this name; it is made if there is none, and comes back if it was archived."""
    experiment = db.scalar(select(Experiment).where(Experiment.name == name))
    if experiment is None:
        experiment = Experiment(name=name)
        db.add(experiment)
        db.flush()
    experiment.archived_at = None
    return experiment


def find(db: Session, name: str) -> Experiment | None:
    return db.scalar(select(Experiment).where(Experiment.name == name))


def names(db: Session, ids: Collection[int]) -> dict[int, str]:
    if not ids:
        return {}
    asked = select(Experiment.id, Experiment.name).where(Experiment.id.in_(ids))
    return {row.id: row.name for row in db.execute(asked)}


def _refuse_taken(db: Session, name: str) -> None:
    if find(db, name) is not None:
        sentence = f"There is already an experiment {name!r}: choose another name."
        raise Conflict(sentence, fields={"name": sentence})


def _counted() -> Select[Experiment, int, int, int, datetime | None]:
    """Experiments beside the numbers of their runs that are not archived."""
    active = func.sum(case((Run.state.in_(ACTIVE), 1), else_=0))
    failed = func.sum(case((Run.state == FAILED, 1), else_=0))
    counts = (
        select(
            Run.experiment_id,
            func.count().label("num_runs"),
            active.label("num_active"),
            failed.label("num_failed"),
            func.max(Run.state_since).label("latest"),
        )
        .where(Run.archived_at.is_(None))
        .group_by(Run.experiment_id)
        .subquery()
    )
    return select(
        Experiment,
        func.coalesce(counts.c.num_runs, 0),
        func.coalesce(counts.c.num_active, 0),
        func.coalesce(counts.c.num_failed, 0),
        counts.c.latest,
    ).outerjoin(counts, counts.c.experiment_id == Experiment.id)


def _view(row: Counted) -> ExperimentView:
    experiment, num_runs, num_active, num_failed, latest = row
    return ExperimentView(
        id=experiment.id,
        name=experiment.name,
        description=experiment.description,
        created_at=experiment.created_at,
        archived=experiment.archived_at is not None,
        num_runs=num_runs,
        num_active=num_active,
        num_failed=num_failed,
        last_activity_at=max(latest, experiment.created_at) if latest else experiment.created_at,
    )
