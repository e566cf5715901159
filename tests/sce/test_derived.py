"""Sizes that a definition implies, held against networks and files."""

from pathlib import Path
from typing import Any

import pytest

from sce.definition import R18, R50, R3d18, R3d50, Small3d, Trunk
from sce.definition.derived import derive
from sce.definition.sizes import trunk_size
from sce.train import run_attempt
from sce.trunks import build_trunk
from tests.sce.tiny import asked, events, tiny


@pytest.mark.parametrize(
    "trunk",
    [R3d18(), R3d50(), R18(), R18(small_images=True), R50(), R50(small_images=True), Small3d(width=5)],
    ids=str,
)
def test_a_trunks_size_is_that_of_the_built_network(trunk: Trunk) -> None:
    built, size = build_trunk(trunk), trunk_size(trunk)
    learned = [weight.numel() for weight in built.parameters()]
    kept = [buffer.numel() for buffer in built.buffers()]
    assert (size.learned, size.learned_tensors) == (sum(learned), len(learned))
    assert (size.kept, size.kept_tensors) == (sum(kept), len(kept))


SCE = {"kind": "sce", "queue_size": 512, "projector": {"hidden_width": 64, "width": 32}}
MOCO: dict[str, Any] = {
    "kind": "moco",
    "queue_size": 512,
    "projector": {"hidden_width": 64, "num_layers": 2, "norm_last": False},
}
MOCO3 = {"kind": "moco3", "projector": SCE["projector"], "predictor": {"hidden_width": 64, "norm_last": True}}
RESSL = MOCO | {"kind": "ressl", "projector": MOCO["projector"] | {"norm_hidden": False}}
SIMCLR = {"kind": "simclr", "projector": {"hidden_width": 64, "num_layers": 2, "norm_last": False}}


@pytest.mark.parametrize(
    ("method", "optimizer"),
    [
        (SCE, "lars"),
        (SCE | {"predictor": None}, "adamw"),
        (MOCO, "sgd"),
        (SIMCLR, "adamw"),
        (MOCO3, "lars"),
        (RESSL, "sgd"),
    ],
)
def test_the_forecast_of_a_checkpoints_size_is_within_three_percent(
    method: dict[str, Any], optimizer: str, videos: Path, tmp_path: Path
) -> None:
    learning = {"epochs": 1, "batch_size": 4, "optimizer": {"kind": optimizer}}
    definition = tiny(videos, method=method, optimisation=learning, trunk={"kind": "small3d", "width": 12})
    run = asked(tmp_path / "run", definition)
    assert run_attempt(run, attempt=1) == "finished"
    found = events(run, "checkpoint")[-1]["bytes"]
    assert derive(definition, train_items=None).checkpoint_bytes == pytest.approx(found, rel=0.03)
