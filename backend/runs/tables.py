"""Runs and their attempts. ``Run.state`` is written by ``backend.runs.life.move`` alone."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Table, now


def _of_compute(field: str, otherwise: Any) -> Callable[[DefaultExecutionContext], Any]:
    """What the definition says of where it runs, in a column of its own: the queue is read often, and whole."""

    def read(context: DefaultExecutionContext) -> Any:  # Any: JSON
        given: dict[str, Any] = context.get_current_parameters()  # type: ignore[no-untyped-call]  # SQLAlchemy's own
        return given["definition"].get("compute", {}).get(field, otherwise)

    return read


class Run(Table):
    __tablename__ = "runs"
    __table_args__ = (
        Index("ix_runs_queue", "state", "priority", "turn"),
        UniqueConstraint("checkpoint_id", "plan_index"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    experiment_id: Mapped[int] = mapped_column(ForeignKey("experiments.id"), index=True)
    name: Mapped[str] = mapped_column(String(128))
    kind: Mapped[str] = mapped_column(String(16), index=True)
    """pretrain, import, or the protocol of an evaluation."""
    state: Mapped[str] = mapped_column(String(16))
    definition: Mapped[dict[str, Any]]
    """The whole resolved definition, as the trainer reads it."""
    recipe: Mapped[str | None] = mapped_column(String(64))
    seed: Mapped[int]
    seed_group: Mapped[str | None] = mapped_column(String(32), index=True)
    """The same for runs launched together that differ only by seed."""
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    priority: Mapped[int] = mapped_column(default=0)
    """Higher starts first."""
    devices: Mapped[int] = mapped_column(default=1)
    """Slots that the run holds while it runs."""
    accelerator: Mapped[str] = mapped_column(
        String(8), default=_of_compute("accelerator", "auto"), server_default="auto"
    )
    labels: Mapped[list[str]] = mapped_column(default=_of_compute("labels", []), server_default="[]")
    """What it requires of its host."""
    turn: Mapped[datetime | None]
    """Its place among queued runs of the same priority, the earliest first."""
    expected_s: Mapped[float | None]
    """How long it was expected to take when it was launched; None without a pace to go by."""
    reserved_host_id: Mapped[int | None] = mapped_column(ForeignKey("hosts.id"))
    """The host whose devices are kept for it while it waits at the head of the queue."""
    reserved_until: Mapped[datetime | None]
    """Until then others may use them, if they certainly end before; None lets nobody."""
    makes_room_for_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"))
    """The run of a higher priority that its newest attempt leaves its devices to."""
    makes_room_since: Mapped[datetime | None]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"), index=True)
    """The pretraining that an evaluation measures."""
    cloned_from_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"))
    checkpoint_id: Mapped[int | None] = mapped_column(
        ForeignKey("checkpoints.id", use_alter=True), index=True
    )
    """The checkpoint that an evaluation measures."""
    plan_index: Mapped[int | None]
    """Place in the parent's evaluation plan, for an evaluation that followed a checkpoint by itself."""
    dataset_id: Mapped[int | None] = mapped_column(ForeignKey("datasets.id"), index=True)
    profile_id: Mapped[int | None] = mapped_column(ForeignKey("slurm_profiles.id"), index=True)
    """The SLURM profile that it runs by; None runs it on this lab's hosts."""

    attempt: Mapped[int] = mapped_column(default=0)
    """Number of the newest attempt: a fencing token, writers of older ones are ignored."""
    failure_kind: Mapped[str | None] = mapped_column(String(32))
    failure_sentence: Mapped[str | None] = mapped_column(Text)

    retry_at: Mapped[datetime | None] = mapped_column(index=True)
    """When a failed run is looked at, to be started again by itself; None when a person has to."""
    retries: Mapped[int] = mapped_column(default=0)
    """How often in a row it was started again by itself from the same checkpoint."""
    retry_limit: Mapped[int] = mapped_column(default=0)
    """How often that may be, as the settings said when it was planned."""

    excluded: Mapped[list[str]] = mapped_column(default=list)
    """Hosts, or nodes of SLURM, that the next attempts keep off, because it failed there."""

    step: Mapped[int] = mapped_column(default=0)
    steps: Mapped[int | None]
    epoch: Mapped[float] = mapped_column(default=0.0)
    epochs: Mapped[int | None]
    phase: Mapped[str | None] = mapped_column(String(64))
    progress: Mapped[float] = mapped_column(default=0.0)
    eta_s: Mapped[float | None]
    summary: Mapped[dict[str, float]] = mapped_column(default=dict)
    """Latest value of each metric, and the scores of an evaluation."""
    protocol: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What an evaluation says it did, written beside its scores."""
    journal_offset: Mapped[int] = mapped_column(BigInteger, default=0)

    tags: Mapped[list[str]] = mapped_column(default=list)
    notes: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)
    queued_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    state_since: Mapped[datetime] = mapped_column(default=now)
    archived_at: Mapped[datetime | None] = mapped_column(index=True)


class Attempt(Table):
    """One time that a run was given processes."""

    __tablename__ = "attempts"
    __table_args__ = (UniqueConstraint("run_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    host: Mapped[str] = mapped_column(String(128))
    handle: Mapped[str | None] = mapped_column(String(256))
    """What the launcher knows its processes by; None until they were started."""
    array: Mapped[str | None] = mapped_column(String(40))
    """Its place in an array of SLURM, by which its job is found when the handle was lost; None outside one."""
    start_step: Mapped[int | None]
    """Step it began at; metrics of earlier attempts beyond it are superseded."""
    device: Mapped[str | None] = mapped_column(String(128))
    world_size: Mapped[int | None]
    versions: Mapped[dict[str, str]] = mapped_column(default=dict)
    notes: Mapped[list[str]] = mapped_column(default=list)
    """Sentences that the trainer journaled for the reader."""
    started_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(16))
    sentence: Mapped[str | None] = mapped_column(Text)
