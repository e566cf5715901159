"""How far a long work is, and how long the rest will take."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

WORDS = {"convert": "Converting", "write": "Writing pictures", "index": "Opening every file once"}


@dataclass
class Pace:
    """Measures a stage from its first file on. ``says`` is True when the last word was long enough ago."""

    every_s: float = 2.0
    clock: Callable[[], float] = time.monotonic
    _stage: str = ""
    _began: tuple[float, int] = (0.0, 0)
    _said_at: float = field(default=float("-inf"))

    def says(self, stage: str, done: int, total: int) -> bool:
        moment = self.clock()
        if stage != self._stage:
            self._stage, self._began = stage, (moment, done)
        if done < total and moment - self._said_at < self.every_s:
            return False
        self._said_at = moment
        return True

    def eta_s(self, done: int, total: int) -> float | None:
        """Seconds that the rest of the stage will take; None while nobody can know."""
        began, first = self._began
        if done <= first:
            return None
        return (self.clock() - began) / (done - first) * (total - done)


def duration_words(seconds: float) -> str:
    minutes, hours = round(seconds / 60), seconds / 3600
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{hours:.1f} h"


def line_of(stage: str, done: int, total: int, bad: int, eta_s: float | None) -> str:
    rest = f", {duration_words(eta_s)} left" if eta_s is not None and done < total else ""
    faults = f", {bad:,} cannot be used" if bad else ""
    return f"{WORDS[stage]}: {done:,} of {total:,}{faults}{rest}"
