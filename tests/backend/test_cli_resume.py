"""``scelab resume``: as it was, or over other devices, which is said and asked before."""

from typing import Any

import pytest
from edge_fixtures import Lab
from sqlalchemy import select, update
from test_cli import RUNNER, launch, scelab, served  # noqa: F401 - a fixture

from backend.cli import app
from backend.compute.service import DeviceSpec, register_host
from backend.people.tables import Deed
from backend.runs.tables import Run
from sce.definition import definition_adapter

LINEAR = {
    "kind": "evaluation",
    "checkpoint": {"path": "1/checkpoints/last.ckpt", "sha256": "0" * 64},
    "data": {"kind": "image", "root": "digits"},
    "protocol": {"kind": "linear", "optimisation": {"epochs": 2, "batch_size": 4}},
}


@pytest.fixture
def stopped(served: Lab) -> int:  # noqa: F811 - a fixture
    """A linear evaluation that was stopped, in a lab whose host has four devices."""
    run_id = launch(served)
    definition = definition_adapter.validate_python(LINEAR).model_dump(mode="json")
    slots = [DeviceSpec("cpu", number, "slot") for number in range(4)]
    with served.sessions.begin() as db:
        register_host(db, name="node1", devices=slots, cpu_count=4, memory_bytes=1, versions={})
        values = {"kind": "linear", "definition": definition, "state": "stopped"}
        db.execute(update(Run).where(Run.id == run_id).values(**values))
    return run_id


def asked_for(lab: Lab, run_id: int) -> tuple[str, int, Any]:
    with lab.sessions.begin() as db:
        run = db.get_one(Run, run_id)
        return run.state, run.devices, run.definition["compute"]["devices"]


def test_what_changes_is_said_and_asked_before_it_is_done(served: Lab, stopped: int) -> None:  # noqa: F811 - a fixture
    said = RUNNER.invoke(app, ["resume", str(stopped), "--devices", "2"], input="n\n")
    assert said.exit_code == 1
    assert "Each of 2 devices takes 2 clips at a time, where it took 4" in said.output
    assert "Go on with first over 2 devices?" in said.output
    assert asked_for(served, stopped) == ("stopped", 1, 1), "nothing is done"
    said = RUNNER.invoke(app, ["resume", str(stopped), "--devices", "2"], input="y\n")
    assert said.exit_code == 0
    assert f"Run {stopped} is queued" in said.output
    assert asked_for(served, stopped) == ("queued", 2, 2)
    with served.sessions.begin() as db:
        (deed,) = db.scalars(select(Deed).where(Deed.verb == "chose other devices"))
        assert deed.detail == {"devices": 2, "nodes": None}


def test_a_script_says_yes_beforehand(served: Lab, stopped: int) -> None:  # noqa: F811 - a fixture
    assert "Each of 4 devices takes 1 clips" in scelab("resume", str(stopped), "--devices", "4", "--yes")
    assert asked_for(served, stopped) == ("queued", 4, 4)


def test_the_devices_that_it_has_change_nothing(served: Lab, stopped: int) -> None:  # noqa: F811 - a fixture
    assert "Nothing changes: it goes on as it was." in scelab("resume", str(stopped), "--devices", "1")
    assert asked_for(served, stopped) == ("queued", 1, 1)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--devices", "3"), "batch_size 4 cannot be shared evenly by 3 devices"),
        (("--devices", "8"), "cannot be shared evenly"),
        (("--nodes", "2"), "More than one node needs SLURM"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(
    served: Lab,  # noqa: F811 - a fixture
    stopped: int,
    more: tuple[str, ...],
    said: str,
) -> None:
    assert said in scelab("resume", str(stopped), *more, "--yes", status=1)
    assert asked_for(served, stopped) == ("stopped", 1, 1)
