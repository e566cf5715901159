"""A training that kills itself with -9 at a given moment."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch

from sce import checkpoints, saving
from sce.methods.family import MomentumMethod
from sce.rundir import RunDir
from sce.train import run_attempt

AT_STEP = 5
MOMENTS = ("in a step", "half a file", "whole, not renamed", "renamed, not journaled")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(moment: str) -> None:
    """Put the kill where the moment is, of step ``AT_STEP`` or its checkpoint."""
    state = f"last-step={AT_STEP:08d}.ckpt"
    if moment == "in a step":
        step = MomentumMethod.training_step

        def half_a_step(self: Any, *given: Any) -> torch.Tensor:
            loss = step(self, *given)
            return die() if self.global_step == AT_STEP else loss  # type: ignore[return-value]  # it is gone

        MomentumMethod.training_step = half_a_step  # type: ignore[method-assign]  # the moment
    elif moment == "half a file":
        write = saving.StraightToDisk.save_checkpoint

        def half_a_file(self: Any, checkpoint: dict[str, Any], path: Any, **more: Any) -> None:
            write(self, checkpoint, path, **more)
            if state in str(path):
                os.truncate(path, Path(path).stat().st_size // 2)
                die()

        saving.StraightToDisk.save_checkpoint = half_a_file  # type: ignore[method-assign]  # the moment
    elif moment == "whole, not renamed":
        fsync = os.fsync

        def die_after(descriptor: int) -> None:
            fsync(descriptor)
            if state in os.readlink(f"/proc/self/fd/{descriptor}"):
                die()

        checkpoints.os.fsync = die_after  # type: ignore[attr-defined]  # the moment
    elif moment == "renamed, not journaled":
        digest = saving.digest
        saving.digest = lambda file: die() if file.name == state else digest(file)  # type: ignore[attr-defined]  # the moment


def train(run: RunDir, attempt: int, moment: str, mortal: bool, environment: dict[str, str]) -> None:
    """In a process of its own: one attempt, which dies at the moment when it is ``mortal``."""
    os.environ |= environment
    torch.set_num_threads(1)
    if mortal:
        arm(moment)
    sys.exit(run_attempt(run, attempt=attempt) == "failed")
