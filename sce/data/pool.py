"""Work on many files in several processes, where a file may take its process down with it."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

Thing = TypeVar("Thing")
Outcome = TypeVar("Outcome")


def outcomes_of(
    work: Callable[[Thing], Outcome],
    things: Sequence[Thing],
    processes: int,
    lost: Callable[[Thing], Outcome],
) -> Iterator[Outcome]:
    """One outcome a thing, in order; ``lost`` makes that of one whose process died. No other is lost with it."""
    if processes <= 1:
        yield from map(work, things)
        return
    done = 0
    # Spawned, not forked: the caller may hold threads and locks that a fork would copy halfway.
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
    try:
        waiting = [pool.submit(work, thing) for thing in things]
        for future in waiting:
            yield future.result()
            done += 1
    except BrokenProcessPool:
        pass
    finally:
        # Also when nobody listens any more: what has not begun is not begun.
        pool.shutdown(cancel_futures=True)
    yield from (_alone(work, thing, lost) for thing in things[done:])


def _alone(work: Callable[[Thing], Outcome], thing: Thing, lost: Callable[[Thing], Outcome]) -> Outcome:
    """After a crash: each thing in a process of its own, which alone can be lost."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(work, thing).result()
        except BrokenProcessPool:
            return lost(thing)
