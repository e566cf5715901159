"""Runs as jobs of SLURM: submitted, watched by number, and cancelled. SLURM does the scheduling."""

import logging
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.slurm.commands import Refused, Slurm
from backend.slurm.jobs import ArrayPlace, JobId
from backend.slurm.profile import Profile
from backend.slurm.record import JobSight, Submission
from backend.slurm.script import TRAINER, Job, Look, Member, probe_text, sbatch_text
from worker.launchers import Handle, LaunchFailed
from worker.launchers.local import may_pass, package_root
from worker.launchers.processes import cookie_of
from worker.slurm import asking

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SlurmHandle:
    """What an attempt's job is known by: ``slurm:JOB:PROFILE``, and for a task of an array its own name there."""

    job: JobId
    profile_id: int

    @classmethod
    def parse(cls, handle: str) -> "SlurmHandle":
        """Raises ``ValueError`` for a handle of another launcher."""
        kind, job, profile_id = handle.split(":")
        if kind != "slurm":
            raise ValueError(f"{handle} is no handle of SLURM")
        return cls(JobId.parse(job), int(profile_id))

    def __str__(self) -> str:
        return f"slurm:{self.job}:{self.profile_id}"


class SlurmLauncher:
    """``inherited`` is the environment that jobs may see a part of: never our secrets."""

    def __init__(
        self,
        *,
        inherited: Mapping[str, str],
        program: tuple[str, ...] = TRAINER,
    ) -> None:
        self._program = program
        passed = {name: value for name, value in inherited.items() if may_pass(name) or name == "SLURM_CONF"}
        self._env = passed

    def site(self, login: str) -> Slurm:
        """The commands of a site."""
        return Slurm(login, self._env)

    def start(self, together: Sequence[Submission], runs_dir: Path) -> list[Handle]:
        """Submit the attempt, or those of an array as one job: either all of them or none.

        Raises ``LaunchFailed`` with SLURM's own words, or ``SlurmAway``.
        """
        first = together[0]
        job = Job(
            members=tuple(_member(one, runs_dir) for one in together),
            devices=first.definition.compute.devices,
            nodes=first.definition.compute.nodes,
            accelerator=first.definition.compute.accelerator,
            token=first.array.token if first.array else "",
            python=sys.executable,
            package_root="" if first.profile.python else str(package_root()),
            program=self._program,
            keeps_off=first.keeps_off,
        )
        number = self._submit(first.profile, lambda: sbatch_text(first.profile, job))
        return [_handle(number, one.array, first.profile_id) for one in together]

    def look(self, profile: Profile, probe_id: int, token: str, roots: tuple[str, ...]) -> int:
        """Submit a probe; its job's number. Raises ``LaunchFailed`` or ``SlurmAway``."""
        package = "" if profile.python else str(package_root())
        look = Look(probe_id, token, sys.executable, package, roots)
        return self._submit(profile, lambda: probe_text(profile, look))

    def _submit(self, profile: Profile, write: Callable[[], str]) -> int:
        try:
            answer = self.site(profile.login).ask("sbatch", "--parsable", text=write(), within_s=30)
        except (ValueError, Refused) as error:
            raise LaunchFailed(f"SLURM refused it: {error}") from error
        return int(answer.strip().splitlines()[-1].partition(";")[0])

    def find(
        self, profile: Profile, profile_id: int, folder: Path, *, attempt: int, array: ArrayPlace | None
    ) -> Handle | None:
        """The job of an attempt that was submitted, but whose number was lost with a worker."""
        cookie = array.token if array else cookie_of(folder, attempt)
        number = asking.find_job(self.site(profile.login), cookie)
        return None if number is None else _handle(number, array, profile_id)

    def poll(self, login: str, jobs: Collection[JobId]) -> dict[JobId, JobSight]:
        """How all jobs of a site are, asked at once. Raises ``SlurmAway``."""
        return asking.poll(self.site(login), jobs)

    def ask_to_leave(self, login: str, job: JobId) -> None:
        """Cancel it: SIGTERM to every process, and after the site's KillWait the signal nothing survives."""
        self._scancel(login, str(job))

    def end(self, login: str, job: JobId) -> None:
        """The signal that nothing survives, to every process."""
        self._scancel(login, "--signal=KILL", "--full", str(job))
        self._scancel(login, str(job))

    def _scancel(self, login: str, *words: str) -> None:
        try:
            self.site(login).ask("scancel", *words)
        except Refused as refusal:
            log.debug("scancel %s: %s", " ".join(words), refusal)  # it ended meanwhile


def _member(asked: Submission, runs_dir: Path) -> Member:
    cookie = cookie_of(runs_dir / str(asked.run_id), asked.attempt)
    return Member(asked.run_id, asked.attempt, cookie, asked.array.index if asked.array else 0)


def _handle(number: int, array: ArrayPlace | None, profile_id: int) -> Handle:
    return Handle(str(SlurmHandle(JobId(number, array.index if array else None), profile_id)))
