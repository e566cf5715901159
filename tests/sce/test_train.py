"""A training from its folder alone: what it leaves behind, how it stops, and that resuming changes nothing."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sce.rundir import RunDir
from sce.train import run_attempt
from tests.sce.tiny import STEPS, asked, assert_same, events, tiny, weights

LAST = "epoch=0003.ckpt"


def copied(run: RunDir, folder: Path, *, until: str) -> RunDir:
    """The folder as a kill -9 would have left it just after the checkpoint ``until`` was journaled."""
    shutil.copytree(run.path, folder)
    lines = [line.event for line in run.read()]
    end = next(place for place, event in enumerate(lines) if event.get("path") == until) + 1
    (folder / "journal.jsonl").write_text("".join(json.dumps(event) + "\n" for event in lines[:end]))
    return RunDir(folder)


def test_the_journal_tells_the_whole_training(whole: RunDir) -> None:
    steps = [event["step"] for event in events(whole, "metrics")]
    assert steps == list(range(1, STEPS + 1))
    assert events(whole, "start")[0]["steps"] == STEPS
    assert events(whole, "progress")[-1]["done"] == STEPS
    assert events(whole, "end") == [
        {**events(whole, "end")[0], "status": "finished", "kind": None, "sentence": None}
    ]


def test_every_step_is_journaled_with_its_loss_and_the_scheduled_values_it_used(whole: RunDir) -> None:
    last = events(whole, "metrics")[-1]
    used = {"train/lr", "train/momentum", "train/contrast", "train/target_temperature"}
    assert used | {"train/loss"} <= set(last["values"])
    assert (last["values"]["train/contrast"], last["values"]["train/target_temperature"]) == (0.5, 0.05)
    assert last["values"]["train/momentum"] == 1.0
    assert last["epoch"] == 3.0


def test_the_methods_health_is_measured_at_the_first_step_and_then_once_in_a_while(whole: RunDir) -> None:
    measured = [event for event in events(whole, "metrics") if "health/rank_me" in event["values"]]
    assert [event["step"] for event in measured] == [1]  # the next one would be step 21 of 9
    signs = measured[0]["values"]
    assert signs["health/effective_positives"] == pytest.approx(
        math.exp(signs["health/target_entropy"]), rel=0.2
    )
    assert signs["health/momentum_lag"] == 0
    assert signs["health/alignment"] == pytest.approx(2 - 2 * signs["health/positive_similarity"], abs=1e-5)


def test_the_first_step_has_rate_zero_and_the_warmup_reaches_the_scaled_rate(whole: RunDir) -> None:
    rates = [event["values"]["train/lr"] for event in events(whole, "metrics")]
    assert rates[:4] == pytest.approx([0.0, 0.4 * 4 / 256 / 2, 0.4 * 4 / 256, 0.4 * 4 / 256])


def test_the_untrained_and_every_second_and_the_last_epoch_are_kept(whole: RunDir) -> None:
    kept = [(event["path"], event["step"], event["kind"]) for event in events(whole, "checkpoint")]
    assert kept == [
        ("checkpoints/initial.ckpt", 0, "initial"),
        ("checkpoints/epoch=0002.ckpt", 6, "periodic"),
        ("checkpoints/epoch=0003.ckpt", 9, "periodic"),
    ]


def test_nothing_but_the_contract_is_left_in_the_folder(whole: RunDir) -> None:
    assert {path.name for path in whole.path.iterdir()} == {"definition.json", "journal.jsonl", "checkpoints"}
    assert {path.name for path in whole.checkpoints.iterdir()} == {
        "initial.ckpt",
        "epoch=0002.ckpt",
        "epoch=0003.ckpt",
    }


def test_the_same_seed_gives_the_same_training(whole: RunDir, videos: Path, tmp_path: Path) -> None:
    again = asked(tmp_path / "again", tiny(videos))
    run_attempt(again, attempt=1)
    assert_same(weights(again, LAST), weights(whole, LAST))


def test_loader_processes_change_nothing(whole: RunDir, videos: Path, tmp_path: Path) -> None:
    run = asked(tmp_path / "run", tiny(videos, compute={"accelerator": "cpu", "loader_workers": 2}))
    run_attempt(run, attempt=1)
    assert_same(weights(run, LAST), weights(whole, LAST))


def test_a_training_killed_at_an_epochs_end_resumes_bit_for_bit(whole: RunDir, tmp_path: Path) -> None:
    run = copied(whole, tmp_path / "run", until="checkpoints/epoch=0002.ckpt")
    (run.checkpoints / LAST).unlink()
    assert run_attempt(run, attempt=2) == "finished"
    assert events(run, "start")[-1]["resumed_from"] == "checkpoints/epoch=0002.ckpt"
    assert_same(weights(run, LAST), weights(whole, LAST))


def stop_at(run: RunDir, step: int) -> threading.Thread:
    """Ask for a stop once the journal has come to ``step``."""

    def watch() -> None:
        while not any(event["step"] >= step for event in events(run, "checkpoint")):
            time.sleep(0.005)
        run.request_stop()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


@pytest.mark.parametrize("step", [1, 4, 7])
def test_stopped_and_resumed_equals_never_stopped(
    step: int, whole: RunDir, videos: Path, tmp_path: Path
) -> None:
    run = asked(tmp_path / "run", tiny(videos, checkpoints={"every_epochs": 2, "last_every_min": 1e-9}))
    watcher = stop_at(run, step)
    assert run_attempt(run, attempt=1) == "stopped"
    watcher.join()
    run.clear_stop()
    assert run_attempt(run, attempt=2) == "finished"
    assert events(run, "start")[1]["step"] >= step
    assert_same(weights(run, LAST), weights(whole, LAST))


def test_only_the_two_newest_states_are_kept_over_attempts(videos: Path, tmp_path: Path) -> None:
    run = asked(tmp_path / "run", tiny(videos, checkpoints={"every_epochs": 2, "last_every_min": 1e-9}))
    for attempt in (1, 2, 3, 4):
        run.request_stop()
        run_attempt(run, attempt=attempt)
    names = sorted(path.name for path in run.checkpoints.glob("last-*"))
    assert names == ["last-step=00000003.ckpt", "last-step=00000004.ckpt"]


def test_a_torn_checkpoint_is_passed_over_and_named(whole: RunDir, tmp_path: Path) -> None:
    run = copied(whole, tmp_path / "run", until="checkpoints/epoch=0003.ckpt")
    torn = run.checkpoints / LAST
    torn.write_bytes(torn.read_bytes()[:-100])
    assert run_attempt(run, attempt=2) == "finished"
    assert events(run, "start")[-1]["step"] == 6
    assert LAST in events(run, "note")[-1]["text"]
    assert_same(weights(run, LAST), weights(whole, LAST))


def test_a_trainer_leaves_without_a_word_when_a_newer_attempt_exists(videos: Path, tmp_path: Path) -> None:
    run = asked(tmp_path / "run", tiny(videos))
    run.begin_attempt(2)
    run_attempt(run, attempt=1)
    assert events(run, "end") == []
    assert [event["kind"] for event in events(run, "checkpoint")] == ["initial"]


def trainer(run: RunDir, *options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "sce.train", str(run.path), *options],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def wait_for(run: RunDir, seen: Callable[[RunDir], bool], *, within_s: float = 120) -> None:
    deadline = time.monotonic() + within_s
    while not seen(run):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def long_run(videos: Path, folder: Path) -> RunDir:
    learning = {"epochs": 400, "batch_size": 4, "optimizer": {"kind": "lars", "lr": 0.4}}
    definition = tiny(
        videos, optimisation=learning, checkpoints={"every_epochs": 400, "last_every_min": 1e-9}
    )
    return asked(folder, definition)


@pytest.mark.slow
def test_killed_in_the_second_epoch_and_resumed_equals_never_stopped(
    whole: RunDir, videos: Path, tmp_path: Path
) -> None:
    run = asked(tmp_path / "run", tiny(videos, checkpoints={"every_epochs": 2, "last_every_min": 1e-9}))
    process = trainer(run)
    wait_for(run, lambda run: any(event["step"] >= 4 for event in events(run, "checkpoint")))
    process.kill()
    process.wait()
    assert run_attempt(run, attempt=2) == "finished"
    assert_same(weights(run, LAST), weights(whole, LAST))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR2])
def test_a_warning_signal_ends_in_a_saved_state(number: signal.Signals, videos: Path, tmp_path: Path) -> None:
    run = long_run(videos, tmp_path / "run")
    process = trainer(run)
    wait_for(run, lambda run: any(event["step"] >= 2 for event in events(run, "checkpoint")))
    process.send_signal(number)
    assert process.wait(timeout=60) == 0
    assert events(run, "end")[-1]["status"] == "preempted"
    assert events(run, "checkpoint")[-1]["kind"] == "last"
    assert events(run, "checkpoint")[-1]["step"] == events(run, "metrics")[-1]["step"]
