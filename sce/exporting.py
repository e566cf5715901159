"""Gives a trunk away under the names that another code base reads, its tensors unchanged."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sce.checkpoints import UnusableCheckpoint, load_trunk, write_atomically
from sce.definition import Trunk
from sce.definition.exports import LAYOUTS, Layout, layouts_of
from sce.naming import COUNTER, names, namings_of


@dataclass(frozen=True)
class Given:
    """What was written."""

    tensors: int
    bytes: int


def give(path: Path, sha256: str | None, branch: str, *, layout: str, out: Path) -> Given:
    """Write the trunk of one of our checkpoints in ``layout``. Raises ``UnusableCheckpoint``."""
    network, pretrain = load_trunk(path, sha256, branch)
    trunk = pretrain.trunk
    wanted = next((one for one in LAYOUTS if one == layout), None)
    if wanted is None or wanted not in layouts_of(trunk):
        raise UnusableCheckpoint(
            f"A {trunk.kind} trunk has no {layout} layout: choose {', '.join(layouts_of(trunk))}"
        )
    weights = as_named(network.state_dict(), wanted, trunk)
    if wanted == "safetensors":
        write_atomically(out, lambda file: _save_safetensors(weights, file, trunk))
    else:
        content = wrapped(weights, wanted)
        write_atomically(out, lambda file: torch.save(content, file))
    return Given(len(weights), out.stat().st_size)


def as_named(state: Mapping[str, Tensor], layout: Layout, trunk: Trunk) -> dict[str, Tensor]:
    """The trunk's tensors by the layout's names; safetensors takes those of the released encoders."""
    if layout == "safetensors":
        naming = "pytorchvideo" if "pytorchvideo" in namings_of(trunk) else namings_of(trunk)[0]
    else:
        naming = layout
    named = {name: state[key].contiguous() for name, key in names(state, naming).items()}
    if layout == "detectron2":  # its frozen norms count nothing
        return {name: value for name, value in named.items() if not name.endswith(COUNTER)}
    return named


def wrapped(weights: dict[str, Tensor], layout: Layout) -> dict[str, Any]:
    """The file's content as the code base expects it."""
    if layout == "slowfast":  # TRAIN.CHECKPOINT_FILE_PATH, with CHECKPOINT_EPOCH_RESET
        return {"model_state": weights}
    if layout == "detectron2":  # MODEL.WEIGHTS; it finds by itself where in the detector the names belong
        return {"model": weights, "__author__": "SCE Lab", "matching_heuristics": True}
    return dict(weights)


def _save_safetensors(weights: dict[str, Tensor], file: Path, trunk: Trunk) -> None:
    from safetensors.torch import save_file  # only this layout needs it

    save_file(weights, file, metadata={"format": "pt", "trunk": trunk.model_dump_json()})
