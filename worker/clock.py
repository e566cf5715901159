"""Clocks of a worker: each does one thing every so often, or at once when it is woken.

A tick that fails is said in the log, counted, and comes later the next time; the clock goes on. What a
failing tick left undone is still in the rows, for the tick after it.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 30.0


class Clock(threading.Thread):
    """Calls ``action`` every ``period_s`` seconds until stopped."""

    def __init__(self, name: str, period_s: float, action: Callable[[], object]) -> None:
        super().__init__(name=f"clock-{name}", daemon=True)
        self.period_s = period_s
        self.failures = 0
        self._action = action
        self._woken = threading.Event()
        self._stopped = False

    def run(self) -> None:
        while not self._stopped:
            self._woken.clear()
            self._note(failure_of(self._action))
            self._woken.wait(self.pause_s())

    def pause_s(self) -> float:
        """Until the next tick; after failures in a row it doubles."""
        return min(self.period_s * 2.0 ** min(self.failures, 10), max(LONGEST_PAUSE_S, self.period_s))

    def wake(self) -> None:
        self._woken.set()

    def stop(self) -> None:
        self._stopped = True
        self._woken.set()

    def _note(self, failure: Exception | None) -> None:
        if failure is None:
            self.failures = 0
            return
        self.failures += 1
        log.error("%s failed, %d in a row", self.name, self.failures, exc_info=failure)


def failure_of(action: Callable[[], object]) -> Exception | None:
    """What the action raised, as a value: the caller says it, counts it and goes on with the next one."""
    try:
        action()
    except Exception as error:  # noqa: BLE001 - one run's or one tick's trouble must not stop the others
        return error
    return None


@dataclass
class Clocks:
    """The clocks of one worker, by name."""

    clocks: dict[str, Clock] = field(default_factory=dict)

    def add(self, name: str, period_s: float, action: Callable[[], object]) -> None:
        self.clocks[name] = Clock(name, period_s, action)

    def start(self) -> None:
        for clock in self.clocks.values():
            clock.start()

    def wake(self, name: str) -> None:
        if name in self.clocks:
            self.clocks[name].wake()

    def stop(self) -> None:
        for clock in self.clocks.values():
            clock.stop()
        for clock in self.clocks.values():
            clock.join(timeout=10)
