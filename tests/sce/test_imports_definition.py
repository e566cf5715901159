"""What an import says of itself, and what stands in for the training that nobody here saw."""

import pytest
from pydantic import ValidationError

from sce.definition import (
    R18,
    R50,
    CheckpointFile,
    Evaluation,
    ImageData,
    Import,
    KnnProtocol,
    Pretrain,
    R3d18,
    R3d50,
    Small3d,
    Trunk,
    VideoData,
    definition_adapter,
    foreign_pretrain,
    learned_as,
)
from sce.definition.exports import LAYOUTS, SUFFIXES, layouts_of

SHA = "0" * 64


def imported(trunk: Trunk, **more: object) -> Import:
    return Import.model_validate(
        {"source": "a.pth", "source_sha256": SHA, "trunk": trunk, "naming": "sce", **more}
    )


def test_a_video_trunk_is_shown_the_clips_that_its_importer_named() -> None:
    learned = learned_as(imported(R3d50(), num_frames=16, clip_s=1.28))
    assert (learned.data.kind, learned.data.num_frames, learned.data.clip_s) == ("video", 16, 1.28)
    assert (learned.views.mean[0], learned.views.std[0]) == (0.45, 0.225)


def test_an_image_trunk_knows_imagenets_colours() -> None:
    learned = learned_as(imported(R50()))
    assert learned.data.kind == "image"
    assert learned.views.mean == (0.485, 0.456, 0.406)
    assert learned.views.std == (0.229, 0.224, 0.225)


def test_a_training_that_is_known_is_not_made_up() -> None:
    known = Pretrain(data=VideoData(root="demo", num_frames=4), trunk=Small3d())
    assert learned_as(imported(Small3d(), pretrain=known)) is known


@pytest.mark.parametrize("trunk", [R3d18(), R3d50(), Small3d(), R18(), R50(small_images=True)])
def test_whatever_stands_in_is_a_definition_that_holds(trunk: Trunk) -> None:
    learned = foreign_pretrain(trunk, num_frames=8, clip_s=2.56)
    assert definition_adapter.validate_json(definition_adapter.dump_json(learned)) == learned
    assert isinstance(learned.data, VideoData if trunk.kind in ("r3d18", "r3d50", "small3d") else ImageData)


def test_an_import_survives_the_way_through_json() -> None:
    one = imported(R18(small_images=True), prefix="module.", origin="a friend's", recipe="")
    assert Import.model_validate_json(one.model_dump_json()) == one


@pytest.mark.parametrize(
    "wrong",
    [{"naming": "keras"}, {"source_sha256": "abc"}, {"branch": "both"}, {"num_frames": 0}, {"code": "x"},
     {"prefix": "x" * 300}],
)  # fmt: skip
def test_an_import_refuses_what_it_does_not_know(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        imported(R18(), **wrong)


def test_definitions_of_before_still_hold() -> None:
    """An evaluation that was stored without the new fields means a checkpoint of ours."""
    stored = {
        "kind": "evaluation",
        "checkpoint": {"path": "1/checkpoints/a.ckpt", "sha256": SHA, "branch": "online"},
        "data": {"kind": "video", "root": "demo"},
        "protocol": {"kind": "knn"},
    }
    definition = definition_adapter.validate_python(stored)
    assert isinstance(definition, Evaluation)
    assert definition.checkpoint == CheckpointFile(path="1/checkpoints/a.ckpt", sha256=SHA)
    assert (definition.checkpoint.trunk, definition.checkpoint.naming, definition.checkpoint.prefix) == (
        None,
    ) * 3


def test_an_evaluation_may_name_a_foreign_file_and_its_trunk() -> None:
    file = CheckpointFile(path="/data/sce.pth", trunk=R3d50(), naming="pytorchvideo", prefix="")
    definition = Evaluation(checkpoint=file, data=VideoData(root="demo"), protocol=KnnProtocol())
    again = definition_adapter.validate_json(definition_adapter.dump_json(definition))
    assert again == definition


def test_every_layout_has_a_suffix_and_every_trunk_a_layout() -> None:
    assert set(SUFFIXES) == set(LAYOUTS)
    for trunk in (R3d18(), R3d50(), Small3d(), R18(), R50(), R50(small_images=True)):
        assert layouts_of(trunk)[0] == "safetensors"
