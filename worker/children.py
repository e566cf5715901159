"""Child processes that must not outlive us: the API, the worker and the broker of one stack."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

PR_SET_PDEATHSIG = 1
LONGEST_BACK_OFF_S = 10.0
STEADY_AFTER_S = 60.0
"""A child that lived so long starts with a clean slate."""
MAX_LOG_BYTES = 20_000_000


class StartFailed(RuntimeError):
    """A child could not be started; the sentence says why."""


class Startable(Protocol):
    def start(self, log_file: Path) -> subprocess.Popen[bytes]:
        """Start it; what it prints goes to the end of the log. Raises ``StartFailed`` or ``OSError``."""
        ...


@dataclass(frozen=True)
class Program:
    """A command and the environment it runs in."""

    command: Sequence[str]
    env: Mapping[str, str]

    def start(self, log_file: Path) -> subprocess.Popen[bytes]:
        with log_file.open("ab") as log:
            return subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.env,
                start_new_session=True,
                preexec_fn=tie_to_parent(),
            )


@dataclass
class Child:
    """One process that is started again when it dies."""

    name: str
    program: Startable
    log_file: Path
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    started_at: float = field(default=0.0)
    not_before: float = field(default=0.0)

    def start(self) -> None:
        """Raises ``StartFailed`` or ``OSError``."""
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        if self.log_file.exists() and self.log_file.stat().st_size > MAX_LOG_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".old.log"))
        # Before the start: one that fails again and again must not pass for one that lived long.
        self.started_at = time.monotonic()
        self.process = self.program.start(self.log_file)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def is_dead(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def last_words(self) -> str:
        lines = (
            self.log_file.read_text(errors="replace").strip().splitlines() if self.log_file.exists() else []
        )
        return (
            f"{lines[-1]} (all of it in {self.log_file})" if lines else f"it said nothing in {self.log_file}"
        )

    def keep_alive(self, say: Callable[[str], None]) -> None:
        """Start it again if it died; the more often it died in a row, the later."""
        if not self.is_dead():
            return
        moment = time.monotonic()
        if self.not_before == 0.0:
            self.deaths = 1 if moment - self.started_at > STEADY_AFTER_S else self.deaths + 1
            pause_s = back_off_s(self.deaths)
            self.not_before = moment + pause_s
            say(f"The {self.name} ended {_how(self.process)}; it is started again in {pause_s:g} s.")
        if moment >= self.not_before:
            self.not_before = 0.0
            self._start_again(say)

    def _start_again(self, say: Callable[[str], None]) -> None:
        try:
            self.start()
        except (OSError, StartFailed) as error:
            say(f"The {self.name} could not be started again: {error}")

    def stop(self) -> None:
        if self.process is not None:
            end(self.process)


def back_off_s(deaths: int) -> float:
    """Pure: 0.5 s after the first death, then twice as long each time."""
    return min(0.5 * 2.0 ** min(deaths - 1, 10), LONGEST_BACK_OFF_S)


def tie_to_parent() -> Callable[[], None] | None:
    """For ``preexec_fn``: the child is asked to leave when we are killed. Linux only, else None.

    Where there is no such thing, a start that was killed with -9 leaves its children behind, and the
    next one finds the port in use.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)  # loaded here: not between fork and exec
    parent = os.getpid()

    def tie() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it was killed before the line above
            os._exit(1)

    return tie


def end(process: subprocess.Popen[bytes], *, patience_s: float = 10.0) -> None:
    """TERM the child, then KILL what its group still holds."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):  # then it is killed with its group
        process.wait(timeout=patience_s)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # all of it has gone
    finally:
        process.wait()


def _how(process: subprocess.Popen[bytes] | None) -> str:
    status = process.returncode if process is not None else 0
    if status >= 0:
        return f"with status {status}"
    # Most real-time signals have a number and no name.
    named = -status in {number.value for number in signal.Signals}
    return f"by {signal.Signals(-status).name}" if named else f"by signal {-status}"
