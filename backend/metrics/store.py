"""Metric points going in: in bulk, folded into rollups and summaries on the way."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import case, insert, select, update
from sqlalchemy.orm import Session

from backend.db import insert_for, lock_for_this_transaction
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
    db.execute(insert(Point), [_row(series[point.key], point) for point in points])
    by_key: dict[str, list[NewPoint]] = {}
    for point in points:
        by_key.setdefault(point.key, []).append(point)
    for key, own in by_key.items():
        _update_summary(db, series[key], own)
    _add_rollups(db, [row for key, own in by_key.items() for row in _rollup_rows(series[key], own)])


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


def _update_summary(db: Session, series_id: int, points: Sequence[NewPoint]) -> None:
    new = fold(points)
    db.execute(
        update(Series)
        .where(Series.id == series_id)
        .values(
            num_points=Series.num_points + new.count,
            first_step=case((Series.first_step > new.step, new.step), else_=Series.first_step),
            last_step=case((Series.last_step < new.last_step, new.last_step), else_=Series.last_step),
            last_value=new.last,
            min_value=Series.min_value if new.min is None else _smaller(Series.min_value, new.min),
            max_value=Series.max_value if new.max is None else _larger(Series.max_value, new.max),
        )
        .execution_options(synchronize_session=False)
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


def _add_rollups(db: Session, rows: list[Tree]) -> None:
    """Join new folds to those of the same block that came before them."""
    new = insert_for(db, Rollup)
    came = new.excluded
    upsert = new.on_conflict_do_update(
        index_elements=[Rollup.series_id, Rollup.level, Rollup.block, Rollup.attempt],
        set_={
            "last_step": came.last_step,
            "last": came.last,
            "min": _smaller(Rollup.min, came.min),
            "max": _larger(Rollup.max, came.max),
            "count": Rollup.count + came.count,
        },
    )
    db.execute(upsert, rows)


def _smaller(kept: Any, new: Any) -> Any:  # Any: a column, or a value
    """The smaller of two of which either may be NULL; SQLite's and PostgreSQL's own disagree on NULL."""
    return case((kept.is_(None), new), (new < kept, new), else_=kept)


def _larger(kept: Any, new: Any) -> Any:  # Any: a column, or a value
    return case((kept.is_(None), new), (new > kept, new), else_=kept)
