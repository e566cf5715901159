"""Rules between the parts of a definition, at their edges."""

from typing import Any

import pytest
from pydantic import ValidationError

from sce.definition import definition_adapter
from sce.definition.derived import derive
from sce.definition.problems import problems_of

VIDEO, IMAGE = {"kind": "video", "root": "demo"}, {"kind": "image", "root": "cifar"}


def asked(**changes: Any) -> dict[str, Any]:
    return {"kind": "pretrain", "data": VIDEO, **changes}


def probing(**changes: Any) -> dict[str, Any]:
    checkpoint = {"path": "1/a.ckpt"}
    return {
        "kind": "evaluation",
        "data": VIDEO,
        "checkpoint": checkpoint,
        "protocol": {"kind": "linear"},
    } | changes


def problems(given: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        definition_adapter.validate_python(given)
    return [(problem.field, problem.message) for problem in problems_of(caught.value, given)]


@pytest.mark.parametrize(
    ("changes", "field", "hint"),
    [
        ({"optimization": {}}, "optimization", "Did you mean 'optimisation'?"),
        ({"views": {"views": [{"sizes": 3}, {}]}}, "views.views.0.sizes", "Did you mean 'size'?"),
        ({"method": {"kind": "moco", "queue": 3}}, "method.queue", "Did you mean 'queue_size'?"),
        ({"method": {"kind": "simclr", "contrast": 1}}, "method.contrast", "There are: kind, temperature"),
        ({"evaluations": [{"protocol": {"kind": "knn", "kk": 1}}]}, "evaluations.0.protocol.kk", "Did you mean 'k'?"),
    ],
)  # fmt: skip
def test_an_unknown_field_is_refused_with_the_nearest_name_of_the_chosen_variant(
    changes: dict[str, Any], field: str, hint: str
) -> None:
    ((found, message),) = problems(asked(**changes))
    assert found == field
    assert message.startswith(f"There is no such field. {hint}")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"data": {"kind": "hologram", "root": "x"}}, "data"),
        ({"trunk": {"kind": "vit"}}, "trunk"),
        ({"method": {"kind": "dino"}}, "method"),
        ({"optimisation": {"optimizer": {"kind": "rmsprop"}}}, "optimisation.optimizer"),
        ({"optimisation": {"schedule": {"kind": "linear"}}}, "optimisation.schedule"),
        ({"evaluations": [{"protocol": {"kind": "oracle"}}]}, "evaluations.0.protocol"),
        ({"trunk": {"kind": "small3d", "width": 0}}, "trunk.width"),
        ({"method": {"kind": "moco", "queue_size": 0}}, "method.queue_size"),
        ({"method": {"kind": "sce", "projector": {"num_layers": 5}}}, "method.projector.num_layers"),
        ({"views": {"views": [{}, {"jitter": {"hue": 0.6}}]}}, "views.views.1.jitter.hue"),
        ({"views": {"views": [{}, {"flip_p": 1.1}]}}, "views.views.1.flip_p"),
        ({"evaluations": [{}, {"protocol": {"kind": "knn", "k": 0}}]}, "evaluations.1.protocol.k"),
        ({"compute": {"precision": "8"}}, "compute.precision"),
    ],
)
def test_a_fault_is_found_at_the_field_as_it_was_written(changes: dict[str, Any], field: str) -> None:
    assert [found for found, _ in problems(asked(**changes))] == [field]


@pytest.mark.parametrize("given", [None, [], "pretrain", 7, {}, {"kind": "train"}])
def test_what_is_no_definition_is_said_of_the_whole(given: Any) -> None:
    assert [field for field, _ in problems(given)] == [""]


def test_a_required_field_is_named() -> None:
    assert problems({"kind": "pretrain"}) == [("data", "This field is required.")]


def test_all_faults_are_told_at_once() -> None:
    found = problems(asked(seed=-1, optimisation={"epochs": 0}, colour="red"))
    assert {field for field, _ in found} == {"seed", "optimisation.epochs", "colour"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"optimisation": {"batch_size": 10, "accumulate": 3}}, "cannot be cut into 3 equal parts"),
        (
            {"optimisation": {"epochs": 5, "schedule": {"kind": "cosine", "warmup_epochs": 6}}},
            "warmup_epochs 6 is more than epochs 5",
        ),
        ({"views": {"views": [{}, {"scale": [0.9, 0.1]}]}}, "scale must go from its smaller"),
        ({"views": {"views": [{}, {"ratio": [2.0, 1.0]}]}}, "ratio must go from its smaller"),
        ({"views": {"views": [{}, {"blur_kernel": 22}]}}, "blur_kernel 22 has no middle pixel"),
        ({"views": {"views": [{}, {"size": 11}]}}, "of size 11: lower it to 21 or less, or set blur_p to 0"),
        ({"data": IMAGE}, "trunk r3d18 does not read image data: choose r18, r50"),
        (
            {"data": IMAGE, "trunk": {"kind": "r18"}, "views": {"time_difference_p": 0.2}},
            "time_difference_p needs video",
        ),
        (
            {"method": {"kind": "supervised"}, "views": {"views": [{}]}, "probe": {}},
            "trains a classifier already: leave probe out",
        ),
        ({"compute": {"devices": 3}}, "cannot be shared evenly by 3 devices x 1 nodes x 1 accumulated"),
        ({"compute": {"devices": 8, "nodes": 3}}, "8 devices x 3 nodes"),
        (
            {"method": {"kind": "sce", "temperature": 0.1, "target_temperature": 0.1}},
            "must be below temperature",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused_in_words(changes: dict[str, Any], words: str) -> None:
    ((_, message),) = problems(asked(**changes))
    assert words in message


@pytest.mark.parametrize("view", [{"size": 12}, {"size": 4, "blur_p": 0}, {"size": 4, "blur_kernel": 7}])
def test_a_small_view_may_be_blurred_as_far_as_its_edges_reflect(view: dict[str, Any]) -> None:
    definition_adapter.validate_python(asked(views={"views": [{}, view]}))


@pytest.mark.parametrize("compute", [{"devices": 3}, {"devices": 2, "nodes": 6}])
def test_an_evaluation_whose_batch_several_devices_cannot_share_is_refused(compute: dict[str, int]) -> None:
    ((_, message),) = problems(probing(compute=compute))
    assert "optimisation.batch_size 512 cannot be shared evenly by" in message


def test_features_are_shared_by_any_number_of_devices() -> None:
    definition_adapter.validate_python(probing(compute={"devices": 3}, protocol={"kind": "knn"}))


@pytest.mark.parametrize(
    ("learning", "compute", "per_device"),
    [
        ({"batch_size": 512}, {"devices": 8}, 64),
        ({"batch_size": 512, "accumulate": 4}, {"devices": 8}, 16),
        ({"batch_size": 512}, {"devices": 8, "nodes": 2}, 32),
    ],
)
def test_a_device_gets_its_part_of_the_batch(
    learning: dict[str, Any], compute: dict[str, Any], per_device: int
) -> None:
    definition = definition_adapter.validate_python(
        asked(optimisation={**learning, "epochs": 200}, compute=compute)
    )
    derived = derive(definition, train_items=10_000)
    assert derived.batch_per_device == per_device
    assert (derived.effective_batch, derived.steps_per_epoch) == (512, 19)


@pytest.mark.parametrize(
    ("epochs", "every", "initial", "kept"),
    [(200, 100, True, 3), (200, 50, False, 4), (5, 2, True, 4), (1, 10, True, 2), (10, 10, False, 1)],
)
def test_the_last_epoch_is_always_kept(epochs: int, every: int, initial: bool, kept: int) -> None:
    checkpoints = {"every_epochs": every, "initial": initial}
    definition = definition_adapter.validate_python(
        asked(optimisation={"epochs": epochs, "schedule": {"kind": "cosine"}}, checkpoints=checkpoints)
    )
    assert derive(definition, train_items=None).num_checkpoints == kept


@pytest.mark.parametrize("kind", ["knn", "retrieval", "extract"])
def test_what_trains_nothing_has_no_rate_and_no_steps(kind: str) -> None:
    derived = derive(definition_adapter.validate_python(probing(protocol={"kind": kind})), train_items=900)
    assert (derived.scaled_lr, derived.total_steps, derived.warmup_steps) == (None, None, None)
    assert derived.views_per_video == (1 if kind == "knn" else 30)


def test_milestones_are_no_warmup() -> None:
    given = asked(optimisation={"schedule": {"kind": "steps"}})
    assert derive(definition_adapter.validate_python(given), train_items=None).warmup_steps == 0


def test_fewer_items_than_a_batch_are_no_step() -> None:
    assert derive(definition_adapter.validate_python(asked()), train_items=511).total_steps == 0


# -- what the methods ask

ONE_VIEW = {"views": [{}]}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"method": {"kind": "ressl"}, "views": ONE_VIEW}, "ressl compares views: views.views needs 2"),
        ({"method": {"kind": "supervised"}}, "supervised learns from 1 view"),
        ({"method": {"positive": "leak", "use_keys": True}}, "the positive is left out exactly"),
        ({"method": {"kind": "ressl", "target_temperature": 0.1}}, "must be below temperature 0.1"),
        ({"method": {"contrast_ramp": {"start": 1.5, "epochs": 2}}}, "the contrast lies between 0 and 1"),
        (
            {"method": {"target_temperature_ramp": {"start": 0.2, "epochs": 2}}},
            "above 0 and below temperature 0.1",
        ),
        (
            {"method": {"target_temperature_ramp": {"start": 0.02, "epochs": 2, "final": 0}}},
            "above 0 and below temperature 0.1",
        ),
        (
            {"method": {"contrast_ramp": {"start": 1, "epochs": 300}}},
            "method.contrast_ramp.epochs 300 is more than optimisation.epochs 200",
        ),
        (
            {"method": {"kind": "moco", "shuffle_norm": True}, "optimisation": {"batch_size": 12}},
            "cuts 12 clips into method.norm_splits 8 parts",
        ),
    ],
)
def test_a_method_says_what_it_cannot_do_and_why(changes: dict[str, Any], sentence: str) -> None:
    changes = {"method": {"kind": "sce"} | changes["method"]} | {
        key: value for key, value in changes.items() if key != "method"
    }
    assert any(sentence in message for _, message in problems(asked(**changes)))


def test_a_batch_that_several_devices_shuffle_need_not_split_evenly() -> None:
    several = asked(
        method={"kind": "moco", "shuffle_norm": True},
        optimisation={"batch_size": 12, "schedule": {"kind": "cosine", "warmup_epochs": 1}},
        compute={"devices": 2},
    )
    assert definition_adapter.validate_python(several)


def test_what_was_stored_before_the_crops_and_ramps_were_there_is_still_a_definition() -> None:
    """As version 1 wrote it, every default spelt out."""
    view = {"size": 32, "scale": [0.2, 1.0], "ratio": [0.75, 1.3333], "grey_p": 0.0, "blur_p": 0.0}
    method = {
        "kind": "sce",
        "contrast": 0.5,
        "temperature": 0.1,
        "target_temperature": 0.05,
        "queue_size": 64,
        "use_keys": False,
        "momentum": 0.99,
        "momentum_schedule": "cosine",
        "symmetric": True,
        "projector": {"hidden_width": 8, "num_layers": 2, "width": 8, "norm_last": True},
        "predictor": {"hidden_width": 8},
    }
    old = definition_adapter.validate_python(asked(views={"views": [view, view]}, method=method))
    assert derive(old, train_items=1000).total_steps == 200
