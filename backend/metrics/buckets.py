"""How a curve is cut into buckets, decided purely: which blocks to read, and how they fold."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

MAX_LEVEL = 8
Row = tuple[float | None, ...]
"""step, epoch, time, first, last, min, max, count, superseded; steps rise within a superseded flag."""


@dataclass(frozen=True)
class Piece:
    """Whole blocks of one level, both ends included; level 0 are single points, by step."""

    level: int
    first_block: int
    last_block: int


@dataclass
class Columns:
    """A folded curve, one entry a bucket."""

    step: list[int] = field(default_factory=list)
    epoch: list[float] = field(default_factory=list)
    time: list[float] = field(default_factory=list)
    min: list[float | None] = field(default_factory=list)
    max: list[float | None] = field(default_factory=list)
    first: list[float | None] = field(default_factory=list)
    last: list[float | None] = field(default_factory=list)
    count: list[int] = field(default_factory=list)
    superseded: list[bool] = field(default_factory=list)


def bucket_size(first_step: int, last_step: int, width: int) -> int:
    """Smallest power of two that cuts the range into about ``width`` parts.

    Powers of two, aligned at 0, stay where they are while a run goes on.
    """
    share = max((last_step - first_step + 1) / width, 1.0)
    return int(2 ** math.ceil(math.log2(share)))


def level_for(size: int) -> int:
    """The coarsest level whose blocks fit into buckets of this size; 0 when only points do."""
    return min((size.bit_length() - 1) // 3, MAX_LEVEL)


def pieces(first_step: int, last_step: int, level: int) -> list[Piece]:
    """Cut a range of steps into whole blocks: the largest in the middle, finer ones towards its ends."""
    if first_step > last_step:
        return []
    if level == 0:
        return [Piece(0, first_step, last_step)]
    size = 8**level
    head, tail = -(-first_step // size), (last_step + 1) // size - 1
    if head > tail:
        return pieces(first_step, last_step, level - 1)
    return [
        *pieces(first_step, head * size - 1, level - 1),
        Piece(level, head, tail),
        *pieces((tail + 1) * size, last_step, level - 1),
    ]


def fold_rows(rows: Sequence[Row], *, size: int, width: int) -> Columns:
    """Fold rows into at most ``width`` buckets of ``size`` steps or a multiple; superseded ones apart.

    Minimum and maximum are of finite values and are never lost; None where there are none.
    """
    if not rows:
        return Columns()
    table = np.array(rows, dtype=np.float64)
    table = table[np.lexsort((table[:, 0], table[:, 8]))]
    starts = _starts(table, size)
    while len(starts) > width and size < 2**62:
        size *= 2
        starts = _starts(table, size)
    if len(starts) > width:  # one bucket for kept and superseded steps alike
        starts = np.zeros(1, dtype=np.int64)
    return _columns(table, starts)


def _starts(table: np.ndarray, size: int) -> np.ndarray:
    """Row at which each bucket begins."""
    bucket, flag = table[:, 0] // size, table[:, 8]
    is_new = (np.diff(bucket) != 0) | (np.diff(flag) != 0)
    return np.concatenate([[0], np.flatnonzero(is_new) + 1])


def _columns(table: np.ndarray, starts: np.ndarray) -> Columns:
    ends = np.append(starts[1:], len(table)) - 1
    heads = table[starts]
    order = np.lexsort((heads[:, 8], heads[:, 0]))
    return Columns(
        step=heads[order, 0].astype(np.int64).tolist(),
        epoch=heads[order, 1].tolist(),
        time=heads[order, 2].tolist(),
        first=_or_none(heads[order, 3]),
        last=_or_none(table[ends, 4][order]),
        min=_or_none(np.fmin.reduceat(table[:, 5], starts)[order]),
        max=_or_none(np.fmax.reduceat(table[:, 6], starts)[order]),
        count=np.add.reduceat(table[:, 7], starts)[order].astype(np.int64).tolist(),
        superseded=(heads[order, 8] > 0).tolist(),
    )


def _or_none(values: np.ndarray) -> list[float | None]:
    """NaN is no JSON: a value that was none is None."""
    return [None if math.isnan(value) else value for value in values.tolist()]
