"""Trainers without processes: what they write into their run's folder, and how they go."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from sce.rundir import RunDir
from worker.launchers import Exit, Handle
from worker.launchers.fake import FakeLauncher

DEEDS = ("begin", "step", "save", "finish", "fail", "die", "linger", "obey", "hang", "late")


def nobody(folder: RunDir, attempt: int, event: Any) -> None:
    """Takes no note of it."""


@dataclass
class FakeTrainers:
    """All of them, by the handle of their launcher. ``saw`` is told of every line, when it is written."""

    saw: Callable[[RunDir, int, Any], None] = nobody
    begun: set[Handle] = field(default_factory=set)
    over: set[Handle] = field(default_factory=set)
    """Said that they are done, and are still there."""
    hung: set[Handle] = field(default_factory=set)
    """Do nothing any more, and leave for nobody."""
    steps: Iterator[int] = field(default_factory=partial(count, 1))
    """No two steps are the same, so that each can be told in the record."""

    def act(self, launcher: FakeLauncher, handle: Handle, deed: str) -> None:
        """What a trainer does next. One whose attempt is not the newest leaves, as a real one does."""
        path, _, number = handle.rpartition("#")
        folder, attempt = RunDir(Path(path)), int(number)
        write = partial(self._write, folder, attempt)
        if deed == "die":
            launcher.exits[folder.path, attempt] = Exit(None, 9, 0)
            return launcher.alive.discard(handle)
        if folder.attempt() != attempt:
            return self._leave_late(launcher, handle, deed, write)
        if handle in self.hung:
            return None
        if handle in self.over:
            return launcher.alive.discard(handle) if deed == "obey" else None
        if handle not in self.begun:
            self.begun.add(handle)
            write(start_of(attempt))
        return self._do(launcher, handle, deed, write)

    def _do(self, launcher: FakeLauncher, handle: Handle, deed: str, write: Callable[[Any], None]) -> None:
        asked = RunDir(Path(handle.rpartition("#")[0])).stop_requested()
        if deed == "hang":
            self.hung.add(handle)
        elif deed == "obey" and asked:
            write(end_of("preempted" if asked == "preempt" else "stopped"))
            launcher.alive.discard(handle)
        elif deed in ("finish", "fail", "linger"):
            write(end_of("failed" if deed == "fail" else "finished"))
            self.over.add(handle) if deed == "linger" else launcher.alive.discard(handle)
        elif deed == "save":
            write(SAVED)
        elif deed in ("step", "late"):
            write(self._step())

    def _leave_late(
        self, launcher: FakeLauncher, handle: Handle, deed: str, write: Callable[[Any], None]
    ) -> None:
        """One that slept when its place was taken may write before it sees that."""
        if deed == "late":
            write(self._step())
            write(end_of("finished"))
        if handle not in self.hung:
            launcher.alive.discard(handle)

    def _step(self) -> Any:
        return {"event": "metrics", "step": next(self.steps), "epoch": 0.1, "values": {"train/loss": 1.0}}

    def _write(self, folder: RunDir, attempt: int, event: Any) -> None:
        self.saw(folder, attempt, event)
        folder.append(event, attempt=attempt)


def start_of(attempt: int) -> Any:
    return {
        "event": "start",
        "step": 0,
        "steps": 100,
        "epochs": 10,
        "resumed_from": None,
        "host": "here",
        "pid": 1,
        "world_size": 1,
        "device": "cpu",
        "versions": {},
    }


def end_of(status: str) -> Any:
    return {"event": "end", "status": status, "kind": "infrastructure", "sentence": "It said so."}


SAVED: Any = {
    "event": "checkpoint",
    "step": 1,
    "epoch": 0.1,
    "path": "checkpoints/last-step=00000001.ckpt",
    "bytes": 10,
    "sha256": f"{1:064x}",
    "kind": "last",
}
