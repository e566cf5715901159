from datetime import datetime
from typing import Literal

from backend.runs.views import RunRef
from backend.views import Request, View


class DeviceView(View):
    id: int
    kind: Literal["gpu", "cpu"]
    number: int
    name: str
    memory_bytes: int | None
    run: RunRef | None
    """What runs on it."""


class HostView(View):
    id: int
    name: str
    state: Literal["online", "away", "disabled"]
    """away: no sign of its worker for 15 seconds."""
    enabled: bool
    cpu_count: int
    cpu_percent: float | None
    memory_bytes: int
    memory_used_bytes: int | None
    gpu_percent: float | None
    """How busy its GPUs are, in the mean; null where there is none, or nothing to ask."""
    gpu_memory_used_bytes: int | None
    """Of all its GPUs together, whoever uses it."""
    disk_free_bytes: int | None
    disk_total_bytes: int | None
    versions: dict[str, str]
    labels: dict[str, str]
    """What a run may require of it, as in gpu=a100: SCELAB_LABELS of its worker, and what it finds itself."""
    registered_at: datetime
    seen_at: datetime
    devices: list[DeviceView]
    """GPUs, or the CPU slots of a host without any."""


class HostLoadView(View):
    """How busy a host was in the last hour: a value every half minute, null where nothing was measured."""

    host_id: int
    began_at: datetime
    """When the first of them began."""
    every_s: int
    cpu_percent: list[float | None]
    memory_used_bytes: list[int | None]
    gpu_percent: list[float | None]
    gpu_memory_used_bytes: list[int | None]
    disk_free_bytes: list[int | None]


class HostEdit(Request):
    enabled: bool


class StorageView(View):
    """What takes how much room."""

    home: str
    data_roots: list[str]
    database: str
    """sqlite or postgresql."""
    disk_free_bytes: int
    disk_total_bytes: int
    runs_bytes: int
    checkpoints_bytes: int
    previews_bytes: int
    previews_quota_bytes: int
    database_bytes: int | None


class HealthView(View):
    status: Literal["ok", "degraded"]
    version: str
    database: Literal["ok", "away"]
    broker: Literal["ok", "away"]
    hosts_online: int
