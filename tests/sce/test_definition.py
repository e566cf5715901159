"""What a definition accepts, and what it says when it does not."""

import pytest
from pydantic import ValidationError

from sce.definition import (
    Evaluation,
    Pretrain,
    Sce,
    VideoData,
    definition_adapter,
    kind_of,
)
from sce.definition.derived import derive, scaled_lr
from sce.definition.problems import problems_of

VIDEO = {"kind": "video", "root": "demo"}


def asked(**changes: object) -> dict[str, object]:
    return {"kind": "pretrain", "data": VIDEO, **changes}


def problems(given: dict[str, object]) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        definition_adapter.validate_python(given)
    return {problem.field: problem.message for problem in problems_of(caught.value, given)}


def test_a_definition_cannot_be_changed() -> None:
    definition = Pretrain(data=VideoData(root="demo"))
    with pytest.raises(ValidationError):
        definition.seed = 7  # type: ignore[misc]  # the very thing that must fail


def test_json_gives_the_same_definition_back() -> None:
    definition = Pretrain(data=VideoData(root="demo"))
    assert definition_adapter.validate_json(definition_adapter.dump_json(definition)) == definition


def test_an_unknown_field_is_named() -> None:
    (message,) = problems(asked(method={"kind": "sce", "lambda": 0.5})).values()
    assert message.startswith(
        "There is no such field. There are: kind, contrast, contrast_ramp, temperature,"
    )


def test_a_wrong_value_is_named_without_its_variant() -> None:
    assert list(problems(asked(optimisation={"optimizer": {"kind": "lars", "lr": -1}}))) == [
        "optimisation.optimizer.lr"
    ]


def test_a_view_is_named_by_its_number() -> None:
    assert list(problems(asked(views={"views": [{"size": 64}, {"size": 0}]}))) == ["views.views.1.size"]


def test_a_target_blurrier_than_the_prediction_is_refused() -> None:
    found = problems(asked(method={"kind": "sce", "temperature": 0.05, "target_temperature": 0.1}))
    assert "must be below temperature" in found["method"]


def test_nothing_to_compare_with_is_refused() -> None:
    assert "turn use_keys on" in problems(asked(method={"kind": "sce", "queue_size": 0}))["method"]


def test_a_batch_that_devices_cannot_share_is_refused() -> None:
    found = problems(asked(optimisation={"batch_size": 10}, compute={"devices": 4}))
    assert "cannot be shared evenly by 4 devices" in found[""]


def test_an_image_trunk_does_not_read_videos() -> None:
    assert "choose r3d18, r3d50, small3d" in problems(asked(trunk={"kind": "r18"}))[""]


def test_moco_compares_two_views() -> None:
    found = problems(asked(method={"kind": "moco"}, views={"views": [{}, {}, {}]}))
    assert "moco compares 2 views" in found[""]


@pytest.mark.parametrize("word", ["__import__('os')", "torch.nn.Linear", "_target_"])
def test_a_kind_is_a_word_of_ours_and_never_a_path(word: str) -> None:
    assert list(problems(asked(trunk={"kind": word}))) == ["trunk"]


def test_infinity_is_no_rate() -> None:
    assert problems(asked(optimisation={"optimizer": {"kind": "sgd", "lr": float("inf")}}))


def test_a_run_is_called_by_what_it_does() -> None:
    evaluation = definition_adapter.validate_python(
        {"kind": "evaluation", "data": VIDEO, "checkpoint": {"path": "1/a.ckpt"}, "protocol": {"kind": "knn"}}
    )
    assert isinstance(evaluation, Evaluation)
    assert kind_of(evaluation) == "knn"
    assert kind_of(Pretrain(data=VideoData(root="demo"))) == "pretrain"


@pytest.mark.parametrize(
    ("rule", "batch", "wanted"), [("none", 512, 2.4), ("linear", 512, 4.8), ("sqrt", 256, 38.4)]
)
def test_rates_scale_with_the_batch(rule: str, batch: int, wanted: float) -> None:
    assert scaled_lr(2.4, rule, batch) == pytest.approx(wanted)  # type: ignore[arg-type]  # parametrised literal


def test_derived_values_of_the_kinetics_recipe() -> None:
    derived = derive(Pretrain(data=VideoData(root="demo")), train_items=80_000)
    assert derived.scaled_lr == pytest.approx(4.8)
    assert derived.steps_per_epoch == 156
    assert derived.total_steps == 156 * 200
    assert derived.warmup_steps == 156 * 35
    assert derived.num_checkpoints == 21


def test_what_needs_the_data_sets_size_is_unknown_without_it() -> None:
    derived = derive(Pretrain(data=VideoData(root="demo")), train_items=None)
    assert derived.total_steps is None
    assert derived.effective_batch == 512


def test_every_field_explains_itself() -> None:
    schema = definition_adapter.json_schema()
    silent = [
        f"{name}.{field}"
        for name, part in schema["$defs"].items()
        for field, facts in part.get("properties", {}).items()
        if field != "kind" and "description" not in facts
    ]
    assert silent == []


def test_the_papers_defaults() -> None:
    method = Sce()
    assert (method.contrast, method.temperature, method.target_temperature) == (0.5, 0.1, 0.05)
    assert method.momentum_schedule == "cosine"
    assert method.symmetric
    assert not method.use_keys
