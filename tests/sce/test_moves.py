"""Steps that a scaler leaves out change nothing but its scale, and schedules wait for the weights."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import Trainer
from lightning.pytorch.plugins import MixedPrecision

from sce.rundir import RunDir
from sce.schedules import learning_rate
from sce.train import run_attempt
from tests.sce.tiny import STEPS, STEPS_PER_EPOCH, asked, events, make_videos, tiny, weights

# The first scale overflows even float32, the second one nothing.
FIRST_SCALE, BACKOFF = 2.0**127, 2.0**-112


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_videos(tmp_path_factory.mktemp("videos"))


class Scaled(MixedPrecision):
    """float16 as on a GPU: Lightning has no scaler on CPUs."""

    def __init__(self) -> None:
        scaler = torch.amp.GradScaler("cpu", init_scale=FIRST_SCALE, backoff_factor=BACKOFF)
        super().__init__("16-mixed", "cpu", scaler)


@pytest.fixture
def with_a_scaler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainers scale the loss, and compute in bfloat16, which every CPU can."""

    def trainer(*, precision: str, plugins: list[Any], **how: Any) -> Trainer:
        assert precision == "16-mixed"
        return Trainer(plugins=[*plugins, Scaled()], **how)

    monkeypatch.setattr("lightning.Trainer", trainer)
    monkeypatch.setattr(
        MixedPrecision, "autocast_context_manager", lambda _: torch.autocast("cpu", torch.bfloat16)
    )


def half(videos: Path) -> Any:
    kept = {"every_epochs": 9, "last_every_min": 1e-9}
    compute = {"accelerator": "cpu", "loader_workers": 0, "precision": "16-mixed"}
    return tiny(videos, compute=compute, checkpoints=kept)


@pytest.fixture
def run(with_a_scaler: None, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDir:
    """A whole training whose first step overflows; every state is kept."""
    monkeypatch.setattr("sce.saving.NUM_LAST", STEPS)
    run = asked(tmp_path / "run", half(videos))
    assert run_attempt(run, attempt=1) == "finished"
    return run


def test_a_step_left_out_moves_neither_weights_nor_momentum_branch_nor_queue(run: RunDir) -> None:
    names = ["initial.ckpt", "last-step=00000001.ckpt", "last-step=00000004.ckpt"]
    untrained, left_out, moved = (weights(run, name) for name in names)
    learned = [name for name in untrained if not name.endswith(("running_mean", "running_var", "_tracked"))]
    assert [name for name in learned if not torch.equal(left_out[name], untrained[name])] == []
    assert not torch.equal(moved["queue.keys_QC"], untrained["queue.keys_QC"])
    assert not torch.equal(moved["momentum_projector.0.weight"], untrained["momentum_projector.0.weight"])


def test_the_schedules_wait_for_the_weights(run: RunDir, videos: Path) -> None:
    values = [event["values"] for event in events(run, "metrics")]
    learning = half(videos).optimisation
    rates = [learning_rate(step, learning, steps_per_epoch=STEPS_PER_EPOCH) for step in range(STEPS)]
    assert [each["train/lr"] for each in values] == pytest.approx([rates[0], *rates[:-1]])
    assert [each["train/momentum"] for each in values][:2] == [0.99] * 2
    assert values[-1]["train/momentum"] < 1.0


def test_steps_left_out_are_counted_and_told(run: RunDir) -> None:
    counts = [event["values"]["train/skipped_steps"] for event in events(run, "metrics")]
    assert counts == [1] * STEPS
    notes = [event["text"] for event in events(run, "note")]
    assert [note.split(",")[0] for note in notes if "overflow" in note] == ["Step 1 was left out"]


def test_a_resumed_training_still_knows_what_was_left_out(run: RunDir, tmp_path: Path) -> None:
    rates = [event["values"]["train/lr"] for event in events(run, "metrics")]
    lines = [line.event for line in run.read()]
    place = next(
        i for i, event in enumerate(lines) if event.get("path") == "checkpoints/last-step=00000005.ckpt"
    )
    run.journal_file.write_text("".join(json.dumps(event) + "\n" for event in lines[: place + 1]))
    assert run_attempt(run, attempt=2) == "finished"
    again = [event["values"]["train/lr"] for event in events(run, "metrics")]
    assert events(run, "start")[-1]["step"] == 5
    assert again[-4:] == rates[-4:]


def test_without_a_scaler_every_step_counts(videos: Path, tmp_path: Path) -> None:
    run = asked(tmp_path / "run", tiny(videos))
    run_attempt(run, attempt=1)
    last = torch.load(run.checkpoints / "epoch=0003.ckpt", weights_only=True)
    assert last["scelab_skipped_steps"] == 0
    assert "train/skipped_steps" not in events(run, "metrics")[-1]["values"]
