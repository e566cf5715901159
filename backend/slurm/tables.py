"""Profiles of SLURM sites, what a site last said of itself, and the job of each attempt."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Table, now
from backend.slurm.jobs import JobId


class SlurmProfile(Table):
    __tablename__ = "slurm_profiles"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    profile: Mapped[dict[str, Any]]
    """As ``backend.slurm.profile.Profile`` reads it."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    removed_at: Mapped[datetime | None]
    """A removed one is offered to no run; those that ran by it still say its name."""


class SlurmSite(Table):
    """What SLURM said last, for each host that its commands are run on."""

    __tablename__ = "slurm_sites"

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(128), unique=True)
    partitions: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """By name: state, time limit, nodes, CPUs, memory, gres."""
    max_array: Mapped[int | None]
    """Tasks that an array may have; 0 where the site has none, None until it said so."""
    answered_at: Mapped[datetime | None]
    silent_since: Mapped[datetime | None]
    """Since when it does not answer; None while it does."""
    words: Mapped[str | None] = mapped_column(Text)
    """Why it does not, in the words of its commands."""


class SlurmProbe(Table):
    """A job that looks whether a compute node has what the runs of a profile need."""

    __tablename__ = "slurm_probes"

    id: Mapped[int] = mapped_column(primary_key=True)
    profile_id: Mapped[int] = mapped_column(ForeignKey("slurm_profiles.id", ondelete="CASCADE"), index=True)
    asked_at: Mapped[datetime] = mapped_column(default=now)
    taken_at: Mapped[datetime | None]
    """When a worker took it upon itself to submit it."""
    job: Mapped[int | None]
    """SLURM's number of it."""
    state: Mapped[str | None] = mapped_column(String(32))
    reason: Mapped[str | None] = mapped_column(String(128))
    ended_at: Mapped[datetime | None]
    good: Mapped[list[str]] = mapped_column(default=list)
    """What is as it should be, a sentence each."""
    amiss: Mapped[list[str]] = mapped_column(default=list)
    """What is not, each with its remedy."""


class SlurmJob(Table):
    """What SLURM says of an attempt's job."""

    __tablename__ = "slurm_jobs"
    __table_args__ = (UniqueConstraint("run_id", "attempt"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    attempt: Mapped[int]
    job: Mapped[int]
    """SLURM's number of it, or of the array that it is a task of."""
    task: Mapped[int | None]
    """Its task of an array; None for a job of its own."""
    state: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str | None] = mapped_column(String(128))
    expected_at: Mapped[datetime | None]
    """When SLURM expects to start it."""
    nodes: Mapped[str | None] = mapped_column(String(512))
    seen_at: Mapped[datetime] = mapped_column(default=now)

    @property
    def name(self) -> str:
        """As SLURM writes it."""
        return str(JobId(self.job, self.task))
