"""Run what a run folder asks for: ``python -m sce.train RUN_DIR``. Needs no server, database or queue."""

import argparse
import errno
import json
import logging
import os
import platform
import socket
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from pydantic import ValidationError

from sce.data.sampler import SeededSampler
from sce.definition import Evaluation, Pretrain
from sce.definition.problems import problems_of
from sce.rundir import EndEvent, EndStatus, FailureKind, RunDir, StartEvent

if TYPE_CHECKING:
    from lightning import Trainer
    from lightning.pytorch.strategies import DDPStrategy

    from sce.callbacks import Session
    from sce.checkpoints import Found

EXIT_FAILED = 1
RANK_0_FIRST_S = 2.0


def main() -> None:
    """Exit status 0 when the run ended as it was asked to, 1 when it failed."""
    parser = argparse.ArgumentParser(prog="python -m sce.train", description=__doc__)
    parser.add_argument("run_dir", type=Path, help="folder with a definition.json")
    parser.add_argument("--attempt", type=int, help="number of this attempt; by default the next one")
    parser.add_argument("--runs-dir", type=Path, help="folder that checkpoint paths are relative to")
    asked = parser.parse_args()
    run = RunDir(asked.run_dir.resolve())
    if not run.definition_file.is_file():
        sys.exit(f"{run.definition_file} is not there: a run folder holds a definition.json")
    attempt = _begin(run, asked.attempt)
    status = run_attempt(run, attempt=attempt, runs_dir=asked.runs_dir)
    sys.exit(EXIT_FAILED if status == "failed" else 0)


def _begin(run: RunDir, number: int | None) -> int:
    """The attempt's number, made the newest one of the folder. Only the first process of a group counts it."""
    if number is None:
        is_first = os.environ.get("RANK", "0") == "0" and os.environ.get("LOCAL_RANK", "0") == "0"
        number = run.attempt() + 1 if is_first else max(run.attempt(), 1)
        if is_first:
            run.begin_attempt(number)
    elif run.attempt() < number:
        run.begin_attempt(number)
    return number


def run_attempt(run: RunDir, *, attempt: int, runs_dir: Path | None = None) -> EndStatus:
    """One attempt, from the definition to the end line of the journal."""
    try:
        definition = run.definition()
        if isinstance(definition, Evaluation):
            from sce.evaluate import evaluate

            return evaluate(run, definition, attempt=attempt, runs_dir=runs_dir)
        return pretrain(run, definition, attempt=attempt)
    except Exception as error:  # noqa: BLE001 - the edge of the program: whatever it was is said and kept
        traceback.print_exc()
        kind, sentence = classify(error, run)
        _end(run, attempt, "failed", kind, sentence)
        return "failed"


def pretrain(run: RunDir, definition: Pretrain, *, attempt: int) -> EndStatus:
    """Train to the end, or until somebody asks to leave; resume from the newest whole checkpoint."""
    import lightning
    from lightning.pytorch.utilities.exceptions import SIGTERMException

    from sce.callbacks import (
        Journal,
        LeaveWhenAsked,
        Saving,
        Scheduled,
        SeededSteps,
        Session,
        StopAtNan,
        listen,
    )
    from sce.checkpoints import newest_whole
    from sce.data.module import pretrain_loader
    from sce.methods import build_method

    _quieten()
    found = newest_whole(run)
    trainer = _trainer(run, definition)
    lightning.seed_everything(definition.seed, verbose=False)
    loader = pretrain_loader(
        definition, rank=trainer.global_rank, world_size=trainer.world_size, pin=torch.cuda.is_available()
    )
    steps_per_epoch = len(loader) // definition.optimisation.accumulate
    session = Session(run, definition, attempt, steps_per_epoch, is_writer=trainer.is_global_zero)
    method = build_method(definition, steps=session.steps)
    if definition.compute.compile:
        method.trunk.compile()
    if found:
        _take_up(loader.sampler, found.step, steps_per_epoch, definition.optimisation.accumulate)
    saving, journal = Saving(session), Journal(session)
    leaving = LeaveWhenAsked(session, saving, journal)
    callbacks = [Scheduled(session), StopAtNan(), SeededSteps(session), journal, saving, leaving]
    trainer.callbacks += callbacks  # type: ignore[attr-defined]  # documented, not annotated
    listen(session.asked)
    if session.is_writer:
        _start(run, attempt, trainer, session, found)
    try:
        trainer.fit(method, loader, ckpt_path=str(found.path) if found else None, weights_only=True)
    except SIGTERMException:
        # Asked before the first step, when Lightning still listened: there is nothing new to save.
        session.left = "preempt"
    return _ended(session)


def _quieten() -> None:
    """Leave out of the log what Lightning says at each start and what we answer for ourselves."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*your dataloader is not resumable.*")  # SeededSampler is
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=DeprecationWarning)
    warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)


def classify(error: Exception, run: RunDir) -> tuple[FailureKind, str]:
    """What kind of failure it is, and a sentence with the remedy."""
    if isinstance(error, ValidationError):
        return "user_error", _faults(error, run)
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error):
        return (
            "out_of_memory",
            "The memory was not enough: lower optimisation.batch_size, or raise optimisation.accumulate",
        )
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "infrastructure", f"The disk that holds {run.path} is full: make room, then resume"
    if isinstance(error, ValueError | FileNotFoundError):
        return "user_error", str(error)
    return "infrastructure", f"{type(error).__name__}: {error} (see the log)"


def _faults(error: ValidationError, run: RunDir) -> str:
    try:
        given: object = json.loads(run.definition_file.read_text())
    except ValueError:
        return f"{run.definition_file.name} is no JSON: write it again"
    return "; ".join(f"{found.field}: {found.message}" for found in problems_of(error, given))


def _trainer(run: RunDir, definition: Pretrain) -> "Trainer":
    from lightning import Trainer
    from lightning.fabric.plugins.environments.slurm import SLURMEnvironment

    compute, learning = definition.compute, definition.optimisation
    world_size = compute.devices * compute.nodes
    is_gpu = compute.accelerator != "cpu" and torch.cuda.is_available()
    if compute.accelerator == "gpu" and not is_gpu:
        raise ValueError("compute.accelerator is gpu and this host has none: choose auto or cpu")
    return Trainer(
        accelerator="gpu" if is_gpu else "cpu",
        devices=compute.devices,
        num_nodes=compute.nodes,
        strategy=_strategy() if world_size > 1 else "auto",
        # A run is requeued by who launched it, never by Lightning.
        plugins=[SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else None,
        precision="32-true" if compute.precision == "32" else compute.precision,
        # It raises on CPU at the first forward pass.
        sync_batchnorm=is_gpu and world_size > 1,
        max_epochs=learning.epochs,
        accumulate_grad_batches=learning.accumulate,
        gradient_clip_val=learning.clip_norm,
        deterministic=compute.deterministic,
        use_distributed_sampler=False,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=run.path,
    )


def _strategy() -> "DDPStrategy":
    """One process per device. The queue is the same on every rank by itself: nothing is broadcast."""
    from lightning.pytorch.strategies import DDPStrategy

    return DDPStrategy(broadcast_buffers=False)


def _take_up(sampler: object, step: int, steps_per_epoch: int, accumulate: int) -> None:
    """Put the data where optimizer step ``step`` begins."""
    assert isinstance(sampler, SeededSampler)
    sampler.epoch, done = divmod(step, steps_per_epoch)
    sampler.start = done * accumulate


def _start(run: RunDir, attempt: int, trainer: "Trainer", session: "Session", found: "Found | None") -> None:
    for path in found.torn if found else ():
        session.note(f"{path} is torn or missing: going on from {found.path.name if found else 'the start'}")
    event: StartEvent = {
        "event": "start",
        "step": found.step if found else 0,
        "steps": session.steps,
        "epochs": session.epochs,
        "resumed_from": f"checkpoints/{found.path.name}" if found else None,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "world_size": trainer.world_size,
        "device": _device_name(trainer),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }
    run.append(event, attempt=attempt)


def _device_name(trainer: "Trainer") -> str:
    if trainer.strategy.root_device.type == "cuda":
        return torch.cuda.get_device_name(trainer.strategy.root_device)
    threads = torch.get_num_threads()
    return f"cpu ({threads} thread{'' if threads == 1 else 's'})"


def _ended(session: "Session") -> EndStatus:
    status: EndStatus = "finished"
    if session.left:
        status = "stopped" if session.left == "stop" else "preempted"
    if session.is_writer and session.left != "superseded":
        _end(session.run, session.attempt, status, None, None)
    return status


def _end(
    run: RunDir, attempt: int, status: EndStatus, kind: FailureKind | None, sentence: str | None
) -> None:
    """Write the attempt's last line, once: the first process to fail knows why, the others only that it did."""
    if os.environ.get("RANK", "0") != "0":
        time.sleep(RANK_0_FIRST_S)
    ends = (line.event for line in run.read() if line.event["event"] == "end")
    if run.attempt() > attempt or any(event["attempt"] == attempt for event in ends):
        return
    event: EndEvent = {"event": "end", "status": status, "kind": kind, "sentence": sentence}
    run.append(event, attempt=attempt)


if __name__ == "__main__":
    main()
