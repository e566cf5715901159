"""The text that sbatch is given. Pure: the same for a preview as for a launch."""

import shlex
from dataclasses import dataclass

from backend.slurm.profile import Profile, fit_path

TRAINER = ("-m", "sce.train")
STARTED_TWICE = 75
"""Exit status of a job that SLURM started once more by itself: it trained nothing."""


@dataclass(frozen=True)
class Job:
    """What a run wants of a site. Nothing here was written by who launched it, but numbers."""

    run_id: int
    attempt: int
    devices: int
    """Processes on each node, a device each."""
    nodes: int
    accelerator: str
    cookie: str
    """By this a job is found again when its number was lost."""
    python: str
    package_root: str
    """Folder that ``sce`` is imported from; empty where it is installed."""
    program: tuple[str, ...] = TRAINER


def sbatch_text(profile: Profile, job: Job) -> str:
    """A batch script. Raises ``ValueError`` for a path that no ``#SBATCH`` line can carry."""
    folder = fit_path(f"{profile.runs_folder.rstrip('/')}/{job.run_id}")
    lines = ["#!/bin/bash", *(f"#SBATCH --{option}" for option in _options(profile, job, folder))]
    return "\n".join([*lines, *_body(profile, job, folder), ""])


def job_name(run_id: int, attempt: int) -> str:
    return f"scelab-{run_id}.{attempt}"


def _options(profile: Profile, job: Job, folder: str) -> list[str]:
    wants_gpu = job.accelerator != "cpu" and profile.gres
    chosen = {
        "job-name": job_name(job.run_id, job.attempt),
        "comment": f"scelab:{job.cookie}",
        "chdir": _quoted(folder),
        "output": _quoted(f"{folder}/output.log"),
        "open-mode": "append",
        "partition": profile.partition,
        "account": profile.account,
        "qos": profile.qos,
        "constraint": f'"{profile.constraint}"' if profile.constraint else "",
        "time": str(profile.time_limit_min),
        "nodes": str(job.nodes),
        "ntasks-per-node": str(job.devices),
        "cpus-per-task": str(profile.cpus_per_device),
        "gres": f"{profile.gres}:{job.devices}" if wants_gpu else "",
        "mem": profile.memory,
        "signal": f"B:USR1@{profile.warn_s}",
    }
    # A run is submitted again by the lab, as its next attempt; SLURM must not start this one twice.
    return [*(f"{name}={value}" for name, value in chosen.items() if value), "no-requeue", *profile.extra]


def _quoted(path: str) -> str:
    return f'"{path}"' if " " in path else path


def _body(profile: Profile, job: Job, folder: str) -> list[str]:
    modules = [f"module load {' '.join(profile.modules)}"] if profile.modules else []
    return [
        "",
        "# A job that SLURM starts once more is not the lab's: its run is submitted again as a new attempt.",
        f'[ "${{SLURM_RESTART_COUNT:-0}}" = 0 ] || exit {STARTED_TWICE}',
        *modules,
        *(profile.setup.split("\n") if profile.setup else []),
        *_environment(job),
        "",
        "# Before the time limit: every rank saves at the same step and leaves. A user's stop goes first.",
        "warn() {",
        f'  [ "$(cat attempt)" = {job.attempt} ] || return 0',
        "  printf preempt > .stop.slurm && mv -n .stop.slurm stop",
        "}",
        "trap warn USR1",
        "trap 'kill -TERM \"$step\"' TERM",
        f"srun --export=ALL {_command(profile, job, folder)} &",
        "step=$!",
        'wait "$step"; code=$?',
        'while kill -0 "$step" 2>/dev/null; do wait "$step"; code=$?; done',
        'exit "$code"',
    ]


def _environment(job: Job) -> list[str]:
    named = {
        "SCELAB_ATTEMPT": job.cookie,
        "PYTHONUNBUFFERED": "1",
        # The run folder is the working directory; nothing in it may stand in for a module.
        "PYTHONSAFEPATH": "1",
        "PYTHONPATH": job.package_root,
    }
    exports = [f"export {name}={shlex.quote(value)}" for name, value in named.items() if value]
    return [*exports, 'export OMP_NUM_THREADS="${OMP_NUM_THREADS:-${SLURM_CPUS_PER_TASK:-1}}"']


def _command(profile: Profile, job: Job, folder: str) -> str:
    trainer = [profile.python or job.python, *job.program, folder, "--attempt", str(job.attempt)]
    if profile.container:
        devices = ["--nv"] if job.accelerator != "cpu" else []
        trainer = ["apptainer", "exec", *devices, "--bind", profile.runs_folder, profile.container, *trainer]
    return shlex.join(trainer)
