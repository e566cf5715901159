"""Tells the record that this host is there, what it has, and how busy it is."""

import psutil

from backend.compute.loads import Load
from backend.compute.service import DeviceSpec, heartbeat, register_host
from worker.devices import find_devices, find_versions, labels_of
from worker.gpus import gpu_load
from worker.launchers.processes import usable_cpus
from worker.place import Workplace


def register(place: Workplace) -> None:
    """Write down the host and its devices, each time its worker starts."""
    found = find_devices(place.settings)
    devices = [DeviceSpec(one.kind, one.number, one.name, one.memory_bytes) for one in found]
    with place.sessions.begin() as db:
        register_host(
            db,
            name=place.host,
            devices=devices,
            cpu_count=usable_cpus(),
            memory_bytes=psutil.virtual_memory().total,
            versions=find_versions(),
            labels=labels_of(found, host=place.host, set_here=place.settings.labels),
        )


def report(place: Workplace) -> None:
    """A sign of life, with how busy the host was since the last one."""
    place.settings.runs_dir.mkdir(parents=True, exist_ok=True)
    memory, disk = psutil.virtual_memory(), psutil.disk_usage(str(place.settings.runs_dir))
    gpus = gpu_load()
    with place.sessions.begin() as db:
        heartbeat(
            db,
            name=place.host,
            load=Load(
                cpu_percent=psutil.cpu_percent(),
                memory_used_bytes=memory.total - memory.available,
                gpu_percent=gpus.percent,
                gpu_memory_used_bytes=gpus.memory_used_bytes,
                disk_free_bytes=disk.free,
            ),
            disk_total_bytes=disk.total,
            disk_least_bytes=round(place.settings.min_free_disk_gb * 1e9),
        )
