"""Trainers without processes: what they write into their run's folder, and how they go."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sce.rundir import RunDir
from worker.launchers import Exit, Handle
from worker.launchers.fake import FakeLauncher

DEEDS = ("begin", "step", "save", "finish", "fail", "die", "linger", "obey")


@dataclass
class FakeTrainers:
    """All of them, by the handle of their launcher."""

    begun: set[Handle] = field(default_factory=set)
    over: set[Handle] = field(default_factory=set)
    """Said that they are done, and are still there."""

    def act(self, launcher: FakeLauncher, handle: Handle, deed: str) -> None:
        """What a trainer does next. One whose attempt is not the newest leaves, as a real one does."""
        path, _, number = handle.rpartition("#")
        folder, attempt = RunDir(Path(path)), int(number)
        leave = partial(launcher.alive.discard, handle)
        if folder.attempt() != attempt:
            return leave()
        if deed == "die":
            launcher.exits[folder.path, attempt] = Exit(None, 9, 0)
            return leave()
        if handle in self.over:
            return leave() if deed == "obey" else None
        if handle not in self.begun:
            self.begun.add(handle)
            folder.append(start_of(attempt), attempt=attempt)
        asked = folder.stop_requested()
        if deed == "obey" and asked:
            folder.append(end_of("preempted" if asked == "preempt" else "stopped"), attempt=attempt)
            return leave()
        if deed in ("finish", "fail", "linger"):
            folder.append(end_of("failed" if deed == "fail" else "finished"), attempt=attempt)
            return self.over.add(handle) if deed == "linger" else leave()
        if deed == "save":
            folder.append(SAVED, attempt=attempt)
        elif deed == "step":
            folder.append(STEP, attempt=attempt)
        return None


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


STEP: Any = {"event": "metrics", "step": 1, "epoch": 0.1, "values": {"train/loss": 1.0}}
SAVED: Any = {
    "event": "checkpoint",
    "step": 1,
    "epoch": 0.1,
    "path": "checkpoints/last-step=00000001.ckpt",
    "bytes": 10,
    "sha256": f"{1:064x}",
    "kind": "last",
}
