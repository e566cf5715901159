from fastapi import APIRouter

from backend.edge import Administrator, CurrentUser, Db
from backend.limits import reading, service
from backend.limits.views import LimitRequest, LimitsView, LimitView
from backend.views import Id

router = APIRouter(prefix="/api/v1/limits", tags=["compute"])


@router.get("")
def list_limits(db: Db, user: CurrentUser) -> LimitsView:
    """How much users and experiments may hold at a time, and what they hold."""
    return reading.limits_view(db)


@router.put("")
def set_limit(db: Db, user: Administrator, asked: LimitRequest) -> LimitView:
    """Set the limit of a user or of an experiment. What runs goes on; nothing more starts above it."""
    return reading.limit_views(db, [service.set_limit(db, asked, by=user)])[0]


@router.delete("/{limit_id}", status_code=204)
def lift_limit(db: Db, user: Administrator, limit_id: Id) -> None:
    """Lift a limit."""
    service.lift_limit(db, limit_id, by=user)
