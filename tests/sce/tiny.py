"""A data set and a training so small that a test can run several of them."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from sce.data.index import build_index, save_index
from sce.definition import Pretrain
from sce.rundir import RunDir
from tests.videos import encode

TRAIN_VIDEOS, STEPS_PER_EPOCH, EPOCHS = 13, 3, 3
STEPS = STEPS_PER_EPOCH * EPOCHS


def make_videos(root: Path) -> Path:
    """13 videos of noise to train on and 2 to score, 20 frames of 48 x 32 pixels each, indexed."""
    rng = np.random.default_rng(0)
    for number in range(TRAIN_VIDEOS + 2):
        split = "train" if number < TRAIN_VIDEOS else "val"
        coarse = rng.integers(0, 256, (20, 4, 6, 3), dtype=np.uint8)
        frames = coarse.repeat(8, axis=1).repeat(8, axis=2)
        encode(root / split / "ab"[number % 2] / f"{number:02d}.mp4", frames)
    save_index(build_index(root, "video", processes=1))
    return root


def tiny(root: Path, **changes: Any) -> Pretrain:
    """SCE on those videos: 3 epochs of 3 steps of 4 clips. ``changes`` replace whole parts."""
    view = {"size": 16, "blur_p": 0.5, "solarize_p": 0.2}
    parts: dict[str, Any] = {
        "data": {"kind": "video", "root": str(root), "num_frames": 4, "clip_s": 0.4},
        "views": {"views": [view, view], "time_difference_p": 0.3},
        "trunk": {"kind": "small3d", "width": 2},
        "method": {
            "kind": "sce",
            "queue_size": 10,  # neither a multiple of the 8 keys of a step, nor the other way round
            "projector": {"hidden_width": 8, "width": 8},
            "predictor": {"hidden_width": 8},
        },
        "optimisation": {
            "epochs": EPOCHS,
            "batch_size": 4,
            "optimizer": {"kind": "lars", "lr": 0.4},
            "schedule": {"kind": "cosine", "warmup_epochs": 1},
        },
        "compute": {"accelerator": "cpu", "loader_workers": 0},
        "checkpoints": {"every_epochs": 2},
    }
    return Pretrain.model_validate({**parts, **changes})


def asked(folder: Path, definition: Pretrain) -> RunDir:
    """A run folder that asks for it."""
    run = RunDir(folder)
    run.write_definition(definition)
    return run


def events(run: RunDir, kind: str) -> list[dict[str, Any]]:
    """The journal's events of one kind, in order."""
    return [line.event for line in run.read() if line.event["event"] == kind]


def weights(run: RunDir, name: str) -> dict[str, torch.Tensor]:
    """Everything that a checkpoint holds of the method: branches, heads and queue."""
    state: dict[str, torch.Tensor] = torch.load(run.checkpoints / name, weights_only=True)["state_dict"]
    return state


def assert_same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    """Bit for bit."""
    assert found.keys() == expected.keys()
    assert [name for name in found if not torch.equal(found[name], expected[name])] == []
