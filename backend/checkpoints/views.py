from datetime import datetime
from typing import Literal

from pydantic import Field

from backend.runs.views import RunRef
from backend.trees import Tree
from backend.views import Request, View
from sce.definition import RunKind
from sce.definition.exports import Layout


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
    kind: Literal["initial", "periodic", "last", "imported", "best", "final"]
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
    layouts: list[Layout]
    """Layouts in which its trunk can be given away."""


class CheckpointEdit(Request):
    pinned: bool


class CardScore(View):
    """One evaluation on a card."""

    kind: str
    dataset: str
    split: str
    protocol: str
    values: dict[str, float]


class CardView(View):
    """What a trunk is, how it was trained, and what it scored."""

    name: str
    experiment: str
    trunk: str
    features: int
    """Width of its features."""
    parameters: int
    sha256: str
    reads: str
    """What it is shown, and how that is normalised."""
    trained: dict[str, str]
    """How, as facts by name."""
    scores: list[CardScore]
    layouts: list[Layout]
    definition: Tree
    """The whole definition of its training, or of its import."""


class EvaluateRequest(Request):
    """Evaluate a checkpoint."""

    recipe: str | None = None
    """An evaluation recipe; or give a protocol."""
    protocol: Tree | None = None
    """A protocol, as in {"kind": "knn", "k": 20}."""
    data: Tree | None = None
    """Data set to evaluate on; None takes the pretraining's own."""
    overrides: Tree = Field(default={}, max_length=200)
