"""Stop, then resume, through the platform: the weights equal those of a run that was never stopped."""

from pathlib import Path

import pytest
import torch

from tests.e2e.conftest import Lab, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]
SHARED = {"optimisation.epochs": 12, "checkpoints.every_epochs": 6, "compute.deterministic": True}


def final_weights(lab: Lab, run_id: int) -> dict[str, torch.Tensor]:
    found = lab.api.get("/checkpoints", params={"run_id": run_id}).json()["items"]
    last = max((item for item in found if item["kind"] == "periodic"), key=lambda item: item["step"])
    file = Path(lab.folder(run_id)) / last["path"]
    state: dict[str, torch.Tensor] = torch.load(file, weights_only=True)["state_dict"]
    return state


def test_a_stopped_and_resumed_run_equals_one_that_never_stopped(lab: Lab) -> None:
    whole = lab.launch(SHARED, name="never stopped")
    lab.wait(whole, "finished")
    stopped = lab.launch(SHARED, name="stopped")
    lab.wait(stopped, "running")
    eventually(lambda: lab.run(stopped)["step"] >= 9, what="a step inside the second epoch")
    assert lab.api.post(f"/runs/{stopped}/stop").status_code == 200
    half = lab.wait(stopped, "stopped")
    assert 0 < half["step"] < half["steps"]
    assert lab.api.post(f"/runs/{stopped}/resume").status_code == 200
    lab.wait(stopped, "finished")
    one, other = final_weights(lab, whole), final_weights(lab, stopped)
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []
