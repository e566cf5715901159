"""Checkpoints on disks that are full, beside what a kill left, and of weights that are no numbers."""

import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from sce.checkpoints import newest_whole, sweep, write_atomically
from sce.evaluate.results import save_arrays, save_whole
from sce.rundir import RunDir
from sce.saving import NotFiniteWeights, StraightToDisk, refuse_broken_weights
from sce.train import classify, run_attempt
from tests.sce.tiny import asked, assert_same, events, tiny, weights

FULL = Path("/dev/full")
LAST = "epoch=0003.ckpt"
needs_full = pytest.mark.skipif(not FULL.exists(), reason="only Linux has a disk that is always full")


def copied(run: RunDir, folder: Path) -> RunDir:
    shutil.copytree(run.path, folder)
    return RunDir(folder)


# -- a full disk


@needs_full
def test_a_disk_that_fills_up_ends_the_run_in_a_sentence_and_leaves_no_part(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: RunDir
) -> None:
    write = StraightToDisk.save_checkpoint

    def write_until_full(self: StraightToDisk, checkpoint: dict[str, Any], path: Path, **more: Any) -> None:
        Path(path).write_bytes(b"a part")
        write(self, checkpoint, FULL if "epoch=" in str(path) else path, **more)

    run = asked(tmp_path / "run", tiny(videos))
    with monkeypatch.context() as patched:
        patched.setattr(StraightToDisk, "save_checkpoint", write_until_full)
        assert run_attempt(run, attempt=1) == "failed"
    end = events(run, "end")[-1]
    assert end["kind"] == "infrastructure"
    assert end["sentence"] == f"The disk that holds {run.path} is full: make room, then resume"
    assert [file.name for file in run.checkpoints.iterdir()] == ["initial.ckpt"]
    assert run_attempt(run, attempt=2) == "finished"
    assert_same(weights(run, LAST), weights(whole, LAST))


@needs_full
def test_a_full_disk_is_known_by_whatever_torch_raises_of_it(tmp_path: Path) -> None:
    with pytest.raises((RuntimeError, OSError)) as raised:
        StraightToDisk().save_checkpoint({"weights": torch.zeros(100_000)}, FULL)
    assert "is full: make room" in classify(raised.value, RunDir(tmp_path))[1]


def test_a_full_disk_is_known_behind_an_error_that_hides_it(tmp_path: Path) -> None:
    hiding = RuntimeError("unexpected pos 704 vs 598")
    hiding.__context__ = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    kind, sentence = classify(hiding, RunDir(tmp_path))
    assert kind == "infrastructure"
    assert sentence == f"The disk that holds {tmp_path} is full: make room, then resume"


def test_a_used_up_quota_is_a_full_disk(tmp_path: Path) -> None:
    error = OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
    assert "is full: make room" in classify(error, RunDir(tmp_path))[1]


def test_an_error_of_the_network_is_no_full_disk(tmp_path: Path) -> None:
    assert classify(ConnectionResetError("peer left"), RunDir(tmp_path)) == (
        "infrastructure",
        "ConnectionResetError: peer left (see the log)",
    )


def test_a_run_whose_end_cannot_be_written_says_so_and_fails_all_the_same(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = asked(tmp_path / "run", tiny(videos))

    def no_room(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(RunDir, "append", no_room)
    assert run_attempt(run, attempt=1) == "failed"
    assert "journal.jsonl could not be told: [Errno 28]" in capsys.readouterr().err


@pytest.mark.parametrize("write", [save_arrays, save_whole], ids=["arrays", "a classifier"])
def test_what_an_evaluation_could_not_write_leaves_the_old_file_alone(
    write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "old"
    file.write_text("old")

    def no_room(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(OSError, match="No space left"):
        write(file) if write is save_arrays else write(file, {})
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("old", "old")]


def test_a_failed_write_leaves_no_part_behind(tmp_path: Path) -> None:
    def fail(temporary: Path) -> None:
        temporary.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a.ckpt", fail)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_never_passes_through_the_systems_folder_for_temporary_files(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There it would need its size twice, on what is often a small disk."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not there"))
    run = asked(tmp_path / "run", tiny(videos, optimisation={"epochs": 1, "batch_size": 4}))
    assert run_attempt(run, attempt=1) == "finished", events(run, "end")


# -- what a kill leaves


def test_parts_and_states_that_were_never_journaled_are_swept_and_all_else_is_kept(tmp_path: Path) -> None:
    kept = ["initial.ckpt", "last-step=00000007.ckpt", "mine.ckpt", "notes.tmp"]
    for name in [*kept, ".epoch=0002.ckpt.tmp", "last-step=00000009.ckpt"]:
        (tmp_path / name).touch()
    sweep(tmp_path, keep={"last-step=00000007.ckpt"})
    assert sorted(file.name for file in tmp_path.iterdir()) == kept


def test_a_folder_that_is_not_there_has_nothing_to_sweep(tmp_path: Path) -> None:
    sweep(tmp_path / "checkpoints", keep=set())
    assert not (tmp_path / "checkpoints").exists()


def test_a_run_that_is_resumed_sweeps_its_own_folder(whole: RunDir, tmp_path: Path) -> None:
    run = copied(whole, tmp_path / "run")
    (run.checkpoints / ".last-step=00000004.ckpt.tmp").write_bytes(b"half")
    (run.checkpoints / "last-step=00000004.ckpt").write_bytes(b"whole, and then killed")
    run_attempt(run, attempt=2)
    assert {file.name for file in run.checkpoints.iterdir()} == {
        file.name for file in whole.checkpoints.iterdir()
    }


def test_when_every_checkpoint_is_torn_the_training_begins_anew_and_says_so(
    whole: RunDir, tmp_path: Path
) -> None:
    run = copied(whole, tmp_path / "run")
    for name in ("epoch=0002.ckpt", LAST):
        (run.checkpoints / name).write_bytes(b"torn")
    assert newest_whole(run).torn == (f"checkpoints/{LAST}", "checkpoints/epoch=0002.ckpt")
    assert run_attempt(run, attempt=2) == "finished"
    assert events(run, "start")[-1]["resumed_from"] is None
    torn = [note["text"] for note in events(run, "note") if "torn or missing" in note["text"]]
    assert [text.partition(": ")[2] for text in torn] == ["going on from the start"] * 2
    assert_same(weights(run, LAST), weights(whole, LAST))


# -- weights that are no numbers


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_no_numbers_are_never_kept(value: float) -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    refuse_broken_weights(module, 7)
    module[1].bias.data[1] = value
    with pytest.raises(NotFiniteWeights, match=r"no numbers after step 7: lower optimisation\.optimizer\.lr"):
        refuse_broken_weights(module, 7)


def test_broken_weights_end_a_run_before_they_could_be_resumed_from(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU, where nobody waits for the loss of each step."""
    monkeypatch.setattr("sce.callbacks.refuse_nan", lambda *_: None)
    optimizer = {"kind": "sgd", "lr": 1e30, "lr_scaling": "none"}
    learning = {"epochs": 1, "batch_size": 4, "optimizer": optimizer}
    run = asked(tmp_path / "run", tiny(videos, optimisation=learning))
    assert run_attempt(run, attempt=1) == "failed"
    assert events(run, "end")[-1]["kind"] == "user_error"
    assert [event["kind"] for event in events(run, "checkpoint")] == ["initial"]
