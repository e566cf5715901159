"""Limits beside what of each is used."""

from sqlalchemy.orm import Session

from backend.experiments import service as experiments
from backend.limits.service import all_limits, user_names
from backend.limits.tables import Limit
from backend.limits.views import LimitsView, LimitView
from backend.people.deeds import user_names as names_of
from backend.runs.queue import quotas
from backend.runs.views import ExperimentRef


def limits_view(db: Session) -> LimitsView:
    return LimitsView(limits=limit_views(db, all_limits(db)), users=user_names(db))


def limit_views(db: Session, limits: list[Limit]) -> list[LimitView]:
    users = names_of(db, {limit.user_id for limit in limits if limit.user_id is not None})
    named = experiments.names(
        db, {limit.experiment_id for limit in limits if limit.experiment_id is not None}
    )
    used = quotas(db)
    views = []
    for limit in limits:
        of_user, of_experiment = limit.user_id or 0, limit.experiment_id or 0
        quota = used.of_users.get(of_user) or used.of_experiments[of_experiment]
        experiment = ExperimentRef(id=of_experiment, name=named[of_experiment]) if of_experiment else None
        views.append(
            LimitView(
                id=limit.id,
                user=users.get(of_user),
                experiment=experiment,
                runs=limit.runs,
                devices=limit.devices,
                used_runs=quota.used_runs,
                used_devices=quota.used_devices,
            )
        )
    return views
