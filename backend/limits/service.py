"""Limits of users and experiments, as administrators set them."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.errors import Invalid, NotFound
from backend.experiments import service as experiments
from backend.limits.tables import Limit
from backend.limits.views import LimitRequest
from backend.nudge import nudge
from backend.people.deeds import record_deed
from backend.people.tables import User
from backend.stream.service import tell


def all_limits(db: Session) -> list[Limit]:
    return list(db.scalars(select(Limit).order_by(Limit.id)))


def set_limit(db: Session, asked: LimitRequest, *, by: User) -> Limit:
    """Raises ``Invalid`` for a user or an experiment that there is not. What runs goes on."""
    limit = _of_user(db, asked.user) if asked.user else _of_experiment(db, asked.experiment or "")
    limit.runs, limit.devices = asked.runs, asked.devices
    db.add(limit)
    db.flush()
    record_deed(db, "limit set", by=by, detail=asked.model_dump(exclude_none=True))
    tell(db, "limit", limit.id)
    nudge(db, "worker.start_runs")
    return limit


def lift_limit(db: Session, limit_id: int, *, by: User) -> None:
    """Raises ``NotFound``."""
    limit = db.get(Limit, limit_id)
    if limit is None:
        raise NotFound.of("limit", limit_id)
    db.delete(limit)
    record_deed(db, "limit lifted", by=by, detail={"user": limit.user_id, "experiment": limit.experiment_id})
    tell(db, "limit", limit.id)
    nudge(db, "worker.start_runs")


def user_names(db: Session) -> list[str]:
    return list(db.scalars(select(User.name).order_by(User.name)))


def _of_user(db: Session, name: str) -> Limit:
    user_id = db.scalar(select(User.id).where(User.name == name))
    if user_id is None:
        sentence = f"There is no user {name!r}. There are: {', '.join(user_names(db))}."
        raise Invalid(f"user: {sentence}", fields={"user": sentence})
    return db.scalar(select(Limit).where(Limit.user_id == user_id)) or Limit(user_id=user_id)


def _of_experiment(db: Session, name: str) -> Limit:
    experiment = experiments.find(db, name)
    if experiment is None:
        sentence = f"There is no experiment {name!r}: launch a run in it first, or choose another."
        raise Invalid(f"experiment: {sentence}", fields={"experiment": sentence})
    found = db.scalar(select(Limit).where(Limit.experiment_id == experiment.id))
    return found or Limit(experiment_id=experiment.id)
