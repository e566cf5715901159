"""When a training writes which checkpoint, and which ones it takes away again."""

import os
import time
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from sce.checkpoints import LAST, digest, journaled, sweep, write_atomically
from sce.modules import any_rank
from sce.rundir import CheckpointEvent, CheckpointKind, RemovedEvent
from sce.session import Session

NUM_LAST = 2


class NotFiniteWeights(ValueError):
    """The weights are no numbers any more: there is nothing worth keeping."""


class StraightToDisk(TorchCheckpointIO):
    """Writes where it is told. Lightning's own way goes through TMPDIR, which may be another, smaller disk."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        with Path(path).open("wb") as stream:
            torch.save(checkpoint, stream)


class Saving(Callback):
    """Writes checkpoints: the untrained one, those that are kept, and the newest state to resume from."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._saved_at = time.monotonic()
        known = journaled(session.run)
        self._last: list[str] = [path for path, event in known.items() if event["kind"] == "last"]
        if session.is_writer:
            # What a kill left behind: half a file, or a whole one that the journal never heard of.
            sweep(session.run.checkpoints, keep={Path(path).name for path in known})

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        if trainer.global_step == 0 and self.session.definition.checkpoints.initial:
            self.save(trainer, "initial", "initial.ckpt")

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        step, per_epoch = trainer.global_step, self.session.steps_per_epoch
        if (batch_idx + 1) % self.session.accumulate:
            return
        minutes = (time.monotonic() - self._saved_at) / 60
        is_due = minutes >= self.session.definition.checkpoints.last_every_min
        if step % per_epoch == 0 and self._is_kept(step // per_epoch):
            self.save(trainer, "periodic", f"epoch={step // per_epoch:04d}.ckpt")
        elif any_rank(is_due):
            self.save_last(trainer)

    def _is_kept(self, epoch: int) -> bool:
        return epoch == self.session.epochs or epoch % self.session.definition.checkpoints.every_epochs == 0

    def save_last(self, trainer: Trainer) -> None:
        """The state to resume from; the one before the last is kept, in case the last is torn."""
        name = f"{LAST}{trainer.global_step:08d}.ckpt"
        self.save(trainer, "last", name)
        path = f"checkpoints/{name}"
        self._last = [*(one for one in self._last if one != path), path]
        for path in self._last[:-NUM_LAST]:
            if self.session.is_writer:
                (self.session.run.path / path).unlink(missing_ok=True)
                event: RemovedEvent = {"event": "removed", "path": path}
                self.session.run.append(event, attempt=self.session.attempt)
        self._last = self._last[-NUM_LAST:]

    def save(self, trainer: Trainer, kind: CheckpointKind, name: str) -> None:
        refuse_broken_weights(trainer.lightning_module, trainer.global_step)
        file = self.session.run.checkpoints / name
        write_atomically(file, trainer.save_checkpoint, is_writer=self.session.is_writer)
        self._saved_at = time.monotonic()
        if not self.session.is_writer:
            return
        step = trainer.global_step
        event: CheckpointEvent = {
            "event": "checkpoint",
            "step": step,
            "epoch": round(step / self.session.steps_per_epoch, 5),
            "path": f"checkpoints/{name}",
            "bytes": file.stat().st_size,
            "sha256": digest(file),
            "kind": kind,
        }
        self.session.run.append(event, attempt=self.session.attempt)


def refuse_broken_weights(module: torch.nn.Module, step: int) -> None:
    """Raises ``NotFiniteWeights``: a resumed run would go on from them for ever.

    On a GPU nobody has looked at the newest losses yet, and a gradient may overflow under a finite loss.
    """
    weights = [weight.detach() for weight in module.parameters() if weight.requires_grad]
    if not torch.stack(torch._foreach_norm(weights)).isfinite().all():
        raise NotFiniteWeights(
            f"The weights are no numbers after step {step}: lower optimisation.optimizer.lr, lengthen the "
            "warm-up, or set optimisation.clip_norm"
        )
