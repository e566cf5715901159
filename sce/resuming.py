"""Exact resuming: whatever a training draws or counts follows from its step, so that a resumed one agrees."""

import random
from typing import Any

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer

from sce.checkpoints import DEFINITION
from sce.data.sampler import SeededSampler
from sce.definition import definition_adapter
from sce.session import Session


class SeededSteps(Callback):
    """Seeds every generator at each batch from (seed, rank, batch), as the sampler does for the data.

    So a resumed training draws what one that never stopped draws, on any number of ranks, and nothing that
    draws in between (making a loader's iterator does) can shift it.
    """

    def __init__(self, session: Session) -> None:
        self.session = session

    def on_train_batch_start(
        self, trainer: Trainer, module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        number = trainer.global_step * self.session.accumulate + batch_idx % self.session.accumulate
        seed_everything(self.session.definition.seed, trainer.global_rank, number)

    def on_save_checkpoint(
        self, trainer: Trainer, module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint[DEFINITION] = definition_adapter.dump_json(self.session.definition).decode()

    def on_load_checkpoint(
        self, trainer: Trainer, module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Tell Lightning where the step lies as a run that never stopped would have told it.

        Its own count of epochs and batches goes wrong once a resumed run is resumed again: a batch's number
        then starts at 0 inside an epoch, and the epoch reads more than its share.
        """
        place = progress_at(
            checkpoint["global_step"],
            steps_per_epoch=self.session.steps_per_epoch,
            accumulate=self.session.accumulate,
        )
        checkpoint["loops"]["fit_loop"].update(place)


def progress_at(step: int, *, steps_per_epoch: int, accumulate: int) -> dict[str, Any]:
    """Lightning's progress just after optimizer step ``step`` (from 1), while its batch is not yet counted."""
    epoch, before = divmod(step - 1, steps_per_epoch)
    epochs = {"ready": epoch + 1, "started": epoch + 1, "processed": epoch, "completed": epoch}
    return {
        "epoch_progress": {"total": epochs, "current": dict(epochs)},
        "epoch_loop.batch_progress": {
            "total": _batches(step * accumulate),
            "current": _batches((before + 1) * accumulate),
            "is_last_batch": before + 1 == steps_per_epoch,
        },
    }


def _batches(number: int) -> dict[str, int]:
    return {"ready": number, "started": number, "processed": number, "completed": number - 1}


def take_up(sampler: object, step: int, session: Session) -> None:
    """Put the data where optimizer step ``step`` begins."""
    assert isinstance(sampler, SeededSampler)
    sampler.epoch, done = divmod(step, session.steps_per_epoch)
    sampler.start = done * session.accumulate


def seed_everything(*key: int) -> None:
    """torch's generators (CPU and GPUs), numpy's and Python's, from one key."""
    words = np.random.SeedSequence(key).generate_state(4)
    torch.manual_seed(int(words[0]) << 32 | int(words[1]))
    np.random.seed(words[2])
    random.seed(int(words[3]))
