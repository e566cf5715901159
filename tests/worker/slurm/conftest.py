"""A workplace that submits to a real SLURM, and runs to give it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from backend.runs.detail import run_detail
from backend.runs.life import STOPPING, move
from backend.runs.tables import Run
from backend.runs.views import RunDetail
from backend.settings import Settings
from backend.slurm.jobs import JobId
from backend.slurm.profile import Profile
from backend.slurm.record import JobSight
from backend.slurm.tables import SlurmJob, SlurmProfile, SlurmSite
from backend.slurm.views import SlurmJobView
from sce.definition import Evaluation, Pretrain, kind_of
from tests.worker.conftest import Shop, eventually, open_shop
from tests.worker.lab_worker import TRAINER
from tests.worker.slurm.cluster import Cluster, running_cluster
from tests.worker.slurm.fake import FakeSlurm
from tests.worker.trainer import Trainer
from worker.launchers.fake import FakeLauncher
from worker.launchers.slurm import SlurmLauncher
from worker.slurm.watch import SlurmWatch


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as cluster:
        yield cluster


@dataclass
class SlurmShop(Shop):
    """A workplace whose runs may be submitted."""

    cluster: Cluster
    watch: SlurmWatch

    def profile(self, **changes: Any) -> int:
        about = {"runs_folder": str(self.place.settings.runs_dir), "gres": "", "cpus_per_device": 1}
        profile = Profile(**{**about, "setup": "export MASTER_ADDR=127.0.0.1", **changes})
        with self.place.sessions.begin() as db:
            row = SlurmProfile(name="tests", profile=profile.model_dump(mode="json"))
            db.add(row)
            db.flush()
            return row.id

    def submit(
        self, seed: int = 1, *, definition: Pretrain | Evaluation | None = None, **profile: Any
    ) -> int:
        """A queued run of a profile with these changes, submitted."""
        run_id = self.queue(seed)
        values: dict[str, Any] = {"profile_id": self.profile(**profile)}
        if definition is not None:
            values |= {"definition": definition.model_dump(mode="json"), "kind": kind_of(definition)}
        with self.place.sessions.begin() as db:
            db.execute(update(Run).where(Run.id == run_id).values(**values))
        self.watch.look()
        return run_id

    def until(self, run_id: int, *states: str, attempt: int = 1, within_s: float = 40.0) -> Run:
        """The run once it is in one of the states, of this attempt or a later one."""

        def arrived() -> Run | None:
            self.watch.look()
            run = self.run(run_id)
            return run if run.state in states and run.attempt >= attempt else None

        return eventually(arrived, within_s=within_s)

    def stop(self, run_id: int) -> None:
        with self.place.sessions.begin() as db:
            move(db, db.get_one(Run, run_id), STOPPING)

    def job(self, run_id: int) -> SlurmJob:
        """What is recorded of the newest attempt's job."""
        with self.place.looks.begin() as db:
            asked = select(SlurmJob).where(SlurmJob.run_id == run_id).order_by(SlurmJob.attempt.desc())
            return db.scalars(asked).first() or SlurmJob(job=0, state="")

    def page(self, run_id: int) -> RunDetail:
        """What the run's page shows."""
        with self.place.looks.begin() as db:
            return run_detail(db, run_id, settings=self.place.settings)

    def shown(self, run_id: int, state: str, within_s: float = 20.0) -> SlurmJobView:
        """What the run's page shows of its job, once that is in a state of SLURM."""

        def arrived() -> SlurmJobView | None:
            self.watch.look()
            job = self.page(run_id).job
            return job if job is not None and job.state == state else None

        return eventually(arrived, within_s=within_s)

    def site(self) -> SlurmSite:
        with self.place.looks.begin() as db:
            return db.scalars(select(SlurmSite)).one()

    def in_slurm(self, job: int) -> str:
        """The state of a job in SLURM's own word, also after its end."""
        said = self.cluster.ask("scontrol", "-o", "show", "job", str(job))
        return next(word.removeprefix("JobState=") for word in said.split() if word.startswith("JobState="))

    def jobs_in_slurm(self) -> list[str]:
        return self.cluster.ask("squeue", "-h", "-o", "%A").split()


def open_slurm_shop(settings: Settings, cluster: Cluster, program: tuple[str, ...]) -> SlurmShop:
    place = open_shop(settings, FakeLauncher()).place
    launcher = SlurmLauncher(inherited=cluster.env, program=program)
    return SlurmShop(place, cluster, SlurmWatch(place, launcher, poll_s=0.5))


@pytest.fixture
def slurm(settings: Settings, cluster: Cluster) -> Iterator[SlurmShop]:
    """Real jobs of the tests' trainer; none is left behind."""
    roomy = settings.model_copy(update={"stop_grace_s": 5.0})
    shop = open_slurm_shop(roomy, cluster, (TRAINER,))
    yield shop
    cluster.clear()
    shop.place.engine.dispose()


@pytest.fixture
def trained(settings: Settings, cluster: Cluster) -> Iterator[SlurmShop]:
    """Real jobs that train."""
    shop = open_slurm_shop(settings.model_copy(update={"stop_grace_s": 30.0}), cluster, ("-m", "sce.train"))
    yield shop
    cluster.clear()
    shop.place.engine.dispose()


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("slurm")


@pytest.fixture
def fake_slurm() -> FakeSlurm:
    return FakeSlurm()


@pytest.fixture
def lab(settings: Settings, fake_slurm: FakeSlurm) -> Iterator[SlurmShop]:
    patient = settings.model_copy(update={"stop_grace_s": 20.0})
    place = open_shop(patient, FakeLauncher()).place
    yield SlurmShop(place, None, SlurmWatch(place, fake_slurm, poll_s=0.0))  # type: ignore[arg-type]  # no cluster
    place.engine.dispose()


def begun(shop: Shop, run_id: int, attempt: int = 1) -> Trainer:
    """The trainer has said that it started."""
    trainer = Trainer(shop.place.folder(run_id), attempt)
    trainer.start(10)
    return trainer


def says(shop: SlurmShop, fake_slurm: FakeSlurm, state: str, job: int = 1, **more: Any) -> None:
    fake_slurm.says[JobId(job)] = JobSight(JobId(job), state, **more)
    shop.watch.look()
