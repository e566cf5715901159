"""Hosts, storage and health as pages show them."""

import logging
import shutil
import socket
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from sqlalchemy import BigInteger, func, make_url, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from backend import __version__
from backend.checkpoints.totals import checkpoint_bytes
from backend.compute import service
from backend.compute.tables import Device, Host
from backend.compute.views import DeviceView, HealthView, HostView, StorageView
from backend.runs.counts import run_refs
from backend.runs.views import RunRef
from backend.settings import Settings

log = logging.getLogger(__name__)

Answer = Literal["ok", "away"]


def host_views(db: Session, hosts: Sequence[Host]) -> list[HostView]:
    """Hosts with their devices and what runs on each, in two queries more."""
    devices = db.scalars(select(Device).order_by(Device.kind, Device.number)).all()
    runs = run_refs(db, {device.run_id for device in devices if device.run_id is not None})
    by_host: dict[int, list[DeviceView]] = defaultdict(list)
    for device in devices:
        by_host[device.host_id].append(_device_view(device, runs))
    return [_host_view(host, by_host[host.id]) for host in hosts]


def _device_view(device: Device, runs: dict[int, RunRef]) -> DeviceView:
    columns = {name: getattr(device, name) for name in ("id", "kind", "number", "name", "memory_bytes")}
    return DeviceView(**columns, run=runs.get(device.run_id) if device.run_id is not None else None)


def _host_view(host: Host, devices: list[DeviceView]) -> HostView:
    state = "away" if not service.is_online(host) else "online" if host.enabled else "disabled"
    columns = {name: getattr(host, name) for name in HostView.model_fields if hasattr(host, name)}
    return HostView(**columns, state=state, devices=devices)


def storage(db: Session, settings: Settings) -> StorageView:
    """Reads the folders' sizes, not the files: seconds on a large disk, so pages ask for it rarely."""
    home = settings.home.resolve()
    disk = shutil.disk_usage(home)
    url = make_url(settings.database)
    return StorageView(
        home=str(home),
        data_roots=[str(root) for root in settings.roots],
        database="sqlite" if url.get_backend_name() == "sqlite" else "postgresql",
        disk_free_bytes=disk.free,
        disk_total_bytes=disk.total,
        runs_bytes=folder_bytes(settings.runs_dir),
        checkpoints_bytes=checkpoint_bytes(db),
        previews_bytes=folder_bytes(settings.previews_dir),
        previews_quota_bytes=int(settings.preview_quota_gb * 1e9),
        database_bytes=_database_bytes(db, url.database),
    )


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below; those that vanish meanwhile count nothing."""
    return sum(_size(file) for file in folder.rglob("*"))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size if file.is_file() and not file.is_symlink() else 0
    except OSError:
        return 0


def _database_bytes(db: Session, file: str | None) -> int | None:
    if db.get_bind().dialect.name == "postgresql":
        return db.scalar(select(func.pg_database_size(func.current_database(), type_=BigInteger)))
    return sum(_size(Path(f"{file}{suffix}")) for suffix in ("", "-wal")) if file else None


def health(db: Session, settings: Settings) -> HealthView:
    """What answers. It never fails: what is away is what it is asked for."""
    hosts_online, database = _ask_database(db)
    broker = _ask_broker(settings)
    return HealthView(
        status="ok" if database == broker == "ok" else "degraded",
        version=__version__,
        database=database,
        broker=broker,
        hosts_online=hosts_online,
    )


def _ask_database(db: Session) -> tuple[int, Answer]:
    try:
        return sum(service.is_online(host) for host in service.list_hosts(db)), "ok"
    except SQLAlchemyError as error:
        log.warning("the database does not answer: %s", error.__class__.__name__)
        return 0, "away"


def _ask_broker(settings: Settings) -> Answer:
    """Whether something listens there; no password leaves for this."""
    url = urlsplit(settings.broker)
    try:
        if "socket" in url.scheme:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(1)
                probe.connect(url.path)
        elif url.hostname:
            socket.create_connection((url.hostname, url.port or 6379), timeout=1).close()
        else:
            return "away"
    except OSError:
        return "away"
    return "ok"
