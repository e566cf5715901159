"""A point on its way into the record."""

import math
from typing import NamedTuple


class NewPoint(NamedTuple):
    """One value of one metric, as the journal gave it."""

    key: str
    step: int
    epoch: float
    time: float
    value: float
    attempt: int


def finite(value: float) -> float | None:
    """The value, or None for NaN and infinities."""
    return value if math.isfinite(value) else None
