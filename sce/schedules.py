"""Schedules: pure functions of the optimizer step, so that nothing counts and a resumed run agrees."""

import math
from typing import Literal

from sce.definition import Optimisation, Ramp, Steps
from sce.definition.derived import scaled_lr


def learning_rate(step: int, learning: Optimisation, *, steps_per_epoch: int) -> float:
    """Rate of optimizer step ``step`` (from 0), after scaling with the batch."""
    rate = scaled_lr(learning.optimizer.lr, learning.optimizer.lr_scaling, learning.batch_size)
    if isinstance(learning.schedule, Steps):
        return _stepped(step, rate, learning.schedule, steps_per_epoch)
    end = scaled_lr(learning.schedule.end_lr, learning.optimizer.lr_scaling, learning.batch_size)
    return warmup_cosine(
        step,
        peak=rate,
        end=end,
        warmup=learning.schedule.warmup_epochs * steps_per_epoch,
        steps=learning.epochs * steps_per_epoch,
    )


def warmup_cosine(step: int, *, peak: float, end: float, warmup: int, steps: int) -> float:
    """Linear from 0 at step 0 to ``peak`` at step warmup - 1, then half a cosine from ``peak`` to ``end``."""
    if step < warmup:
        return peak * step / max(warmup - 1, 1)
    progress = min((step - warmup) / max(steps - warmup, 1), 1.0)
    return end + (peak - end) * (1 + math.cos(math.pi * progress)) / 2


def _stepped(step: int, rate: float, schedule: Steps, steps_per_epoch: int) -> float:
    epoch = step // steps_per_epoch
    return rate * schedule.gamma ** sum(epoch >= milestone for milestone in schedule.milestones)


def cosine_momentum(step: int, *, start: float, steps: int) -> float:
    """EMA momentum: ``start`` at step 0, exactly 1 at the last step (steps - 1)."""
    progress = min(step / max(steps - 1, 1), 1.0)
    return 1 - (1 - start) * (math.cos(math.pi * progress) + 1) / 2


def ramped(step: int, *, value: float, ramp: Ramp | None, steps_per_epoch: int, steps: int) -> float:
    """A value at optimizer step ``step``: from the ramp's start to itself, then on to the ramp's final one."""
    if ramp is None:
        return value
    warmup = ramp.epochs * steps_per_epoch
    if step < warmup:
        return _between(ramp.start, value, step / max(warmup - 1, 1), ramp.shape)
    if ramp.final is None:
        return value
    return _between(value, ramp.final, (step - warmup) / max(steps - warmup - 1, 1), ramp.shape)


def _between(start: float, end: float, way: float, shape: Literal["linear", "cosine"]) -> float:
    """One formula for rising and falling values; ``way`` goes from 0 to 1."""
    way = min(max(way, 0.0), 1.0)
    share = way if shape == "linear" else (1 - math.cos(math.pi * way)) / 2
    return start + (end - start) * share
