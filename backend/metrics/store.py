"""Metric points going in: in bulk, with the summaries and rollups that they change."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from backend.db import lock_for_this_transaction
from backend.metrics.bulk import BulkRow, append, names_of, put, rows_into
from backend.metrics.points import NewPoint, finite
from backend.metrics.rollups import fold, larger, put_rollups, smaller
from backend.metrics.tables import Point, Series

POINTS_LOCK = 0x5CE_0002
MAX_KEY = 128
AT_ONCE = 16
"""Points of a series that are folded together: eight rollups for each single one would be most of the work."""
POINT, SUMMARY = names_of(Point, without="id"), names_of(Series)

Place = tuple[int, str]
"""A run and a key: what names a series."""
Came = Mapping[Place, Sequence[NewPoint]]
"""New points of each series, in the order of the journal."""


class Known(NamedTuple):
    """A series that is there: its id, how many of its points are not folded yet, and the newest that is."""

    id: int
    num_unfolded: int
    folded_to: int


def add_points(db: Session, *, run_id: int, points: Sequence[NewPoint]) -> None:
    """Append points of one run. Steps rise within an attempt; repeats are the caller's to keep out."""
    add_points_of_runs(db, {run_id: points})


def add_points_of_runs(db: Session, points: Mapping[int, Sequence[NewPoint]]) -> None:
    """Append points of several runs, which cost little more together than one alone."""
    came: dict[Place, list[NewPoint]] = {}
    for run_id, own in points.items():
        for point in own:
            came.setdefault((run_id, point.key), []).append(point)
    if not came:
        return
    # The page's cursor is the newest point's id: ids must rise in the order of commits.
    lock_for_this_transaction(db, POINTS_LOCK)
    known = _known(db, came)
    to_fold = _to_fold(db, known, came)
    # Past the session: nobody holds these as objects, and a worker writes thousands a second.
    connection = db.connection()
    rows = [_row(known[run_id, point.key].id, point) for run_id, own in points.items() for point in own]
    append(connection, Point, POINT, rows)
    put_rollups(connection, to_fold)
    newest = db.scalar(select(func.max(Point.id))) or 0
    waiting = {
        place: Known(series.id, 0, newest) if series.id in to_fold else _grown(series, len(came[place]))
        for place, series in known.items()
        if place in came
    }
    summaries = [_summary_row(waiting[place], place, own) for place, own in came.items()]
    put(connection, _join_summaries(connection.dialect.name), SUMMARY, summaries)


def _known(db: Session, came: Came) -> dict[Place, Known]:
    """The series of these runs; those that are new are made."""
    columns = (Series.run_id, Series.key, Series.id, Series.num_unfolded, Series.folded_to)
    asked = select(*columns).where(Series.run_id.in_({run_id for run_id, _ in came}))
    known = {(run_id, key): Known(*rest) for run_id, key, *rest in db.execute(asked)}
    new = {
        (run_id, key): Series(run_id=run_id, key=key, first_step=own[0].step, last_step=own[0].step)
        for (run_id, key), own in came.items()
        if (run_id, key) not in known
    }
    db.add_all(new.values())
    db.flush()
    return known | {place: Known(series.id, 0, 0) for place, series in new.items()}


def _to_fold(db: Session, known: Mapping[Place, Known], came: Came) -> dict[int, list[NewPoint]]:
    """By the id of its series: points of which enough have come together, with those that waited."""
    full = {known[place]: own for place, own in came.items() if _is_full(known[place], len(own))}
    waited = _unfolded(db, [series.id for series in full if series.num_unfolded])
    return {series.id: [*waited.get(series.id, ()), *own] for series, own in full.items()}


def _is_full(series: Known, num_new: int) -> bool:
    return series.num_unfolded + num_new >= AT_ONCE


def _unfolded(db: Session, series_ids: Sequence[int]) -> dict[int, list[NewPoint]]:
    """Points that no rollup holds yet, in the order of the journal."""
    if not series_ids:
        return {}
    columns = (Point.step, Point.epoch, Point.time, Point.value, Point.odd, Point.attempt)
    asked = (
        select(Series.id, *columns)
        .join(Point, (Point.series_id == Series.id) & (Point.id > Series.folded_to))
        .where(Series.id.in_(series_ids))
        .order_by(Series.id, Point.id)
    )
    found: dict[int, list[NewPoint]] = {}
    for series_id, step, epoch, time, value, odd, attempt in db.execute(asked):
        number = float(odd or "nan") if value is None else value
        found.setdefault(series_id, []).append(NewPoint("", step, epoch, time, number, attempt))
    return found


def _row(series_id: int, point: NewPoint) -> BulkRow:
    value = finite(point.value)
    odd = None if value is not None else str(float(point.value))
    return series_id, point.step, point.epoch, point.time, value, odd, point.attempt


def _grown(series: Known, num_new: int) -> Known:
    return series._replace(num_unfolded=series.num_unfolded + num_new)


def _summary_row(series: Known, place: Place, points: Sequence[NewPoint]) -> BulkRow:
    new, steps = fold(points), [point.step for point in points]
    shown = (new.num_points, min(steps), max(steps), new.last, new.min, new.max)
    return series.id, *place, *shown, series.num_unfolded, series.folded_to


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
            "first_step": smaller(Series.first_step, came.first_step),
            "last_step": larger(Series.last_step, came.last_step),
            "last_value": came.last_value,
            "min_value": smaller(Series.min_value, came.min_value),
            "max_value": larger(Series.max_value, came.max_value),
            "num_unfolded": came.num_unfolded,
            "folded_to": came.folded_to,
        },
    )
