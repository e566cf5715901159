"""An evaluation on several devices: one process a device, each with its share of the items.

Every process goes through the same phases; only the first writes the journal and the results.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from sce.evaluate.bench import CannotEvaluate, Reporter, Stopped
from sce.modules import any_rank, gather_objects
from sce.rundir import StopReason

T = TypeVar("T")
# A process may wait for the slowest share of a split; one that died is noticed by who started them.
PATIENCE = timedelta(hours=6)


@contextmanager
def joined(asked: int, *, on_gpu: bool) -> Iterator[None]:
    """Join the other processes of this evaluation, as torchrun or srun started them; alone where nobody did.

    Raises ``CannotEvaluate`` when there are others than the ``asked`` ones.
    """
    from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
    from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
    from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment

    one: ClusterEnvironment | None = None
    if TorchElasticEnvironment.detect():
        one = TorchElasticEnvironment()
    elif "SLURM_NTASKS" in os.environ and SLURMEnvironment.detect():
        one = SLURMEnvironment(auto_requeue=False)
    size = one.world_size() if one else 1
    if size != asked:
        raise CannotEvaluate(
            f"compute.devices x compute.nodes is {asked} and {size} processes were started: start as many, as in "
            "torchrun --nproc-per-node DEVICES -m sce.train RUN_DIR"
        )
    if one is None or size == 1:
        yield
        return
    os.environ.setdefault("MASTER_ADDR", one.main_address)
    os.environ.setdefault("MASTER_PORT", str(one.main_port))
    if on_gpu:
        torch.cuda.set_device(one.local_rank())
    backend = "cpu:gloo,cuda:nccl" if on_gpu else "gloo"
    dist.init_process_group(backend, rank=one.global_rank(), world_size=size, timeout=PATIENCE)
    try:
        yield
    finally:
        dist.destroy_process_group()


def world_size() -> int:
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def together(work: Callable[[], T]) -> T:
    """Every process's own share of a phase. One that is asked to leave takes the others with it, at its end.

    Raises ``Stopped`` on all of them.
    """
    found: list[T] = []
    reason: StopReason | None = None
    try:
        found.append(work())
    except Stopped as stopped:
        reason = stopped.reason
    _leave_with(reason)
    return found[0]


def leave_together(report: Reporter) -> None:
    """``report.leave_if_asked`` of every process at the same moment. Raises ``Stopped`` on all of them."""
    _leave_with(report.asked())


def _leave_with(reason: StopReason | None) -> None:
    if any_rank(reason is not None):
        heard = [one for one in gather_objects(reason) if one is not None]
        raise Stopped(reason or heard[0])


def summed(values: Tensor) -> Tensor:
    """The sum over processes, in place."""
    if world_size() > 1:
        dist.all_reduce(values)
    return values


def average_gradients(network: nn.Module) -> None:
    """Every process's gradients become their mean; one message for all of one type."""
    if world_size() == 1:
        return
    gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
    for kind in {gradient.dtype for gradient in gradients}:
        alike = [gradient for gradient in gradients if gradient.dtype == kind]
        flat = summed(torch.cat([gradient.reshape(-1) for gradient in alike])) / world_size()
        for gradient, part in zip(alike, flat.split([one.numel() for one in alike]), strict=True):
            gradient.copy_(part.view_as(gradient))


def same_buffers(network: nn.Module) -> None:
    """Take the first process's running statistics, where each has normalised its own part of a batch."""
    if world_size() > 1:
        for buffer in network.buffers():
            dist.broadcast(buffer, src=0)


def sharing_norms(network: nn.Module, device: torch.device) -> nn.Module:
    """Batch norms over all processes' clips; on CPUs there are none, and each normalises its own part."""
    if world_size() == 1 or device.type != "cuda":
        return network
    shared: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(network)
    return shared
