"""``key.sub=value``: the one way to change a definition, in the CLI, in REST and in the form."""

import re

import pytest
from pydantic import ValidationError

from sce.definition import AdamW, Evaluation, Moco, Pretrain
from sce.recipes import (
    BadOverride,
    UnknownKey,
    UnknownRecipe,
    define,
    expanded,
    load_recipe,
    parse_override,
    with_overrides,
)
from sce.recipes.aliases import ALIASES

BASE = {"kind": "pretrain", "data": {"kind": "video", "root": "demo"}, "trunk": {"kind": "small3d"}}
KNN = {"kind": "evaluation", "data": {"kind": "video", "root": "demo"}, "protocol": {"kind": "knn"}}


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("optimisation.epochs=20", "optimisation.epochs", 20),
        ("optimisation.optimizer.weight_decay=1e-6", "optimisation.optimizer.weight_decay", 1e-6),
        ("method.predictor=null", "method.predictor", None),
        ("views.views.0.scale=[0.1, 0.5]", "views.views.0.scale", [0.1, 0.5]),
        ("data.root=/data/my videos", "data.root", "/data/my videos"),
    ],
)
def test_a_value_is_yaml(text: str, key: str, value: object) -> None:
    assert parse_override(text) == (key, value)


@pytest.mark.parametrize("text", ["epochs", "=3", "a=[1, "])
def test_what_is_no_override_is_said(text: str) -> None:
    with pytest.raises(BadOverride):
        parse_override(text)


def test_a_deep_value_changes_and_the_base_does_not() -> None:
    definition = define(BASE, {"optimisation.schedule.warmup_epochs": 3, "views.views.1.size": 112})
    assert isinstance(definition, Pretrain)
    assert definition.views.views[1].size == 112
    assert BASE["trunk"] == {"kind": "small3d"}


def test_an_unknown_key_suggests_the_nearest() -> None:
    with pytest.raises(UnknownKey, match=r"no field 'method.temprature'. Did you mean 'temperature'"):
        define(BASE, {"method.temprature": 0.2})


def test_full_precision_is_asked_for_with_or_without_quotes() -> None:
    for text in ("compute.precision=32", "compute.precision='32'"):
        assert define(BASE, dict([parse_override(text)])).compute.precision == "32"
    with pytest.raises(ValidationError, match="'16-mixed'"):
        define(BASE, dict([parse_override("compute.precision=64")]))


@pytest.mark.parametrize(
    ("key", "here"),
    [
        ("model.coeff", "method.contrast"),
        ("method.temp_m", "method.target_temperature"),
        ("+datamodule.train.transform.transforms.1.num_samples", "data.num_frames"),
        ("seed.seed", "seed"),
    ],
)
def test_a_key_of_the_published_commands_is_told_what_it_is_called_here(key: str, here: str) -> None:
    with pytest.raises(UnknownKey, match=rf"Here it is {re.escape(here)}"):
        define(BASE, {key: 1})


def leads_somewhere(tree: object, path: str) -> bool:
    for part in path.split("."):
        if not isinstance(tree, dict) or part not in tree:
            return False
        tree = tree[part]
    return True


@pytest.mark.parametrize("here", ALIASES.values())
def test_what_a_key_is_called_here_is_a_field(here: str) -> None:
    fields = re.findall(r"(?<![\w`.])(?:[a-z]+\.)+[a-z_]+", here)
    trees = [
        expanded(load_recipe("k400-r3d50").definition),
        expanded({**load_recipe("finetune-ucf101-r3d50").definition, "checkpoint": {"path": "a"}}),
    ]
    assert fields or here == "seed" or here.startswith("nothing to set")
    assert [one for one in fields if not any(leads_somewhere(tree, one) for tree in trees)] == []


def test_a_view_that_is_not_there_is_unknown() -> None:
    with pytest.raises(UnknownKey, match=r"views\.views\.7"):
        define(BASE, {"views.views.7.size": 64})


def test_another_variant_takes_its_own_fields() -> None:
    definition = define(BASE, {"method.temperature": 0.3, "method.kind": "moco"})
    assert isinstance(definition, Pretrain)
    assert definition.method == Moco(temperature=0.3)


def test_the_order_of_overrides_does_not_matter() -> None:
    one = {"optimisation.optimizer.kind": "adamw", "optimisation.optimizer.lr": 0.01}
    other = dict(reversed(one.items()))
    assert define(BASE, one) == define(BASE, other)
    assert define(BASE, one).optimisation.optimizer == AdamW(lr=0.01)  # type: ignore[union-attr]  # a Pretrain


def test_a_wrong_value_is_pydantics_to_refuse() -> None:
    with pytest.raises(ValidationError):
        define(BASE, {"optimisation.epochs": "many"})


def test_another_variant_takes_what_it_has_no_default_for() -> None:
    overrides = {"data.kind": "image", "data.root": "digits"}
    tree = with_overrides({**BASE, "trunk": {"kind": "small3d"}}, overrides | {"trunk.kind": "r18"})
    assert tree["data"] == {"kind": "image", "root": "digits", "train_split": "train", "val_split": "val"}


def test_an_absent_part_can_be_opened() -> None:
    definition = define(BASE, {"method.predictor": None})
    again = define(definition.model_dump(mode="json"), {"method.predictor.hidden_width": 64})
    assert again.method.predictor.hidden_width == 64  # type: ignore[union-attr]  # sce with a predictor


def test_an_evaluation_waits_for_its_checkpoint() -> None:
    assert expanded(KNN)["checkpoint"] is None
    with pytest.raises(ValidationError):
        define(KNN, {})


def test_an_evaluations_checkpoint_comes_with_the_launch() -> None:
    definition = define(KNN, {"checkpoint": {"path": "3/checkpoints/epoch=0010.ckpt"}, "protocol.k": 5})
    assert isinstance(definition, Evaluation)
    assert definition.checkpoint.path.startswith("3/")


def test_every_default_is_written_out() -> None:
    tree = with_overrides(BASE, {})
    assert tree["optimisation"]["optimizer"]["trust"] == 0.001


def test_an_unknown_recipe_suggests_the_nearest() -> None:
    with pytest.raises(UnknownRecipe, match="There is no recipe 'demo-sec'"):
        load_recipe("demo-sec")
