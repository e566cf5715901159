"""Why an attempt ended without its end line, told from how it exited and what it last printed."""

import re
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from backend.runs.views import FailureKind
from backend.settings import RetryRule
from worker.launchers import Exit
from worker.launchers.local import BEGINS

TAIL_BYTES = 16_384
TAIL_LINES = 3
NAMED = {number.value for number in signal.Signals}
CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGABRT, signal.SIGFPE}
FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM}
# What an earlier attempt died of is no cause of this one's end.
BEGUN = re.compile(rf"^{BEGINS}\d+ on .*\n?", re.MULTILINE)
# torchrun's own report: the process that failed first, which is the one that the others failed after.
FIRST_RANK = re.compile(
    r"Root Cause \(first observed failure\):.*?rank +: (\d+) .*?exitcode +: (-?\d+)", re.DOTALL
)


class Cause(NamedTuple):
    kind: FailureKind
    sentence: str


MEMORY_RAN_OUT = Cause(
    "out_of_memory",
    "The system killed it because memory ran out: take a smaller batch or fewer loader workers.",
)

# What a log says -> what it means. The first that fits counts; ``{0}`` is what the pattern caught.
SIGNS: tuple[tuple[str, FailureKind, str], ...] = (
    (
        r"Bus error|insufficient shared memory|No space left on device: '/dev/shm",
        "infrastructure",
        "Shared memory ran out: give /dev/shm more room, or set compute.loader_workers to 0.",
    ),
    (
        r"No space left on device|Errno 28|Disk quota exceeded",
        "infrastructure",
        "The disk was full: make room under the home folder, then retry.",
    ),
    (
        r"No module named '?([\w.]+)",
        "infrastructure",
        "The package {0} is not installed on this host: pip install 'scelab[train]', then retry.",
    ),
    (
        r"CUDA out of memory|CUDA error: out of memory|torch\.(?:cuda\.)?OutOfMemoryError|CUDNN_STATUS_ALLOC_FAILED",
        "out_of_memory",
        "The GPU's memory ran out: take a smaller batch, smaller clips or more devices.",
    ),
    (
        r"DefaultCPUAllocator: can't allocate memory|MemoryError|Cannot allocate memory",
        "out_of_memory",
        "The host's memory ran out: take a smaller batch or fewer loader workers.",
    ),
    (
        r"NCCL error|ncclSystemError|ncclUnhandledCudaError|CUDA error: (?!out of memory)",
        "infrastructure",
        "The GPUs or the connection between them failed: look at the log, then retry.",
    ),
)


def tail_of(log: Path) -> str:
    """The end of what the newest attempt's processes printed; empty while there is nothing."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(file.seek(0, 2) - TAIL_BYTES, 0))
        text = file.read().decode(errors="replace")
    return BEGUN.split(text)[-1]


def cause_of(
    exit: Exit | None, tail: str, *, host_restarted: bool = False, rules: Sequence[RetryRule] = ()
) -> Cause:
    """Pure. ``exit`` is None when nobody was there to see how it ended; ``rules`` are the laboratory's own."""
    for rule in rules:
        if rule.label and re.search(rule.pattern, tail):
            return Cause("infrastructure", rule.label)
    if host_restarted:
        return Cause("infrastructure", "The host restarted while it ran: resume or retry it.")
    if exit is not None and exit.signal is not None:
        return _by_signal("It", exit.signal, exit.oom_kills)
    rank, status = _first_rank(tail)
    oom_kills = exit.oom_kills if exit is not None else 0
    if -status in FROM_OUTSIDE:  # what the other ranks then printed tells of it and not of themselves
        return _by_signal(rank, -status, oom_kills)
    for pattern, kind, sentence in SIGNS:
        found = re.search(pattern, tail)
        if found:
            return Cause(kind, sentence.format(*found.groups()))
    if exit is not None and exit.code and exit.oom_kills:
        # torchrun and the loader leave with a status of their own when one of theirs was killed.
        return MEMORY_RAN_OUT
    if status < 0:
        return _by_signal(rank, -status, oom_kills)
    how = f" with exit status {exit.code}" if exit is not None else ""
    return Cause("lost", f"It ended without a word{how}.{_last_lines(tail)}")


def _first_rank(tail: str) -> tuple[str, int]:
    """The rank that failed first and its exit status, negative for a signal; status 0 where nobody says."""
    found = FIRST_RANK.search(tail)
    return (f"Rank {found[1]}", int(found[2])) if found else ("It", 0)


def _by_signal(who: str, number: int, oom_kills: int) -> Cause:
    name = f"signal {number} ({signal.Signals(number).name})" if number in NAMED else f"signal {number}"
    if number == signal.SIGKILL and oom_kills:
        return MEMORY_RAN_OUT
    if number == signal.SIGKILL:
        by = "by somebody, or by the system because memory ran out"
        return Cause("lost", f"{who} was killed by {name}: {by}. Retry it; it goes on from its newest state.")
    if number in CRASHES:
        process = "The process" if who == "It" else who
        return Cause("infrastructure", f"{process} crashed with {name}: look at the log's last lines.")
    return Cause(
        "lost", f"{who} was ended from outside by {name}. Retry it; it goes on from its newest state."
    )


def _last_lines(tail: str) -> str:
    lines = [line.strip() for line in tail.splitlines() if line.strip()][-TAIL_LINES:]
    return f" Its log ends: {' | '.join(lines)[:500]}" if lines else " It printed nothing."
