"""However often and wherever a training is stopped, it ends with the weights of one that never was."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sce.data.sampler import Draw, SeededSampler
from sce.resuming import progress_at, seed_everything, take_up
from sce.rundir import RunDir
from sce.session import Session
from sce.train import run_attempt
from tests.sce.tiny import (
    EPOCHS,
    STEPS,
    STEPS_PER_EPOCH,
    asked,
    assert_same,
    events,
    tiny,
    weights,
)

LAST = "epoch=0003.ckpt"
EVERY_STEP = {"every_epochs": 3, "last_every_min": 1e-9}
PLAIN_HEAD = {"hidden_width": 8, "width": 8, "num_layers": 2, "norm_last": False}
METHODS: dict[str, dict[str, Any]] = {
    "sce": {"kind": "sce", "queue_size": 10, "projector": {"hidden_width": 8, "width": 8}, "predictor": None},
    "moco": {"kind": "moco", "queue_size": 10, "projector": PLAIN_HEAD},
}


def learning(accumulate: int, optimizer: str = "lars") -> dict[str, Any]:
    schedule = {"kind": "cosine", "warmup_epochs": 1}
    rate = {"lars": 0.4, "adamw": 0.01, "sgd": 0.05}[optimizer]
    chosen = {"kind": optimizer, "lr": rate}
    return {
        "epochs": EPOCHS,
        "batch_size": 4,
        "accumulate": accumulate,
        "optimizer": chosen,
        "schedule": schedule,
    }


def stopped_after_every_step(run: RunDir) -> None:
    """Leave after one step, resume, leave after one step ... until the end."""
    for attempt in range(1, STEPS + 1):
        run.request_stop()
        run_attempt(run, attempt=attempt)
        run.clear_stop()


@pytest.mark.parametrize(
    ("method", "accumulate", "optimizer"),
    [("sce", 1, "lars"), ("sce", 2, "adamw"), ("moco", 2, "sgd")],
)
def test_stopped_after_every_step_equals_never_stopped(
    method: str, accumulate: int, optimizer: str, videos: Path, tmp_path: Path
) -> None:
    definition = tiny(videos, method=METHODS[method], optimisation=learning(accumulate, optimizer))
    whole, run = asked(tmp_path / "whole", definition), asked(tmp_path / "run", definition)
    assert run_attempt(whole, attempt=1) == "finished"
    stopped_after_every_step(run)
    assert [event["step"] for event in events(run, "start")] == list(range(STEPS))
    assert losses(run) == losses(whole)
    assert_same(weights(run, LAST), weights(whole, LAST))


def losses(run: RunDir) -> list[tuple[int, float]]:
    return [(event["step"], event["values"]["train/loss"]) for event in events(run, "metrics")]


def test_a_resumed_training_with_loader_processes_reads_what_was_left(videos: Path, tmp_path: Path) -> None:
    """Processes read ahead of the training: what they had read when it was stopped is read again."""
    compute = {"accelerator": "cpu", "loader_workers": 2}
    whole, run = (
        asked(tmp_path / "whole", tiny(videos)),
        asked(tmp_path / "run", tiny(videos, compute=compute)),
    )
    run_attempt(whole, attempt=1)
    run.request_stop()
    run_attempt(run, attempt=1)
    run.clear_stop()
    assert run_attempt(run, attempt=2) == "finished"
    assert_same(weights(run, LAST), weights(whole, LAST))


@pytest.mark.parametrize("accumulate", [1, 2])
def test_progress_is_told_as_a_training_that_never_stopped_tells_it(
    accumulate: int, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sce.saving.NUM_LAST", STEPS)
    run = asked(tmp_path / "run", tiny(videos, optimisation=learning(accumulate), checkpoints=EVERY_STEP))
    run_attempt(run, attempt=1)
    for step in range(1, STEPS):
        file = run.checkpoints / f"last-step={step:08d}.ckpt"
        told = torch.load(file, weights_only=True)["loops"]["fit_loop"]
        ours = progress_at(step, steps_per_epoch=STEPS_PER_EPOCH, accumulate=accumulate)
        assert {key: told[key] for key in ours} == ours


@pytest.mark.parametrize(
    ("step", "epoch", "start"), [(0, 0, 0), (1, 0, 2), (3, 1, 0), (4, 1, 2), (8, 2, 4), (9, 3, 0)]
)
def test_the_data_goes_on_in_the_middle_of_an_epoch(
    step: int, epoch: int, start: int, tmp_path: Path
) -> None:
    session = Session(
        RunDir(tmp_path), tiny(tmp_path, optimisation=learning(2)), 1, STEPS_PER_EPOCH, is_writer=True
    )
    sampler = SeededSampler(13, 2, seed=1, accumulate=2)
    take_up(sampler, step, session)
    assert (sampler.epoch, sampler.start) == (epoch, start)


def test_a_sampler_taken_up_gives_the_rest_of_its_epoch_and_then_whole_ones() -> None:
    whole, resumed = SeededSampler(13, 2, seed=1), SeededSampler(13, 2, seed=1, epoch=4, start=3)
    whole.set_epoch(4)
    resumed.set_epoch(4)
    assert list(resumed) == list(whole)[6:]
    whole.set_epoch(5)
    resumed.set_epoch(5)
    assert list(resumed) == list(whole)
    assert all(isinstance(draw, Draw) and draw.epoch == 5 for draw in resumed)


def drawn() -> tuple[float, float, float]:
    return float(torch.rand(1)), float(np.random.rand()), random.random()


def test_one_key_gives_one_series_in_every_generator() -> None:
    seed_everything(1, 2, 3)
    first = drawn()
    seed_everything(1, 2, 3)
    assert drawn() == first


@pytest.mark.parametrize("other", [(2, 2, 3), (1, 3, 3), (1, 2, 4), (1, 2)])
def test_another_seed_rank_or_batch_gives_another_series(other: tuple[int, ...]) -> None:
    seed_everything(1, 2, 3)
    first = drawn()
    seed_everything(*other)
    assert all(one != two for one, two in zip(drawn(), first, strict=True))
