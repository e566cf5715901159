"""The text that sbatch is given. Pure: the same for a preview as for a launch."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from backend.slurm.jobs import tasks_written
from backend.slurm.profile import Profile, fit_path

TRAINER = ("-m", "sce.train")
STARTED_TWICE = 75
"""Exit status of a job that SLURM started once more by itself: it trained nothing."""


@dataclass(frozen=True)
class Member:
    """A run that a job carries."""

    run_id: int
    attempt: int
    cookie: str
    """By this its processes are known, and its job is found again when the number was lost."""
    index: int = 0
    """Its task, in an array."""


@dataclass(frozen=True)
class Job:
    """What runs want of a site. Nothing here was written by who launched them, but numbers."""

    members: tuple[Member, ...]
    """The run; or the runs of an array, which differ in nothing else."""
    devices: int
    """Processes on each node, a device each."""
    nodes: int
    accelerator: str
    python: str
    package_root: str
    """Folder that ``sce`` is imported from; empty where it is installed."""
    token: str = ""
    """By this an array is found again; empty for a job of one run."""
    program: tuple[str, ...] = TRAINER
    keeps_off: tuple[str, ...] = ()
    """Nodes that a run failed on, as SLURM writes them."""


def sbatch_text(profile: Profile, job: Job) -> str:
    """A batch script. Raises ``ValueError`` for a path that no ``#SBATCH`` line can carry."""
    runs = fit_path(profile.runs_folder).rstrip("/")
    mine, begins, arguments = _of_array(profile, job, runs) if job.token else _of_run(profile, job, runs)
    lines = ["#!/bin/bash", *(f"#SBATCH --{option}" for option in _options(profile, job, mine))]
    return "\n".join([*lines, *_body(profile, job, begins, arguments), ""])


def array_folder(token: str) -> str:
    """Name of an array's folder in the runs folder: a link for each task leads to its run's own folder."""
    return f".array-{token}"


def _of_run(profile: Profile, job: Job, runs: str) -> tuple[dict[str, str], list[str], str]:
    """Options, first lines and the trainer's arguments of a job of one run."""
    (run,) = job.members
    folder = f"{runs}/{run.run_id}"
    mine = {
        "job-name": job_name(run.run_id, run.attempt),
        "comment": f"scelab:{run.cookie}",
        "chdir": _quoted(folder),
        "output": _quoted(f"{folder}/output.log"),
    }
    begins = [f"export SCELAB_ATTEMPT={run.cookie}", f"lab_attempt={run.attempt}"]
    return mine, begins, f"{shlex.quote(folder)} --attempt {run.attempt}"


def _of_array(profile: Profile, job: Job, runs: str) -> tuple[dict[str, str], list[str], str]:
    """The same of an array. SLURM cannot write a run's number into a path: links lead to the logs."""
    first = job.members[0]
    mine = {
        "job-name": f"{job_name(first.run_id, first.attempt)}+{len(job.members) - 1}",
        "comment": f"scelab:{job.token}",
        "array": tasks_written([one.index for one in job.members], limit=profile.array_limit),
        "chdir": _quoted(runs or "/"),
        "output": _quoted(f"{runs}/{array_folder(job.token)}/%a/output.log"),
    }
    tasks = [
        f"  {one.index}) lab_run={one.run_id} lab_attempt={one.attempt} SCELAB_ATTEMPT={one.cookie} ;;"
        for one in job.members
    ]
    begins = [
        "",
        "# Each task is a run of its own: its folder, its attempt, and what its processes are known by.",
        'case "$SLURM_ARRAY_TASK_ID" in',
        *tasks,
        "esac",
        "export SCELAB_ATTEMPT",
        f'lab_folder={shlex.quote(runs)}/"$lab_run"',
        f'cd "$lab_folder" || exit {NO_FOLDER}',
    ]
    return mine, begins, '"$lab_folder" --attempt "$lab_attempt"'


@dataclass(frozen=True)
class Look:
    """What a probe looks for."""

    probe_id: int
    token: str
    """Written into the probe's folder by the worker, for the node to read."""
    python: str
    package_root: str
    roots: tuple[str, ...]
    """Data roots of this lab."""


NO_FOLDER, ANOTHER_FOLDER, READ_ONLY, NO_PROGRAM = 80, 81, 82, 83
"""Exit statuses of a probe: where it came to its end."""


def probe_folder(probe_id: int) -> str:
    """Name of its folder in the runs folder; no run is called so."""
    return f".probe-{probe_id}"


def probe_text(profile: Profile, look: Look) -> str:
    """A batch script that looks at its node. Whatever it finds it can say: by a file, or else its exit status."""
    runs, folder = profile.runs_folder, f"{profile.runs_folder}/{probe_folder(look.probe_id)}"
    mine = {
        "job-name": f"scelab-check-{look.probe_id}",
        "comment": f"scelab:{look.token}",
        # A node that lacks the runs folder could not even start there.
        "chdir": "/",
        "output": "/dev/null",
    }
    asks = site_options(profile, devices=1, nodes=1, wants_gpu=bool(profile.gres), time_limit_min=5)
    options = [*_written({**mine, **asks}), "no-requeue", *profile.extra]
    wanted = [*(["--gpus"] if profile.gres else []), *look.roots]
    python = [profile.python or look.python, "-m", "sce.probe", *wanted]
    command = _where_it_runs(profile, python, wants_gpu=bool(profile.gres))
    lines = [
        *_preamble(profile),
        *_exports({"PYTHONSAFEPATH": "1", "PYTHONPATH": look.package_root}),
        f"[ -d {shlex.quote(runs)} ] || exit {NO_FOLDER}",
        f'[ "$(cat {shlex.quote(folder)}/token)" = {look.token} ] || exit {ANOTHER_FOLDER}',
        f"cd {shlex.quote(folder)} && echo $SLURMD_NODENAME > node || exit {READ_ONLY}",
        f"srun --export=ALL {command} > answer.json 2> said || exit {NO_PROGRAM}",
    ]
    return "\n".join(["#!/bin/bash", *(f"#SBATCH --{option}" for option in options), "", *lines, ""])


def job_name(run_id: int, attempt: int) -> str:
    return f"scelab-{run_id}.{attempt}"


def _options(profile: Profile, job: Job, mine: Mapping[str, str]) -> list[str]:
    wants_gpu = job.accelerator != "cpu" and bool(profile.gres)
    asks = site_options(
        profile,
        devices=job.devices,
        nodes=job.nodes,
        wants_gpu=wants_gpu,
        time_limit_min=profile.time_limit_min,
    )
    chosen = {
        **mine,
        "open-mode": "append",
        **asks,
        "signal": f"B:USR1@{profile.warn_s}",
    }
    # A run is submitted again by the lab, as its next attempt; SLURM must not start this one twice.
    return [*_written(chosen), "no-requeue", *_keeping_off(job.keeps_off, profile.extra)]


def _keeping_off(nodes: tuple[str, ...], extra: list[str]) -> list[str]:
    """The profile's further options; of two --exclude sbatch would take the last alone."""
    if not nodes:
        return extra
    excluded = [option for option in extra if option.startswith("exclude=")]
    others = [option for option in extra if option not in excluded]
    return [*others, f"exclude={','.join([*(one.removeprefix('exclude=') for one in excluded), *nodes])}"]


def site_options(
    profile: Profile, *, devices: int, nodes: int, wants_gpu: bool, time_limit_min: int
) -> dict[str, str]:
    """What is asked of the site, by the option's name; an empty one is left out."""
    return {
        "partition": profile.partition,
        "account": profile.account,
        "qos": profile.qos,
        "constraint": f'"{profile.constraint}"' if profile.constraint else "",
        "time": str(time_limit_min),
        "nodes": str(nodes),
        "ntasks-per-node": str(devices),
        "cpus-per-task": str(profile.cpus_per_device),
        "gres": f"{profile.gres}:{devices}" if wants_gpu else "",
        "mem": profile.memory,
    }


def _written(options: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in options.items() if value]


def _quoted(path: str) -> str:
    return f'"{path}"' if " " in path else path


def _body(profile: Profile, job: Job, begins: list[str], arguments: str) -> list[str]:
    trainer = _where_it_runs(
        profile, [profile.python or job.python, *job.program], wants_gpu=job.accelerator != "cpu"
    )
    return [
        "",
        "# A job that SLURM starts once more is not the lab's: its run is submitted again as a new attempt.",
        f'[ "${{SLURM_RESTART_COUNT:-0}}" = 0 ] || exit {STARTED_TWICE}',
        *begins,
        'echo "== attempt $lab_attempt on $(hostname), $(date -u +%FT%TZ) =="',
        *_preamble(profile),
        *_environment(job),
        "",
        "# Before the time limit: every rank saves at the same step and leaves. A user's stop goes first.",
        "warn() {",
        '  [ "$(sort -n attempt | tail -n 1)" = "$lab_attempt" ] || return 0',
        "  printf preempt > .stop.slurm && mv -n .stop.slurm stop",
        "}",
        "trap warn USR1",
        "trap 'kill -TERM \"$step\"' TERM",
        f"srun --export=ALL {trainer} {arguments} &",
        "step=$!",
        'wait "$step"; code=$?',
        'while kill -0 "$step" 2>/dev/null; do wait "$step"; code=$?; done',
        'exit "$code"',
    ]


def _preamble(profile: Profile) -> list[str]:
    modules = [f"module load {' '.join(profile.modules)}"] if profile.modules else []
    return [*modules, *(profile.setup.split("\n") if profile.setup else [])]


def _environment(job: Job) -> list[str]:
    named = {
        "PYTHONUNBUFFERED": "1",
        # The run folder is the working directory; nothing in it may stand in for a module.
        "PYTHONSAFEPATH": "1",
        "PYTHONPATH": job.package_root,
    }
    return [*_exports(named), 'export OMP_NUM_THREADS="${OMP_NUM_THREADS:-${SLURM_CPUS_PER_TASK:-1}}"']


def _exports(named: Mapping[str, str]) -> list[str]:
    return [f"export {name}={shlex.quote(value)}" for name, value in named.items() if value]


def _where_it_runs(profile: Profile, program: list[str], *, wants_gpu: bool) -> str:
    """The program on the node itself, or in the profile's container."""
    if not profile.container:
        return shlex.join(program)
    devices = ["--nv"] if wants_gpu else []
    return shlex.join(
        ["apptainer", "exec", *devices, "--bind", profile.runs_folder, profile.container, *program]
    )
