from typing import Self

from pydantic import Field, model_validator

from backend.runs.views import ExperimentRef
from backend.views import Name, Request, View


class LimitView(View):
    """How much of the lab's hosts a user or an experiment may hold at a time."""

    id: int
    user: str | None
    """Whose limit it is; null for an experiment's."""
    experiment: ExperimentRef | None
    runs: int | None
    """Runs at a time; null for as many as there is room for."""
    devices: int | None
    """Devices at a time."""
    used_runs: int
    """What is held now."""
    used_devices: int


class LimitsView(View):
    limits: list[LimitView]
    users: list[str]
    """Everybody whom a limit could be set for."""


class LimitRequest(Request):
    """A limit for one user or for one experiment; another one that was there is replaced."""

    user: Name | None = None
    """Name of the user."""
    experiment: Name | None = None
    """Name of the experiment."""
    runs: int | None = Field(default=None, ge=0, le=10_000)
    """Runs at a time on the lab's hosts; those of SLURM have their limits there."""
    devices: int | None = Field(default=None, ge=0, le=10_000)
    """Devices at a time."""

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        if (self.user is None) == (self.experiment is None):
            raise ValueError("Name either a user or an experiment.")
        if self.runs is None and self.devices is None:
            raise ValueError("Give a number of runs or of devices; to lift a limit, delete it.")
        return self
