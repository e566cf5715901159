from typing import Annotated

from fastapi import APIRouter, Query

from backend.edge import CurrentUser, Db
from backend.metrics import service
from backend.metrics.service import Asked
from backend.metrics.views import MetricsView, SeriesSummary
from backend.views import Id, Text

router = APIRouter(prefix="/api/v1", tags=["metrics"])


@router.get("/runs/{run_id}/metrics")
def list_series(db: Db, user: CurrentUser, run_id: Id) -> list[SeriesSummary]:
    """The metrics that a run has, each with its last, smallest and largest value."""
    return service.list_series(db, run_id)


@router.get("/metrics")
def read_metrics(
    db: Db,
    user: CurrentUser,
    run: Annotated[list[Id], Query(min_length=1, max_length=100)],
    key: Annotated[list[Text], Query(min_length=1, max_length=50)],
    first_step: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
    last_step: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
    width: Annotated[int, Query(ge=1, le=5000)] = 800,
    after: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
) -> MetricsView:
    """Curves in at most ``width`` buckets each. With ``after`` (a cursor), only points since, unfolded."""
    asked = Asked(run_ids=run, keys=key, first_step=first_step, last_step=last_step, width=width, after=after)
    return service.read_metrics(db, asked)
