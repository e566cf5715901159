"""Every recipe is a whole definition, and carries the figures that its source prints."""

import pytest

from sce.definition import Evaluation, Pretrain, definition_adapter
from sce.definition.derived import derive
from sce.recipes import load_recipe, recipe_names

DEMO_EVALUATIONS = {"demo-knn": 0, "demo-linear": 1, "demo-retrieval": 2}
DIGITS_EVALUATIONS = {"digits-knn": 0, "digits-linear": 1}
LAPTOP_METHODS = ("sce", "moco", "simclr", "ressl")
PRETRAININGS = [name for name in recipe_names() if load_recipe(name).definition["kind"] == "pretrain"]


def definition_of(name: str) -> Pretrain | Evaluation:
    recipe = dict(load_recipe(name).definition)
    if recipe["kind"] == "evaluation":
        recipe["checkpoint"] = {"path": "1/checkpoints/initial.ckpt"}
    return definition_adapter.validate_python(recipe)


def pretrain_of(name: str) -> Pretrain:
    definition = definition_of(name)
    assert isinstance(definition, Pretrain)
    return definition


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_is_a_whole_definition_with_its_source(name: str) -> None:
    recipe = load_recipe(name)
    definition_of(name)
    assert recipe.title
    assert recipe.summary.endswith(".")
    assert "SCE Lab" in recipe.source or "arXiv" in recipe.source


@pytest.mark.parametrize("name", PRETRAININGS)
def test_a_data_set_is_named_relative_to_the_data_root(name: str) -> None:
    assert not pretrain_of(name).data.root.startswith("/")


def test_the_published_retrieval_averages_thirty_views() -> None:
    assert derive(definition_of("retrieval"), train_items=None).views_per_video == 30


@pytest.mark.parametrize("method", LAPTOP_METHODS)
@pytest.mark.parametrize("data", ["demo", "digits"])
def test_methods_on_a_laptop_differ_in_the_method_alone(data: str, method: str) -> None:
    found, anchor = pretrain_of(f"{data}-{method}"), pretrain_of(f"{data}-sce")
    assert found.method.kind == method
    assert found.model_copy(update={"method": anchor.method}) == anchor


@pytest.mark.parametrize("name", ["demo-sce", "demo-simclr", "demo-moco", "digits-sce"])
def test_no_view_is_flipped_where_left_and_right_differ(name: str) -> None:
    assert {view.flip_p for view in pretrain_of(name).views.views} == {0.0}


@pytest.mark.parametrize(("name", "place"), DEMO_EVALUATIONS.items())
def test_a_demo_evaluation_is_the_one_that_the_demo_plans(name: str, place: int) -> None:
    evaluation = definition_of(name)
    assert isinstance(evaluation, Evaluation)
    assert evaluation.protocol == pretrain_of("demo-sce").evaluations[place].protocol


@pytest.mark.parametrize(("name", "place"), DIGITS_EVALUATIONS.items())
def test_an_evaluation_of_digits_is_the_one_that_their_trainings_plan(name: str, place: int) -> None:
    evaluation = definition_of(name)
    assert isinstance(evaluation, Evaluation)
    assert evaluation.protocol == pretrain_of("digits-sce").evaluations[place].protocol


def test_the_demo_measures_the_untrained_trunk_as_well() -> None:
    demo = pretrain_of("demo-sce")
    assert demo.checkpoints.initial
    assert {planned.when for planned in demo.evaluations} == {"every", "first_and_last"}


@pytest.mark.parametrize(
    ("name", "every", "size"),
    [("in1k-r50-2crop-100", 1, 224), ("cifar10-r18", 1, 32), ("k200-r3d18", 1, 256), ("k200-r3d18-small", 1, 128),
     ("k400-r3d18", 10, 256), ("k400-r3d18-small", 10, 112), ("k400-r3d50-16f", 10, 256)],
)  # fmt: skip
def test_a_published_training_is_watched_by_a_probe_as_printed(name: str, every: int, size: int) -> None:
    probe = definition_adapter.validate_python(load_recipe(name).definition).probe
    assert (probe.lr, probe.validate_every_epochs) == (1e-4, every)
    assert (probe.views.clips, probe.views.crops, probe.views.size) == (1, 1, size)
