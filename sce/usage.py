"""What a run takes of its host: processor, memory, disk and GPUs of all its processes, and the host's network."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psutil
import torch

EVERY_S = 10.0
MB, GB = 1e6, 1e9


@dataclass(frozen=True)
class _Counted:
    """What only ever grows, so that a pace is the difference of two looks."""

    at: float
    cpu_s: dict[int, float]
    """Seconds of processor time of each process, by its id."""
    read: int
    written: int
    received: int
    sent: int


class Usage:
    """Looked at every ten seconds; see ``due``.

    ``system/cpu_percent`` counts one core as 100, and ``system/memory_gb`` a page that several processes share once.
    ``system/gpu_percent`` is the mean over the run's GPUs here and ``system/gpu_memory_gb`` the fullest one's,
    whoever uses them. The network is the whole host's. Of a run on several hosts it is the first one's.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._root = _root()
        self._before: _Counted | None = None
        self._gpu_is_silent = False

    def due(self) -> dict[str, float]:
        """The values since the last look; none when that is less than ten seconds ago, or for the first look."""
        now = self._clock()
        if self._before is not None and now - self._before.at < EVERY_S:
            return {}
        processes = list(self._processes())
        before, self._before = self._before, _count(now, processes)
        if before is None:
            return {}
        return _paces(before, self._before) | {"system/memory_gb": _memory(processes) / GB} | self._of_gpus()

    def _processes(self) -> Iterator[psutil.Process]:
        """The run's processes on this host that are alive: ranks, loader processes and who started them."""
        try:
            yield self._root
            yield from self._root.children(recursive=True)
        except psutil.NoSuchProcess:
            return  # who started us has gone, and with it the way to the others

    def _of_gpus(self) -> dict[str, float]:
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if not count:
            return {}
        room = [torch.cuda.mem_get_info(number) for number in range(count)]
        values = {"system/gpu_memory_gb": max(total - free for free, total in room) / GB}
        if not self._gpu_is_silent:
            try:
                values["system/gpu_percent"] = (
                    sum(torch.cuda.utilization(number) for number in range(count)) / count
                )
            except Exception as error:  # noqa: BLE001 - a driver's answer may not end a training; it is said once
                self._gpu_is_silent = True
                print(f"How busy the GPU is cannot be read, and is left out: {error}", flush=True)
        return values


def _root() -> psutil.Process:
    """torchrun's process where it started us, else ourselves."""
    return psutil.Process(os.getppid() if "TORCHELASTIC_RUN_ID" in os.environ else os.getpid())


def _count(now: float, processes: list[psutil.Process]) -> _Counted:
    cpu_s: dict[int, float] = {}
    read = written = 0
    for process in processes:
        try:
            with process.oneshot():
                times = process.cpu_times()
                cpu_s[process.pid] = times.user + times.system
                if hasattr(process, "io_counters"):  # not on macOS
                    moved = process.io_counters()
                    read, written = read + moved.read_bytes, written + moved.write_bytes
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # it ended meanwhile
    network = psutil.net_io_counters()
    received, sent = (network.bytes_recv, network.bytes_sent) if network else (0, 0)
    return _Counted(now, cpu_s, read, written, received, sent)


def _paces(before: _Counted, now: _Counted) -> dict[str, float]:
    """A process that ended takes its counts along: what it did last is missed, and nothing becomes negative."""
    seconds = now.at - before.at
    cpu_s = sum(max(used - before.cpu_s.get(pid, 0.0), 0.0) for pid, used in now.cpu_s.items())
    moved = {
        "read": now.read - before.read,
        "written": now.written - before.written,
        "host_received": now.received - before.received,
        "host_sent": now.sent - before.sent,
    }
    paces = {f"system/{name}_mb_s": max(count, 0) / MB / seconds for name, count in moved.items()}
    return {"system/cpu_percent": 100 * cpu_s / seconds} | paces


def _memory(processes: list[psutil.Process]) -> float:
    """Bytes, a shared page divided among those that share it, where the system says so."""
    total = 0.0
    for process in processes:
        try:
            total += getattr(process.memory_full_info(), "pss", None) or process.memory_info().rss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # as above
    return total
