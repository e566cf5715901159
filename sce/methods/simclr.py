"""SimCLR: the views of a clip against all other clips of the batch (arXiv 2002.05709).

V views - B clips per rank and pass - N clips of all ranks - C embedding width
"""

import torch
from lightning import LightningModule
from torch import Tensor, nn

from sce.data.module import ClipBatch
from sce.data.views import Augment, augmented
from sce.definition import Pretrain, SimClr
from sce.definition.sizes import trunk_width
from sce.devices import may_fuse
from sce.health import Seen, measure, wants_health
from sce.losses import simclr_loss
from sce.modules import gather_with_gradient, projector, rank, unit
from sce.moves import Moves
from sce.optim import build_optimizer
from sce.trunks import build_trunk


class SimClrMethod(LightningModule):
    """One network, no momentum branch and no queue: the batch is all there is to compare with."""

    def __init__(self, definition: Pretrain, method: SimClr) -> None:
        super().__init__()
        self.definition, self.method = definition, method
        self.trunk = build_trunk(definition.trunk)
        self.projector = projector(trunk_width(definition.trunk), method.projector)
        shape = definition.views
        self.augment = nn.ModuleList(Augment(view, shape.mean, shape.std) for view in shape.views)
        self.features_Bd: Tensor | None = None
        self.values: dict[str, Tensor] = {}
        self.health: dict[str, Tensor] = {}
        self.moves = Moves()

    def training_step(self, batch: ClipBatch, _: int) -> Tensor:
        views = augmented(self.augment, batch)
        features_VBd = [self.trunk(view) for view in views]
        self.features_Bd = features_VBd[0].detach()
        local_VBC = torch.stack([unit(self.projector(features_Bd)) for features_Bd in features_VBd])
        all_NVC = gather_with_gradient(local_VBC.transpose(0, 1))
        first = rank() * local_VBC.shape[1]
        loss = simclr_loss(local_VBC, all_NVC.transpose(0, 1), first, temperature=self.method.temperature)
        self.values = {"train/loss": loss.detach()}
        if wants_health(self):
            pairs = (local_VBC[0].detach(), local_VBC[1].detach())
            self.health = measure(Seen(keys_NC=all_NVC[:, 0].detach(), pairs=pairs))
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        fused = may_fuse(self.definition.compute, self.device)
        return build_optimizer(self.definition.optimisation, self, fused=fused)
