"""The online probe: it learns what the labels say, and the training never knows that it is there."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from sce.data.index import load_index, save_index
from sce.probing import Probing, probing_of
from sce.rundir import RunDir
from sce.session import Session
from sce.train import run_attempt
from tests.sce.tiny import (
    EPOCHS,
    STEPS,
    STEPS_PER_EPOCH,
    asked,
    assert_same,
    events,
    make_videos,
    tiny,
    weights,
)

PROBE: dict[str, Any] = {
    "lr": 0.05,
    "validate_every_epochs": 2,
    "views": {"clips": 1, "crops": 1, "size": 16},
}
LAST = "epoch=0003.ckpt"
SIMCLR = {
    "kind": "simclr",
    "projector": {"hidden_width": 8, "num_layers": 2, "width": 8, "norm_last": False},
}


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_videos(tmp_path_factory.mktemp("videos"))


@pytest.fixture(scope="module")
def probed(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    run = asked(tmp_path_factory.mktemp("probed"), tiny(videos, probe=PROBE))
    assert run_attempt(run, attempt=1) == "finished"
    return run


def probing(root: Path, **changes: Any) -> Probing:
    """A probe that stands at its start, with nobody who writes a journal."""
    definition = tiny(root, probe=PROBE | changes)
    session = Session(RunDir(root), definition, 1, STEPS_PER_EPOCH, is_writer=False)
    (one,) = probing_of(session, cast(Any, None))
    one.begin(torch.device("cpu"))
    return one


def values(run: RunDir, name: str) -> dict[int, float]:
    found = {event["step"]: event["values"].get(name) for event in events(run, "metrics")}
    return {step: value for step, value in found.items() if value is not None}


def state(run: RunDir) -> dict[str, Any]:
    """What the last checkpoint keeps of the probe."""
    kept = torch.load(run.checkpoints / LAST, weights_only=True)["callbacks"]
    found: dict[str, Any] = next(one for name, one in kept.items() if "Probing" in name)
    return found


@pytest.mark.parametrize("method", [None, SIMCLR], ids=["sce", "simclr"])
def test_a_training_ends_with_the_same_weights_with_and_without_it(
    method: dict[str, Any] | None, videos: Path, tmp_path: Path
) -> None:
    own = {"method": method} if method else {}
    runs = [
        asked(tmp_path / "with", tiny(videos, probe=PROBE, **own)),
        asked(tmp_path / "without", tiny(videos, **own)),
    ]
    assert [run_attempt(run, attempt=1) for run in runs] == ["finished"] * 2
    assert_same(*(weights(run, LAST) for run in runs))
    assert values(runs[0], "train/loss") == values(runs[1], "train/loss")


def test_every_step_is_scored_and_the_scored_split_every_other_epoch(probed: RunDir) -> None:
    for name in ("probe/train_top1", "probe/train_top5"):
        assert list(values(probed, name)) == list(range(1, STEPS + 1))
        assert all(0 <= value <= 1 for value in values(probed, name).values())
    assert list(values(probed, "probe/val_top1")) == [2 * STEPS_PER_EPOCH, STEPS]
    # Two classes: whichever it is, it is among the first five.
    assert set(values(probed, "probe/val_top5").values()) == {1.0}


def test_stopped_after_every_step_it_ends_as_one_that_never_was(
    probed: RunDir, videos: Path, tmp_path: Path
) -> None:
    run = asked(tmp_path / "run", tiny(videos, probe=PROBE))
    for attempt in range(1, STEPS + 1):
        run.request_stop()
        run_attempt(run, attempt=attempt)
        run.clear_stop()
    assert_same(state(run)["head"], state(probed)["head"])
    adam, whole = (one["optimizer"]["state"][0] for one in (state(run), state(probed)))
    assert torch.equal(adam["exp_avg_sq"], whole["exp_avg_sq"])
    assert adam["step"] == whole["step"] == STEPS
    assert values(run, "probe/train_loss") == values(probed, "probe/train_loss")


def apart(num: int = 40) -> tuple[Tensor, Tensor]:
    """Features of two classes that a line tells apart, and their labels."""
    label_B = torch.arange(num) % 2
    features_Bd = torch.randn(num, 16, generator=torch.Generator().manual_seed(0)) * 0.1
    features_Bd[:, 0] += label_B * 2 - 1
    return features_Bd, label_B


def test_it_learns_what_can_be_told_apart(videos: Path) -> None:
    probe, (features, labels) = probing(videos), apart()
    losses = [float(probe.learn(features, labels, moves=True)["probe/train_loss"]) for _ in range(30)]
    assert losses[-1] < 0.2 * losses[0]
    assert probe.learn(features, labels, moves=True)["probe/train_top1"] == 1


def test_a_label_of_minus_one_counts_for_nothing(videos: Path) -> None:
    some, (features, labels) = probing(videos), apart()
    alone = probing(videos)
    masked = labels.clone()
    masked[10:] = -1
    seen = some.learn(features, masked, moves=True)
    expected = alone.learn(features[:10], labels[:10], moves=True)
    torch.testing.assert_close(seen, expected)
    torch.testing.assert_close(some.head.weight, alone.head.weight)


def test_a_batch_without_labels_moves_nothing_and_has_no_score(videos: Path) -> None:
    probe, (features, labels) = probing(videos), apart()
    before = {name: value.clone() for name, value in probe.head.state_dict().items()}
    seen = probe.learn(features, torch.full_like(labels, -1), moves=True)
    assert_same(dict(probe.head.state_dict()), before)
    assert torch.isnan(seen["probe/train_top1"])


def test_parts_of_a_batch_move_it_once_as_the_whole_would(
    videos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts, (features, labels) = probing(videos), probing(videos), apart()
    whole.learn(features, labels, moves=True)
    monkeypatch.setattr(Session, "accumulate", 2)
    parts.learn(features[:20], labels[:20], moves=False)
    parts.learn(features[20:], labels[20:], moves=True)
    torch.testing.assert_close(parts.head.weight, whole.head.weight)


def test_views_that_went_through_together_share_their_labels(videos: Path) -> None:
    twice, once, (features, labels) = probing(videos), probing(videos), apart()
    twice.learn(torch.cat([features, features]), labels, moves=True)
    once.learn(features, labels, moves=True)
    torch.testing.assert_close(twice.head.weight, once.head.weight)


def test_a_step_of_it_waits_for_no_value(videos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a device that holds no numbers any read of one raises."""
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())
    probe, nowhere = probing(videos), torch.device("meta")
    probe.begin(nowhere)
    seen = probe.learn(torch.empty(4, 16, device=nowhere), torch.zeros(4, device=nowhere).long(), moves=True)
    assert {value.device.type for value in seen.values()} == {"meta"}


def test_a_split_without_labels_has_no_probe_and_the_journal_says_so(videos: Path, tmp_path: Path) -> None:
    root = make_videos(tmp_path / "videos")
    index = load_index(root)
    unlabelled = tuple(replace(item, label=-1) for item in index.splits["train"])
    save_index(replace(index, splits=index.splits | {"train": unlabelled}))
    run = asked(tmp_path / "run", tiny(root, probe=PROBE))
    assert run_attempt(run, attempt=1) == "finished"
    assert values(run, "probe/train_top1") == {}
    assert any("the online probe is off" in event["text"] for event in events(run, "note"))


def test_without_a_scored_split_it_only_learns(videos: Path, tmp_path: Path) -> None:
    definition = tiny(videos, probe=PROBE)
    data = definition.data.model_copy(update={"val_split": "nowhere"})
    run = asked(tmp_path / "run", definition.model_copy(update={"data": data}))
    assert run_attempt(run, attempt=1) == "finished"
    assert len(values(run, "probe/train_top1")) == EPOCHS * STEPS_PER_EPOCH
    assert values(run, "probe/val_top1") == {}
