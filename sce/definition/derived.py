"""What follows from a definition before anything runs: rates, steps and sizes."""

import math

from sce.definition.base import Frozen
from sce.definition.learning import Cosine, LrScaling, Optimisation
from sce.definition.protocols import TrainedProtocol
from sce.definition.runs import Evaluation, Pretrain
from sce.definition.sizes import checkpoint_bytes, trunk_width


class Derived(Frozen):
    """Numbers that a definition implies. None where they need something not known yet."""

    effective_batch: int | None
    """Videos per optimizer step, over all devices."""
    batch_per_device: int | None
    """Videos per forward pass on one device."""
    scaled_lr: float | None
    """Learning rate after scaling with the batch."""
    steps_per_epoch: int | None
    """Optimizer steps per epoch; the last short batch is dropped."""
    total_steps: int | None
    """Optimizer steps of the whole run."""
    warmup_steps: int | None
    """Steps over which the rate rises."""
    num_checkpoints: int | None
    """Checkpoints that will be kept."""
    checkpoint_bytes: int | None
    """Size of one checkpoint with the optimizer's state, in bytes."""
    trunk_width: int | None
    """Width of the features."""
    views_per_video: int | None
    """Views of a scored video that are averaged."""


def derive(definition: Pretrain | Evaluation, *, train_items: int | None) -> Derived:
    """Everything the definition implies; ``train_items`` is the size of the training split, if known."""
    learning = learning_of(definition)
    per_epoch = train_items // learning.batch_size if learning and train_items is not None else None
    return Derived(
        effective_batch=learning.batch_size if learning else None,
        batch_per_device=_batch_per_device(definition, learning) if learning else None,
        scaled_lr=_rate(learning) if learning else None,
        steps_per_epoch=per_epoch,
        total_steps=per_epoch * learning.epochs if learning and per_epoch is not None else None,
        warmup_steps=_warmup_steps(learning, per_epoch) if learning else None,
        num_checkpoints=_num_checkpoints(definition),
        checkpoint_bytes=checkpoint_bytes(definition) if isinstance(definition, Pretrain) else None,
        trunk_width=trunk_width(definition.trunk) if isinstance(definition, Pretrain) else None,
        views_per_video=_views_per_video(definition),
    )


def learning_of(definition: Pretrain | Evaluation) -> Optimisation | None:
    if isinstance(definition, Pretrain):
        return definition.optimisation
    return definition.protocol.optimisation if isinstance(definition.protocol, TrainedProtocol) else None


def _batch_per_device(definition: Pretrain | Evaluation, learning: Optimisation) -> int:
    return learning.batch_size // (
        definition.compute.devices * definition.compute.nodes * learning.accumulate
    )


def _rate(learning: Optimisation) -> float:
    return scaled_lr(learning.optimizer.lr, learning.optimizer.lr_scaling, learning.batch_size)


def _warmup_steps(learning: Optimisation, per_epoch: int | None) -> int | None:
    if not isinstance(learning.schedule, Cosine):
        return 0
    return None if per_epoch is None else learning.schedule.warmup_epochs * per_epoch


def _num_checkpoints(definition: Pretrain | Evaluation) -> int | None:
    if not isinstance(definition, Pretrain):
        return None
    kept = math.ceil(definition.optimisation.epochs / definition.checkpoints.every_epochs)
    return kept + definition.checkpoints.initial


def _views_per_video(definition: Pretrain | Evaluation) -> int | None:
    if isinstance(definition, Pretrain):
        return None
    return definition.protocol.views.clips * definition.protocol.views.crops


def scaled_lr(lr: float, scaling: LrScaling, batch_size: int) -> float:
    """Learning rate for a batch: linear is lr * N / 256, sqrt is lr * sqrt(N)."""
    return {"none": lr, "linear": lr * batch_size / 256, "sqrt": lr * math.sqrt(batch_size)}[scaling]
