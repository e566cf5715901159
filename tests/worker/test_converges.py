"""Calls, crashes between any two statements, lost and doubled messages, clocks put back, two sweeps at once."""

from tests.worker.lab_machine import converges


def test_whatever_happens_it_converges_when_it_is_left_in_peace() -> None:
    """``make converges`` is the long form."""
    converges(examples=12, steps=40)
