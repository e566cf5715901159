"""How every benchmark measures: two sides in turn, A B A B, and the median of each pair's ratio.

A side is timed in seconds of processor time of one thread, so that what else the machine does disturbs little.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

Work = Callable[[], object]


class Pair(NamedTuple):
    """Median seconds of each side, and the median of the ratios of each round."""

    theirs_s: float
    ours_s: float
    ratio: float


def cpu_s(work: Work) -> float:
    """Seconds of processor time, of all threads of this process."""
    began = time.process_time()
    work()
    return time.process_time() - began


def paired(theirs: Work, ours: Work, *, rounds: int) -> Pair:
    return summed([(cpu_s(theirs), cpu_s(ours)) for _ in range(rounds)])


def summed(rounds: list[tuple[float, float]]) -> Pair:
    """The medians of rounds of (their seconds, our seconds)."""
    return Pair(
        statistics.median(theirs for theirs, _ in rounds),
        statistics.median(ours for _, ours in rounds),
        statistics.median(theirs / ours for theirs, ours in rounds),
    )


def machine() -> str:
    """The processor, in words."""
    try:
        with open("/proc/cpuinfo") as lines:
            names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = [platform.processor()]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"
