"""Each recipe's figures, whole rows: written here by hand from what the papers and their releases print."""

from typing import Any, NamedTuple

import pytest

from sce.definition import Evaluation, Pretrain, View, definition_adapter
from sce.definition.derived import derive
from sce.recipes import load_recipe, recipe_names
from sce.sets import all_sets
from sce.train import shares_norms
from tests.sce.recipes.test_families import TABLE as FAMILIES
from tests.sce.recipes.test_families import row_of_view

# Hidden width, layers, embedding, and whether its last layer is normalised.
R50_HEAD, R3D18_HEAD, SMALL_HEAD = (4096, 3, 256, True), (1024, 3, 256, True), (512, 2, 128, False)
COLOURS = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "video": ((0.45,) * 3, (0.225,) * 3),
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "cifar100": ((0.5071, 0.4865, 0.4409), (0.2009, 0.1984, 0.2023)),
    "stl10": ((0.4914, 0.4822, 0.4465), (0.2471, 0.2435, 0.2616)),
}


class Learned(NamedTuple):
    """A row of the tables of pretrainings."""

    root: str
    splits: tuple[str, str]
    trunk: str
    frames: int
    clip_s: float
    family: str
    size: int | None
    colours: str
    difference_p: float
    method: str
    contrast: float | None
    temperature: float
    target_temperature: float | None
    queue: int | None
    momentum: float | None
    momentum_schedule: str | None
    symmetric: bool | None
    shuffle_norm: bool | None
    projector: tuple[int, int, int, bool]
    predictor: int | None
    batch: int
    optimizer: str
    lr: float
    scaled: float
    decay: float
    epochs: int
    warmup: int
    devices: tuple[int, int]
    precision: str
    every: int


IMAGENET = Learned(
    "imagenet", ("train", "val"), "r50", 1, 1.0, "A-img", None, "imagenet", 0.0,
    "sce", 0.5, 0.1, 0.07, 65536, 0.99, "cosine", True, False, R50_HEAD, 4096,
    4096, "lars", 0.3, 4.8, 1e-6, 200, 10, (8, 1), "16-mixed", 100,
)  # fmt: skip
KINETICS = Learned(
    "kinetics400", ("train", "val"), "r3d50", 8, 2.56, "B-strong", None, "video", 0.2,
    "sce", 0.5, 0.1, 0.05, 65536, 0.99, "cosine", True, False, R50_HEAD, 4096,
    512, "lars", 2.4, 4.8, 1e-6, 200, 35, (8, 1), "16-mixed", 50,
)  # fmt: skip
CIFAR = Learned(
    "cifar10", ("train", "test"), "r18", 1, 1.0, "A-cifar", None, "cifar10", 0.0,
    "sce", 0.5, 0.1, 0.05, 4096, 0.99, "constant", False, True, SMALL_HEAD, None,
    256, "sgd", 0.06, 0.06, 5e-4, 200, 5, (1, 1), "16-mixed", 100,
)  # fmt: skip
R3D18 = KINETICS._replace(trunk="r3d18", projector=R3D18_HEAD, predictor=1024)
K200 = R3D18._replace(root="kinetics200", queue=32768, every=100)
PLAIN = K200._replace(family="B-base", difference_p=0.0, target_temperature=0.07)
SIXTY_FOUR = CIFAR._replace(size=64, queue=16384)
PEER = CIFAR._replace(contrast=None, target_temperature=None, momentum=0.999, momentum_schedule=None)
LEARNED = {
    "in1k-r50-2crop-100": IMAGENET._replace(lr=0.6, scaled=9.6, epochs=100),
    "in1k-r50-2crop-200": IMAGENET,
    "in1k-r50-2crop-300": IMAGENET._replace(epochs=300),
    "in1k-r50-2crop-1000": IMAGENET._replace(epochs=1000, decay=1.5e-6),
    "in1k-r50-multi-200": IMAGENET._replace(family="A-img6", devices=(8, 2)),
    "in1k-r50-moco3-100": IMAGENET._replace(
        method="moco3", contrast=None, temperature=1.0, target_temperature=None, queue=0, lr=0.6, scaled=9.6,
        epochs=100,
    ),
    "cifar10-r18": CIFAR,
    "cifar10-moco-r18": PEER._replace(method="moco", temperature=0.2),
    "cifar10-ressl-r18": PEER._replace(method="ressl", target_temperature=0.04),
    "cifar10-simclr-r18": PEER._replace(
        method="simclr", queue=None, momentum=None, symmetric=None, shuffle_norm=None
    ),
    "cifar100-r18": CIFAR._replace(root="cifar100", colours="cifar100"),
    "stl10-r18": SIXTY_FOUR._replace(root="stl10", splits=("unlabeled", "test"), colours="stl10"),
    "tinyimagenet-r18": SIXTY_FOUR._replace(
        root="tiny-imagenet", splits=("train", "val"), colours="imagenet"
    ),
    "in100-r50": IMAGENET._replace(
        root="imagenet100", family="A-weak-strong", momentum=0.996, symmetric=False, shuffle_norm=True,
        projector=(4096, 2, 256, False), predictor=None, batch=512, optimizer="sgd", scaled=0.6, decay=1e-4,
    ),
    "k200-r3d18": K200,
    "k200-r3d18-baseline": PLAIN,
    "k200-r3d18-small": PLAIN._replace(frames=16, clip_s=1.28, size=112),
    "k400-r3d18": R3D18,
    "k400-r3d18-small": R3D18._replace(frames=16, clip_s=1.28, size=112),
    "k400-r3d50": KINETICS,
    "k400-r3d50-16f": KINETICS._replace(frames=16, devices=(8, 2)),
}  # fmt: skip


class Measured(NamedTuple):
    """A row of the tables of linear evaluation and fine-tuning."""

    root: str
    splits: tuple[str, str]
    frames: int
    clip_s: float
    size: int
    crop: tuple[str, object]
    colours: bool
    batch: int
    lr: float
    scaled: float
    head_lr: float | None
    epochs: int
    schedule: int | tuple[int, ...]
    """Epochs of warm-up before a cosine, or those after which the rate drops to a tenth."""
    dropout: float
    scored: tuple[int, int, int, int | None]
    validation: str
    every: int


LARGE_CROP, SMALL_CROP = ("short_side", (256, 320)), ("short_side", (128, 160))
K400_LINEAR = Measured(
    "kinetics400", ("train", "val"), 8, 2.56, 224, LARGE_CROP, False, 512, 2.0, 4.0, None, 60, 8, 0.0,
    (10, 3, 256, None), "all_views", 5,
)  # fmt: skip
SMALL_LINEAR = K400_LINEAR._replace(
    frames=16, clip_s=1.28, size=112, crop=SMALL_CROP, scored=(10, 3, 128, None)
)
IN1K_LINEAR = Measured(
    "imagenet", ("train", "val"), 1, 1.0, 224, ("resized", (0.08, 1.0)), False, 1024, 0.1, 0.4, None, 90, 0,
    0.0, (1, 1, 224, 256), "all_views", 1,
)  # fmt: skip
FINETUNE = Measured(
    "ucf101", ("train-1", "test-1"), 8, 2.56, 224, LARGE_CROP, True, 64, 0.1, 0.025, None, 200, 0, 0.8,
    (10, 3, 256, None), "all_views", 5,
)  # fmt: skip
SMALL_FINETUNE = FINETUNE._replace(
    frames=16, clip_s=1.28, size=112, crop=SMALL_CROP, scored=(10, 3, 128, None)
)
SEMI = IN1K_LINEAR._replace(
    splits=("train-1pct", "val"), batch=256, lr=0.01, scaled=0.01, head_lr=0.5, epochs=20
)
MEASURED = {
    "linear-in1k-r50": IN1K_LINEAR,
    "linear-in1k-r50-moco": IN1K_LINEAR._replace(
        batch=512, lr=30.0, scaled=30.0, epochs=100, schedule=(60, 80)
    ),
    "linear-cifar10-r18": IN1K_LINEAR._replace(
        root="cifar10", splits=("train", "test"), size=32, crop=("padded", 4), batch=256, lr=30.0,
        scaled=30.0, epochs=100, schedule=(60, 80), scored=(1, 1, 32, None),
    ),
    "linear-k200-r3d18": K400_LINEAR._replace(root="kinetics200"),
    "linear-k200-r3d18-small": SMALL_LINEAR._replace(root="kinetics200", validation="one_view"),
    "linear-k400-r3d18": K400_LINEAR,
    "linear-k400-r3d18-small": SMALL_LINEAR,
    "linear-k400-r3d50": K400_LINEAR,
    "linear-k400-r3d50-16f": K400_LINEAR._replace(frames=16),
    "finetune-ucf101-r3d50": FINETUNE,
    "finetune-ucf101-r3d18": FINETUNE,
    "finetune-ucf101-r3d18-small": SMALL_FINETUNE,
    "finetune-hmdb51-r3d50": FINETUNE._replace(root="hmdb51"),
    "finetune-hmdb51-r3d18": FINETUNE._replace(root="hmdb51"),
    "finetune-hmdb51-r3d18-small": SMALL_FINETUNE._replace(root="hmdb51"),
    "semi-in1k-1pct-r50": SEMI,
    "semi-in1k-10pct-r50": SEMI._replace(splits=("train-10pct", "val"), head_lr=0.1),
}  # fmt: skip
# Root, frames, seconds and side of the crops. The published release holds the two of HMDB51's R3D18 swapped.
EXTRACTED = {
    f"extract-{root}-{trunk}": (root, frames, clip_s, side)
    for root in ("ucf101", "hmdb51")
    for trunk, frames, clip_s, side in (
        ("r3d50", 8, 2.56, 256),
        ("r3d18", 8, 2.56, 256),
        ("r3d18-small", 16, 1.28, 128),
    )
}
OUR_OWN = {
    "extract", "knn", "retrieval", "retrieval-ucf101", "retrieval-hmdb51", "k200-r3d18-supervised",
}  # fmt: skip
"""Of no row of those tables; what a paper says of them has a test of its own below."""


def pretrain_of(name: str) -> Pretrain:
    definition = definition_adapter.validate_python(load_recipe(name).definition)
    assert isinstance(definition, Pretrain)
    return definition


def evaluation_of(name: str) -> Evaluation:
    asked = {**load_recipe(name).definition, "checkpoint": {"path": "1/checkpoints/initial.ckpt"}}
    definition = definition_adapter.validate_python(asked)
    assert isinstance(definition, Evaluation)
    return definition


def learned(definition: Pretrain, row: Learned) -> Learned:
    """What the definition says, in the columns of the table; of the views, their family is held apart."""
    data, learning, compute = definition.data, definition.optimisation, definition.compute
    method, schedule, head = (
        definition.method,
        learning.schedule,
        getattr(definition.method, "projector", None),
    )
    assert schedule.kind == "cosine"
    assert head is not None
    predictor = getattr(method, "predictor", None)
    return Learned(
        data.root, (data.train_split, data.val_split), definition.trunk.kind, data.num_frames, data.clip_s,
        row.family, row.size, row.colours, definition.views.time_difference_p,
        method.kind, getattr(method, "contrast", None), getattr(method, "temperature", 0.0),
        getattr(method, "target_temperature", None), getattr(method, "queue_size", None),
        getattr(method, "momentum", None), getattr(method, "momentum_schedule", None),
        getattr(method, "symmetric", None), getattr(method, "shuffle_norm", None),
        (head.hidden_width, head.num_layers, head.width, head.norm_last),
        predictor.hidden_width if predictor else None,
        learning.batch_size, learning.optimizer.kind, learning.optimizer.lr,
        pytest.approx(derive(definition, train_items=None).scaled_lr), learning.optimizer.weight_decay,
        learning.epochs, schedule.warmup_epochs, (compute.devices, compute.nodes), compute.precision,
        definition.checkpoints.every_epochs,
    )  # fmt: skip


@pytest.mark.parametrize("name", LEARNED)
def test_a_pretraining_is_the_row_of_its_table(name: str) -> None:
    definition, row = pretrain_of(name), LEARNED[name]
    if row.method in ("moco3", "simclr"):
        row = row._replace(shuffle_norm=getattr(definition.method, "shuffle_norm", None))
    assert learned(definition, row) == row


@pytest.mark.parametrize("name", LEARNED)
def test_its_views_are_those_of_its_family(name: str) -> None:
    views, row = pretrain_of(name).views, LEARNED[name]
    family = [(row.size or size, *rest) for size, *rest in FAMILIES[row.family]]
    assert [row_of_view(view) for view in views.views] == family
    assert (views.mean, views.std) == COLOURS[row.colours]


@pytest.mark.parametrize("name", LEARNED)
def test_what_all_published_pretrainings_share(name: str) -> None:
    definition = pretrain_of(name)
    method, optimizer = definition.method, definition.optimisation.optimizer
    assert (definition.seed, definition.optimisation.accumulate, optimizer.lr_scaling) == (42, 1, "linear")
    assert definition.optimisation.clip_norm is None
    assert optimizer.kind == "sgd" or getattr(optimizer, "trust", None) == 0.001
    assert getattr(optimizer, "momentum", None) == 0.9
    assert not getattr(method, "use_keys", False) or method.kind == "moco3"
    assert getattr(method, "positive", "exact") == "exact"
    ramps = ("contrast_ramp", "target_temperature_ramp")
    assert all(getattr(method, ramp, None) is None for ramp in ramps)
    assert getattr(definition.trunk, "small_images", True) == (definition.trunk.kind != "r50")


PUBLISHED = [name for name in LEARNED if LEARNED[name].devices != (1, 1)] + ["k200-r3d18-supervised"]


@pytest.mark.parametrize("name", PUBLISHED)
def test_devices_share_their_norms_but_for_shuffled_batches_and_labels(name: str) -> None:
    assert shares_norms(pretrain_of(name).method) == (name not in ("in100-r50", "k200-r3d18-supervised"))


def measured(definition: Evaluation) -> Measured:
    data, protocol = definition.data, definition.protocol
    assert protocol.kind in ("linear", "finetune")
    learning, view, scored = protocol.optimisation, protocol.train_view, protocol.views
    crop: Any = view.crop
    schedule: Any = learning.schedule
    taken = {"resized": view.scale, "short_side": getattr(crop, "short_side", None)}
    return Measured(
        data.root, (data.train_split, data.val_split), data.num_frames, data.clip_s, view.size,
        (crop.kind, taken.get(crop.kind, getattr(crop, "padding", None))), view.jitter.p > 0,
        learning.batch_size, learning.optimizer.lr,
        pytest.approx(derive(definition, train_items=None).scaled_lr), getattr(protocol, "head_lr", None),
        learning.epochs, schedule.warmup_epochs if schedule.kind == "cosine" else schedule.milestones,
        getattr(protocol, "dropout", 0.0), (scored.clips, scored.crops, scored.size, scored.short_side),
        protocol.validation, protocol.validate_every_epochs,
    )  # fmt: skip


@pytest.mark.parametrize("name", MEASURED)
def test_a_trained_evaluation_is_the_row_of_its_table(name: str) -> None:
    assert measured(evaluation_of(name)) == MEASURED[name]


@pytest.mark.parametrize("name", MEASURED)
def test_what_all_trained_evaluations_share(name: str) -> None:
    definition = evaluation_of(name)
    protocol: Any = definition.protocol
    optimizer = protocol.optimisation.optimizer
    assert (optimizer.kind, optimizer.momentum, optimizer.weight_decay) == ("sgd", 0.9, 0)
    assert (definition.compute.precision, definition.seed, protocol.final_test) == ("32", 42, True)
    assert getattr(protocol, "freeze_norms", False) is False
    assert getattr(protocol, "freeze_trunk_epochs", 0) == 0
    assert colours_of(protocol.train_view) == (
        ((0.4, 0.4, 0.4, 0.1), 0.2, 0, 0, 0.5) if name.startswith("finetune-") else (None, 0, 0, 0, 0.5)
    )


def colours_of(view: View) -> tuple[object, ...]:
    _, _, jitter, grey, blur, solarize = row_of_view(view)
    return jitter, grey, blur, solarize, view.flip_p


@pytest.mark.parametrize("name", EXTRACTED)
def test_an_extraction_is_the_row_of_its_table(name: str) -> None:
    definition = evaluation_of(name)
    data, views = definition.data, definition.protocol.views
    assert (data.root, data.num_frames, data.clip_s, views.size) == EXTRACTED[name]
    assert (data.train_split, data.val_split, views.clips, views.crops) == ("train-1", "test-1", 10, 3)


@pytest.mark.parametrize("name", ["retrieval", "retrieval-ucf101", "retrieval-hmdb51"])
def test_the_published_retrieval_centres_each_side_by_itself(name: str) -> None:
    protocol: Any = evaluation_of(name).protocol
    assert (protocol.centre, protocol.normalise) == ("own", True)
    assert protocol.ranks == (1, 5, 10, 15, 20, 25)
    assert (protocol.views.clips, protocol.views.crops, protocol.views.size) == (10, 3, 256)


def test_the_supervised_training_is_as_printed() -> None:
    definition = pretrain_of("k200-r3d18-supervised")
    learning, (view,) = definition.optimisation, definition.views.views
    schedule: Any = learning.schedule
    method: Any = definition.method
    assert (method.kind, method.classes, method.dropout) == ("supervised", 200, 0.5)
    assert (learning.batch_size, learning.epochs, learning.optimizer.lr) == (1024, 200, 0.4)
    assert (learning.optimizer.kind, learning.optimizer.weight_decay) == ("sgd", 1e-4)
    assert (schedule.warmup_epochs, schedule.end_lr) == (34, 0.01)
    assert derive(definition, train_items=None).scaled_lr == pytest.approx(1.6)
    assert (view.size, view.crop.kind, getattr(view.crop, "short_side", None)) == (224, *LARGE_CROP)
    assert colours_of(view) == (None, 0, 0, 0, 0.5)
    assert (definition.data.num_frames, definition.data.clip_s) == (8, 2.56)


def test_no_recipe_is_without_its_row() -> None:
    ours = {name for name in recipe_names() if name.startswith(("demo-", "digits-", "svm-", "transfer-"))}
    assert set(recipe_names()) - ours - OUR_OWN == {*LEARNED, *MEASURED, *EXTRACTED}


PREPARED = {one.name: one for one in all_sets()}
READ = [name for name in recipe_names() if load_recipe(name).definition["data"]["root"] in PREPARED]


@pytest.mark.parametrize("name", READ)
def test_it_reads_splits_that_the_prepared_set_has(name: str) -> None:
    is_pretraining = load_recipe(name).definition["kind"] == "pretrain"
    data = (pretrain_of(name) if is_pretraining else evaluation_of(name)).data
    one = PREPARED[data.root]
    own = getattr(evaluation_of(name).protocol, "validation_split", None) if not is_pretraining else None
    assert {data.train_split, data.val_split, own or data.val_split} <= {*one.splits, *one.items}
    assert data.kind == one.kind


def test_only_what_is_put_together_by_hand_is_not_prepared() -> None:
    roots = {load_recipe(name).definition["data"]["root"] for name in recipe_names()}
    assert roots - set(PREPARED) == {"demo", "digits"}
