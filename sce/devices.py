"""What makes a training fast on the device it runs on, and changes nothing of what it computes but its rounding."""

from typing import Literal

import torch
from torch import nn

from sce.definition import Compute

Arithmetic = Literal["32", "bf16-mixed", "16-mixed"]
# The parts that a step runs every clip through.
COMPILED = ("trunk", "momentum_trunk", "projector", "momentum_projector", "predictor", "classifier")
_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}


def arithmetic(compute: Compute, device: torch.device) -> Arithmetic:
    """The precision that is meant: ``mixed`` is bfloat16 where the device computes in it, else float16."""
    if compute.precision != "mixed":
        return compute.precision
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return "16-mixed"
    return "bf16-mixed"


def may_fuse(compute: Compute, device: torch.device) -> bool:
    """Whether one kernel moves all weights: on GPUs, but not where a scaler may leave out a step.

    A fused optimizer takes the scaler's part on the device, where nobody would see that the step was left out.
    """
    return device.type == "cuda" and arithmetic(compute, device) != "16-mixed"


def prepare(network: nn.Module, compute: Compute, device: torch.device) -> None:
    """Before the weights go to ``device``: colours last on a GPU, and compiled parts where that is asked for."""
    if device.type == "cuda":
        colours_last(network)
    if compute.compile:
        for name in COMPILED:
            if isinstance(part := getattr(network, name, None), nn.Module):
                part.compile()


def colours_last(network: nn.Module) -> None:
    """Lay convolutions out as tensor cores read them; what goes through them then follows their layout."""
    for weight in network.parameters():
        if weight.ndim in _LAST:
            weight.data = weight.data.contiguous(memory_format=_LAST[weight.ndim])
