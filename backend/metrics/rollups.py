"""Points folded into blocks of 8, 64, ... steps, so that a chart of a million of them reads a few thousand rows."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, case
from sqlalchemy.dialects import postgresql, sqlite

from backend.metrics.bulk import BulkRow, names_of, put, rows_into
from backend.metrics.points import NewPoint, finite
from backend.metrics.tables import Rollup

LEVELS = range(1, 9)
"""Rollups fold 8, 64, ... 16,777,216 steps."""
ROLLUP = names_of(Rollup)


class Fold(NamedTuple):
    """Points in a row, folded, in the order of a rollup's columns.

    ``min`` and ``max`` are of the finite ones, None when there are none.
    """

    step: int
    last_step: int
    epoch: float
    time: float
    first: float | None
    last: float | None
    min: float | None
    max: float | None
    num_points: int


def put_rollups(connection: Connection, points: Mapping[int, Sequence[NewPoint]]) -> None:
    """Fold points of several series, by the series' id, each in the order of the journal."""
    rows = [row for series_id, own in points.items() for row in _rows(series_id, own)]
    if rows:
        put(connection, _join(connection.dialect.name), ROLLUP, rows)


def fold(points: Sequence[NewPoint]) -> Fold:
    """Fold points that are in the order of the journal."""
    values = [value for point in points if (value := finite(point.value)) is not None]
    head, tail = points[0], points[-1]
    return Fold(
        step=head.step,
        last_step=tail.step,
        epoch=head.epoch,
        time=head.time,
        first=finite(head.value),
        last=finite(tail.value),
        min=min(values, default=None),
        max=max(values, default=None),
        num_points=len(points),
    )


def joined(folds: Iterable[Fold]) -> Fold:
    """Folds in a row as one."""
    whole, *rest = folds
    for part in rest:
        whole = whole._replace(
            last_step=part.last_step,
            last=part.last,
            min=_least(whole.min, part.min),
            max=_most(whole.max, part.max),
            num_points=whole.num_points + part.num_points,
        )
    return whole


def _least(one: float | None, other: float | None) -> float | None:
    return min((value for value in (one, other) if value is not None), default=None)


def _most(one: float | None, other: float | None) -> float | None:
    return max((value for value in (one, other) if value is not None), default=None)


def _rows(series_id: int, points: Sequence[NewPoint]) -> list[BulkRow]:
    """One row per level and block; each level is folded from the one below it."""
    rows: list[BulkRow] = []
    groups: dict[tuple[int, int], list[NewPoint]] = {}
    for point in points:
        groups.setdefault((point.attempt, point.step // 8), []).append(point)
    folds = {place: fold(own) for place, own in groups.items()}
    for level in LEVELS:
        if len(folds) == 1:  # and so in every coarser level, with the same fold
            (((attempt, block), whole),) = folds.items()
            same = [(coarser, block // 8 ** (coarser - level)) for coarser in LEVELS if coarser >= level]
            return rows + [(series_id, coarser, outer, attempt, *whole) for coarser, outer in same]
        rows += [(series_id, level, block, attempt, *whole) for (attempt, block), whole in folds.items()]
        finer: dict[tuple[int, int], list[Fold]] = {}
        for (attempt, block), whole in folds.items():
            finer.setdefault((attempt, block // 8), []).append(whole)
        folds = {place: joined(own) for place, own in finer.items()}
    return rows


@cache
def _join(dialect: str) -> sqlite.Insert | postgresql.Insert:
    """Join new folds to those of the same block that came before them.

    Built once: to put a statement together costs more than the database takes to carry it out.
    """
    new = rows_into(dialect, Rollup, ROLLUP)
    came = new.excluded
    return new.on_conflict_do_update(
        index_elements=[Rollup.series_id, Rollup.level, Rollup.block, Rollup.attempt],
        set_={
            "last_step": came.last_step,
            "last": came.last,
            "min": smaller(Rollup.min, came.min),
            "max": larger(Rollup.max, came.max),
            "count": Rollup.count + came.count,
        },
    )


def smaller(kept: Any, new: Any) -> Any:  # Any: a column, or a value
    """The smaller of two of which either may be NULL; SQLite's and PostgreSQL's own disagree on NULL."""
    return case((kept.is_(None), new), (new < kept, new), else_=kept)


def larger(kept: Any, new: Any) -> Any:  # Any: a column, or a value
    return case((kept.is_(None), new), (new > kept, new), else_=kept)
