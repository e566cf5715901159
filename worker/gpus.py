"""How busy this host's GPUs are, asked of the driver's own library: a program started for it would take seconds."""

import importlib.util
import logging
import os
from dataclasses import dataclass
from functools import cache
from typing import Any

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class GpuLoad:
    """None for what nobody could say."""

    percent: float | None = None
    memory_used_bytes: int | None = None


def gpu_load() -> GpuLoad:
    """Of those that runs may get. Nothing on a host without a driver; why it is silent otherwise is said once."""
    library = _library()
    if library is None:
        return GpuLoad()
    try:
        return _ask(library, os.environ.get("CUDA_VISIBLE_DEVICES"))
    except library.NVMLError as error:
        _say_once(str(error))
        return GpuLoad()


def _ask(library: Any, visible: str | None) -> GpuLoad:  # Any: a module without types
    handles = _handles(library, visible)
    if not handles:
        return GpuLoad()
    busy = [library.nvmlDeviceGetUtilizationRates(handle).gpu for handle in handles]
    used = [int(library.nvmlDeviceGetMemoryInfo(handle).used) for handle in handles]
    return GpuLoad(sum(busy) / len(busy), sum(used))


def _handles(library: Any, visible: str | None) -> list[Any]:  # Any: as above
    """The GPUs that CUDA may see, by number or by their own name, as in ``worker.devices``."""
    allowed = None if visible is None else {part.strip() for part in visible.split(",")}
    numbers = range(library.nvmlDeviceGetCount())
    every = {number: library.nvmlDeviceGetHandleByIndex(number) for number in numbers}
    return [
        handle
        for number, handle in every.items()
        if allowed is None or str(number) in allowed or library.nvmlDeviceGetUUID(handle) in allowed
    ]


@cache
def _library() -> Any | None:  # Any: as above
    """NVIDIA's library, open; None without it or without a driver."""
    if importlib.util.find_spec("pynvml") is None:
        return None
    library = importlib.import_module("pynvml")
    try:
        library.nvmlInit()
    except library.NVMLError as error:
        log.debug("no GPU can be asked: %s", error)
        return None
    return library


@cache
def _say_once(words: str) -> None:
    log.warning("How busy the GPUs are cannot be read: %s", words)
