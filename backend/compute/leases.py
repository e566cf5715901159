"""Leases of devices: a GPU, or a slot of CPUs, is held by one run at a time."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.compute.service import AWAY_AFTER
from backend.compute.tables import Device, Host
from backend.db import now


@dataclass(frozen=True)
class HostRoom:
    """What a host has, and what of it is free, by kind of device."""

    name: str
    is_taking: bool
    seen_s_ago: float
    total: Counter[str]
    free: Counter[str]
    disk_short: str | None = None
    """Why it starts nothing for want of disk, in words."""
    labels: frozenset[str] = field(default_factory=frozenset)
    """As a definition requires them: gpu=a100."""

    @property
    def is_online(self) -> bool:
        """A moment in the future too: the clock was put back since, and nobody knows how old it is."""
        return abs(self.seen_s_ago) < AWAY_AFTER.total_seconds()

    @property
    def may_start(self) -> bool:
        return self.is_online and self.is_taking and self.disk_short is None

    def kind_for(self, accelerator: str) -> str:
        """The kind of device that a run with this accelerator takes here."""
        if accelerator == "auto":
            return "gpu" if self.total["gpu"] else "cpu"
        return accelerator


def lock_host(db: Session, name: str) -> Host | None:
    """The host's row, held until commit, so that its devices are leased by one caller at a time."""
    return db.scalar(select(Host).where(Host.name == name).with_for_update())


def rooms(db: Session) -> list[HostRoom]:
    """Every host with its devices, in two queries."""
    hosts = db.scalars(select(Host).order_by(Host.name)).all()
    devices = db.execute(select(Device.host_id, Device.kind, Device.run_id)).all()
    return [
        room_of(host, [(kind, run_id) for owner, kind, run_id in devices if owner == host.id])
        for host in hosts
    ]


def room_of(host: Host, devices: Sequence[tuple[str, int | None]]) -> HostRoom:
    return HostRoom(
        name=host.name,
        is_taking=host.enabled,
        seen_s_ago=(now() - host.seen_at).total_seconds(),
        total=Counter(kind for kind, _ in devices),
        free=Counter(kind for kind, run_id in devices if run_id is None),
        disk_short=_disk_short(host),
        labels=frozenset(f"{name}={value}" for name, value in host.labels.items()),
    )


def _disk_short(host: Host) -> str | None:
    free, least = host.disk_free_bytes, host.disk_least_bytes
    if free is None or least is None or free >= least:
        return None
    return (
        f"The runs disk of {host.name} has {free / 1e9:.1f} GB left, and no run starts below "
        f"{least / 1e9:.1f} GB: make room, or lower SCELAB_MIN_FREE_DISK_GB."
    )


def devices_of(db: Session, host: Host) -> list[Device]:
    return list(
        db.scalars(select(Device).where(Device.host_id == host.id).order_by(Device.kind, Device.number))
    )


def lease(db: Session, devices: Sequence[Device], *, run_id: int, attempt: int) -> None:
    """Give devices to a run. The caller holds the host's row; a device already held is our own mistake."""
    for device in devices:
        assert device.run_id is None, f"device {device.id} is held by run {device.run_id}"
        device.run_id, device.attempt = run_id, attempt
    db.flush()


def release_devices(db: Session, *, run_id: int, attempt: int) -> bool:
    """Take back what an attempt holds; say whether it held anything."""
    held = (
        update(Device)
        .where(Device.run_id == run_id, Device.attempt == attempt)
        .values(run_id=None, attempt=None)
        .returning(Device.id)
    )
    return bool(db.scalars(held).all())
