from datetime import datetime

from pydantic import Field

from backend.views import Request, View


class ExperimentRequest(Request):
    name: str = Field(min_length=1, max_length=128)
    description: str = Field(default="", max_length=10_000)


class ExperimentEdit(Request):
    name: str | None = Field(default=None, min_length=1, max_length=128)
    description: str | None = Field(default=None, max_length=10_000)
    archived: bool | None = None


class ExperimentView(View):
    id: int
    name: str
    description: str
    created_at: datetime
    archived: bool
    num_runs: int
    num_active: int
    """Runs that are queued, starting, running, stopping or preempted."""
    num_failed: int
    last_activity_at: datetime
