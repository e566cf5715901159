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

DEEDS = ("begin", "step", "save", "finish", "fail", "break", "die", "linger", "obey", "hang", "late")
BROKEN = "Xid 79"
"""What is said when the host is at fault."""


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
        """What a trainer does next. One whose attempt is older than the newest leaves, as a real one does."""
        path, _, number = handle.rpartition("#")
        folder, attempt = RunDir(Path(path)), int(number)
        write = partial(self._write, folder, attempt)
        if deed == "die":
            launcher.exits[folder.path, attempt] = Exit(None, 9, 0)
            return launcher.alive.discard(handle)
        if folder.attempt() > attempt:
            return self._leave_late(launcher, handle, deed, write)
        if handle in self.hung:
            return None
        if handle in self.over:
            return launcher.alive.discard(handle) if deed == "obey" else None
        if handle not in self.begun:
            self.begun.add(handle)
            write(start_of(saved_in(folder)))
        return self._do(launcher, handle, deed, write)

    def _do(self, launcher: FakeLauncher, handle: Handle, deed: str, write: Callable[[Any], None]) -> None:
        folder = RunDir(Path(handle.rpartition("#")[0]))
        asked = folder.stop_requested()
        if deed == "hang":
            self.hung.add(handle)
        elif deed == "obey" and asked:
            write(self._save(folder))
            write(end_of("preempted" if asked == "preempt" else "stopped"))
            launcher.alive.discard(handle)
        elif deed in ENDS:
            write(end_of(ENDS[deed], f"{BROKEN}: it is broken." if deed == "break" else "It said so."))
            self.over.add(handle) if deed == "linger" else launcher.alive.discard(handle)
        elif deed == "save":
            write(self._save(folder))
        elif deed in ("step", "late"):
            write(self._step())

    def _save(self, folder: RunDir) -> Any:
        step = next(self.steps)
        file = folder.checkpoints / f"last-step={step:08d}.ckpt"
        file.parent.mkdir(exist_ok=True)
        file.write_text("weights")
        return {**SAVED, "step": step, "path": str(file.relative_to(folder.path)), "sha256": f"{step:064x}"}

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


ENDS = {"finish": "finished", "linger": "finished", "fail": "failed", "break": "failed"}


def saved_in(folder: RunDir) -> int:
    """Step of the newest checkpoint that is there, 0 before the first."""
    return max((int(file.stem.partition("=")[2]) for file in folder.checkpoints.glob("*.ckpt")), default=0)


def start_of(step: int) -> Any:
    return {
        "event": "start",
        "step": step,
        "steps": 10_000,
        "epochs": 10,
        "resumed_from": f"checkpoints/last-step={step:08d}.ckpt" if step else None,
        "host": "here",
        "pid": 1,
        "world_size": 1,
        "device": "cpu",
        "versions": {},
    }


def end_of(status: str, sentence: str = "It said so.") -> Any:
    return {"event": "end", "status": status, "kind": "infrastructure", "sentence": sentence}


SAVED: Any = {"event": "checkpoint", "epoch": 0.1, "bytes": 7, "kind": "last"}
