"""Signals that ask a run to leave. Imports nothing slow: they may come in the first second."""

import signal
from types import FrameType

from sce.rundir import StopReason

# Ctrl-C, an end by the operating system, and SLURM's warning before the time limit.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2)


def listen(asked: list[StopReason]) -> None:
    """From now on a signal adds its reason to ``asked``, and does no more: saving inside a handler hangs."""

    def note(number: int, _: FrameType | None) -> None:
        # Who presses Ctrl-C wants it stopped; everybody else takes the machine away for a while.
        asked.append("stop" if number == signal.SIGINT else "preempt")

    for number in SIGNALS:
        signal.signal(number, note)
