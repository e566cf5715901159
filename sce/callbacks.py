"""What accompanies each step of a training: its rate, the journal, and leaving when somebody asks."""

import math
import time
from collections import deque
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from torch import Tensor

from sce.definition.health import WELL, judge
from sce.methods import AnyMethod
from sce.methods.family import MomentumMethod
from sce.modules import any_rank, gather_objects
from sce.moves import moves_of
from sce.rundir import MetricsEvent, ProgressEvent
from sce.saving import Saving
from sce.schedules import learning_rate
from sce.session import Session
from sce.signals import listen
from sce.terminal import ProgressLine
from sce.usage import Usage

FLUSH_EVERY_S, PROGRESS_EVERY_S = 0.5, 1.0
PACE_OVER = 60
MOST_POINTS = 20_000


class NotFinite(ValueError):
    """The loss is not a number any more."""


class Scheduled(Callback):
    """Sets each optimizer step's learning rate: a pure function of the step."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def on_train_batch_start(
        self, trainer: Trainer, module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        learning = self.session.definition.optimisation
        step = trainer.global_step - moves_of(module).skipped
        rate = learning_rate(step, learning, steps_per_epoch=self.session.steps_per_epoch)
        for group in trainer.optimizers[0].param_groups:
            group["lr"] = rate


class StopAtNan(Callback):
    """Stops before the optimizer step that a loss which is no number would spoil, and names the batch.

    Looking at the loss waits for the device; on a GPU the journal's flush looks instead, within a second, and names
    the batch all the same. What the steps between spoiled is never saved: see ``sce.saving``.
    """

    def __init__(self) -> None:
        self._position_B = torch.empty(0, dtype=torch.long)

    def on_train_batch_start(
        self, trainer: Trainer, module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        self._position_B = batch.position_B

    def on_before_optimizer_step(
        self, trainer: Trainer, module: LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        if module.device.type == "cpu":
            refuse_nan(module.values["train/loss"], trainer.global_step, self._position_B)  # type: ignore[index]  # a method's


def refuse_nan(loss: Any, step: int, position_B: Tensor) -> None:
    """Raises ``NotFinite`` with the batch's items and the remedy."""
    if math.isfinite(float(loss)):
        return
    where = f"at step {step} on items {position_B.tolist()} of the training split"
    raise NotFinite(
        f"The loss is {float(loss)} {where}: lower optimisation.optimizer.lr, or lengthen the warm-up"
    )


class Journal(Callback):
    """Writes what each step measured, without waiting for the device more than twice a second."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.every = max(1, session.steps // MOST_POINTS)
        self._waiting: list[tuple[int, float, dict[str, Any], Tensor]] = []
        self._flushed = self._ended = time.monotonic()
        self._since = (0.0, 0.0, 0)
        self._noted: set[str] = set()
        self._latest: dict[str, float] = {}
        self._told: deque[tuple[int, float]] = deque(maxlen=PACE_OVER)
        self._line = ProgressLine()
        self._usage = Usage()

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        self._flushed = self._ended = time.monotonic()
        self._told.append((trainer.global_step, time.monotonic()))

    def on_train_batch_start(
        self, trainer: Trainer, module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        waited, busy, clips = self._since
        now = time.monotonic()
        self._since = (waited + now - self._ended, busy, clips + sum(len(view) for view in batch.views))
        self._began = now

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        now = time.monotonic()
        waited, busy, clips = self._since
        self._since = (waited, busy + now - self._began, clips)
        self._ended = now
        step = trainer.global_step
        if (batch_idx + 1) % self.session.accumulate == 0 and step % self.every == 0:
            self._remember(trainer, module, batch.position_B)  # type: ignore[arg-type]  # the methods are the modules here
        if now - self._flushed >= FLUSH_EVERY_S:
            self.flush(trainer)

    def _remember(self, trainer: Trainer, module: AnyMethod, position_B: Tensor) -> None:
        step = trainer.global_step
        values: dict[str, Any] = dict(module.values)
        values["train/lr"] = trainer.optimizers[0].param_groups[0]["lr"]
        if isinstance(module, MomentumMethod):
            values |= module.used_at(step - 1 - module.moves.skipped)
        if self.session.definition.compute.precision in ("16-mixed", "mixed"):
            values["train/skipped_steps"] = module.moves.skipped + (not module.moves.took_place)
        values |= module.health
        module.health = {}
        self._waiting.append((step, step / self.session.steps_per_epoch, values, position_B))

    def leave_out(self, seconds: float) -> None:
        """Count no time in the step at hand that was spent on something else than training."""
        self._began += seconds

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        # Each rank reads its own share: what any of them could not read is told once, by the one who writes.
        skipped = gather_objects(dict(getattr(trainer.train_dataloader, "skipped", {})))
        for path, reason in (pair for one in skipped for pair in sorted(one.items())):
            if path not in self._noted:
                self._noted.add(path)
                self.session.note(f"{path} cannot be read any more, its neighbour stands in: {reason}")
        self.flush(trainer)

    def flush(self, trainer: Trainer) -> None:
        """Write what waits; the pace is the mean since the last time."""
        if not self._waiting:
            return
        waited, busy, clips = self._since
        if waited + busy > 0:
            pace = clips * trainer.world_size / (waited + busy)
            self._waiting[-1][2].update(
                {"train/clips_per_s": pace, "train/data_wait": waited / (waited + busy)}
            )
        if self.session.is_writer:
            self._waiting[-1][2].update(self._usage.due())
        waiting, self._waiting = self._waiting, []
        for step, epoch, values, position_B in waiting:
            numbers = _numbers(values)
            self._write(step, epoch, numbers)
            refuse_nan(numbers["train/loss"], step, position_B)
        self._since, self._flushed = (0.0, 0.0, 0), time.monotonic()
        self._progress(trainer.global_step)

    def on_exception(self, trainer: Trainer, module: LightningModule, exception: BaseException) -> None:
        self.flush(trainer)

    def _write(self, step: int, epoch: float, values: dict[str, float]) -> None:
        if self.session.is_writer:
            event: MetricsEvent = {
                "event": "metrics",
                "step": step,
                "epoch": round(epoch, 5),
                "values": values,
            }
            self.session.run.append(event, attempt=self.session.attempt)
        self._latest |= values
        if "health/embedding_std" in values:
            self._warn(step)

    def _warn(self, step: int) -> None:
        """Say once of each verdict that something is wrong with the method."""
        health = judge(self.session.definition, self._latest, progress=step / self.session.steps)
        if health.verdict not in (*WELL, *self._noted):
            self._noted.add(health.verdict)
            self.session.note(f"Step {step}, {health.verdict}: {health.reason}")

    def _progress(self, step: int) -> None:
        """Say how far it has come, at most once a second, and at the end; the pace is that of the last minute."""
        (before, since), (then, at) = self._told[0], self._told[-1]
        now, total = time.monotonic(), self.session.steps
        if not self.session.is_writer or (now - at < PROGRESS_EVERY_S and step < total) or step == then:
            return
        eta_s = (now - since) / (step - before) * (total - step)
        self._told.append((step, now))
        event: ProgressEvent = {
            "event": "progress",
            "phase": "train",
            "done": step,
            "total": total,
            "eta_s": round(eta_s, 1),
        }
        self.session.run.append(event, attempt=self.session.attempt)
        self._line.show("step", step, total, eta_s)


def _numbers(values: dict[str, Any]) -> dict[str, float]:
    """What waited on the device, as numbers; a probe that saw no label has no score at that step."""
    numbers = {key: float(value) for key, value in values.items()}
    return {
        key: value for key, value in numbers.items() if not (key.startswith("probe/") and math.isnan(value))
    }


class LeaveWhenAsked(Callback):
    """Saves after the current batch and stops: on a stop file, a signal, or a newer attempt."""

    def __init__(self, session: Session, saving: Saving, journal: Journal) -> None:
        self.session, self.saving, self.journal = session, saving, journal

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        # Lightning has put its own handler over ours, which leaves without saving (and broadcasts inside it).
        listen(self.session.asked)

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if (batch_idx + 1) % self.session.accumulate:
            return
        reason = self._reason()
        # Every rank must leave at the same batch, or the others wait for it for ever.
        if not any_rank(reason is not None):
            return
        if trainer.global_step >= self.session.steps:
            return
        self.journal.flush(trainer)
        if reason != "superseded":
            self.saving.save_last(trainer)
        self.session.left = reason or "stop"
        trainer.should_stop = True

    def _reason(self) -> str | None:
        if self.session.run.attempt() > self.session.attempt:
            return "superseded"
        if asked := self.session.run.stop_requested():
            return asked
        return self.session.asked[0] if self.session.asked else None
