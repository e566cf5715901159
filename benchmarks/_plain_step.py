"""SCE as a Lightning module that a careful reader of the paper would write: the peer of ``benchmarks/step.py``."""

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from lightning import LightningModule
from torch import Tensor
from torchvision.transforms import v2

from sce.data.module import ClipBatch
from sce.definition import Pretrain, Sce, View
from sce.modules import momentum_copy, predictor, projector
from sce.trunks import build_trunk

WIDTH_IN = 512


def transforms(view: View, mean: tuple[float, ...], std: tuple[float, ...]) -> v2.Compose:
    """Of one clip (T, 3, H, W), uint8 until the end: torchvision is fastest so."""
    jitter = view.jitter
    colours = v2.ColorJitter(jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue)
    return v2.Compose(
        [
            v2.RandomApply([colours], p=jitter.p),
            v2.RandomGrayscale(p=view.grey_p),
            v2.RandomApply([v2.GaussianBlur(view.blur_kernel, (0.1, 2.0))], p=view.blur_p),
            v2.RandomSolarize(128, p=view.solarize_p),
            v2.RandomHorizontalFlip(p=view.flip_p),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(mean, std),
        ]
    )


class PlainLars(torch.optim.Optimizer):
    """One weight after the other."""

    def __init__(self, weights: Any, *, lr: float, momentum: float, decay: float, trust: float) -> None:
        super().__init__(weights, {"lr": lr, "momentum": momentum, "decay": decay, "trust": trust})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]  # torch's overloads
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                update = weight.grad
                if weight.ndim > 1:
                    update = update.add(weight, alpha=group["decay"])
                    weight_norm, update_norm = weight.norm(), update.norm()
                    if weight_norm > 0 and update_norm > 0:
                        update = update.mul(group["trust"] * weight_norm / update_norm)
                state = self.state[weight]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(weight)
                state["momentum"].mul_(group["momentum"]).add_(update)
                weight.add_(state["momentum"], alpha=-group["lr"])
        return loss


class PlainSce(LightningModule):
    """The same networks, sizes and schedules as ours."""

    queue_KC: Tensor

    def __init__(self, definition: Pretrain, *, steps_per_epoch: int) -> None:
        super().__init__()
        method, shape = definition.method, definition.views
        assert isinstance(method, Sce)
        assert method.predictor is not None
        self.definition, self.method, self.steps_per_epoch = definition, method, steps_per_epoch
        self.trunk = build_trunk(definition.trunk)
        self.projector = projector(WIDTH_IN, method.projector)
        self.predictor = predictor(method.projector.width, method.predictor)
        self.momentum_trunk = momentum_copy(self.trunk)
        self.momentum_projector = momentum_copy(self.projector)
        queue = F.normalize(torch.randn(method.queue_size, method.projector.width), dim=1)
        self.register_buffer("queue_KC", queue)
        self.next_slot = 0
        self.transforms = [transforms(view, shape.mean, shape.std) for view in shape.views]

    def augmented(self, batch: ClipBatch) -> list[Tensor]:
        return [
            torch.stack([transform(clip.transpose(0, 1)).transpose(0, 1) for clip in clips])
            for transform, clips in zip(self.transforms, batch.views, strict=True)
        ]

    def training_step(self, batch: ClipBatch, _: int) -> Tensor:
        views = self.augmented(batch)
        online = [F.normalize(self.predictor(self.projector(self.trunk(view))), dim=1) for view in views]
        with torch.no_grad():
            self.keys = [
                F.normalize(self.momentum_projector(self.momentum_trunk(view)), dim=1) for view in views
            ]
        loss = (self.sce(online[0], self.keys[1]) + self.sce(online[1], self.keys[0])) / 2
        self.log("train/loss", loss)
        return loss

    def sce(self, queries_BC: Tensor, keys_BC: Tensor) -> Tensor:
        queue_CK, method = self.queue_KC.clone().T, self.method
        own_B1 = (queries_BC * keys_BC).sum(1, keepdim=True)
        prediction = torch.cat([own_B1, queries_BC @ queue_CK], 1) / method.temperature
        with torch.no_grad():
            hidden_B1 = torch.full_like(own_B1, -torch.inf)
            target = torch.cat([hidden_B1, keys_BC @ queue_CK], 1) / method.target_temperature
            positive = F.one_hot(torch.zeros(len(keys_BC), dtype=torch.long), target.shape[1])
            wanted = method.contrast * positive + (1 - method.contrast) * target.softmax(1)
        return -(wanted * prediction.log_softmax(1)).sum(1).mean()

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """The momentum branch follows, weight after weight, and the keys enter the queue."""
        progress = self.global_step / (self.definition.optimisation.epochs * self.steps_per_epoch)
        momentum = 1 - (1 - self.method.momentum) * (math.cos(math.pi * progress) + 1) / 2
        pairs = ((self.momentum_trunk, self.trunk), (self.momentum_projector, self.projector))
        with torch.no_grad():
            for target, online in pairs:
                for followed, weight in zip(target.parameters(), online.parameters(), strict=True):
                    followed.mul_(momentum).add_(weight, alpha=1 - momentum)
            keys_NC = torch.cat(self.keys)
            self.queue_KC[self.next_slot : self.next_slot + len(keys_NC)] = keys_NC
        self.next_slot = (self.next_slot + len(keys_NC)) % len(self.queue_KC)

    def configure_optimizers(self) -> Any:
        learning = self.definition.optimisation
        chosen: Any = learning.optimizer
        weights = [weight for weight in self.parameters() if weight.requires_grad]
        optimizer = PlainLars(
            weights,
            lr=chosen.lr * learning.batch_size / 256,
            momentum=chosen.momentum,
            decay=chosen.weight_decay,
            trust=chosen.trust,
        )
        warmup = 35 * self.steps_per_epoch
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(step / warmup, 1.0))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
