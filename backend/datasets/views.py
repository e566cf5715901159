from datetime import datetime
from typing import Literal

from pydantic import Field

from backend.views import Request, View

DatasetState = Literal["waiting", "indexing", "ready", "failed"]


class DatasetRequest(Request):
    name: str = Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]*$")
    root: str = Field(min_length=1, max_length=1024)
    """Folder: absolute, or relative to a data root. It must lie under one of the data roots."""
    kind: Literal["video", "image"] = "video"


class SplitView(View):
    name: str
    num_items: int
    num_unreadable: int
    duration_s: float
    bytes: int


class ClassCount(View):
    name: str
    label: int
    counts: dict[str, int]
    """Items by split."""


class DatasetView(View):
    id: int
    name: str
    root: str
    kind: Literal["video", "image"]
    state: DatasetState
    failure: str | None
    num_classes: int
    num_items: int
    num_unreadable: int
    splits: list[SplitView]
    created_at: datetime
    indexed_at: datetime | None
    num_runs: int


class DatasetDetail(DatasetView):
    classes: list[ClassCount]


class ItemView(View):
    """One video or image."""

    id: int
    split: str
    position: int | None
    path: str
    class_name: str | None
    label: int | None
    num_frames: int | None
    fps: float | None
    duration_s: float | None
    width: int | None
    height: int | None
    codec: str | None
    bytes: int | None
    unreadable: str | None
    preview_url: str
    """A small video or image that browsers can show; answers 202 while it is being made."""
