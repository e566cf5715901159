"""A workplace with a real database and real processes, and runs to give it."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import select

from backend.compute.service import DeviceSpec, register_host
from backend.compute.tables import Device
from backend.db import open_engine
from backend.experiments.tables import Experiment
from backend.metrics.tables import Point, Series
from backend.runs.tables import Attempt, Run
from backend.runs.watched import Watched, watched
from backend.settings import Settings
from backend.tables import Table
from sce.definition import Pretrain
from sce.definition.data import VideoData
from tests.worker.lab_worker import TRAINER
from worker.launchers import Launcher
from worker.launchers.fake import FakeLauncher
from worker.launchers.local import LocalLauncher
from worker.place import Workplace
from worker.watch import Watch

T = TypeVar("T")


def eventually(ask: Callable[[], T | None], *, within_s: float = 20.0) -> T:
    """The first answer that is neither None nor false."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := ask():
            return found
        time.sleep(0.05)
    pytest.fail(f"it did not happen within {within_s:g} s")


@dataclass
class Shop:
    """A workplace, and short words for what tests do in it."""

    place: Workplace

    def queue(self, seed: int = 1, *, priority: int = 0, devices: int = 1) -> int:
        """A queued run; the trainer of the tests does what the seed says."""
        definition = Pretrain(data=VideoData(root="videos"), seed=seed)
        with self.place.sessions.begin() as db:
            experiment = db.scalar(select(Experiment)) or Experiment(name="tests")
            db.add(experiment)
            db.flush()
            run = Run(
                experiment_id=experiment.id,
                name=f"seed {seed}",
                kind="pretrain",
                state="queued",
                definition=definition.model_dump(mode="json"),
                seed=seed,
                priority=priority,
                devices=devices,
            )
            db.add(run)
            db.flush()
            return run.id

    def run(self, run_id: int) -> Run:
        with self.place.looks.begin() as db:
            return db.get_one(Run, run_id)

    def watched(self, run_id: int, *, offset: int | None = None) -> Watched:
        """As a watch sees it; with ``offset`` as one that lost its place in the journal."""
        with self.place.looks.begin() as db:
            (row,) = [row for row in watched(db) if row.run_id == run_id]
        return row if offset is None else replace(row, journal_offset=offset)

    def attempts(self, run_id: int) -> list[Attempt]:
        with self.place.looks.begin() as db:
            return list(db.scalars(select(Attempt).where(Attempt.run_id == run_id).order_by(Attempt.number)))

    def losses(self, run_id: int) -> list[int]:
        """Steps at which a loss is recorded, in the order of recording."""
        asked = select(Point.step).join(Series).where(Series.run_id == run_id).order_by(Point.id)
        with self.place.looks.begin() as db:
            return list(db.scalars(asked))

    def held(self) -> list[int | None]:
        """Which run each device is leased to."""
        with self.place.looks.begin() as db:
            return list(db.scalars(select(Device.run_id).order_by(Device.number)))

    def wait(self, run_id: int, *states: str, watch: Watch | None = None, within_s: float = 20.0) -> Run:
        """The run once it is in one of the states; ``watch`` looks meanwhile."""

        def arrived() -> Run | None:
            if watch is not None:
                watch.look()
            run = self.run(run_id)
            return run if run.state in states else None

        return eventually(arrived, within_s=within_s)


def open_shop(settings: Settings, launcher: Launcher, *, cpu_slots: int = 1) -> Shop:
    engine = open_engine(settings.database)
    Table.metadata.create_all(engine)
    shop = Shop(Workplace(settings, engine, launcher, "here", {"cpu": cpu_slots}))
    slots = [DeviceSpec("cpu", number, "slot") for number in range(cpu_slots)]
    with shop.place.sessions.begin() as db:
        register_host(db, name="here", devices=slots, cpu_count=2, memory_bytes=2**30, versions={})
    return shop


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    home = tmp_path / "home"
    home.mkdir()
    return Settings(home=home, port=0, min_free_disk_gb=0, stop_grace_s=0.3)


@pytest.fixture
def fake() -> FakeLauncher:
    return FakeLauncher()


@pytest.fixture
def shop(settings: Settings, fake: FakeLauncher) -> Iterator[Shop]:
    """A workplace without processes, for what is decided about them."""
    shop = open_shop(settings, fake)
    yield shop
    shop.place.engine.dispose()


@pytest.fixture
def launcher() -> Iterator[LocalLauncher]:
    """Real processes of the tests' trainer; none is left behind."""
    environ = {**os.environ, "SCELAB_BROKER_URL": "redis://:secret@x", "HF_TOKEN": "hf_secret"}
    launcher = LocalLauncher(host="here", inherited=environ, program=(TRAINER,))
    yield launcher
    for child in list(launcher._children.values()):
        kill_session(child)


@pytest.fixture
def real(settings: Settings, launcher: LocalLauncher) -> Iterator[Shop]:
    """A workplace with real processes."""
    shop = open_shop(settings, launcher)
    yield shop
    for attempt in [attempt for number in range(1, 10) for attempt in shop.attempts(number)]:
        if attempt.handle:
            launcher.end(attempt.handle)
    shop.place.engine.dispose()


def kill_session(child: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(child.pid, 9)
    except ProcessLookupError:
        return
    finally:
        child.wait()


HOST = socket.gethostname()
