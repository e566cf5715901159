from typing import Annotated

from fastapi import APIRouter, Query

from backend.edge import Config, CurrentUser, Db
from backend.evaluations import retrieval, service
from backend.evaluations.retrieval import QueryFilter
from backend.evaluations.views import EvaluationsView, QueryPage, RetrievalView
from backend.views import Id

router = APIRouter(prefix="/api/v1/runs/{run_id}", tags=["evaluations"])


@router.get("/evaluations")
def read_evaluations(db: Db, user: CurrentUser, run_id: Id) -> EvaluationsView:
    """Scores of a pretraining's checkpoints on its epoch axis, and the runs that gave them."""
    return service.read_evaluations(db, run_id)


@router.get("/retrieval")
def read_retrieval(db: Db, config: Config, user: CurrentUser, run_id: Id) -> RetrievalView:
    """A retrieval's scores and protocol."""
    return retrieval.read_retrieval(db, run_id, settings=config)


@router.get("/retrieval/queries")
def list_queries(
    db: Db,
    config: Config,
    user: CurrentUser,
    run_id: Id,
    label: str | None = None,
    failures: bool = False,
    k: Annotated[int, Query(ge=1, le=50)] = 5,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    size: Annotated[int, Query(ge=1, le=50)] = 6,
) -> QueryPage:
    """Queries beside their ``k`` nearest videos; by class name, or only those whose nearest is wrong."""
    wanted = QueryFilter(label=label, failures=failures, k=k)
    return retrieval.list_queries(db, run_id, wanted, settings=config, page=page, size=size)
