"""The online probe: a linear classifier that learns beside the trunk, from features that the step made anyway.

It lives outside the method: no gradient, optimizer, weight or random number of the training knows of it.

B clips of a rank - d features - C classes
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn

from sce.callbacks import Journal
from sce.data.index import Index, load_index
from sce.data.module import eval_loader
from sce.data.views import Normalise
from sce.definition import Probe
from sce.definition.sizes import trunk_width
from sce.evaluate.classifier import fresh_head
from sce.session import Session

VIDEOS_PER_PASS = 16
TOP = 5


def probing_of(session: Session, journal: Journal) -> "list[Probing]":
    """The probe that the definition asks for, or none where there is nothing that it could learn."""
    data, probe = session.definition.data, session.definition.probe
    if probe is None:
        return []
    index = load_index(Path(data.root))
    if index.shows_several:
        session.note("The items show several classes each, and the online probe learns one: it is off")
        return []
    if all(item.label < 0 for item in index.items(data.train_split)):
        session.note(f"Split {data.train_split!r} has no labels: the online probe is off")
        return []
    if probe.validate_every_epochs and data.val_split not in index.splits:
        session.note(f"There is no split {data.val_split!r}: the online probe is not validated")
    return [Probing(session, journal, probe, index)]


class Probing(Callback):
    """Trains the probe after each step, and scores it on the scored split once in a while."""

    def __init__(self, session: Session, journal: Journal, probe: Probe, index: Index) -> None:
        self.session, self.journal, self.probe = session, journal, probe
        self.validates = (
            bool(probe.validate_every_epochs) and session.definition.data.val_split in index.splits
        )
        width, seed = trunk_width(session.definition.trunk), session.definition.seed
        with torch.random.fork_rng(devices=[]):
            self.head = fresh_head(width, len(index.classes), seed=seed)
        self._kept: dict[str, Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        return {"head": self.head.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._kept = state_dict

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        self.begin(module.device)

    def begin(self, device: torch.device) -> None:
        """Put the probe where the trunk is, as a checkpoint left it if there was one."""
        self.head.to(device)
        self.optimizer = torch.optim.Adam(self.head.parameters(), lr=self.probe.lr)
        if self._kept is not None:
            self.head.load_state_dict(self._kept["head"])
            self.optimizer.load_state_dict(self._kept["optimizer"])

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        moves = (batch_idx + 1) % self.session.accumulate == 0
        assert isinstance(module.features_Bd, Tensor)
        seen = self.learn(module.features_Bd, batch.label_B, moves=moves)
        module.values |= seen  # type: ignore[operator]  # a method's
        if moves and self._is_due(trainer.global_step):
            began = time.monotonic()
            module.health |= self.validate(trainer, module)  # type: ignore[operator]  # a method's
            self.journal.leave_out(time.monotonic() - began)

    def learn(self, features_Bd: Tensor, label_B: Tensor, *, moves: bool) -> dict[str, Tensor]:
        """Add the gradient of a batch, and move the probe where the method's weights moved too."""
        label_B = label_B.repeat(len(features_Bd) // len(label_B))
        known_B = label_B >= 0
        with torch.enable_grad():
            logits_BC = self.head(features_Bd.detach().float())
            loss_B = F.cross_entropy(logits_BC, label_B.clamp_min(0), reduction="none")
            loss = (loss_B * known_B).sum() / known_B.sum().clamp_min(1)
            (loss / self.session.accumulate).backward()
        if moves:
            average([weight.grad for weight in self.head.parameters() if weight.grad is not None])
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
        right_top1, right_top5, known = _counted(logits_BC.detach(), label_B)
        return {
            "probe/train_loss": loss.detach(),
            "probe/train_top1": right_top1 / known,
            "probe/train_top5": right_top5 / known,
        }

    def _is_due(self, step: int) -> bool:
        epoch, within = divmod(step, self.session.steps_per_epoch)
        if within or not self.validates or not self.probe.validate_every_epochs:
            return False
        return epoch % self.probe.validate_every_epochs == 0 or epoch == self.session.epochs

    @torch.no_grad()
    def validate(self, trainer: Trainer, module: LightningModule) -> dict[str, float]:
        """Top-1 and top-5 of the scored split; nothing when the run is asked to leave in the middle of it."""
        counts = torch.zeros(4, device=module.device, dtype=torch.float64)
        trunk = module.trunk
        assert isinstance(trunk, nn.Module)
        trunk.eval()
        for chances_BC, label_B in self._scored(trainer, module, trunk):
            counts[:3] += torch.stack(_counted(chances_BC, label_B))
            if self.session.asked or self.session.run.stop_requested():
                counts[3] = 1
                break
        trunk.train()
        if dist.is_available() and dist.is_initialized():
            dist.all_reduce(counts)
        top1, top5, known, left = counts.tolist()
        if left or not known:
            return {}
        return {"probe/val_top1": top1 / known, "probe/val_top5": top5 / known}

    def _scored(
        self, trainer: Trainer, module: LightningModule, trunk: nn.Module
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Chances (B, C) and labels of this rank's share of the scored split."""
        definition = self.session.definition
        loader = eval_loader(
            definition.data,
            definition.data.val_split,
            self.probe.views,
            batch_videos=VIDEOS_PER_PASS,
            workers=definition.compute.loader_workers,
            rank=trainer.global_rank,
            world_size=trainer.world_size,
            pin=module.device.type == "cuda",
        )
        normalise = Normalise(definition.views.mean, definition.views.std).to(module.device)
        for batch in loader:
            clips = normalise(batch.clips_BVCTHW.to(module.device, non_blocking=True))
            views = clips.shape[1]
            with trainer.precision_plugin.forward_context():
                features_Nd = trunk(clips.flatten(0, 1))
            chances_NC = self.head(features_Nd.float()).softmax(dim=1)
            yield chances_NC.unflatten(0, (-1, views)).mean(dim=1), batch.label_B.to(module.device)


def _counted(scores_BC: Tensor, label_B: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """How many labels are the first, among the first five, and known at all; -1 is no label."""
    known_B = label_B >= 0
    first_BK = scores_BC.topk(min(TOP, scores_BC.shape[1]), dim=1).indices
    right_BK = (first_BK == label_B[:, None]) & known_B[:, None]
    return right_BK[:, 0].sum(), right_BK.sum(), known_B.sum()


def average(gradients: list[Tensor]) -> None:
    """The mean over ranks, in place: every rank moves its copy of the probe alike."""
    if not (dist.is_available() and dist.is_initialized()):
        return
    for gradient in gradients:
        dist.all_reduce(gradient)
        gradient /= dist.get_world_size()
