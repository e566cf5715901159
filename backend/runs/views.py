from datetime import datetime
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from backend.slurm.views import SlurmJobView
from backend.views import Id, Name, Request, View
from sce.definition import RunKind
from sce.definition.derived import Derived
from sce.definition.health import Health

RunState = Literal[
    "draft", "queued", "starting", "running", "stopping", "preempted", "finished", "stopped", "failed"
]
FailureKind = Literal["user_error", "out_of_memory", "timeout", "infrastructure", "lost"]
Action = Literal[
    "launch", "stop", "resume", "retry", "clone", "evaluate", "test", "devices", "archive", "restore"
]
BulkAction = Literal["stop", "archive", "restore"]
SortKey = Literal["id", "name", "state", "kind", "progress", "created_at", "started_at", "duration"]


class LaunchRequest(Request):
    """A run to launch: a recipe and what to change in it, or a whole definition."""

    recipe: str | None = Field(default=None, max_length=64)
    """Name of a recipe."""
    overrides: dict[str, Any] = Field(default={}, max_length=200)
    """Values by dotted key, as in {"optimisation.epochs": 20}."""
    definition: dict[str, Any] | None = None
    """A whole definition instead of a recipe."""
    experiment: Name = "default"
    """Experiment to gather the run under; it is made if there is none of that name."""
    name: str | None = Field(default=None, max_length=128)
    """Name of the run; None lets the server choose one."""
    checkpoint_id: Id | None = None
    """For an evaluation: the checkpoint to measure, instead of checkpoint.path."""
    seeds: list[Id] = Field(default=[], max_length=32)
    """Launch one run for each of these seeds; empty takes the definition's own."""
    priority: int = Field(default=0, ge=-100, le=100)
    tags: list[str] = Field(default=[], max_length=32)
    notes: str = Field(default="", max_length=10_000)
    slurm: str | None = Field(default=None, max_length=64)
    """Name of the SLURM profile to submit it by; None runs it on this lab's hosts."""
    is_draft: bool = False
    """Keep it as a draft instead of queueing it."""
    cloned_from_id: Id | None = None


class TestRequest(Request):
    """Score the classifiers of a linear probe or a fine-tuning again."""

    which: Literal["best", "last", "both"] = "best"
    """The one of the best validation, of the last epoch, or both in one run."""


class Change(View):
    """One field that differs."""

    field: str
    before: Any
    after: Any


class PreviewView(View):
    """What a launch would do, without doing it."""

    definition: dict[str, Any]
    """The whole definition, every default written out."""
    kind: RunKind
    yaml: str
    """The same as YAML."""
    derived: Derived
    train_items: int | None
    """Size of the training split; None while the data set is not indexed."""
    estimated_s: float | None
    """Estimated duration from the pace measured in earlier runs of this trunk and size on these hosts."""
    estimate_basis: str
    """Where the estimate comes from, or why there is none."""
    disk_bytes: int | None
    """All checkpoints together."""
    changes: list[Change]
    """Difference to the recipe."""
    warnings: list[str]
    sbatch: str | None = None
    """What SLURM would be given, but for the run's own number; None on this lab's hosts."""


class RunRef(View):
    id: int
    name: str
    kind: RunKind
    state: RunState


class ExperimentRef(View):
    id: int
    name: str


class DatasetRef(View):
    id: int
    name: str


class CheckpointRef(View):
    """The checkpoint that an evaluation measures."""

    id: int
    run_id: int
    run_name: str
    step: int
    epoch: float
    kind: str


class Retry(View):
    """When a failed run is started again by itself, and which of how many times in a row that is."""

    at: datetime
    number: int
    limit: int


class Failure(View):
    kind: FailureKind
    sentence: str
    retry: Retry | None = None
    """None when a person has to retry it."""


class RunView(View):
    """A run as a table shows it."""

    id: int
    name: str
    kind: RunKind
    state: RunState
    state_since: datetime
    may: list[Action]
    """What may be done with it now."""
    experiment: ExperimentRef
    recipe: str | None
    method: str | None
    trunk: str | None
    dataset: DatasetRef | None
    parent: RunRef | None
    """The pretraining that it measures."""
    checkpoint: CheckpointRef | None
    """The checkpoint that it measures."""
    seed: int
    seed_group: str | None
    owner: str | None
    priority: int
    devices: int
    attempt: int
    failure: Failure | None
    slurm: str | None
    """The SLURM profile that it is submitted by; null on this lab's hosts."""
    waits_for: str | None
    """Why a queued run, or one in SLURM's queue, has not started, in words."""
    makes_room_for: RunRef | None
    """The run of a higher priority that it leaves, or left, its devices to."""
    phase: str | None
    """What a running one does: train, extract train, ..."""
    progress: float
    """Share done, from 0 to 1."""
    eta_s: float | None
    step: int
    steps: int | None
    epoch: float
    epochs: int | None
    summary: dict[str, float]
    """Latest value of each metric, and an evaluation's scores in [0, 1]."""
    num_checkpoints: int
    checkpoint_bytes: int
    tags: list[str]
    created_at: datetime
    queued_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    duration_s: float | None
    archived: bool


class AttemptView(View):
    number: int
    host: str
    device: str | None
    world_size: int | None
    start_step: int | None
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    """finished, stopped, preempted or failed; None while it lasts."""
    sentence: str | None
    notes: list[str]
    versions: dict[str, str]


class DeedView(View):
    at: datetime
    user: str | None
    """None for what the platform did by itself."""
    verb: str
    detail: dict[str, Any]


class RunDetail(RunView):
    """A run as its own page shows it."""

    notes: str
    protocol: dict[str, Any]
    """What an evaluation says it did."""
    derived: Derived
    cloned_from: RunRef | None
    attempts: list[AttemptView]
    deeds: list[DeedView]
    """Who did what, newest first."""
    seeds: list[RunRef]
    """The other runs of its seed group."""
    children: list[RunRef]
    """Evaluations that measure it."""
    folder: str
    """The run's folder on the server."""
    keeps_off: list[str]
    """Hosts, or nodes of SLURM, that its next attempts keep off, because it failed there."""
    job: SlurmJobView | None = None
    """What SLURM says of its newest job; null on this lab's hosts."""
    health: Health | None = None
    """How a pretraining is doing by its own signs; none for an evaluation."""
    unreadable: str | None = None
    """Why this version no longer understands what the run was asked; nothing is derived of it then."""


class ConfigurationView(View):
    """What was asked, whole, and how it differs from where it came from."""

    definition: dict[str, Any]
    yaml: str
    recipe: str | None
    recipe_changes: list[Change]
    """Difference to the recipe; empty without one."""
    parent: RunRef | None
    """The run that it was cloned from, else the pretraining that it measures."""
    parent_changes: list[Change]
    """Difference to the run it was cloned from."""


class LaunchedView(View):
    id: int
    """The run, or the first one of a seed group."""
    runs: list[RunView]
    derived: Derived
    warnings: list[str]


class RunEdit(Request):
    name: Name | None = None
    notes: str | None = Field(default=None, max_length=10_000)
    tags: list[str] | None = Field(default=None, max_length=32)
    priority: int | None = Field(default=None, ge=-100, le=100)


class Spread(Request):
    """On how many devices a run goes on."""

    devices: int = Field(ge=1, le=1024)
    """Devices on each node."""
    nodes: int | None = Field(default=None, ge=1, le=1024)
    """Null keeps the number that it has."""


class SpreadView(View):
    """What another number of devices changes for a run that goes on, a sentence each."""

    changes: list[str]


class MoveRequest(Request):
    """Where a queued run is to stand. It takes the priority of those that it comes to stand among."""

    to: Literal["top", "bottom", "before", "after"]
    other: Id | None = None
    """The queued run that it is to stand before or after."""

    @model_validator(mode="after")
    def _beside_whom(self) -> Self:
        if (self.to in ("before", "after")) != (self.other is not None):
            raise ValueError("Name the other run for before and after, and for these alone.")
        return self


class HoldingRun(View):
    """A run that holds devices, or a job of SLURM."""

    host: str
    """The host that its processes run on, or that watches its job."""
    run: RunView


class WaitingRun(View):
    place: int | None
    """Its place in the queue of this lab's hosts, from 1; null while SLURM, or its data set, keeps it out of that."""
    needs: str
    """What it needs to start, in words."""
    run: RunView


class QueueView(View):
    """What holds devices, and what waits for them, the next first."""

    holding: list[HoldingRun]
    waiting: list[WaitingRun]
    num_waiting: int
    """All that wait, also those that are not in this list."""


class BulkRequest(Request):
    ids: list[Id] = Field(min_length=1, max_length=1000)
    action: BulkAction


class Refused(View):
    id: int
    reason: str


class BulkView(View):
    done: list[int]
    refused: list[Refused]


class LogView(View):
    """A part of a run's output."""

    lines: list[str]
    first_line: int
    """Number of the first of these lines, from 0."""
    total_lines: int
    bytes: int
    hits: list[int]
    """Line numbers that match the search; empty without one."""


class AimView(View):
    """A published figure of a recipe."""

    what: str
    percent: float


class RecipeView(View):
    name: str
    title: str
    source: str
    summary: str
    kind: RunKind
    definition: dict[str, Any]
    """The whole definition, every default written out; an evaluation's checkpoint is null."""
    aims_at: list[AimView]
    """What its paper measured of it; empty where no paper did."""
