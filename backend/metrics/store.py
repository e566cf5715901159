"""Metric points going in: in bulk, folded into rollups and summaries on the way."""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import case, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from backend.db import lock_for_this_transaction
from backend.metrics.bulk import BulkRow, append, names_of, put, rows_into
from backend.metrics.tables import Point, Rollup, Series

POINTS_LOCK = 0x5CE_0002
LEVELS = range(1, 9)
"""Rollups fold 8, 64, ... 16,777,216 steps."""
MAX_KEY = 128
POINT, SUMMARY, ROLLUP = names_of(Point, without="id"), names_of(Series), names_of(Rollup)


class NewPoint(NamedTuple):
    """One value of one metric, as the journal gave it."""

    key: str
    step: int
    epoch: float
    time: float
    value: float
    attempt: int


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


Place = tuple[int, str]
"""A run and a key: what names a series."""


def block_size(level: int) -> int:
    return int(8**level)


def add_points(db: Session, *, run_id: int, points: Sequence[NewPoint]) -> None:
    """Append points of one run. Steps rise within an attempt; repeats are the caller's to keep out."""
    add_points_of_runs(db, {run_id: points})


def add_points_of_runs(db: Session, came: Mapping[int, Sequence[NewPoint]]) -> None:
    """Append points of several runs, which cost little more together than one alone."""
    by_series: dict[Place, list[NewPoint]] = {}
    for run_id, points in came.items():
        for point in points:
            by_series.setdefault((run_id, point.key), []).append(point)
    if not by_series:
        return
    # The page's cursor is the newest point's id: ids must rise in the order of commits.
    lock_for_this_transaction(db, POINTS_LOCK)
    ids = _series_ids(db, by_series)
    rows = [_row(ids[run_id, point.key], point) for run_id, points in came.items() for point in points]
    summaries = [_summary_row(ids[place], place, own) for place, own in by_series.items()]
    rollups = [row for place, own in by_series.items() for row in _rollup_rows(ids[place], own)]
    # Past the session: nobody holds these as objects, and a worker writes thousands a second.
    connection = db.connection()
    append(connection, Point, POINT, rows)
    put(connection, _join_summaries(connection.dialect.name), SUMMARY, summaries)
    put(connection, _join_rollups(connection.dialect.name), ROLLUP, rollups)


def finite(value: float) -> float | None:
    """The value, or None for NaN and infinities."""
    return value if math.isfinite(value) else None


def _row(series_id: int, point: NewPoint) -> BulkRow:
    value = finite(point.value)
    odd = None if value is not None else str(float(point.value))
    return series_id, point.step, point.epoch, point.time, value, odd, point.attempt


def _series_ids(db: Session, came: Mapping[Place, Sequence[NewPoint]]) -> dict[Place, int]:
    """Id of each metric's series; those that are new are made."""
    asked = select(Series.run_id, Series.key, Series.id).where(Series.run_id.in_({run for run, _ in came}))
    known = {(run_id, key): series_id for run_id, key, series_id in db.execute(asked)}
    new = {
        (run_id, key): Series(run_id=run_id, key=key, first_step=own[0].step, last_step=own[0].step)
        for (run_id, key), own in came.items()
        if (run_id, key) not in known
    }
    db.add_all(new.values())
    db.flush()
    return known | {place: series.id for place, series in new.items()}


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


def _summary_row(series_id: int, place: Place, points: Sequence[NewPoint]) -> BulkRow:
    new, steps = fold(points), [point.step for point in points]
    return series_id, *place, new.num_points, min(steps), max(steps), new.last, new.min, new.max


@cache
def _join_summaries(dialect: str) -> sqlite.Insert | postgresql.Insert:
    """Join what came to what each series showed before; the rows of series are there.

    Built once: to put a statement together costs more than the database takes to carry it out.
    """
    new = rows_into(dialect, Series, SUMMARY)
    came = new.excluded
    return new.on_conflict_do_update(
        index_elements=[Series.id],
        set_={
            "num_points": Series.num_points + came.num_points,
            "first_step": _smaller(Series.first_step, came.first_step),
            "last_step": _larger(Series.last_step, came.last_step),
            "last_value": came.last_value,
            "min_value": _smaller(Series.min_value, came.min_value),
            "max_value": _larger(Series.max_value, came.max_value),
        },
    )


def _rollup_rows(series_id: int, points: Sequence[NewPoint]) -> list[BulkRow]:
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
def _join_rollups(dialect: str) -> sqlite.Insert | postgresql.Insert:
    """Join new folds to those of the same block that came before them. Built once, as above."""
    new = rows_into(dialect, Rollup, ROLLUP)
    came = new.excluded
    return new.on_conflict_do_update(
        index_elements=[Rollup.series_id, Rollup.level, Rollup.block, Rollup.attempt],
        set_={
            "last_step": came.last_step,
            "last": came.last,
            "min": _smaller(Rollup.min, came.min),
            "max": _larger(Rollup.max, came.max),
            "count": Rollup.count + came.count,
        },
    )


def _smaller(kept: Any, new: Any) -> Any:  # Any: a column, or a value
    """The smaller of two of which either may be NULL; SQLite's and PostgreSQL's own disagree on NULL."""
    return case((kept.is_(None), new), (new < kept, new), else_=kept)


def _larger(kept: Any, new: Any) -> Any:  # Any: a column, or a value
    return case((kept.is_(None), new), (new > kept, new), else_=kept)
