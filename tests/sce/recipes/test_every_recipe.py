"""Every pretraining recipe learns from data in its own layout, at its own shapes, with a small batch.

The data is generated: folders and files as the data sets have them, pictures of noise.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sce.data.index import build_index, save_index
from sce.data.module import ClipBatch, pretrain_loader
from sce.definition import Pretrain, definition_adapter
from sce.methods import AnyMethod, build_method
from sce.recipes import Recipe, load_recipe, recipe_names
from tests.videos import encode

PRETRAININGS = [name for name in recipe_names() if load_recipe(name).definition["kind"] == "pretrain"]
# A step of these costs a minute of a core: one of each trunk stands for the others.
ONE_OF_EACH_HEAVY_TRUNK = ["k200-r3d18-small", "in1k-r50-multi-200", "k400-r3d50"]
LIGHT = [name for name in PRETRAININGS if "-r18" in name or name.startswith(("demo", "digits"))]
BATCH = 2


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``<split>/<wnid>/<name>.JPEG``: two classes of two pictures, larger than a view."""
    root, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for split in ("train", "unlabeled", "val", "test"):
        for wnid in ("n01558993", "n01692333"):
            folder = root / split / wnid
            folder.mkdir(parents=True)
            for number in range(2):
                pixels = rng.integers(0, 256, (260, 300, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{wnid}_{number}.JPEG")
    save_index(build_index(root, "image", processes=1))
    return root


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``<split>/<class name>/<id>_<start>_<end>.mp4``: short side 256, as the published preparation leaves them."""
    root, rng = tmp_path_factory.mktemp("kinetics"), np.random.default_rng(0)
    for split in ("train", "val"):
        for number, name in enumerate(("abseiling", "air drumming")):
            coarse = rng.integers(0, 256, (20, 16, 21, 3), dtype=np.uint8)
            frames = coarse.repeat(16, axis=1).repeat(16, axis=2)
            encode(root / split / name / f"id{number}_000001_000011.mp4", frames)
    save_index(build_index(root, "video", processes=1))
    return root


def small(name: str, root: Path) -> Pretrain:
    """The recipe on generated data: its own views, trunk, heads and frames, a small batch and queue."""
    whole = definition_adapter.validate_python(load_recipe(name).definition).model_dump()
    whole["data"]["root"] = str(root)
    whole["optimisation"] |= {"batch_size": BATCH, "epochs": max(1, whole["optimisation"]["epochs"])}
    whole["compute"] = {"accelerator": "cpu", "loader_workers": 0}
    changes = {"queue_size": 512, "norm_splits": BATCH, "classes": 2}
    whole["method"] |= {key: value for key, value in changes.items() if key in whole["method"]}
    definition = definition_adapter.validate_python(whole)
    assert isinstance(definition, Pretrain)
    return definition


def first_batch(definition: Pretrain) -> ClipBatch:
    return next(iter(pretrain_loader(definition, rank=0, world_size=1, pin=False)))


def root_of(name: str, images: Path, videos: Path) -> Path:
    return images if load_recipe(name).definition["data"]["kind"] == "image" else videos


def step(method: AnyMethod, batch: ClipBatch) -> float:
    """Forward, backward, and one move of the weights by the recipe's own optimizer."""
    optimizer = method.configure_optimizers()
    loss = method.training_step(batch, 0)
    loss.backward()
    optimizer.step()
    return float(loss.detach())


def take_a_step(definition: Pretrain) -> None:
    torch.manual_seed(0)
    method = build_method(definition, steps=10, steps_per_epoch=1)
    before = next(method.trunk.parameters()).detach().clone()
    loss = step(method, first_batch(definition))
    assert np.isfinite(loss)
    assert all(torch.isfinite(weight).all() for weight in method.parameters())
    assert not torch.equal(before, next(method.trunk.parameters()))


@pytest.mark.parametrize("name", PRETRAININGS)
def test_its_batches_have_the_printed_shapes(name: str, images: Path, videos: Path) -> None:
    definition = small(name, root_of(name, images, videos))
    batch = first_batch(definition)
    wanted = [(BATCH, 3, definition.data.num_frames, v.size, v.size) for v in definition.views.views]
    assert [tuple(view.shape) for view in batch.views] == wanted


@pytest.mark.parametrize("name", LIGHT)
def test_a_light_recipe_takes_a_step(name: str, images: Path, videos: Path) -> None:
    take_a_step(small(name, root_of(name, images, videos)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ONE_OF_EACH_HEAVY_TRUNK)
def test_a_recipe_of_each_heavy_trunk_takes_a_step(name: str, images: Path, videos: Path) -> None:
    """Every view and head at its own shape; the two global views in their roles once, which is half the work."""
    definition = small(name, root_of(name, images, videos))
    once = definition.method.model_copy(update={"symmetric": False})
    take_a_step(definition.model_copy(update={"method": once}))


# -- where it is from, and what it aims at


@pytest.mark.parametrize("recipe", [load_recipe(name) for name in PRETRAININGS], ids=lambda one: one.name)
def test_only_a_published_recipe_aims_at_a_published_number(recipe: Recipe) -> None:
    is_published = not recipe.source.startswith("SCE Lab")
    assert is_published or not recipe.aims_at
    assert all(0 < aim.percent < 100 for aim in recipe.aims_at)


@pytest.mark.parametrize(
    ("name", "percents"),
    [
        ("in1k-r50-2crop-100", [72.1]),
        ("in1k-r50-2crop-200", [72.7]),
        ("in1k-r50-2crop-300", [73.3]),
        ("in1k-r50-2crop-1000", [74.1]),
        ("in1k-r50-multi-200", [75.4, 88.24, 80.4, 41.6]),
        ("k400-r3d50", [67.6, 94.1, 81.5, 70.5, 43.0]),
        ("k400-r3d50-16f", [69.6, 95.3, 83.9, 74.7, 45.9]),
        ("cifar10-r18", []),
    ],
)
def test_it_aims_at_what_is_printed(name: str, percents: list[float]) -> None:
    assert [aim.percent for aim in load_recipe(name).aims_at] == percents
