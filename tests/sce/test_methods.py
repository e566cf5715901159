"""The methods take steps, keep their promises about branches and queue, and agree over two ranks."""

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from sce.checkpoints import UnusableCheckpoint, load_trunk
from sce.data.index import load_index
from sce.rundir import RunDir
from sce.train import run_attempt
from tests.sce.tiny import asked, assert_same, events, make_videos, tiny, weights

HEAD = {"hidden_width": 8, "width": 8}
PLAIN_HEAD = HEAD | {"num_layers": 2, "norm_last": False}
SCE = {"kind": "sce", "queue_size": 10, "projector": HEAD, "predictor": {"hidden_width": 8}}
METHODS: dict[str, dict[str, Any]] = {
    "symmetric": SCE,
    "asymmetric": SCE | {"symmetric": False, "predictor": None, "momentum_schedule": "constant"},
    "keys": SCE | {"use_keys": True},
    "keys alone": SCE | {"use_keys": True, "queue_size": 0},
    "simclr": {"kind": "simclr", "projector": PLAIN_HEAD},
    "moco": {"kind": "moco", "queue_size": 10, "projector": PLAIN_HEAD},
    "symmetric moco": {"kind": "moco", "queue_size": 10, "projector": PLAIN_HEAD, "symmetric": True},
    "moco with keys": {"kind": "moco", "queue_size": 10, "projector": PLAIN_HEAD, "use_keys": True},
    "shuffled": SCE | {"symmetric": False, "shuffle_norm": True, "norm_splits": 2},
    "together": SCE | {"mutual_pass": True},
    "leak": SCE | {"positive": "leak"},
    "ressl": {"kind": "ressl", "queue_size": 10, "projector": PLAIN_HEAD},
    "moco3": {"kind": "moco3", "projector": HEAD, "predictor": {"hidden_width": 8, "norm_last": True}},
}
ONE_EPOCH = {"epochs": 1, "batch_size": 4, "optimizer": {"kind": "sgd", "lr": 0.5}}
FINAL = "epoch=0001.ckpt"


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_videos(tmp_path_factory.mktemp("videos"))


def trained(videos: Path, folder: Path, **changes: Any) -> RunDir:
    run = asked(folder, tiny(videos, **{"optimisation": ONE_EPOCH, **changes}))
    assert run_attempt(run, attempt=1) == "finished", events(run, "end")
    return run


@pytest.mark.parametrize("name", METHODS)
def test_a_method_takes_steps(name: str, videos: Path, tmp_path: Path) -> None:
    run = trained(videos, tmp_path / "run", method=METHODS[name])
    before, after = weights(run, "initial.ckpt"), weights(run, FINAL)
    assert not torch.equal(before["trunk.layers.0.0.weight"], after["trunk.layers.0.0.weight"])
    assert [event["step"] for event in events(run, "metrics")] == [1, 2, 3]


def test_labels_train_a_trunk_and_its_classifier(videos: Path, tmp_path: Path) -> None:
    method, one_view = {"kind": "supervised", "classes": 2}, {"views": [{"size": 16}]}
    run = trained(videos, tmp_path / "run", method=method, views=one_view)
    before, after = weights(run, "initial.ckpt"), weights(run, FINAL)
    assert not torch.equal(before["classifier.weight"], after["classifier.weight"])
    assert not torch.equal(before["trunk.layers.0.0.weight"], after["trunk.layers.0.0.weight"])
    assert 0 <= events(run, "metrics")[-1]["values"]["train/top1"] <= 1


def test_labels_of_another_number_of_classes_are_refused_with_the_number(
    videos: Path, tmp_path: Path
) -> None:
    method, one_view = {"kind": "supervised", "classes": 400}, {"views": [{"size": 16}]}
    kind, sentence = failed(asked(tmp_path / "run", tiny(videos, method=method, views=one_view)))
    assert kind == "user_error"
    assert "has 2 classes" in sentence
    assert "method.classes=2" in sentence


def test_ramps_are_journaled_as_they_are_used(videos: Path, tmp_path: Path) -> None:
    ramps = {
        "contrast_ramp": {"start": 1.0, "epochs": 1, "final": 0.0},
        "target_temperature_ramp": {"start": 0.02, "epochs": 2},
    }
    run = trained(videos, tmp_path / "run", method=SCE | ramps, optimisation=ONE_EPOCH | {"epochs": 2})
    used = [event["values"] for event in events(run, "metrics")]
    assert [one["train/contrast"] for one in used] == pytest.approx([1.0, 0.75, 0.5, 0.5, 0.25, 0.0])
    sharpness = [0.02 + 0.03 * step / 5 for step in range(6)]
    assert [one["train/target_temperature"] for one in used] == pytest.approx(sharpness)


def test_more_views_than_two_are_compared_with_both_targets(videos: Path, tmp_path: Path) -> None:
    views = {"views": [{"size": 16}] * 2 + [{"size": 8, "blur_kernel": 7}] * 2}
    run = trained(videos, tmp_path / "run", views=views)
    assert events(run, "metrics")[-1]["values"]["train/loss"] > 0


@pytest.mark.parametrize(
    ("name", "keys_per_step"), [("symmetric", 8), ("asymmetric", 4), ("moco", 4), ("symmetric moco", 8)]
)
def test_each_step_queues_the_keys_of_its_targets(
    name: str, keys_per_step: int, videos: Path, tmp_path: Path
) -> None:
    run = trained(videos, tmp_path / "run", method=METHODS[name])
    assert int(weights(run, FINAL)["queue.next_slot"]) == 3 * keys_per_step % 10


def test_accumulated_parts_make_one_step_of_queue_and_schedule(videos: Path, tmp_path: Path) -> None:
    run = trained(videos, tmp_path / "run", optimisation=ONE_EPOCH | {"accumulate": 2})
    assert [event["step"] for event in events(run, "metrics")] == [1, 2, 3]
    assert int(weights(run, FINAL)["queue.next_slot"]) == 3 * 8 % 10


def test_the_momentum_branch_differs_from_the_online_one_after_training(videos: Path, tmp_path: Path) -> None:
    run = trained(videos, tmp_path / "run")
    state = weights(run, FINAL)
    name = "layers.0.0.weight"
    assert not torch.equal(state[f"trunk.{name}"], state[f"momentum_trunk.{name}"])


@pytest.mark.parametrize("branch", ["online", "momentum"])
def test_a_trunk_is_rebuilt_from_the_file_alone(branch: str, videos: Path, tmp_path: Path) -> None:
    run = trained(videos, tmp_path / "run")
    kept = events(run, "checkpoint")[-1]
    trunk, definition = load_trunk(run.path / kept["path"], kept["sha256"], branch)
    prefix = "trunk." if branch == "online" else "momentum_trunk."
    stored = weights(run, FINAL)
    assert_same(
        dict(trunk.state_dict()),
        {name.removeprefix(prefix): value for name, value in stored.items() if name.startswith(prefix)},
    )
    assert definition == run.definition()


def test_a_file_with_another_digest_is_refused(videos: Path, tmp_path: Path) -> None:
    run = trained(videos, tmp_path / "run")
    with pytest.raises(UnusableCheckpoint, match="not the checkpoint that was asked for"):
        load_trunk(run.checkpoints / FINAL, "0" * 64, "online")


def test_a_method_without_momentum_has_no_momentum_trunk(videos: Path, tmp_path: Path) -> None:
    run = trained(videos, tmp_path / "run", method=METHODS["simclr"])
    with pytest.raises(UnusableCheckpoint, match="choose branch online"):
        load_trunk(run.checkpoints / FINAL, None, "momentum")


@pytest.mark.parametrize("content", [{"weights": torch.zeros(1)}, {"state_dict": {}}])
def test_a_file_that_is_not_ours_is_refused_with_a_sentence(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(UnusableCheckpoint, match="choose a checkpoint that"):
        load_trunk(tmp_path / "other.pt", None, "online")


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": Path}, tmp_path / "code.pt")
    with pytest.raises(UnusableCheckpoint, match="cannot be read as a checkpoint"):
        load_trunk(tmp_path / "code.pt", None, "online")


# -- what failed, in words


def failed(run: RunDir) -> tuple[str, str]:
    assert run_attempt(run, attempt=1) == "failed"
    end = events(run, "end")[-1]
    assert end["status"] == "failed"
    return end["kind"], end["sentence"]


def test_a_data_set_that_is_not_indexed_is_the_users_to_index(tmp_path: Path) -> None:
    kind, sentence = failed(asked(tmp_path / "run", tiny(tmp_path)))
    assert kind == "user_error"
    assert "scelab data index" in sentence


def test_a_batch_larger_than_the_data_set_is_named(videos: Path, tmp_path: Path) -> None:
    run = asked(tmp_path / "run", tiny(videos, optimisation={"epochs": 1, "batch_size": 64}))
    kind, sentence = failed(run)
    assert kind == "user_error"
    assert "batch_size 64 is more than the 13" in sentence


def test_a_loss_that_is_no_number_stops_before_it_spoils_the_weights(videos: Path, tmp_path: Path) -> None:
    optimizer = {"kind": "sgd", "lr": 1e30, "lr_scaling": "none"}
    run = asked(
        tmp_path / "run", tiny(videos, optimisation=ONE_EPOCH | {"epochs": 3, "optimizer": optimizer})
    )
    kind, sentence = failed(run)
    assert kind == "user_error"
    assert "lower optimisation.optimizer.lr" in sentence
    assert "on items [" in sentence


def test_where_nobody_waits_for_the_loss_its_items_are_named_all_the_same(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU: the step is not looked at before it moves the weights, but when the journal is written."""
    monkeypatch.setattr("sce.callbacks.StopAtNan.on_before_optimizer_step", lambda *_: None)
    optimizer = {"kind": "sgd", "lr": 1e30, "lr_scaling": "none"}
    run = asked(
        tmp_path / "run", tiny(videos, optimisation=ONE_EPOCH | {"epochs": 3, "optimizer": optimizer})
    )
    kind, sentence = failed(run)
    assert (kind, "on items [" in sentence) == ("user_error", True)
    assert any(math.isnan(line["values"]["train/loss"]) for line in events(run, "metrics"))


def test_a_definition_with_an_unknown_field_is_named(videos: Path, tmp_path: Path) -> None:
    run = asked(tmp_path / "run", tiny(videos))
    text = json.loads(run.definition_file.read_text()) | {"sede": 1}
    run.definition_file.write_text(json.dumps(text))
    assert failed(run) == ("user_error", "sede: There is no such field. Did you mean 'seed'?")


@pytest.mark.skipif(torch.cuda.is_available(), reason="asks for a GPU that is not there")
def test_a_gpu_that_is_not_there_is_named(videos: Path, tmp_path: Path) -> None:
    run = asked(tmp_path / "run", tiny(videos, compute={"accelerator": "gpu"}))
    assert failed(run) == (
        "user_error",
        "compute.accelerator is gpu and this host has none: choose auto or cpu",
    )


# -- two ranks


def torchrun(run: RunDir, *, attempt: int = 1) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    return subprocess.run(
        [*command, "-m", "sce.train", str(run.path), "--attempt", str(attempt)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
def test_two_ranks_train_one_network_and_journal_once(videos: Path, tmp_path: Path) -> None:
    compute = {"accelerator": "cpu", "loader_workers": 0, "devices": 2}
    run = asked(tmp_path / "run", tiny(videos, compute=compute, optimisation=ONE_EPOCH))
    done = torchrun(run)
    assert done.returncode == 0, done.stderr
    assert [event["step"] for event in events(run, "metrics")] == [1, 2, 3]
    assert [event["status"] for event in events(run, "end")] == ["finished"]
    # Both ranks' keys of both views, at every step.
    assert int(weights(run, FINAL)["queue.next_slot"]) == 3 * 8 % 10


@pytest.mark.slow
def test_two_ranks_leave_at_one_batch_and_resume_bit_for_bit(videos: Path, tmp_path: Path) -> None:
    compute = {"accelerator": "cpu", "loader_workers": 0, "devices": 2}
    definition = tiny(videos, compute=compute, optimisation=ONE_EPOCH)
    whole, run = asked(tmp_path / "whole", definition), asked(tmp_path / "run", definition)
    assert torchrun(whole).returncode == 0
    run.request_stop()
    assert torchrun(run).returncode == 0
    assert [event["status"] for event in events(run, "end")] == ["stopped"]
    run.clear_stop()
    assert torchrun(run, attempt=2).returncode == 0
    assert_same(weights(run, FINAL), weights(whole, FINAL))


@pytest.mark.slow
def test_what_any_rank_could_not_read_is_named_once(videos: Path, tmp_path: Path) -> None:
    root = shutil.copytree(videos, tmp_path / "videos")
    broken = {load_index(root).splits["train"][place].path for place in (2, 7)}
    for path in broken:
        (root / path).write_bytes(b"rotten")
    compute = {"accelerator": "cpu", "loader_workers": 0, "devices": 2}
    learning = ONE_EPOCH | {"epochs": 2}
    run = asked(tmp_path / "run", tiny(root, compute=compute, optimisation=learning))
    done = torchrun(run)
    assert done.returncode == 0, done.stderr
    notes = [event["text"] for event in events(run, "note")]
    named = [note.partition(" ")[0] for note in notes if "cannot be read" in note]
    assert sorted(named) == sorted(broken)
