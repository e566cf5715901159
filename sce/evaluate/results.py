"""What an evaluation gives, and how arrays are kept."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sce.checkpoints import write_atomically


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
    several: NDArray[np.bool_] | None = None
    """Which classes each item shows (N, C), in a data set whose pictures show several."""

    def shown(self, num_classes: int) -> NDArray[np.bool_]:
        """Which classes each item shows (N, C): its label's, where it shows one."""
        return self.label[:, None] == np.arange(num_classes) if self.several is None else self.several


def save_arrays(file: Path, **arrays: NDArray[Any]) -> None:
    """Write an .npz that a reader sees whole or not at all."""

    def write(temporary: Path) -> None:
        with temporary.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)

    write_atomically(file, write)


def save_whole(file: Path, state: object) -> None:
    """``torch.save`` that a reader sees whole or not at all."""
    write_atomically(file, lambda temporary: torch.save(state, temporary))
