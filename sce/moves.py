"""Optimizer steps that did not take place: under float16 a scaler leaves out those whose gradients overflow."""

from dataclasses import dataclass
from typing import Any

from lightning import Callback, LightningModule, Trainer

from sce.session import Session

SKIPPED = "scelab_skipped_steps"
TOLD = 10


@dataclass
class Moves:
    """What a method knows of it. Schedules and the momentum branch wait with the weights."""

    took_place: bool = True
    """Whether the step at hand moved the weights, once it has ended."""
    skipped: int = 0
    """Steps that did not, since the training began."""


class CountSkipped(Callback):
    """Learns from the optimizer itself whether it was called: nothing is read from the device for it."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        moves = moves_of(module)

        def note(*_: object) -> None:
            moves.took_place = True

        trainer.optimizers[0].register_step_post_hook(note)

    def on_train_batch_start(
        self, trainer: Trainer, module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        moves_of(module).took_place = False

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        moves = moves_of(module)
        if (batch_idx + 1) % self.session.accumulate or moves.took_place:
            return
        moves.skipped += 1
        if moves.skipped <= TOLD:
            self.session.note(
                f"Step {trainer.global_step} was left out, its gradients overflow float16: the scale of the loss "
                "is lowered by itself; if it goes on, choose compute.precision bf16-mixed or 32"
            )

    def on_save_checkpoint(
        self, trainer: Trainer, module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint[SKIPPED] = moves_of(module).skipped

    def on_load_checkpoint(
        self, trainer: Trainer, module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        moves_of(module).skipped = checkpoint.get(SKIPPED, 0)


def moves_of(module: LightningModule) -> Moves:
    """A method's own account."""
    moves = module.moves
    assert isinstance(moves, Moves)
    return moves
