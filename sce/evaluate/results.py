"""What an evaluation gives, and how arrays are kept."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scores:
    """``values`` in [0, 1]; ``remarks`` complete the protocol; ``files`` are relative to the run folder."""

    values: dict[str, float]
    remarks: dict[str, Any]
    files: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Features:
    """A split's features (N, d) float32, their labels (N,) and their positions in the index (N,)."""

    features: NDArray[np.float32]
    label: NDArray[np.int64]
    position: NDArray[np.int64]
    scored: str
    """How many of the split's items they are, as "118 of 120"."""


def save_arrays(file: Path, **arrays: NDArray[Any]) -> None:
    """Write an .npz that a reader sees whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)


def save_whole(file: Path, state: object) -> None:
    """``torch.save`` that a reader sees whole or not at all."""
    import torch

    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as stream:
        torch.save(state, stream)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
