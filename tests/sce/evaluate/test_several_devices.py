"""Evaluations of two and three processes: what one process measures, they measure together."""

import os
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest
import torch

from sce.evaluate.classifier import LAST
from sce.rundir import RunDir
from tests.sce.evaluate.conftest import CPU, VIEWS, ARun, evaluated, events, result_of

pytestmark = pytest.mark.slow
LINEAR: dict[str, Any] = {
    "kind": "linear",
    "optimisation": {
        "epochs": 3,
        "batch_size": 4,
        "optimizer": {"kind": "sgd", "lr": 0.5, "lr_scaling": "none"},
        "schedule": {"kind": "cosine"},
    },
    "train_view": {"size": 32, "jitter": {"p": 0.8}, "grey_p": 0.2, "blur_p": 0, "flip_p": 0},
    "views": VIEWS,
    "validate_every_epochs": 2,
}
# Batch norm stays as it is and nothing is left out at random: the rest is the same sum in another order.
FINETUNE = {**LINEAR, "kind": "finetune", "dropout": 0.0, "freeze_norms": True}


def on_devices(count: int) -> dict[str, Any]:
    compute: dict[str, Any] = CPU.model_copy(update={"devices": count}).model_dump()
    return compute


def torchrun(run: RunDir, processes: int, *, attempt: int = 1) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command += ["-m", "sce.train", str(run.path), "--attempt", str(attempt)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ended(started: subprocess.Popen[str]) -> str:
    said, _ = started.communicate(timeout=240)
    assert started.returncode == 0, said
    return said


def again(a_run: ARun, run: RunDir, protocol: dict[str, Any], devices: int) -> RunDir:
    """The same evaluation beside the first, on other devices."""
    run.path.rename(run.path.with_name("alone"))
    return a_run(protocol, compute=on_devices(devices))


@pytest.mark.parametrize("processes", [2, 3])
def test_a_retrieval_finds_the_neighbours_that_one_process_finds(a_run: ARun, processes: int) -> None:
    """Twelve videos over three processes, of which one is unreadable: no share is like another."""
    protocol = {"kind": "retrieval", "ranks": [1, 2], "views": VIEWS}
    run = a_run(protocol)
    assert evaluated(run) == "finished"
    alone = result_of(run)
    both = again(a_run, run, protocol, processes)
    ended(torchrun(both, processes))
    assert result_of(both)["values"] == alone["values"]
    for role in ("train", "val"):
        one, many = (
            np.load(both.path.with_name(name) / f"features/{role}.npz") for name in ("alone", both.path.name)
        )
        np.testing.assert_array_equal(one["position"], many["position"])
        np.testing.assert_allclose(one["features"], many["features"], rtol=1e-5, atol=1e-6)
    assert sorted(file.name for file in both.features.iterdir()) == ["train.npz", "val.npz"]
    (start,) = events(both, "start")
    assert start["world_size"] == processes
    assert len(events(both, "end")) == len(events(both, "result")) == 1


@pytest.mark.parametrize("protocol", [LINEAR, FINETUNE], ids=["linear", "finetune"])
def test_two_processes_train_the_classifier_that_one_trains(a_run: ARun, protocol: dict[str, Any]) -> None:
    run = a_run(protocol)
    assert evaluated(run) == "finished"
    both = again(a_run, run, protocol, 2)
    ended(torchrun(both, 2))
    alone = RunDir(both.path.with_name("alone"))
    assert result_of(both)["values"] == result_of(alone)["values"]
    one, many = (torch.load(each.path / LAST, weights_only=True)["state_dict"] for each in (alone, both))
    for name, weight in one.items():
        torch.testing.assert_close(many[name], weight, rtol=1e-4, atol=1e-5)
    losses = [
        [line["values"].get("train/loss") for line in events(each, "metrics")] for each in (alone, both)
    ]
    assert [one is None for one in losses[0]] == [one is None for one in losses[1]]
    np.testing.assert_allclose(
        *([one for one in own if one is not None] for own in losses), rtol=1e-4
    )  # one line a step, of the whole batch


def test_what_one_is_asked_all_do_and_fewer_devices_go_on(a_run: ARun) -> None:
    protocol = {**LINEAR, "optimisation": {**LINEAR["optimisation"], "epochs": 400}}
    run = a_run(protocol, compute=on_devices(2))
    started = torchrun(run, 2)
    deadline = time.monotonic() + 120
    while len(events(run, "metrics")) < 3:  # a whole epoch is two
        assert time.monotonic() < deadline
        assert started.poll() is None
        time.sleep(0.1)
    run.stop_file.write_text("preempt\n")
    assert "preempted" in ended(started)
    assert [event["status"] for event in events(run, "end")] == ["preempted"]
    come = max(event["step"] for event in events(run, "metrics"))
    run.stop_file.unlink()
    short = {**protocol["optimisation"], "epochs": come // 2 + 2}
    run.definition_file.unlink()
    a_run({**protocol, "optimisation": short}, compute=on_devices(1))
    run.begin_attempt(2)
    assert evaluated(run, attempt=2) == "finished"
    assert events(run, "start")[-1]["step"] in range(2, come + 1, 2)


def test_more_processes_than_were_asked_for_are_refused(a_run: ARun) -> None:
    started = torchrun(a_run({"kind": "knn", "k": 1, "views": VIEWS}), 2)
    said, _ = started.communicate(timeout=120)
    assert started.returncode != 0
    assert "compute.devices x compute.nodes is 1 and 2 processes were started" in said


def test_a_batch_that_cannot_be_shared_evenly_is_named(a_run: ARun) -> None:
    with pytest.raises(ValueError, match="batch_size 4 cannot be shared evenly by 3 devices"):
        a_run(LINEAR, compute=on_devices(3))
