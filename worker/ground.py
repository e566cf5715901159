"""What must hold before anything is started: a home of our own that can be written, and a free port."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import redis


class CannotStart(RuntimeError):
    """The platform cannot be started; the sentence says why and what helps."""


@contextmanager
def claim_home(home: Path) -> Iterator[None]:
    """Hold the home folder: one platform at a time. Raises ``CannotStart``."""
    lock_file = home / "up.lock"
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in ("logs", "runs", "previews", "data"):
            (home / name).mkdir(exist_ok=True)
        lock = lock_file.open("a+")
    except OSError as error:
        raise CannotStart(
            f"The home folder {home} cannot be written ({error.strerror}): choose another with --home."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            who = lock.read().strip() or "unknown"
            raise CannotStart(
                f"SCE Lab already runs on {home} (process {who}): use that one, end it, or choose another "
                "folder with --home."
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def require_free_port(host: str, port: int) -> None:
    """Raises ``CannotStart`` when somebody else listens there, or the address is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError as error:
            raise CannotStart(f"Port {port} needs privileges: take one above 1023 with --port.") from error
        except OSError as error:
            raise CannotStart(
                f"Port {port} on {host} is in use: choose another with --port {port + 1}, or SCELAB_PORT."
                if error.errno == 98 or "in use" in str(error)
                else f"Nothing can be served on {host}: {error.strerror}. Choose another address with --host."
            ) from error


def require_broker(url: str) -> None:
    """Raises ``CannotStart`` when no Redis answers at that address; its password is not repeated."""
    if url.startswith("redis+socket://"):  # kombu's own word, which redis-py does not read
        return
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3) as client:
            client.ping()
    except ValueError as error:
        raise CannotStart(
            "SCELAB_BROKER_URL is no address of a Redis: write redis://:PASSWORD@HOST:6379/0, "
            "or leave it empty for the broker that SCE Lab brings along."
        ) from error
    except redis.exceptions.RedisError as error:
        raise CannotStart(
            f"The broker on {urlsplit(url).hostname} does not answer ({error}): start it, correct "
            "SCELAB_BROKER_URL, or leave that empty for the broker that SCE Lab brings along."
        ) from error
