"""Parts that methods share: heads, the queue of past keys, and how the momentum branch follows."""

import copy
from functools import cache
from typing import Any, TypeVar

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from sce.definition import Predictor, Projector
from sce.losses import full

Thing = TypeVar("Thing")


class KeyQueue(nn.Module):
    """The latest Q target embeddings, the oldest overwritten first; every rank holds the same ones."""

    keys_QC: Tensor
    next_slot: Tensor

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        # Persistent, so that a resumed run contrasts against the very same keys.
        self.register_buffer("keys_QC", F.normalize(torch.randn(size, width), dim=1))
        self.register_buffer("next_slot", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def push(self, keys_NC: Tensor) -> None:
        """Overwrite the oldest keys; more keys than places leave the last ones."""
        size = len(self.keys_QC)
        if size == 0:
            return
        offset = max(len(keys_NC) - size, 0)
        places = (self.next_slot + offset + torch.arange(len(keys_NC) - offset, device=keys_NC.device)) % size
        self.keys_QC[places] = keys_NC[offset:].to(self.keys_QC.dtype)
        self.next_slot.copy_((self.next_slot + len(keys_NC)) % size)


def projector(width_in: int, shape: Projector) -> nn.Sequential:
    """Linear, batch norm, ReLU ... linear; the last norm has no weights. Linear before a norm has no bias."""
    layers: list[nn.Module] = []
    for _ in range(shape.num_layers - 1):
        layers.append(nn.Linear(width_in, shape.hidden_width, bias=not shape.norm_hidden))
        if shape.norm_hidden:
            layers.append(nn.BatchNorm1d(shape.hidden_width))
        layers.append(nn.ReLU(inplace=True))
        width_in = shape.hidden_width
    layers.append(nn.Linear(width_in, shape.width, bias=not shape.norm_last))
    if shape.norm_last:
        layers.append(nn.BatchNorm1d(shape.width, affine=False))
    return nn.Sequential(*layers)


def predictor(width: int, shape: Predictor) -> nn.Sequential:
    """Linear, batch norm, ReLU, linear, back to the embedding's width."""
    layers: list[nn.Module] = [
        nn.Linear(width, shape.hidden_width, bias=False),
        nn.BatchNorm1d(shape.hidden_width),
        nn.ReLU(inplace=True),
        nn.Linear(shape.hidden_width, width, bias=False),
    ]
    if shape.norm_last:
        layers.append(nn.BatchNorm1d(width, affine=False))
    return nn.Sequential(*layers)


def momentum_copy(branch: nn.Module) -> nn.Module:
    """An exact copy, parameters and buffers, that no gradient reaches."""
    return copy.deepcopy(branch).requires_grad_(False)


@torch.no_grad()
def follow(target: nn.Module, online: nn.Module, *, momentum: float) -> None:
    """Move the target's parameters towards the online ones; batch norm statistics are its own."""
    targets = [parameter.data for parameter in target.parameters()]
    onlines = [parameter.data for parameter in online.parameters()]
    torch._foreach_lerp_(targets, onlines, 1 - momentum)


def unit(embeddings: Tensor) -> Tensor:
    """Rows scaled to length 1, in float32 (or float64, if given)."""
    return F.normalize(full(embeddings), dim=-1)


def gather(rows: Tensor) -> Tensor:
    """Rows of every rank, in rank order, without gradient."""
    if not (dist.is_available() and dist.is_initialized()):
        return rows.detach()
    parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, rows.detach().contiguous())
    return torch.cat(parts)


def any_rank(decision: bool) -> bool:
    """Whether any rank says so: asked between the hosts' CPUs, so that no rank waits for its GPU."""
    if not (dist.is_available() and dist.is_initialized()):
        return decision
    told = torch.tensor(int(decision))
    dist.all_reduce(told, dist.ReduceOp.MAX, group=_of_cpus(dist.group.WORLD))
    return bool(told)


@cache
def _of_cpus(world: Any) -> Any:
    """A group of the same ranks that talks over the network alone."""
    return world if dist.get_backend(world) == "gloo" else dist.new_group(backend="gloo")


def gather_objects(own: Thing) -> list[Thing]:
    """One small object of every rank, in rank order."""
    if not (dist.is_available() and dist.is_initialized()):
        return [own]
    everyone: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(everyone, own)
    return everyone


def gather_with_gradient(rows: Tensor) -> Tensor:
    """Rows of every rank, in rank order; gradients of all ranks are summed back."""
    if not (dist.is_available() and dist.is_initialized()):
        return rows
    gathered: Tensor = _GatherWithGradient.apply(rows)
    return gathered


class _GatherWithGradient(torch.autograd.Function):
    """torch's own all_gather reads a gradient that is not contiguous as if it were: cross-rank terms went astray."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.num_rows = len(rows)
        return gather(rows)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        summed = gradients[0].clone(memory_format=torch.contiguous_format)
        dist.all_reduce(summed)
        return summed.narrow(0, rank() * ctx.num_rows, ctx.num_rows)


def rank() -> int:
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def shuffled(rows: Tensor) -> tuple[Tensor, Tensor]:
    """This rank's part of every rank's rows in a random order, and that order, the same on all ranks.

    Batch norm over such a part cannot tell which rows belong together (MoCo, arXiv 1911.05722, section 3.3).
    """
    everyone = gather(rows)
    order_N = torch.randperm(len(everyone)).to(rows.device, non_blocking=True)
    if dist.is_available() and dist.is_initialized():
        dist.broadcast(order_N, src=0)
    first = rank() * len(rows)
    return everyone[order_N[first : first + len(rows)]], order_N


def unshuffled(rows: Tensor, order_N: Tensor) -> Tensor:
    """Undo ``shuffled`` on what was made of its rows."""
    first = rank() * len(rows)
    return gather(rows)[order_N.argsort()[first : first + len(rows)]]


class SplitNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm that normalises interleaved parts of the batch apart, as so many devices would.

    Row i is of part i modulo ``splits``; the running statistics move to the mean over the parts.
    """

    splits: int = 1

    def _check_input_dim(self, rows: Tensor) -> None:
        if self.training and len(rows) % self.splits:
            raise ValueError(f"{len(rows)} clips cannot be normalised in {self.splits} equal parts")

    def forward(self, rows: Tensor) -> Tensor:
        if not self.training:
            return super().forward(rows)
        self._check_input_dim(rows)
        assert self.running_mean is not None
        assert self.running_var is not None
        parts = rows.reshape(len(rows) // self.splits, self.splits * rows.shape[1], *rows.shape[2:])
        mean, var = self.running_mean.repeat(self.splits), self.running_var.repeat(self.splits)
        weight, bias = self.weight.repeat(self.splits), self.bias.repeat(self.splits)
        out = F.batch_norm(parts, mean, var, weight, bias, True, self.momentum or 0.0, self.eps)
        self.running_mean.copy_(mean.view(self.splits, -1).mean(dim=0))
        self.running_var.copy_(var.view(self.splits, -1).mean(dim=0))
        return out.view_as(rows)


def split_norms(network: nn.Module, splits: int) -> None:
    """Make every batch norm over pictures or clips a SplitNorm, with the weights and statistics that it has."""
    for name, part in list(network.named_modules()):
        if isinstance(part, nn.BatchNorm2d | nn.BatchNorm3d):
            apart = SplitNorm(part.num_features, eps=part.eps, momentum=part.momentum)
            apart.load_state_dict(part.state_dict())
            apart.splits = splits
            parent, _, own = name.rpartition(".")
            setattr(network.get_submodule(parent), own, apart.requires_grad_(False))
