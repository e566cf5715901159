"""Where a run's processes live: start, observe, stop. A handle is text and outlives the worker."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Literal, NewType, Protocol

Handle = NewType("Handle", str)
"""What a launcher knows an attempt's processes by."""


class Sighting(Enum):
    """What became of an attempt's processes. A zombie, or a reused process id, has GONE."""

    ALIVE = "alive"
    LEFT_BEHIND = "left behind"
    """The trainer has gone; processes that it started have not."""
    GONE = "gone"


@dataclass(frozen=True)
class Resources:
    """The devices that an attempt holds. ``threads`` is the share of CPU threads of each process."""

    kind: Literal["gpu", "cpu"]
    numbers: tuple[int, ...]
    threads: int

    @property
    def processes(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True)
class Exit:
    """How the main process of an attempt ended; ``oom_kills`` is what the kernel counted meanwhile."""

    code: int | None
    """Exit status, None when a signal ended it."""
    signal: int | None
    oom_kills: int


@dataclass(frozen=True)
class Present:
    """An attempt whose processes are there, whatever the record says of it."""

    folder: Path
    attempt: int
    handle: Handle
    for_s: float
    """How long they have been there."""


class LaunchFailed(RuntimeError):
    """The program could not be started; the sentence says why."""


class Launcher(Protocol):
    """Starts an attempt's processes, says whether they are there, and ends them."""

    def start(self, folder: Path, *, attempt: int, resources: Resources) -> Handle:
        """Start the attempt, detached. Raises ``LaunchFailed``."""
        ...

    def observe(self, handle: Handle) -> Sighting: ...

    def find(self, folder: Path, *, attempt: int) -> Handle | None:
        """The handle of an attempt that was started, but whose handle was lost with a worker."""
        ...

    def ask_to_leave(self, handle: Handle) -> None:
        """The polite signal, to every process of the attempt."""
        ...

    def end(self, handle: Handle) -> None:
        """The signal that nothing survives, to every process of the attempt."""
        ...

    def exit_of(self, folder: Path, *, attempt: int) -> Exit | None:
        """How it ended, if somebody was there to see it."""
        ...

    def present(self) -> Iterable[Present]:
        """Every attempt that has processes here; none from a launcher that cannot tell."""
        return ()
