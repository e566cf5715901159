"""Reading curves: a million points are never read, only what a chart of some width can show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, literal, select, union_all
from sqlalchemy.orm import Session

from backend.metrics.buckets import Piece, Row, bucket_size, fold_rows, level_for, pieces
from backend.metrics.tables import Point, Rollup, Series
from backend.metrics.views import MetricsView, SeriesSummary, SeriesView
from backend.runs.attempts import superseded_after
from backend.runs.reading import get_run

Cutoffs = Mapping[int, Mapping[int, int]]
"""By run and attempt: the step beyond which its points are superseded."""
MAX_BUCKETS = 500_000
"""Over all series of one answer; the width is narrowed to keep it."""
MAX_SINCE = 20_000
"""Points in one answer to ``after``; the cursor then stands at the last of them."""


@dataclass(frozen=True)
class Asked:
    """Which curves, how much of them, and how fine."""

    run_ids: Sequence[int]
    keys: Sequence[str]
    first_step: int | None = None
    last_step: int | None = None
    width: int = 800
    after: int | None = None


@dataclass(frozen=True)
class Span:
    """Steps of one attempt, both ends included; attempt None is every attempt."""

    attempt: int | None
    first_step: int
    last_step: int
    is_superseded: bool = False


def list_series(db: Session, run_id: int) -> list[SeriesSummary]:
    """Raises ``NotFound``."""
    get_run(db, run_id)
    asked = select(Series).where(Series.run_id == run_id).order_by(Series.key)
    return [_summary(row) for row in db.scalars(asked)]


def read_metrics(db: Session, asked: Asked) -> MetricsView:
    """Curves in buckets; with a cursor, only what came after it."""
    rows = _series(db, asked.run_ids, asked.keys)
    cutoffs = superseded_after(db, {row.run_id for row in rows})
    if asked.after is not None:
        return _since_cursor(db, rows, cutoffs, asked.after)
    return _curves(db, rows, cutoffs, asked)


def _curves(db: Session, rows: Sequence[Series], cutoffs: Cutoffs, asked: Asked) -> MetricsView:
    """At most ``width`` buckets each. All series carry the same cursor."""
    width = max(1, min(asked.width, MAX_BUCKETS // max(len(rows), 1)))
    # Before the curves are read: what is committed meanwhile is told again, and never missed.
    cursor = _cursor(db, rows)
    steps = (asked.first_step, asked.last_step)
    return MetricsView(
        series=[_curve(db, row, cutoffs.get(row.run_id, {}), steps, width, cursor) for row in rows]
    )


def _since_cursor(db: Session, rows: Sequence[Series], cutoffs: Cutoffs, after: int) -> MetricsView:
    """Points after the cursor, unfolded; ask again with the new cursor until nothing comes."""
    asked = (
        select(Point)
        .where(Point.series_id.in_([row.id for row in rows]), Point.id > after)
        .order_by(Point.id)
        .limit(MAX_SINCE)
    )
    points = db.scalars(asked).all()
    cursor = points[-1].id if points else after
    return MetricsView(series=[_since(row, points, cutoffs.get(row.run_id, {}), cursor) for row in rows])


def _series(db: Session, run_ids: Sequence[int], keys: Sequence[str]) -> list[Series]:
    asked = select(Series).where(Series.run_id.in_(run_ids), Series.key.in_(keys))
    return list(db.scalars(asked.order_by(Series.run_id, Series.key)))


def _summary(row: Series) -> SeriesSummary:
    return SeriesSummary(
        key=row.key,
        num_points=row.num_points,
        first_step=row.first_step,
        last_step=row.last_step,
        last=row.last_value,
        min=row.min_value,
        max=row.max_value,
    )


def _cursor(db: Session, rows: Sequence[Series]) -> int:
    newest = select(func.max(Point.id)).where(Point.series_id == Series.id).scalar_subquery()
    asked = select(newest).where(Series.id.in_([row.id for row in rows]))
    return max((point_id for point_id in db.scalars(asked) if point_id is not None), default=0)


def _curve(
    db: Session,
    row: Series,
    cutoffs: Mapping[int, int],
    asked: tuple[int | None, int | None],
    width: int,
    cursor: int,
) -> SeriesView:
    first = row.first_step if asked[0] is None else max(asked[0], row.first_step)
    last = row.last_step if asked[1] is None else min(asked[1], row.last_step)
    size, level = 1, 0
    if last >= first and not _fits(db, row, first, last, width):
        size = bucket_size(first, last, width)
        level = level_for(size)
    if first == row.first_step and last == row.last_step:
        # The whole curve: whole blocks, with nothing outside to keep out.
        first, last = first // 8**level * 8**level, (last // 8**level + 1) * 8**level - 1
    found = [
        folded
        for span in spans(cutoffs, first, last)
        for piece in pieces(span.first_step, span.last_step, level)
        for folded in _read(db, row.id, span, piece)
    ]
    columns = fold_rows(found, size=size, width=width)
    is_raw = all(count == 1 for count in columns.count)
    return SeriesView(run_id=row.run_id, key=row.key, cursor=cursor, is_raw=is_raw, **vars(columns))


def _fits(db: Session, row: Series, first: int, last: int, width: int) -> bool:
    """Whether the range holds at most ``width`` points, so that they can be given as they are."""
    if row.num_points <= width:
        return True
    some = select(Point.id).where(Point.series_id == row.id, Point.step.between(first, last)).limit(width + 1)
    return (db.scalar(select(func.count()).select_from(some.subquery())) or 0) <= width


def spans(cutoffs: Mapping[int, int], first: int, last: int) -> list[Span]:
    """The range by attempt, cut where a later attempt took over; whole when none did."""
    if not any(cutoff < last for cutoff in cutoffs.values()):
        return [Span(None, first, last)]
    newest = max(cutoffs) + 1
    whole = [Span(number, first, min(cutoff, last)) for number, cutoff in cutoffs.items()]
    again = [Span(number, max(first, cutoff + 1), last, True) for number, cutoff in cutoffs.items()]
    return [span for span in (*whole, *again, Span(newest, first, last)) if span.first_step <= span.last_step]


def _read(db: Session, series_id: int, span: Span, piece: Piece) -> Sequence[Row]:
    size = 8**piece.level
    points = _points(series_id, span, piece.first_block * size, (piece.last_block + 1) * size - 1)
    if piece.level == 0:
        return [tuple(row) for row in db.execute(points).all()]
    # In one statement, so that a point that is folded meanwhile is neither read twice nor missed.
    folded_to = select(Series.folded_to).where(Series.id == series_id).scalar_subquery()
    both = union_all(_rollups(series_id, span, piece), points.where(Point.id > folded_to))
    return [tuple(row) for row in db.execute(both).all()]


def _points(
    series_id: int, span: Span, first_step: int, last_step: int
) -> Select[*tuple[Any, ...]]:  # Any: columns
    value = Point.value
    columns = (Point.step, Point.epoch, Point.time, value, value, value, value)
    asked = select(*columns, literal(1), literal(int(span.is_superseded))).where(
        Point.series_id == series_id, Point.step.between(first_step, last_step)
    )
    return asked if span.attempt is None else asked.where(Point.attempt == span.attempt)


def _rollups(series_id: int, span: Span, piece: Piece) -> Select[*tuple[Any, ...]]:  # Any: columns
    columns = (Rollup.step, Rollup.epoch, Rollup.time, Rollup.first, Rollup.last, Rollup.min, Rollup.max)
    asked = select(*columns, Rollup.count, literal(int(span.is_superseded))).where(
        Rollup.series_id == series_id,
        Rollup.level == piece.level,
        Rollup.block.between(piece.first_block, piece.last_block),
    )
    return asked if span.attempt is None else asked.where(Rollup.attempt == span.attempt)


def _since(row: Series, points: Sequence[Point], cutoffs: Mapping[int, int], cursor: int) -> SeriesView:
    own = [point for point in points if point.series_id == row.id]
    values = [point.value for point in own]
    return SeriesView(
        run_id=row.run_id,
        key=row.key,
        step=[point.step for point in own],
        epoch=[point.epoch for point in own],
        time=[point.time for point in own],
        min=values,
        max=values,
        first=values,
        last=values,
        count=[1] * len(own),
        superseded=[point.step > cutoffs.get(point.attempt, point.step) for point in own],
        cursor=cursor,
        is_raw=True,
    )
