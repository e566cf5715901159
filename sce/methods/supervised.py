"""Supervised training: labels and a cross-entropy, what the methods without labels are compared with.

B clips per rank and pass - d feature width
"""

import torch
import torch.nn.functional as F
from lightning import LightningModule
from torch import Tensor, nn

from sce.data.module import ClipBatch
from sce.data.views import Augment, augmented
from sce.definition import Pretrain, Supervised
from sce.definition.sizes import trunk_width
from sce.devices import may_fuse
from sce.moves import Moves
from sce.optim import build_optimizer
from sce.trunks import build_trunk


class SupervisedMethod(LightningModule):
    """A linear classifier on the trunk's features; both are trained."""

    def __init__(self, definition: Pretrain, method: Supervised) -> None:
        super().__init__()
        self.definition, self.method = definition, method
        self.trunk = build_trunk(definition.trunk)
        self.classifier = nn.Linear(trunk_width(definition.trunk), method.classes)
        nn.init.normal_(self.classifier.weight, std=0.01)
        nn.init.zeros_(self.classifier.bias)
        shape = definition.views
        self.augment = nn.ModuleList(Augment(view, shape.mean, shape.std) for view in shape.views)
        self.features_Bd: Tensor | None = None
        self.values: dict[str, Tensor] = {}
        self.health: dict[str, Tensor] = {}
        self.moves = Moves()

    def training_step(self, batch: ClipBatch, _: int) -> Tensor:
        features_Bd = self.trunk(*augmented(self.augment, batch))
        self.features_Bd = features_Bd.detach()
        logits = self.classifier(F.dropout(features_Bd, self.method.dropout, self.training))
        loss = F.cross_entropy(logits.float(), batch.label_B)
        is_right_B = logits.detach().argmax(dim=1) == batch.label_B
        self.values = {"train/loss": loss.detach(), "train/top1": is_right_B.float().mean()}
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        fused = may_fuse(self.definition.compute, self.device)
        return build_optimizer(self.definition.optimisation, self, fused=fused)
