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
from worker.broker import free_port

BACK_AFTER_S = 1.0
"""What a service manager waits before it starts a service again."""
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


def die_and_come_back(server: Server) -> None:
    server.kill()
    time.sleep(BACK_AFTER_S)
    server.start()
