"""Every evaluation recipe measures a trunk on generated data in folders: its own frames, seconds, views and protocol.

Sides are a quarter of the recipe's, epochs two, and the trunk is a small one: the recipe's own would take hours.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sce.checkpoints import DEFINITION
from sce.data.index import build_index, save_index
from sce.definition import Compute, Evaluation, Pretrain, definition_adapter
from sce.evaluate import evaluate
from sce.recipes import load_recipe, recipe_names
from sce.rundir import RunDir
from sce.trunks import build_trunk
from tests.sce.data.folders import voc2007
from tests.sce.evaluate.conftest import events
from tests.videos import encode

EVALUATIONS = [name for name in recipe_names() if load_recipe(name).definition["kind"] == "evaluation"]
CPU = Compute(accelerator="cpu", loader_workers=0)
SPLITS = ("train", "train-1", "train-1pct", "train-10pct", "trainval", "val", "val-1", "test", "test-1")
SMALLER = 4
SCORES = {
    "knn": {"top1", "top5"},
    "linear": {"top1", "top5", "best_top1"},
    "finetune": {"top1", "top5", "best_top1"},
    "retrieval": {"R@1", "R@5", "R@10", "R@15", "R@20", "R@25"},
    "extract": set(),
    "svm": {"mAP@1", "mAP@2", "mAP@full"},
    "transfer": {"top1", "mean_per_class"},
    "mAP": {"mAP"},
}


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of two videos in every split: 3 s at 10 frames a second."""
    root, rng = tmp_path_factory.mktemp("videos"), np.random.default_rng(0)
    for split in SPLITS:
        for name in ("Archery", "Basketball"):
            for number in range(2):
                coarse = rng.integers(0, 256, (30, 8, 10, 3), dtype=np.uint8)
                encode(
                    root / split / name / f"v_{name}_g{number}.mp4",
                    coarse.repeat(8, axis=1).repeat(8, axis=2),
                    fps=10,
                )
    save_index(build_index(root, "video", processes=1))
    return root


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for split in SPLITS:
        for wnid in ("n01558993", "n01692333"):
            for number in range(3):
                file = root / split / wnid / f"{wnid}_{number}.JPEG"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(rng.integers(0, 256, (70, 90, 3), dtype=np.uint8)).save(file)
    save_index(build_index(root, "image", processes=1))
    return root


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures that show up to three classes, in VOC2007's own files."""
    root, rng = tmp_path_factory.mktemp("voc"), np.random.default_rng(0)
    for path in voc2007(root):
        Image.fromarray(rng.integers(0, 256, (70, 90, 3), dtype=np.uint8)).save(root / path)
    save_index(build_index(root, "image", processes=1))
    return root


def trunk_file(folder: Path, data: dict[str, Any]) -> Path:
    """An untrained trunk that reads such data, as a pretraining keeps it."""
    is_video = data["kind"] == "video"
    trunk = {"kind": "small3d", "width": 2} if is_video else {"kind": "r18", "small_images": False}
    definition = Pretrain.model_validate({"data": data, "trunk": trunk, "compute": CPU.model_dump()})
    file = folder / "1/checkpoints/initial.ckpt"
    file.parent.mkdir(parents=True)
    torch.manual_seed(0)
    weights = {f"trunk.{key}": value for key, value in build_trunk(definition.trunk).state_dict().items()}
    torch.save({"state_dict": weights, DEFINITION: definition_adapter.dump_json(definition).decode()}, file)
    return file


def smaller(name: str, data: dict[str, Any], checkpoint: Path) -> Evaluation:
    """The recipe with every side a quarter, one or two epochs, and no more items than there are."""
    whole = {**load_recipe(name).definition, "checkpoint": {"path": str(checkpoint)}}
    asked = definition_adapter.validate_python(whole).model_dump()
    protocol = asked["protocol"]
    for key in ("size", "short_side"):
        protocol["views"][key] = protocol["views"][key] and protocol["views"][key] // SMALLER
    if "optimisation" in protocol:
        view = protocol["train_view"]
        view["size"] //= SMALLER
        if view["crop"]["kind"] == "short_side":
            view["crop"]["short_side"] = [side // SMALLER for side in view["crop"]["short_side"]]
        protocol["optimisation"] |= {"epochs": 2, "batch_size": 2}
        if protocol["optimisation"]["schedule"]["kind"] == "cosine":
            protocol["optimisation"]["schedule"]["warmup_epochs"] = 0
    changes = {"shots": (1, 2), "draws": 2, "num_l2": 3, "validation_share": 0.4}
    protocol |= {key: value for key, value in changes.items() if key in protocol}
    definition = definition_adapter.validate_python(
        {**asked, "data": {**asked["data"], "root": data["root"]}, "compute": CPU.model_dump()}
    )
    assert isinstance(definition, Evaluation)
    return definition


@pytest.mark.parametrize("name", EVALUATIONS)
def test_a_recipe_measures_a_trunk(
    name: str, videos: Path, images: Path, several: Path, tmp_path: Path
) -> None:
    data = dict(load_recipe(name).definition["data"])
    made = several if data["root"] == "voc2007" else images
    data["root"] = str(videos if data["kind"] == "video" else made)
    definition = smaller(name, data, trunk_file(tmp_path, data))
    run = RunDir(tmp_path / "2")
    run.write_definition(definition)
    run.begin_attempt(1)
    assert evaluate(run, definition, attempt=1) == "finished"
    (result,) = events(run, "result")
    kind = definition.protocol.kind
    assert set(result["values"]) == SCORES["mAP" if "voc" in name and kind == "transfer" else kind]
    assert all(0 <= value <= 1 for value in result["values"].values())
    assert all((run.path / file).is_file() for file in result["files"])


SIXTEEN = [name for name in EVALUATIONS if name.endswith(("-16f", "-small"))]


@pytest.mark.parametrize("name", SIXTEEN)
def test_sixteen_frames_are_one_field_for_training_and_scoring(name: str) -> None:
    asked = {**load_recipe(name).definition, "checkpoint": {"path": "a"}}
    definition = definition_adapter.validate_python(asked)
    assert definition.data.num_frames == 16
    assert definition.data.clip_s == (2.56 if name.endswith("-16f") else 1.28)
