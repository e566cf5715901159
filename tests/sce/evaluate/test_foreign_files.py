"""Evaluations of a trunk that was made elsewhere: named by its file and its trunk, or imported first."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sce.checkpoints import UnusableCheckpoint, load_trunk
from sce.definition import Evaluation
from sce.evaluate import evaluate
from sce.rundir import RunDir
from sce.transfer import answer
from tests.sce.evaluate.conftest import events

VIEWS = {"clips": 2, "crops": 1, "size": 32}
KNN = {"kind": "knn", "k": 3, "views": VIEWS}
RETRIEVAL = {"kind": "retrieval", "ranks": [1, 5], "views": VIEWS}
SMALL = {"kind": "small3d", "width": 4}

ARun = Callable[..., RunDir]


def scores(run: RunDir) -> dict[str, float]:
    definition = run.definition()
    assert isinstance(definition, Evaluation)
    assert evaluate(run, definition, attempt=1) == "finished"
    found: dict[str, float] = events(run, "result")[-1]["values"]
    return found


@pytest.fixture
def encoder(checkpoint: Path) -> Path:
    """The weights of the checkpoint of ours, as a plain file behind another prefix."""
    network, _ = load_trunk(checkpoint, None, "online")
    file = checkpoint.with_name("encoder.pth")
    torch.save({f"module.{key}": value for key, value in network.state_dict().items()}, file)
    return file


def imported(encoder: Path, **more: Any) -> dict[str, Any]:
    asked = {"file": {"path": str(encoder)}, "out": str(encoder.with_name("imported.ckpt")), **more}
    return answer("import", json.dumps(asked))


def test_a_foreign_file_scores_what_the_same_weights_score_as_ours(a_run: ARun, encoder: Path) -> None:
    ours = scores(a_run(KNN))
    (encoder.parents[2] / "2").rename(encoder.parents[2] / "done")
    named = {"path": "1/checkpoints/encoder.pth", "trunk": SMALL}
    assert scores(a_run(KNN, checkpoint=named)) == ours


def test_an_imported_trunk_scores_the_same_again(a_run: ARun, encoder: Path) -> None:
    ours = scores(a_run(RETRIEVAL))
    (encoder.parents[2] / "2").rename(encoder.parents[2] / "done")
    said = imported(encoder, num_frames=4, clip_s=1.0)
    named = {"path": "1/checkpoints/imported.ckpt", "sha256": said["sha256"]}
    assert scores(a_run(RETRIEVAL, checkpoint=named)) == ours


def test_clips_that_the_importer_did_not_name_are_warned_of(a_run: ARun, encoder: Path) -> None:
    imported(encoder, num_frames=16)
    run = a_run(KNN, checkpoint={"path": "1/checkpoints/imported.ckpt"})
    scores(run)
    (note,) = events(run, "note")
    assert note["text"].startswith("The trunk learned from 16 frames over 2.56 s and is shown 4 over 1 s")


def test_clips_of_a_foreign_file_are_not_known_and_not_warned_of(a_run: ARun, encoder: Path) -> None:
    run = a_run(KNN, checkpoint={"path": "1/checkpoints/encoder.pth", "trunk": SMALL})
    scores(run)
    assert events(run, "note") == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"trunk": {"kind": "small3d", "width": 5}}, "have another shape"),
        ({"trunk": SMALL, "prefix": "trunk."}, "outside that prefix lie 'module.'"),
        ({"trunk": SMALL, "branch": "momentum"}, "of a momentum branch"),
        ({"trunk": SMALL, "sha256": "0" * 64}, "its SHA-256 is another"),
        ({}, "holds no state_dict"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_before_anything_is_measured(
    changes: dict[str, Any], sentence: str, a_run: ARun, encoder: Path
) -> None:
    run = a_run(KNN, checkpoint={"path": "1/checkpoints/encoder.pth", **changes})
    definition = run.definition()
    assert isinstance(definition, Evaluation)
    with pytest.raises(UnusableCheckpoint, match=sentence):
        evaluate(run, definition, attempt=1)
    assert not run.features.exists()
