"""What this host has to run on, found without torch: its GPUs, or slots of its CPUs."""

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from backend.settings import Settings
from sce.data.choice import NoReader, chosen_reader

QUERY = ("--query-gpu=index,uuid,memory.total,name", "--format=csv,noheader,nounits")
MAKERS = frozenset({"nvidia", "geforce", "tesla", "quadro", "amd", "instinct"})
NO_LABEL = re.compile(r"[^A-Za-z0-9._-]+")
PACKAGES = ("scelab", "torch", "torchvision", "lightning", "torchcodec", "av")


@dataclass(frozen=True)
class FoundDevice:
    """One GPU, or one slot of the CPUs. ``memory_bytes`` is None for a slot."""

    kind: Literal["gpu", "cpu"]
    number: int
    name: str
    memory_bytes: int | None = None


def find_devices(settings: Settings) -> tuple[FoundDevice, ...]:
    """The host's GPUs and its CPU slots; a run takes one kind or the other."""
    gpus = parse_gpus(_ask_nvidia_smi(), visible=os.environ.get("CUDA_VISIBLE_DEVICES"))
    name = platform.processor() or platform.machine()
    slots = tuple(FoundDevice("cpu", number, name) for number in range(settings.cpu_slots))
    return (*gpus, *slots)


def parse_gpus(csv: str, *, visible: str | None) -> tuple[FoundDevice, ...]:
    """GPUs of nvidia-smi's list that may be used; ``visible`` is CUDA_VISIBLE_DEVICES, None for all.

    Lines that name no GPU ("No devices were found", a driver's warning) are passed over.
    """
    allowed = None if visible is None else {part.strip() for part in visible.split(",")}
    found = []
    for line in csv.strip().splitlines():
        fields = [part.strip() for part in line.split(",", 3)]
        if len(fields) != 4 or not fields[0].isdigit():
            continue
        index, uuid, memory_mib, name = fields
        if allowed is None or index in allowed or uuid in allowed:
            memory = int(memory_mib) * 2**20 if memory_mib.isdigit() else None
            found.append(FoundDevice("gpu", int(index), name, memory))
    return tuple(found)


def labels_of(devices: Sequence[FoundDevice], *, host: str, set_here: Mapping[str, str]) -> dict[str, str]:
    """What a run may require of this host: its name, the model of its GPUs, and what the settings say."""
    models = {model_of(device.name) for device in devices if device.kind == "gpu"}
    found = {"host": NO_LABEL.sub("-", host)[:64]}
    if len(models) == 1:  # of several models none is true of every GPU that a run may get
        found["gpu"] = models.pop()
    return found | dict(set_here)


def model_of(name: str) -> str:
    """The short name of a GPU's model: NVIDIA A100-SXM4-80GB is an a100, an RTX A6000 an rtx-a6000."""
    words = [word for word in re.split(r"[\s-]+", name.lower()) if word not in MAKERS]
    last = next((place for place, word in enumerate(words) if re.search(r"\d", word)), len(words) - 1)
    return NO_LABEL.sub("-", "-".join(words[: last + 1]))[:64] or "unknown"


def find_versions() -> Mapping[str, str]:
    """Versions of what a run's numbers may depend on, and the reader of its videos, without importing any of it."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue  # a host may lack the training extra, or a decoder
    try:
        found["videos read by"] = chosen_reader()
    except NoReader as error:
        found["videos cannot be read:"] = str(error)
    return found


def _ask_nvidia_smi() -> str:
    """nvidia-smi's list, empty on a host without it or without a driver."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    try:
        answer = subprocess.run([program, *QUERY], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout if answer.returncode == 0 else ""
