"""How far a run has come, for who started it from a shell."""

import sys
import time

EVERY_S = 10.0


class ProgressLine:
    """One line that is written over in a terminal; in a log, a line every ten seconds."""

    def __init__(self) -> None:
        self._printed = -EVERY_S

    def show(self, phase: str, done: int, total: int, eta_s: float | None) -> None:
        left = "" if eta_s is None else f", {duration(eta_s)} left"
        line, is_last = f"{phase}: {done} of {total}{left}", done >= total
        if sys.stdout.isatty():
            print(f"\r{line}\x1b[K", end="\n" if is_last else "", flush=True)
        elif is_last or time.monotonic() - self._printed >= EVERY_S:
            self._printed = time.monotonic()
            print(line, flush=True)


def duration(seconds: float) -> str:
    """``45 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 d 4 h``: two units are as much as anybody reads."""
    rest = round(seconds)
    if rest < 60:
        return f"{rest} s"
    for small, large, size in (("s", "min", 60), ("min", "h", 60), ("h", "d", 24)):
        whole, part = divmod(rest, size)
        if whole < size or large == "d":
            return f"{whole} {large} {part} {small}"
        rest = whole
    raise AssertionError("days are the largest unit")
