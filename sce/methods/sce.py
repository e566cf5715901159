"""SCE, Similarity Contrastive Estimation (arXiv 2111.14585 for images, 2212.11187 for video).

B clips per rank and pass - C embedding width - N gathered clips - M candidates - views[0:2] are global
"""

from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor, nn

from sce.data.module import ClipBatch
from sce.data.views import Augment, augmented
from sce.definition import Pretrain, Sce
from sce.definition.sizes import trunk_width
from sce.losses import Relations, relations, sce_loss
from sce.modules import KeyQueue, follow, gather, momentum_copy, predictor, projector, rank, unit
from sce.optim import build_optimizer
from sce.schedules import cosine_momentum
from sce.trunks import build_trunk

NUM_GLOBAL = 2


class SceMethod(LightningModule):
    """Each target view says how alike its clip and the others are; each other view learns to say the same."""

    def __init__(self, definition: Pretrain, method: Sce, *, steps: int) -> None:
        super().__init__()
        self.definition, self.method, self.steps = definition, method, steps
        self.trunk = build_trunk(definition.trunk)
        self.projector = projector(trunk_width(definition.trunk), method.projector)
        width = method.projector.width
        self.predictor = predictor(width, method.predictor) if method.predictor else nn.Identity()
        self.momentum_trunk = momentum_copy(self.trunk)
        self.momentum_projector = momentum_copy(self.projector)
        self.queue = KeyQueue(method.queue_size, width)
        shape = definition.views
        self.augment = nn.ModuleList(Augment(view, shape.mean, shape.std) for view in shape.views)
        self.values: dict[str, Tensor] = {}
        self._fresh_NC: list[Tensor] = []

    def training_step(self, batch: ClipBatch, _: int) -> Tensor:
        views = augmented(self.augment, batch)
        num_targets = NUM_GLOBAL if self.method.symmetric else 1
        keys_BC = [self._key(view) for view in views[:num_targets]]
        asking = range(len(views)) if self.method.symmetric else range(1, len(views))
        queries_BC = {j: unit(self.predictor(self.projector(self.trunk(views[j])))) for j in asking}

        losses, seen = [], []
        for i, key_BC in enumerate(keys_BC):
            target, candidates_MC = self._target(key_BC)
            seen.append(target)
            losses += [self._pair(queries_BC[j], target, candidates_MC) for j in asking if j != i]
        loss = torch.stack(losses).mean()
        self.values = {"train/loss": loss.detach(), **self._health(queries_BC[1], seen)}
        return loss

    @torch.no_grad()
    def _key(self, view: Tensor) -> Tensor:
        return unit(self.momentum_projector(self.momentum_trunk(view)))

    def _target(self, key_BC: Tensor) -> tuple[Relations, Tensor]:
        """What one target view sees, over every rank's keys (use_keys) and the queue."""
        gathered_NC = gather(key_BC)
        self._fresh_NC.append(gathered_NC)
        candidates_MC, positive_B = self.queue.keys_QC, None
        if self.method.use_keys:
            candidates_MC = torch.cat([gathered_NC, candidates_MC])
            positive_B = rank() * len(key_BC) + torch.arange(len(key_BC), device=key_BC.device)
        temperature = self.method.target_temperature
        return relations(
            key_BC, candidates_MC, target_temperature=temperature, positive_B=positive_B
        ), candidates_MC

    def _pair(self, query_BC: Tensor, target: Relations, candidates_MC: Tensor) -> Tensor:
        return sce_loss(
            query_BC,
            target,
            candidates_MC,
            temperature=self.method.temperature,
            contrast=self.method.contrast,
            has_positive=self.method.use_keys,
        )

    @torch.no_grad()
    def _health(self, query_BC: Tensor, seen: list[Relations]) -> dict[str, Tensor]:
        """Signs of a target that is too sharp or of a collapse: a unit vector's deviation is 1/sqrt(C) at best."""
        return {
            "health/target_entropy": torch.stack([target.entropy_B.mean() for target in seen]).mean(),
            "health/positive_similarity": (query_BC * seen[0].keys_BC).sum(dim=1).mean(),
            "health/embedding_std": seen[0].keys_BC.std(dim=0).mean(),
        }

    def momentum_at(self, step: int) -> float:
        """How much of the momentum branch is kept after optimizer step ``step`` (from 0)."""
        if self.method.momentum_schedule == "constant":
            return self.method.momentum
        return cosine_momentum(step, start=self.method.momentum, steps=self.steps)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return build_optimizer(self.definition.optimisation, self)

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Move the weights, let the momentum branch follow, and queue the keys: once per optimizer step."""
        momentum = self.momentum_at(self.global_step)
        super().optimizer_step(*args, **kwargs)
        follow(self.momentum_trunk, self.trunk, momentum=momentum)
        follow(self.momentum_projector, self.projector, momentum=momentum)
        # Only now: a step never compares with its own keys, and backward has used the queue as it was.
        self.queue.push(torch.cat(self._fresh_NC))
        self._fresh_NC.clear()
