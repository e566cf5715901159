"""A whole training step of SCE on R3D18, ours beside a plain Lightning module that does the same.

    python benchmarks/step.py [--batch 8] [--frames 8] [--side 64] [--threads 1] [--steps 3] [--rounds 2]

The recipe is k200-r3d18: strong augmentation, both branches, a queue of 32,768, LARS, momentum and schedules. The
other side has the same networks, torchvision's transforms clip by clip, the loss with two softmaxes and a target
matrix, and LARS and the momentum branch one weight after the other. Both run in Lightning's Trainer, ours with the
callbacks of a step. A step is measured in processor time of all threads; the shares are of the last round.
"""

import argparse
import contextlib
import io
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer
from torch import Tensor
from torch.utils.data import DataLoader

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks._paired import machine, summed
from benchmarks._plain_step import PlainSce
from sce.callbacks import Journal, LeaveWhenAsked, Scheduled, StopAtNan
from sce.data.clips import CHANCES
from sce.data.module import ClipBatch
from sce.definition import Pretrain
from sce.devices import prepare
from sce.methods import build_method, family
from sce.moves import CountSkipped
from sce.recipes import define, load_recipe
from sce.resuming import SeededSteps
from sce.rundir import RunDir
from sce.saving import Saving
from sce.session import Session
from sce.train import _quieten

SHARES = ("augmentation", "forward", "loss", "backward", "optimizer", "momentum and rest")


class Step(NamedTuple):
    cpu_s: float
    wall_s: float
    shares: dict[str, float]
    """Processor seconds of each part."""
    loss: float


class Watch(Callback):
    """What each part of a step takes, in processor time; the first step is left out."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.cpu: list[float] = []
        self.wall: list[float] = []
        self.losses: list[float] = []
        self._mark = self._began = self._began_wall = 0.0

    def timed(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """``work``, whose time counts as ``name`` and no longer as what it is a part of."""

        def timing(*args: Any, **kwargs: Any) -> Any:
            began = time.process_time()
            done = work(*args, **kwargs)
            self.spent[name] += (took := time.process_time() - began)
            self._mark += took
            return done

        return timing

    def _passed(self, name: str) -> None:
        now = time.process_time()
        self.spent[name] += now - self._mark
        self._mark = now

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        trainer.optimizers[0].register_step_post_hook(lambda *_: self._passed("optimizer"))

    def on_train_batch_start(
        self, trainer: Trainer, module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if batch_idx == 1:
            self.spent.clear()
        if batch_idx == 0:
            self._begin()

    def on_before_backward(self, trainer: Trainer, module: LightningModule, loss: Tensor) -> None:
        self._passed("forward")
        self.losses.append(float(loss.detach()))

    def on_after_backward(self, trainer: Trainer, module: LightningModule) -> None:
        self._passed("backward")

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._passed("momentum and rest")
        if batch_idx:
            self.cpu.append(time.process_time() - self._began)
            self.wall.append(time.perf_counter() - self._began_wall)
        self._begin()  # the next one: what other callbacks do before it counts as well

    def _begin(self) -> None:
        self._began_wall = time.perf_counter()
        self._began = self._mark = time.process_time()

    def step(self) -> Step:
        shares = {name: self.spent[name] / len(self.cpu) for name in SHARES}
        return Step(statistics.median(self.cpu), statistics.median(self.wall), shares, self.losses[-1])


def batches(definition: Pretrain, steps: int) -> list[ClipBatch]:
    """The same clips for both sides: coarse noise, as smooth as a video."""
    rng, data, learning = np.random.default_rng(0), definition.data, definition.optimisation
    made = []
    for _ in range(steps):
        views = []
        for view in definition.views.views:
            shape = (learning.batch_size, 3, data.num_frames, view.size // 8, view.size // 8)
            coarse = rng.integers(0, 256, shape, dtype=np.uint8)
            views.append(torch.from_numpy(coarse.repeat(8, axis=3).repeat(8, axis=4)))
        chances = tuple(rng.random((learning.batch_size, CHANCES), dtype=np.float32) for _ in views)
        names = torch.arange(learning.batch_size)
        made.append(ClipBatch(tuple(views), chances, names, names))
    return made


def fit(module: LightningModule, given: list[ClipBatch], callbacks: list[Callback]) -> Step:
    watch = callbacks[-1]
    assert isinstance(watch, Watch)
    trainer = Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.callbacks += callbacks  # type: ignore[attr-defined]  # documented, not annotated
    trainer.fit(module, DataLoader(given, batch_size=None))  # type: ignore[arg-type]  # a list is a data set
    return watch.step()


def ours(definition: Pretrain, given: list[ClipBatch]) -> Step:
    watch = Watch()
    method = build_method(definition, steps=10 * len(given), steps_per_epoch=len(given))
    prepare(method, definition.compute, torch.device("cpu"))
    plain = {name: getattr(family, name) for name in ("augmented", "relations", "sce_loss")}
    for name, work in plain.items():
        setattr(family, name, watch.timed("augmentation" if name == "augmented" else "loss", work))
    try:
        with tempfile.TemporaryDirectory() as folder:
            session = Session(RunDir(Path(folder)), definition, 1, len(given), is_writer=True)
            journal = Journal(session)
            saving = Saving(session, journal.flush)
            leaving, skips = LeaveWhenAsked(session, saving, journal), CountSkipped(session)
            own = [Scheduled(session), StopAtNan(), SeededSteps(session), journal, skips, leaving]
            with contextlib.redirect_stdout(io.StringIO()):  # how far it has come
                return fit(method, given, [*own, watch])
    finally:
        for name, work in plain.items():
            setattr(family, name, work)


def theirs(definition: Pretrain, given: list[ClipBatch]) -> Step:
    watch = Watch()
    module = PlainSce(definition, steps_per_epoch=len(given))
    for name, part in (("augmentation", "augmented"), ("loss", "sce")):
        setattr(module, part, watch.timed(name, getattr(module, part)))
    return fit(module, given, [watch])


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--batch", type=int, default=8)
    options.add_argument("--frames", type=int, default=8)
    options.add_argument("--side", type=int, default=64, help="a multiple of 8")
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--steps", type=int, default=3)
    options.add_argument("--rounds", type=int, default=2)
    asked = options.parse_args()
    torch.set_num_threads(asked.threads)
    _quieten()
    definition = as_asked(asked)
    given = batches(definition, asked.steps + 1)
    rounds = []
    for number in range(asked.rounds):
        lightning.seed_everything(number, verbose=False)
        plain = theirs(definition, given)
        lightning.seed_everything(number, verbose=False)
        rounds.append((plain, ours(definition, given)))
    report(asked, rounds)


def as_asked(asked: argparse.Namespace) -> Pretrain:
    """The recipe at the sizes asked for, on a CPU."""
    changes = {
        "data.num_frames": asked.frames,
        "views.views.0.size": asked.side,
        "views.views.1.size": asked.side,
        "optimisation.batch_size": asked.batch,
        "compute": {"accelerator": "cpu", "loader_workers": 0},
    }
    definition = define(load_recipe("k200-r3d18").definition, changes)
    assert isinstance(definition, Pretrain)
    return definition


def report(asked: argparse.Namespace, rounds: list[tuple[Step, Step]]) -> None:
    cpu = summed([(their.cpu_s, own.cpu_s) for their, own in rounds])
    wall = summed([(their.wall_s, own.wall_s) for their, own in rounds])
    their, own = rounds[-1]
    shape = f"{asked.batch} x {asked.frames} x {asked.side}^2"
    print(
        f"{machine()}, {asked.threads} threads; batch {shape}, {asked.rounds} rounds of {asked.steps} steps"
    )
    print(f"{'a step of SCE, R3D18':24}{'plain Lightning':>16}{'ours':>10}{'ratio':>8}")
    print(f"{'processor seconds':24}{cpu.theirs_s:16.3f}{cpu.ours_s:10.3f}{cpu.ratio:8.2f}")
    print(f"{'seconds':24}{wall.theirs_s:16.3f}{wall.ours_s:10.3f}{wall.ratio:8.2f}")
    for name in SHARES:
        theirs_s, ours_s = their.shares[name], own.shares[name]
        print(f"{'  ' + name:24}{theirs_s:16.3f}{ours_s:10.3f}{theirs_s / max(ours_s, 1e-9):8.2f}")
    print(f"{'loss':24}{their.loss:16.3f}{own.loss:10.3f}")


if __name__ == "__main__":
    main()
