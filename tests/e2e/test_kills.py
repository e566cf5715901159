"""Whatever dies, training goes on, and the record is whole afterwards."""

import json
import os
import signal

import httpx
import pytest

from tests.e2e.conftest import Lab, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]
LONG = {"optimisation.epochs": 24, "checkpoints.every_epochs": 12}


def journaled_steps(lab: Lab, run_id: int) -> list[int]:
    lines = map(json.loads, (lab.folder(run_id) / "journal.jsonl").read_text().splitlines())
    return [line["step"] for line in lines if line["event"] == "metrics" and "train/loss" in line["values"]]


def recorded_steps(lab: Lab, run_id: int) -> list[int]:
    answer = lab.api.get("/metrics", params={"run": run_id, "key": "train/loss", "width": 5000})
    (series,) = answer.json()["series"]
    return list(series["step"])


def is_up(lab: Lab) -> bool:
    try:
        health = lab.api.get("/health").json()
    except httpx.TransportError:
        return False
    return bool(health["status"] == "ok")


def test_api_and_worker_die_while_training_goes_on(lab: Lab) -> None:
    run_id = lab.launch(LONG, name="survivor")
    lab.wait(run_id, "running")
    eventually(lambda: len(journaled_steps(lab, run_id)) > 5, what="first steps")
    before = lab.stack.pids()
    for part in ("api", "worker"):
        os.kill(before[part], signal.SIGKILL)
    at_the_kill = len(journaled_steps(lab, run_id))
    eventually(lambda: len(journaled_steps(lab, run_id)) > at_the_kill + 3, what="steps without a platform")
    eventually(lambda: is_up(lab), within_s=60, what="the platform to be back")
    assert lab.stack.pids()["api"] != before["api"]
    run = lab.wait(run_id, "finished")
    assert [attempt["number"] for attempt in run["attempts"]] == [1]
    assert recorded_steps(lab, run_id) == journaled_steps(lab, run_id)


def test_the_broker_dies_and_the_next_run_still_starts(lab: Lab) -> None:
    os.kill(lab.stack.pids()["broker"], signal.SIGKILL)
    eventually(lambda: is_up(lab), within_s=60, what="the broker to be back")
    run_id = lab.launch(name="after the broker")
    lab.wait(run_id, "finished")


def test_a_killed_training_fails_with_its_cause_and_goes_on_when_retried(lab: Lab) -> None:
    run_id = lab.launch(LONG, name="shot down")
    lab.wait(run_id, "running")
    steps = eventually(lambda: journaled_steps(lab, run_id)[5:], what="first steps")
    pid = next(
        json.loads(line)["pid"]
        for line in (lab.folder(run_id) / "journal.jsonl").read_text().splitlines()
        if json.loads(line)["event"] == "start"
    )
    os.kill(pid, signal.SIGKILL)
    failed = lab.wait(run_id, "failed", within_s=30)
    assert (
        "signal" in failed["failure"]["sentence"].lower() or "killed" in failed["failure"]["sentence"].lower()
    )
    assert "retry" in failed["may"]
    assert lab.api.post(f"/runs/{run_id}/retry").status_code == 200
    run = lab.wait(run_id, "finished")
    assert [attempt["number"] for attempt in run["attempts"]] == [2, 1]
    assert max(recorded_steps(lab, run_id)) > max(steps)
