"""Hosts that carry runs, and their devices. A device is leased to one run at a time."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Table, now


class Host(Table):
    __tablename__ = "hosts"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(128), unique=True)
    enabled: Mapped[bool] = mapped_column(default=True)
    """A disabled host finishes what it runs and takes nothing new."""
    cpu_count: Mapped[int]
    memory_bytes: Mapped[int] = mapped_column(BigInteger)
    cpu_percent: Mapped[float | None]
    memory_used_bytes: Mapped[int | None] = mapped_column(BigInteger)
    gpu_percent: Mapped[float | None]
    """Mean over its GPUs; None where there is none, or nothing to ask."""
    gpu_memory_used_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """Of all its GPUs together."""
    disk_free_bytes: Mapped[int | None] = mapped_column(BigInteger)
    disk_total_bytes: Mapped[int | None] = mapped_column(BigInteger)
    disk_least_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """With less than this free it starts no run."""
    versions: Mapped[dict[str, str]] = mapped_column(default=dict)
    labels: Mapped[dict[str, str]] = mapped_column(default=dict, server_default="{}")
    """What a run may require of it, as in gpu=a100."""
    registered_at: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime] = mapped_column(default=now)


class HostLoad(Table):
    """How busy a host was in one half minute of the last hour: the mean of its heartbeats."""

    __tablename__ = "host_loads"

    host_id: Mapped[int] = mapped_column(ForeignKey("hosts.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Place in the ring; see ``backend.compute.loads``."""
    began_at: Mapped[datetime]
    beats: Mapped[int]
    cpu_percent: Mapped[float | None]
    memory_used_bytes: Mapped[int | None] = mapped_column(BigInteger)
    gpu_percent: Mapped[float | None]
    gpu_memory_used_bytes: Mapped[int | None] = mapped_column(BigInteger)
    disk_free_bytes: Mapped[int | None] = mapped_column(BigInteger)


class Device(Table):
    """One GPU, or one slot of a host's CPUs."""

    __tablename__ = "devices"
    __table_args__ = (UniqueConstraint("host_id", "kind", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    host_id: Mapped[int] = mapped_column(ForeignKey("hosts.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(8))
    """gpu or cpu."""
    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(128))
    memory_bytes: Mapped[int | None] = mapped_column(BigInteger)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id", ondelete="SET NULL"), index=True)
    """The run that holds it."""
    attempt: Mapped[int | None]
