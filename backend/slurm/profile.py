"""What an administrator says of a SLURM site. A run chooses a profile by its name and can change nothing in it.

Every value that reaches an ``#SBATCH`` line is held against a pattern here, so that none of them can begin
another line or end a quotation. Only ``setup`` is shell, and only an administrator writes it.
"""

import re
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from backend.views import Request

WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
WORDS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*(,[A-Za-z0-9][A-Za-z0-9_.+-]*)*")
CONSTRAINT = re.compile(r"[A-Za-z0-9_.,&|()*\[\]-]+")
GRES = re.compile(r"[a-z][a-z0-9_]*(:[A-Za-z0-9_.-]+)?")
MEMORY = re.compile(r"[1-9][0-9]*[KMGT]?")
MODULE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+/-]*")
LOGIN = re.compile(r"([a-z_][a-z0-9_-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*")
SAFE_PATH = re.compile(r"/[A-Za-z0-9_.,:@+=/ -]*")
EXTRA_VALUE = re.compile(r"[A-Za-z0-9_.,:@+=/*%\[\]-]+")

ALLOWED_EXTRAS = frozenset(
    {"cluster-constraint", "contiguous", "core-spec", "cpu-freq", "exclude", "exclusive", "hint", "licenses"}
    | {"mail-type", "mail-user", "nice", "nodelist", "prefer", "reservation", "spread-job", "switches"}
    | {"threads-per-core", "tmp", "use-min-nodes", "wckey"}
)
OURS = frozenset(
    {"account", "array", "begin", "chdir", "comment", "constraint", "cpus-per-task", "dependency", "error"}
    | {"export", "export-file", "get-user-env", "gpus", "gpus-per-node", "gpus-per-task", "gres", "hold"}
    | {"input", "job-name", "mem", "mem-per-cpu", "mem-per-gpu", "no-requeue", "nodes", "ntasks"}
    | {"ntasks-per-node", "open-mode", "output", "parsable", "partition", "qos", "requeue", "signal"}
    | {"test-only", "time", "time-min", "uid", "gid", "wait", "wrap"}
)
"""Flags that the launch writes itself: one more of them would undo it."""

Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=128)]
Path = Annotated[str, StringConstraints(max_length=1024)]


class Profile(Request):
    """How runs are submitted at one SLURM site."""

    runs_folder: Path
    """The lab's runs folder, as compute nodes see it. They must be able to write there."""
    partition: Line = ""
    """Partition, or several separated by commas; empty takes the site's default."""
    account: Line = ""
    """Account that is charged."""
    qos: Line = ""
    """Quality of service."""
    constraint: Line = ""
    """Features that a node must have, as in a100&ib."""
    time_limit_min: int = Field(default=24 * 60, ge=1, le=366 * 24 * 60)
    """Minutes that a job may take. A run that is not done by then is saved and submitted again."""
    warn_s: int = Field(default=180, ge=30, le=3600)
    """Seconds before the time limit at which a run is asked to save. SLURM may be a minute early."""
    gres: Line = "gpu"
    """What a device is called here, as in gpu or gpu:a100; empty asks for no GPUs."""
    cpus_per_device: int = Field(default=4, ge=1, le=512)
    """CPUs for each process of a run."""
    memory: Line = ""
    """Memory on each node with its unit, as in 64G; empty takes the site's default."""
    modules: list[Line] = Field(default=[], max_length=32)
    """Environment modules that are loaded, as in cuda/12.4."""
    container: Path = ""
    """An Apptainer image that the trainer runs in; empty runs it on the node itself."""
    python: Path = ""
    """Python with SCE Lab installed, on compute nodes; empty takes the one that the worker runs on."""
    setup: str = Field(default="", max_length=10_000)
    """Lines of shell before the trainer starts, as an administrator would type them."""
    extra: list[Line] = Field(default=[], max_length=32)
    """Further options of sbatch, one each, as in reservation=lab or exclusive."""
    login: Line = ""
    """Host that SLURM's commands are run on through ssh, as in ada@login; empty runs them here."""
    max_jobs: int = Field(default=50, ge=1, le=10_000)
    """Jobs of this profile that may be in SLURM at a time; further runs wait in the lab's queue."""
    arrays: bool = True
    """Whether runs that are launched together over several seeds go out as one array, where the site has them."""
    array_limit: int = Field(default=0, ge=0, le=10_000)
    """Runs of an array that may run at a time; 0 leaves that to SLURM."""

    @field_validator("partition")
    @classmethod
    def _partition(cls, value: str) -> str:
        return _fits(value, WORDS, "A partition's name has letters, digits and _ . + - only.")

    @field_validator("account", "qos")
    @classmethod
    def _word(cls, value: str) -> str:
        return _fits(value, WORD, "It has letters, digits and _ . + - only, on one line.")

    @field_validator("constraint")
    @classmethod
    def _constraint(cls, value: str) -> str:
        return _fits(value, CONSTRAINT, "A constraint has feature names joined by & or |, without spaces.")

    @field_validator("gres")
    @classmethod
    def _gres(cls, value: str) -> str:
        return _fits(value, GRES, "Write it without a number, as in gpu or gpu:a100: a run's devices count.")

    @field_validator("memory")
    @classmethod
    def _memory(cls, value: str) -> str:
        return _fits(value, MEMORY, "SLURM knows the units K, M, G and T: write 64G, not 64GB or 64 G.")

    @field_validator("login")
    @classmethod
    def _login(cls, value: str) -> str:
        return _fits(value, LOGIN, "Write a host, or user@host.")

    @field_validator("modules")
    @classmethod
    def _modules(cls, value: list[str]) -> list[str]:
        return [_fits(name, MODULE, f"{name!r} is no module's name.") for name in value if name]

    @field_validator("runs_folder")
    @classmethod
    def _folder(cls, value: str) -> str:
        if not value:
            raise ValueError("Name the folder that the lab and every compute node share.")
        return fit_path(value)

    @field_validator("container", "python")
    @classmethod
    def _path(cls, value: str) -> str:
        return fit_path(value) if value else value

    @field_validator("extra")
    @classmethod
    def _extra(cls, value: list[str]) -> list[str]:
        return [_allowed(text.removeprefix("--")) for text in value if text]

    @field_validator("setup")
    @classmethod
    def _setup(cls, value: str) -> str:
        text = value.replace("\r\n", "\n").strip("\n")
        if "#SBATCH" in text:
            raise ValueError("Options of sbatch belong into their own fields, not into setup lines.")
        return text


def most_in_array(profile: Profile, max_array: int | None) -> int:
    """Runs that may go out as one array, at a site that allows so many; 1 where each is a job of its own."""
    return min(max_array or 1, profile.max_jobs) if profile.arrays else 1


def fit_path(value: str) -> str:
    """An absolute path that an ``#SBATCH`` line can carry. Raises ``ValueError``."""
    sentence = "It must be an absolute path of letters, digits, spaces and _ . , : @ + = - only."
    if ".." in value.split("/"):
        raise ValueError("It may not climb with '..'.")
    return _fits(value, SAFE_PATH, sentence).rstrip("/") or "/"


def _fits(value: str, pattern: re.Pattern[str], sentence: str) -> str:
    if value and not pattern.fullmatch(value):
        raise ValueError(sentence)
    return value


def _allowed(text: str) -> str:
    name, has_value, value = text.partition("=")
    if name in OURS:
        raise ValueError(f"--{name} is written by SCE Lab itself: use the field for it, or leave it out.")
    if name not in ALLOWED_EXTRAS:
        raise ValueError(f"--{name} is not among the options that may be added: {_names()}.")
    if has_value and not EXTRA_VALUE.fullmatch(value):
        raise ValueError(
            f"--{name} cannot take {value!r}: letters, digits and _ . , : @ + = / * % [ ] - only."
        )
    return text


def _names() -> str:
    return ", ".join(sorted(ALLOWED_EXTRAS))
