"""A whole platform with real trainings, and what its record and its folders say afterwards."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import torch

from backend.settings import Settings
from sce.data.demo import make_demo
from sce.rundir import RunDir
from tests.e2e.conftest import TINY
from tests.worker.slurm.cluster import Cluster
from worker.launchers.processes import command_line, cookie_of, members, present
from worker.stack import Stack, running_stack

ENDED = ("finished", "stopped", "failed")
PROFILE = "chaos"


@dataclass
class Chaos:
    """A running platform. What is asked while a part of it is dead is asked again."""

    stack: Stack
    api: httpx.Client
    cluster: Cluster | None = None
    """The SLURM that runs are submitted to; None runs them on this host."""

    def ask(self, method: str, path: str, within_s: float = 120, **request: Any) -> Any:
        deadline = time.monotonic() + within_s
        while True:
            try:
                answer = self.api.request(method, path, **request)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code < 500:
                assert answer.is_success, f"{method} {path}: {answer.text}"
                return answer.json()
            assert time.monotonic() < deadline, f"{method} {path} got no answer for {within_s:g} s"
            time.sleep(0.1)

    def launch(self, name: str, *, epochs: int, devices: int = 1) -> int:
        overrides = {
            "optimisation.epochs": epochs,
            "optimisation.batch_size": 8,
            "checkpoints.every_epochs": epochs,
            "checkpoints.last_every_min": 0.01,
            "compute.accelerator": "cpu",
            "compute.devices": devices,
            "compute.deterministic": True,
            "compute.loader_workers": 0,
        }
        slurm = PROFILE if self.cluster else None
        body = {
            "definition": TINY,
            "overrides": overrides,
            "experiment": "chaos",
            "name": name,
            "slurm": slurm,
        }
        return int(self.ask("POST", "/runs", json=body)["id"])

    def run(self, run_id: int) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"/runs/{run_id}")
        return found

    def folder(self, run_id: int) -> RunDir:
        return RunDir(self.stack.settings.run_folder(run_id))

    def recorded(self, run_id: int) -> set[int]:
        """Steps whose loss is in the record, of whatever attempt."""
        series = self.ask("GET", "/metrics", params={"run": run_id, "key": "train/loss", "width": 5000})[
            "series"
        ]
        return {step for one in series for step in one["step"]}

    def is_well(self) -> bool:
        """Everything answers, SLURM too, and the record says so."""
        try:
            health = self.api.get("/health").json()
            sites = self.api.get("/slurm/sites").json()
        except (httpx.TransportError, ValueError):
            return False
        is_ok = health.get("status") == "ok" and health.get("hosts_online")
        return bool(is_ok) and all(site["silent_since"] is None for site in sites)

    def processes(self, run_id: int) -> list[psutil.Process]:
        """Every process of the run's newest attempt."""
        folder = self.folder(run_id)
        return list(members(cookie_of(folder.path, folder.attempt())))


def journaled(folder: RunDir) -> set[int]:
    return {
        line.event["step"]
        for line in folder.read()
        if line.event["event"] == "metrics" and "train/loss" in line.event["values"]
    }


def trained_twice(folder: RunDir) -> int:
    """Attempts that were started again, and lines that an attempt wrote after a newer one began."""
    newest, started, late = 0, list[int](), 0
    for line in folder.read():
        attempt = int(line.event.get("attempt", 0))
        if line.event["event"] == "start":
            started.append(attempt)
        late += attempt < newest
        newest = max(newest, attempt)
    return len(started) - len(set(started)) + late


def orphans(lab: Chaos) -> int:
    """Processes of runs of this platform that are still there, and jobs that SLURM still has of them."""
    jobs = lab.cluster.ask("squeue", "-h", "-t", "PD,R", "-o", "%A").split() if lab.cluster else []
    return len(processes_under(lab.stack.settings.runs_dir)) + len(jobs)


def processes_under(runs_dir: Path) -> list[psutil.Process]:
    """By the environment that the worker gave them, and by the folder that they were told on their command line:
    what SLURM started carries no more."""
    found = {one.pid: one for name, one in present().items() if name.startswith(f"{runs_dir}/")}
    for process in psutil.process_iter():
        if any(word.startswith(f"{runs_dir}/") for word in command_line(process)):
            found.setdefault(process.pid, process)
    return list(found.values())


def final_weights(folder: RunDir) -> dict[str, torch.Tensor]:
    """What the last kept checkpoint holds of the method."""
    event = [line.event for line in folder.read() if line.event["event"] == "checkpoint"][-1]
    state: dict[str, torch.Tensor] = torch.load(folder.path / event["path"], weights_only=True)["state_dict"]
    return state


def are_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@contextmanager
def chaos_lab(home: Path, *, cluster: Cluster | None = None, **changed: Any) -> Iterator[Chaos]:
    """A platform on its own folder with demo videos, indexed; ``changed`` are settings."""
    make_demo(home / "data" / "demo", seed=0, num_videos=40, processes=1)
    settings = Settings(home=home, port=0, min_free_disk_gb=0, cpu_slots=2, **changed)
    with running_stack(settings, say=lambda _: None) as stack:
        headers = {"Authorization": f"Bearer {stack.token}"}
        with httpx.Client(base_url=f"{stack.url}/api/v1", headers=headers, timeout=20) as api:
            lab = Chaos(stack, api, cluster)
            dataset = lab.ask("POST", "/datasets", json={"name": "demo", "root": "demo", "kind": "video"})[
                "id"
            ]
            while lab.ask("GET", f"/datasets/{dataset}")["state"] != "ready":
                time.sleep(0.2)
            if cluster:
                make_profile(lab)
            yield lab
            leave_nothing(lab)


def make_profile(lab: Chaos) -> None:
    about = {"runs_folder": str(lab.stack.settings.runs_dir), "gres": "", "cpus_per_device": 1}
    profile = {**about, "setup": "export MASTER_ADDR=127.0.0.1"}
    lab.ask("POST", "/slurm/profiles", json={"name": PROFILE, "profile": profile})


def leave_nothing(lab: Chaos) -> None:
    """Trainings outlive the platform, and would outlive whoever asked for the table."""
    for run in lab.ask("GET", "/runs", params={"state": ["queued", "starting", "running"], "size": 500})[
        "items"
    ]:
        lab.ask("POST", f"/runs/{run['id']}/stop")
    if lab.cluster:
        lab.cluster.clear()
    for process in processes_under(lab.stack.settings.runs_dir):
        process.kill()
