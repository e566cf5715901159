"""Metric points going in: in bulk, folded into rollups and summaries on the way."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Float, Update, bindparam, case, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from backend.db import insert_on, lock_for_this_transaction
from backend.metrics.tables import Point, Rollup, Series
from backend.trees import Tree

POINTS_LOCK = 0x5CE_0002
LEVELS = range(1, 9)
"""Rollups fold 8, 64, ... 16,777,216 steps."""
MAX_KEY = 128


class NewPoint(NamedTuple):
    """One value of one metric, as the journal gave it."""

    key: str
    step: int
    epoch: float
    time: float
    value: float
    attempt: int


@dataclass(frozen=True)
class Fold:
    """Points in a row, folded. ``min`` and ``max`` are of the finite ones, None when there are none."""

    step: int
    last_step: int
    epoch: float
    time: float
    first: float | None
    last: float | None
    min: float | None
    max: float | None
    count: int


def block_size(level: int) -> int:
    return int(8**level)


def add_points(db: Session, *, run_id: int, points: Sequence[NewPoint]) -> None:
    """Append points of one run. Steps rise within an attempt; repeats are the caller's to keep out."""
    if not points:
        return
    # The page's cursor is the newest point's id: ids must rise in the order of commits.
    lock_for_this_transaction(db, POINTS_LOCK)
    series = _series_ids(db, run_id, points)
    # As plain rows, past the session: nobody holds these as objects, and a worker writes hundreds a second.
    connection = db.connection()
    connection.execute(insert(Point), [_row(series[point.key], point) for point in points])
    by_key: dict[str, list[NewPoint]] = {}
    for point in points:
        by_key.setdefault(point.key, []).append(point)
    summaries = [_summary_row(series[key], own) for key, own in by_key.items()]
    connection.execute(_update_summaries(), summaries)
    rollups = [row for key, own in by_key.items() for row in _rollup_rows(series[key], own)]
    connection.execute(_join_rollups(connection.dialect.name), rollups)


def finite(value: float) -> float | None:
    """The value, or None for NaN and infinities."""
    return value if math.isfinite(value) else None


def _row(series_id: int, point: NewPoint) -> Tree:
    value = finite(point.value)
    return {
        "series_id": series_id,
        "step": point.step,
        "epoch": point.epoch,
        "time": point.time,
        "value": value,
        "odd": None if value is not None else str(float(point.value)),
        "attempt": point.attempt,
    }


def _series_ids(db: Session, run_id: int, points: Sequence[NewPoint]) -> dict[str, int]:
    """Id of each metric's series; those that are new are made."""
    asked = select(Series.key, Series.id).where(Series.run_id == run_id)
    known = dict(db.execute(asked).all())
    for point in points:
        if point.key not in known:
            series = Series(run_id=run_id, key=point.key, first_step=point.step, last_step=point.step)
            db.add(series)
            db.flush()
            known[point.key] = series.id
    return known


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
        count=len(points),
    )


def joined(folds: Iterable[Fold]) -> Fold:
    """Folds in a row as one."""
    whole, *rest = folds
    for part in rest:
        whole = replace(
            whole,
            last_step=part.last_step,
            last=part.last,
            min=_least(whole.min, part.min),
            max=_most(whole.max, part.max),
            count=whole.count + part.count,
        )
    return whole


def _least(one: float | None, other: float | None) -> float | None:
    return min((value for value in (one, other) if value is not None), default=None)


def _most(one: float | None, other: float | None) -> float | None:
    return max((value for value in (one, other) if value is not None), default=None)


def _summary_row(series_id: int, points: Sequence[NewPoint]) -> Tree:
    new = fold(points)
    return {
        "series": series_id,
        "came": new.count,
        "step": new.step,
        "newest": new.last_step,
        "last": new.last,
        "least": new.min,
        "most": new.max,
    }


@cache
def _update_summaries() -> Update:
    """Built once: to put a statement together costs more than the database takes to carry it out."""
    step, newest = bindparam("step", type_=BigInteger), bindparam("newest", type_=BigInteger)
    return (
        update(Series)
        .where(Series.id == bindparam("series"))
        .values(
            num_points=Series.num_points + bindparam("came", type_=BigInteger),
            first_step=case((Series.first_step > step, step), else_=Series.first_step),
            last_step=case((Series.last_step < newest, newest), else_=Series.last_step),
            last_value=bindparam("last", type_=Float(53)),
            min_value=_smaller(Series.min_value, bindparam("least", type_=Float(53))),
            max_value=_larger(Series.max_value, bindparam("most", type_=Float(53))),
        )
    )


def _rollup_rows(series_id: int, points: Sequence[NewPoint]) -> list[Tree]:
    """One row per level and block; each level is folded from the one below it."""
    rows = []
    finer: dict[tuple[int, int], list[Fold]] = {}
    groups: dict[tuple[int, int], list[NewPoint]] = {}
    for point in points:
        groups.setdefault((point.attempt, point.step // 8), []).append(point)
    folds = {place: fold(own) for place, own in groups.items()}
    for level in LEVELS:
        for (attempt, block), whole in folds.items():
            rows.append(
                {"series_id": series_id, "level": level, "block": block, "attempt": attempt, **vars(whole)}
            )
        finer = {}
        for (attempt, block), whole in folds.items():
            finer.setdefault((attempt, block // 8), []).append(whole)
        folds = {place: joined(own) for place, own in finer.items()}
    return rows


@cache
def _join_rollups(dialect: str) -> sqlite.Insert | postgresql.Insert:
    """Join new folds to those of the same block that came before them. Built once, as above."""
    new = insert_on(dialect, Rollup)
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
