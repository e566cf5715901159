"""Fifty steps of SCE, against a straight-line script written from the equations alone.

Once in float32 at mild temperatures, and once in float64 at the recipes' own: there training is so steep that two
roundings of the same float32 formula part within fifty steps. In float64 they have nothing to part by.

The script below takes nothing of the library but the first weights and the first queue: networks, loss, LARS,
schedules, momentum branch and queue are written out from arXiv 2111.14585 and 1708.03888.

B clips - C embedding width - K queue places
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader

from sce.callbacks import Scheduled
from sce.data.clips import CHANCES
from sce.data.module import ClipBatch
from sce.definition import Pretrain
from sce.methods import build_method
from sce.rundir import RunDir
from sce.session import Session
from tests.sce.tiny import tiny

EPOCHS, STEPS_PER_EPOCH, BATCH = 10, 5, 8
STEPS, WARMUP = EPOCHS * STEPS_PER_EPOCH, 2 * STEPS_PER_EPOCH
LAMBDA = 0.5
LR, DECAY, TRUST, BETA, MOMENTUM = 0.002, 1e-4, 0.001, 0.9, 0.95


class Temperatures(NamedTuple):
    tau: float
    tau_m: float


MILD, RECIPES = Temperatures(0.5, 0.3), Temperatures(0.1, 0.05)
PLAIN = {"size": 16, "jitter": {"p": 0}, "grey_p": 0, "blur_p": 0, "solarize_p": 0, "flip_p": 0}


def definition(root: Path, sharp: Temperatures) -> Pretrain:
    return tiny(
        root,
        views={"views": [PLAIN, PLAIN]},
        method={
            "kind": "sce",
            "contrast": LAMBDA,
            "temperature": sharp.tau,
            "target_temperature": sharp.tau_m,
            "queue_size": 21,  # 16 keys enter at a step: they wrap around
            "momentum": MOMENTUM,
            "projector": {"hidden_width": 16, "num_layers": 2, "width": 8},
            "predictor": {"hidden_width": 16},
        },
        optimisation={
            "epochs": EPOCHS,
            "batch_size": BATCH,
            "optimizer": {
                "kind": "lars",
                "lr": LR,
                "lr_scaling": "none",
                "weight_decay": DECAY,
                "trust": TRUST,
                "momentum": BETA,
            },
            "schedule": {"kind": "cosine", "warmup_epochs": 2},
        },
    )


def batches() -> list[ClipBatch]:
    """Fixed clips whose views are alike, so that there is something to learn."""
    generator = torch.Generator().manual_seed(7)
    made = []
    for number in range(STEPS):
        clip = torch.randint(0, 200, (BATCH, 3, 4, 16, 16), generator=generator)
        noise = [torch.randint(0, 56, clip.shape, generator=generator) for _ in range(2)]
        views = tuple((clip + one).to(torch.uint8) for one in noise)
        chances = (np.zeros((BATCH, CHANCES), np.float32),) * 2
        made.append(ClipBatch(views, chances, torch.zeros(BATCH).long(), torch.arange(BATCH) + number))
    return made


class Losses(lightning.Callback):
    def __init__(self) -> None:
        self.all: list[float] = []

    def on_train_batch_end(self, trainer: Any, module: Any, *_: Any) -> None:
        self.all.append(float(module.values["train/loss"]))


class InDouble(nn.Module):
    """Normalises as the script does, with nothing rounded to float32 on the way."""

    def forward(self, clips: Tensor, _: Any) -> Tensor:
        return (clips.double() / 255 - 0.45) / 0.225


def trained(asked: Pretrain, root: Path, dtype: torch.dtype) -> tuple[dict[str, Tensor], Any, list[float]]:
    """The weights before, the method after all steps, and the losses on the way."""
    torch.manual_seed(3)
    method = build_method(asked, steps=STEPS, steps_per_epoch=STEPS_PER_EPOCH).to(dtype)
    if dtype is torch.float64:
        method.augment = nn.ModuleList([InDouble(), InDouble()])
    first, losses = {name: value.clone() for name, value in method.state_dict().items()}, Losses()
    session = Session(RunDir(root), asked, 1, STEPS_PER_EPOCH, is_writer=False)
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_steps=STEPS,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[Scheduled(session), losses],
    )
    trainer.fit(method, DataLoader(batches(), batch_size=None, collate_fn=lambda batch: batch))  # type: ignore[arg-type]  # a list is a data set
    return first, method, losses.all


@pytest.mark.parametrize(
    ("sharp", "dtype", "near", "queue_near"),
    [(MILD, torch.float32, 1e-5, 1e-4), (RECIPES, torch.float64, 1e-9, 1e-9)],
    ids=["float32", "float64"],
)
def test_fifty_steps_equal_the_script_written_from_the_equations(
    tmp_path: Path, sharp: Temperatures, dtype: torch.dtype, near: float, queue_near: float
) -> None:
    first, method, losses = trained(definition(tmp_path, sharp), tmp_path, dtype)
    expected, online, behind, queue = straight_line(first, [batch.views for batch in batches()], sharp)

    assert len(losses) == len(expected) == STEPS
    np.testing.assert_allclose(losses, expected, rtol=0, atol=near)
    assert expected[-1] < expected[0] - 0.1, (
        "it learned something: the agreement is not one of standing still"
    )
    found = method.state_dict()
    for name, value in online.items():
        torch.testing.assert_close(found[name], value, rtol=near, atol=near)
    for name, value in behind.items():
        torch.testing.assert_close(found[f"momentum_{name}"], value, rtol=near, atol=near)
    torch.testing.assert_close(found["queue.keys_QC"], queue, rtol=0, atol=queue_near)


# -- the script


def straight_line(
    first: dict[str, Tensor], clips: list[tuple[Tensor, ...]], sharp: Temperatures
) -> tuple[list[float], dict[str, Tensor], dict[str, Tensor], Tensor]:
    """Losses of all steps, then the online weights, the momentum weights and the queue at the end."""
    learned = ("weight", "bias")
    online = {
        name: value.clone()
        for name, value in first.items()
        if name.split(".")[0] in ("trunk", "projector", "predictor") and name.endswith(learned)
    }
    behind = {name: value.clone() for name, value in online.items() if not name.startswith("predictor")}
    velocity = {name: torch.zeros_like(value) for name, value in online.items()}
    queue, slot, losses = first["queue.keys_QC"].clone(), 0, []
    for t, views in enumerate(clips):
        x = [(view.to(queue.dtype) / 255 - 0.45) / 0.225 for view in views]
        keys = [unit(projected(trunk(one, behind), behind)) for one in x]
        weights = {name: value.requires_grad_() for name, value in online.items()}
        queries = [unit(predicted(projected(trunk(one, weights), weights), weights)) for one in x]
        pairs = ((queries[1], keys[0]), (queries[0], keys[1]))
        loss = sum(pair_loss(query, key, queue, sharp) for query, key in pairs) / 2
        losses.append(float(loss.detach()))
        gradients = torch.autograd.grad(loss, list(weights.values()))
        with torch.no_grad():
            online = dict(lars(weights, gradients, velocity, rate(t)))
            m = 1 - (1 - MOMENTUM) * (math.cos(math.pi * t / (STEPS - 1)) + 1) / 2
            behind = {name: m * old + (1 - m) * online[name] for name, old in behind.items()}
            for key in torch.cat(keys):
                queue[slot], slot = key, (slot + 1) % len(queue)
    return losses, online, behind, queue


def trunk(x: Tensor, w: dict[str, Tensor]) -> Tensor:
    """Standardised per clip and channel, then four convolutions, each with batch norm and ReLU; averaged."""
    mean, deviation = x.mean((2, 3, 4), keepdim=True), x.std((2, 3, 4), keepdim=True)
    x = (x - mean) / (deviation + 0.1)
    for layer, stride in enumerate(((1, 2, 2), (1, 2, 2), (2, 2, 2), (2, 2, 2))):
        weight = w[f"trunk.layers.{layer}.0.weight"]
        padding = tuple(side // 2 for side in weight.shape[2:])
        x = F.conv3d(x, weight, None, stride, padding)
        name = f"trunk.layers.{layer}.1"
        x = torch.relu(normed(x, (0, 2, 3, 4), w[f"{name}.weight"], w[f"{name}.bias"]))
    return x.mean((2, 3, 4))


def normed(
    x: Tensor, over: tuple[int, ...], weight: Tensor | None = None, bias: Tensor | None = None
) -> Tensor:
    """Batch norm by the batch's own mean and variance."""
    mean, var = x.mean(over, keepdim=True), x.var(over, unbiased=False, keepdim=True)
    x = (x - mean) / torch.sqrt(var + 1e-5)
    if weight is None or bias is None:
        return x
    shape = [1, -1] + [1] * (x.ndim - 2)
    return x * weight.view(shape) + bias.view(shape)


def projected(h: Tensor, w: dict[str, Tensor]) -> Tensor:
    hidden = h @ w["projector.0.weight"].T
    hidden = torch.relu(normed(hidden, (0,), w["projector.1.weight"], w["projector.1.bias"]))
    return normed(hidden @ w["projector.3.weight"].T, (0,))


def predicted(z: Tensor, w: dict[str, Tensor]) -> Tensor:
    hidden = z @ w["predictor.0.weight"].T
    hidden = torch.relu(normed(hidden, (0,), w["predictor.1.weight"], w["predictor.1.bias"]))
    return hidden @ w["predictor.3.weight"].T


def unit(z: Tensor) -> Tensor:
    return z / z.norm(dim=1, keepdim=True).clamp(min=1e-12)


def pair_loss(q: Tensor, k: Tensor, queue: Tensor, sharp: Temperatures) -> Tensor:
    """Section 3.3: w = (lambda, (1 - lambda) s), p over positive and queue, cross-entropy."""
    s = torch.softmax(k @ queue.T / sharp.tau_m, dim=1)
    w = torch.cat([s.new_full((len(q), 1), LAMBDA), (1 - LAMBDA) * s], dim=1)
    p = torch.softmax(torch.cat([(q * k).sum(1, keepdim=True), q @ queue.T], dim=1) / sharp.tau, dim=1)
    return -(w * torch.log(p)).sum(1).mean()


def rate(t: int) -> float:
    if t < WARMUP:
        return LR * t / (WARMUP - 1)
    return LR * (1 + math.cos(math.pi * (t - WARMUP) / (STEPS - WARMUP))) / 2


def lars(
    weights: dict[str, Tensor], gradients: tuple[Tensor, ...], velocity: dict[str, Tensor], lr: float
) -> Iterator[tuple[str, Tensor]]:
    """v <- beta v + u, w <- w - lr v; u is adapted and decayed for tensors of more than one dimension."""
    for (name, w), g in zip(weights.items(), gradients, strict=True):
        u = g
        if w.ndim > 1:
            u = g + DECAY * w
            if w.norm() > 0 and u.norm() > 0:
                u = TRUST * w.norm() / u.norm() * u
        velocity[name] = BETA * velocity[name] + u
        yield name, (w - lr * velocity[name]).detach()
