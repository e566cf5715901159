from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from backend.runs.views import RunRef
from backend.views import Request, View
from sce.definition import RunKind


class Score(View):
    """What one evaluation says of a checkpoint."""

    run_id: int
    kind: RunKind
    state: str
    values: dict[str, float]


class CheckpointView(View):
    id: int
    run: RunRef
    experiment: str
    step: int
    epoch: float
    kind: Literal["initial", "periodic", "last", "best", "final"]
    bytes: int
    sha256: str
    path: str
    pinned: bool
    created_at: datetime
    removed_at: datetime | None
    scores: list[Score]
    held_by: list[str]
    """What refers to it, in words; it cannot be removed while anything does."""
    may: list[Literal["evaluate", "resume", "pin", "unpin", "download", "remove"]]


class CheckpointEdit(Request):
    pinned: bool


class EvaluateRequest(Request):
    """Evaluate a checkpoint."""

    recipe: str | None = None
    """An evaluation recipe; or give a protocol."""
    protocol: dict[str, Any] | None = None
    """A protocol, as in {"kind": "knn", "k": 20}."""
    data: dict[str, Any] | None = None
    """Data set to evaluate on; None takes the pretraining's own."""
    overrides: dict[str, Any] = Field(default={}, max_length=200)
