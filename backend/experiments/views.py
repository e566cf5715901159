from datetime import datetime

from pydantic import Field

from backend.views import Name, Request, View


class ExperimentRequest(Request):
    name: Name
    description: str = Field(default="", max_length=10_000)


class ExperimentEdit(Request):
    name: Name | None = None
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
