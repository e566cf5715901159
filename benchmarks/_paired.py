"""How every benchmark measures: the sides in turn, A B A B, and the median of each round's ratio.

A side is timed in seconds of processor time of one thread, so that what else the machine does disturbs little; where
wall time is shown beside it, the two agree on a quiet machine.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

Work = Callable[[], object]


class Pair(NamedTuple):
    """Median seconds of each side, and the median of the ratios of each round."""

    theirs_s: float
    ours_s: float
    ratio: float


class Seconds(NamedTuple):
    """Processor time, of all threads of this process, and wall time."""

    cpu: float
    wall: float


def seconds(work: Work) -> Seconds:
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return Seconds(time.process_time() - cpu, time.perf_counter() - wall)


def cpu_s(work: Work) -> float:
    return seconds(work).cpu


def in_turn(sides: Mapping[str, Callable[[int], object]], *, rounds: int) -> dict[str, list[Seconds]]:
    """Seconds of each side in each round; a side is told the round, so that all do the same work in it.

    In its turn a side works three times, and its best counts: the first pays for the memory that the other gave back.
    """
    took: dict[str, list[Seconds]] = {name: [] for name in sides}
    for number in range(rounds):
        for name, side in sides.items():
            took[name].append(min(seconds(partial(side, number)) for _ in range(3)))
    return took


def pair_of(theirs: list[Seconds], ours: list[Seconds], *, wall: bool = False) -> Pair:
    """Two sides of ``in_turn``, by processor time or by wall time."""
    which = Seconds._fields.index("wall" if wall else "cpu")
    return summed([(one[which], other[which]) for one, other in zip(theirs, ours, strict=True)])


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
