"""Two and four processes compute what one computes on the joined batch: the loss, the keys and every gradient.

Batch norm uses its running statistics here: what is compared is what the methods gather, not SyncBatchNorm.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from sce.data.clips import CHANCES
from sce.data.module import ClipBatch
from sce.definition import Pretrain
from sce.methods import AnyMethod, build_method
from sce.methods.family import MomentumMethod
from sce.modules import any_rank
from sce.probing import average
from tests.sce.tiny import tiny

JOINED = 8
HEAD = {"hidden_width": 8, "width": 8}
PLAIN_HEAD = HEAD | {"num_layers": 2, "norm_last": False}
SCE = {"kind": "sce", "queue_size": 11, "projector": HEAD, "predictor": {"hidden_width": 8}}
METHODS: dict[str, dict[str, Any]] = {
    "sce": SCE,
    "sce with keys": SCE | {"use_keys": True},
    "sce shuffled": SCE | {"symmetric": False, "shuffle_norm": True},
    "moco with keys": {"kind": "moco", "queue_size": 11, "projector": PLAIN_HEAD, "use_keys": True},
    "ressl": {"kind": "ressl", "queue_size": 11, "projector": PLAIN_HEAD},
    "moco3": {"kind": "moco3", "projector": HEAD, "predictor": {"hidden_width": 8}},
    "simclr": {"kind": "simclr", "projector": PLAIN_HEAD},
}
PLAIN = {"size": 16, "jitter": {"p": 0}, "grey_p": 0, "blur_p": 0, "solarize_p": 0, "flip_p": 0}


def asked(method: dict[str, Any], devices: int) -> Pretrain:
    return tiny(
        Path("nowhere"),
        views={"views": [PLAIN, PLAIN]},
        method=method,
        optimisation={"epochs": 1, "batch_size": JOINED},
        compute={"accelerator": "cpu", "devices": devices},
    )


def joined_batch() -> ClipBatch:
    generator = torch.Generator().manual_seed(1)
    views = tuple(
        torch.randint(0, 256, (JOINED, 3, 4, 16, 16), generator=generator).to(torch.uint8) for _ in range(2)
    )
    chances = (np.zeros((JOINED, CHANCES), np.float32),) * 2
    return ClipBatch(views, chances, torch.zeros(JOINED).long(), torch.arange(JOINED))


def part_of(batch: ClipBatch, rank: int, world_size: int) -> ClipBatch:
    own = slice(rank * JOINED // world_size, (rank + 1) * JOINED // world_size)
    views, chances = ([one[own] for one in many] for many in (batch.views, batch.chances))
    return ClipBatch(tuple(views), tuple(chances), batch.label_B[own], batch.position_B[own])


def computed(method: dict[str, Any], batch: ClipBatch, devices: int) -> tuple[AnyMethod, torch.Tensor]:
    """The method after a backward pass, its gradients those of this process alone."""
    torch.manual_seed(0)
    built = build_method(asked(method, devices), steps=10, steps_per_epoch=10).eval()
    loss = built.training_step(batch, 0)
    loss.backward()
    return built, loss.detach()


def keys_of(method: AnyMethod) -> list[torch.Tensor]:
    return method._fresh_NC if isinstance(method, MomentumMethod) else []


def work(rank: int, world_size: int, folder: str) -> None:
    """What one process does: its part of each method's step, then gradients averaged as training does."""
    torch.set_num_threads(1)
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world_size)
    found: dict[str, Any] = {}
    for name, method in METHODS.items():
        torch.manual_seed(rank)
        built, loss = computed(method, part_of(joined_batch(), rank, world_size), world_size)
        gradients = {key: weight.grad for key, weight in built.named_parameters() if weight.grad is not None}
        for value in (loss, *gradients.values()):
            dist.all_reduce(value)
            value /= world_size
        found[name] = {"loss": loss, "gradients": gradients, "keys": keys_of(built)}
    gradient = torch.full((2,), float(rank))
    average([gradient])
    found["probe"] = gradient
    # All but the last rank are asked nothing: whether one is heard, and nobody where nobody was asked.
    found["agreed"] = [any_rank(rank == world_size - 1), any_rank(False)]
    torch.save(found, f"{folder}/rank{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
@pytest.mark.parametrize("world_size", [2, 4])
def test_processes_together_compute_what_one_computes_on_the_joined_batch(
    world_size: int, tmp_path: Path
) -> None:
    mp.spawn(work, args=(world_size, str(tmp_path)), nprocs=world_size)
    ranks = [torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in range(world_size)]
    assert {rank["probe"].tolist()[0] for rank in ranks} == {(world_size - 1) / 2}
    for name, method in METHODS.items():
        built, loss = computed(method, joined_batch(), 1)
        for found in (rank[name] for rank in ranks):
            assert float(found["loss"]) == pytest.approx(float(loss), abs=1e-5), name
            for key, weight in built.named_parameters():
                if weight.grad is not None:
                    torch.testing.assert_close(found["gradients"][key], weight.grad, rtol=1e-4, atol=1e-5)
            # Every rank gathered the same keys, in rank order: what its queue will hold.
            torch.testing.assert_close(found["keys"], keys_of(built), rtol=0, atol=1e-5)
    assert [rank["agreed"] for rank in ranks] == [[True, False]] * world_size
