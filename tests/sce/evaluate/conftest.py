"""A tiny data set of really encoded videos, and an untrained trunk in a checkpoint as pretraining writes it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sce.checkpoints import DEFINITION
from sce.data.index import build_index, save_index
from sce.definition import Compute, Evaluation, Pretrain, Small3d, VideoData, definition_adapter
from sce.evaluate import evaluate, training
from sce.rundir import EndStatus, RunDir
from sce.trunks import build_trunk
from tests.videos import encode

VIDEOS_PER_CLASS = {"train": 4, "val": 2}
CPU = Compute(accelerator="cpu", loader_workers=0)
VIEWS = {"clips": 2, "crops": 3, "size": 32}
ARun = Callable[..., RunDir]


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes that light alone tells apart: it rises in one and falls in the other."""
    root = tmp_path_factory.mktemp("data") / "lights"
    rng = np.random.default_rng(0)
    for split, count in VIDEOS_PER_CLASS.items():
        for name, ramp in (("brighten", np.linspace(40, 200, 24)), ("darken", np.linspace(200, 40, 24))):
            for number in range(count):
                texture = rng.uniform(0.6, 1.2, (1, 32, 40, 3))
                frames = np.clip(ramp[:, None, None, None] * texture, 0, 255).astype(np.uint8)
                encode(root / split / name / f"{number}.mp4", frames, fps=12)
    save_index(build_index(root, "video", processes=1))
    return root


@pytest.fixture
def video_data(dataset: Path) -> VideoData:
    return VideoData(root=str(dataset), num_frames=4, clip_s=1.0)


@pytest.fixture
def checkpoint(tmp_path: Path, video_data: VideoData) -> Path:
    """An untrained small trunk, written as a pretraining writes it."""
    torch.manual_seed(0)
    definition = Pretrain(data=video_data, trunk=Small3d(width=4), compute=CPU)
    return write_checkpoint(tmp_path / "1/checkpoints/initial.ckpt", definition)


def write_checkpoint(file: Path, definition: Pretrain) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    weights = {f"trunk.{key}": value for key, value in build_trunk(definition.trunk).state_dict().items()}
    torch.save({"state_dict": weights, DEFINITION: definition_adapter.dump_json(definition).decode()}, file)
    return file


@pytest.fixture
def a_run(tmp_path: Path, video_data: VideoData, checkpoint: Path) -> Callable[..., RunDir]:
    """A run folder that asks for an evaluation; keywords change its definition."""

    def make(protocol: dict[str, Any], **changes: Any) -> RunDir:
        run = RunDir(tmp_path / "2")
        asked = {
            "kind": "evaluation",
            "checkpoint": {"path": "1/checkpoints/initial.ckpt"},
            "data": video_data.model_dump(),
            "protocol": protocol,
            "compute": CPU.model_dump(),
            **changes,
        }
        run.write_definition(Evaluation.model_validate(asked))
        run.begin_attempt(1)
        return run

    return make


def events(run: RunDir, kind: str) -> list[dict[str, Any]]:
    return [line.event for line in run.read() if line.event["event"] == kind]


def evaluated(run: RunDir, attempt: int = 1) -> EndStatus:
    """Do what the folder asks for."""
    definition = run.definition()
    assert isinstance(definition, Evaluation)
    return evaluate(run, definition, attempt=attempt)


def result_of(run: RunDir) -> dict[str, Any]:
    return events(run, "result")[-1]


def stop_after(run: RunDir, *, epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the stop file once so many epochs are saved."""
    save = training.save_state

    def save_and_ask(one: training.Training) -> None:
        save(one)
        if one.epoch == epochs:
            run.request_stop()

    monkeypatch.setattr(training, "save_state", save_and_ask)
