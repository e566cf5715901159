"""Real brokers and whole worker processes, for tests of what happens between them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from backend.settings import Settings
from tests.worker.conftest import eventually
from worker.broker import Broker, free_port
from worker.children import end
from worker.stack import environment_of


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Debian's Redis on a free port."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.fail("this test needs redis-server: make test-tools")
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        eventually(lambda: answers(redis.Redis(port=port)))
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        end(server)


def answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.exceptions.ConnectionError:
        return False
    finally:
        client.close()


@contextmanager
def embedded(folder: Path) -> Iterator[str]:
    broker = Broker(folder / "broker")
    broker.start()
    yield broker.url
    broker.stop()


BROKERS = {"embedded": embedded, "redis": redis_server}


@contextmanager
def lab_worker(
    settings: Settings, *, name: str = "worker", ready: str = "ready."
) -> Iterator[subprocess.Popen[bytes]]:
    """A whole worker process that has said so; the launcher starts the trainer of the tests."""
    log = log_of(settings, name=name)
    said = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.worker.lab_worker"],
            env={**os.environ, **environment_of(settings)},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        eventually(lambda: ready in log.read_text()[said:], within_s=60)
        yield worker
    finally:
        end(worker)


def log_of(settings: Settings, *, name: str = "worker") -> Path:
    return settings.home / f"{name}.log"


def kill(process: subprocess.Popen[bytes]) -> None:
    """With -9, and its group with it; what has a group of its own goes on."""
    os.killpg(process.pid, 9)
    process.wait()
