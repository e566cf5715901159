"""What accompanies a training: the rate of each step, the journal, checkpoints, leaving, and exact resuming."""

import random
import signal
import sys
import time
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer
from torch import Tensor

from sce.checkpoints import DEFINITION, digest, journaled, write_atomically
from sce.definition import Pretrain, definition_adapter
from sce.methods import AnyMethod
from sce.rundir import (
    CheckpointEvent,
    CheckpointKind,
    MetricsEvent,
    NoteEvent,
    ProgressEvent,
    RemovedEvent,
    RunDir,
)
from sce.schedules import learning_rate

FLUSH_EVERY_S, PROGRESS_EVERY_S, PRINT_EVERY_S = 0.5, 1.0, 10.0
MOST_POINTS = 20_000
NUM_LAST = 2


class NotFinite(ValueError):
    """The loss is not a number any more."""


@dataclass
class Session:
    """What the callbacks of one attempt share."""

    run: RunDir
    definition: Pretrain
    attempt: int
    steps_per_epoch: int
    is_writer: bool
    asked: list[str] = field(default_factory=list)
    """Signals that were received."""
    left: str | None = None
    """Why the training left before its end."""

    @property
    def epochs(self) -> int:
        return self.definition.optimisation.epochs

    @property
    def steps(self) -> int:
        return self.steps_per_epoch * self.epochs

    def note(self, text: str) -> None:
        if self.is_writer:
            event: NoteEvent = {"event": "note", "level": "warning", "text": text}
            self.run.append(event, attempt=self.attempt)


class Scheduled(Callback):
    """Sets each optimizer step's learning rate: a pure function of the step."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def on_train_batch_start(
        self, trainer: Trainer, module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        learning = self.session.definition.optimisation
        rate = learning_rate(trainer.global_step, learning, steps_per_epoch=self.session.steps_per_epoch)
        for group in trainer.optimizers[0].param_groups:
            group["lr"] = rate


class StopAtNan(Callback):
    """Stops before the optimizer step that a loss which is no number would spoil, and names the batch.

    Looking at the loss waits for the device; on a GPU the journal's flush looks instead, within a second.
    """

    def __init__(self) -> None:
        self._positions: Tensor | None = None

    def on_train_batch_start(
        self, trainer: Trainer, module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        self._positions = batch.position_B

    def on_before_optimizer_step(
        self, trainer: Trainer, module: LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        if module.device.type == "cpu":
            refuse_nan(module.values["train/loss"], trainer.global_step, self._positions)  # type: ignore[index]  # a method's


def refuse_nan(loss: Any, step: int, positions: Tensor | None) -> None:
    """Raises ``NotFinite`` with the remedy."""
    if np.isfinite(float(loss)):
        return
    items = "" if positions is None else f" on items {positions.tolist()} of the training split"
    raise NotFinite(
        f"The loss is {float(loss)} at step {step}{items}: lower optimisation.optimizer.lr, or lengthen the warm-up"
    )


class Journal(Callback):
    """Writes what each step measured, without waiting for the device more than twice a second."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.every = max(1, session.steps // MOST_POINTS)
        self._waiting: list[tuple[int, float, dict[str, Any]]] = []
        self._flushed = self._ended = time.monotonic()
        self._since = (0.0, 0.0, 0)
        self._noted: set[str] = set()
        self._told, self._printed = (0, 0.0), 0.0

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        self._flushed = self._ended = time.monotonic()
        self._told = (trainer.global_step, time.monotonic())

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
        if (batch_idx + 1) % self.session.definition.optimisation.accumulate == 0 and step % self.every == 0:
            self._remember(trainer, module)  # type: ignore[arg-type]  # the methods are the modules here
        if now - self._flushed >= FLUSH_EVERY_S:
            self.flush(trainer)

    def _remember(self, trainer: Trainer, module: AnyMethod) -> None:
        step = trainer.global_step
        values: dict[str, Any] = dict(module.values)
        values["train/lr"] = trainer.optimizers[0].param_groups[0]["lr"]
        if momentum := getattr(module, "momentum_at", None):
            values["train/momentum"] = momentum(step - 1)
        self._waiting.append((step, step / self.session.steps_per_epoch, values))

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        for path, reason in getattr(trainer.train_dataloader, "skipped", {}).items():
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
        waiting, self._waiting = self._waiting, []
        for step, epoch, values in waiting:
            self._write(step, epoch, {key: float(value) for key, value in values.items()})
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
        refuse_nan(values["train/loss"], step, None)

    def _progress(self, step: int) -> None:
        """Say how far it has come, at most once a second, and at the end."""
        then, at = self._told
        now, total = time.monotonic(), self.session.steps
        if not self.session.is_writer or (now - at < PROGRESS_EVERY_S and step < total) or step == then:
            return
        eta_s = (now - at) / (step - then) * (total - step)
        self._told = (step, now)
        event: ProgressEvent = {
            "event": "progress",
            "phase": "train",
            "done": step,
            "total": total,
            "eta_s": round(eta_s, 1),
        }
        self.session.run.append(event, attempt=self.session.attempt)
        self._print(f"step {step} of {total}, {eta_s:.0f} s left", is_last=step >= total)

    def _print(self, line: str, *, is_last: bool) -> None:
        """One line that is written over in a terminal; in a log, a line every ten seconds."""
        if sys.stdout.isatty():
            print(f"\r{line}\x1b[K", end="\n" if is_last else "", flush=True)
        elif is_last or time.monotonic() - self._printed >= PRINT_EVERY_S:
            self._printed = time.monotonic()
            print(line, flush=True)


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
        accumulate = self.session.definition.optimisation.accumulate
        number = trainer.global_step * accumulate + batch_idx % accumulate
        seed_everything(self.session.definition.seed, trainer.global_rank, number)

    def on_save_checkpoint(
        self, trainer: Trainer, module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint[DEFINITION] = definition_adapter.dump_json(self.session.definition).decode()


def seed_everything(*key: int) -> None:
    """torch's generators (CPU and GPUs), numpy's and Python's, from one key."""
    words = np.random.SeedSequence(key).generate_state(4)
    torch.manual_seed(int(words[0]) << 32 | int(words[1]))
    np.random.seed(words[2])
    random.seed(int(words[3]))


class Saving(Callback):
    """Writes checkpoints: the untrained one, those that are kept, and the newest state to resume from."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._saved_at = time.monotonic()
        known = journaled(session.run).values()
        self._last: list[str] = [event["path"] for event in known if event["kind"] == "last"]

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        if trainer.global_step == 0 and self.session.definition.checkpoints.initial:
            self.save(trainer, "initial", "initial.ckpt")

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        step, per_epoch = trainer.global_step, self.session.steps_per_epoch
        if (batch_idx + 1) % self.session.definition.optimisation.accumulate:
            return
        minutes = (time.monotonic() - self._saved_at) / 60
        is_due = minutes >= self.session.definition.checkpoints.last_every_min
        if step % per_epoch == 0 and self._is_kept(step // per_epoch):
            self.save(trainer, "periodic", f"epoch={step // per_epoch:04d}.ckpt")
        elif trainer.strategy.reduce_boolean_decision(is_due, all=False):
            self.save_last(trainer)

    def _is_kept(self, epoch: int) -> bool:
        return epoch == self.session.epochs or epoch % self.session.definition.checkpoints.every_epochs == 0

    def save_last(self, trainer: Trainer) -> None:
        """The state to resume from; the one before the last is kept, in case the last is torn."""
        name = f"last-step={trainer.global_step:08d}.ckpt"
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
        if (batch_idx + 1) % self.session.definition.optimisation.accumulate:
            return
        reason = self._reason()
        # Every rank must leave at the same batch, or the others wait for it for ever.
        if not trainer.strategy.reduce_boolean_decision(reason is not None, all=False):
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
        return "preempt" if self.session.asked else None


def listen(asked: list[str]) -> None:
    """A handler only raises the flag: saving inside one hangs."""

    def note(number: int, _: FrameType | None) -> None:
        asked.append(signal.Signals(number).name)

    for number in (signal.SIGTERM, signal.SIGUSR2, signal.SIGINT):
        signal.signal(number, note)
