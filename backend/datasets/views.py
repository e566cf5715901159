from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, PositiveInt

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


PreparationState = Literal["waiting", "running", "stopping", "stopped", "finished", "failed"]
How = Literal["link", "encode", "frames"]


class DownloadView(View):
    what: str
    url: str
    where: str
    optional: bool


class KnownSet(View):
    """A data set of the catalogue, and what must be downloaded for it by hand."""

    name: str
    title: str
    kind: Literal["video", "image"]
    num_classes: int
    splits: list[str]
    short_side: int | None
    fps: float | None
    is_binary: bool
    downloads: list[DownloadView]


class PreparationRequest(Request):
    set_name: str = Field(min_length=1, max_length=32)
    """A name of the catalogue."""
    name: str = Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]*$")
    """Name of the data set that it becomes."""
    source: str = Field(min_length=1, max_length=1024)
    """Folder of what was downloaded, under a data root."""
    target: str = Field(default="", max_length=1024)
    """New folder under a data root; empty only checks and indexes the source."""
    how: How = "link"
    """link leaves files as they are; encode makes H.264 videos; frames cuts pictures."""
    short_side: Annotated[PositiveInt, Field(le=4096)] | None = None
    """Short side of what is made, in pixels; nothing is enlarged. None keeps the size."""
    fps: Annotated[float, Field(gt=0, le=1000)] | None = None
    """Frames per second of what is made. None keeps the rate; frames take that of the catalogue."""


class BadFile(View):
    path: str
    split: str
    reason: str


class ReportView(View):
    num_classes: int
    made: int
    kept: int
    """Files that an earlier, interrupted preparation had made."""
    warnings: list[str]
    bad: list[BadFile]
    """The first 200; all are in scelab-report.json in the folder."""
    num_bad: int
    seconds: float


class PreparationView(View):
    id: int
    set_name: str
    set_title: str
    name: str
    source: str
    target: str
    how: How
    short_side: int | None
    fps: float | None
    state: PreparationState
    stage: str
    done: int
    total: int
    num_bad: int
    eta_s: float | None
    sentence: str | None
    report: ReportView | None
    dataset_id: int | None
    created_at: datetime
    changed_at: datetime
