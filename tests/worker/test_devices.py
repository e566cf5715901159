"""What a host offers, read from whatever nvidia-smi prints."""

import os
from pathlib import Path

import pytest

from backend.settings import Settings
from sce.data.choice import VARIABLE
from worker.devices import FoundDevice, find_devices, find_versions, labels_of, model_of, parse_gpus

TWO = "0, GPU-aaaa, 24576, NVIDIA RTX A5000\n1, GPU-bbbb, 24576, NVIDIA RTX A5000\n"


@pytest.mark.parametrize(
    "noise",
    [
        "No devices were found\n",
        "Unable to determine the device handle for GPU 0000:01:00.0: Unknown Error\n",
        "WARNING: infoROM is corrupted at gpu 0000:01:00.0, and other, words, too\n",
        "\n\n",
    ],
)
def test_what_is_no_gpu_is_passed_over(noise: str) -> None:
    assert parse_gpus(noise, visible=None) == ()
    assert [gpu.number for gpu in parse_gpus(noise + TWO + noise, visible=None)] == [0, 1]


@pytest.mark.parametrize("memory", ["[N/A]", "[Not Supported]", "", "24576 MiB"])
def test_a_memory_that_is_not_told_is_unknown(memory: str) -> None:
    (gpu,) = parse_gpus(f"0, GPU-a, {memory}, NVIDIA GB10", visible=None)
    assert gpu == FoundDevice("gpu", 0, "NVIDIA GB10", None)


def test_memory_is_told_in_bytes() -> None:
    assert parse_gpus(TWO, visible=None)[0].memory_bytes == 24_576 * 1024 * 1024


def test_windows_line_ends_are_no_part_of_a_name() -> None:
    assert parse_gpus("0, GPU-a, 1, T4\r\n", visible=None)[0].name == "T4"


@pytest.mark.parametrize(
    ("visible", "numbers"),
    [("0", [0]), (" 1 ", [1]), ("1,0", [0, 1]), ("GPU-bbbb", [1]), ("7", []), ("-1", []), ("NoDevFiles", [])],
)
def test_only_those_that_cuda_may_see_are_offered(visible: str, numbers: list[int]) -> None:
    assert [gpu.number for gpu in parse_gpus(TWO, visible=visible)] == numbers


def smi(folder: Path, script: str) -> None:
    """A program of nvidia-smi's name."""
    (folder / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "nvidia-smi").chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that programs are looked for in first."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tmp_path


def test_a_host_offers_its_gpus_and_its_cpu_slots(path: Path, settings: Settings) -> None:
    smi(path, "echo '0, GPU-a, 100, T4'")
    found = find_devices(settings.model_copy(update={"cpu_slots": 2}))
    assert [(device.kind, device.number) for device in found] == [("gpu", 0), ("cpu", 0), ("cpu", 1)]


@pytest.mark.parametrize("script", ["echo 'no driver' >&2; exit 9", "echo '0, GPU-a, 100, T4'; exit 1"])
def test_a_host_whose_driver_fails_offers_its_cpu(script: str, path: Path, settings: Settings) -> None:
    smi(path, script)
    assert {device.kind for device in find_devices(settings)} == {"cpu"}


def test_hidden_gpus_are_not_offered(path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    smi(path, "echo '0, GPU-a, 100, T4'")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert {device.kind for device in find_devices(settings)} == {"cpu"}


def test_versions_are_found_without_importing_anything() -> None:
    versions = find_versions()
    assert versions["python"].startswith("3.")
    assert versions["av"]


@pytest.mark.parametrize(("wish", "name"), [("", "pyav"), ("torchcodec", "torchcodec")])
def test_a_host_says_which_reader_its_videos_get(
    wish: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, wish)
    assert find_versions()["videos read by"] == name


def test_a_host_told_to_use_an_unknown_reader_shows_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "decord")
    assert "choose auto, pyav" in find_versions()["videos cannot be read:"]


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("NVIDIA A100-SXM4-80GB", "a100"),
        ("NVIDIA H200", "h200"),
        ("NVIDIA RTX A6000", "rtx-a6000"),
        ("NVIDIA GeForce RTX 3090", "rtx-3090"),
        ("Tesla V100-PCIE-16GB", "v100"),
        ("NVIDIA TITAN", "titan"),
        ("", "unknown"),
    ],
)
def test_a_gpu_is_labelled_by_the_short_name_of_its_model(name: str, model: str) -> None:
    assert model_of(name) == model


def test_a_host_is_labelled_by_its_name_its_gpus_and_its_settings_and_these_win() -> None:
    gpus = [FoundDevice("gpu", number, "NVIDIA A100-SXM4-80GB") for number in range(2)]
    assert labels_of(gpus, host="node 1", set_here={"room": "b"}) == {
        "host": "node-1",
        "gpu": "a100",
        "room": "b",
    }
    assert labels_of(gpus, host="node1", set_here={"gpu": "fast"})["gpu"] == "fast"


def test_a_host_with_two_models_claims_neither() -> None:
    """A run that requires one of them may be given the other."""
    gpus = [FoundDevice("gpu", 0, "NVIDIA A100"), FoundDevice("gpu", 1, "NVIDIA H200")]
    assert labels_of(gpus, host="node1", set_here={}) == {"host": "node1"}
