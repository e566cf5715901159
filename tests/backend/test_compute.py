"""Hosts and devices as their workers report them, and what pages are told of them."""

from datetime import timedelta
from pathlib import Path

import pytest
from edge_fixtures import Lab
from pydantic import SecretStr
from sqlalchemy import select, update

from backend.compute import service
from backend.compute.loads import Load
from backend.compute.reading import folder_bytes
from backend.compute.service import DeviceSpec
from backend.compute.tables import Device, Host
from backend.db import now
from backend.errors import NotFound
from backend.experiments.tables import Experiment
from backend.people.tables import Deed
from backend.runs.tables import Run
from backend.settings import Settings

pytest_plugins = ["edge_fixtures"]

GPUS = tuple(DeviceSpec("gpu", number, "H100", 80_000_000_000) for number in range(2))


def register(lab: Lab, devices: tuple[DeviceSpec, ...] = GPUS, name: str = "node1") -> int:
    with lab.sessions.begin() as db:
        about = {"cpu_count": 16, "memory_bytes": 64_000_000_000, "versions": {"torch": "2.14.1"}}
        return service.register_host(db, name=name, devices=devices, **about).id  # type: ignore[arg-type]  # a dict of kinds


def hold(lab: Lab, number: int) -> None:
    """Give a device to a run."""
    with lab.sessions.begin() as db:
        experiment = Experiment(name="default")
        db.add(experiment)
        db.flush()
        run = Run(
            experiment_id=experiment.id, name="sce", kind="pretrain", state="running", definition={}, seed=1
        )
        db.add(run)
        db.flush()
        db.execute(update(Device).where(Device.number == number).values(run_id=run.id, attempt=1))


def test_a_registered_host_is_shown_with_its_devices(lab: Lab) -> None:
    register(lab)
    (host,) = lab.admin.get("/api/v1/hosts").json()
    assert (host["name"], host["state"], host["cpu_count"]) == ("node1", "online", 16)
    assert [(one["kind"], one["number"], one["name"]) for one in host["devices"]] == [
        ("gpu", 0, "H100"),
        ("gpu", 1, "H100"),
    ]


def test_a_host_that_starts_again_is_the_same_host(lab: Lab) -> None:
    assert register(lab) == register(lab)
    assert len(lab.admin.get("/api/v1/hosts").json()[0]["devices"]) == 2


def test_a_device_that_is_gone_leaves_unless_a_run_holds_it(lab: Lab) -> None:
    register(lab)
    hold(lab, 1)
    register(lab, devices=())
    with lab.sessions.begin() as db:
        assert [device.number for device in db.scalars(select(Device))] == [1]


def test_a_device_shows_what_runs_on_it(lab: Lab) -> None:
    register(lab)
    hold(lab, 1)
    devices = lab.admin.get("/api/v1/hosts").json()[0]["devices"]
    assert [device["run"] and device["run"]["name"] for device in devices] == [None, "sce"]


def test_a_sign_of_life_says_how_busy_the_host_is(lab: Lab) -> None:
    register(lab)
    with lab.sessions.begin() as db:
        service.heartbeat(db, name="node1", load=Load(73.5, 10, 40.0, 30, 20))
    (host,) = lab.admin.get("/api/v1/hosts").json()
    assert (host["cpu_percent"], host["memory_used_bytes"], host["disk_free_bytes"]) == (73.5, 10, 20)
    assert (host["gpu_percent"], host["gpu_memory_used_bytes"]) == (40.0, 30)


def test_nobody_knows_a_host_that_never_registered(lab: Lab) -> None:
    with lab.sessions.begin() as db, pytest.raises(NotFound, match="node9"):
        service.heartbeat(db, name="node9")


def test_a_host_without_a_sign_of_life_is_away(lab: Lab) -> None:
    register(lab)
    with lab.sessions.begin() as db:
        db.execute(update(Host).values(seen_at=now() - timedelta(seconds=16)))
    assert lab.admin.get("/api/v1/hosts").json()[0]["state"] == "away"
    assert lab.client.get("/api/v1/health").json()["hosts_online"] == 0


def test_a_drained_host_says_so_and_who_did_it_is_written_down(lab: Lab) -> None:
    host_id = register(lab)
    answer = lab.admin.patch(f"/api/v1/hosts/{host_id}", json={"enabled": False})
    assert (answer.json()["state"], answer.json()["enabled"]) == ("disabled", False)
    assert lab.admin.patch(f"/api/v1/hosts/{host_id}", json={"enabled": True}).json()["state"] == "online"
    with lab.sessions.begin() as db:
        assert [deed.verb for deed in db.scalars(select(Deed).order_by(Deed.id))][-2:] == [
            "drain_host",
            "enable_host",
        ]


def test_a_host_shows_its_labels_as_its_worker_set_them_last(lab: Lab) -> None:
    for labels in ({"gpu": "a100"}, {"gpu": "h100", "room": "b"}):
        with lab.sessions.begin() as db:
            service.register_host(
                db, name="node1", devices=GPUS, cpu_count=1, memory_bytes=1, versions={}, labels=labels
            )
    assert lab.admin.get("/api/v1/hosts").json()[0]["labels"] == {"gpu": "h100", "room": "b"}


@pytest.mark.parametrize("wrong", ["a100", "gpu=", "=a100", "gpu=a 100", "gpu=a=b", "gpu=" + "x" * 65])
def test_a_label_that_is_none_is_refused_by_the_settings_with_the_form_it_has(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"SCELAB_LABELS: .* is no label: write name=value"):
        Settings(labels=f"room=b, {wrong}")  # type: ignore[arg-type]  # as the environment says it


def test_a_host_that_is_none_is_a_404(lab: Lab) -> None:
    assert lab.admin.patch("/api/v1/hosts/99", json={"enabled": False}).status_code == 404


def test_storage_counts_what_lies_in_the_home(lab: Lab) -> None:
    (lab.settings.runs_dir / "1").mkdir(parents=True)
    (lab.settings.runs_dir / "1" / "output.log").write_bytes(b"x" * 1234)
    storage = lab.admin.get("/api/v1/storage").json()
    assert storage["runs_bytes"] == 1234
    assert storage["previews_bytes"] == 0
    assert storage["previews_quota_bytes"] == 2_000_000_000
    assert storage["database"] == "sqlite"
    assert storage["database_bytes"] > 10_000
    assert storage["data_roots"] == [str(root) for root in lab.settings.roots]


def test_a_link_counts_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    assert folder_bytes(tmp_path) == 5


@pytest.mark.parametrize("url", ["", "redis://127.0.0.1:1/0", "redis+socket:///nowhere/broker.sock"])
def test_a_broker_that_does_not_answer_is_away(lab: Lab, url: str) -> None:
    lab.app.state.settings = lab.settings.model_copy(update={"broker_url": SecretStr(url)})
    health = lab.client.get("/api/v1/health").json()
    assert (health["status"], health["broker"], health["database"]) == ("degraded", "away", "ok")
