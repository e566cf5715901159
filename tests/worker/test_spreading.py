"""A run that was stopped on one device goes on over two, and learns from every step's same videos."""

import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from backend.errors import Invalid
from backend.people.tables import User
from backend.runs import service
from backend.runs.spreading import changes
from backend.runs.tables import Run
from backend.runs.views import Spread
from backend.settings import Settings
from sce.definition import Evaluation, Pretrain, definition_adapter
from tests.sce.tiny import make_videos, tiny
from tests.worker.conftest import Shop, eventually, open_shop
from tests.worker.test_runs import ask_to_stop
from worker.launchers.local import LocalLauncher
from worker.runs import start_runs
from worker.watch import Watch


def over(root: Path, devices: int, **optimisation: int) -> Pretrain:
    compute = {"accelerator": "cpu", "loader_workers": 0, "devices": devices}
    return tiny(root, compute=compute, optimisation={"epochs": 100, "batch_size": 4, **optimisation})


def test_what_changes_is_said_before(tmp_path: Path) -> None:
    said = " ".join(changes(over(tmp_path, 1), over(tmp_path, 2)))
    assert (
        "Each of 2 devices takes 2 clips at a time, where it took 4: the batch of 4, the learning rate"
        in said
    )
    assert "not the same bit for bit" in said
    assert "on CPUs it sees 2 clips at a time instead of 4" in said
    assert (
        "The one device takes all 4 clips, where it took 2"
        in changes(over(tmp_path, 2), over(tmp_path, 1))[0]
    )
    assert changes(over(tmp_path, 2), over(tmp_path, 2)) == []


def measuring(protocol: dict[str, Any], devices: int) -> Evaluation:
    trained = {"optimisation": {"epochs": 2, "batch_size": 4}, **protocol}
    wanted = {
        "kind": "evaluation",
        "checkpoint": {"path": "1/c.ckpt", "sha256": "0" * 64},
        "protocol": trained,
    }
    data = {"kind": "video", "root": "demo"}
    found = definition_adapter.validate_python({**wanted, "data": data, "compute": {"devices": devices}})
    assert isinstance(found, Evaluation)
    return found


@pytest.mark.parametrize(
    ("protocol", "said", "unsaid"),
    [
        ({"kind": "linear"}, "What is scored, and how, stays", "normalisation"),
        ({"kind": "finetune"}, "batch normalisation goes on to see the clips of all devices", "learned"),
        ({"kind": "finetune"}, "which features are left out: from here on they are others", "learned"),
        ({"kind": "finetune", "freeze_norms": True, "dropout": 0.0}, "last whole epoch", "normalisation"),
        ({"kind": "finetune", "freeze_norms": True, "dropout": 0.0}, "last whole epoch", "left out"),
    ],
)
def test_what_changes_for_a_classifiers_training_is_said_before(
    protocol: dict[str, Any], said: str, unsaid: str
) -> None:
    sentences = changes(measuring(protocol, 1), measuring(protocol, 2))
    assert "Each of 2 devices takes 2 clips at a time, where it took 4" in sentences[0]
    assert said in " ".join(sentences)
    assert unsaid not in " ".join(sentences)
    assert changes(measuring(protocol, 2), measuring(protocol, 2)) == []


@pytest.mark.slow
def test_a_stopped_run_goes_on_over_two_devices(settings: Settings, tmp_path: Path) -> None:
    launcher = LocalLauncher(host="here", inherited=os.environ)
    patient = settings.model_copy(update={"stop_grace_s": 60.0})
    shop = open_shop(patient, launcher, cpu_slots=2)
    watch = Watch(shop.place)
    run_id = shop.queue()
    definition = over(make_videos(tmp_path / "videos"), 1)
    with shop.place.sessions.begin() as db:
        db.execute(update(Run).values(definition=definition.model_dump(mode="json")))
        ada = User(name="ada", role="admin")
        db.add(ada)
    start_runs(shop.place)
    eventually(lambda: watch.look() or shop.run(run_id).step > 3, within_s=60)
    ask_to_stop(shop, run_id)
    shop.wait(run_id, "stopped", watch=watch, within_s=60)
    with shop.place.sessions.begin() as db:
        with pytest.raises(Invalid, match="No host has 4 devices"):
            service.other_devices(db, run_id, Spread(devices=4))
        assert len(service.spread(db, run_id, Spread(devices=2), by=ada)) == 3
        service.resume_run(db, run_id, by=ada)
    start_runs(shop.place)
    assert shop.held() == [run_id, run_id]
    eventually(
        lambda: watch.look() or (shop.attempts(run_id)[1].world_size and gone_on(shop, run_id)), within_s=90
    )
    first, second = shop.attempts(run_id)
    assert (first.world_size, second.world_size) == (1, 2)
    assert second.start_step
    assert first.outcome == "stopped"
    ask_to_stop(shop, run_id)
    shop.wait(run_id, "stopped", watch=watch, within_s=60)
    assert steps_of(shop, run_id) == list(range(1, shop.run(run_id).step + 1)), (
        "each step once, none left out"
    )
    shop.place.engine.dispose()


def gone_on(shop: Shop, run_id: int) -> bool:
    return shop.run(run_id).step > (shop.attempts(run_id)[1].start_step or 0) + 3


def steps_of(shop: Shop, run_id: int) -> list[int]:
    lines = shop.place.folder(run_id).read()
    return [line.event["step"] for line in lines if "train/loss" in line.event.get("values", {})]
