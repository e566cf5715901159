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
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from pydantic import ValidationError

from sce.definition import Evaluation, Pretrain
from sce.definition.methods import Method
from sce.definition.problems import problems_of
from sce.rundir import EndEvent, EndStatus, FailureKind, RunDir, StartEvent, StopReason
from sce.session import Session
from sce.signals import listen

if TYPE_CHECKING:
    from lightning import Trainer
    from lightning.pytorch.strategies import DDPStrategy

    from sce.checkpoints import Found

EXIT_FAILED = 1
RANK_0_FIRST_S = 2.0
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


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
    heard: list[StopReason] = []
    listen(heard)  # now: importing what trains takes seconds, and a warning may come in them
    attempt = _begin(run, asked.attempt)
    status = run_attempt(run, attempt=attempt, runs_dir=asked.runs_dir, heard=heard)
    if _is_first():
        print(_farewell(run, status), flush=True)
    sys.exit(EXIT_FAILED if status == "failed" else 0)


def _farewell(run: RunDir, status: EndStatus) -> str:
    """The last line for who started it from a shell: what came out, or how it goes on."""
    if status in ("stopped", "preempted"):
        first = f"remove {run.stop_file}, then " if run.stop_requested() else ""
        return f"{status}: to go on, {first}run the same command again"
    results = [line.event["values"] for line in run.read() if line.event["event"] == "result"]
    scores = ", ".join(f"{name} {value:.3f}" for name, value in results[-1].items()) if results else ""
    return f"{status}: {scores}" if scores else f"{status}: {run.path}"


def _is_first() -> bool:
    """Whether this is the first process of a group, or the only one."""
    return _rank() == "0" and os.environ.get("LOCAL_RANK", "0") == "0"


def _rank() -> str:
    by_slurm = os.environ.get("SLURM_PROCID", "0")  # srun starts the ranks itself and names none RANK
    return os.environ.get("RANK", by_slurm)


def _begin(run: RunDir, number: int | None) -> int:
    """The attempt's number, made the newest one of the folder. Only the first process of a group counts it."""
    if number is None:
        number = run.attempt() + 1 if _is_first() else max(run.attempt(), 1)
        if _is_first():
            run.begin_attempt(number)
    elif run.attempt() < number:
        run.begin_attempt(number)
    return number


def run_attempt(
    run: RunDir, *, attempt: int, runs_dir: Path | None = None, heard: list[StopReason] | None = None
) -> EndStatus:
    """One attempt, from the definition to the end line of the journal. ``heard`` are signals that came before."""
    try:
        definition = run.definition()
        if isinstance(definition, Evaluation):
            from sce.evaluate import evaluate

            return evaluate(run, definition, attempt=attempt, runs_dir=runs_dir, heard=heard)
        return pretrain(run, definition, attempt=attempt, heard=heard)
    except Exception as error:  # noqa: BLE001 - the edge of the program: whatever it was is said and kept
        kind, sentence = classify(error, run)
        if kind != "user_error":
            traceback.print_exc()
        print(sentence, file=sys.stderr, flush=True)
        if _is_of_another(error) and "TORCHELASTIC_RUN_ID" in os.environ:
            return "failed"  # torchrun knows which of them died, and how
        try:
            _end(run, attempt, "failed", kind, sentence)
        except OSError as unwritten:  # the disk has no room for a line either
            print(f"{run.journal_file} could not be told: {unwritten}", file=sys.stderr, flush=True)
        return "failed"


def pretrain(
    run: RunDir, definition: Pretrain, *, attempt: int, heard: list[StopReason] | None = None
) -> EndStatus:
    """Train to the end, or until somebody asks to leave; resume from the newest whole checkpoint."""
    import lightning
    from lightning.pytorch.utilities.exceptions import SIGTERMException

    from sce.callbacks import Journal, LeaveWhenAsked, Scheduled, StopAtNan
    from sce.checkpoints import newest_whole
    from sce.data.module import pretrain_loader, refuse_other_classes
    from sce.devices import prepare
    from sce.methods import build_method
    from sce.moves import CountSkipped
    from sce.probing import probing_of
    from sce.resuming import SeededSteps, take_up
    from sce.saving import Saving

    _quieten()
    found = newest_whole(run)
    trainer = _trainer(run, definition)
    lightning.seed_everything(definition.seed, verbose=False)
    is_gpu = trainer.strategy.root_device.type == "cuda"
    loader = pretrain_loader(definition, rank=trainer.global_rank, world_size=trainer.world_size, pin=is_gpu)
    refuse_other_classes(definition)
    steps_per_epoch = len(loader) // definition.optimisation.accumulate
    is_writer = trainer.is_global_zero
    session = Session(run, definition, attempt, steps_per_epoch, is_writer, [] if heard is None else heard)
    method = build_method(definition, steps=session.steps, steps_per_epoch=steps_per_epoch)
    prepare(method, definition.compute, trainer.strategy.root_device)
    take_up(loader.sampler, found.step, session)
    journal = Journal(session)
    saving = Saving(session, journal.flush)
    leaving = LeaveWhenAsked(session, saving, journal)
    before = [Scheduled(session), StopAtNan(), SeededSteps(session), *probing_of(session, journal)]
    skips = CountSkipped(session)  # after the journal, which tells what the step at hand used
    trainer.callbacks += [*before, journal, skips, saving, leaving]  # type: ignore[attr-defined]  # documented, not annotated
    listen(session.asked)
    if session.is_writer:
        _start(run, attempt, trainer, session, found)
    try:
        trainer.fit(method, loader, ckpt_path=found.path, weights_only=True)
    except SIGTERMException:
        # Asked before the first step, when Lightning still listened: there is nothing new to save.
        session.left = "preempt"
    return _ended(session)


def _quieten() -> None:
    """Leave out of the log what Lightning says at each start and what we answer for ourselves."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*your dataloader is not resumable.*")  # SeededSampler is
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*`broadcast_buffers` is deprecated.*")
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
    if any(isinstance(one, OSError) and one.errno in DISK_FULL for one in _chain(error)):
        return "infrastructure", f"The disk that holds {run.path} is full: make room, then resume"
    if isinstance(error, ValueError | FileNotFoundError):
        return "user_error", str(error)
    if _is_of_another(error):
        return "lost", f"Another process of the training went away, says this one (see the log): {error}"
    return "infrastructure", f"{type(error).__name__}: {error} (see the log)"


def _is_of_another(error: Exception) -> bool:
    """Whether it only says that another rank does not answer any more."""
    return any(
        isinstance(one, torch.distributed.DistNetworkError) or "gloo/transport" in str(one)
        for one in _chain(error)
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it: torch hides a full disk behind an error of its own."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _faults(error: ValidationError, run: RunDir) -> str:
    try:
        given: object = json.loads(run.definition_file.read_text())
    except ValueError:
        return f"{run.definition_file.name} is no JSON: write it again"
    return "; ".join(f"{found.field}: {found.message}" for found in problems_of(error, given))


def _trainer(run: RunDir, definition: Pretrain) -> "Trainer":
    from lightning import Trainer
    from lightning.fabric.plugins.environments.slurm import SLURMEnvironment

    from sce.devices import arithmetic
    from sce.saving import StraightToDisk

    compute, learning = definition.compute, definition.optimisation
    world_size = compute.devices * compute.nodes
    is_gpu = compute.accelerator != "cpu" and torch.cuda.is_available()
    if compute.accelerator == "gpu" and not is_gpu:
        raise ValueError("compute.accelerator is gpu and this host has none: choose auto or cpu")
    precision = arithmetic(compute, torch.device("cuda" if is_gpu else "cpu"))
    return Trainer(
        accelerator="gpu" if is_gpu else "cpu",
        devices=compute.devices,
        num_nodes=compute.nodes,
        strategy=_strategy() if world_size > 1 else "auto",
        # A run is requeued by who launched it, never by Lightning.
        plugins=[
            StraightToDisk(),
            *([SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else []),
        ],
        precision="32-true" if precision == "32" else precision,
        # Every step has the same shapes: the fastest convolutions are looked for once.
        benchmark=is_gpu and not compute.deterministic,
        # It raises on CPU at the first forward pass.
        sync_batchnorm=is_gpu and world_size > 1 and shares_norms(definition.method),
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


def shares_norms(method: Method) -> bool:
    """Whether several devices normalise as one: not a shuffled batch, nor labels, as published."""
    return method.kind != "supervised" and not getattr(method, "shuffle_norm", False)


def _strategy() -> "DDPStrategy":
    """One process per device. The queue is the same on every rank by itself: nothing is broadcast."""
    from lightning.pytorch.strategies import DDPStrategy

    return DDPStrategy(broadcast_buffers=False)


def _start(run: RunDir, attempt: int, trainer: "Trainer", session: Session, found: "Found") -> None:
    for path in found.torn:
        session.note(
            f"{path} is torn or missing: going on from {found.path.name if found.path else 'the start'}"
        )
    event: StartEvent = {
        "event": "start",
        "step": found.step,
        "steps": session.steps,
        "epochs": session.epochs,
        "resumed_from": f"checkpoints/{found.path.name}" if found.path else None,
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


def _ended(session: Session) -> EndStatus:
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
    if not _is_first():
        time.sleep(RANK_0_FIRST_S)
    ends = (line.event for line in run.read() if line.event["event"] == "end")
    if run.attempt() > attempt or any(event["attempt"] == attempt for event in ends):
        return
    said = f"Rank {_rank()}: {sentence}" if sentence and not _is_first() else sentence
    event: EndEvent = {"event": "end", "status": status, "kind": kind, "sentence": said}
    run.append(event, attempt=attempt)


if __name__ == "__main__":
    main()
