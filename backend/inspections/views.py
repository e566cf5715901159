from typing import Literal

from pydantic import Field

from backend.trees import Tree
from backend.views import Id, Request, View


class LookRequest(Request):
    """Which views to show: of a run's definition, or of one that is being written."""

    run_id: Id | None = None
    """Run whose definition is taken."""
    definition: Tree | None = None
    """A whole definition, instead of a run."""
    position: Id = 0
    """Place of the video or image in the training split's index, from 0."""
    seed: Id | None = None
    """None takes the definition's own."""
    epoch: int = Field(default=0, ge=0, le=1_000_000)
    """Epoch, from 0."""


class BoxView(View):
    """Part of the source picture, in its pixels."""

    top: int
    left: int
    height: int
    width: int


class OperationView(View):
    """One change of a view."""

    name: str
    is_applied: bool
    """Whether it was drawn."""
    probability: float
    words: str
    values: dict[str, float]


class SeenView(View):
    """One view of an item, as a training is fed it."""

    source_url: str
    """The frames that it is cut from."""
    view_url: str
    """The view itself, frame by frame in step with its source."""
    size: int
    start_s: float
    frames: list[int]
    times_s: list[float]
    source_width: int
    source_height: int
    box: BoxView
    operations: list[OperationView]


class LookView(View):
    """The views of one item at one seed and epoch."""

    state: Literal["waiting", "ready", "failed"]
    """While it waits, a worker is making the clips: ask again."""
    failure: str | None
    kind: Literal["video", "image"]
    path: str
    class_name: str | None
    split: str
    position: int
    num_items: int
    """Items of the split."""
    dataset: str
    seed: int
    epoch: int
    views: list[SeenView]
