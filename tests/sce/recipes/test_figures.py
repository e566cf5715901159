"""Each recipe's figures, row by row as the papers' tables print them."""

from typing import Any

import pytest

from sce.definition import Evaluation, Pretrain, definition_adapter
from sce.recipes import load_recipe

JITTER_IMAGES, JITTER_STRONG = (0.4, 0.4, 0.2, 0.1), (0.8, 0.8, 0.4, 0.2)
KINETICS = ["k200-r3d18", "k400-r3d18", "k400-r3d50", "k400-r3d50-16f"]
IMAGENET = ["in1k-r50-2crop-100", "in1k-r50-2crop-200"]
LARGE = [*KINETICS, *IMAGENET]
LINEAR_VIDEO = [
    "linear-k200-r3d18",
    "linear-k200-r3d18-small",
    "linear-k400-r3d18",
    "linear-k400-r3d18-small",
    "linear-k400-r3d50",
    "linear-k400-r3d50-16f",
]
CROPS = {False: (224, (256, 320)), True: (112, (128, 160))}


def pretrain_of(name: str) -> Pretrain:
    definition = definition_adapter.validate_python(load_recipe(name).definition)
    assert isinstance(definition, Pretrain)
    return definition


def evaluation_of(name: str) -> Evaluation:
    asked = {**load_recipe(name).definition, "checkpoint": {"path": "1/checkpoints/initial.ckpt"}}
    definition = definition_adapter.validate_python(asked)
    assert isinstance(definition, Evaluation)
    return definition


@pytest.mark.parametrize(
    ("name", "trunk", "frames", "clip_s", "queue", "every"),
    [
        ("k200-r3d18", "r3d18", 8, 2.56, 32_768, 100),
        ("k400-r3d18", "r3d18", 8, 2.56, 65_536, 50),
        ("k400-r3d50", "r3d50", 8, 2.56, 65_536, 50),
        ("k400-r3d50-16f", "r3d50", 16, 2.56, 65_536, 50),
    ],
)
def test_a_video_recipe_reads_and_keeps_what_is_printed(
    name: str, trunk: str, frames: int, clip_s: float, queue: int, every: int
) -> None:
    recipe = pretrain_of(name)
    method: Any = recipe.method
    assert (recipe.trunk.kind, recipe.data.num_frames, recipe.data.clip_s) == (trunk, frames, clip_s)
    assert (method.queue_size, method.target_temperature) == (queue, 0.05)
    assert recipe.checkpoints.every_epochs == every
    assert recipe.views.time_difference_p == 0.2


@pytest.mark.parametrize(
    ("name", "batch", "epochs", "warmup", "optimizer", "lr", "decay"),
    [
        ("k200-r3d18", 512, 200, 35, "lars", 2.4, 1e-6),
        ("k400-r3d18", 512, 200, 35, "lars", 2.4, 1e-6),
        ("k400-r3d50", 512, 200, 35, "lars", 2.4, 1e-6),
        ("k400-r3d50-16f", 512, 200, 35, "lars", 2.4, 1e-6),
        ("in1k-r50-2crop-100", 4096, 100, 10, "lars", 0.6, 1e-6),
        ("in1k-r50-2crop-200", 4096, 200, 10, "lars", 0.3, 1e-6),
        ("cifar10-r18", 256, 200, 5, "sgd", 0.06, 5e-4),
    ],
)
def test_weights_move_by_the_printed_rule(
    name: str, batch: int, epochs: int, warmup: int, optimizer: str, lr: float, decay: float
) -> None:
    learning = pretrain_of(name).optimisation
    schedule: Any = learning.schedule
    assert (learning.batch_size, learning.epochs, schedule.warmup_epochs) == (batch, epochs, warmup)
    assert (learning.optimizer.kind, learning.optimizer.lr) == (optimizer, lr)
    assert learning.optimizer.weight_decay == pytest.approx(decay)
    assert learning.optimizer.lr_scaling == "linear"
    assert learning.accumulate == 1


@pytest.mark.parametrize("name", LARGE)
def test_large_recipes_are_symmetric_with_a_rising_momentum(name: str) -> None:
    method: Any = pretrain_of(name).method
    assert (method.symmetric, method.momentum, method.momentum_schedule) == (True, 0.99, "cosine")
    assert (method.contrast, method.temperature, method.use_keys) == (0.5, 0.1, False)


@pytest.mark.parametrize("name", LARGE)
def test_heads_of_small_trunks_are_1024_and_of_large_ones_4096_wide(name: str) -> None:
    recipe = pretrain_of(name)
    method: Any = recipe.method
    hidden = 1024 if recipe.trunk.kind == "r3d18" else 4096
    assert (method.projector.hidden_width, method.predictor.hidden_width) == (hidden, hidden)
    assert (method.projector.num_layers, method.projector.width, method.projector.norm_last) == (3, 256, True)


@pytest.mark.parametrize(
    ("name", "jitter", "scale"),
    [(name, JITTER_STRONG, (0.2, 0.766)) for name in KINETICS]
    + [(name, JITTER_IMAGES, (0.2, 1.0)) for name in IMAGENET],
)
def test_the_two_views_differ_in_blur_and_solarize_alone(
    name: str, jitter: tuple[float, ...], scale: tuple[float, float]
) -> None:
    first, second = pretrain_of(name).views.views
    assert (first.blur_p, first.solarize_p) == (1.0, 0.0)
    assert (second.blur_p, second.solarize_p) == (0.1, 0.2)
    for view in (first, second):
        found = view.jitter
        assert (found.brightness, found.contrast, found.saturation, found.hue) == jitter
        assert (view.size, view.scale, found.p, view.grey_p, view.flip_p) == (224, scale, 0.8, 0.2, 0.5)


@pytest.mark.parametrize("name", IMAGENET)
def test_imagenet_is_normalised_by_its_own_colours_and_sharpened_to_seven_hundredths(name: str) -> None:
    recipe = pretrain_of(name)
    method: Any = recipe.method
    assert recipe.views.mean == (0.485, 0.456, 0.406)
    assert recipe.views.std == (0.229, 0.224, 0.225)
    assert (method.queue_size, method.target_temperature) == (65_536, 0.07)
    assert recipe.views.time_difference_p == 0


def test_cifars_target_is_weak_and_its_query_strong() -> None:
    recipe = pretrain_of("cifar10-r18")
    weak, strong = recipe.views.views
    assert (weak.jitter.p, weak.grey_p, weak.blur_p, weak.flip_p) == (0, 0, 0, 0.5)
    assert (strong.jitter.p, strong.jitter.saturation, strong.grey_p, strong.blur_p) == (0.8, 0.4, 0.2, 0.5)
    assert {view.size for view in (weak, strong)} == {32}


def test_cifars_method_is_asymmetric_with_a_constant_momentum_and_no_predictor() -> None:
    recipe = pretrain_of("cifar10-r18")
    method: Any = recipe.method
    assert (method.symmetric, method.momentum_schedule, method.predictor) == (False, "constant", None)
    assert (method.queue_size, method.target_temperature) == (4096, 0.05)
    shape = method.projector
    assert (shape.hidden_width, shape.num_layers, shape.width, shape.norm_last) == (512, 2, 128, False)
    assert getattr(recipe.trunk, "small_images", False)


@pytest.mark.parametrize("name", LINEAR_VIDEO)
def test_a_video_probe_trains_sixty_epochs_and_averages_thirty_views(name: str) -> None:
    protocol: Any = evaluation_of(name).protocol
    learning = protocol.optimisation
    assert (learning.epochs, learning.batch_size, learning.schedule.warmup_epochs) == (60, 512, 8)
    moves = learning.optimizer
    assert (moves.lr, moves.momentum, moves.weight_decay) == (2.0, 0.9, 0)
    scored = 128 if name.endswith("-small") else 256
    assert (protocol.views.clips, protocol.views.crops, protocol.views.size) == (10, 3, scored)
    assert protocol.validate_every_epochs == 5
    assert protocol.validation == ("one_view" if name == "linear-k200-r3d18-small" else "all_views")


@pytest.mark.parametrize(
    ("name", "size", "sides"), [(name, *CROPS[name.endswith("-small")]) for name in LINEAR_VIDEO]
)
def test_a_probes_crop_is_cut_of_a_random_short_side(name: str, size: int, sides: tuple[int, int]) -> None:
    protocol: Any = evaluation_of(name).protocol
    view = protocol.train_view
    assert (view.size, view.crop.kind, view.crop.short_side) == (size, "short_side", sides)
    assert (view.jitter.p, view.grey_p, view.blur_p, view.flip_p) == (0, 0, 0, 0.5)


def test_the_image_probe_trains_ninety_epochs_without_warmup() -> None:
    protocol: Any = evaluation_of("linear-in1k-r50").protocol
    learning = protocol.optimisation
    assert (learning.epochs, learning.batch_size, learning.schedule.warmup_epochs) == (90, 1024, 0)
    assert (learning.optimizer.lr, learning.optimizer.lr_scaling) == (0.1, "linear")
    assert (protocol.train_view.scale, protocol.validate_every_epochs) == ((0.08, 1.0), 1)


def test_the_published_retrieval_centres_each_side_by_itself() -> None:
    protocol: Any = evaluation_of("retrieval").protocol
    assert (protocol.centre, protocol.normalise) == ("own", True)
    assert protocol.ranks == (1, 5, 10, 15, 20, 25)
    assert (protocol.views.clips, protocol.views.crops, protocol.views.size) == (10, 3, 256)


@pytest.mark.parametrize("name", [*LARGE, "cifar10-r18"])
def test_every_published_pretraining_has_seed_42_and_half_precision(name: str) -> None:
    recipe = pretrain_of(name)
    assert (recipe.seed, recipe.compute.precision) == (42, "16-mixed")
