"""How busy hosts were in the last hour: a ring of as many rows a host as there are points in the curves."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.compute.tables import Host, HostLoad
from backend.compute.views import HostLoadView

SLOT_S = 30
SLOTS = 120
"""Two a minute for an hour: a row is written over an hour later, so that the table never grows."""


@dataclass(frozen=True)
class Load:
    """How busy a host is, as its worker measured it; None for what it cannot measure."""

    cpu_percent: float | None = None
    memory_used_bytes: int | None = None
    gpu_percent: float | None = None
    """Mean over its GPUs."""
    gpu_memory_used_bytes: int | None = None
    """Of all its GPUs together."""
    disk_free_bytes: int | None = None


UNMEASURED = Load()
MEASURES = tuple(field.name for field in fields(Load))


def note_load(db: Session, host_id: int, load: Load, *, at: datetime) -> None:
    """Add a heartbeat to the mean of its half minute; a row of an hour ago makes room."""
    began_at, slot = _slot_of(at)
    row = db.get(HostLoad, (host_id, slot))
    if row is None:
        row = HostLoad(host_id=host_id, slot=slot, began_at=began_at, beats=0)
        db.add(row)
    if row.began_at != began_at:
        row.began_at, row.beats = began_at, 0
    for name in MEASURES:
        before = getattr(row, name) if row.beats else None
        setattr(row, name, _mean(before, getattr(load, name), row.beats))
    row.beats += 1


def load_views(db: Session, hosts: Sequence[Host], *, at: datetime) -> list[HostLoadView]:
    """The last hour of each host in one query, the newest point last; None where nothing was measured."""
    newest = _slot_of(at)[0]
    first = newest - timedelta(seconds=SLOT_S * (SLOTS - 1))
    asked = select(HostLoad).where(
        HostLoad.host_id.in_([host.id for host in hosts]), HostLoad.began_at >= first
    )
    known = {(row.host_id, row.began_at): row for row in db.scalars(asked)}
    moments = [first + timedelta(seconds=SLOT_S * place) for place in range(SLOTS)]
    return [_view(host, first, [known.get((host.id, moment)) for moment in moments]) for host in hosts]


def _view(host: Host, first: datetime, rows: Sequence[HostLoad | None]) -> HostLoadView:
    columns = {name: [None if row is None else getattr(row, name) for row in rows] for name in MEASURES}
    return HostLoadView(host_id=host.id, began_at=first, every_s=SLOT_S, **columns)


def _slot_of(at: datetime) -> tuple[datetime, int]:
    """When the half minute of a moment began, and its row in the ring."""
    number = int(at.timestamp()) // SLOT_S
    return datetime.fromtimestamp(number * SLOT_S, tz=UTC), number % SLOTS


def _mean(before: float | None, value: float | None, beats: int) -> float | None:
    """Bytes stay whole."""
    if before is None or value is None:
        return before if value is None else value
    mean = before + (value - before) / (beats + 1)
    return round(mean) if isinstance(value, int) else mean
