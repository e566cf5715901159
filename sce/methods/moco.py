"""MoCo v2: one positive against a queue of past keys (arXiv 1911.05722, 2003.04297).

B clips per rank and pass - C embedding width - Q queue places
"""

from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor, nn

from sce.data.module import ClipBatch
from sce.data.views import Augment, augmented
from sce.definition import Moco, Pretrain
from sce.definition.sizes import trunk_width
from sce.losses import info_nce
from sce.modules import KeyQueue, follow, gather, momentum_copy, projector, unit
from sce.optim import build_optimizer
from sce.trunks import build_trunk


class MocoMethod(LightningModule):
    """A query view must find its clip's key among the keys of past clips."""

    def __init__(self, definition: Pretrain, method: Moco) -> None:
        super().__init__()
        self.definition, self.method = definition, method
        self.trunk = build_trunk(definition.trunk)
        self.projector = projector(trunk_width(definition.trunk), method.projector)
        self.momentum_trunk = momentum_copy(self.trunk)
        self.momentum_projector = momentum_copy(self.projector)
        self.queue = KeyQueue(method.queue_size, method.projector.width)
        shape = definition.views
        self.augment = nn.ModuleList(Augment(view, shape.mean, shape.std) for view in shape.views)
        self.values: dict[str, Tensor] = {}
        self._fresh_NC: list[Tensor] = []

    def training_step(self, batch: ClipBatch, _: int) -> Tensor:
        first, second = augmented(self.augment, batch)
        loss = self._contrast(second, first)
        if self.method.symmetric:
            loss = (loss + self._contrast(first, second)) / 2
        self.values = {
            "train/loss": loss.detach(),
            "health/embedding_std": self._fresh_NC[0].std(dim=0).mean(),
        }
        return loss

    def _contrast(self, query_view: Tensor, key_view: Tensor) -> Tensor:
        queries_BC = unit(self.projector(self.trunk(query_view)))
        with torch.no_grad():
            keys_BC = unit(self.momentum_projector(self.momentum_trunk(key_view)))
        self._fresh_NC.append(gather(keys_BC))
        return info_nce(queries_BC, keys_BC, self.queue.keys_QC, temperature=self.method.temperature)

    def momentum_at(self, _: int) -> float:
        return self.method.momentum

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return build_optimizer(self.definition.optimisation, self)

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Move the weights, let the momentum branch follow, and queue the keys: once per optimizer step."""
        super().optimizer_step(*args, **kwargs)
        follow(self.momentum_trunk, self.trunk, momentum=self.method.momentum)
        follow(self.momentum_projector, self.projector, momentum=self.method.momentum)
        self.queue.push(torch.cat(self._fresh_NC))
        self._fresh_NC.clear()
