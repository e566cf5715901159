"""A SLURM that says what a test lets it say, and remembers what it was asked."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.slurm.commands import Slurm, SlurmAway
from backend.slurm.jobs import ArrayPlace, JobId
from backend.slurm.record import JobSight, Submission
from worker.launchers import Handle, LaunchFailed
from worker.launchers.slurm import SlurmHandle, SlurmLauncher
from worker.slurm.states import VANISHED


class HereSite(Slurm):
    """A site whose commands are here and say nothing but how large an array may be."""

    @property
    def is_here(self) -> bool:
        return True

    def ask(self, *command: str, text: str | None = None, within_s: float = 15.0) -> str:
        return "MaxArraySize = 1001\n" if command[-1] == "config" else ""


@dataclass
class FakeSlurm(SlurmLauncher):
    """Remembers what it was asked; a test says what SLURM then says."""

    says: dict[JobId, JobSight] = field(default_factory=dict)
    submitted: list[int] = field(default_factory=list)
    """Runs, in the order in which they went out."""
    arrays: list[list[int]] = field(default_factory=list)
    """Those of them that went out together."""
    cancelled: list[JobId] = field(default_factory=list)
    away: str | None = None
    refuses: str | None = None
    takes_silently: bool = False
    """It takes the job, and its answer is lost."""

    def site(self, login: str) -> Slurm:
        return HereSite(login)

    def start(self, together: Sequence[Submission], runs_dir: Path) -> list[Handle]:
        if self.refuses:
            raise LaunchFailed(f"SLURM refused it: {self.refuses}")
        if self.away and not self.takes_silently:
            raise SlurmAway(self.away)
        self.submitted += [one.run_id for one in together]
        number = len(self.submitted)
        jobs = [JobId(number, one.array.index if one.array else None) for one in together]
        if together[0].array:
            self.arrays.append([one.run_id for one in together])
        self.says |= {job: JobSight(job, "PENDING", "Resources") for job in jobs}
        if self.away:
            raise SlurmAway(self.away)
        return [Handle(str(SlurmHandle(job, together[0].profile_id))) for job in jobs]

    def find(
        self, profile: Any, profile_id: int, folder: Path, *, attempt: int, array: ArrayPlace | None
    ) -> Handle | None:
        job = JobId(len(self.submitted), array.index if array else None)
        return Handle(str(SlurmHandle(job, profile_id))) if job in self.says else None

    def poll(self, login: str, jobs: Collection[JobId]) -> dict[JobId, JobSight]:
        if self.away:
            raise SlurmAway(self.away)
        return {job: self.says.get(job, JobSight(job, VANISHED)) for job in jobs}

    def ask_to_leave(self, login: str, job: JobId) -> None:
        self.cancelled.append(job)

    def end(self, login: str, job: JobId) -> None:
        self.cancelled.append(job)
