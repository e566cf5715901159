"""What the Python client may ask for beside the obvious: filters, parts, and fields of requests."""

from collections.abc import Mapping
from typing import Any, TypedDict

from backend.runs.views import SortKey
from sce.definition import RunKind

Params = Mapping[str, Any]  # Any: query values of several types, and lists of them


class LaunchMore(TypedDict, total=False):
    """Fields of ``LaunchRequest`` beside the recipe and its overrides."""

    experiment: str
    name: str | None
    checkpoint_id: int | None
    seeds: list[int]
    priority: int
    tags: list[str]
    notes: str
    slurm: str | None
    is_draft: bool
    cloned_from_id: int | None


class RunFilter(TypedDict, total=False):
    """Which runs, in what order, and which page of them."""

    experiment_id: int
    kind: list[RunKind]
    state: list[str]
    parent_id: int
    seed_group: str
    tag: str
    q: str
    archived: bool
    sort: SortKey
    descending: bool
    page: int
    size: int


class LogPart(TypedDict, total=False):
    first_line: int
    num_lines: int
    search: str


class MetricsPart(TypedDict, total=False):
    first_step: int
    last_step: int
    width: int
    after: int


class CheckpointFilter(TypedDict, total=False):
    run_id: int
    pinned: bool
    removed: bool
    page: int
    size: int


class EvaluateAsked(TypedDict, total=False):
    """Fields of ``EvaluateRequest``."""

    recipe: str | None
    protocol: Params
    data: Params
    overrides: Params


class ForeignFile(TypedDict, total=False):
    """What is known of a file that was made elsewhere; the rest is found out."""

    trunk: Params | None
    naming: str | None
    prefix: str | None
    branch: str


class ForeignOrigin(ForeignFile, total=False):
    """Fields of ``ImportRequest``."""

    sha256: str
    name: str | None
    experiment: str
    origin: str
    recipe: str
    num_frames: int
    clip_s: float
