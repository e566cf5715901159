"""What every evaluation needs: the trunk, the data's index, and a way to report and to leave when asked."""

import os
import platform
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
import torch.distributed as dist
from torch import nn

from sce.data.index import Index
from sce.data.layout import UNLABELLED
from sce.definition import EvalProtocol, Evaluation, Pretrain, TransferProtocol
from sce.modules import gather_objects, rank
from sce.rundir import Event, MetricsEvent, NoteEvent, ProgressEvent, RunDir, StartEvent, StopReason
from sce.signals import SIGNALS, listen
from sce.terminal import ProgressLine
from sce.usage import Usage

MAX_NAMED = 5
FEW_CLIPS = 2000


class CannotEvaluate(ValueError):
    """What was asked cannot be measured; the sentence says why, and what to do."""


class Stopped(Exception):
    """Somebody asked the run to leave."""

    def __init__(self, reason: StopReason) -> None:
        self.reason = reason
        super().__init__(reason)


class Reporter:
    """Writes the journal and the terminal, and raises ``Stopped`` where the run may leave.

    Of several processes the first one writes.
    """

    def __init__(
        self,
        run: RunDir,
        attempt: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        heard: list[StopReason] | None = None,
    ) -> None:
        self.run = run
        self.attempt = attempt
        self.clock = clock
        self.heard = [] if heard is None else heard
        self.is_writer = rank() == 0
        self._usage = Usage()
        self._line = ProgressLine()
        self._told = -1.0
        self._began: tuple[str, int, float] | None = None

    def start(self, *, step: int, steps: int, epochs: int, device: torch.device, resumed: str | None) -> None:
        event: StartEvent = {
            "event": "start",
            "step": step,
            "steps": steps,
            "epochs": epochs,
            "resumed_from": resumed,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "world_size": dist.get_world_size() if dist.is_initialized() else 1,
            "device": str(device),
            "versions": {"python": platform.python_version(), "torch": torch.__version__},
        }
        self._append(event)

    def progress(self, phase: str, done: int, total: int) -> None:
        """Say how far ``phase`` has come, at most once a second and at its end."""
        now = self.clock()
        if self._began is None or self._began[0] != phase or done < self._began[1]:
            self._began = (phase, done, now)
        if now - self._told < 1.0 and done < total:
            return
        self._told = now
        _, first, since = self._began
        eta_s = (now - since) / (done - first) * (total - done) if done > first else None
        event: ProgressEvent = {
            "event": "progress",
            "phase": phase,
            "done": done,
            "total": total,
            "eta_s": None if eta_s is None else round(eta_s, 1),
        }
        if self.is_writer:
            self._append(event)
            self._line.show(phase, done, total, eta_s)

    def metrics(self, step: int, epoch: float, values: dict[str, float]) -> None:
        values = values | (self._usage.due() if self.is_writer else {})
        event: MetricsEvent = {"event": "metrics", "step": step, "epoch": epoch, "values": values}
        self._append(event)

    def warn(self, text: str) -> None:
        event: NoteEvent = {"event": "note", "level": "warning", "text": text}
        self._append(event)

    def warn_of_other_clips(self, definition: Evaluation, pretrain: Pretrain) -> None:
        """Say so when the trunk is shown other clips than it learned from: often a forgotten field."""
        seen, learned = definition.data, pretrain.data
        if (seen.num_frames, seen.clip_s) != (learned.num_frames, learned.clip_s):
            self.warn(
                f"The trunk learned from {learned.num_frames} frames over {learned.clip_s:g} s and is shown "
                f"{seen.num_frames} over {seen.clip_s:g} s: set data.num_frames and data.clip_s if that is not meant"
            )

    @contextmanager
    def listening(self) -> Iterator[None]:
        """While it lasts, a signal asks the run to leave as the stop file does."""
        before = {number: signal.getsignal(number) for number in SIGNALS}
        listen(self.heard)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def leave_if_asked(self) -> None:
        """Raises ``Stopped`` after a signal or a stop file, or when a newer attempt has begun."""
        if (reason := self.asked()) is not None:
            raise Stopped(reason)

    def asked(self) -> StopReason | None:
        """Why it should leave now; None when it may go on."""
        reason = self.run.stop_requested() or (self.heard[0] if self.heard else None)
        return reason or ("stop" if self.run.attempt() > self.attempt else None)

    def _append(self, event: Event) -> None:
        if self.is_writer:
            self.run.append(event, attempt=self.attempt)


@dataclass(frozen=True)
class Bench:
    """One evaluation's setting."""

    run: RunDir
    definition: Evaluation
    trunk: nn.Module
    pretrain: Pretrain
    index: Index
    device: torch.device
    report: Reporter
    skipped: dict[str, str] = field(default_factory=dict)
    """Why an item that was readable when indexed could not be read now, by its path."""

    def loader_workers(self, num_clips: int) -> int:
        """Loader processes for so many clips: none for a few, which are read sooner than processes start."""
        return self.definition.compute.loader_workers if num_clips > FEW_CLIPS else 0

    def share_skipped(self) -> None:
        """Let every process know what any of them could not read."""
        for one in gather_objects(dict(self.skipped)):
            self.skipped.update(one)

    def scored(self, split: str, positions: list[int]) -> str:
        """How many of a split were read, as "118 of 120"; a note names those that were not."""
        items = self.index.splits[split]
        gone = [items[position].path for position in sorted(set(range(len(items))) - set(positions))]
        reasons = {bad.path: bad.reason for bad in self.index.unreadable if bad.split == split}
        reasons |= {path: self.skipped.get(path, "could not be read") for path in gone}
        count = f"{len(positions)} of {len(positions) + len(reasons)}"
        if reasons:
            named = [f"{path} ({reason.rstrip('.')})" for path, reason in list(reasons.items())[:MAX_NAMED]]
            more = f" and {len(reasons) - MAX_NAMED} more" if len(reasons) > MAX_NAMED else ""
            self.report.warn(f"{count} items of {split} were read; left out: {', '.join(named)}{more}")
        return count


def check_data(definition: Evaluation, pretrain: Pretrain, index: Index) -> None:
    """Raises ``CannotEvaluate`` where the trunk cannot read the data, or a split is not there."""
    data = definition.data
    if data.kind != pretrain.data.kind:
        raise CannotEvaluate(
            f"The checkpoint's trunk {pretrain.trunk.kind} reads {pretrain.data.kind} data, and "
            f"{data.root} is {data.kind} data: choose a data set of {pretrain.data.kind}s"
        )
    splits = splits_of(definition)
    for role, split in splits.items():
        if role != "val" and split == data.val_split:
            field = {"train": "train_split", "penalty": "protocol.validation_split"}[role]
            raise CannotEvaluate(
                f"{field} and val_split are both {split!r}: "
                "a score on what was learned from says nothing; choose two splits"
            )
    _refuse_several(definition.protocol, index)
    for split in splits.values():
        if not index.splits.get(split):
            raise CannotEvaluate(
                f"{data.root} has no readable item in split {split!r}; "
                f"its splits are {', '.join(sorted(index.splits))}"
            )
        if definition.protocol.kind != "extract" and not index.shows_several:
            _refuse_unlabelled(data.root, split, index)


def splits_of(definition: Evaluation) -> dict[str, str]:
    """The splits that are read, by what they are for: train, val, and penalty where that has a split of its own."""
    data, protocol = definition.data, definition.protocol
    splits = {"train": data.train_split, "val": data.val_split}
    if isinstance(protocol, TransferProtocol) and protocol.validation_split:
        splits["penalty"] = protocol.validation_split
    return splits


def _refuse_several(protocol: EvalProtocol, index: Index) -> None:
    """A score of one class an item would count every other class that it shows as an error."""
    is_fit = protocol.kind in ("svm", "extract") or (
        isinstance(protocol, TransferProtocol) and protocol.metric == "mAP"
    )
    if index.shows_several and not is_fit:
        raise CannotEvaluate(
            f"The items of {index.root} show several classes each, and {protocol.kind} scores one: choose svm, or "
            "transfer with metric mAP"
        )


def _refuse_unlabelled(root: str, split: str, index: Index) -> None:
    """Items without label would count as one class, and every score as a high one."""
    items = index.splits[split]
    unlabelled = sum(item.label == UNLABELLED for item in items)
    if unlabelled:
        raise CannotEvaluate(
            f"{unlabelled} of {len(items)} items of split {split!r} of {root} have no label, and a score "
            "needs them: choose a labelled split, or the protocol extract"
        )


def pick_device(accelerator: str) -> torch.device:
    """Raises ``CannotEvaluate`` when a GPU is asked for and there is none."""
    has_gpu = torch.cuda.is_available()
    if accelerator == "gpu" and not has_gpu:
        raise CannotEvaluate("compute.accelerator is gpu and this host has none: choose auto or cpu")
    return torch.device("cuda" if has_gpu and accelerator != "cpu" else "cpu")
