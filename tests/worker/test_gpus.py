"""How busy GPUs are, as NVIDIA's library says it; here a library that a test writes."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from worker import gpus
from worker.gpus import GpuLoad, gpu_load


class Silent(Exception):
    pass


def library(*, broken: bool = False) -> Any:
    """Two GPUs, of which the second is busy."""
    busy, used = [0, 90], [2**30, 2**33]

    def rates(handle: int) -> SimpleNamespace:
        if broken:
            raise Silent("GPU is lost")
        return SimpleNamespace(gpu=busy[handle])

    return SimpleNamespace(
        NVMLError=Silent,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda number: number,
        nvmlDeviceGetUUID=lambda handle: f"GPU-{handle}",
        nvmlDeviceGetUtilizationRates=rates,
        nvmlDeviceGetMemoryInfo=lambda handle: SimpleNamespace(used=used[handle]),
    )


@pytest.mark.parametrize(
    ("visible", "load"),
    [
        (None, GpuLoad(45.0, 2**30 + 2**33)),
        ("1", GpuLoad(90.0, 2**33)),
        ("GPU-0", GpuLoad(0.0, 2**30)),
        ("", GpuLoad()),
    ],
)
def test_only_those_that_runs_may_get_are_counted(
    visible: str | None, load: GpuLoad, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpus, "_library", library)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpu_load() == load


def test_a_driver_that_fails_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gpus, "_library", lambda: library(broken=True))
    with caplog.at_level(logging.WARNING):
        assert [gpu_load(), gpu_load()] == [GpuLoad(), GpuLoad()]
    assert [record.message for record in caplog.records] == [
        "How busy the GPUs are cannot be read: GPU is lost"
    ]


def test_a_host_without_a_driver_measures_nothing() -> None:
    """The package itself, on whatever this host is."""
    load = gpu_load()
    assert (load.percent is None) == (load.memory_used_bytes is None)
