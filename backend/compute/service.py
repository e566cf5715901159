"""Hosts that carry runs: who is there, what they have, and which of them take new runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend.compute.loads import MEASURES, UNMEASURED, Load, note_load
from backend.compute.tables import Device, Host
from backend.db import now
from backend.errors import NotFound
from backend.nudge import nudge
from backend.people.deeds import record_deed
from backend.people.tables import User
from backend.stream.service import tell

AWAY_AFTER = timedelta(seconds=15)


@dataclass(frozen=True)
class DeviceSpec:
    """A GPU, or a slot of CPUs, as a host reports it."""

    kind: str
    """gpu or cpu."""
    number: int
    name: str
    memory_bytes: int | None = None


def register_host(
    db: Session,
    *,
    name: str,
    devices: Sequence[DeviceSpec],
    cpu_count: int,
    memory_bytes: int,
    versions: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
) -> Host:
    """Write down a host and what it has, each time its worker starts.

    A device that a run holds stays, even if it is no longer reported, until the run gives it back.
    """
    host = db.scalar(select(Host).where(Host.name == name).with_for_update())
    if host is None:
        host = Host(name=name, cpu_count=cpu_count, memory_bytes=memory_bytes)
        db.add(host)
    host.cpu_count, host.memory_bytes, host.versions = cpu_count, memory_bytes, dict(versions)
    host.labels = dict(labels or {})
    host.seen_at = now()
    db.flush()
    _report_devices(db, host, devices)
    tell(db, "host", host.id)
    return host


def _report_devices(db: Session, host: Host, reported: Sequence[DeviceSpec]) -> None:
    known = {
        (row.kind, row.number): row for row in db.scalars(select(Device).where(Device.host_id == host.id))
    }
    for spec in reported:
        row = known.pop((spec.kind, spec.number), None)
        if row is None:
            row = Device(host_id=host.id, kind=spec.kind, number=spec.number, name=spec.name)
            db.add(row)
        row.name, row.memory_bytes = spec.name, spec.memory_bytes
    gone = [row.id for row in known.values() if row.run_id is None]
    db.execute(delete(Device).where(Device.id.in_(gone)))


def heartbeat(
    db: Session,
    *,
    name: str,
    load: Load = UNMEASURED,
    disk_total_bytes: int | None = None,
    disk_least_bytes: int | None = None,
) -> None:
    """A sign of life of a host's worker, with how busy the host is. Raises ``NotFound``."""
    host = db.scalar(select(Host).where(Host.name == name))
    if host is None:
        raise NotFound.of("host", name)
    host.seen_at = now()
    for measure in MEASURES:
        setattr(host, measure, getattr(load, measure))
    host.disk_total_bytes, host.disk_least_bytes = disk_total_bytes, disk_least_bytes
    note_load(db, host.id, load, at=host.seen_at)
    tell(db, "host", host.id)


def get_host(db: Session, host_id: int) -> Host:
    """Raises ``NotFound``."""
    host = db.get(Host, host_id)
    if host is None:
        raise NotFound.of("host", host_id)
    return host


def edit_host(db: Session, *, host_id: int, enabled: bool, by: User | None = None) -> Host:
    """Drain a host, which finishes what it runs and takes nothing new, or let it take runs again."""
    host = get_host(db, host_id)
    host.enabled = enabled
    record_deed(db, "enable_host" if enabled else "drain_host", by=by, detail={"host": host.name})
    tell(db, "host", host.id)
    if enabled:
        nudge(db, "worker.start_runs")
    return host


def is_online(host: Host) -> bool:
    return now() - host.seen_at < AWAY_AFTER


def list_hosts(db: Session) -> list[Host]:
    return list(db.scalars(select(Host).order_by(Host.name)))
