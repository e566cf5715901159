"""Which processes belong to an attempt, told so that neither zombies nor reused numbers deceive.

Every process of an attempt carries a cookie in its environment. Process groups are not enough: torchrun
gives each rank a session of its own, so a signal to the group would leave the ranks behind.
"""

import hashlib
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

COOKIE = "SCELAB_ATTEMPT"
RUN = "SCELAB_RUN"
"""``folder#attempt``: whose process it is, told to a worker that knows nothing of it any more."""


@dataclass(frozen=True)
class Leader:
    """What a local handle says: ``pid:start_time:host:cookie``."""

    pid: int
    start_time: int
    host: str
    cookie: str

    @classmethod
    def parse(cls, handle: str) -> "Leader":
        """Raises ``ValueError`` for a handle of another launcher."""
        pid, start_time, host, cookie = handle.split(":")
        return cls(int(pid), int(start_time), host, cookie)

    def __str__(self) -> str:
        return f"{self.pid}:{self.start_time}:{self.host}:{self.cookie}"


def cookie_of(folder: Path, attempt: int) -> str:
    """The same for a folder and attempt, whoever asks."""
    return hashlib.sha256(f"{folder.resolve()}#{attempt}".encode()).hexdigest()[:16]


def start_time(pid: int) -> int | None:
    """When it began, in a unit that no change of the clock moves. None when it is gone or a zombie."""
    try:
        return _ticks(pid) if sys.platform.startswith("linux") else _hundredths(pid)
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return None


def is_alive(leader: Leader) -> bool:
    return start_time(leader.pid) == leader.start_time


def members(cookie: str) -> Iterator[psutil.Process]:
    """Every living process that carries the cookie."""
    for process in _marked(COOKIE):
        try:
            carries = process.environ().get(COOKIE) == cookie
            if carries and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
            continue  # it ended meanwhile, or is somebody else's: not ours either way


def present() -> dict[str, psutil.Process]:
    """The oldest living process of every attempt on this host, by ``folder#attempt``."""
    found: dict[str, psutil.Process] = {}
    for process in _marked(RUN):
        try:
            name = process.environ().get(RUN, "")
            if name and process.status() != psutil.STATUS_ZOMBIE:
                known = found.setdefault(name, process)
                if (process.create_time(), process.pid) < (known.create_time(), known.pid):
                    found[name] = process
        except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
            continue  # as above
    return found


def _marked(variable: str) -> Iterator[psutil.Process]:
    """Processes that may have the variable. A lab's host has a thousand others, looked at every few seconds."""
    mark = f"{variable}=".encode()
    return (process for process in psutil.process_iter() if mark in _environment(process.pid, default=mark))


def _environment(pid: int, *, default: bytes) -> bytes:
    """As the kernel has it; ``default`` where there is no /proc, so that psutil is asked."""
    if not sys.platform.startswith("linux"):
        return default
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read()
    except OSError:
        return b""  # it ended meanwhile, or is somebody else's: not ours either way


def command_line(process: psutil.Process) -> list[str]:
    """Its arguments; none when it has gone meanwhile."""
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []


def send(processes: Iterator[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue  # it was faster


def _ticks(pid: int) -> int | None:
    """Field 22 of /proc/PID/stat: clock ticks since the host started. None for a zombie, as field 3 tells.

    One read: a busy host is asked for hundreds of processes a second.
    """
    with open(f"/proc/{pid}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return None if fields[0] == b"Z" else int(fields[19])


def _hundredths(pid: int) -> int | None:
    """The same where there is no /proc."""
    process = psutil.Process(pid)
    return None if process.status() == psutil.STATUS_ZOMBIE else round(process.create_time() * 100)


def usable_cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
