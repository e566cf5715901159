from fastapi import APIRouter

from backend.edge import CurrentUser, Db
from backend.experiments import service
from backend.experiments.views import ExperimentEdit, ExperimentRequest, ExperimentView
from backend.views import Id

router = APIRouter(prefix="/api/v1/experiments", tags=["experiments"])


@router.get("")
def list_experiments(db: Db, user: CurrentUser, archived: bool = False) -> list[ExperimentView]:
    """All experiments, the latest active first."""
    return service.list_experiments(db, archived=archived)


@router.post("", status_code=201)
def create_experiment(db: Db, user: CurrentUser, asked: ExperimentRequest) -> ExperimentView:
    """Make an experiment to gather runs under."""
    return service.create_experiment(db, asked, by=user)


@router.get("/{experiment_id}")
def read_experiment(db: Db, user: CurrentUser, experiment_id: Id) -> ExperimentView:
    """One experiment."""
    return service.read_experiment(db, experiment_id)


@router.patch("/{experiment_id}")
def edit_experiment(db: Db, user: CurrentUser, experiment_id: Id, asked: ExperimentEdit) -> ExperimentView:
    """Rename, describe, archive or restore an experiment."""
    return service.edit_experiment(db, experiment_id, asked, by=user)
