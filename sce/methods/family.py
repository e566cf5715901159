"""SCE, ReSSL, MoCo v2 and v3: a momentum branch says what a view should see among others, the online one learns it.

They are one family (arXiv 2111.14585, section 3.3): what differs is the target, and what stands in the prediction.

    MoCo v2, v3   all mass on the positive; the positive beside the queue, or among the batch's keys
    ReSSL         the relations to the queue; no positive at all
    SCE           lambda on the positive, the rest on the relations; the positive beside the queue

B clips per rank and pass - C embedding width - N gathered clips - M candidates - views[0:2] are global
"""

from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor, nn

from sce.data.module import ClipBatch
from sce.data.views import Augment, augmented
from sce.definition import Moco, Moco3, MomentumKind, Pretrain, Ressl, Sce
from sce.definition.sizes import trunk_width
from sce.devices import may_fuse
from sce.health import Seen, lag, measure, wants_health
from sce.losses import Relations, certain, relations, sce_loss
from sce.modules import (
    KeyQueue,
    follow,
    gather,
    momentum_copy,
    predictor,
    projector,
    rank,
    shuffled,
    split_norms,
    unit,
    unshuffled,
)
from sce.moves import Moves
from sce.optim import build_optimizer
from sce.schedules import cosine_momentum, ramped
from sce.trunks import build_trunk

NUM_GLOBAL = 2


class MomentumMethod(LightningModule):
    """Each target view says how alike its clip and the others are; each other view learns to say the same."""

    def __init__(
        self, definition: Pretrain, method: MomentumKind, *, steps: int, steps_per_epoch: int
    ) -> None:
        super().__init__()
        self.definition, self.method = definition, method
        self.steps, self.steps_per_epoch = steps, steps_per_epoch
        self.trunk = build_trunk(definition.trunk)
        self.projector = projector(trunk_width(definition.trunk), method.projector)
        width = method.projector.width
        self.predictor = predictor(width, method.predictor) if method.predictor else nn.Identity()
        self.momentum_trunk = momentum_copy(self.trunk)
        self.momentum_projector = momentum_copy(self.projector)
        if splits := norm_splits(definition, method):
            split_norms(self.momentum_trunk, splits)
        self.queue = KeyQueue(method.queue_size, width)
        shape = definition.views
        self.augment = nn.ModuleList(Augment(view, shape.mean, shape.std) for view in shape.views)
        self.features_Bd: Tensor | None = None
        self.values: dict[str, Tensor] = {}
        self.health: dict[str, Tensor] = {}
        self.moves = Moves()
        self._fresh_NC: list[Tensor] = []

    def training_step(self, batch: ClipBatch, _: int) -> Tensor:
        views, self.features_Bd = augmented(self.augment, batch), None
        num_targets = NUM_GLOBAL if self.method.symmetric else 1
        asking = range(len(views)) if self.method.symmetric else range(1, len(views))
        keys_BC = [self._key(view) for view in views[:num_targets]]
        queries_BC = self._queries({place: views[place] for place in asking})

        losses, seen = [], []
        for i, key_BC in enumerate(keys_BC):
            target, candidates_MC = self._target(key_BC)
            seen.append(target)
            losses += [self._pair(queries_BC[j], target, candidates_MC) for j in asking if j != i]
        loss = self._joined(torch.stack(losses))
        self.values = {"train/loss": loss.detach()}
        if wants_health(self):
            self._measure(queries_BC[1], seen)
        return loss

    @torch.no_grad()
    def _key(self, view: Tensor) -> Tensor:
        if not self.method.shuffle_norm:
            return unit(self.momentum_projector(self.momentum_trunk(view)))
        mixed, order_N = shuffled(view)
        return unshuffled(unit(self.momentum_projector(self.momentum_trunk(mixed))), order_N)

    def _queries(self, views: dict[int, Tensor]) -> dict[int, Tensor]:
        """The online branch's embedding of each view."""
        if not self.method.mutual_pass:
            return {place: self._query(view) for place, view in views.items()}
        alike: dict[tuple[int, ...], list[int]] = {}
        for place, view in views.items():
            alike.setdefault(tuple(view.shape), []).append(place)
        queries: dict[int, Tensor] = {}
        for places in alike.values():
            together = self._query(torch.cat([views[place] for place in places]))
            queries |= zip(places, together.chunk(len(places)), strict=True)
        return queries

    def _query(self, view: Tensor) -> Tensor:
        features_Bd = self.trunk(view)
        if self.features_Bd is None:
            self.features_Bd = features_Bd.detach()
        return unit(self.predictor(self.projector(features_Bd)))

    def _target(self, key_BC: Tensor) -> tuple[Relations, Tensor]:
        """What one target view sees, over every rank's keys (use_keys) and the queue."""
        gathered_NC = gather(key_BC)
        self._fresh_NC.append(gathered_NC)
        candidates_MC, positive_B = self.queue.keys_QC, None
        if self.method.use_keys:
            candidates_MC = torch.cat([gathered_NC, candidates_MC])
            positive_B = rank() * len(key_BC) + torch.arange(len(key_BC), device=key_BC.device)
        match self.method:
            case Moco() | Moco3():
                return certain(key_BC), candidates_MC
            case Ressl() | Sce():
                leak = isinstance(self.method, Sce) and self.method.positive == "leak"
                target = relations(
                    key_BC,
                    candidates_MC,
                    target_temperature=self.target_temperature_at(self.schedule_step),
                    positive_B=positive_B,
                    leak=leak,
                    compiled=self.definition.compute.compile,
                )
                return target, candidates_MC

    def _pair(self, query_BC: Tensor, target: Relations, candidates_MC: Tensor) -> Tensor:
        return sce_loss(
            query_BC,
            target,
            candidates_MC,
            temperature=self.method.temperature,
            contrast=self.contrast_at(self.schedule_step),
            has_positive=self.method.use_keys or isinstance(self.method, Ressl),
            compiled=self.definition.compute.compile,
        )

    def _joined(self, pairs: Tensor) -> Tensor:
        """The mean over the pairs; MoCo v3 sums them, scaled by twice the temperature."""
        if isinstance(self.method, Moco3):
            return 2 * self.method.temperature * pairs.sum()
        return pairs.mean()

    def _measure(self, query_BC: Tensor, targets: list[Relations]) -> None:
        sees_others = not isinstance(self.method, Moco | Moco3)
        self.health = measure(
            Seen(
                keys_NC=self._fresh_NC[-len(targets)],
                pairs=(query_BC.detach(), targets[0].keys_BC),
                queue_QC=self.queue.keys_QC,
                entropy_B=torch.cat([target.entropy_B for target in targets]) if sees_others else None,
            )
        ) | {"health/momentum_lag": lag(self)}

    @property
    def schedule_step(self) -> int:
        """How many steps have moved the weights: where the schedules are."""
        return self.global_step - self.moves.skipped

    def contrast_at(self, step: int) -> float:
        """Mass that the target puts on the positive at an optimizer step: 1 in MoCo, 0 in ReSSL."""
        if not isinstance(self.method, Sce):
            return 0.0 if isinstance(self.method, Ressl) else 1.0
        return self._ramped(step, self.method.contrast, self.method.contrast_ramp)

    def target_temperature_at(self, step: int) -> float:
        """Sharpness of the target's relations at an optimizer step; MoCo has none."""
        if isinstance(self.method, Sce):
            return self._ramped(step, self.method.target_temperature, self.method.target_temperature_ramp)
        return self.method.target_temperature if isinstance(self.method, Ressl) else 0.0

    def _ramped(self, step: int, value: float, ramp: Any) -> float:
        return ramped(step, value=value, ramp=ramp, steps_per_epoch=self.steps_per_epoch, steps=self.steps)

    def momentum_at(self, step: int) -> float:
        """How much of the momentum branch is kept after optimizer step ``step`` (from 0)."""
        if isinstance(self.method, Moco | Ressl) or self.method.momentum_schedule == "constant":
            return self.method.momentum
        return cosine_momentum(step, start=self.method.momentum, steps=self.steps)

    def used_at(self, step: int) -> dict[str, float]:
        """The scheduled values that optimizer step ``step`` (from 0) used, by the names they are journaled under."""
        used = {"train/momentum": self.momentum_at(step)}
        if isinstance(self.method, Sce):
            used["train/contrast"] = self.contrast_at(step)
        if isinstance(self.method, Sce | Ressl):
            used["train/target_temperature"] = self.target_temperature_at(step)
        return used

    def configure_optimizers(self) -> torch.optim.Optimizer:
        fused = may_fuse(self.definition.compute, self.device)
        return build_optimizer(self.definition.optimisation, self, fused=fused)

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Move the weights, let the momentum branch follow, and queue the keys: once per optimizer step.

        A step that a scaler leaves out leaves all of them as they are.
        """
        momentum = self.momentum_at(self.schedule_step)
        super().optimizer_step(*args, **kwargs)
        fresh_NC = torch.cat(self._fresh_NC)
        self._fresh_NC.clear()
        if not self.moves.took_place:
            return
        follow(self.momentum_trunk, self.trunk, momentum=momentum)
        follow(self.momentum_projector, self.projector, momentum=momentum)
        # Only now: a step never compares with its own keys, and backward has used the queue as it was.
        self.queue.push(fresh_NC)


def norm_splits(definition: Pretrain, method: MomentumKind) -> int:
    """Parts that the momentum trunk normalises apart; 0 where it does not, or where several devices do it."""
    is_alone = definition.compute.devices * definition.compute.nodes == 1
    if isinstance(method, Moco3) or not (method.shuffle_norm and is_alone):
        return 0
    return method.norm_splits
