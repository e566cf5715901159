"""Servers that are killed with -9 and come back, as a service manager would bring them back."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Protocol

import pytest
import redis

from tests.backend import postgres
from tests.worker.services import answers
from tests.worker.slurm.cluster import Cluster
from worker.broker import free_port

BACK_AFTER_S = 1.0
"""What a service manager waits before it starts a service again."""
CONTROLLER_BACK_AFTER_S = 7.0
"""Longer than from poll to poll: a worker must have asked in vain."""
# Nothing is traded for speed but the flush to the disk, which outlives a killed process anyway.
DURABLE = "-c listen_addresses='' -c fsync=off"


class Server(Protocol):
    def start(self) -> None: ...

    def kill(self) -> None: ...

    def stop(self) -> None: ...


class Redis:
    """Debian's Redis, which forgets every message when it dies."""

    def __init__(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.fail("this needs redis-server: make test-tools")
        self.port = free_port()
        self._command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, cwd="/tmp")
        while not answers(redis.Redis(port=self.port)):
            time.sleep(0.05)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self.kill()


class Postgres:
    """Debian's PostgreSQL on a socket of its own."""

    def __init__(self) -> None:
        bin_dir = postgres.binaries()
        if bin_dir is None:
            pytest.fail("this needs PostgreSQL: make test-tools")
        self._bin = bin_dir
        self.folder = Path(tempfile.mkdtemp(prefix="scelab-pg-"))
        postgres._give_to_postgres(self.folder)
        self._data = self.folder / "data"
        postgres._run(
            bin_dir / "initdb", "-D", self._data, "-A", "trust", "-U", "sce", "-E", "UTF8", "--no-sync"
        )

    @property
    def url(self) -> str:
        return postgres.url_of(str(self.folder), "postgres")

    def start(self) -> None:
        options = f"{DURABLE} -c unix_socket_directories={self.folder}"
        log = self.folder / "log"
        for _ in range(50):
            try:
                postgres._run(self._bin / "pg_ctl", "-D", self._data, "-w", "-l", log, "-o", options, "start")
            except subprocess.CalledProcessError:  # the dead one's children still hold its memory
                time.sleep(0.2)
            else:
                return
        pytest.fail(f"PostgreSQL did not come back: {log.read_text()[-1000:]}")

    def kill(self) -> None:
        os.kill(int((self._data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def stop(self) -> None:
        postgres._run(self._bin / "pg_ctl", "-D", self._data, "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)


class Controller:
    """slurmctld, which reads its jobs from the state folder when it comes back."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def start(self) -> None:
        self._cluster.start_controller()

    def kill(self) -> None:
        self._cluster.kill("slurmctld")

    def stop(self) -> None:
        self._cluster.stop_controller()


class Node:
    """slurmd of the node that carries a job just then. What it started lives on, as under systemd."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._name = "n1"

    def start(self) -> None:
        self._cluster.start_node(self._name)

    def kill(self) -> None:
        busy = self._cluster.ask("squeue", "-h", "-t", "R", "-o", "%N").split()
        self._name = busy[0] if busy else "n1"
        self._cluster.kill(f"slurmd-{self._name}")

    def stop(self) -> None:
        self.kill()


def die_and_come_back(server: Server, after_s: float = BACK_AFTER_S) -> None:
    server.kill()
    time.sleep(after_s)
    server.start()
