"""Readers stay until their trainer lets them go.

A scheduler that takes a machine away tells every process of a job, and a reader that leaves first is a crash to its
trainer, which then saves nothing. Without a trainer they leave by themselves: each looks whether its parent lives.
"""

import signal

TOLD_TO_ALL = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


def stay(_: int = 0) -> None:
    """What each reader does first; torch has put a handler of its own over the one that came with the fork."""
    for number in TOLD_TO_ALL:
        signal.signal(number, signal.SIG_IGN)
