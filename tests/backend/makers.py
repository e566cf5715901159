"""Makers of what tests of the record need; each fills in whatever the test does not care about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session, sessionmaker

from backend.compute.tables import Device, Host
from backend.datasets.tables import Dataset, Item
from backend.experiments import service as experiments
from backend.people.tables import User
from backend.runs.claims import Claim, claim_next
from backend.runs.ingest import ingest
from backend.runs.launch import launch
from backend.runs.tables import Run
from backend.runs.views import LaunchedView, LaunchRequest
from backend.settings import Settings

PRETRAIN: dict[str, Any] = {
    "kind": "pretrain",
    "data": {"kind": "video", "root": "demo"},
    "trunk": {"kind": "small3d"},
    "optimisation": {"epochs": 10, "batch_size": 8, "schedule": {"kind": "cosine"}},
}
KNN = {"kind": "knn", "k": 5}


@dataclass
class Lab:
    """Sessions whose nudges are gathered in ``nudges`` instead of being sent."""

    sessions: sessionmaker[Session]
    settings: Settings
    nudges: list[tuple[str, tuple[int, ...]]]

    def user(self) -> User:
        with self.sessions.begin() as db:
            user = db.query(User).first() or User(name="ada", role="admin")
            db.add(user)
            return user

    def host(self, name: str = "here", *, cpu: int = 1, gpu: int = 0, **labels: str) -> None:
        with self.sessions.begin() as db:
            host = Host(name=name, cpu_count=2, memory_bytes=1, labels=labels)
            db.add(host)
            db.flush()
            kinds = [("cpu", number) for number in range(cpu)] + [("gpu", number) for number in range(gpu)]
            db.add_all(
                Device(host_id=host.id, kind=kind, number=number, name=kind, memory_bytes=1)
                for kind, number in kinds
            )

    def dataset(
        self, name: str = "demo", *, train: int = 40, val: int = 8, classes: int = 4, state: str = "ready"
    ) -> int:
        """A data set whose items take their classes in turn; its folder exists."""
        root = self.settings.roots[0] / name
        root.mkdir(parents=True, exist_ok=True)
        with self.sessions.begin() as db:
            names = [f"class{label}" for label in range(classes)]
            dataset = Dataset(name=name, root=str(root), kind="video", state=state, classes=names)
            db.add(dataset)
            db.flush()
            sizes = {"train": train, "val": val} if state == "ready" else {}
            db.add_all(
                Item(
                    dataset_id=dataset.id,
                    split=split,
                    position=position,
                    path=f"{split}/class{position % classes}/{position}.mp4",
                    label=position % classes,
                    duration_s=4.0,
                )
                for split, size in sizes.items()
                for position in range(size)
            )
            return dataset.id

    def launch(self, definition: Mapping[str, Any] = PRETRAIN, **asked: Any) -> LaunchedView:
        with self.sessions.begin() as db:
            request = LaunchRequest(definition=dict(definition), **asked)
            return launch(db, request, settings=self.settings, by=self._by(db))

    def _by(self, db: Session) -> User:
        user = db.query(User).first() or User(name="ada", role="admin")
        db.add(user)
        db.flush()
        return user

    def runs(self, count: int, **fields: Any) -> list[int]:
        """Rows of runs, written as they are."""
        with self.sessions.begin() as db:
            experiment = experiments.named(db, "default")
            rows = [
                {
                    "experiment_id": experiment.id,
                    "name": f"run {number}",
                    "kind": "pretrain",
                    "state": "queued",
                    "definition": {**PRETRAIN, "compute": {"accelerator": "auto"}},
                    "seed": number,
                    **fields,
                }
                for number in range(count)
            ]
            return list(db.scalars(insert(Run).returning(Run.id, sort_by_parameter_order=True), rows))

    def claim(self, host: str = "here") -> Claim | None:
        with self.sessions.begin() as db:
            return claim_next(db, host=host)

    def running(self, definition: Mapping[str, Any] = PRETRAIN, *, steps: int = 50, **asked: Any) -> int:
        """A run that was launched, claimed and has said that it started."""
        run_id = self.launch(definition, **asked).id
        claim = self.claim()
        assert claim is not None
        assert claim.run_id == run_id
        self.tell(run_id, start(steps=steps))
        return run_id

    def tell(self, run_id: int, *events: Mapping[str, Any]) -> None:
        """Ingest events as the next lines of the run's journal."""
        with self.sessions.begin() as db:
            offset = db.get_one(Run, run_id).journal_offset
            ingest(db, run_id=run_id, lines=lines(events, offset))

    def run(self, run_id: int) -> Run:
        with self.sessions() as db:
            return db.get_one(Run, run_id)


def lines(events: Sequence[Mapping[str, Any]], offset: int = 0) -> list[tuple[Mapping[str, Any], int]]:
    """Events as a journal gives them, a hundred bytes each."""
    return [(event, offset + 100 * (number + 1)) for number, event in enumerate(events)]


def start(*, attempt: int = 1, step: int = 0, steps: int = 50) -> dict[str, Any]:
    return {
        "event": "start",
        "attempt": attempt,
        "time": 1.0,
        "step": step,
        "steps": steps,
        "epochs": 10,
        "resumed_from": None,
        "host": "here",
        "pid": 1,
        "world_size": 1,
        "device": "cpu",
        "versions": {"torch": "2"},
    }


def metrics(step: int, *, attempt: int = 1, **values: float) -> dict[str, Any]:
    """Values by key; a double underscore stands for the slash."""
    named = {key.replace("__", "/"): value for key, value in values.items()}
    return {
        "event": "metrics",
        "attempt": attempt,
        "time": float(step),
        "step": step,
        "epoch": step / 5,
        "values": named,
    }


def checkpoint(
    step: int, *, attempt: int = 1, kind: str = "periodic", epoch: float | None = None, path: str = ""
) -> dict[str, Any]:
    return {
        "event": "checkpoint",
        "attempt": attempt,
        "time": 1.0,
        "step": step,
        "epoch": step / 5 if epoch is None else epoch,
        "path": path or f"checkpoints/{kind}-{step}.ckpt",
        "bytes": 1000,
        "sha256": f"{step:064x}",
        "kind": kind,
    }


def progress(*, attempt: int = 1, eta_s: float | None = None) -> dict[str, Any]:
    return {
        "event": "progress",
        "attempt": attempt,
        "time": 2.0,
        "phase": "train",
        "done": 1,
        "total": 50,
        "eta_s": eta_s,
    }


def end(
    status: str, *, attempt: int = 1, kind: str | None = None, sentence: str | None = None
) -> dict[str, Any]:
    return {
        "event": "end",
        "attempt": attempt,
        "time": 9.0,
        "status": status,
        "kind": kind,
        "sentence": sentence,
    }
